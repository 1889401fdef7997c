"""Statistical baselines: prediction intervals, and how often they err."""

from __future__ import annotations

import math
import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_nbrepro.comparers import intervals
from pytest_nbrepro.comparers.numbers import compare_metric
from pytest_nbrepro.comparers.student import multiplier
from pytest_nbrepro.model import CheckStatus, Limits, Metric, MetricRule

SAMPLES = (0.90, 0.91, 0.92, 0.93, 0.94)
HALF = multiplier(5, 0.001) * statistics.stdev(SAMPLES)
DTYPES = {bool: "bool", int: "int", float: "float64"}


def accepted(*samples, dtype=None):
    return Metric(samples[0], dtype or DTYPES[type(samples[0])], samples=samples)


def check(value, *samples, alpha=0.001, dtype=None, **rule):
    limits = Limits(**{k: rule.pop(k) for k in ("rel", "abs") if k in rule})
    result = Metric(value, dtype or DTYPES[type(value)])
    old = accepted(*(samples or SAMPLES), dtype=dtype)
    return intervals.compare_sampled("auc", old, result, MetricRule("auc", limits, **rule), alpha)


def test_a_value_is_held_against_the_interval():
    found = check(0.92 + HALF / 2)
    assert (found.status, found.used) == (CheckStatus.WITHIN, pytest.approx(0.5))
    assert found.limit == f"n 5, interval {0.92 - HALF:.6g}..{0.92 + HALF:.6g}, alpha 0.001"
    assert (found.worst.baseline, found.worst.result) == ("0.92", repr(0.92 + HALF / 2))
    beyond = check(0.92 - 1.5 * HALF)
    assert (beyond.status, beyond.used, beyond.bad) == (CheckStatus.DRIFT, pytest.approx(1.5), 1)
    assert beyond.allow is None


def test_the_mean_itself_uses_nothing():
    assert check(2.0, 1.0, 1.0, 2.0, 3.0, 3.0).status is CheckStatus.EQUAL


def test_runs_that_all_agree_leave_the_limits():
    same = (0.5,) * 10
    assert not intervals.varies(accepted(*same))
    assert check(0.5000001, *same) == compare_metric("auc", Metric(0.5), Metric(0.5000001), MetricRule("auc"))
    assert check(0.51, *same).status is CheckStatus.DRIFT
    assert check(math.nan, *[math.nan] * 5).status is CheckStatus.EQUAL


def test_limits_are_allowed_in_any_case():
    noise = (1.0, 1.0, 1.0, 1.0, math.nextafter(1.0, 2.0))
    assert check(1.0000005, *noise).status is CheckStatus.WITHIN
    assert check(1.0001, *noise).status is CheckStatus.DRIFT
    assert check(1.0001, *noise, rel=1e-3).status is CheckStatus.WITHIN


def test_integers_and_truths_by_their_values():
    counts = (100, 101, 99, 100, 102)
    assert check(104, *counts).status is CheckStatus.WITHIN
    found = check(200, *counts)
    assert (found.status, found.worst.baseline) == (CheckStatus.DRIFT, "100.4")
    assert check(112, *counts).status is CheckStatus.DRIFT
    assert check(112, *counts, abs=12).status is CheckStatus.WITHIN
    assert check(False, True, True, False, True, True).status is CheckStatus.WITHIN


def test_counted_metrics_by_their_values_and_their_flips():
    counted = (0.90, 0.90, 0.90, 0.90, 0.91)
    assert check(0.85, *counted, of=100, flips=1).status is CheckStatus.DRIFT
    assert check(0.86, *counted, of=100, flips=5).status is CheckStatus.WITHIN


def test_hard_range_and_dtype_come_first():
    found = check(0.93, min=0.99)
    assert (found.status, found.message) == (CheckStatus.DRIFT, "outside min 0.99")
    other = intervals.compare_sampled("auc", accepted(*SAMPLES), Metric(1, "int"), MetricRule("auc"), 0.001)
    assert (other.status, other.message) == (CheckStatus.STRUCTURE, "dtype float64 -> int")


def test_the_better_side_passes():
    assert check(2.0, better="higher").status is CheckStatus.IMPROVED
    found = check(0.1, better="higher")
    assert (found.status, found.message) == (CheckStatus.DRIFT, "WORSE")


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_no_number_is_never_within(value):
    found = check(value)
    assert (found.status, found.used) == (CheckStatus.DRIFT, math.inf)
    assert found.message == "new NaN or infinity"


@pytest.mark.parametrize(
    "samples",
    [
        (1.0, 2.0, 3.0, math.nan, 5.0),
        (1.0, math.inf, -math.inf, 1.0, 1.0),
        (1.7e308, -1.7e308, 0.0, 1.0, 2.0),
        (10**400, 1, 2, 3, 4),
    ],
)
def test_runs_without_an_interval_are_an_error(samples):
    value = 1 if isinstance(samples[0], int) else 1.0
    assert check(value, *samples).status is CheckStatus.ERROR


def test_a_result_that_no_double_holds_is_an_error():
    assert check(10**400, 1, 2, 3, 4, 5).status is CheckStatus.ERROR


def test_float32_is_shown_as_such():
    assert check(float(np.float32(0.9)), dtype="float32").worst.result == "0.9"


def test_alpha_is_shared_by_the_checks_of_a_case():
    assert [intervals.share(n) for n in (0, 1, 10)] == [0.001, 0.001, 0.0001]
    assert check(0.92 + 1.2 * HALF, alpha=0.0001).status is CheckStatus.WITHIN


def several(*values, **rule):
    return intervals.compare_sampled(
        "auc", accepted(*SAMPLES), Metric(values[0], samples=values), MetricRule("auc", **rule), 0.001
    )


def test_of_several_new_values_the_worst_decides():
    found = several(0.92, 0.92 + HALF / 2, 0.921)
    assert (found.status, found.used, found.n, found.bad) == (CheckStatus.WITHIN, pytest.approx(0.5), 3, 0)
    assert found.worst.where == "run 2 of 3"
    drift = several(0.92, 0.92 + 1.5 * HALF, 0.92 - 2 * HALF)
    assert (drift.status, drift.used, drift.bad) == (CheckStatus.DRIFT, pytest.approx(2), 2)
    assert drift.worst.where == "run 3 of 3"
    assert several(0.92, 5.0, math.nan, better="higher").used == math.inf
    assert several(0.92, 5.0, 0.92, better="higher").status is CheckStatus.IMPROVED
    assert several(0.92, 0.93, 0.92, max=0.925).message == "outside max 0.925"


def test_ends_of_a_narrow_interval_are_told_apart():
    narrow = intervals.Interval(5, 1.0, 1e-9, 0.001)
    assert str(narrow) == "n 5, interval 0.999999999..1, alpha 0.001"
    assert "interval 1.0..1.0," in str(intervals.Interval(5, 1.0, 0.0, 0.001))


@given(
    st.lists(st.floats(-1e6, 1e6), min_size=5, max_size=12),
    st.floats(-1e6, 1e6),
    st.floats(1, 10),
)
def test_used_does_not_depend_on_the_order_of_runs_and_grows_with_the_distance(samples, value, factor):
    one, other = (check(value, *order).used for order in (samples, sorted(samples)))
    assert one == other
    if intervals.varies(accepted(*samples)):
        centre = statistics.fmean(samples)
        assert check(centre + (value - centre) * factor, *samples).used >= one * (1 - 1e-9)


# ---------------------------------------------------------------------------------------------------
# Error rates, by simulation: independent normal runs, a baseline of n, one new run


def used(n, trials, shift, seed):
    """Return what the new runs use, of the plain formula, all at once."""
    random = np.random.default_rng(seed)
    runs, new = random.standard_normal((trials, n)), random.standard_normal(trials) + shift
    half = multiplier(n, 0.001) * runs.std(axis=1, ddof=1)
    return runs, new, abs(new - runs.mean(axis=1)) / half


@pytest.mark.parametrize("n", [5, 10, 20])
def test_the_formula_of_the_simulation_is_that_of_the_check(n):
    for runs, value, expected in zip(*used(n, 50, 3.0, seed=n), strict=True):
        found = check(float(value), *map(float, runs), rel=0.0)
        assert found.used == pytest.approx(expected, rel=1e-9)
        assert found.status.ok == (expected <= 1)


@pytest.mark.parametrize("n", [5, 10, 20])
def test_false_alarms_come_at_the_stated_rate(n):
    trials = 400_000
    alarms = int((used(n, trials, 0.0, seed=n)[2] > 1).sum())
    deviation = math.sqrt(trials * 0.001 * 0.999)
    assert abs(alarms - trials * 0.001) < 4 * deviation  # 1 in 16,000 such tests would fail by chance


def caught(n, shift):
    """Return the probability that a drift of `shift` sd is found in one run: 1 - P(|N(shift, 1+1/n)| <= k·s).

    The distribution of s is that of ``sqrt(chi²/(n-1))``; the integral over it is summed by the midpoint rule.
    """
    freedom, k, width = n - 1, multiplier(n, 0.001), math.sqrt(1 + 1 / n)
    s = (np.arange(20_000) + 0.5) * (4 / 20_000)
    logs = (freedom - 1) * np.log(s) - freedom * s**2 / 2
    scale = math.log(2) + freedom / 2 * math.log(freedom / 2) - math.lgamma(freedom / 2)
    weights = np.exp(logs + scale) * (4 / 20_000)
    missed = [
        (math.erf((k * x - shift) / width / math.sqrt(2)) + math.erf((k * x + shift) / width / math.sqrt(2)))
        / 2
        for x in s
    ]
    return 1 - float(np.dot(weights, missed))


def test_the_integral_gives_the_rate_of_false_alarms_too():
    assert caught(10, 0.0) == pytest.approx(0.001, rel=1e-3)


@pytest.mark.parametrize(
    ("n", "shift", "at_least"), [(5, 15, 0.9), (10, 5, 0.5), (10, 8, 0.95), (20, 5, 0.8)]
)
def test_a_drift_is_caught_as_often_as_the_formula_says(n, shift, at_least):
    trials, expected = 100_000, caught(n, shift)
    assert expected > at_least
    found = float((used(n, trials, shift, seed=n + shift)[2] > 1).mean())
    assert abs(found - expected) < 4 * math.sqrt(expected * (1 - expected) / trials)
