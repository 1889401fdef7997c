"""Curves of series."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from pytest_nbrepro.web.curves import chart


def test_a_value_that_is_none_breaks_the_line():
    found = chart("loss", {"a": [(0, 1.0), (1, 2.0), (2, math.nan), (3, 3.0)], "b": [(0, math.inf)]})
    assert found is not None
    assert [len(path.split()) for path in found.curves[0].paths] == [2, 1]
    assert found.curves[1].paths == ()
    assert found.said == "loss over 3 points, from 1 to 3"


def test_nothing_to_draw():
    assert chart("loss", {"a": [(0, math.nan)]}) is None


def test_a_constant_has_one_tick():
    found = chart("loss", {"a": [(0, 2.0), (1, 2.0)]})
    assert [text for _, text in found.y] == ["2"]


def test_a_long_series_is_thinned():
    found = chart("loss", {"a": [(i, float(i)) for i in range(100_000)]})
    assert len(found.curves[0].paths[0].split()) <= 1000


@given(st.lists(st.tuples(st.integers(-(10**9), 10**9), st.floats()), max_size=20))
def test_all_lies_in_the_drawing(points):
    found = chart("x", {"a": points})
    if found is None:
        assert not any(math.isfinite(y) for _, y in points)
        return
    places = [tuple(map(float, place.split(","))) for path in found.curves[0].paths for place in path.split()]
    assert all(found.left <= x <= found.width and 0 <= y <= found.base for x, y in places)
    assert all(0 <= place <= found.base for place, _ in found.y)
    assert all(found.left - 1 <= place <= found.width for place, _ in found.x)
