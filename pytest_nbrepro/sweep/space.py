"""The values that a search may give to a flag."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from pytest_nbrepro.model import FlagValue


@dataclass(frozen=True)
class Choice:
    """One of several values; of a grid each combination is tried once."""

    values: tuple[FlagValue, ...]
    grid: bool = False


@dataclass(frozen=True)
class Range:
    """Any number from `low` to `high`, both ends included; with `log` evenly spread by its logarithm."""

    low: float
    high: float
    whole: bool = False
    log: bool = False

    def at(self, share: float) -> int | float:
        """Return the number that lies at a share of the way, 0 to 1."""
        if self.whole:
            low, high = self.low - 0.5, self.high + 0.5
            low = max(low, 0.5) if self.log else low
            nearest = round(_between(low, high, share, log=self.log))
            return min(max(nearest, int(self.low)), int(self.high))
        number = _between(self.low, self.high, share, log=self.log)
        return min(max(number, self.low), self.high)

    def share(self, number: float) -> float:
        """Undo `at`, as far as that is possible."""
        low, high = self.low, self.high
        if self.log:
            low, high, number = math.log(low), math.log(high), math.log(number)
        return 0.5 if high == low else (number - low) / (high - low)


Domain = Choice | Range
Space = Mapping[str, Domain]


def _between(low: float, high: float, share: float, *, log: bool) -> float:
    if log:
        return math.exp(math.log(low) + share * (math.log(high) - math.log(low)))
    return low + share * (high - low)
