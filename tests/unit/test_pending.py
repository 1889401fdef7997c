"""What waits for a person: kept whole, found again, and accepted only where it still fits."""

import errno
import itertools
import json
import os
import shutil

import pytest

from pytest_nbrepro import baselines, files, notebook, pending
from pytest_nbrepro.errors import BaselineError, StoreError
from pytest_nbrepro.model import Artifact, Metric
from pytest_nbrepro.pending import Pending


def tree(folder):
    return {
        p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()
    }


def no_space(*_, **__):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def failing(call, calls, at):
    """Let a call fail once the disk is full, which it is from the call with this number on."""

    def counted(*arguments, **keywords):
        if next(calls) >= at:
            no_space()
        return call(*arguments, **keywords)

    return counted


class Bench:
    """A project with a notebook, and values of it that wait."""

    def __init__(self, root, write_notebook):
        self.root, self.pending, self.baselines = root, root / ".nbrepro/pending", root / "baselines"
        self.write_notebook = write_notebook
        self.write_notebook(root / "a.ipynb", "x = 1")

    def entry(self, name="a.ipynb", case="default", **fields):
        folder = f"{name.removesuffix('.ipynb')}/{case}"
        source = pending.source_hash(self.root / name)
        base = baselines.fingerprint(self.baselines / folder)
        known = {
            "kind": "new",
            "run": "1",
            "differences": ("metric loss: new",),
            "base": base,
            "source": source,
        }
        return Pending(**{"case": f"{name}::{case}", "notebook": name, "folder": folder, **known, **fields})

    def draft(self, entry, value=1.0, names=("a.csv",)):
        run = self.root / "run"
        artifacts = {}
        for name in names:
            files.write_bytes(run / "files" / name, f"{value}".encode())
            path = run / "files" / name
            artifacts[name] = Artifact(name, "text", f"files/{name}", files.sha256(path), path.stat().st_size)
        return baselines.Draft(
            metrics={"loss": Metric(value)},
            artifacts=artifacts,
            sources={name: run / one.path for name, one in artifacts.items()},
            notebook=notebook.read(self.root / entry.notebook).raw,
            environment={"schema": 1, "cpu": "x"},
            once=False,
            fixture=False,
        )

    def put(self, entry, value=1.0, names=("a.csv",)):
        pending.put(self.pending, entry, self.draft(entry, value, names))
        return entry

    def accept(self, entry, **options):
        pending.accept(self.pending, entry, self.root, self.baselines, baselines.Terms(**options))

    def entries(self):
        return list(pending.entries(self.pending))

    def accepted(self, folder="a/default"):
        return baselines.read(self.baselines / folder)


@pytest.fixture
def bench(tmp_path, write_notebook):
    return Bench(tmp_path, write_notebook)


class TestSourceHash:
    def test_outputs_do_not_count_but_source_kind_and_tags_do(self, tmp_path, write_notebook):
        def hash_of(**cell):
            return pending.source_hash(write_notebook(tmp_path / "n.ipynb", {"source": "x", **cell}))

        same = hash_of()
        assert hash_of(outputs=[{"output_type": "stream", "name": "stdout", "text": "1"}], id="other") == same
        others = [
            hash_of(source="y"),
            hash_of(tags=["metrics"]),
            hash_of(cell_type="markdown"),
            hash_of(source="\ud800"),
        ]
        assert len({same, *others}) == 5


class TestKeeping:
    def test_what_is_put_is_found_with_its_candidate(self, bench):
        entry = bench.put(bench.entry(), 2.0)
        assert bench.entries() == [entry]
        assert baselines.read(bench.pending / entry.folder).metrics == {"loss": Metric(2.0)}

    def test_it_takes_the_place_of_an_earlier_one(self, bench):
        bench.put(bench.entry(), 1.0, ["a.csv", "old/b.csv"])
        entry = bench.put(bench.entry(run="2"), 2.0)
        assert bench.entries() == [entry]
        assert sorted(tree(bench.pending / "a/default")) == [
            "artifacts.json",
            "environment.json",
            "files/a.csv",
            "metrics.json",
            "notebook.ipynb",
            "pending.json",
        ]
        assert [path.name for path in bench.pending.iterdir()] == ["a"]

    def test_entries_come_by_place_and_files_of_runs_are_none(self, bench):
        bench.write_notebook(bench.root / "b/c.ipynb", "y = 1")
        two = bench.put(bench.entry("b/c.ipynb", "y=1"))
        one = bench.put(bench.entry(), names=["pending.json", "deep/pending.json"])
        shutil.copytree(bench.pending / "a", bench.pending / ".tmp-crashed")
        assert bench.entries() == [one, two]

    def test_nothing_waits_where_there_is_nothing(self, bench):
        assert bench.entries() == []

    def test_a_disk_that_becomes_full_at_any_point_is_told_and_leaves_nothing_half(self, bench):
        first, later = bench.put(bench.entry(), 1.0), bench.draft(bench.entry(), 2.0)
        for at in range(1, 60):
            calls = itertools.count(1)
            with pytest.MonkeyPatch.context() as patch:
                for name in ("mkdir", "fsync", "replace"):
                    patch.setattr(os, name, failing(getattr(os, name), calls, at))
                try:
                    pending.put(bench.pending, bench.entry(run="2"), later)
                except StoreError as error:
                    told = str(error)
                else:
                    break
            assert "cannot keep the differing values: No space left" in told
            assert bench.entries() in ([first], [])
            assert not list(bench.pending.glob(".tmp-*"))
        assert at > 10
        assert bench.entries() == [bench.entry(run="2")]

    def test_dropping_forgets_one_and_leaves_no_empty_folders(self, bench):
        bench.put(bench.entry())
        pending.drop(bench.pending, "a/default")
        assert list(bench.pending.iterdir()) == []
        pending.drop(bench.pending, "a/default")  # nothing there is no fault

    def test_what_cannot_be_forgotten_is_told(self, bench, monkeypatch):
        bench.put(bench.entry())
        monkeypatch.setattr(os, "unlink", no_space)
        with pytest.raises(StoreError, match="cannot forget what waits: No space left"):
            pending.drop(bench.pending, "a/default")


class TestUnreadable:
    @pytest.mark.parametrize(
        "changes",
        [
            {"schema": 2},
            {"schema": None},
            {"folder": "../../elsewhere"},
            {"folder": "a/other"},
            {"case": 3},
            {"differences": 3},
            {"differences": [3]},
            {"unknown": 1},
        ],
    )
    def test_a_record_that_is_wrong_is_told_with_its_place(self, bench, changes):
        path = bench.pending / bench.put(bench.entry()).folder / "pending.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
        with pytest.raises(StoreError, match="cannot read what waits") as caught:
            bench.entries()
        assert caught.value.where == str(path)
        assert str(path.parent) in caught.value.hint

    @pytest.mark.parametrize("text", ["", "{", "[]", "\udcff"])
    def test_so_is_one_that_is_no_json(self, bench, text):
        path = bench.pending / bench.put(bench.entry()).folder / "pending.json"
        path.write_text(text, errors="surrogateescape")
        with pytest.raises(StoreError, match="cannot read what waits"):
            bench.entries()


class TestAccepting:
    def test_what_waits_becomes_the_baseline_and_waits_no_longer(self, bench):
        bench.accept(bench.put(bench.entry(), 2.0))
        assert bench.accepted().metrics == {"loss": Metric(2.0)}
        assert "accepted" not in bench.accepted().environment
        assert bench.entries() == []

    def test_a_later_one_takes_its_place(self, bench):
        bench.accept(bench.put(bench.entry(), 1.0))
        bench.accept(bench.put(bench.entry(kind="changed"), 2.0), why="the data grew")
        assert bench.accepted().metrics == {"loss": Metric(2.0)}
        assert bench.accepted().environment == {
            "schema": 1,
            "cpu": "x",
            "accepted": "the data grew",
            "anchors": {"loss": {"acceptances": 1, "value": 1.0}},
        }

    def test_the_reason_needs_no_environment_record(self, bench):
        entry = bench.put(bench.entry())
        (bench.pending / entry.folder / "environment.json").unlink()
        bench.accept(entry, why="because")
        assert bench.accepted().environment == {"schema": 1, "accepted": "because"}

    def refused(self, bench, entry, what):
        before = tree(bench.root)
        with pytest.raises(BaselineError, match=what) as caught:
            bench.accept(entry, why="because")
        assert tree(bench.root) == before
        return caught.value

    def test_a_notebook_that_changed_is_refused(self, bench):
        entry = bench.put(bench.entry())
        bench.write_notebook(bench.root / "a.ipynb", "x = 2")
        error = self.refused(bench, entry, "the notebook changed since this run")
        assert (error.where, error.hint) == ("a.ipynb::default", "run it again: pytest --nbrepro a.ipynb")

    @pytest.mark.parametrize("content", [None, "no notebook"])
    def test_a_notebook_that_cannot_be_read_is_refused(self, bench, content):
        entry = bench.put(bench.entry())
        (bench.root / "a.ipynb").unlink()
        if content:
            (bench.root / "a.ipynb").write_text(content)
        self.refused(bench, entry, "not JSON" if content else "cannot be read")

    def test_a_baseline_that_changed_is_refused(self, bench):
        bench.accept(bench.put(bench.entry(), 1.0))
        entry = bench.put(bench.entry(kind="changed"), 2.0)
        path = bench.baselines / "a/default/metrics.json"
        path.write_text(path.read_text().replace("1.0", "3.0"))
        self.refused(bench, entry, "the baseline changed since this run")

    def test_a_baseline_that_came_meanwhile_is_refused(self, bench):
        entry = bench.entry()
        bench.accept(bench.put(bench.entry(), 1.0))
        self.refused(bench, bench.put(entry, 2.0), "the baseline changed since this run")

    @pytest.mark.parametrize("name", ["files/a.csv", "metrics.json", None])
    def test_values_that_are_not_whole_are_refused(self, bench, name):
        entry = bench.put(bench.entry())
        if name is None:
            baselines.delete(bench.pending / entry.folder, bench.root)
        else:
            (bench.pending / entry.folder / name).unlink()
        self.refused(bench, entry, "not whole|half-written")

    def test_a_file_that_somebody_changed_is_refused(self, bench):
        entry = bench.put(bench.entry())
        (bench.pending / entry.folder / "files/a.csv").write_text("3.0")
        self.refused(bench, entry, "not whole")

    @pytest.mark.parametrize("content", ["3.0", None])
    def test_nor_is_a_picture_that_somebody_changed(self, bench, content):
        entry = bench.put(bench.entry())
        folder = bench.pending / entry.folder
        (folder / "files/a.png").write_text("picture")
        record = json.loads((folder / "artifacts.json").read_text())
        sha256 = files.sha256(folder / "files/a.png")
        record["artifacts"]["a.csv"]["shown"] = {"path": "files/a.png", "sha256": sha256, "bytes": 7}
        (folder / "artifacts.json").write_text(json.dumps(record))
        pending.check(bench.pending, entry, bench.root, bench.baselines)
        (folder / "files/a.png").unlink()
        if content is not None:
            (folder / "files/a.png").write_text(content)
        self.refused(bench, entry, "not whole")

    def test_an_artifact_that_is_kept_as_a_hash_needs_no_file(self, bench):
        entry = bench.put(bench.entry())
        path = bench.pending / entry.folder / "artifacts.json"
        record = json.loads(path.read_text())
        record["artifacts"]["a.csv"]["stored"] = "hash"
        path.write_text(json.dumps(record))
        (bench.pending / entry.folder / "files/a.csv").unlink()
        bench.accept(entry)
        assert bench.accepted().artifacts["a.csv"].stored == "hash"

    def test_a_full_disk_leaves_baseline_and_pending_values(self, bench, monkeypatch):
        bench.accept(bench.put(bench.entry(), 1.0))
        entry = bench.put(bench.entry(kind="changed"), 2.0)
        before = tree(bench.root)
        monkeypatch.setattr(os, "fsync", no_space)
        for options in ({}, {"why": "w"}):
            with pytest.raises(BaselineError, match="cannot write this baseline: No space left"):
                bench.accept(entry, **options)
        assert tree(bench.root) == before


WAITING = [
    Pending(f"{name}::{case}", name, f"{name.removesuffix('.ipynb')}/{case}", "new", "1", (), None, "")
    for name, case in (
        ("a.ipynb", "x=1"),
        ("a.ipynb", "x=2"),
        ("deep/a.ipynb", "x=1"),
        ("deep/b.ipynb", "x=1"),
    )
]


class TestMatching:
    @pytest.mark.parametrize(
        ("name", "places"),
        [
            ("a.ipynb::x=2", [1]),
            ("a.ipynb", [0, 1]),
            ("./a", [0, 1]),
            ("deep/a/x=1", [2]),
            ("deep/", [2, 3]),
        ],
    )
    def test_a_name_is_a_case_a_notebook_or_a_folder(self, name, places):
        assert pending.matching(WAITING, [name]) == [WAITING[place] for place in places]

    def test_several_names_select_each_entry_once(self):
        assert pending.matching(WAITING, ["deep/b", "deep"]) == [WAITING[3], WAITING[2]]

    def test_a_name_that_selects_nothing_is_told(self):
        with pytest.raises(StoreError, match="nothing that waits matches 'deeper'") as caught:
            pending.matching(WAITING, ["a", "deeper"])
        assert caught.value.hint.startswith("waiting: a.ipynb::x=1, a.ipynb::x=2")

    def test_so_is_a_name_where_nothing_waits(self):
        with pytest.raises(StoreError) as caught:
            pending.matching([], ["a"])
        assert caught.value.hint == "waiting: nothing"
