"""Runs without kernels: what is left of a run, and what the next one takes over."""

from __future__ import annotations

import dataclasses
import os
import shutil

import nbformat
import pytest

from pytest_nbrepro import leftovers, runner, workspace
from pytest_nbrepro.errors import StoreError, WorkspaceError
from pytest_nbrepro.execution import Execution
from pytest_nbrepro.model import Case, RunError, RunStatus, Spec, Task
from pytest_nbrepro.store import Store


class Stage:
    """A project with notebooks `nb/a.ipynb` and `nb/b.ipynb`, whose runs do what a test says."""

    def __init__(self, root) -> None:
        self.root = root
        self.store = Store(root / ".nbrepro")
        self.status = RunStatus.COMPLETED
        self.seen: list[dict[str, int]] = []  # inodes of the files that a run finds
        (root / "nb").mkdir()
        for name in "ab":
            nbformat.write(nbformat.v4.new_notebook(), root / f"nb/{name}.ipynb")
        (root / "nb/data.csv").write_text("1\n")

    def task(self, name: str) -> Task:
        case = Case(f"nb/{name}.ipynb", "default", {}, Spec(), f"nb/{name}/default")
        return Task(case, self.root, self.store.folder, self.root / "baselines")

    def execute(self, request, progress, control) -> Execution:
        self.seen.append({path.name: path.stat().st_ino for path in sorted(request.cwd.iterdir())})
        (request.cwd / "result.txt").write_text("new")
        error = None if self.status is RunStatus.COMPLETED else RunError("error", "it failed")
        shutil.copy(request.path, request.folder / "notebook.ipynb")
        return Execution(
            status=self.status,
            error=error,
            notebook=nbformat.read(request.path, 4),
            seconds={},
            values=(),
            facts={},
            read=(),
            notes=(),
            peak=None,
        )

    def works(self) -> list[str]:
        return sorted(path.parent.name for path in self.store.runs.glob("*/work"))


@pytest.fixture
def stage(tmp_path, monkeypatch):
    monkeypatch.setattr(leftovers, "_POSSIBLE", True)
    made = Stage(tmp_path)
    monkeypatch.setattr(runner.execution, "execute", made.execute)
    monkeypatch.setattr(runner.execution, "expect", lambda *_, **__: None)
    yield made
    runner.release()


def test_the_next_run_takes_over_what_was_left_untouched(stage):
    tasks = [stage.task(name) for name in "ab"]
    runner.expect(tasks)
    first = runner.run_case(tasks[0])
    assert stage.works() == [first.id]
    second = runner.run_case(tasks[1])
    assert stage.works() == [second.id]
    assert stage.seen[0] == stage.seen[1]
    assert list(second.artifacts) == ["result.txt"]
    runner.release()
    assert stage.works() == []


def test_nothing_is_left_where_no_other_run_is_expected(stage):
    runner.run_case(stage.task("a"))
    assert stage.works() == []


@pytest.mark.parametrize("status", [status for status in RunStatus if status is not RunStatus.COMPLETED])
def test_a_run_that_does_not_complete_leaves_nothing(stage, status):
    stage.status = status
    runner.expect([stage.task("a")])
    runner.run_case(stage.task("a"))
    assert stage.works() == []


def test_what_cannot_be_removed_later_is_told_in_the_record_of_its_run(stage, monkeypatch):
    tasks = [stage.task(name) for name in "ab"]
    runner.expect(tasks)
    first = runner.run_case(tasks[0])
    real = workspace.remove

    def remove(work):
        if work.parent.name == first.id:
            raise WorkspaceError("it is somebody else's", where=str(work))
        real(work)

    monkeypatch.setattr(workspace, "remove", remove)
    second = runner.run_case(tasks[1])
    assert second.notes == ()
    (note,) = stage.store.read(first.id).notes
    assert note == "the folder in which the notebook ran is left behind: it is somebody else's"
    assert stage.store.read(first.id) == dataclasses.replace(first, notes=(note,))


def test_a_project_that_was_edited_between_two_runs(stage):
    tasks = [stage.task(name) for name in "ab"]
    runner.expect(tasks)
    runner.run_case(tasks[0])
    (stage.root / "nb/data.csv").write_text("2\n")
    (stage.root / "nb/a.ipynb").unlink()
    runner.run_case(tasks[1])
    assert sorted(stage.seen[1]) == ["b.ipynb", "data.csv"]
    assert stage.seen[1]["b.ipynb"] == stage.seen[0]["b.ipynb"]
    assert stage.seen[1]["data.csv"] != stage.seen[0]["data.csv"]


def test_a_mirror_whose_run_was_deleted_meanwhile(stage):
    tasks = [stage.task(name) for name in "ab"]
    runner.expect(tasks)
    first = runner.run_case(tasks[0])
    shutil.rmtree(first.folder)
    second = runner.run_case(tasks[1])
    assert second.status is RunStatus.COMPLETED
    assert os.listdir(stage.store.runs) == [second.id]


def test_a_record_that_cannot_be_written_keeps_no_mirror_from_being_removed(stage, monkeypatch):
    task = stage.task("a")
    runner.expect([task])
    write = Store.write

    def full(self, run):
        if run.status is not RunStatus.RUNNING:
            raise StoreError("the disk is full")
        write(self, run)

    monkeypatch.setattr(Store, "write", full)
    with pytest.raises(StoreError, match="full"):
        runner.run_case(task)
    runner.release()
    assert stage.works() == []


def test_the_record_is_whole_before_others_may_take_the_mirror(stage, monkeypatch):
    task = stage.task("a")
    runner.expect([task])
    found = []
    monkeypatch.setattr(
        runner._LEFTOVERS, "keep", lambda *_: found.extend(stage.store.read(n) for n in stage.store.ids())
    )
    assert [runner.run_case(task)] == found
