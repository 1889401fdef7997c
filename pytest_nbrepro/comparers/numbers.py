"""Limits and how much of them a number uses: ``used = |result - baseline| / limit``, at most 1 passes."""

from __future__ import annotations

import cmath
import math
from dataclasses import dataclass, replace
from typing import Literal

from pytest_nbrepro.comparers.base import key, shown
from pytest_nbrepro.model import Check, CheckStatus, Limits, Metric, MetricRule, Number, Place

Kind = Literal["float", "int", "exact"]

OFFERED = 100.0  # a limit that would have to grow more than so many times is not suggested
_TINY = math.ulp(0.0)
_OVER = math.nextafter(1.0, 2.0)
_OFF_GRID = 1e-6  # how far `value * of` may lie from an integer

# What rounding noise of one dtype may be: rel, abs for a single number, abs per largest |baseline| of a
# column or array, fixed abs of a column or array (half precision: the allowance that torch gives it).
_DEFAULTS: dict[str, tuple[float, float, float]] = {
    "float64": (1e-6, 1e-9, 0.0),
    "float32": (1e-5, 1e-7, 0.0),
    "float16": (1e-3, 0.0, 1e-5),
    "bfloat16": (1.6e-2, 0.0, 1e-5),
}
_MANTISSA = {
    "float32": (23, -149),
    "float16": (10, -24),
    "bfloat16": (7, -133),
}  # binary digits, exponent of the smallest number
_SHORT = {"float32", "float16"}  # written with fewer digits than Python's own floats


# ---------------------------------------------------------------------------------------------------
# Limits


@dataclass(frozen=True)
class Limit:
    """A resolved allowance: ``max(abs, rel*|baseline|, ulp*spacing(baseline))``.

    `dtype` is the float type whose spacing counts; `kind` says which of the three apply: all to ``float``,
    `abs` alone to ``int``, none to ``exact``.
    """

    kind: Kind = "exact"
    rel: float = 0.0
    abs: float = 0.0
    ulp: int = 0
    dtype: str = "float64"
    unused: str = ""  # what was asked for and does not apply

    def __str__(self) -> str:
        words = [f"rel {short(self.rel)}" if self.rel else "", f"abs {short(self.abs)}" if self.abs else ""]
        words.append(f"ulp {self.ulp}" if self.ulp else "")
        text = ", ".join(word for word in words if word) or "exact"
        return f"{text} ({self.unused})" if self.unused else text

    def at(self, baseline: complex) -> float:
        """Return the allowance at one baseline value; 0 means that the check is exact there."""
        size = _size(baseline)
        spacing = self.ulp * _spacing(size, self.dtype) if self.ulp else 0.0
        return max(self.abs, self.rel * size, spacing)


def short(value: float) -> str:
    """Return a limit as people write it: ``1e-6``, ``0.001``."""
    mantissa, e, exponent = f"{value:g}".partition("e")
    return f"{mantissa}{e}{int(exponent)}" if e else mantissa


EXACT = Limit()


def resolve(limits: Limits, dtype: str, largest: float | None = None) -> Limit:
    """Return the limit for values of one dtype, with the defaults filled in.

    Integers are loosened by an explicit `abs` alone, everything that is no number by nothing.

    Args:
        limits: the allowance as written. Giving one of `rel`, `abs` leaves the other at its default.
        dtype: ``float64``, ``float32``, ``float16``, ``bfloat16``, a complex type (as its parts), any ``int…`` or
            ``uint…``; every other word is compared exactly.
        largest: the largest finite |baseline| of the column or array; None for a number that stands alone.

    Raises:
        ValueError: a limit is negative, NaN or infinite.
    """
    for name, value in (("rel", limits.rel), ("abs", limits.abs), ("ulp", limits.ulp)):
        if value is not None and not (math.isfinite(value) and value >= 0):
            raise ValueError(f"the limit {name} is {value!r}, must be finite and not negative")
    if dtype.startswith(("int", "uint")):
        ineffective = limits.rel or limits.ulp
        return Limit("int", abs=limits.abs or 0.0, unused="integers: only abs loosens" if ineffective else "")
    dtype = _PARTS.get(dtype, dtype)
    if dtype not in _DEFAULTS:
        return EXACT
    rel, scaled, fixed = _DEFAULTS[dtype]
    floor = 0.0 if largest is None else scaled * largest + fixed
    return Limit(
        "float",
        rel=rel if limits.rel is None else limits.rel,
        abs=floor if limits.abs is None else limits.abs,
        ulp=limits.ulp or 0,
        dtype=dtype,
    )


_PARTS = {"complex128": "float64", "complex64": "float32", "longdouble": "float64", "clongdouble": "float64"}


def _spacing(size: float, dtype: str) -> float:
    """Return the distance from a size >= 0 to the next number of a dtype, were its range without end."""
    if dtype not in _MANTISSA:
        return math.ulp(size)
    digits, smallest = _MANTISSA[dtype]
    exponent = math.frexp(size)[1] - 1 if size else smallest
    return math.ldexp(1.0, max(exponent - digits, smallest))


# ---------------------------------------------------------------------------------------------------
# Used


def used(baseline: complex, result: complex, limit: Limit) -> float:
    """Return how much of its limit one number uses: 0 when equal, at most 1 when it passes, else more.

    NaN equals NaN, an infinity itself, -0.0 equals 0.0. It is infinite where no limit could let the
    difference pass: NaN or infinity against another number, or a limit of 0. Differences of integers
    are exact.
    """
    if baseline == result or _both_nan(baseline, result):
        return 0.0
    if limit.kind == "exact":
        return math.inf
    if isinstance(baseline, int) and isinstance(result, int):  # doubles would round large ones
        return ratio(abs(result - baseline), limit.at(baseline) if limit.kind == "float" else limit.abs)
    if not (_is_finite(baseline) and _is_finite(result)):
        return math.inf
    distance, allowed = _size(result - baseline), limit.at(baseline)
    if math.isinf(distance) or math.isinf(allowed):  # beyond the largest double: halves have room
        distance = _size(result / 2 - baseline / 2)
        allowed = max(limit.abs / 2, limit.rel * _size(baseline / 2))
    return ratio(distance, allowed)


def _both_nan(baseline: complex, result: complex) -> bool:
    """Tell whether two numbers are NaN alike; of complex ones, part by part."""
    return _same(baseline.real, result.real) and _same(baseline.imag, result.imag)


def _size(value: complex) -> float:
    """Return |value|; of a complex number beyond the largest double infinity, where `abs` raises."""
    return math.hypot(value.real, value.imag) if type(value) is complex else abs(value)


def _same(one: float, other: float) -> bool:
    return one == other or (_is_nan(one) and _is_nan(other))


def _is_nan(value: complex) -> bool:
    return value != value  # noqa: PLR0124 - unlike `isnan` it takes integers of any size


def _is_finite(value: complex) -> bool:
    return isinstance(value, int) or cmath.isfinite(value)


def ratio(distance: float, allowed: float) -> float:
    """Return distance / allowed for a distance > 0, so that rounding never moves it over 0 or 1."""
    if allowed == 0:
        return math.inf
    try:
        ratio = distance / allowed
    except OverflowError:  # an integer beyond the largest double
        ratio = math.inf
    if distance > allowed:
        return max(ratio, _OVER)
    return min(max(ratio, _TINY), 1.0)


def advice(baseline: complex, result: complex, limit: Limit) -> str:
    """Return what a person should know of a difference that `used` alone does not tell, or nothing."""
    if _is_nan(baseline) or _is_nan(result):
        return "new NaN" if _is_nan(result) else "NaN no longer"
    if baseline == 0 and _is_finite(result) and limit.kind != "exact" and limit.at(baseline) == 0:
        return "baseline is 0: give abs"
    return ""


# ---------------------------------------------------------------------------------------------------
# Suggestions


def suggest(*, rel: float, abs_: float, limit: Limit, most: float) -> str | None:
    """Return the nearest limits that would pass, times 1.1, as ``{rel: 1.4e-2}``.

    None where it is not safe to suggest: the check is exact, its limit would have to grow more than
    100 times, or beyond what a float can hold.

    Args:
        rel: the largest |difference| / |baseline| of the values out of limit; infinite where that is 0.
        abs_: the largest |difference| of the values out of limit.
        limit: the present limit.
        most: the largest `used`.
    """
    if not 1 < most <= OFFERED:
        return None
    relative = limit.kind != "int" and bool(limit.rel) and rel <= OFFERED * limit.rel
    try:
        wider = 1.1 * (rel if relative else abs_)
    except OverflowError:  # a whole number beyond the largest float
        return None
    if not math.isfinite(wider):
        return None
    if limit.kind == "int":
        return f"{{abs: {math.ceil(wider)}}}"
    return f"{{{'rel' if relative else 'abs'}: {two_digits(wider)}}}"


def two_digits(value: float) -> str:
    """Return a positive number with two significant digits, as people write it: ``1.4e-2``, ``0.25``."""
    if 0.1 <= value < 100:
        return f"{float(f'{value:.1e}'):g}"
    mantissa, exponent = f"{value:.1e}".split("e")
    return f"{mantissa.removesuffix('.0')}e{int(exponent)}"


# ---------------------------------------------------------------------------------------------------
# Metrics


def compare_metric(name: str, baseline: Metric, result: Metric, rule: MetricRule) -> Check:
    """Compare one metric with its baseline; never raises.

    The hard range comes first (a baseline cannot bless what lies outside), then the dtype, then the value:
    by `of` and `flips` as a count, else by the limits; `better` turns the better side into IMPROVED.
    """
    try:
        return _compare_metric(name, baseline, result, rule)
    except (ValueError, TypeError, OverflowError) as error:
        return Check("metric", name, CheckStatus.ERROR, message=f"cannot be compared: {error}")


def _compare_metric(name: str, baseline: Metric, result: Metric, rule: MetricRule) -> Check:
    place = Place("", text(baseline), text(result))
    outside = out_of_range(result.value, rule)
    if outside:
        return Check("metric", name, CheckStatus.DRIFT, None, outside, f"outside {outside}", 1, 1, place)
    if baseline.dtype != result.dtype:
        message = f"dtype {baseline.dtype} -> {result.dtype}"
        return Check("metric", name, CheckStatus.STRUCTURE, message=message, n=1, bad=1, worst=place)
    if rule.of is not None and _is_finite(baseline.value) and _is_finite(result.value):
        return _compare_count(name, baseline, result, rule, place)
    limit = resolve(rule.limits, baseline.dtype)
    old, new = baseline.value, result.value
    most = used(old, new, limit)
    words = str(limit)
    if limit.kind == "float" and limit.at(old) == 0 and words != str(EXACT):
        words = f"exact: {words} allows 0 here"
    check = judged(name, most, words, (old, new), rule, place, advice(old, new, limit) if most > 1 else "")
    if check.status is not CheckStatus.DRIFT or math.isinf(most):
        return check
    distance = float(abs(new - old))
    offer = suggest(rel=distance / abs(old) if old else math.inf, abs_=distance, limit=limit, most=most)
    return replace(check, allow=f"{key(name)}: {offer}" if offer else None)


def _compare_count(name: str, baseline: Metric, result: Metric, rule: MetricRule, place: Place) -> Check:
    of = rule.of or 0
    words = f"{rule.flips} of {of} may flip" if rule.flips else f"exact: none of {of} may flip"
    counts = []
    for side, metric in (("baseline", baseline), ("result", result)):
        count = round(metric.value * of)
        slack = max(_OFF_GRID, 2 * of * _spacing(abs(metric.value), metric.dtype))
        if abs(metric.value * of - count) > slack:
            message = f"the {side} is no whole number of {of} ({metric.value * of:.6g}): record it in full precision"
            return Check("metric", name, CheckStatus.ERROR, None, words, message, 1, 1, place)
        counts.append(count)
    old, new = counts
    flipped = abs(new - old)
    most = ratio(flipped, rule.flips) if flipped else 0.0
    note = f"{flipped} of {of} flipped" if flipped else ""
    check = judged(name, most, words, (old, new), rule, place, note)
    if check.status is CheckStatus.DRIFT and most <= OFFERED:
        check = replace(check, allow=f"{key(name)}: {{of: {of}, flips: {flipped}}}")
    return check


def judged(
    name: str,
    most: float,
    words: str,
    values: tuple[Number, Number],
    rule: MetricRule,
    place: Place,
    note: str,
) -> Check:
    """Return the check for a value that uses `most` of its limit, by direction where one is better."""
    status = CheckStatus.WITHIN if most else CheckStatus.EQUAL
    side = ""
    if most > 1:
        side = _side(*values, rule)
        status = CheckStatus.IMPROVED if side == "better" else CheckStatus.DRIFT
    message = ", ".join(word for word in (note, side.upper()) if word)
    return Check("metric", name, status, most, words, message, 1, int(status is CheckStatus.DRIFT), place)


def _side(old: Number, new: Number, rule: MetricRule) -> str:
    """Return ``better`` or ``worse`` where the rule says which side is which and both are finite."""
    if rule.better is None or not (_is_finite(old) and _is_finite(new)):
        return ""
    return "better" if (new > old) == (rule.better == "higher") else "worse"


def out_of_range(value: Number, rule: MetricRule) -> str:
    """Return the hard range in words where a value lies outside it; NaN lies in no range."""
    low, high = rule.min, rule.max
    if (low is None or value >= low) and (high is None or value <= high):
        return ""
    words = [f"min {low:g}" if low is not None else "", f"max {high:g}" if high is not None else ""]
    return ", ".join(word for word in words if word)


def not_finite(value: Number) -> str:
    """Say that a value is no finite number; nothing of one that is."""
    return "" if _is_finite(value) else "new NaN or infinity"


def text(metric: Metric) -> str:
    """Return a metric's value with as many digits as its dtype holds."""
    if metric.dtype not in _SHORT:
        return shown(metric.value)
    import numpy as np  # most metrics need none of it

    return str(np.dtype(metric.dtype).type(metric.value))
