"""Printed scalars: lines such as ``loss: 0.25``, as Guild AI reads them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pytest_nbrepro.model import Metric, Number

_DIGITS = r"\d{1,300}"  # what a double can be near to, and far from what Python refuses to read
_NUMBER = rf"[-+]?(?:(?:{_DIGITS}(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d{{1,9}})?|nan|NaN|inf|Infinity)"
_STEP = r"\((?:step[ \t]+)?(?P<{}>\d{{1,18}})\)"
_LINE = re.compile(
    r"(?P<key>[A-Za-z_][^\s:]*)"  # one word …
    rf"(?:[ \t]+{_STEP.format('before')})?"  # … perhaps its step …
    rf":[ \t]+(?P<value>{_NUMBER})"
    rf"(?:[ \t]+{_STEP.format('after')})?[ \t]*"  # … or its step behind the value
)
_INTEGER = re.compile(r"[-+]?\d+")


@dataclass(frozen=True)
class Scalar:
    """One printed scalar."""

    name: str
    value: int | float
    step: int | None


class Scalars:
    """Reads the lines of one run in order; remembers the step that a ``step: 3`` line set."""

    def __init__(self) -> None:
        self._step: int | None = None

    def read(self, line: str) -> Scalar | None:
        """Return the scalar that a line prints, or None.

        A ``step: 3`` line is no scalar itself: it sets the step of the scalars behind it.
        """
        match = _LINE.fullmatch(line)
        if match is None:
            return None
        text = match["value"]
        value = int(text) if _INTEGER.fullmatch(text) else float(text)
        own = match["before"] or match["after"]
        if match["key"] == "step" and isinstance(value, int):
            self._step = value
            return None
        return Scalar(match["key"], value, int(own) if own else self._step)


def name_of(line: str) -> str | None:
    """Return the name of the scalar that a line prints; ``step`` for a step; None where it prints none."""
    match = _LINE.fullmatch(line)
    return match["key"] if match else None


def metrics(lines: Iterator[tuple[int, str]], flags: Mapping[str, object]) -> dict[str, Metric]:
    """Return the metrics that a run printed.

    Args:
        lines: (cell index, line) in the order in which they came.
        flags: names of flags, which are inputs and therefore no metrics.

    Returns:
        The last value of each name, with all of its steps where it was printed several times.
    """
    reader = Scalars()
    seen: dict[str, list[tuple[int, Scalar]]] = {}
    for cell, line in lines:
        scalar = reader.read(line)
        if scalar is not None and scalar.name not in flags:
            seen.setdefault(scalar.name, []).append((cell, scalar))
    return {name: _metric(values) for name, values in seen.items()}


def _metric(values: list[tuple[int, Scalar]]) -> Metric:
    cell, last = values[-1]
    steps: tuple[tuple[int | None, Number], ...] = ()
    if len(values) > 1:
        steps = tuple((scalar.step, scalar.value) for _, scalar in values)
    floats = any(isinstance(scalar.value, float) for _, scalar in values)
    value = float(last.value) if floats else last.value
    return Metric(value, "float64" if floats else "int", cell, steps)
