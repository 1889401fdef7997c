"""Creep: metrics that acceptances, each near its limit, moved far from where they were last meant to be."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

from pytest_nbrepro.baselines import centre
from pytest_nbrepro.comparers import intervals, numbers
from pytest_nbrepro.model import Anchor, Baseline, Metric, MetricRule, Moved, Spec
from pytest_nbrepro.verdict import rule_for

FAR = 3.0  # limits of a metric
REPEATED = 2  # acceptances; a single one was seen for what it is


def moved(baseline: Baseline, spec: Spec) -> tuple[Moved, ...]:
    """Return the metrics of a baseline that two or more acceptances moved more than 3 limits from their anchor.

    Exact metrics have no limits to count in, and the better side, where one is, is no drift. Of a statistical
    baseline the mean is held against the anchor, by the interval of its present runs.
    """
    return tuple(sorted(_moved(baseline, spec), key=lambda one: -one.limits))


def _moved(baseline: Baseline, spec: Spec) -> Iterator[Moved]:
    alpha = intervals.share(sum(map(intervals.varies, baseline.metrics.values())))
    for name, anchor in baseline.anchors.items():
        metric, rule = baseline.metrics.get(name), rule_for(name, spec.metrics) or MetricRule(name)
        if metric is None or rule.ignore or anchor.acceptances < REPEATED or _better(metric, anchor, rule):
            continue
        limits = _limits(name, metric, anchor, rule, alpha)
        if FAR < limits < math.inf:
            yield Moved(name, limits, anchor.value, centre(metric), anchor.acceptances)


def _limits(name: str, metric: Metric, anchor: Anchor, rule: MetricRule, alpha: float) -> float:
    """Return how many limits lie between a metric and its anchor; 0 where that cannot be said."""
    free = replace(rule, better=None, min=None, max=None)
    then = Metric(anchor.value, metric.dtype)
    if metric.samples:
        return intervals.compare_sampled(name, metric, then, free, alpha).used or 0.0
    return numbers.compare_metric(name, then, metric, free).used or 0.0


def _better(metric: Metric, anchor: Anchor, rule: MetricRule) -> bool:
    return rule.better is not None and (centre(metric) > anchor.value) == (rule.better == "higher")
