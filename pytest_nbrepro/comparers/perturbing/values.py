"""What all kinds of changes have in common."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

SHARE = 1e-3  # by which one number is changed; whole numbers by 1
MOVED = "rows moved by one"
SWAPPED = "two labels swapped"
NAN = "one NaN"
MOST = 20  # columns, members or numbers of one file that are changed

Change = tuple[str, Callable[[Path], object]]
"""What is changed, and what writes the changed file."""


def number(value: float) -> tuple[str, float] | None:
    """Return a change of a number, and what it becomes; None where it cannot be changed by a share of itself."""
    if isinstance(value, int):
        return "one value +1", value + 1
    if value == 0 or not math.isfinite(value):
        return None
    return "one value +0.1 %", value * (1 + SHARE)


def swapped(values: Sequence[Any]) -> list[Any] | None:
    """Return values in which the first and the next that differs from it change places; None where all agree."""
    other = next((spot for spot, value in enumerate(values) if value != values[0]), None)
    if other is None:
        return None
    found = list(values)
    found[0], found[other] = found[other], found[0]
    return found


def moved(values: Sequence[Any]) -> list[Any] | None:
    """Return values of which the first has become the last; None where that changes nothing."""
    found = [*values[1:], *values[:1]]
    return found if found != list(values) else None
