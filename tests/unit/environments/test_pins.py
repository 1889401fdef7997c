"""What an environment holds, and what differs between two."""

from __future__ import annotations

import pytest

from pytest_nbrepro.environments.pins import Change, Pins, changes, mixed, recorded
from pytest_nbrepro.errors import NbreproError

OLD = Pins("3.11", {"a": "1", "b": "1", "gone": "1"})
NEW = Pins("3.11", {"a": "2", "b": "1", "New": "1"})


def test_of_a_record():
    pins = recorded({"interpreter": "CPython 3.11.7", "distributions": {"a": "1"}}, "x")
    assert pins == Pins("3.11", {"a": "1"})


@pytest.mark.parametrize("told", [{}, {"interpreter": "PyPy 3.11.7"}, {"interpreter": "R"}])
def test_of_no_such_record(told):
    with pytest.raises(NbreproError) as caught:
        recorded(told, "train.ipynb::default")
    assert caught.value.where == "train.ipynb::default"
    assert caught.value.hint == "only environments of CPython can be built again"


def test_what_differs():
    found = changes(OLD, NEW)
    assert found == [Change("a", "1", "2"), Change("gone", "1", None), Change("New", None, "1")]
    assert list(map(str, found)) == ["a 1 -> 2", "gone 1 -> none", "New none -> 1"]


def test_all_changes_lead_from_one_to_the_other():
    assert mixed(OLD, frozenset(changes(OLD, NEW))).key == NEW.key
    assert mixed(OLD, frozenset()) == OLD


def test_some_changes():
    assert mixed(OLD, frozenset([Change("a", "1", "2")])).versions == {"a": "2", "b": "1", "gone": "1"}


def test_the_order_does_not_name_an_environment():
    assert Pins("3.11", {"a": "1", "b": "2"}).key == Pins("3.11", {"b": "2", "a": "1"}).key
    assert Pins("3.12", {}).key != Pins("3.11", {}).key
