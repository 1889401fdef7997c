"""Curves of series: metrics over their steps, of one run or of several."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pytest_nbrepro.exports.series import points
from pytest_nbrepro.model import Run

_WIDTH, _HEIGHT = 460, 200
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 12, 10, 26
_POINTS = 800  # of a curve that are drawn
_TICKS = 5
Points = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Curve:
    """One line of a chart."""

    name: str
    paths: tuple[str, ...]  # points of polylines: a value that is no finite number breaks the line


@dataclass(frozen=True)
class Chart:
    """A drawing of curves."""

    title: str
    curves: tuple[Curve, ...]
    x: tuple[tuple[float, str], ...]  # ticks: where, and what they say
    y: tuple[tuple[float, str], ...]
    said: str  # the same in words
    width: int = _WIDTH
    height: int = _HEIGHT
    left: int = _LEFT
    base: int = _HEIGHT - _BOTTOM


def charts(runs: Mapping[str, Run]) -> Iterator[Chart]:
    """Yield a chart of each metric that is a series in one of the runs, given by what they are called."""
    names = dict.fromkeys(
        name for run in runs.values() for name, metric in run.metrics.items() if metric.steps
    )
    for name in names:
        series = {
            label: points(run.metrics[name])
            for label, run in runs.items()
            if name in run.metrics and run.metrics[name].steps
        }
        found = chart(name, series)
        if found is not None:
            yield found


def chart(title: str, series: Mapping[str, Points]) -> Chart | None:
    """Draw series; None where they have no finite number."""
    known = [(x, y) for points in series.values() for x, y in points if math.isfinite(x) and math.isfinite(y)]
    if not known:
        return None
    across, up = (
        _Scale([x for x, _ in known], _LEFT, _WIDTH - _RIGHT),
        _Scale([y for _, y in known], _HEIGHT - _BOTTOM, _TOP),
    )
    curves = tuple(Curve(name, tuple(_paths(points, across, up))) for name, points in series.items())
    low, high = min(y for _, y in known), max(y for _, y in known)
    said = f"{title} over {len(known)} points, from {low:.6g} to {high:.6g}"
    return Chart(title, curves, tuple(across.ticks()), tuple(up.ticks()), said)


class _Scale:
    """Places numbers between two ends of a drawing."""

    def __init__(self, values: Sequence[float], start: int, end: int) -> None:
        self._low, self._high = min(values), max(values)
        self._start, self._end = start, end

    def __call__(self, value: float) -> float:
        width = self._high - self._low
        share = (value - self._low) / width if 0 < width < math.inf else 0.5
        return round(self._start + share * (self._end - self._start), 1)

    def ticks(self) -> Iterator[tuple[float, str]]:
        """Yield round numbers between the ends, and where they are."""
        width = self._high - self._low
        if not 0 < width < math.inf:
            yield self(self._low), f"{self._low:.6g}"
            return
        rough = width / _TICKS
        power = 10.0 ** math.floor(math.log10(rough))
        step = next((power * f for f in (1, 2, 5, 10) if power * f >= rough), rough)
        first, last = math.ceil(self._low / step), math.floor(self._high / step)
        for number in range(first, min(last, first + 2 * _TICKS) + 1):
            yield self(number * step), f"{number * step:.6g}"


def _paths(points: Points, across: _Scale, up: _Scale) -> Iterator[str]:
    path: list[str] = []
    for x, y in points[:: max(1, len(points) // _POINTS)]:
        if math.isfinite(x) and math.isfinite(y):
            path.append(f"{across(x)},{up(y)}")
        elif path:
            yield " ".join(path)
            path = []
    if path:
        yield " ".join(path)
