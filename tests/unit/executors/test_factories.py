"""Executors of somebody else's, by name."""

from __future__ import annotations

import sys
from concurrent import futures
from types import ModuleType, SimpleNamespace

import pytest

from pytest_nbrepro.errors import DriverError, ExtraError, NbreproError
from pytest_nbrepro.executors import factories


@pytest.fixture
def module(monkeypatch):
    made = ModuleType("of_mine")
    monkeypatch.setitem(sys.modules, "of_mine", made)
    return made


def test_by_the_path_of_a_function(module):
    module.pool = lambda: futures.ThreadPoolExecutor(1)
    made = factories.factory("of_mine:pool")()
    assert made.executor.submit(int).result() == 0
    made.close()
    with pytest.raises(RuntimeError):
        made.executor.submit(int)


def test_made_only_when_it_is_needed(module):
    made = []
    module.pool = lambda: made.append(1) or futures.ThreadPoolExecutor(1)
    make = factories.factory("of_mine:pool")
    assert not made
    make().close()
    assert made == [1]


@pytest.mark.parametrize("name", ["of_mine:other", "not_there_at_all:pool", "of mine", ""])
def test_what_cannot_be_imported_is_named(module, name):
    with pytest.raises(NbreproError, match="nothing can be imported by the name") as caught:
        factories.factory(name)
    assert caught.value.hint is not None
    assert "module:function" in caught.value.hint


def test_what_cannot_be_called_is_told(module):
    module.pool = 3
    with pytest.raises(NbreproError, match="'of_mine:pool' is 3, which cannot be called"):
        factories.factory("of_mine:pool")


def test_what_makes_no_executor_is_told(module):
    module.pool = int
    with pytest.raises(DriverError, match="'of_mine:pool' returned a int, not an Executor"):
        factories.factory("of_mine:pool")()


def test_what_fails_is_told(module):
    module.pool = lambda: 1 / 0
    with pytest.raises(DriverError, match="'of_mine:pool' raised ZeroDivisionError: division by zero"):
        factories.factory("of_mine:pool")()


def test_dask_without_its_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ExtraError, match=r"pytest-nbrepro\[dask\]"):
        factories.factory("dask")()


def test_dask_without_a_cluster(monkeypatch):
    def client():
        raise OSError("no route")

    monkeypatch.setitem(sys.modules, "distributed", SimpleNamespace(Client=client))
    with pytest.raises(DriverError, match="there is no Dask cluster: no route"):
        factories.factory("dask")()


def test_dask_runs_the_same_twice(monkeypatch):
    told = []

    class Client:
        def get_executor(self, **options):
            told.append(options)
            return futures.ThreadPoolExecutor(1)

        def close(self):
            told.append("closed")

    monkeypatch.setitem(sys.modules, "distributed", SimpleNamespace(Client=Client))
    factories.factory("dask")().close()
    assert told == [{"pure": False}, "closed"]
