"""Changes of metrics and their series."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

from pytest_nbrepro.comparers.perturbing.values import NAN, moved, number
from pytest_nbrepro.model import Metric, MetricRule, Number

_NARROWER = {"float64": "float32", "float32": "float16", "int": "float64"}


def changes(metric: Metric, rule: MetricRule) -> Iterator[tuple[str, list[Metric]]]:
    """Yield changes of a metric, or of its steps where they are compared: what each is, and its variants.

    A change is noticed where one of its variants is: `better` lets one side pass. Where several new runs are held
    against several accepted ones, all of them are changed.
    """
    several = rule.margin is not None
    result = metric if several else replace(metric, samples=())
    for what, changed in _numbers(metric.value):
        variants = []
        for value in changed:
            share = value / metric.value if metric.value else value
            samples = tuple(sample * share for sample in result.samples)
            variants.append(replace(_with(result, value, rule), samples=samples))
        yield what, variants
    narrower = _NARROWER.get(metric.dtype)
    if narrower is not None:
        yield f"dtype {metric.dtype} -> {narrower}", [replace(result, dtype=narrower)]
    if rule.series and len(metric.steps) > 1:
        yield "last step dropped", [replace(result, steps=metric.steps[:-1])]
        turned = moved([value for _, value in metric.steps])
        if turned is not None:
            steps = zip((step for step, _ in metric.steps), turned, strict=True)
            yield "steps moved by one", [replace(result, steps=tuple(steps))]


def _numbers(value: Number) -> Iterator[tuple[str, list[Number]]]:
    changed = None if isinstance(value, bool) else number(value)
    if changed is not None:
        yield changed[0].replace("+", "±"), [changed[1], 2 * value - changed[1]]
    if isinstance(value, float) and not math.isnan(value):
        yield NAN, [math.nan]


def _with(metric: Metric, value: Number, rule: MetricRule) -> Metric:
    """Return a metric with another value, which is that of its last step."""
    last = rule.series and metric.steps
    steps = (*metric.steps[:-1], (metric.steps[-1][0], value)) if last else metric.steps
    return replace(metric, value=value, steps=steps)
