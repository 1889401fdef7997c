"""Equivalence of means by two one-sided Welch tests, and how often they err."""

from __future__ import annotations

import math
import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_nbrepro.comparers.equivalence import compare_equivalent, difference
from pytest_nbrepro.comparers.student import quantile
from pytest_nbrepro.model import CheckStatus, Limits, Metric, MetricRule

OLD = (0.90, 0.91, 0.92, 0.93, 0.94)
NEW = (0.911, 0.921, 0.931)
DTYPES = {bool: "bool", int: "int", float: "float64"}


def check(new, old=OLD, margin=None, dtype=None, **rule):
    margin = margin or Limits(abs=0.1)
    wanted = Metric(old[0], DTYPES[type(old[0])], samples=tuple(old))
    result = Metric(new[0], dtype or DTYPES[type(new[0])], samples=tuple(new))
    return compare_equivalent("auc", wanted, result, MetricRule("auc", margin=margin, **rule), margin)


def test_by_hand():
    a, b = 0.00025 / 5, 0.0001 / 3
    freedom = (a + b) ** 2 / (a**2 / 4 + b**2 / 2)
    half = quantile(0.1, freedom) * math.sqrt(a + b)
    found = difference(OLD, NEW)
    assert found.half == pytest.approx(half)
    assert (found.low, found.high) == (pytest.approx(0.001 - half), pytest.approx(0.001 + half))
    passed = check(NEW)
    assert (passed.status, passed.used) == (CheckStatus.WITHIN, pytest.approx((0.001 + half) / 0.1))
    assert passed.limit.startswith("margin abs 0.1, n 5 and 3, difference -0.0")
    assert passed.limit.endswith(" (90 %)")
    assert (passed.worst.baseline, passed.worst.result) == ("0.92", repr(statistics.mean(NEW)))


def test_used_is_one_where_both_tests_of_scipy_are_at_five_per_cent():
    stats = pytest.importorskip("scipy.stats")
    edge = check(NEW).used * 0.1
    for margin, ok in ((edge * (1 + 1e-9), True), (edge * (1 - 1e-9), False)):
        p = [
            stats.ttest_ind([x + sign * margin for x in NEW], OLD, equal_var=False, alternative=side).pvalue
            for sign, side in ((1, "greater"), (-1, "less"))
        ]
        assert bool(max(p) <= 0.05) is ok
        assert check(NEW, margin=Limits(abs=margin)).status.ok is ok


def test_the_margin_is_a_share_of_the_baseline_s_mean_or_absolute_whichever_is_more():
    assert check(NEW, margin=Limits(rel=0.1)).used == pytest.approx(check(NEW, margin=Limits(abs=0.092)).used)
    both = check(NEW, margin=Limits(rel=1e-9, abs=0.1))
    assert both.used == check(NEW).used
    assert both.limit.startswith("margin rel 1e-9, abs 0.1,")


def test_what_is_not_shown_is_told_apart_from_what_differs():
    vague = check(NEW, margin=Limits(abs=0.01))
    assert (vague.status, vague.bad) == (CheckStatus.DRIFT, 1)
    assert (
        vague.message
        == "the means are within the margin, but the runs vary too much, or are too few, to show it"
    )
    other = check((0.5, 0.51, 0.52))
    assert (other.status, other.message) == (CheckStatus.DRIFT, "not equivalent")
    assert other.used == pytest.approx(4.1, abs=0.4)


def test_runs_without_spread_leave_the_margin():
    same = (0.5,) * 5
    assert check((0.5,) * 3, same).status is CheckStatus.EQUAL
    assert check((0.59,) * 3, same).used == pytest.approx(0.9)
    assert check((0.61,) * 3, same).status is CheckStatus.DRIFT
    assert check((0.61,) * 3, (0.0,) * 5, Limits(rel=0.1)).message == "the baseline's mean is 0: give abs"
    assert check((0.0,) * 3, (0.0,) * 5, Limits(rel=0.1)).status is CheckStatus.EQUAL


def test_one_side_without_spread_has_the_freedom_of_the_other():
    found = difference((1.0,) * 9, (1.0, 1.1, 1.2))
    assert found.half == pytest.approx(quantile(0.1, 2) * 0.1 / math.sqrt(3))


class TestBetter:
    HIGHER = (1.5, 1.51, 1.52)

    def test_the_better_side_passes(self):
        found = check(self.HIGHER, better="higher")
        assert (found.status, found.message, found.bad) == (
            CheckStatus.IMPROVED,
            "not worse by the margin",
            0,
        )
        assert found.used > 1

    def test_the_worse_side_fails(self):
        found = check(self.HIGHER, better="lower")
        assert (found.status, found.message) == (CheckStatus.DRIFT, "not equivalent, WORSE")

    def test_better_by_luck_alone_is_not_shown(self):
        found = check((0.5, 1.2, 1.9), better="higher")
        assert found.status is CheckStatus.DRIFT
        assert found.message.startswith("the means are on the better side, but the runs vary too much")

    def test_within_the_margin_it_says_nothing(self):
        assert check(NEW, better="higher") == check(NEW)


def test_every_value_must_be_in_the_hard_range():
    found = check((0.92, 0.99, 0.93), max=0.95, margin=Limits(abs=10.0))
    assert (found.status, found.message, found.worst.result) == (
        CheckStatus.DRIFT,
        "outside max 0.95",
        "0.99",
    )
    assert check(NEW, min=0.9, max=0.95).status.ok


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_nan_and_infinity_never_pass(value):
    found = check((0.92, value, 0.93), margin=Limits(abs=1e9))
    assert (found.status, found.used, found.message) == (CheckStatus.DRIFT, math.inf, "new NaN or infinity")
    assert check(NEW, (*OLD[:4], value)).status is CheckStatus.ERROR
    assert not check((value,) * 3, (value,) * 5).status.ok


def test_another_dtype():
    found = check((1, 1, 1))
    assert (found.status, found.message) == (CheckStatus.STRUCTURE, "dtype float64 -> int")


def test_too_few_runs_show_nothing():
    wanted = Metric(0.9, samples=OLD)
    rule, margin = MetricRule("auc"), Limits(abs=10.0)
    alone = compare_equivalent("auc", wanted, Metric(0.92), rule, margin)
    assert alone.status is CheckStatus.ERROR
    assert alone.message == "one run cannot show equivalence, it takes 3: see `new_runs`"
    assert check((0.92, 0.92)).message.startswith("2 runs cannot show equivalence")


@pytest.mark.parametrize("old", [(1.7e308, -1.7e308, 1.7e308, -1.7e308, 1.7e308), (10**400, 1, 2, 3, 4)])
def test_runs_that_no_double_holds_are_an_error(old):
    new = (1, 2, 3) if isinstance(old[0], int) else NEW
    assert check(new, old).status is CheckStatus.ERROR


def test_tiny_spreads_do_not_vanish():
    found = difference([x * 1e-150 for x in OLD], [x * 1e-150 for x in NEW])
    assert found.half == pytest.approx(difference(OLD, NEW).half * 1e-150)


def test_counts_and_truths_by_their_values():
    assert check((100, 101, 102), (100, 101, 102, 101, 100), Limits(abs=5)).status is CheckStatus.WITHIN
    assert (
        check((False, True, True), (True, True, False, True, True), Limits(abs=0.1)).status
        is CheckStatus.DRIFT
    )


@given(
    st.lists(st.floats(-1e3, 1e3), min_size=5, max_size=9),
    st.lists(st.floats(-1e3, 1e3), min_size=3, max_size=9),
    st.floats(1e-3, 1e4),
)
def test_a_wider_margin_never_fails_what_passed_and_the_order_means_nothing(old, new, margin):
    one, wider = check(new, old, Limits(abs=margin)), check(new, old, Limits(abs=2 * margin))
    assert wider.used == pytest.approx(one.used / 2, rel=1e-9)
    assert check(sorted(new), sorted(old), Limits(abs=margin)).status is one.status


# ---------------------------------------------------------------------------------------------------
# Error rates, by simulation


def used(n, m, margin, shift, trials, seed, sd=1.0):
    """Return what tests of the plain formula use, all at once; the baseline has a deviation of 1, the new runs of `sd`."""
    stats = pytest.importorskip("scipy.stats")
    random = np.random.default_rng(seed)
    old = random.standard_normal((trials, n))
    new = sd * random.standard_normal((trials, m)) + shift
    a, b = old.var(axis=1, ddof=1) / n, new.var(axis=1, ddof=1) / m
    freedom = (a + b) ** 2 / (a**2 / (n - 1) + b**2 / (m - 1))
    half = stats.t.isf(0.05, freedom) * np.sqrt(a + b)
    return old, new, (abs(new.mean(axis=1) - old.mean(axis=1)) + half) / margin


@pytest.mark.parametrize(("n", "m"), [(5, 3), (10, 10)])
def test_the_formula_of_the_simulation_is_that_of_the_check(n, m):
    for old, new, expected in zip(*used(n, m, 2.0, 1.0, 60, seed=n), strict=True):
        found = check(new.tolist(), old.tolist(), Limits(abs=2.0))
        assert found.used == pytest.approx(expected, rel=1e-9)
        assert found.status.ok == (expected <= 1)


TRIALS = 200_000
SLACK = 4 * math.sqrt(0.05 * 0.95 / TRIALS)  # 4 deviations of the estimate


@pytest.mark.parametrize(
    ("n", "m", "margin", "sd"),
    [(10, 10, 2.0, 1.0), (10, 10, 1.0, 1.0), (5, 3, 3.0, 1.0), (5, 3, 5.0, 0.2), (10, 5, 6.0, 3.0)],
)
def test_means_that_differ_by_the_margin_pass_at_most_once_in_twenty(n, m, margin, sd):
    rate = float((used(n, m, margin, margin, TRIALS, seed=n + m, sd=sd)[2] <= 1).mean())
    assert rate <= 0.05 + SLACK


@pytest.mark.parametrize(
    ("n", "m", "margin", "sd"), [(20, 5, 2.0, 1.0), (30, 3, 5.0, 1.0), (30, 3, 5.0, 0.5)]
)
def test_where_the_numbers_of_runs_are_far_apart_welch_s_approximation_is_a_little_generous(n, m, margin, sd):
    rate = float((used(n, m, margin, margin, TRIALS, seed=n + m, sd=sd)[2] <= 1).mean())
    assert 0.05 < rate <= 0.06 + SLACK


def test_equal_means_and_a_margin_of_two_deviations_pass_nearly_always():
    rate = float((used(10, 10, 2.0, 0.0, 100_000, seed=1)[2] <= 1).mean())
    assert rate > 0.98  # what the research measured is 0.99


@pytest.mark.parametrize(
    ("n", "m", "margin", "power"),
    [
        (5, 5, 1, 0.06),
        (5, 5, 2, 0.76),
        (10, 5, 1, 0.15),
        (10, 5, 2, 0.90),
        (10, 10, 1, 0.39),
        (20, 20, 1, 0.85),
    ],
)
def test_the_chance_to_show_equivalence_is_that_of_the_documentation(n, m, margin, power):
    rate = float((used(n, m, margin, 0.0, 50_000, seed=n)[2] <= 1).mean())
    assert rate == pytest.approx(power, abs=0.012)
