"""Series of a metric, ``series: true``: its printed values, compared step by step."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from pytest_nbrepro.comparers import numbers, several
from pytest_nbrepro.comparers.base import counted, key
from pytest_nbrepro.model import Check, CheckStatus, Metric, MetricRule, Number, Place

Steps = Sequence[tuple[int | None, Number]]


def compare_series(name: str, baseline: Metric, result: Metric, rule: MetricRule) -> Check:
    """Compare all values of one metric, in their order, each within the limits of the metric; never raises.

    Another number of values, or other step numbers, is another structure: nothing is aligned, so that a step that
    was left out cannot hide behind its neighbour. Where values are outside their limit, the message names
    the first of them, where the run left the track, and `worst` the one that used most.
    """
    old, new = steps(baseline), steps(result)
    if baseline.dtype != result.dtype:
        return numbers.compare_metric(name, baseline, result, rule)
    if fault := _other_steps(old, new):
        return Check("metric", name, CheckStatus.STRUCTURE, message=fault, n=len(new), bad=1)
    labels = _labels(new)
    points = [
        _point(name, label, replace(baseline, value=was), replace(result, value=now), rule)
        for label, (_, was), (_, now) in zip(labels, old, new, strict=True)
    ]
    worst = several.worst(points)
    bad = [number for number, check in enumerate(points) if not check.status.ok]
    if not bad:
        return replace(worst, n=len(points))
    place = worst.worst.where if worst.worst else labels[bad[0]]
    told = f"first outside its limit: {labels[bad[0]]}, worst: {place}, {len(bad)} of {len(points)} steps"
    message = "; ".join(filter(None, (told, worst.message)))
    allow = _allow(name, old, new, points, baseline.dtype, rule)
    return replace(worst, message=message, n=len(points), bad=len(bad), allow=allow)


def steps(metric: Metric) -> Steps:
    """Return the values of a metric as numbers of its dtype; one that was reported once is a series of one."""
    floats = metric.dtype not in {"int", "bool"}
    steps = metric.steps or ((None, metric.value),)
    return [(step, float(value) if floats else value) for step, value in steps]


def _other_steps(old: Steps, new: Steps) -> str:
    """Say in which way two series cannot be held against each other; nothing where they can."""
    if len(old) != len(new):
        hint = ": a baseline without a series, accept it again" if len(old) == 1 else ""
        return f"{counted(len(old), 'step')} -> {len(new):,}{hint}"
    for number, ((was, _), (now, _)) in enumerate(zip(old, new, strict=True), 1):
        if was != now:
            return f"value {number} is of {_step(was)} -> {_step(now)}"
    return ""


def _step(step: int | None) -> str:
    return "no step" if step is None else f"step {step}"


def _labels(steps: Steps) -> list[str]:
    """Return what people call each value: by its step, where that is given and no other value has it."""
    given = [step for step, _ in steps]
    plain = None not in given and len(set(given)) == len(given)
    if plain:
        return [f"step {step}" for step in given]
    behind = [f" (step {step})" if step is not None else "" for step in given]
    return [f"value {number}{step}" for number, step in enumerate(behind, 1)]


def _point(name: str, label: str, baseline: Metric, result: Metric, rule: MetricRule) -> Check:
    check = numbers.compare_metric(name, baseline, result, rule)
    place = check.worst
    return replace(check, worst=Place(label, place.baseline, place.result)) if place else check


def _allow(
    name: str, old: Steps, new: Steps, points: Sequence[Check], dtype: str, rule: MetricRule
) -> str | None:
    """Return the limit that would let all steps pass, where each that fails could be let pass safely."""
    failing = [number for number, check in enumerate(points) if not check.status.ok]
    if not all(points[number].allow for number in failing):
        return None
    if rule.of is not None:  # `used` counts flips: the worst step needs most of them
        return max((points[number] for number in failing), key=several.weight).allow
    distances = [(abs(new[number][1] - old[number][1]), abs(old[number][1])) for number in failing]
    offer = numbers.suggest(
        rel=max(distance / size if size else math.inf for distance, size in distances),
        abs_=float(max(distance for distance, _ in distances)),
        limit=numbers.resolve(rule.limits, dtype),
        most=max(several.weight(points[number]) for number in failing),
    )
    return f"{key(name)}: {offer}" if offer else None
