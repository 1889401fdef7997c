"""Fingerprints of variables: by value where that can be told, by type where not."""

from __future__ import annotations

import copy
import itertools
import types

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_nbrepro.kernels.prints import Prints, fingerprint

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.complex_numbers(),
    lambda inner: st.lists(inner) | st.tuples(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(VALUES)
def test_a_copy_has_the_same(value):
    assert fingerprint(copy.deepcopy(value)) == fingerprint(value)


@given(VALUES, VALUES)
def test_others_have_another(one, other):
    if repr(one) != repr(other):
        assert fingerprint(one) != fingerprint(other)


DIFFERENT = [
    (1, 1.0),
    (True, 1),
    ([1, 2], (1, 2)),
    ([1, [2, 3]], [1, [2, 4]]),
    ({"a": 1}, {"a": 2}),
    ({1, 2}, {1, 3}),
    (np.arange(3), np.arange(3.0)),
    (np.arange(6), np.arange(6).reshape(2, 3)),
    (np.array([1.0, 2.0]), np.array([1.0, 2.5])),
    (np.float32(1), np.float64(1)),
    (np.array(["a", None], object), np.array(["b", None], object)),
    (np.datetime64("2026-01-01"), np.datetime64("2026-01-02")),
    (pl.DataFrame({"a": [1]}), pl.DataFrame({"a": [2]})),
    (pl.DataFrame({"a": [1]}), pl.DataFrame({"b": [1]})),
    (pl.Series("a", [1]), pl.Series("a", [2])),
    (range(3), range(4)),
]


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_values_that_differ(one, other):
    assert fingerprint(one) != fingerprint(other)
    assert fingerprint(one) == fingerprint(copy.deepcopy(one))


def test_frames_of_pandas():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"a": [1, 2], "b": ["x", None]})
    assert fingerprint(frame) == fingerprint(frame.copy())
    for changed in (
        frame.assign(a=[1, 3]),
        frame.assign(b=["x", "y"]),
        frame.rename(columns={"a": "c"}),
        frame.set_index([[5, 6]]),
        frame.astype({"a": "float64"}),
    ):
        assert fingerprint(changed) != fingerprint(frame)
    assert fingerprint(frame["a"]) != fingerprint(frame["b"])
    assert fingerprint(frame["a"]) != fingerprint(frame["a"].rename("c"))
    assert fingerprint(frame.index) != fingerprint(pd.Index([5, 6]))


def test_a_tensor():
    def tensor(values):
        array = np.array(values)
        on_cpu = types.SimpleNamespace(numpy=lambda: array)
        return types.SimpleNamespace(detach=lambda: types.SimpleNamespace(cpu=lambda: on_cpu), cpu=None)

    assert fingerprint(tensor([1, 2])) == fingerprint(tensor([1, 2]))
    assert fingerprint(tensor([1, 2])) != fingerprint(tensor([1, 3]))


class Own:
    def __init__(self, value):
        self.value = value


def test_of_anything_else_its_type_counts():
    assert fingerprint(Own(1)) == fingerprint(Own(2))
    assert fingerprint(Own(1)) != fingerprint(object())


def test_iterators_are_not_read_and_sets_have_no_order():
    numbers = itertools.count(3)
    fingerprint(numbers)
    assert next(numbers) == 3
    assert fingerprint({"ant", "bee", "cat"}) == fingerprint({"cat", "bee", "ant"})


def test_what_cannot_be_read_and_what_holds_itself():
    class Evil:
        dtype = "float64"

        def tobytes(self):
            raise RuntimeError

    loop = []
    loop.append(loop)
    assert fingerprint(Evil()) == fingerprint(Evil())
    assert fingerprint(loop)


def test_only_what_changed_is_told():
    namespace = {"x": 1, "_hidden": 2, "In": []}
    prints = Prints(namespace, {"In"})
    assert set(prints.changed()) == {"x"}
    assert prints.changed() == {}
    namespace |= {"x": 2, "y": 3}
    assert set(prints.changed()) == {"x", "y"}
