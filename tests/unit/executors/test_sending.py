"""Runs through somebody else's executor."""

from __future__ import annotations

import json
import pickle
import threading
from concurrent import futures
from pathlib import Path

import pytest

import pytest_nbrepro
from pytest_nbrepro import executors, runner
from pytest_nbrepro.errors import DriverError, KernelError, NbreproError, WorkspaceError
from pytest_nbrepro.executors import errand
from pytest_nbrepro.executors.factories import Made
from pytest_nbrepro.executors.sending import Elsewhere
from pytest_nbrepro.model import Coverage, Run, RunStatus
from pytest_nbrepro.store import Store

PATIENCE = 60.0


class Stage:
    """Stands in for `run_case`: writes a record, and does what the test wants."""

    def __init__(self):
        self.tasks = []
        self.error = None
        self.waits = False
        self.begun = threading.Event()

    def run_case(self, task, progress=None, control=None):
        self.tasks.append(task)
        self.begun.set()
        folder = Store(task.store).claim()
        if self.error is not None:
            raise self.error
        status = RunStatus.COMPLETED
        if self.waits:
            stopped = threading.Event()
            with control.of(Stopper(stopped)):
                assert stopped.wait(PATIENCE)
            status = RunStatus.INTERRUPTED
        (folder / "notebook.ipynb").write_text(f'"{folder}/work and {task.root}/x"')
        (folder / "environment.json").write_text('{"cpu": "theirs", "git": null}')
        run = Run(folder.name, folder, task.case.notebook, "default", {}, status, "2026-01-01T00:00:00+00:00")
        Store(task.store).write(run)
        return run


class Stopper:
    def __init__(self, stopped):
        self.stop = stopped.set


@pytest.fixture
def stage(monkeypatch):
    made = Stage()
    monkeypatch.setattr(runner, "run_case", made.run_case)
    return made


@pytest.fixture
def notebooks(tmp_path):
    for name in "abc":
        (tmp_path / f"{name}.ipynb").write_text("{}")


@pytest.fixture
def runs(stage, notebooks):
    pool = futures.ThreadPoolExecutor(2)
    executor = Elsewhere(lambda: Made(pool, lambda: pool.shutdown(wait=False)))
    yield executor
    executor.close()
    pool.shutdown()


@pytest.fixture
def blind(monkeypatch):
    """Workers do not see the files."""
    monkeypatch.setattr(errand, "_shared", lambda order, task: False)


def test_where_the_disk_is_shared_the_run_stays_where_it_is(runs, stage, task, tmp_path):
    given = task("a")
    run = runs.submit(given).result()
    assert run.folder.parent == tmp_path / ".nbrepro/runs"
    assert stage.tasks[0].root == tmp_path
    assert len(Store(given.store).ids()) == 1


def test_nothing_is_left_in_the_store_but_runs(runs, task, tmp_path):
    runs.submit(task("a")).result()
    runs.close()
    assert sorted(path.name for path in (tmp_path / ".nbrepro").iterdir()) == [".gitignore", "runs"]


def test_where_it_is_not_files_go_along_and_come_back(blind, runs, stage, task, tmp_path):
    run = runs.submit(task("a", coverage=Coverage(None, (), True, "x"))).result()
    (away,) = stage.tasks
    assert away.root != tmp_path
    assert away.coverage is None
    assert not away.root.exists()
    assert run.folder == tmp_path / ".nbrepro/runs" / run.id
    assert Store(tmp_path / ".nbrepro").read(run.id) == run
    assert (run.folder / "notebook.ipynb").read_text() == f'"{run.folder}/work and {tmp_path}/x"'
    assert json.loads((run.folder / "environment.json").read_text())["cpu"] == "theirs"
    assert any("coverage was not measured" in note for note in run.notes)


def test_those_that_were_sent_without_files_are_sent_again(blind, runs, stage, task):
    handles = [runs.submit(task(name)) for name in "abc"]
    assert [handle.result().notebook for handle in handles] == ["a.ipynb", "b.ipynb", "c.ipynb"]
    assert len(stage.tasks) == 3


def test_files_that_cannot_be_sent(blind, runs, task, tmp_path, monkeypatch):
    monkeypatch.setattr("pytest_nbrepro.executors.parcels.LARGEST", 0)
    (tmp_path / "a.ipynb").write_text("{}")

    def pack(task):
        raise WorkspaceError("too much to send")

    monkeypatch.setattr("pytest_nbrepro.executors.parcels.pack_project", pack)
    with pytest.raises(WorkspaceError, match="too much to send"):
        runs.submit(task("a")).result()
    with pytest.raises(WorkspaceError, match="too much to send"):
        runs.submit(task("b"))
    assert runs.running == 0


def test_a_fault_is_raised_where_the_run_is_waited_for(runs, stage, task):
    stage.error = KernelError("not installed")
    handle = runs.submit(task("a"))
    with pytest.raises(KernelError, match="not installed"):
        handle.result()


def test_what_a_worker_met_is_told(runs, stage, task):
    stage.error = OSError("its disk is gone")
    handle = runs.submit(task("a"))
    with pytest.raises(DriverError, match="the executor lost the run: OSError: its disk is gone"):
        handle.result()


def test_an_executor_that_takes_nothing(stage, notebooks, task):
    pool = futures.ThreadPoolExecutor(1)
    pool.shutdown()
    with pytest.raises(DriverError, match="the executor takes nothing"):
        Elsewhere(lambda: Made(pool, lambda: None)).submit(task("a"))


def test_one_under_way_is_stopped_where_the_disk_is_shared(runs, stage, task):
    stage.waits = True
    handle = runs.submit(task("a"))
    assert stage.begun.wait(PATIENCE)
    assert runs.running == 1
    handle.stop()
    assert handle.result().status is RunStatus.INTERRUPTED


def test_all_are_stopped(runs, stage, task):
    stage.waits = True
    handles = [runs.submit(task(name)) for name in "abc"]
    assert stage.begun.wait(PATIENCE)
    runs.stop()
    assert runs.running == 0
    assert handles[0].outcome.status is RunStatus.INTERRUPTED
    with pytest.raises(NbreproError, match="stopped before it began"):
        handles[2].result()


def test_a_ctrl_c_stops_all(runs, stage, task, monkeypatch):
    stage.waits = True
    first, second = runs.submit(task("a")), runs.submit(task("b"))

    def interrupted():
        assert stage.begun.wait(PATIENCE)
        raise KeyboardInterrupt

    monkeypatch.setattr(first, "_news", interrupted)
    with pytest.raises(KeyboardInterrupt):
        first.result()
    assert second.outcome.status is RunStatus.INTERRUPTED


def test_what_is_elsewhere_is_not_waited_for(blind, runs, stage, task, monkeypatch):
    release = threading.Event()
    monkeypatch.setattr(errand, "_sent", lambda task, parcel: release.wait(PATIENCE))
    handle = runs.submit(task("a"))
    futures.wait([handle.future])
    runs.settle()  # sends it again, with its files
    runs.stop()
    assert runs.running == 0
    release.set()


def test_who_asked_is_gone(stage, notebooks, task, tmp_path):
    stage.waits = True
    (tmp_path / "here").write_text("token")
    order = errand.Order(
        pytest_nbrepro.__version__, pickle.dumps(task("a")), tmp_path / "here", "token", tmp_path / "stop"
    )
    with futures.ThreadPoolExecutor(1) as pool:
        future = pool.submit(errand.run, order)
        assert stage.begun.wait(PATIENCE)
        (tmp_path / "here").unlink()
        assert future.result().run.status is RunStatus.INTERRUPTED


def test_another_version_is_refused(tmp_path):
    order = errand.Order("0.0.1", b"", tmp_path, "", tmp_path)
    with pytest.raises(DriverError, match=r"worker has pytest-nbrepro \S+, this process 0\.0\.1"):
        errand.run(order)


@pytest.mark.parametrize("text", ["other", None])
def test_a_store_that_is_not_the_same_is_not_shared(notebooks, task, tmp_path, text):
    mark = tmp_path / "here"
    if text is not None:
        mark.write_text(text)
    order = errand.Order(pytest_nbrepro.__version__, pickle.dumps(task("a")), mark, "token", Path("stop"))
    assert errand.run(order) == errand.Reply(None)


def test_nothing_is_made_before_there_is_a_task(stage, notebooks, task):
    made = []

    def make():
        made.append(1)
        return Made(futures.ThreadPoolExecutor(1), lambda: made.append(0))

    executor = Elsewhere(make)
    executor.expect(())
    executor.close()
    assert made == []
    executor.expect([task("a")])
    executor.close()
    assert made == [1, 0]


def test_by_name():
    assert isinstance(executors.elsewhere("dask"), Elsewhere)
