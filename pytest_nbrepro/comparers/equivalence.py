"""Equivalence, ``new_runs: m`` with `margin`: several new values and those of a baseline have means that hardly differ.

That two means do not differ significantly is no evidence that they are equal. So it is asked the other way round
(two one-sided tests; Schuirmann 1987, doi:10.1007/BF01068419): a metric passes only when both "lower by the margin
or more" and "higher by the margin or more" are rejected at 5 %, each by Welch's t test. Both are rejected exactly
where the 90 % confidence interval of the difference lies within the margin.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace

from pytest_nbrepro.comparers import numbers
from pytest_nbrepro.comparers.base import shown
from pytest_nbrepro.comparers.intervals import span
from pytest_nbrepro.comparers.student import quantile
from pytest_nbrepro.model import (
    FEWEST_NEW_RUNS,
    Check,
    CheckStatus,
    Limits,
    Metric,
    MetricRule,
    Number,
    Place,
)

ALPHA = 0.05  # of each one-sided test: how often means that differ by the margin pass, at most


@dataclass(frozen=True)
class Difference:
    """How far the mean of new values lies above that of old ones: ``centre ± half`` with 90 % confidence."""

    old: float  # means
    new: float
    half: float

    @property
    def centre(self) -> float:
        """The difference as it was observed."""
        return self.new - self.old

    @property
    def low(self) -> float:
        """The lower end of the interval."""
        return self.centre - self.half

    @property
    def high(self) -> float:
        """The upper end of the interval."""
        return self.centre + self.half


def difference(old: Sequence[Number], new: Sequence[Number]) -> Difference:
    """Return how far two means are apart, the variances not taken to be equal (Welch 1947, doi:10.2307/2332510).

    ``half = t(1 - alpha, v) · sqrt(a + b)`` with ``a = s²/n`` of either side, and the degrees of freedom of
    Welch and Satterthwaite, ``v = (a + b)² / (a²/(n-1) + b²/(m-1))``. Where no side varies it is 0.

    Args:
        old: n accepted values, at least 2.
        new: m new values, at least 2.

    Raises:
        ValueError, OverflowError: a value is not finite, or too large.
    """
    sides = [[float(value) for value in side] for side in (old, new)]
    if not all(map(math.isfinite, (*sides[0], *sides[1]))):
        raise ValueError("a run has NaN or infinity")
    before, after = map(statistics.mean, sides)
    errors = [statistics.stdev(side) / math.sqrt(len(side)) for side in sides]
    error = math.hypot(*errors)
    if error == 0:
        return Difference(before, after, 0.0)
    parts = [(e / error) ** 4 / (len(side) - 1) for e, side in zip(errors, sides, strict=True)]
    half = quantile(2 * ALPHA, 1 / sum(parts)) * error
    if not math.isfinite(half):
        raise ValueError("the runs lie too far apart")
    return Difference(before, after, half)


def compare_equivalent(
    name: str, baseline: Metric, result: Metric, rule: MetricRule, margin: Limits
) -> Check:
    """Compare the values of several new runs with the runs of a baseline; never raises.

    `used` is the largest difference that the interval holds, divided by the margin. Hard range, of every new
    value, and dtype come first. Where one side is better, it is enough that "worse by the margin or more" is
    rejected; beyond the margin on the better side is IMPROVED.
    """
    values = result.samples or (result.value,)
    for value in values:
        if numbers.out_of_range(value, rule) or baseline.dtype != result.dtype:
            return numbers.compare_metric(name, baseline, replace(result, value=value), rule)
    if len(values) < FEWEST_NEW_RUNS:
        told = "one run" if len(values) == 1 else f"{len(values)} runs"
        return _error(name, f"{told} cannot show equivalence, it takes {FEWEST_NEW_RUNS}: see `new_runs`")
    try:
        if note := next(filter(None, map(numbers.not_finite, values)), ""):
            place = Place("", shown(baseline.value), shown(next(v for v in values if numbers.not_finite(v))))
            return Check("metric", name, CheckStatus.DRIFT, math.inf, _words(margin), note, 1, 1, place)
        return _judged(
            name, difference(baseline.samples, values), len(baseline.samples), len(values), rule, margin
        )
    except (ValueError, OverflowError) as error:
        return _error(name, f"cannot be compared: {error}")


def _judged(name: str, found: Difference, n: int, m: int, rule: MetricRule, margin: Limits) -> Check:
    allowed = max(margin.abs or 0.0, (margin.rel or 0.0) * abs(found.old))
    furthest = max(-found.low, found.high)
    most = numbers.ratio(furthest, allowed) if furthest else 0.0
    worse = {"higher": -found.low, "lower": found.high}.get(rule.better or "", furthest)
    status = CheckStatus.WITHIN if most else CheckStatus.EQUAL
    note = ""
    if most > 1:
        status = CheckStatus.IMPROVED if worse <= allowed else CheckStatus.DRIFT
        note = _note(found, allowed, rule, improved=status is CheckStatus.IMPROVED)
    words = f"{_words(margin)}, n {n} and {m}, difference {span(found.low, found.high)} (90 %)"
    place = Place("", shown(found.old), shown(found.new))
    return Check("metric", name, status, most, words, note, 1, int(status is CheckStatus.DRIFT), place)


def _note(found: Difference, allowed: float, rule: MetricRule, *, improved: bool) -> str:
    """Say what keeps two means from being equivalent: that they differ, or that too little is known of them."""
    if improved:
        return "not worse by the margin"
    if allowed == 0:
        return "the baseline's mean is 0: give abs"
    better = rule.better is not None and (found.centre > 0) == (rule.better == "higher")
    if better or abs(found.centre) <= allowed:
        where = "on the better side" if better else "within the margin"
        return f"the means are {where}, but the runs vary too much, or are too few, to show it"
    return "not equivalent" if rule.better is None else "not equivalent, WORSE"


def _words(margin: Limits) -> str:
    told = [
        f"{word} {numbers.short(value)}"
        for word, value in (("rel", margin.rel), ("abs", margin.abs))
        if value
    ]
    return f"margin {', '.join(told)}"


def _error(name: str, message: str) -> Check:
    return Check("metric", name, CheckStatus.ERROR, message=message, n=1, bad=1)
