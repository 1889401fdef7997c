"""Runs in a process of our own. The notebooks are pipes: a run that reads one is under way until it is written."""

from __future__ import annotations

import os
import signal
import sys
import time
from dataclasses import replace

import psutil
import pytest

from pytest_nbrepro.errors import DriverError, NbreproError
from pytest_nbrepro.executors import Room, driver, service
from pytest_nbrepro.executors.driver import Driver
from pytest_nbrepro.model import RunStatus, Spec
from pytest_nbrepro.store import Store


@pytest.fixture
def runs():
    made = []

    def make(count=1):
        made.append(Driver(Room(count)))
        return made[-1]

    yield make
    for one in made:
        one.close()
    assert not psutil.Process().children()


@pytest.fixture
def piped(task):
    """Make a task whose run stays under way until `end` is called with its name."""

    def make(name, **fields):
        os.mkfifo(task(name).root / f"{name}.ipynb")
        return task(name, **fields)

    return make


PATIENCE = 60.0  # seconds


def end(task):
    """Let a run read its notebook, which is none."""
    (task.root / task.case.notebook).write_text("[]")


def await_begun(runs, handle, count):
    while runs.running < count:
        runs.hear(handle)


def await_runs(task, count):
    """Wait until so many runs have written their records."""
    deadline = time.monotonic() + PATIENCE
    while len(list(task.store.glob("runs/*/run.json"))) < count:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def await_end(child):
    deadline = time.monotonic() + PATIENCE
    while child.status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def only_child():
    (child,) = psutil.Process().children()
    return child


def test_a_run_comes_back_whole(runs, task):
    handle = runs().submit(task("gone"))
    run = handle.result()
    assert run.status is RunStatus.FAILED
    assert "cannot be read: No such file" in run.error.message
    assert handle.result() is run
    assert Store(task().store).read(run.id) == run


def test_it_is_another_process_in_a_session_of_its_own_that_ends_with_close(runs, task):
    here = runs()
    here.submit(task("gone")).result()
    child = only_child()
    assert os.getsid(child.pid) == child.pid != os.getsid(0)
    here.close()
    assert not child.is_running()
    assert here.submit(task("gone")).result().status is RunStatus.FAILED  # in a new one
    assert only_child().pid != child.pid


def test_faults_come_back_as_faults(runs, task):
    (task().root / ".nbrepro").write_text("a file")
    with pytest.raises(NbreproError, match="cannot write") as caught:
        runs().submit(task("gone")).result()
    assert type(caught.value).__name__ == "StoreError"
    assert caught.value.hint.startswith("free some space")


def test_our_own_mistakes_come_back_with_the_place_they_come_from(runs, task):
    with pytest.raises(TypeError) as caught:
        runs().submit(_broken(task("gone"))).result()
    assert "runner.py" in caught.value.__notes__[0]


def _broken(task):
    object.__setattr__(task, "store", None)
    return task


def test_several_at_once_and_what_somebody_waits_for_first(runs, piped):
    here = runs(2)
    tasks = [piped(name) for name in "abcd"]
    handles = [here.submit(task) for task in tasks]
    await_begun(here, handles[0], 2)
    end(tasks[1])
    handles[1].result()
    await_begun(here, handles[2], 2)
    for task in (tasks[0], tasks[2], tasks[3]):
        end(task)
    assert [handle.result().notebook for handle in handles] == [f"{name}.ipynb" for name in "abcd"]
    assert here.running == 0


def test_what_waits_is_stopped_at_once(runs, piped):
    here = runs()
    first, second = piped("a"), piped("b")
    a, b = here.submit(first), here.submit(second)
    await_begun(here, a, 1)
    b.stop()
    with pytest.raises(NbreproError, match=r"b\.ipynb::default: it was stopped before it began"):
        b.result()
    end(first)
    assert a.result().status is RunStatus.FAILED
    assert len(Store(first.store).ids()) == 1


def test_the_process_that_dies_takes_with_it_what_was_under_way_and_no_more(runs, piped):
    here = runs()
    first, second = piped("a"), piped("b")
    a, b = here.submit(first), here.submit(second)
    await_begun(here, a, 1)
    await_runs(first, 1)
    child = only_child()
    child.send_signal(signal.SIGKILL)

    with pytest.raises(DriverError) as caught:
        a.result()
    assert caught.value.what == "the process that ran it ended: SIGKILL"
    assert caught.value.where == "a.ipynb::default"
    assert "memory" in caught.value.hint
    (left,) = Store(first.store).ids()
    assert Store(first.store).read(left).status is RunStatus.DIED

    end(second)
    assert b.result().status is RunStatus.FAILED
    assert only_child().pid != child.pid


def test_one_that_dies_while_nothing_runs_is_replaced(runs, task):
    here = runs()
    here.submit(task("gone")).result()
    child = only_child()
    child.kill()
    await_end(child)
    assert here.submit(task("gone")).result().status is RunStatus.FAILED


def test_news_that_came_before_the_end_count(runs, piped):
    here = runs()
    first, second = piped("a"), piped("b")
    a, b = here.submit(first), here.submit(second)
    await_begun(here, a, 1)
    child = only_child()
    end(first)
    await_runs(first, 2)  # the second is under way, so the first has ended
    child.kill()
    await_end(child)
    with pytest.raises(DriverError):
        b.result()
    assert a.result().status is RunStatus.FAILED


def test_one_that_cannot_start_says_why(runs, task, monkeypatch, tmp_path):
    script = tmp_path / "serving.py"
    script.write_text("raise SystemExit('no such thing')")
    monkeypatch.setattr(driver, "_SERVING", script)
    with pytest.raises(DriverError) as caught:
        runs().submit(task("gone")).result()
    assert caught.value.what == "the process that runs notebooks did not start: exit code 1\nno such thing"


def test_an_interpreter_that_is_not_there(runs, task, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    here = runs()
    here.expect(())
    with pytest.raises(DriverError, match=r"/nowhere/python: .* could not be started: .*No such file"):
        here.submit(task("gone")).result()


def test_ctrl_c_while_somebody_waits_stops_all(runs, piped):
    here = runs()
    first, second = piped("a"), piped("b")
    a, b = here.submit(first), here.submit(second)

    original, pressed, ended = here.hear, [], []

    def hear(handle):
        original(handle)
        if here.running and not pressed:
            pressed.append(True)
            raise KeyboardInterrupt
        if pressed and b.outcome is not None and not ended:
            ended.append(True)
            end(first)  # not before: the next one would have its place

    here.hear = hear
    with pytest.raises(KeyboardInterrupt):
        a.result()
    assert a.result().status is RunStatus.FAILED
    with pytest.raises(NbreproError, match="before it began"):
        b.result()


def test_the_end_of_who_asked_is_the_end_of_the_process(runs, piped):
    here = runs()
    first = piped("a")
    handle = here.submit(first)
    await_begun(here, handle, 1)
    await_runs(first, 1)
    child = only_child()
    here._child.wire.end()
    await_end(child)
    (left,) = Store(first.store).ids()
    assert Store(first.store).read(left).status is RunStatus.DIED
    with pytest.raises(DriverError, match="the process that ran it ended: exit code 1"):
        handle.result()


def test_a_run_that_cannot_be_stopped_ends_with_the_process(runs, piped, monkeypatch):
    monkeypatch.setattr(driver, "_STOPPED", 0.0)
    here = runs()
    handle = here.submit(piped("a"))
    await_begun(here, handle, 1)
    here.stop()
    with pytest.raises(DriverError, match="SIGKILL"):
        handle.result()


def test_the_environment_of_the_task_is_that_of_its_run(runs, task, tmp_path, monkeypatch):
    """Where kernels are looked for, for one, is told by a variable."""
    here = runs()
    here.submit(task("gone")).result()  # the process is there
    folder = tmp_path / "share/kernels/mine"
    folder.mkdir(parents=True)
    (folder / "kernel.json").write_text('{"argv": ["x"], "display_name": "x", "language": "r"}')
    (tmp_path / "a.ipynb").write_text('{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}')
    wanted = task("a")
    wanted = replace(wanted, case=replace(wanted.case, spec=Spec(kernel="other")))
    hints = []
    for value in (str(tmp_path / "share"), None):
        monkeypatch.setenv("JUPYTER_PATH", value) if value else monkeypatch.delenv("JUPYTER_PATH")
        hints.append(here.submit(replace(wanted, environ=dict(os.environ))).result().error.hint)
    assert ["mine" in hint for hint in hints] == [True, False]


def test_an_exception_that_cannot_be_sent_is_told():
    class Own(Exception):
        """Known to the function alone."""

    sent = service._portable(Own("x"))
    assert type(sent) is RuntimeError
    assert str(sent) == "Own: x"
    assert "Own" in sent.__notes__[0]


@pytest.mark.parametrize(("number", "name"), [(9, "SIGKILL"), (40, "signal 40")])
def test_signals_by_name(number, name):
    assert driver._signal(number) == name
