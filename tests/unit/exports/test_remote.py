"""Runs on other machines."""

from __future__ import annotations

import sys

import pytest

from pytest_nbrepro import attributes
from pytest_nbrepro.errors import ExtraError, StoreError
from pytest_nbrepro.exports.remote import Remote
from pytest_nbrepro.store import Store

fsspec = pytest.importorskip("fsspec", reason="the extra remote is not installed")


@pytest.fixture(params=["disk", "memory"])
def remote(request, tmp_path):
    if request.param == "disk":
        yield Remote(str(tmp_path / "remote/deep"))
        return
    yield Remote("memory://bucket/runs")
    fsspec.filesystem("memory").store.clear()


@pytest.fixture
def other(tmp_path):
    return Store(tmp_path / "elsewhere")


def test_runs_go_and_come(bench, remote, rich, other):
    runs = [rich(), rich()]
    assert [new for _, new in remote.push(bench.store, runs)] == [True, True]
    assert set(remote.names()) == {run.id for run in runs}
    assert list(remote.pull(other, remote.names())) == sorted(run.id for run in runs)
    assert other.read(runs[0].id).metrics == runs[0].metrics
    assert list(remote.pull(other, remote.names())) == []


def test_nothing_is_written_twice(bench, remote, rich):
    run = rich()
    list(remote.push(bench.store, [run]))
    assert [new for _, new in remote.push(bench.store, [run])] == [False]


def test_what_is_said_later_takes_the_place_of_what_was(bench, remote, rich, other):
    run = rich()
    list(remote.push(bench.store, [run]))
    attributes.write(run.folder, attributes.Attributes("best"))
    assert [new for _, new in remote.push(bench.store, [run])] == [True]
    assert [len(names) for names in remote.names().values()] == [1]
    list(remote.pull(other, [run.id]))
    assert attributes.read(other.runs / run.id).label == "best"


def test_nothing_is_there_yet(remote):
    assert remote.names() == {}


def test_a_damaged_archive(bench, remote, rich, other):
    run = rich()
    list(remote.push(bench.store, [run]))
    ((name,),) = remote.names().values()
    with remote._system.open(f"{remote._path}/{name}", "wb") as out:
        out.write(b"PK half")
    with pytest.raises(StoreError, match="no archive of runs, or not all of it"):
        list(remote.pull(other, [run.id]))
    assert [new for _, new in remote.push(bench.store, [run])] == [True], "it is written again"
    assert list(remote.pull(other, [run.id])) == [run.id]


def test_half_an_upload_is_no_archive(bench, remote, rich):
    run = rich()
    list(remote.push(bench.store, [run]))
    ((name,),) = remote.names().values()
    with remote._system.open(f"{remote._path}/{name.replace(run.id, run.id[:-1] + 'f')}.part", "wb") as out:
        out.write(b"PK half")
    assert set(remote.names()) == {run.id}


def test_a_place_that_cannot_be_written(bench, rich, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match="cannot be"):
        list(Remote(str(tmp_path / "file/runs")).push(bench.store, [rich()]))


def test_no_such_kind_of_place():
    with pytest.raises(StoreError, match="cannot be reached"):
        Remote("nowhere://bucket")


def test_without_fsspec(monkeypatch):
    monkeypatch.setitem(sys.modules, "fsspec", None)
    with pytest.raises(ExtraError, match=r"pytest-nbrepro\[remote\]"):
        Remote("/mnt")
