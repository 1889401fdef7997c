"""Student's t: against tables, closed forms and itself."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_nbrepro.comparers.student import multiplier, quantile, tails

ALPHAS = st.floats(1e-9, 0.999)


@pytest.mark.parametrize(
    ("n", "alpha", "k"),
    [
        *[(n, 0.01, k) for n, k in ((2, 78), (3, 11.5), (5, 5.0), (8, 3.7), (10, 3.4), (20, 2.9), (30, 2.8))],
        *[(n, 0.001, k) for n, k in ((2, 780), (3, 36), (5, 9.4), (8, 5.7), (10, 5.0), (20, 4.0), (30, 3.7))],
    ],
)
def test_the_multipliers_of_the_table(n, alpha, k):
    assert multiplier(n, alpha) == pytest.approx(k, rel=0.02)


@pytest.mark.parametrize(
    ("freedom", "alpha", "t"),
    [
        (4, 0.001, 8.610302),
        (9, 0.001, 4.780913),
        (19, 0.001, 3.883406),
        (29, 0.001, 3.659405),
        (5, 0.05, 2.570582),
        (30, 0.01, 2.749996),
        (1000, 0.05, 1.962339),
    ],
)
def test_the_quantiles_of_printed_tables(freedom, alpha, t):
    assert quantile(alpha, freedom) == pytest.approx(t, abs=5e-7)


@pytest.mark.parametrize(
    ("freedom", "alpha", "t"), [(2.5, 0.1, 2.558219), (5.5, 0.1, 1.975280), (17.8, 0.1, 1.735120)]
)
def test_quantiles_of_fractional_degrees_of_freedom(freedom, alpha, t):
    """Against scipy 1.17, of which no run of these tests depends; below against the one that is there."""
    assert quantile(alpha, freedom) == pytest.approx(t, abs=5e-7)


@given(st.floats(1, 500), st.floats(1e-6, 0.99))
def test_quantiles_lie_between_those_of_whole_degrees(freedom, alpha):
    low, high = quantile(alpha, math.ceil(freedom)), quantile(alpha, math.floor(freedom))
    rounding = 1e-9 * high  # of the search for a quantile
    assert low - rounding <= quantile(alpha, freedom) <= high + rounding


@pytest.mark.parametrize("freedom", [1, 2.25, 3, 7.125, 18.6, 100.5, 5000])
@pytest.mark.parametrize("alpha", [0.5, 0.1, 0.05, 1e-3, 1e-8])
def test_quantiles_and_tails_are_those_of_scipy(freedom, alpha):
    stats = pytest.importorskip("scipy.stats")
    t = float(stats.t.isf(alpha / 2, freedom))
    assert quantile(alpha, freedom) == pytest.approx(t, rel=1e-8)
    assert tails(t, freedom) == pytest.approx(2 * float(stats.t.sf(t, freedom)), rel=1e-9)


@given(ALPHAS)
def test_one_degree_of_freedom_is_cauchy(alpha):
    assert quantile(alpha, 1) == pytest.approx(1 / math.tan(math.pi * alpha / 2), rel=1e-9)


@given(ALPHAS)
def test_two_degrees_of_freedom_have_a_closed_form(alpha):
    expected = (1 - alpha) * math.sqrt(2 / (alpha * (2 - alpha)))
    assert quantile(alpha, 2) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("alpha", [0.05, 0.001, 1e-6])
def test_many_degrees_of_freedom_are_normal(alpha):
    assert math.erfc(quantile(alpha, 10**7) / math.sqrt(2)) == pytest.approx(alpha, rel=1e-4)


@given(ALPHAS, st.floats(1, 2000))
def test_the_quantile_undoes_the_tails(alpha, freedom):
    assert tails(quantile(alpha, freedom), freedom) == pytest.approx(alpha, rel=1e-8)


@given(st.floats(0, 1e6), st.floats(0, 1e6), st.integers(1, 500))
def test_tails_fall(one, other, freedom):
    low, high = sorted((one, other))
    assert 0 <= tails(high, freedom) <= tails(low, freedom) + 1e-12 <= 1 + 1e-12


def test_all_of_it_is_beyond_zero():
    assert tails(0.0, 5) == 1.0
    assert tails(1e200, 5) == 0.0


@pytest.mark.parametrize(("n", "alpha"), [(1, 0.1), (5, 0.0), (5, 1.0), (5, math.nan)])
def test_what_is_no_interval(n, alpha):
    with pytest.raises(ValueError, match="no prediction interval"):
        multiplier(n, alpha)
