"""The steps of a metric, as other tools count them."""

from __future__ import annotations

from pytest_nbrepro.model import Metric
from pytest_nbrepro.reports.words import double


def points(metric: Metric) -> list[tuple[int, float]]:
    """Return the series of a metric; values without a step are counted from 0."""
    if not metric.steps:
        return [(0, double(metric.value))]
    return [
        (number if step is None else step, double(value)) for number, (step, value) in enumerate(metric.steps)
    ]
