"""The runs of a calibration, and how far groups of them are apart in one thing."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from pytest_nbrepro.comparers.gaps import Gap
from pytest_nbrepro.comparers.student import quantile
from pytest_nbrepro.model import Number

SEED = 0  # that of the runs with one seed, and the one that is proposed
ALPHA = 0.001  # the chance that noise alone exceeds a proposed limit, in one check
_LUCK = 0.05  # … that another seed alone makes what is told as "cannot be told from luck"


@dataclass
class Groups:
    """The runs of a calibration by their numbers, in the order in which they were made."""

    plain: list[int] = field(default_factory=list)  # as they are
    seeds: list[int] = field(default_factory=list)  # each with another seed
    same: list[int] = field(default_factory=list)  # all with one seed, where the annotation sets none
    threads: list[int] = field(default_factory=list)  # with one thread
    seeded: bool = False  # those with one thread have the seed of `same`


@dataclass(frozen=True)
class Thing:
    """A metric, an artifact or the text of a cell across all runs of a calibration."""

    kind: str  # metric, output, or the kind of an artifact
    name: str
    gap: Callable[[int, int], Gap]  # between two runs
    values: tuple[Number, ...] = ()  # of a metric that every run has, run by run
    dtype: str = ""  # of such a metric
    own: bool = False  # the annotation sets another limit than the default
    parted: bool = False  # … for its columns, members or paths
    of: int | None = None  # the metric is judged as a count of so many things
    series: bool = False  # … or step by step

    @property
    def place(self) -> tuple[str, ...]:
        """Where an annotation speaks of it."""
        if self.kind == "output":
            return ("outputs",)
        return ("metrics" if self.kind == "metric" else "artifacts", self.name)


class Spread:
    """How far the runs of a group are apart in one thing: the gaps between all pairs of them."""

    def __init__(self, thing: Thing, runs: Sequence[int]) -> None:
        self.n = len(runs)
        self._thing = thing
        self._runs = runs

    def gaps(self) -> Iterator[Gap]:
        """Yield the gap of every pair."""
        for one, other in itertools.combinations(self._runs, 2):
            yield self._thing.gap(one, other)

    @cached_property
    def varies(self) -> bool:
        """Whether any two of the runs differ."""
        return any(not gap.equal for gap in self.gaps())

    @cached_property
    def what(self) -> str:
        """What differs in words, where it is more than numbers."""
        return next((gap.what for gap in self.gaps() if gap.what), "")

    @cached_property
    def luck(self) -> float:
        """The share of pairs that agree: the chance that two runs agree though chance is in them."""
        gaps = [gap.equal for gap in self.gaps()]
        return sum(gaps) / len(gaps) if gaps else 1.0

    def most(self, unit: str) -> float:
        """Return the largest gap in a unit of `Gap`."""
        return max((getattr(gap, unit) for gap in self.gaps()), default=0.0)

    def deviation(self, unit: str) -> float:
        """Return the standard deviation of the runs: of n values it is ``sqrt(sum (x_i - x_j)² / (n (n - 1)))``.

        Of a thing with many numbers the gap of a pair is its largest one, which makes the result larger than the
        deviation of any of them.
        """
        gaps = [getattr(gap, unit) for gap in self.gaps()]
        return math.hypot(*gaps) / math.sqrt(self.n * (self.n - 1)) if gaps else 0.0

    def allowance(self, unit: str) -> float:
        """Return the limit that a check of one run against another exceeds by noise with the probability `ALPHA`.

        The difference of two runs has the deviation ``sqrt(2) s``; with s from n runs, it is exceeded by
        ``t(1 - alpha/2, n - 1) · sqrt(2) · s``, as a prediction interval for one value more is with one
        accepted value in place of a mean. It is never less than the largest gap seen.
        """
        return max(quantile(ALPHA, self.n - 1) * math.sqrt(2) * self.deviation(unit), self.most(unit))

    def blur(self) -> float:
        """Return the difference of two metrics that chance alone exceeds once in 20 times."""
        return quantile(_LUCK, self.n - 1) * math.sqrt(2) * self.deviation("abs")
