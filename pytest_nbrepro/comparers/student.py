"""Student's t distribution, as far as intervals and tests need it, without scipy.

The tail is a regularised incomplete beta function (NIST Digital Library of Mathematical Functions, 8.17), which is
evaluated by its continued fraction 8.17.22 with the modified Lentz method (DLMF 3.10(iii)); the quantile is found
by bisection.
"""

from __future__ import annotations

import math
from functools import lru_cache

_EPS = 5e-16  # two neighbours of 1
_TINY = 1e-300  # stands for a denominator of 0 in Lentz's method


@lru_cache(maxsize=256)
def multiplier(n: int, alpha: float) -> float:
    """Return k of the two-sided prediction interval ``mean ± k·s`` for one value more from the same normal distribution.

    ``k = t(1 - alpha/2, n - 1) · sqrt(1 + 1/n)`` for the mean and the standard deviation s (with n - 1) of n
    independent values.

    Args:
        n: how many values the interval rests on, at least 2.
        alpha: the chance that the value lies outside by chance, above 0 and below 1.

    Raises:
        ValueError: there is no such interval.
    """
    if n < 2 or not 0 < alpha < 1:
        raise ValueError(f"no prediction interval of {n} values with alpha {alpha}")
    return quantile(alpha, n - 1) * math.sqrt(1 + 1 / n)


def quantile(alpha: float, freedom: float) -> float:
    """Return the t that ``|T|`` exceeds with the probability `alpha`.

    Args:
        alpha: both tails together, above 0 and below 1; small ones lose no digits.
        freedom: degrees of freedom, at least 1; Welch's are fractional.
    """
    low, high = 0.0, 1.0
    while tails(high, freedom) > alpha:
        low, high = high, 2 * high
    while low < (middle := (low + high) / 2) < high:  # until no double lies between them
        if tails(middle, freedom) > alpha:
            low = middle
        else:
            high = middle
    return high


def tails(t: float, freedom: float) -> float:
    """Return the probability that ``|T|`` exceeds t >= 0: ``I(v/(v+t²); v/2, 1/2)`` with v degrees of freedom."""
    square = t * t
    return _beta(freedom / 2, 0.5, freedom / (freedom + square), square / (freedom + square))


def _beta(a: float, b: float, x: float, rest: float) -> float:
    """Return the regularised incomplete beta function at x; `rest` is 1 - x, without the loss of digits."""
    if x <= 0 or rest <= 0:
        return 0.0 if x <= 0 else 1.0
    front = a * math.log(x) + b * math.log(rest) + math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    if x < (a + 1) / (a + b + 2):  # where the fraction converges fast
        return math.exp(front) * _fraction(a, b, x) / a
    return 1 - math.exp(front) * _fraction(b, a, rest) / b


def _fraction(a: float, b: float, x: float) -> float:
    """Return the continued fraction of DLMF 8.17.22."""
    c, d = 1.0, 1 / _nonzero(1 - (a + b) * x / (a + 1))
    value = d
    m, step = 0, math.inf
    while abs(step - 1) > _EPS:
        m += 1
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            d = 1 / _nonzero(1 + term * d)
            c = _nonzero(1 + term / c)
            step = c * d
            value *= step
    return value


def _nonzero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY
