"""The run store: ids, records that come back as they went, runs whose process vanished."""

import dataclasses
import errno
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_nbrepro import files, store
from pytest_nbrepro.errors import StoreError
from pytest_nbrepro.model import Artifact, CellRecord, Metric, Picture, Run, RunError, RunStatus, Seen
from pytest_nbrepro.store import Store

NUMBERS = st.booleans() | st.integers() | st.floats(allow_nan=False)
TEXTS = st.text(max_size=8)
NAMES = st.text(st.characters(exclude_characters="/\0", codec="utf-8"), min_size=1, max_size=8).filter(
    lambda name: name not in {".", ".."}
)
METRICS = st.builds(
    Metric,
    NUMBERS,
    st.sampled_from(["int", "bool", "float64", "float32"]),
    st.none() | st.integers(0, 99),
    st.lists(st.tuples(st.none() | st.integers(0, 99), NUMBERS), max_size=3).map(tuple),
)
PATHS = st.tuples(st.sampled_from(["files", "cells"]), st.lists(NAMES, min_size=1, max_size=3)).map(
    lambda parts: "/".join([parts[0], *parts[1]])
)
ARTIFACTS = st.builds(
    Artifact,
    name=st.just(""),
    kind=TEXTS,
    path=PATHS,
    sha256=TEXTS,
    bytes=st.integers(0),
    schema=st.dictionaries(TEXTS, TEXTS | st.lists(st.integers()), max_size=2),
    cell=st.none() | st.integers(0, 99),
    stored=st.sampled_from(["file", "hash"]),
)
FLAGS = st.dictionaries(
    TEXTS, NUMBERS | TEXTS | st.none() | st.lists(NUMBERS, max_size=2).map(tuple), max_size=3
)
RUNS = st.builds(
    Run,
    id=TEXTS,
    folder=st.just(Path("/somewhere")),
    notebook=TEXTS,
    case=TEXTS,
    flags=FLAGS,
    status=st.sampled_from(RunStatus),
    started=TEXTS,
    duration=st.none() | st.floats(0, 1e6),
    metrics=st.dictionaries(TEXTS, METRICS, max_size=3),
    artifacts=st.dictionaries(TEXTS, ARTIFACTS, max_size=3).map(
        lambda found: {name: dataclasses.replace(artifact, name=name) for name, artifact in found.items()}
    ),
    cells=st.lists(st.builds(CellRecord, st.integers(0), TEXTS, TEXTS, TEXTS), max_size=2).map(tuple),
    error=st.none() | st.builds(RunError, TEXTS, TEXTS, st.none() | st.integers(0), TEXTS, st.none() | TEXTS),
    notes=st.lists(TEXTS, max_size=2).map(tuple),
    seen=st.lists(st.builds(Seen, kind=TEXTS, cell=st.integers(0, 9), where=TEXTS), max_size=2).map(tuple),
    peak=st.none() | st.integers(0),
)


def run_in(folder: Path, **fields) -> Run:
    given_ = {"notebook": "a.ipynb", "case": "default", "flags": {}, "started": "2026-01-01T00:00:00+00:00"}
    return Run(**{"id": folder.name, "folder": folder, "status": RunStatus.COMPLETED, **given_, **fields})


@pytest.fixture
def kept(tmp_path):
    """A store with three runs, oldest first."""
    there = Store(tmp_path / ".nbrepro")
    for case in ("one", "two", "three"):
        folder = there.claim()
        there.write(run_in(folder, case=case))
    return there


def rewrite(run_json: Path, **changes):
    record = json.loads(run_json.read_text())
    run_json.write_text(json.dumps({**record, **changes}))


class TestClaiming:
    def test_ids_are_a_time_and_six_digits_and_sort_by_time(self, kept):
        assert all(re.fullmatch(r"\d{8}T\d{6}\.\d{6}-[0-9a-f]{6}", name) for name in kept.ids())
        assert [kept.read(name).case for name in kept.ids()] == ["one", "two", "three"]

    def test_git_ignores_the_store_whole(self, kept):
        assert (kept.folder / ".gitignore").read_text().endswith("\n*\n")

    def test_an_ignore_file_of_the_users_own_stays(self, tmp_path):
        (tmp_path / ".gitignore").write_text("mine")
        Store(tmp_path).prepare()
        assert (tmp_path / ".gitignore").read_text() == "mine"

    def test_an_id_that_is_taken_is_not_given_again(self, tmp_path, monkeypatch):
        digits = iter(["aaaaaa", "aaaaaa", "bbbbbb"])
        monkeypatch.setattr(
            store.secrets, "token_hex", lambda n: next(digits) if n == 3 else os.urandom(n).hex()
        )
        fixed(monkeypatch)
        there = Store(tmp_path)
        assert [there.claim().name[-6:], there.claim().name[-6:]] == ["aaaaaa", "bbbbbb"]

    def test_it_gives_up_when_every_id_is_taken(self, tmp_path, monkeypatch):
        there = Store(tmp_path)
        there.prepare()
        monkeypatch.setattr(store.secrets, "token_hex", lambda _: "aaaaaa")
        fixed(monkeypatch)
        there.claim()
        with pytest.raises(StoreError, match="no free run id after 100 attempts"):
            there.claim()

    def test_a_store_that_cannot_be_made_is_told(self, tmp_path):
        (tmp_path / "file").write_text("")
        with pytest.raises(StoreError, match="cannot write") as caught:
            Store(tmp_path / "file").claim()
        assert caught.value.where == str(tmp_path / "file")
        assert "--nbrepro-dir" in caught.value.hint

    def test_a_disk_that_is_full_when_a_run_begins_is_told(self, tmp_path, monkeypatch):
        there = Store(tmp_path)
        there.prepare()
        monkeypatch.setattr(there, "prepare", lambda: None)
        monkeypatch.setattr(Path, "mkdir", full)
        with pytest.raises(StoreError, match="No space left"):
            there.claim()


def fixed(monkeypatch):
    """Stop the clock."""

    class Clock(store.datetime):
        @classmethod
        def now(cls, tz=None):
            return cls(2026, 1, 2, 3, 4, 5, 6, tz)

    monkeypatch.setattr(store, "datetime", Clock)


def full(*_, **__):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


class TestRecords:
    @given(RUNS)
    def test_a_run_comes_back_as_it_went(self, run):
        record = json.loads(files.dump_json(store.to_record(run)))
        assert store.from_record(record, run.folder) == run

    def test_numbers_that_json_has_no_word_for_come_back(self, tmp_path):
        there = Store(tmp_path)
        metrics = {
            "inf": Metric(float("-inf"), "float32"),
            "large": Metric(2**53 + 1, "int", 3),
            "nan": Metric(float("nan")),
            "runs": Metric(0.5, samples=(0.5, float("-inf"), 0.25)),
            "steps": Metric(0.5, steps=((None, float("inf")), (2, True))),
        }
        run = run_in(there.claim(), metrics=metrics, flags={"shape": (1, float("inf"))})
        there.write(run)
        assert repr(there.read(run.id)) == repr(run)

    def test_a_full_disk_leaves_the_earlier_record(self, kept, monkeypatch):
        run = kept.read(kept.ids()[0])
        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(StoreError, match=r"run\.json: cannot write: No space left"):
            kept.write(dataclasses.replace(run, case="other"))
        assert kept.read(run.id) == run
        assert [path.name for path in run.folder.iterdir()] == ["run.json"]

    def test_only_the_record_of_a_run_that_is_over_waits_for_the_disk(self, kept, monkeypatch):
        run = kept.read(kept.ids()[0])
        monkeypatch.setattr(os, "fsync", full)
        kept.write(dataclasses.replace(run, case="other", status=RunStatus.RUNNING))
        with pytest.raises(StoreError, match="No space left"):
            kept.write(run)
        assert kept.read(run.id).case == "other"


class TestFinding:
    def test_the_beginning_or_the_end_of_an_id_is_enough(self, kept):
        for name in kept.ids():
            assert kept.find(name).id == kept.find(name[-10:]).id == name

    def test_several_matches_are_told(self, kept):
        with pytest.raises(StoreError, match="3 runs match '2'") as caught:
            kept.find("2")
        assert caught.value.hint == "nbrepro runs lists them"

    def test_no_match_is_told(self, kept):
        with pytest.raises(StoreError, match="no run matches 'zzz'"):
            kept.find("zzz")

    def test_an_empty_store_has_no_runs(self, tmp_path):
        assert Store(tmp_path / "none").ids() == []

    def test_a_run_that_is_not_there_is_told(self, kept):
        with pytest.raises(StoreError, match="there is no such run"):
            kept.read("nothing")


class TestUnreadable:
    @pytest.mark.parametrize(
        "text",
        [
            "",
            "[]",
            '{"schema": "1"}',
            "{",
            "\xff",
            '{"schema": 1}',
            "[" * 100_000,
            '{"schema": 1, "id": "x", "notebook": "", "case": "", "flags": [], "status": "failed"}',
        ],
    )
    def test_a_broken_record_is_told_with_its_place(self, kept, text):
        path = kept.runs / kept.ids()[0] / "run.json"
        path.write_bytes(text.encode("latin-1"))
        with pytest.raises(StoreError, match="the record of this run cannot be read") as caught:
            kept.read(kept.ids()[0])
        assert caught.value.where == str(path)

    def test_a_newer_schema_is_told(self, kept):
        rewrite(kept.runs / kept.ids()[0] / "run.json", schema=2)
        with pytest.raises(StoreError, match="it has schema 2, this version knows up to 1: update"):
            kept.read(kept.ids()[0])

    @pytest.mark.parametrize(
        "path",
        [
            "/etc/passwd",
            "files/../../x",
            "../x",
            "files",
            "files/",
            "run.json",
            "files//x",
            "cells/./x",
            "",
            "other/x",
        ],
    )
    def test_an_artifact_outside_its_folder_is_refused(self, path):
        record = {**store.artifact_record(Artifact("a", "text", "files/a", "0", 0)), "path": path}
        with pytest.raises(ValueError, match="leads out of its folder"):
            store.artifact_from("a", record)

    def test_so_is_what_is_seen_of_it(self):
        one = Artifact(
            "a", "table", "cells/a.frame", "0", 0, shown=Picture("cells/a.html", "1", 2), untaken="x"
        )
        record = json.loads(json.dumps(store.artifact_record(one)))
        assert store.artifact_from("a", record) == one
        record["shown"]["path"] = "cells/../../a.html"
        with pytest.raises(ValueError, match="leads out of its folder"):
            store.artifact_from("a", record)

    def test_an_odd_name_is_not(self):
        record = store.artifact_record(Artifact("a", "text", "files/a\\b/..c", "0", 0))
        assert store.artifact_from("a", record).path == "files/a\\b/..c"


class TestVanished:
    def running(self, kept) -> Path:
        folder = kept.claim()
        kept.write(run_in(folder, status=RunStatus.RUNNING))
        return folder

    def test_a_run_of_a_living_process_is_running(self, kept):
        assert kept.read(self.running(kept).name).status is RunStatus.RUNNING

    def test_one_whose_process_is_gone_died(self, kept):
        folder = self.running(kept)
        child = subprocess.Popen([sys.executable, "-c", ""])
        child.wait()
        rewrite(folder / "run.json", pid=child.pid)
        run = kept.read(folder.name)
        assert run.status is RunStatus.DIED
        assert run.error == RunError("died", "the process that ran it vanished before the run ended")

    def test_one_whose_process_nobody_has_waited_for_died(self, kept):
        import psutil

        folder = self.running(kept)
        child = subprocess.Popen([sys.executable, "-c", ""], stdout=subprocess.PIPE)
        try:
            born = psutil.Process(child.pid).create_time()
            child.stdout.read()  # until it is gone
            os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # … and still not waited for
            rewrite(folder / "run.json", pid=child.pid, born=born)
            assert kept.read(folder.name).status is RunStatus.DIED
        finally:
            child.stdout.close()
            child.wait()

    def test_a_process_that_got_the_same_id_is_another(self, kept):
        folder = self.running(kept)
        born = json.loads((folder / "run.json").read_text())["born"]
        rewrite(folder / "run.json", born=born - 3600)
        assert kept.read(folder.name).status is RunStatus.DIED

    @pytest.mark.parametrize(
        "changes", [{"pid": None}, {"pid": -1}, {"pid": "1"}, {"born": None}, {"pid": 2**70}]
    )
    def test_a_record_without_a_process_is_of_none(self, kept, changes):
        folder = self.running(kept)
        rewrite(folder / "run.json", **changes)
        assert kept.read(folder.name).status is RunStatus.DIED

    def test_a_run_that_ended_stays_as_it_ended(self, kept):
        rewrite(kept.runs / kept.ids()[0] / "run.json", pid=-1)
        assert kept.read(kept.ids()[0]).status is RunStatus.COMPLETED
