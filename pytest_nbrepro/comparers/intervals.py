"""Statistical baselines, ``runs: n``: new values held against the prediction interval of n accepted ones."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace

from pytest_nbrepro.comparers import numbers, several
from pytest_nbrepro.comparers.base import shown
from pytest_nbrepro.comparers.student import multiplier
from pytest_nbrepro.model import Check, CheckStatus, Metric, MetricRule, Number, Place

ALPHA = 0.001  # the chance of a false alarm in one run of a case, over all of its statistical checks
_SHORT, _LONG = 6, 17  # significant digits of the ends of an interval


@dataclass(frozen=True)
class Interval:
    """``centre ± half``: where one value more lies with the probability ``1 - alpha``."""

    n: int
    centre: float
    half: float
    alpha: float

    def __str__(self) -> str:
        told = span(self.centre - self.half, self.centre + self.half)
        return f"n {self.n}, interval {told}, alpha {self.alpha:g}"


def span(low: float, high: float) -> str:
    """Return the ends of an interval, with enough digits to tell them apart."""
    for digits in range(_SHORT, _LONG):
        ends = f"{low:.{digits}g}", f"{high:.{digits}g}"
        if ends[0] != ends[1]:
            return "..".join(ends)
    return f"{low!r}..{high!r}"


def varies(metric: Metric) -> bool:
    """Tell whether an accepted metric has runs that do not all agree; else its limits decide."""
    return any(not _same(metric.samples[0], value) for value in metric.samples)


def share(checks: int) -> float:
    """Return alpha for each of so many statistical checks of a case."""
    return ALPHA / max(checks, 1)


def interval(samples: Sequence[Number], alpha: float) -> Interval:
    """Return the prediction interval for one value more, ``mean ± t(1 - alpha/2, n-1)·s·sqrt(1 + 1/n)``.

    Args:
        samples: the accepted values, at least 2.
        alpha: the probability that a value of the same normal distribution lies outside.

    Raises:
        ValueError, OverflowError: a sample is not finite, or too large.
    """
    values = [float(value) for value in samples]
    if not all(map(math.isfinite, values)):
        raise ValueError("a run of the baseline has NaN or infinity")
    centre = statistics.mean(values)
    half = multiplier(len(values), alpha) * statistics.stdev(values)
    if not math.isfinite(half):
        raise ValueError("the runs of the baseline lie too far apart")
    return Interval(len(values), centre, half, alpha)


def compare_sampled(name: str, baseline: Metric, result: Metric, rule: MetricRule, alpha: float) -> Check:
    """Compare one metric, of each new run where there are several, with the runs of its baseline; never raises.

    Of several new values the worst decides. `alpha` is the chance of a false alarm for one of them.

    Runs that all agree say nothing of chance: then the limits of the metric decide. Hard range and dtype come
    first; the limits of the metric are allowed in any case, so that an interval around rounding noise does
    not fail what a constant would pass; `better` turns the better side into IMPROVED.
    """
    if not result.samples:
        return _compare_one(name, baseline, result, rule, alpha)
    checks = [
        _compare_one(name, baseline, replace(result, value=value), rule, alpha) for value in result.samples
    ]
    found = several.worst(checks)
    place = found.worst and replace(found.worst, where=f"run {checks.index(found) + 1} of {len(checks)}")
    return replace(found, n=len(checks), bad=sum(not check.status.ok for check in checks), worst=place)


def _compare_one(name: str, baseline: Metric, result: Metric, rule: MetricRule, alpha: float) -> Check:
    if not varies(baseline) or baseline.dtype != result.dtype or numbers.out_of_range(result.value, rule):
        return numbers.compare_metric(name, baseline, result, rule)
    try:
        expected = interval(baseline.samples, alpha)
        expected = replace(expected, half=max(expected.half, _allowance(expected.centre, baseline, rule)))
        distance = abs(float(result.value) - expected.centre)
    except (ValueError, OverflowError) as error:
        return Check("metric", name, CheckStatus.ERROR, message=f"cannot be compared: {error}")
    most = numbers.ratio(distance, expected.half) if distance else 0.0
    if math.isnan(most):
        most = math.inf
    place = Place("", shown(expected.centre), numbers.text(result))
    values = (expected.centre, result.value)
    return numbers.judged(name, most, str(expected), values, rule, place, numbers.not_finite(result.value))


def _allowance(centre: float, baseline: Metric, rule: MetricRule) -> float:
    """Return what the limits of a metric allow at the mean of its runs."""
    if rule.of is not None:
        return rule.flips / rule.of
    limit = numbers.resolve(rule.limits, baseline.dtype)
    return limit.at(centre) if limit.kind == "float" else limit.abs


def _same(one: Number, other: Number) -> bool:
    return one == other or (one != one and other != other)  # noqa: PLR0124 - NaN
