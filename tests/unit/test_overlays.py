"""Overlays: entries that differ on a platform or under a tag, over a baseline that all others share."""

import math
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_nbrepro import baselines, capture, files, notebook
from pytest_nbrepro.baselines import COMMON, Draft, Terms, copy_of, merged, read_merged
from pytest_nbrepro.errors import BaselineError
from pytest_nbrepro.model import Artifact, CheckStatus, Metric, Run, RunStatus, Spec
from pytest_nbrepro.verdict import judge

ARM, X86 = ("linux-aarch64",), ("linux-x86_64",)
CUDA = (*ARM, "cuda")


def cell(name, text="", *shown, source=None):
    outputs = [{"name": "stdout", "output_type": "stream", "text": [text]}] if text else []
    outputs += [
        {"data": {"text/plain": [f"{a}: sha256 0"]}, "metadata": {}, "output_type": "display_data"}
        for a in shown
    ]
    return {
        "cell_type": "code",
        "id": name,
        "metadata": {},
        "source": [source or f"# {name}\n"],
        "outputs": outputs,
        "execution_count": None,
    }


def make(folder, metrics=None, content=None, texts=None, environment=None, stored="file"):
    """Write a baseline into a fresh folder, and read it."""
    artifacts, sources = {}, {}
    for name, text in (content or {}).items():
        path = folder.parent / f"source-{folder.name}" / name
        files.write_bytes(path, text.encode())
        artifacts[name] = Artifact(
            name, "text", f"files/{name}", files.sha256(path), len(text), stored=stored
        )
        sources[name] = path
    cells = [cell(name, text) for name, text in (texts or {}).items()]
    draft = Draft(
        {
            n: v if isinstance(v, Metric) else Metric(v, capture.dtype_of(v))
            for n, v in (metrics or {}).items()
        },
        artifacts,
        sources if stored != "hash" else {},
        {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5},
        environment or {"schema": 1, "platform": folder.name},
        once=False,
        fixture=False,
    )
    baselines.write_tree(draft, folder)
    return baselines.read(folder)


class Kit:
    """A case with a common baseline, and values of runs that are accepted."""

    def __init__(self, root):
        self.root, self.target, self.count = root, root / "baselines/a/default", 0

    def begin(self, **values):
        make(self.target, **values)

    def accept(self, tags, overlay=COMMON, *, taken=None, intended=False, why="", **values):
        """Accept a run's values."""
        self.count += 1
        candidate = make(self.root / f"pending-{self.count}", **values)
        terms = Terms(why, overlay, intended, None if taken is None else frozenset(taken))
        plan = baselines.plan(candidate, self.target, tags, terms)
        baselines.exchange(plan.tree, self.target, plan.tags)
        return plan.placed

    def values(self, tags=(), kind="metrics"):
        side = read_merged(self.target, tags)
        if kind == "metrics":
            return {name: metric.value for name, metric in side.metrics.items()}
        if kind == "texts":
            return {c.id: baselines.stored_text(c) for c in copy_of(side).code}
        return {n: (side.folder_of(n) / a.path).read_text() for n, a in side.artifacts.items()}

    def overlays(self):
        return {tag: dict(side.metrics) for tag, side in baselines.read_overlays(self.target).items()}

    def judge(self, tags, metrics, texts=None, content=None):
        """Judge a run that gives these values."""
        folder = self.root / "run"
        artifacts = {}
        for name, text in (content or {}).items():
            files.write_bytes(folder / "files" / name, text.encode())
            sha = files.sha256(folder / "files" / name)
            artifacts[name] = Artifact(name, "text", f"files/{name}", sha, len(text))
        run = Run(
            "1",
            folder,
            "a.ipynb",
            "default",
            {},
            RunStatus.COMPLETED,
            "",
            metrics={n: Metric(v, capture.dtype_of(v)) for n, v in metrics.items()},
            artifacts=artifacts,
        )
        raw = {
            "cells": [cell(n, t) for n, t in (texts or {}).items()],
            "metadata": {},
            "nbformat": 4,
            "nbformat_minor": 5,
        }
        executed = notebook.parse(files.dump_json(raw), folder / "a.ipynb")
        side = read_merged(self.target, tags)
        return judge(run, executed, side, copy_of(side), Spec(), capture.Hidden())


@pytest.fixture(scope="module", autouse=True)
def quick():
    """Let nothing wait for the disk."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: None)
        yield


@pytest.fixture
def kit(tmp_path):
    return Kit(tmp_path)


def tree(folder):
    return {
        p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()
    }


class TestTags:
    def test_the_platform_comes_first_and_each_tag_once(self):
        record = {"platform": "linux-x86_64", "tags": ["cuda", "linux-x86_64", "cuda"]}
        assert baselines.tags_of(record) == ("linux-x86_64", "cuda")

    @pytest.mark.parametrize(
        "record", [{}, {"platform": None, "tags": None}, {"platform": "../x", "tags": ["a b", 3]}]
    )
    def test_what_is_no_tag_is_none(self, record):
        assert baselines.tags_of(record) == ()


VALUES = st.dictionaries(st.sampled_from("abcd"), st.floats(allow_nan=False) | st.integers(), min_size=1)
TEXTS = st.dictionaries(st.sampled_from(["c1", "c2", "c3"]), st.sampled_from(["", "one", "two"]))
CONTENT = st.dictionaries(st.sampled_from(["x.txt", "y.txt"]), st.sampled_from(["1", "2"]))


@given(VALUES, TEXTS, CONTENT)
def test_over_nothing_a_baseline_is_itself(tmp_path_factory, metrics, texts, content):
    side = make(tmp_path_factory.mktemp("b") / "b", metrics, content, texts)
    assert merged(side, {}) == side
    empty = make(side.folder.with_name("empty"))
    over = merged(side, {"cuda": empty})
    assert (over.metrics, over.artifacts, over.origins) == (side.metrics, side.artifacts, {})
    assert copy_of(over).cells == copy_of(side).cells


@settings(max_examples=30)
@given(VALUES, TEXTS, CONTENT, st.data())
def test_what_an_overlay_takes_in_counts_there_and_nowhere_else(
    tmp_path_factory, metrics, texts, content, data
):
    kit = Kit(tmp_path_factory.mktemp("k"))
    kit.begin(metrics=metrics, texts=texts, content=content)
    there = {
        "metrics": {n: data.draw(st.just(v) | st.integers(0, 9)) for n, v in metrics.items()},
        "texts": {n: data.draw(st.sampled_from(["", "one", "three"])) for n in texts},
        "content": {n: data.draw(st.sampled_from(["1", "3"])) for n in content},
    }
    before, elsewhere = tree(kit.target), kit.judge(X86, **there)
    kit.accept(ARM, ARM[0], **there)
    after = tree(kit.target)
    assert {p: c for p, c in after.items() if not p.startswith("overlay/")} == before
    assert kit.judge(ARM, **there).ok
    here = {"metrics": metrics, "texts": texts, "content": content}
    assert kit.judge(X86, **here).ok
    assert kit.judge(X86, **there) == elsewhere
    held = baselines.read_overlays(kit.target).get(ARM[0])
    differing = {n for n in metrics if repr(metrics[n]) != repr(there["metrics"][n])}
    assert (set(held.metrics) if held else set()) == differing
    assert (set(held.artifacts) if held else set()) == {
        n for n in content if content[n] != there["content"][n]
    }
    kit.accept(ARM, **here)  # as everywhere: nothing is left to say
    assert tree(kit.target).keys() == before.keys()


class TestMerging:
    def test_later_tags_win_entry_by_entry(self, kit):
        kit.begin(metrics={"a": 1.0, "b": 1.0, "c": 1.0}, content={"x.txt": "1"}, texts={"c1": "one"})
        kit.accept(
            CUDA,
            ARM[0],
            metrics={"a": 2.0, "b": 2.0, "c": 1.0},
            content={"x.txt": "2"},
            texts={"c1": "two"},
        )
        kit.accept(
            CUDA, "cuda", metrics={"a": 2.0, "b": 3.0, "c": 3.0}, content={"x.txt": "2"}, texts={"c1": ""}
        )
        assert kit.values() == {"a": 1.0, "b": 1.0, "c": 1.0}
        assert kit.values(ARM) == {"a": 2.0, "b": 2.0, "c": 1.0}
        assert kit.values(CUDA) == {"a": 2.0, "b": 3.0, "c": 3.0}
        assert kit.values(("cuda",)) == {"a": 1.0, "b": 3.0, "c": 3.0}
        assert [kit.values(tags, "content")["x.txt"] for tags in ((), ARM, CUDA, X86)] == ["1", "2", "2", "1"]
        assert [kit.values(tags, "texts")["c1"] for tags in ((), ARM, CUDA)] == ["one", "two", ""]
        side = read_merged(kit.target, CUDA)
        assert side.origins == {
            ("metric", "a"): "linux-aarch64",
            ("metric", "b"): "cuda",
            ("metric", "c"): "cuda",
            ("artifact", "x.txt"): "linux-aarch64",
            ("output", "c1"): "cuda",
        }

    def test_the_copy_has_the_hashes_of_overlays(self, tmp_path):
        side = make(tmp_path / "b", content={"x.txt": "1"})
        book = {
            "cells": [cell("c", "t", "x.txt", "y.txt")],
            "metadata": {},
            "nbformat": 4,
            "nbformat_minor": 5,
        }
        files.write_json(side.notebook, book)
        over = make(tmp_path / "o", content={"x.txt": "2"})
        (found,) = copy_of(merged(side, {"cuda": over})).code
        told = ["".join(o.get("text") or o["data"]["text/plain"]) for o in found.outputs]
        assert told == ["t", f"x.txt: sha256 {over.artifacts['x.txt'].sha256}", "y.txt: sha256 0"]

    def test_a_baseline_without_a_copy_has_none(self, kit):
        kit.begin(metrics={"a": 1.0})
        (kit.target / "notebook.ipynb").unlink()
        kit.accept(ARM, ARM[0], metrics={"a": 2.0})
        assert copy_of(read_merged(kit.target, ARM)) is None
        assert kit.values(ARM) == {"a": 2.0}

    def test_entries_that_the_common_baseline_has_not_count_for_nothing(self, tmp_path):
        side = make(tmp_path / "b", {"a": 1.0})
        over = make(tmp_path / "o", {"gone": 1.0}, {"gone.txt": "1"}, {"gone": "1"})
        assert merged(side, {"cuda": over}).origins == {}

    def test_what_is_passed_over_is_what_lies_below(self, kit):
        kit.begin(metrics={"a": 1.0})
        kit.accept(CUDA, ARM[0], metrics={"a": 2.0})
        kit.accept(CUDA, "cuda", metrics={"a": 3.0})
        common, overlays = baselines.read(kit.target), baselines.read_overlays(kit.target, CUDA)
        below = merged(common, overlays, [("metric", "a")])
        assert (below.metrics["a"].value, below.origins) == (2.0, {("metric", "a"): "linux-aarch64"})

    def test_links_and_other_folders_are_no_overlays(self, kit, tmp_path):
        kit.begin(metrics={"a": 1.0})
        kit.accept(ARM, ARM[0], metrics={"a": 2.0})
        (kit.target / "overlay/link").symlink_to(kit.target / "overlay/linux-aarch64")
        make(kit.target / "overlay/no tag", {"a": 5.0})
        (kit.target / "overlay/README").write_text("mine")
        assert list(baselines.read_overlays(kit.target)) == list(ARM)
        assert kit.values(("link",)) == {"a": 1.0}
        kit.accept(ARM, ARM[0], metrics={"a": 3.0})
        left = sorted(p.name for p in (kit.target / "overlay").iterdir())
        assert left == ["README", "link", "linux-aarch64", "no tag"]

    def test_a_link_in_the_place_of_all_overlays_is_refused(self, kit, tmp_path):
        kit.begin(metrics={"a": 1.0})
        (tmp_path / "elsewhere").mkdir()
        (kit.target / "overlay").symlink_to(tmp_path / "elsewhere")
        for attempt in (
            lambda: kit.accept(ARM, ARM[0], metrics={"a": 2.0}),
            lambda: kit.values(ARM),
            lambda: baselines.fingerprint(kit.target, ARM),
        ):
            with pytest.raises(BaselineError, match="the folder of overlays is a link"):
                attempt()
        assert list((tmp_path / "elsewhere").iterdir()) == []

    def test_one_that_is_half_written_is_told_with_its_place(self, kit):
        kit.begin(metrics={"a": 1.0})
        kit.accept(ARM, ARM[0], metrics={"a": 2.0})
        (kit.target / "overlay/linux-aarch64/metrics.json").unlink()
        assert kit.values(X86) == {"a": 1.0}
        with pytest.raises(BaselineError, match="half-written") as caught:
            kit.values(ARM)
        assert caught.value.where.endswith("overlay/linux-aarch64")

    def test_checks_say_which_overlay_decided(self, kit):
        kit.begin(metrics={"a": 1.0, "b": 1.0}, texts={"c1": "one"}, content={"x.txt": "1"})
        there = {"metrics": {"a": 2.0, "b": 1.0}, "texts": {"c1": "two"}, "content": {"x.txt": "2"}}
        kit.accept(ARM, ARM[0], **there)
        checks = {
            check.name: check for check in kit.judge(ARM, {"a": 2.5}, {"c1": "x"}, {"x.txt": "3"}).checks
        }
        assert [checks[name].overlay for name in ("a", "b", "x.txt", 'cell 1 "c1"')] == [
            ARM[0],
            "",
            ARM[0],
            ARM[0],
        ]
        assert checks["b"].status is CheckStatus.LOST
        assert {check.overlay for check in kit.judge(X86, **there).checks} == {""}


class TestAccepting:
    def test_a_value_that_an_overlay_decides_is_written_there(self, kit):
        kit.begin(metrics={"a": 1.0, "b": 1.0})
        kit.accept(ARM, ARM[0], metrics={"a": 2.0, "b": 1.0})
        placed = kit.accept(ARM, metrics={"a": 4.0, "b": 4.0})
        assert placed.written == {ARM[0]: (("metric", "a"),), COMMON: (("metric", "b"),)}
        assert kit.values() == {"a": 1.0, "b": 4.0}
        assert kit.values(ARM) == {"a": 4.0, "b": 4.0}

    def test_on_another_platform_the_common_baseline_is_written_and_overlays_stay(self, kit):
        kit.begin(metrics={"a": 1.0, "b": 1.0}, content={"x.txt": "1"}, texts={"c1": "one"})
        there = {"metrics": {"a": 2.0, "b": 1.0}, "content": {"x.txt": "2"}, "texts": {"c1": "two"}}
        kit.accept(ARM, ARM[0], **there)
        before = tree(kit.target / "overlay")
        placed = kit.accept(X86, metrics={"a": 5.0, "b": 5.0}, content={"x.txt": "5"}, texts={"c1": "five"})
        assert set(placed.written) == {COMMON}
        assert tree(kit.target / "overlay") == before
        assert kit.values(ARM) == {"a": 2.0, "b": 5.0}
        assert kit.values(X86) == {"a": 5.0, "b": 5.0}
        assert (kit.values(ARM, "content"), kit.values(ARM, "texts")) == ({"x.txt": "2"}, {"c1": "two"})

    def test_a_more_specific_overlay_takes_what_it_decides(self, kit):
        kit.begin(metrics={"a": 1.0, "b": 1.0})
        kit.accept(CUDA, "cuda", metrics={"a": 2.0, "b": 1.0})
        placed = kit.accept(CUDA, ARM[0], metrics={"a": 3.0, "b": 3.0})
        assert placed.written == {"cuda": (("metric", "a"),), ARM[0]: (("metric", "b"),)}
        assert kit.values(CUDA) == {"a": 3.0, "b": 3.0}

    def test_sources_and_environment_of_the_common_baseline_change_only_with_its_values(self, kit):
        kit.begin(metrics={"a": 1.0, "b": 1.0}, texts={"c1": "one"})
        kit.accept(ARM, ARM[0], metrics={"a": 2.0, "b": 1.0}, texts={"c1": "one"})
        common = {p: c for p, c in tree(kit.target).items() if not p.startswith("overlay/")}
        kit.accept(ARM, metrics={"a": 3.0, "b": 1.0}, texts={"c1": "one"}, why="arm")
        assert {p: c for p, c in tree(kit.target).items() if not p.startswith("overlay/")} == common
        overlay = baselines.read_overlays(kit.target)[ARM[0]]
        assert (overlay.environment["platform"], overlay.environment["accepted"]) == ("pending-2", "arm")
        kit.accept(ARM, metrics={"a": 3.0, "b": 2.0}, texts={"c1": "one"}, why="all")
        common = baselines.read(kit.target)
        assert (common.environment["platform"], common.environment["accepted"]) == ("pending-3", "all")
        assert common.metrics["a"].value == 1.0
        assert baselines.read_overlays(kit.target)[ARM[0]].environment["accepted"] == "arm"

    @pytest.mark.parametrize("overlay", [COMMON, "linux-aarch64"])
    def test_only_some_of_it(self, kit, overlay):
        kit.begin(metrics={"a": 1.0, "b": 1.0}, content={"x.txt": "1"}, texts={"c1": "one"})
        there = {"metrics": {"a": 2.0, "b": 2.0}, "content": {"x.txt": "2"}, "texts": {"c1": "two"}}
        kit.accept(ARM, overlay, taken={("metric", "b"), ("artifact", "x.txt")}, **there)
        assert kit.values(ARM) == {"a": 1.0, "b": 2.0}
        assert (kit.values(ARM, "content"), kit.values(ARM, "texts")) == ({"x.txt": "2"}, {"c1": "one"})
        assert kit.values(X86)["b"] == (1.0 if overlay else 2.0)
        kit.accept(ARM, overlay, taken={("output", 'cell 1 "c1"')}, **there)
        assert kit.values(ARM, "texts") == {"c1": "two"}

    def test_a_new_value_is_not_hidden_by_what_an_overlay_still_says(self, kit):
        kit.begin(metrics={"a": 1.0, "b": 1.0})
        kit.accept(ARM, ARM[0], metrics={"a": 2.0, "b": 1.0})
        kit.accept(X86, metrics={"b": 1.0})
        assert baselines.lying_over_nothing(kit.target) == {ARM[0]: [("metric", "a")]}
        kit.accept(ARM, metrics={"a": 7.0, "b": 1.0})
        assert kit.values(ARM) == {"a": 7.0, "b": 1.0}
        assert kit.overlays() == {}

    def test_a_lost_value_goes_from_the_overlays_that_apply(self, kit):
        kit.begin(metrics={"a": 1.0, "b": 1.0})
        kit.accept(ARM, ARM[0], metrics={"a": 2.0, "b": 2.0})
        kit.accept(X86, X86[0], metrics={"a": 3.0, "b": 1.0})
        kit.accept(ARM, metrics={"b": 2.0})
        assert kit.values() == {"b": 1.0}
        assert {tag: set(held) for tag, held in kit.overlays().items()} == {ARM[0]: {"b"}, X86[0]: {"a"}}

    def test_a_first_baseline_counts_though_an_overlay_is_left(self, kit):
        kit.begin(metrics={"a": 1.0, "b": 1.0})
        kit.accept(ARM, ARM[0], metrics={"a": 2.0, "b": 1.0})
        kit.accept(X86, X86[0], metrics={"a": 3.0, "b": 1.0})
        for name in ("metrics.json", "artifacts.json", "notebook.ipynb", "environment.json"):
            (kit.target / name).unlink()
        kit.accept(ARM, metrics={"a": 9.0, "b": 9.0})
        assert kit.values(ARM) == {"a": 9.0, "b": 9.0}
        assert kit.values(X86) == {"a": 3.0, "b": 9.0}

    @pytest.mark.parametrize("metrics", [{"a": 1.0, "b": 1.0}, {}])
    def test_new_and_lost_values_are_no_matter_of_overlays(self, kit, metrics):
        kit.begin(metrics={"a": 1.0})
        before = tree(kit.target)
        with pytest.raises(BaselineError, match=r"metric [ab] is (new|lost): an overlay only says otherwise"):
            kit.accept(ARM, ARM[0], metrics=metrics)
        assert tree(kit.target) == before

    def test_a_tag_that_the_run_has_not(self, kit):
        kit.begin(metrics={"a": 1.0})
        with pytest.raises(
            BaselineError, match="does not have the tag 'cuda'; it has: linux-aarch64"
        ) as caught:
            kit.accept(ARM, "cuda", metrics={"a": 2.0})
        assert caught.value.hint == "run it again with --nbrepro-tag cuda"

    def test_without_a_common_baseline(self, kit):
        with pytest.raises(BaselineError, match="an overlay lies over a common baseline"):
            kit.accept(ARM, ARM[0], metrics={"a": 2.0})

    def test_what_is_too_large_is_a_hash_or_a_sketch(self, kit):
        kit.begin(metrics={"a": 1.0}, content={"x.txt": "1", "y.txt": "1"}, stored="hash")
        kit.accept(ARM, ARM[0], metrics={"a": 1.0}, content={"x.txt": "2", "y.txt": "1"}, stored="hash")
        assert baselines.read_overlays(kit.target)[ARM[0]].artifacts["x.txt"].stored == "hash"
        kit.accept(ARM, metrics={"a": 1.0}, content={"x.txt": "3", "y.txt": "3"}, stored="sketch")
        sides = baselines.read(kit.target), baselines.read_overlays(kit.target)[ARM[0]]
        assert [
            (s.folder / s.artifacts[n].path).read_text()
            for s, n in zip(sides, ("y.txt", "x.txt"), strict=True)
        ] == ["3", "3"]

    def test_series_and_statistical_values_count_as_a_whole(self, kit):
        def runs(last):
            return {
                "a": Metric(1.0, samples=(1.0, 1.0, 1.0, 1.0, last)),
                "s": Metric(1.0, steps=((0, last), (1, 1.0))),
            }

        kit.begin(metrics=runs(1.0))
        placed = kit.accept(ARM, ARM[0], metrics=runs(2.0))
        assert placed.written == {ARM[0]: (("metric", "a"), ("metric", "s"))}
        assert read_merged(kit.target, ARM).metrics["a"].samples[-1] == 2.0
        assert read_merged(kit.target, ()).metrics["s"].steps[0] == (0, 1.0)

    def test_nan_is_itself(self, kit):
        kit.begin(metrics={"a": math.nan, "b": 1.0})
        kit.accept(ARM, ARM[0], metrics={"a": math.nan, "b": 2.0})
        assert set(kit.overlays()[ARM[0]]) == {"b"}


class TestDropping:
    def test_what_is_as_everywhere_again_is_dropped_at_the_next_acceptance(self, kit):
        kit.begin(metrics={"a": 1.0, "b": 1.0})
        kit.accept(ARM, ARM[0], metrics={"a": 2.0, "b": 2.0})
        placed = kit.accept(X86, metrics={"a": 2.0, "b": 5.0})
        assert placed.dropped == {ARM[0]: (("metric", "a"),)}
        assert set(kit.overlays()[ARM[0]]) == {"b"}
        placed = kit.accept(ARM, metrics={"a": 2.0, "b": 5.0})
        assert (placed.written, placed.dropped) == ({}, {ARM[0]: (("metric", "b"),)})
        assert not (kit.target / "overlay").exists()

    def test_not_where_another_overlay_lies_between(self, kit):
        kit.begin(metrics={"a": 1.0})
        kit.accept(CUDA, ARM[0], metrics={"a": 2.0})
        kit.accept(CUDA, "cuda", metrics={"a": 1.0})
        assert kit.values(CUDA) == {"a": 1.0}
        assert kit.values(ARM) == {"a": 2.0}


class TestObsolete:
    def test_what_lies_over_nothing_is_left_out_and_the_rest_stays(self, kit):
        kit.begin(metrics={"a": 1.0, "b": 1.0}, content={"x.txt": "1"}, texts={"c1": "one"})
        kit.accept(ARM, ARM[0], metrics={"a": 2.0, "b": 2.0}, content={"x.txt": "2"}, texts={"c1": "two"})
        kit.accept(X86, metrics={"b": 1.0}, texts={"c9": "one"})
        gone = [("metric", "a"), ("artifact", "x.txt"), ("output", "c1")]
        assert baselines.lying_over_nothing(kit.target) == {ARM[0]: gone}
        common = {p: c for p, c in tree(kit.target).items() if not p.startswith("overlay/")}
        baselines.forget(kit.target, ARM[0])
        assert baselines.lying_over_nothing(kit.target) == {}
        assert kit.values(ARM) == {"b": 2.0}
        assert {p: c for p, c in tree(kit.target).items() if not p.startswith("overlay/")} == common
        assert sorted(p for p in tree(kit.target / "overlay/linux-aarch64")) == [
            "artifacts.json",
            "environment.json",
            "metrics.json",
        ]

    def test_one_that_holds_nothing_else_goes(self, kit):
        kit.begin(metrics={"a": 1.0, "b": 1.0})
        kit.accept(ARM, ARM[0], metrics={"a": 2.0, "b": 1.0})
        kit.accept(X86, metrics={"b": 1.0})
        baselines.forget(kit.target, ARM[0])
        assert not (kit.target / "overlay").exists()
        assert kit.values(ARM) == {"b": 1.0}

    def test_an_overlay_without_a_baseline_is_found_as_one(self, kit, tmp_path):
        kit.begin(metrics={"a": 1.0})
        kit.accept(ARM, ARM[0], metrics={"a": 2.0})
        assert list(baselines.folders(tmp_path / "baselines")) == ["a/default"]
        for name in ("metrics.json", "artifacts.json", "notebook.ipynb", "environment.json"):
            (kit.target / name).unlink()
        assert list(baselines.folders(tmp_path / "baselines")) == ["a/default/overlay/linux-aarch64"]

    def test_a_deleted_baseline_takes_its_overlays_along(self, kit, tmp_path):
        kit.begin(metrics={"a": 1.0})
        kit.accept(ARM, ARM[0], metrics={"a": 2.0})
        baselines.delete(kit.target, tmp_path / "baselines")
        assert list((tmp_path / "baselines").iterdir()) == []


class TestFingerprint:
    def test_it_is_that_of_the_overlays_that_apply(self, kit):
        kit.begin(metrics={"a": 1.0})
        before = {tags: baselines.fingerprint(kit.target, tags) for tags in ((), ARM, CUDA, X86)}
        assert len(set(before.values())) == 1
        kit.accept(ARM, ARM[0], metrics={"a": 2.0})
        after = {tags: baselines.fingerprint(kit.target, tags) for tags in before}
        assert {tags for tags in before if before[tags] != after[tags]} == {ARM, CUDA}
        kit.accept(ARM, ARM[0], metrics={"a": 3.0})
        assert baselines.fingerprint(kit.target, ARM) != after[ARM]
