"""The peaks that earlier runs recorded."""

from __future__ import annotations

import dataclasses

import pytest

from pytest_nbrepro.executors import machine, memory
from pytest_nbrepro.executors.memory import Memory
from pytest_nbrepro.model import Run, RunStatus
from pytest_nbrepro.store import Store, read_run


@pytest.fixture
def keep(task):
    """Keep a run of a notebook with a peak."""
    store = Store(task().store)

    def put(name, peak, case="default"):
        folder = store.claim()
        run = Run(folder.name, folder, f"{name}.ipynb", case, {}, RunStatus.COMPLETED, "", peak=peak)
        store.write(run)
        return run

    return put


def test_the_newest_run_that_recorded_one_counts(task, keep):
    keep("a", 1)
    keep("a", 2)
    keep("a", None)
    keep("a", 9, case="other")
    keep("b", 3)
    found = Memory()
    assert [found.peak(task(name)) for name in ("a", "b", "c")] == [2, 3, None]


def test_a_run_of_this_session_counts_more(task, keep):
    run = keep("a", 1)
    found = Memory()
    found.learn(task("a"), dataclasses.replace(run, peak=5))
    found.learn(task("a"), dataclasses.replace(run, peak=None))
    assert found.peak(task("a")) == 5


def test_no_run_is_read_twice_nor_more_than_needed(task, keep, monkeypatch):
    for name in "abcd":
        keep(name, 1)
    read = []
    monkeypatch.setattr(
        "pytest_nbrepro.store.read_run", lambda folder: read.append(folder) or read_run(folder)
    )
    found = Memory()
    found.peak(task("c"))
    assert len(read) == 2
    for name in "xcdb":
        found.peak(task(name))
    assert len(read) == 4


def test_only_the_newest_runs_are_looked_at(task, keep, monkeypatch):
    monkeypatch.setattr(memory, "_READ", 2)
    for name in "abc":
        keep(name, 1)
    assert [Memory().peak(task(name)) for name in "abc"] == [None, 1, 1]


def test_a_record_that_cannot_be_read_tells_no_peak(task, keep):
    keep("a", 1)
    (keep("a", 2).folder / "run.json").write_text("{")
    assert Memory().peak(task("a")) == 1


def test_without_a_store_there_is_none(task):
    assert Memory().peak(task("a")) is None


def test_what_fits(task, keep, monkeypatch):
    monkeypatch.setattr(machine, "available", lambda: 100)
    keep("a", 60)
    keep("b", 90)
    found = Memory()
    a, b, unknown = task("a"), task("b"), task("c")
    assert found.fits(b, [])
    assert found.fits(b, [(a, lambda: 50)])  # 10 more are promised
    assert not found.fits(b, [(a, lambda: 49)])
    assert found.fits(b, [(a, lambda: 70)])  # more than it ever had: nothing more is promised
    assert found.fits(b, [(unknown, lambda: 0)])
    assert found.fits(unknown, [(b, lambda: 0)])
