"""Metrics that are a share of so many things: how many, as far as their values tell."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

from pytest_nbrepro.model import Number

_MOST = 10_000  # things: beyond, neighbouring shares can hardly be told from rounding
_PRINTED = 1_000_000  # a value with no more than six decimals may be one that was rounded for print


def counted(values: Sequence[Number]) -> int | None:
    """Return of how many things metrics are shares, None where the values do not tell.

    Each must be a fraction in its lowest terms with at most 10,000 things below, to the last digits of a double;
    the number is their least common multiple. Values that may have been rounded for print tell nothing.
    """
    found = [_fraction(value) for value in values]
    fractions = [fraction for fraction in found if fraction is not None]
    if len(fractions) < len(found) or len(set(fractions)) < 2:
        return None
    of = math.lcm(*(fraction.denominator for fraction in fractions))
    printed = all(_PRINTED % fraction.denominator == 0 for fraction in fractions)
    return None if of > _MOST or printed else of


def _fraction(value: Number) -> Fraction | None:
    if not isinstance(value, float) or not 0 <= value <= 1:
        return None
    fraction = Fraction(value).limit_denominator(_MOST)
    return fraction if abs(fraction - Fraction(value)) <= 2 * Fraction(math.ulp(value)) else None
