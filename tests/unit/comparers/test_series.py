"""Series: all values of a metric, step by step."""

from __future__ import annotations

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pytest_nbrepro.comparers.numbers import compare_metric
from pytest_nbrepro.comparers.series import compare_series
from pytest_nbrepro.model import CheckStatus, Limits, Metric, MetricRule

FLOATS = st.floats(allow_nan=False, allow_infinity=False)


def series(*values, steps=None, dtype="float64"):
    steps = range(len(values)) if steps is None else steps
    return Metric(values[-1], dtype, steps=tuple(zip(steps, values, strict=True)))


def check(old, new, **rule):
    limits = Limits(**{k: rule.pop(k) for k in ("rel", "abs") if k in rule})
    return compare_series("loss", old, new, MetricRule("loss", limits, series=True, **rule))


def test_equal():
    found = check(series(1.0, 0.5, 0.25), series(1.0, 0.5, 0.25))
    assert (found.status, found.used, found.n, found.bad) == (CheckStatus.EQUAL, 0.0, 3, 0)
    assert found.name == "loss"


def test_the_last_value_alone_would_have_passed():
    old, new = series(1.0, 0.5, 0.25), series(1.0, 0.6, 0.25)
    assert compare_metric("loss", old, new, MetricRule("loss")).status is CheckStatus.EQUAL
    assert check(old, new).status is CheckStatus.DRIFT


def test_the_first_and_the_worst_step_are_named():
    found = check(series(1, 2.0, 3.0, 4.0), series(1.0, 2.02, 3.06, 4.0), rel=0.009)
    assert (found.status, found.bad, found.n) == (CheckStatus.DRIFT, 2, 4)
    assert found.message == "first outside its limit: step 1, worst: step 2, 2 of 4 steps"
    assert (found.worst.where, found.worst.baseline, found.worst.result) == ("step 2", "3.0", "3.06")
    assert found.used == pytest.approx(0.02 / 0.009)
    assert found.allow == "loss: {rel: 2.2e-2}"


def test_the_suggested_limit_lets_all_steps_pass():
    old, new = series(1.0, 2.0), series(1.02, 2.05)
    assert check(old, new, rel=0.01).allow == "loss: {rel: 2.7e-2}"
    assert check(old, new, rel=0.027).status is CheckStatus.WITHIN
    assert check(series(0.0, 1.0), series(1.0, 1.1), rel=0.05).allow is None


def test_a_limit_of_zero_somewhere_withholds_the_suggestion_of_rel():
    found = check(series(0.0, 1.0), series(0.2, 1.1), rel=0.05, abs=0.05)
    assert found.allow == "loss: {abs: 0.22}"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (series(1.0, 2.0), series(1.0, 2.0, 3.0), "2 steps -> 3"),
        (Metric(2.0), series(1.0, 2.0), "1 step -> 2: a baseline without a series, accept it again"),
        (series(1.0, 2.0), series(1.0, 2.0, steps=[0, 2]), "value 2 is of step 1 -> step 2"),
        (series(1.0, 2.0), series(1.0, 2.0, steps=[None, 1]), "value 1 is of step 0 -> no step"),
    ],
)
def test_other_steps_are_another_structure(old, new, message):
    found = check(old, new)
    assert (found.status, found.message, found.used) == (CheckStatus.STRUCTURE, message, None)


def test_another_dtype_comes_first():
    found = check(series(1, 2, dtype="int"), series(1.0, 2.0, 3.0))
    assert (found.status, found.message) == (CheckStatus.STRUCTURE, "dtype int -> float64")


def test_a_single_value_is_a_series_of_one():
    assert check(Metric(1.0), Metric(1.0)).status is CheckStatus.EQUAL
    assert (
        check(Metric(1.0), Metric(2.0)).message
        == "first outside its limit: value 1, worst: value 1, 1 of 1 steps"
    )


def test_steps_that_say_nothing_are_counted():
    old, new = series(1.0, 2.0, 3.0, steps=[1, 1, None]), series(1.0, 9.0, 3.1, steps=[1, 1, None])
    found = check(old, new)
    assert found.worst.where == "value 2 (step 1)"


def test_a_whole_number_among_floats_is_a_float():
    assert check(series(1, 0.5), series(1.0000000001, 0.5)).status is CheckStatus.WITHIN


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_no_number_is_the_worst(bad):
    found = check(series(1.0, 2.0, 3.0), series(9.0, bad, 3.0))
    assert (found.status, found.worst.where, found.used, found.allow) == (
        CheckStatus.DRIFT,
        "step 1",
        math.inf,
        None,
    )


def test_every_step_must_lie_in_the_hard_range():
    found = check(series(0.1, 0.9), series(0.1, 0.9), min=0.5)
    assert (found.status, found.bad) == (CheckStatus.DRIFT, 1)
    assert found.message == "first outside its limit: step 0, worst: step 0, 1 of 2 steps; outside min 0.5"


def test_better_steps_pass_unless_another_is_worse():
    old = series(1.0, 1.0)
    assert check(old, series(1.0, 1.1), better="higher").status is CheckStatus.IMPROVED
    found = check(old, series(0.9, 1.5), better="higher")
    assert (found.status, found.worst.where) == (CheckStatus.DRIFT, "step 0")
    assert found.message.endswith("WORSE")


def test_counts():
    found = check(series(0.5, 0.5), series(0.7, 0.9), of=10, flips=1)
    assert (found.bad, found.used, found.allow) == (2, 4.0, "loss: {of: 10, flips: 4}")
    broken = check(series(0.5, 0.5), series(0.55, 0.5), of=10)
    assert (broken.status, broken.bad) == (CheckStatus.ERROR, 1)


@given(st.lists(st.tuples(FLOATS, FLOATS), min_size=1, max_size=6), st.floats(0, 1), st.floats(0, 10))
@example([(1.7976931348623157e308, -9.9792015476736e291)], 1.0, 0.0)
def test_it_passes_just_where_every_step_does(pairs, rel, abs_):
    rule = MetricRule("m", Limits(rel, abs_))
    points = [compare_metric("m", Metric(old), Metric(new), rule) for old, new in pairs]
    old, new = (series(*side) for side in zip(*pairs, strict=True))
    found = compare_series("m", old, new, rule)
    assert found.status.ok == all(point.status.ok for point in points)
    assert found.used == max(point.used for point in points)
    assert found.bad == sum(point.bad for point in points)
