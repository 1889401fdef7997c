"""Baselines: what is written is read back, what is broken is told, and no crash or full disk loses one."""

import dataclasses
import errno
import json
import math
import os
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_nbrepro import baselines, capture, files, notebook
from pytest_nbrepro.baselines import reading
from pytest_nbrepro.errors import BaselineError
from pytest_nbrepro.model import Artifact, Metric, Picture, Run, RunStatus

NAMES = st.text(max_size=8)
METRICS = st.one_of(
    st.builds(Metric, st.floats(), st.sampled_from(["float64", "float32", "float16"])),
    st.builds(Metric, st.integers() | st.just(2**53 + 1), st.just("int")),
    st.builds(Metric, st.booleans(), st.just("bool")),
    st.builds(Metric, st.integers(-5, 5), st.just("float64")),
)


def same(one, other):
    equal = one.value == other.value or (math.isnan(one.value) and math.isnan(other.value))
    signs = math.copysign(1, one.value) == math.copysign(1, other.value) or math.isnan(one.value)
    return equal and signs and type(one.value) is type(other.value) and one.dtype == other.dtype


def draft(**fields):
    empty = {"metrics": {}, "artifacts": {}, "sources": {}, "notebook": {}, "environment": {"schema": 1}}
    return baselines.Draft(**{**empty, "once": False, "fixture": False, **fields})


def book(*cells, **metadata):
    """Return a notebook; a cell is a code cell's (source, stdout, tags), or a whole cell."""
    raw = []
    for number, cell in enumerate(cells):
        if isinstance(cell, tuple):
            source, printed, *tags = cell
            output = {"output_type": "stream", "name": "stdout", "text": printed}
            cell = {"source": source, "outputs": [output], "metadata": {"tags": tags}}
        raw.append(
            {
                "cell_type": "code",
                "id": f"id{number}",
                "metadata": {},
                "outputs": [],
                "execution_count": 3,
                **cell,
            }
        )
    text = json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": raw})
    return notebook.parse(text, Path("a.ipynb"))


def text_of(slimmed, index):
    return "".join("".join(output.get("text", "")) for output in slimmed["cells"][index]["outputs"])


def tree(folder):
    return {
        p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()
    }


def a_run(folder, **fields):
    known = {
        "id": "1",
        "notebook": "a.ipynb",
        "case": "default",
        "flags": {},
        "started": "",
        "status": RunStatus.COMPLETED,
    }
    return Run(**{"folder": folder, **known, **fields})


def artifact(folder, name, content, **fields):
    """Write a file of a run, and return what is said of it."""
    path = folder / "files" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    said = {"kind": "text", "path": f"files/{name}", "sha256": files.sha256(path), "bytes": len(content)}
    return Artifact(name, **{**said, **fields})


def candidate(folder, value=1.0, content=b"data", extra=()):
    """Write a whole baseline into a fresh folder."""
    source = folder.with_name(folder.name + "-run")
    made = [artifact(source, name, content) for name in ("a.csv", "sub/b.csv", *extra)]
    baselines.write_tree(
        draft(
            metrics={"loss": Metric(value)},
            artifacts={one.name: one for one in made},
            sources={one.name: source / one.path for one in made},
            notebook=book(("x = 1", str(value))).raw,
        ),
        folder,
    )
    shutil.rmtree(source)
    return folder


class TestRoundTrip:
    @given(st.dictionaries(NAMES, METRICS, max_size=5))
    def test_metrics_come_back(self, tmp_path_factory, metrics):
        folder = tmp_path_factory.mktemp("b")
        baselines.write_tree(draft(metrics=metrics), folder)
        found = baselines.read(folder).metrics
        assert found.keys() == metrics.keys()
        assert all(same(found[name], metric) for name, metric in metrics.items())

    def test_artifacts_notebook_environment_and_marks_come_back(self, tmp_path):
        run = tmp_path / "run"
        kept = artifact(run, "out/ü.csv", b"1", schema={"columns": ["a"]}, cell=3)
        large = Artifact("large.bin", "opaque", "files/large.bin", "ab", 1 << 30, stored="hash")
        environment = {"schema": 1, "cpu": "x", "flags": {"x": {"$tuple": [1]}}}
        book_ = book(("x", "1"))
        made = draft(
            artifacts={"out/ü.csv": kept, "large.bin": large},
            sources={"out/ü.csv": run / kept.path},
            notebook=book_.raw,
            environment=environment,
            once=True,
            fixture=True,
        )
        baselines.write_tree(made, tmp_path / "b")
        found = baselines.read(tmp_path / "b")
        assert found.artifacts == {"out/ü.csv": kept, "large.bin": large}
        assert (tmp_path / "b" / kept.path).read_bytes() == b"1"
        assert found.environment == environment
        assert notebook.read(found.notebook).cells == book_.cells
        assert (found.once, found.fixture) == (True, True)

    def test_a_review_reads_metrics_line_by_line(self, tmp_path):
        steps = ((0, 1), (None, float("inf")))
        metrics = {"b": Metric(0.1), "ä": Metric(float("nan")), "a": Metric(0.5, "float32")}
        metrics["s"] = Metric(2, "int", steps=steps)
        metrics["r"] = Metric(0.5, samples=(0.5, 0.25, float("inf"), 1.0, 2.0))
        baselines.write_tree(draft(metrics=metrics), tmp_path)
        assert (tmp_path / "metrics.json").read_text("utf-8") == (
            '{\n "metrics": {\n'
            '  "a": {"dtype": "float32", "value": 0.5},\n'
            '  "b": 0.1,\n'
            '  "r": {"dtype": "float64", "runs": [0.5, 0.25, {"$float": "Infinity"}, 1.0, 2.0], "value": 0.5},\n'
            '  "s": {"dtype": "int", "steps": [[0, 1], [null, {"$float": "Infinity"}]], "value": 2},\n'
            '  "ä": {"dtype": "float64", "value": {"$float": "NaN"}}\n'
            ' },\n "schema": 1\n}\n'
        )
        assert baselines.read(tmp_path).metrics["s"] == metrics["s"]
        assert baselines.read(tmp_path).metrics["r"] == metrics["r"]

    def test_no_metrics_are_no_fault(self, tmp_path):
        baselines.write_tree(draft(), tmp_path)
        assert json.loads((tmp_path / "metrics.json").read_text()) == {"metrics": {}, "schema": 1}

    def test_there_is_none(self, tmp_path):
        (tmp_path / "file").write_text("")
        assert baselines.read(tmp_path) is None
        assert baselines.read(tmp_path / "none") is None
        assert baselines.read(tmp_path / "file" / "case") is None

    def test_notebook_and_environment_may_be_missing(self, tmp_path):
        candidate(tmp_path / "b")
        (tmp_path / "b" / "notebook.ipynb").unlink()
        (tmp_path / "b" / "environment.json").unlink()
        found = baselines.read(tmp_path / "b")
        assert (found.notebook, found.environment) == (None, {})


def broken(folder, name, content):
    (folder / name).write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    with pytest.raises(BaselineError) as caught:
        baselines.read(folder)
    return caught.value


class TestBroken:
    @pytest.fixture
    def folder(self, tmp_path):
        return candidate(tmp_path / "b")

    @pytest.mark.parametrize("name", ["metrics.json", "artifacts.json", "environment.json"])
    @pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe\x00", b"[" * 100_000, {"schema": "1"}])
    def test_what_is_no_record_is_told_with_its_file(self, folder, name, content):
        error = broken(folder, name, content)
        assert error.what.startswith("this baseline cannot be read: ")
        assert error.where == str(folder / name)
        assert "version control" in error.hint

    @pytest.mark.parametrize("name", ["metrics.json", "artifacts.json", "environment.json"])
    def test_a_newer_schema_is_told(self, folder, name):
        error = broken(folder, name, {"schema": 2})
        assert "it has schema 2, this version knows up to 1: update" in error.what

    @pytest.mark.parametrize("name", ["metrics.json", "artifacts.json", "environment.json"])
    def test_a_git_lfs_pointer_is_told(self, folder, name):
        error = broken(folder, name, b"version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 1\n")
        assert (error.what, error.hint) == ("this baseline is not downloaded", "git lfs pull")

    @pytest.mark.parametrize("name", ["metrics.json", "artifacts.json"])
    def test_a_missing_record_is_a_half_written_baseline(self, folder, name):
        (folder / name).unlink()
        with pytest.raises(BaselineError, match="this baseline is half-written"):
            baselines.read(folder)

    @pytest.mark.parametrize(
        "metrics",
        [
            [],
            {"a": "0.5"},
            {"a": None},
            {"a": {"value": 1}},
            {"a": {"value": "x", "dtype": "int"}},
            {"a": {"$float": "x"}},
            {"a": {"value": 1, "dtype": "int", "runs": [1, 2, 3, 4]}},
            {"a": {"value": 1, "dtype": "int", "runs": [1, 2, 3, 4, "x"]}},
            {"a": {"value": 1, "dtype": "int", "steps": [1]}},
            {"a": {"value": 1, "dtype": "int", "steps": [[1, "x"]]}},
            {"a": {"value": 1, "dtype": "int", "steps": [[True, 1]]}},
        ],
    )
    def test_metrics_that_are_no_numbers_are_told(self, folder, metrics):
        assert "cannot be read" in broken(folder, "metrics.json", {"schema": 1, "metrics": metrics}).what

    def test_a_missing_key_is_told_as_such(self, folder):
        assert (
            broken(folder, "metrics.json", {"schema": 1}).what
            == "this baseline cannot be read: 'metrics' is missing"
        )

    @pytest.mark.parametrize("path", ["../../secret", "/etc/passwd", "files/../../x", "metrics.json", 3])
    def test_an_artifact_that_leads_out_of_its_folder_is_refused(self, folder, path):
        record = {"kind": "text", "path": path, "sha256": "", "bytes": 0}
        assert (
            "cannot be read"
            in broken(folder, "artifacts.json", {"schema": 1, "artifacts": {"a": record}}).what
        )

    @pytest.mark.parametrize(
        "environment",
        [{"flags": []}, {"inputs": "x"}, {"distributions": None}, {"flags": {"x": {"$what": 1}}}],
    )
    def test_an_environment_that_nothing_can_be_said_of_is_refused(self, folder, environment):
        assert "cannot be read" in broken(folder, "environment.json", {"schema": 1, **environment}).what

    def test_a_folder_that_cannot_be_looked_at_is_told(self, folder, monkeypatch):
        def denied(path):
            raise PermissionError(errno.EACCES, "Permission denied")

        monkeypatch.setattr(os, "listdir", denied)
        with pytest.raises(BaselineError, match="cannot be read: Permission denied"):
            baselines.read(folder)

    def test_a_file_that_cannot_be_read_is_told(self, folder):
        (folder / "metrics.json").unlink()
        (folder / "metrics.json").mkdir()
        with pytest.raises(BaselineError, match="cannot be read: Is a directory"):
            baselines.read(folder)


class TestFinding:
    def test_folders_are_found_by_their_manifest_and_sorted(self, tmp_path):
        for name in ("b/x=1", "a/default", "a/default/inner/case", "deep/er/a/default"):
            candidate(tmp_path / name)
        assert list(baselines.folders(tmp_path)) == [
            "a/default",
            "a/default/inner/case",
            "b/x=1",
            "deep/er/a/default",
        ]
        assert list(baselines.folders(tmp_path, ["a", "deep/er"])) == [
            "a/default",
            "a/default/inner/case",
            "deep/er/a/default",
        ]
        assert list(baselines.folders(tmp_path, ["a/def", "."]))[-1] == "deep/er/a/default"
        assert list(baselines.folders(tmp_path, ["a/def"])) == []

    def test_files_of_runs_and_what_a_crash_left_are_none(self, tmp_path):
        candidate(tmp_path / "a/default", extra=["artifacts.json", "deep/artifacts.json"])
        candidate(tmp_path / "a/.tmp-x")
        candidate(tmp_path / "files/case")  # of a notebook in a folder of that name
        assert list(baselines.folders(tmp_path)) == ["a/default", "files/case"]

    def test_no_folder_holds_none(self, tmp_path):
        assert list(baselines.folders(tmp_path / "none")) == []

    def test_who_made_it_is_known(self, tmp_path):
        baselines.write_tree(draft(fixture=True), tmp_path / "a")
        baselines.write_tree(draft(), tmp_path / "b")
        assert [baselines.made_by_fixture(tmp_path / name) for name in "ab"] == [True, False]

    def test_the_fingerprint_is_that_of_values_and_texts(self, tmp_path):
        one, other = candidate(tmp_path / "a"), candidate(tmp_path / "b")
        assert baselines.fingerprint(one) == baselines.fingerprint(other)
        for name in ("metrics.json", "artifacts.json", "notebook.ipynb"):
            shutil.copytree(one, tmp_path / name)
            (tmp_path / name / name).write_text((one / name).read_text() + " ")
            assert baselines.fingerprint(tmp_path / name) != baselines.fingerprint(one)
        (other / "environment.json").write_text("")
        assert baselines.fingerprint(other) == baselines.fingerprint(one)

    def test_no_baseline_has_no_fingerprint_and_no_notebook_is_no_fault(self, tmp_path):
        assert baselines.fingerprint(tmp_path) is None
        baselines.write_tree(draft(), tmp_path)
        (tmp_path / "environment.json").unlink()
        assert baselines.own_files(tmp_path) == ["metrics.json", "notebook.ipynb", "artifacts.json"]
        whole = baselines.fingerprint(tmp_path)
        (tmp_path / "notebook.ipynb").unlink()
        assert baselines.fingerprint(tmp_path) not in {None, whole}

    def test_links_among_artifacts_are_not_ours(self, tmp_path):
        folder = candidate(tmp_path / "b")
        (tmp_path / "secret").write_text("x")
        (folder / "files" / "link").symlink_to(tmp_path / "secret")
        (folder / "cells").symlink_to(tmp_path)
        assert baselines.own_files(folder) == [
            "metrics.json",
            "notebook.ipynb",
            "environment.json",
            "files/a.csv",
            "files/sub/b.csv",
            "artifacts.json",
        ]


class TestComposing:
    def compose(self, run, executed, baseline=None, keep=(), **fields):
        given_ = {"once": False, "fixture": False, "hidden": capture.Hidden(), **fields}
        return baselines.compose(run, executed, {"schema": 1}, baseline, keep, **given_)

    def test_a_first_baseline_takes_all_of_the_run(self, tmp_path):
        one = artifact(tmp_path, "a.csv", b"1")
        run = a_run(tmp_path, metrics={"loss": Metric(1.0)}, artifacts={"a.csv": one})
        made = self.compose(run, book(("x", "hi\nloss: 1.0\n")), once=True)
        assert (made.metrics, made.artifacts) == (run.metrics, run.artifacts)
        assert made.sources == {"a.csv": tmp_path / "files/a.csv"}
        assert text_of(made.notebook, 0) == "hi"
        assert (made.once, made.fixture) == (True, False)

    def test_what_is_too_large_is_kept_as_its_hash(self, tmp_path):
        fits = artifact(tmp_path, "fits", b"0" * baselines.LARGEST)
        large = artifact(tmp_path, "large", b"0" * (baselines.LARGEST + 1))
        made = self.compose(a_run(tmp_path, artifacts={"fits": fits, "large": large}), book())
        assert {name: a.stored for name, a in made.artifacts.items()} == {"fits": "file", "large": "hash"}
        assert list(made.sources) == ["fits"]

    @pytest.mark.parametrize(("size", "kept"), [(5, True), (baselines.LARGEST + 1, False)])
    def test_what_is_seen_is_kept_beside_the_data_where_it_is_small(self, tmp_path, size, kept):
        html = artifact(tmp_path, "a.html", b"0" * size)
        one = dataclasses.replace(
            artifact(tmp_path, "a.frame", b"data"), shown=Picture(html.path, html.sha256, html.bytes)
        )
        made = self.compose(a_run(tmp_path, artifacts={"a": one}), book())
        baselines.write_tree(made, tmp_path / "b")
        read = baselines.read(tmp_path / "b")
        assert read.artifacts["a"].shown == (one.shown if kept else None)
        assert (tmp_path / "b/files/a.frame").read_bytes() == b"data"
        assert (tmp_path / "b/files/a.html").exists() is kept
        later = artifact(tmp_path / "later", "a.frame", b"other")
        run = a_run(tmp_path / "later", artifacts={"a": later})
        again = self.compose(run, book(), read, {("artifact", "a")})
        assert again.shown == ({"a": tmp_path / "b/files/a.html"} if kept else {})

    @pytest.fixture
    def before(self, tmp_path):
        """A baseline in `b` and a later run in `run`; each value differs a little."""
        (tmp_path / "first").mkdir()
        run = a_run(
            tmp_path / "first",
            metrics={"a": Metric(1.0), "b": Metric(1.0)},
            artifacts={n: artifact(tmp_path / "first", n, b"old", cell=0) for n in ("a.csv", "b.csv")},
        )
        executed = book(("one", "1.0"), ("two", "1.0"), {"cell_type": "markdown", "source": "# t"})
        baselines.write_tree(self.compose(run, executed), tmp_path / "b")
        later = a_run(
            tmp_path / "run",
            metrics={"a": Metric(1.1), "b": Metric(1.1)},
            artifacts={n: artifact(tmp_path / "run", n, b"new", cell=1) for n in ("a.csv", "b.csv")},
        )
        return baselines.read(tmp_path / "b"), later

    def test_values_that_pass_stay_as_they_are(self, tmp_path, before):
        baseline, run = before
        executed = book(
            ("one # changed", "1.1"), ("two", "1.1"), {"cell_type": "markdown", "source": "# new"}
        )
        keep = {("metric", "a"), ("artifact", "a.csv"), ("output", "cell 1")}
        made = self.compose(run, executed, baseline, keep)
        assert {name: m.value for name, m in made.metrics.items()} == {"a": 1.0, "b": 1.1}
        assert made.artifacts["a.csv"] == dataclasses.replace(baseline.artifacts["a.csv"], cell=1)
        assert made.artifacts["b.csv"] == run.artifacts["b.csv"]
        assert made.sources == {"a.csv": tmp_path / "b/files/a.csv", "b.csv": tmp_path / "run/files/b.csv"}
        assert [text_of(made.notebook, n) for n in (0, 1)] == ["1.0", "1.1"]
        assert made.notebook["cells"][0]["source"] == ["one # changed"]
        hashes = [output["data"]["text/plain"][0] for output in made.notebook["cells"][1]["outputs"][1:]]
        assert hashes == [f"{n}: sha256 {made.artifacts[n].sha256}" for n in ("a.csv", "b.csv")]

    def test_accepting_the_same_again_changes_no_byte(self, tmp_path, before):
        baseline, run = before
        keep = {("metric", "a"), ("metric", "b"), ("artifact", "a.csv"), ("artifact", "b.csv")}
        keep |= {("output", "cell 1"), ("output", "cell 2")}
        same_cells = dataclasses.replace(
            run, artifacts={n: dataclasses.replace(a, cell=0) for n, a in run.artifacts.items()}
        )
        executed = book(("one", "1.1"), ("two", "1.1"), {"cell_type": "markdown", "source": "# t"})
        baselines.write_tree(self.compose(same_cells, executed, baseline, keep), tmp_path / "again")
        assert tree(tmp_path / "again") == tree(tmp_path / "b")

    def test_a_cell_that_the_baseline_does_not_have_is_taken_from_the_run(self, before):
        baseline, run = before
        executed = book(
            {
                "id": "other",
                "source": "one",
                "outputs": [{"output_type": "stream", "name": "stdout", "text": "1.1"}],
            }
        )
        assert text_of(self.compose(run, executed, baseline, {("output", "cell 1")}).notebook, 0) == "1.1"

    def test_a_baseline_without_a_notebook_keeps_no_texts(self, before):
        baseline, run = before
        bare = dataclasses.replace(baseline, notebook=None)
        assert (
            text_of(self.compose(run, book(("one", "1.1")), bare, {("output", "cell 1")}).notebook, 0)
            == "1.1"
        )

    def test_a_kept_artifact_that_is_a_hash_stays_one(self, before):
        baseline, run = before
        hashed = {n: dataclasses.replace(a, stored="hash") for n, a in baseline.artifacts.items()}
        made = self.compose(
            run, book(), dataclasses.replace(baseline, artifacts=hashed), {("artifact", "a.csv")}
        )
        assert made.artifacts["a.csv"].stored == "hash"
        assert list(made.sources) == ["b.csv"]


class TestSlim:
    def test_it_is_a_notebook_without_traces_of_the_run(self, tmp_path):
        import nbformat

        executed = book(
            ("print(1)\nx", "at 0x7f00aa00bb00 in /run/7\n", "keep", "also"),
            {"cell_type": "markdown", "source": "# t", "metadata": {"collapsed": True}},
            ("secret", "ignored", "nbrepro:ignore"),
            kernelspec={"name": "python3", "display_name": "Python 3", "language": "python"},
            widgets={"state": {}},
        )
        slimmed = baselines.slim(executed, a_run(tmp_path), capture.Hidden(("/run/7/work", "/run/7")))
        text = json.dumps(slimmed)
        assert not any(trace in text for trace in ("0x7f", "/run/7", "widgets", "collapsed", "ignored"))
        assert slimmed["cells"][0]["metadata"] == {"tags": ["also", "keep"]}
        assert slimmed["cells"][0]["source"] == ["print(1)\n", "x"]
        assert slimmed["cells"][0]["execution_count"] is None
        assert slimmed["metadata"]["kernelspec"]["name"] == "python3"
        nbformat.validate(nbformat.reads(text, as_version=4))

    def test_without_a_kernelspec_there_is_none(self, tmp_path):
        assert baselines.slim(book(), a_run(tmp_path), ())["metadata"] == {}


class Disk:
    """Counts what needs room on the disk, and fails from one call on.

    Renaming fails only the first time: the way back leads to places that were just left, and needs no room.
    """

    def __init__(self, monkeypatch, at, error, *, renames_once=True):
        self.calls, self.at, self.error = 0, at, error
        monkeypatch.setattr(os, "mkdir", self.counting(os.mkdir, once=False))
        monkeypatch.setattr(os, "fsync", self.counting(lambda _: None, once=False))
        monkeypatch.setattr(os, "replace", self.counting(os.replace, once=renames_once))

    def counting(self, call, *, once):
        def counted(*arguments, **keywords):
            self.calls += 1
            if self.calls == self.at or (self.calls > self.at and not once):
                raise self.error()
            return call(*arguments, **keywords)

        return counted


class Killed(BaseException):
    """Stands for the end of the process: nothing is cleaned up after it."""


def no_space():
    return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def state_of(folder):
    """Return the value that a baseline reads as, or what is said of it."""
    try:
        values = {baselines.read_merged(folder, tags).metrics["loss"].value for tags in ((), ("cuda",))}
    except BaselineError as error:
        return error.what
    assert len(values) == 1, "the one is old, and the other new"
    return values.pop()


def install(source, target):
    """Put a baseline and two overlays in the place of others, as an acceptance does."""
    baselines.exchange({path: source / path for path in tree(source)}, target, ("cuda", "fresh", "gone"))


class TestInstalling:
    @pytest.fixture
    def places(self, tmp_path):
        """A candidate, and the place of the baseline that it replaces; both with overlays."""
        source = candidate(tmp_path / "pending" / "default", 2.0, b"new", extra=["c.csv"])
        target = candidate(tmp_path / "baselines" / "a" / "default", 1.0, b"old", extra=["gone/d.csv"])
        candidate(target / "nested" / "case")
        (target / "README").write_text("mine")
        for folder, value, tags in (
            (source, 2.0, ("cuda", "fresh")),
            (target, 1.0, ("cuda", "gone", "other")),
        ):
            for tag in tags:
                overlay = draft(metrics={"loss": Metric(value)}, notebook=None)
                baselines.write_tree(overlay, folder / "overlay" / tag)
        return source, target

    def test_the_new_takes_the_place_of_the_old_and_all_else_stays(self, places):
        source, target = places
        others = ("README", "nested/", "overlay/other/")
        foreign = {n: c for n, c in tree(target).items() if n.startswith(others)}
        install(source, target)
        assert tree(target) == {**tree(source), **foreign}
        assert not (target / "files" / "gone").exists()
        assert sorted(p.name for p in target.parent.iterdir()) == ["default"]

    def test_a_first_one_needs_no_folder(self, places, tmp_path):
        source, _ = places
        install(source, tmp_path / "fresh" / "b" / "case")
        assert tree(tmp_path / "fresh" / "b" / "case") == tree(source)

    def test_a_disk_that_becomes_full_at_any_point_leaves_the_old_one(self, places):
        source, target = places
        before, baseline = tree(target.parent), baselines.read(target)
        for at in range(1, 300):
            with pytest.MonkeyPatch.context() as monkeypatch:
                Disk(monkeypatch, at, no_space)
                try:
                    install(source, target)
                except BaselineError as error:
                    told = error
                else:
                    break
            assert "No space left on device; nothing was changed" in told.what
            assert tree(target.parent) == before
            assert baselines.read(target) == baseline
        assert at > 20
        assert baselines.read(target).metrics["loss"].value == 2.0

    def test_a_crash_at_any_point_reads_as_old_half_written_or_new(self, places, tmp_path, monkeypatch):
        source, target = places
        monkeypatch.setattr(os, "fsync", lambda _: None)
        kept = shutil.copytree(target.parent, tmp_path / "kept")
        seen = []
        for at in range(1, 300):
            shutil.rmtree(target.parent)
            shutil.copytree(kept, target.parent)
            with pytest.MonkeyPatch.context() as patch:
                disk = Disk(patch, at, Killed, renames_once=False)
                patch.setattr(os, "unlink", disk.counting(os.unlink, once=False))
                patch.setattr(shutil, "rmtree", lambda *_, **__: None)
                try:
                    install(source, target)
                except Killed:
                    finished = False
                else:
                    finished = True
            seen.append(state_of(target))
            install(source, target)  # accepting again mends it
            assert baselines.read(target).metrics["loss"].value == 2.0
            assert not (target / reading.MARK).exists()
            if finished:
                break
        assert list(dict.fromkeys(seen)) == [1.0, "this baseline is half-written", 2.0]
        assert seen.count("this baseline is half-written") > 5

    def test_a_way_back_that_fails_is_told_and_loses_nothing(self, places, monkeypatch):
        source, target = places
        renames = 0
        replace = os.replace

        def failing(there, here):
            nonlocal renames
            renames += Path(here).name != reading.MARK and target in Path(here).parents
            if renames > 1:
                raise no_space()
            replace(there, here)

        monkeypatch.setattr(os, "replace", failing)
        with pytest.raises(BaselineError, match="it is half-written, restore it from version control"):
            install(source, target)
        with pytest.raises(BaselineError, match="half-written"):
            baselines.read(target)
        (staged,) = target.parent.glob(".tmp-*")
        assert (staged / "old" / "metrics.json").exists()

    def test_ctrl_c_leaves_the_old_one(self, places, monkeypatch):
        source, target = places
        before = tree(target.parent)
        Disk(monkeypatch, 9, KeyboardInterrupt)
        with pytest.raises(KeyboardInterrupt):
            install(source, target)
        assert tree(target.parent) == before

    def test_what_was_half_written_before_stays_so_when_it_fails(self, places, monkeypatch):
        source, target = places
        (target / reading.MARK).write_text("")
        replace = os.replace

        def failing(there, here):
            if Path(here).parent.name == "old":
                raise no_space()
            replace(there, here)

        monkeypatch.setattr(os, "replace", failing)
        with pytest.raises(BaselineError):
            install(source, target)
        with pytest.raises(BaselineError, match="half-written"):
            baselines.read(target)

    def test_a_folder_that_cannot_be_made_is_told(self, places, tmp_path):
        source, _ = places
        (tmp_path / "file").write_text("")
        with pytest.raises(BaselineError, match="cannot write this baseline") as caught:
            install(source, tmp_path / "file" / "a" / "case")
        assert caught.value.where == str(tmp_path / "file" / "a" / "case")


class TestDeleting:
    def test_only_what_is_ours_goes_and_empty_folders_with_it(self, tmp_path):
        folder = candidate(tmp_path / "root" / "deep" / "a" / "default")
        (folder / reading.MARK).write_text("")
        (folder / "files" / "empty").mkdir()
        baselines.delete(folder, tmp_path / "root")
        assert list((tmp_path / "root").iterdir()) == []

    def test_what_somebody_else_put_there_stays(self, tmp_path):
        folder = candidate(tmp_path / "a" / "default")
        candidate(folder / "inner" / "case")
        baselines.delete(folder, tmp_path)
        assert list(baselines.folders(tmp_path)) == ["a/default/inner/case"]

    def test_a_link_is_removed_and_not_followed(self, tmp_path):
        (tmp_path / "data").mkdir()
        (tmp_path / "data" / "x").write_text("mine")
        folder = candidate(tmp_path / "a" / "default")
        (folder / "cells").symlink_to(tmp_path / "data")
        baselines.delete(folder, tmp_path)
        assert (tmp_path / "data" / "x").exists()
        assert not (tmp_path / "a").exists()

    def test_nothing_there_is_no_fault(self, tmp_path):
        baselines.delete(tmp_path / "none" / "none", tmp_path)

    def test_what_cannot_be_deleted_is_told(self, tmp_path, monkeypatch):
        folder = candidate(tmp_path / "a" / "default")

        def denied(*_, **__):
            raise PermissionError(errno.EACCES, "Permission denied")

        monkeypatch.setattr(os, "unlink", denied)
        with pytest.raises(BaselineError, match="cannot delete this: Permission denied"):
            baselines.delete(folder, tmp_path)
