"""Small pictures drawn here."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_nbrepro.reports import strips


@given(st.lists(st.tuples(st.floats(min_value=0) | st.just(math.nan), st.booleans()), max_size=60))
def test_every_check_has_its_place(checks):
    drawn = strips.strip([(used, ok, "a", 1) for used, ok in checks])
    hidden = sum(int(text.removeprefix("+")) for _, text in drawn.more)
    assert len(drawn.dots) + hidden == len(checks)
    assert all(0 <= dot.x <= drawn.width and 0 <= dot.y <= drawn.height for dot in drawn.dots)
    assert len({(dot.x, dot.y) for dot in drawn.dots}) == len(drawn.dots)


def test_failing_checks_are_never_left_out_for_passing_ones():
    drawn = strips.strip([(1.0, True, "ok", 1)] * 50 + [(1.0, False, "bad", 2)])
    assert [dot.title for dot in drawn.dots].count("bad") == 1


def test_the_limit_parts_what_passes_from_what_does_not():
    drawn = strips.strip(
        [(0.2, True, "a", 1), (5.0, False, "b", 2), (0.0, True, "c", 3), (math.inf, False, "d", 4)]
    )
    x = {dot.title: dot.x for dot in drawn.dots}
    assert x["c"] < x["a"] < drawn.limit < x["b"] < x["d"]


@pytest.mark.parametrize(
    ("used", "share"), [(0.0, 0.0), (1.0, 50.0), (1e4, 100.0), (1e99, 100.0), (math.inf, 100.0), (1e-99, 1.0)]
)
def test_bars_are_half_full_at_the_limit(used, share):
    assert strips.bar(used) == pytest.approx(share)


class TestSpark:
    def test_fewer_than_two_numbers_are_no_curve(self):
        assert strips.spark([1.0], 1.0) is None
        assert strips.spark([1.0, math.nan, math.inf], 1.0) is None

    def test_the_baseline_is_on_the_same_scale(self):
        drawn = strips.spark([1.0, 2.0, 3.0], 3.0)
        heights = [float(point.split(",")[1]) for point in drawn.points.split()]
        assert heights[0] > heights[1] > heights[2] == drawn.line == drawn.last[1]
        assert "3 stored runs, from 1 to 3, the last 3" in drawn.title

    @given(st.lists(st.floats() | st.integers() | st.just(10**400), max_size=8), st.none() | st.floats())
    def test_whatever_the_numbers_are(self, values, baseline):
        drawn = strips.spark(values, baseline)
        if drawn is not None:
            assert all(0 <= float(n) <= 90 for point in drawn.points.split() for n in point.split(","))


class TestCloud:
    def test_one_run_is_no_cloud(self):
        assert strips.cloud([1.0], [1.0]) is None
        assert strips.cloud([], [1.0]) is None
        assert strips.cloud([1.0, 2.0], []) is None
        assert strips.cloud([1.0, math.nan], [1.0]) is None

    def test_both_sides_share_a_scale(self):
        drawn = strips.cloud([0.0, 1.0, 2.0], [2.0, 4.0])
        assert drawn.baseline == (6.0, 43.0, 80.0)
        assert drawn.result == (80.0, 154.0)
        assert drawn.title == "3 runs from 0 to 2 of the baseline, 2 new runs from 2 to 4"

    def test_equal_runs_stand_in_the_middle(self):
        drawn = strips.cloud([1.0, 1.0], [1.0])
        assert {*drawn.baseline, *drawn.result} == {80.0}
        assert drawn.title == "2 runs from 1 to 1 of the baseline, 1 new run at 1"

    @given(st.lists(st.floats(allow_nan=False), min_size=2), st.lists(st.floats(allow_nan=False), min_size=1))
    def test_every_dot_is_in_the_drawing(self, baseline, result):
        drawn = strips.cloud(baseline, result)
        if drawn is not None:
            assert all(0 <= x <= drawn.width for x in (*drawn.baseline, *drawn.result))
