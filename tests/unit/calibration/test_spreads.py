"""How far runs are apart, the limits that follow, and how often these err."""

from __future__ import annotations

import math
import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_nbrepro.calibration import ALPHA, Spread
from pytest_nbrepro.comparers.student import quantile

VALUES = (0.5, 0.25, 1.5, 0.75, 0.5)


@pytest.fixture(scope="session")
def spread(made):
    """Return the spread of a metric with these values."""
    return lambda *values: Spread(made.metric(*values), range(len(values)))


def test_the_pairs_give_the_deviation_that_the_values_have(spread):
    found = spread(*VALUES)
    assert found.deviation("abs") == pytest.approx(statistics.stdev(VALUES))
    assert (found.most("abs"), found.most("rel")) == (1.25, 5.0)
    assert found.varies
    assert found.luck == pytest.approx(1 / 10)


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=9))
def test_whatever_the_values_are(spread, values):
    assert spread(*values).deviation("abs") == pytest.approx(statistics.stdev(values), rel=1e-9, abs=1e-12)


def test_runs_that_agree(spread):
    same = spread(0.5, 0.5, 0.5)
    assert (same.varies, same.luck, same.deviation("abs"), same.allowance("rel")) == (False, 1.0, 0.0, 0.0)


@pytest.mark.parametrize("n", [0, 1])
def test_too_few_runs_tell_nothing(made, n):
    few = Spread(made.metric(*VALUES), range(n))
    assert (few.varies, few.luck, few.most("abs"), few.deviation("abs")) == (False, 1.0, 0.0, 0.0)


def test_the_allowance_is_that_of_two_runs_by_student_s_t(spread):
    expected = quantile(0.001, 4) * math.sqrt(2) * statistics.stdev(VALUES)
    assert spread(*VALUES).allowance("abs") == pytest.approx(expected)
    assert spread(*VALUES).blur() == pytest.approx(
        quantile(0.05, 4) * math.sqrt(2) * statistics.stdev(VALUES)
    )


def test_it_is_never_less_than_what_was_seen(spread):
    rare = [1.0] * 99 + [1.5]
    assert spread(*rare).allowance("abs") == 0.5


def test_a_metric_that_some_runs_lack_and_one_with_nan(spread):
    gone = spread(0.5, None, 0.5)
    assert gone.what == "only some of the runs have it"
    assert gone.most("abs") == math.inf
    nan = spread(0.5, math.nan, 0.5)
    assert nan.what == "only some of the runs have NaN or infinity in it"
    assert not spread(math.nan, math.nan).varies


# ---------------------------------------------------------------------------------------------------
# Error rates, by simulation: normal noise, n runs, then an accepted run and a new one


def simulated(n, trials, seed):
    """Return the runs, the limit that the plain formula makes of them, and what a later pair of runs differs by."""
    random = np.random.default_rng(seed)
    runs = random.standard_normal((trials, n))
    wide = quantile(ALPHA, n - 1) * math.sqrt(2) * runs.std(axis=1, ddof=1)
    limit = np.maximum(wide, runs.max(axis=1) - runs.min(axis=1))
    return runs, limit, abs(random.standard_normal(trials) - random.standard_normal(trials))


@pytest.mark.parametrize("n", [3, 5, 7, 12])
def test_the_formula_of_the_simulation_is_that_of_the_allowance(spread, n):
    for values, limit, _ in zip(*simulated(n, 40, seed=n), strict=True):
        assert spread(*map(float, values)).allowance("abs") == pytest.approx(limit)


@pytest.mark.parametrize("n", [3, 5, 7, 12, 30])
def test_noise_exceeds_the_limit_in_one_of_a_thousand_checks_at_most(n):
    trials = 400_000
    _, limit, later = simulated(n, trials, seed=n)
    rate = float((later > limit).mean())
    assert rate <= 0.001 + 4 * math.sqrt(0.001 / trials)  # 4 deviations of the estimate
    assert rate > 0.0005 or n == 30  # and the limit is no wider than that takes


@pytest.mark.parametrize(("n", "usual", "wide"), [(5, 12, 23), (7, 8.5, 15), (12, 6.5, 10)])
def test_the_limit_is_a_small_multiple_of_the_noise(n, usual, wide):
    """In standard deviations: half of all limits are below `usual`, 99 of 100 below `wide`."""
    _, limit, _ = simulated(n, 100_000, seed=n)
    assert np.quantile(limit, 0.5) < usual
    assert np.quantile(limit, 0.99) < wide
