"""Small pictures drawn here: every `used` on one scale, a metric over the stored runs, and all runs of a baseline beside the new."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pytest_nbrepro.reports.words import double

LEFT, RIGHT = -4, 4  # powers of ten at the ends of the scale
_WIDTH, _PAD = 1000, 46  # of the drawing; where `used` is 0, or has no number, stands in the margins
_STEP = 11  # between dots
_ROWS = 6  # dots above each other
_BASE = _ROWS * _STEP + 20


@dataclass(frozen=True)
class Dot:
    """What one check used, in the strip."""

    x: float
    y: float
    ok: bool
    title: str
    case: int


@dataclass(frozen=True)
class Strip:
    """A strip of dots on a logarithmic scale."""

    dots: tuple[Dot, ...]
    ticks: tuple[tuple[float, str], ...]
    more: tuple[tuple[float, str], ...]  # where there are more than fit above each other
    limit: float  # where `used` is 1
    width: int = _WIDTH
    height: int = _BASE + 24
    base: int = _BASE + 4


def strip(checks: Iterable[tuple[float, bool, str, int]]) -> Strip:
    """Place checks, given as what they used, whether they pass, what they are called, and the number of their case."""
    columns: dict[float, int] = {}
    dots: list[Dot] = []
    for used, ok, title, case in sorted(checks, key=lambda check: (check[1], check[0])):
        x = round(_place(used) / _STEP) * _STEP
        columns[x] = columns.get(x, 0) + 1
        if columns[x] <= _ROWS:
            dots.append(Dot(x, _BASE - columns[x] * _STEP + 4, ok, title, case))
    more = tuple((x, f"+{count - _ROWS}") for x, count in sorted(columns.items()) if count > _ROWS)
    scale = [(_place(10.0**power), _tick(power)) for power in range(LEFT, RIGHT + 1, 2)]
    ticks = ((_PAD / 2, "0"), *scale, (_WIDTH - _PAD / 2, "∞"))
    return Strip(tuple(dots), ticks, more, _place(1.0))


def _place(used: float) -> float:
    if used == 0:
        return _PAD / 2
    if not math.isfinite(used):
        return _WIDTH - _PAD / 2
    share = (min(max(math.log10(used), LEFT), RIGHT) - LEFT) / (RIGHT - LEFT)
    return 1.6 * _PAD + share * (_WIDTH - 3.2 * _PAD)


def _tick(power: int) -> str:
    return {0: "1 = the limit", 2: "100", -2: "0.01"}.get(power, f"1e{power}")


def bar(used: float) -> float:
    """Return how long a bar is that stands for a `used`, in percent: 50 is the limit."""
    if used == 0:
        return 0.0
    if not math.isfinite(used):
        return 100.0
    return 50 + 50 * min(max(math.log10(used) / RIGHT, -0.98), 1.0)


@dataclass(frozen=True)
class Spark:
    """A curve of a metric over the stored runs."""

    points: str
    last: tuple[float, float]
    line: float | None  # where the baseline is
    title: str


_SPARK = (90, 22, 3)


def spark(values: Sequence[float], baseline: float | None) -> Spark | None:
    """Draw the values of a metric, oldest first; None where there are fewer than two that are numbers."""
    known = [value for value in map(double, values) if math.isfinite(value)]
    level = None if baseline is None or not math.isfinite(double(baseline)) else double(baseline)
    if len(known) < 2:
        return None
    scale = known if level is None else [*known, level]
    low, high = min(scale), max(scale)
    width, height, pad = _SPARK

    def up(value: float) -> float:
        share = (value - low) / (high - low) if 0 < high - low < math.inf else 0.5
        return round(height - pad - share * (height - 2 * pad), 1)

    across = (width - 2 * pad) / (len(known) - 1)
    points = [(round(pad + across * i, 1), up(value)) for i, value in enumerate(known)]
    line = None if level is None else up(level)
    title = f"{len(known)} stored runs, from {low:.6g} to {high:.6g}, the last {known[-1]:.6g}"
    return Spark(" ".join(f"{x},{y}" for x, y in points), points[-1], line, title)


@dataclass(frozen=True)
class Cloud:
    """The runs of a statistical baseline, a dot each, and below them the new ones, on one scale."""

    baseline: tuple[float, ...]
    result: tuple[float, ...]
    title: str
    width: int = 160
    height: int = 34


def cloud(baseline: Sequence[float], result: Sequence[float]) -> Cloud | None:
    """Place the values of a metric in all its runs; None where one of them is no number, or only one run was made."""
    one, other = (tuple(map(double, values)) for values in (baseline, result))
    if len(one) < 2 or not other or not all(map(math.isfinite, one + other)):
        return None
    low, high = min(one + other), max(one + other)
    pad = 6
    span = high - low

    def across(value: float) -> float:
        share = (value - low) / span if 0 < span < math.inf else 0.5
        return round(pad + share * (Cloud.width - 2 * pad), 1)

    title = f"{_range(one, 'run')} of the baseline, {_range(other, 'new run')}"
    return Cloud(tuple(map(across, one)), tuple(map(across, other)), title)


def _range(values: Sequence[float], what: str) -> str:
    if len(values) == 1:
        return f"1 {what} at {values[0]:.6g}"
    return f"{len(values)} {what}s from {min(values):.6g} to {max(values):.6g}"
