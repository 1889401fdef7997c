"""Runs in threads: their order, how many at once, and how they are stopped."""

from __future__ import annotations

import os
import threading

import pytest

from pytest_nbrepro import executors, runner
from pytest_nbrepro.errors import KernelError, NbreproError
from pytest_nbrepro.executors import Room, machine
from pytest_nbrepro.executors.inprocess import InProcess
from pytest_nbrepro.model import RunStatus


def test_one_after_the_other(theatre, task):
    runs = executors.here()
    a, b = runs.submit(task("a")), runs.submit(task("b"))
    theatre.await_begun("a")
    assert runs.running == 1
    theatre.let("a", "b")
    assert [a.result().id, b.result().id] == ["a", "b"]
    assert theatre.begun == ["a", "b"]
    assert theatre.most == 1


def test_as_many_at_once_as_there_is_room_for_in_their_order(theatre, task):
    runs = executors.here(Room(2))
    handles = [runs.submit(task(name)) for name in "abcd"]
    theatre.await_begun("a", "b")
    theatre.let("b")
    theatre.await_begun("a", "b", "c")
    theatre.let("a", "c", "d")
    assert [handle.result().id for handle in handles] == list("abcd")
    assert theatre.most == 2


def test_the_next_begins_when_a_kernel_is_gone_whose_run_is_still_written(theatre, task):
    theatre.kept = {"a"}
    runs = executors.here()
    a, b = runs.submit(task("a")), runs.submit(task("b"))
    theatre.let("a", "b")
    assert b.result().id == "b"
    assert (a.outcome, runs.running) == (None, 1)
    theatre.let_go("a")
    assert a.result().id == "a"
    assert theatre.most == 1


def test_a_run_without_a_kernel_makes_room(theatre, task, monkeypatch):
    def failed(task, progress, control):
        raise KernelError("not installed")

    monkeypatch.setattr(runner, "run_case", failed)
    runs = executors.here()
    for handle in [runs.submit(task(name)) for name in "ab"]:
        with pytest.raises(KernelError):
            handle.result()


def test_to_stop_waits_for_what_is_still_written(theatre, task):
    theatre.kept = {"a"}
    runs = executors.here()
    a, b = runs.submit(task("a")), runs.submit(task("b"))
    theatre.let("a")
    theatre.await_begun("a", "b")
    threading.Timer(0.05, theatre.let_go, "a").start()
    runs.stop()
    assert (a.outcome.id, b.outcome.status, runs.running) == ("a", RunStatus.INTERRUPTED, 0)


def test_what_somebody_waits_for_goes_first(theatre, task):
    runs = executors.here()
    handles = {name: runs.submit(task(name)) for name in "abc"}
    theatre.await_begun("a")

    def hurry(progress):
        theatre.let("a", "b", "c")

    theatre.let("a")
    assert handles["c"].result(hurry).id == "c"
    assert theatre.begun.index("c") < 2
    assert handles["b"].result().id == "b"


def test_progress_is_told_to_who_waits(theatre, task):
    told = []
    handle = executors.here().submit(task("a"))

    def tell(progress):
        told.append(progress.place)
        theatre.let("a")

    handle.result(tell)
    assert told == ["cell 1 of 2"]


def test_what_was_raised_in_place_of_a_run_is_raised_here(theatre, task):
    theatre.outcomes["a"] = KernelError("not installed")
    theatre.let("a")
    with pytest.raises(KernelError, match="not installed"):
        executors.here().submit(task("a")).result()


def test_one_that_waits_is_stopped(theatre, task):
    runs = executors.here()
    a, b, c = (runs.submit(task(name)) for name in "abc")
    b.stop()
    theatre.let("a", "c")
    assert [a.result().id, c.result().id] == ["a", "c"]
    with pytest.raises(NbreproError, match=r"b.ipynb::default: it was stopped before it began"):
        b.result()
    assert "b" not in theatre.begun


def test_one_that_runs_is_stopped_and_the_next_begins(theatre, task):
    runs = executors.here()
    a, b = runs.submit(task("a")), runs.submit(task("b"))
    theatre.await_begun("a")
    a.stop()
    assert a.result().status is RunStatus.INTERRUPTED
    theatre.let("b")
    assert b.result().status is RunStatus.COMPLETED
    a.stop()  # after its end


@pytest.mark.parametrize("end", ["stop", "close"])
def test_all_are_stopped(theatre, task, end):
    runs = executors.here(Room(2))
    handles = [runs.submit(task(name)) for name in "abcd"]
    theatre.await_begun("a", "b")
    getattr(runs, end)()
    assert runs.running == 0
    assert theatre.begun == ["a", "b"]
    assert [handle.result().status for handle in handles[:2]] == [RunStatus.INTERRUPTED] * 2
    for handle in handles[2:]:
        with pytest.raises(NbreproError, match="before it began"):
            handle.result()
    theatre.let("e")
    assert runs.submit(task("e")).result().id == "e"  # and it goes on


def test_ctrl_c_stops_all(theatre, task):
    runs = executors.here(Room(2))
    handles = [runs.submit(task(name)) for name in "abc"]
    theatre.await_begun("a", "b")

    def press(progress):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        handles[0].result(press)
    assert theatre.begun == ["a", "b"]
    assert [handle.result().status for handle in handles[:2]] == [RunStatus.INTERRUPTED] * 2


def test_another_exception_of_who_waits_stops_this_run_alone(theatre, task):
    runs = executors.here(Room(2))
    a, b = runs.submit(task("a")), runs.submit(task("b"))

    def fail(progress):
        raise RuntimeError("the terminal is gone")

    with pytest.raises(RuntimeError, match="terminal"):
        a.result(fail)
    assert a.result().status is RunStatus.INTERRUPTED
    theatre.let("b")
    assert b.result().status is RunStatus.COMPLETED


def test_by_memory_a_case_waits_until_its_peak_fits(theatre, task, monkeypatch):
    """Every run here records a peak of 100 and holds 30 while it runs."""
    free = [1000]
    monkeypatch.setattr(machine, "available", lambda: free[0])
    runs = executors.here(Room(4, by_memory=True))
    theatre.let("a", "b", "c")
    assert [runs.submit(task(name)).result().peak for name in "abc"] == [100] * 3
    theatre.released.clear()
    theatre.begun.clear()

    free[0] = 169  # 70 of it are promised to the first
    handles = [runs.submit(task(name)) for name in "abc"]
    theatre.await_begun("a")
    free[0] = 170
    handles.append(runs.submit(task("d")))  # looked at again; what comes first still comes first
    theatre.await_begun("a", "b")
    theatre.let("a", "b")
    assert handles[1].result().id == "b"
    theatre.let("c", "d")
    assert [handle.result().id for handle in handles] == list("abcd")


def test_one_case_always_runs(theatre, task, monkeypatch):
    monkeypatch.setattr(machine, "available", lambda: 0)
    runs = executors.here(Room(2, by_memory=True))
    theatre.let("a")
    assert runs.submit(task("a")).result().peak == 100
    assert runs.submit(task("a")).result().peak == 100


def test_what_will_come_is_told(monkeypatch, task):
    told = []
    monkeypatch.setattr(runner, "expect", told.append)
    monkeypatch.setattr(runner, "release", lambda: told.append("released"))
    runs = executors.here()
    runs.expect(())
    runs.close()
    assert told == [(), "released"]


def test_where_the_system_lacks_what_another_process_takes(monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(os, "name", "nt")
        runs = executors.apart(Room(2))
    assert isinstance(runs, InProcess)
