"""Which values come next: optimizers are asked for flags and told what these gave."""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence
from typing import Protocol

from pytest_nbrepro.errors import NbreproError
from pytest_nbrepro.model import FlagValue
from pytest_nbrepro.sweep.space import Choice, Space

Values = dict[str, FlagValue]
GRID, RANDOM, TPE, CMAES, GP, QMC = "grid", "random", "tpe", "cmaes", "gp", "qmc"
NAMES = (GRID, RANDOM, TPE, CMAES, GP, QMC)
_SINGLE = {CMAES, GP}  # optimize one metric


class Optimizer(Protocol):
    """Proposes values; `tell` is called for those proposed and for those of earlier trials."""

    def ask(self) -> Values | None:
        """Return values to try; None where all have been."""

    def tell(self, values: Values, losses: Sequence[float] | None) -> None:
        """Say what values gave: smaller is better; None where the trial failed."""


def make(name: str, space: Space, objectives: int, seed: int, told: int) -> Optimizer:
    """Return an optimizer.

    Args:
        name: one of `NAMES`.
        space: what is searched.
        objectives: how many losses there are.
        seed: what its choices follow from.
        told: how many trials there were before, whose choices are not to be made again.

    Raises:
        NbreproError: it does not fit what is searched, or needs a package that is not there.
    """
    if name not in {GRID, RANDOM, QMC} and not objectives:
        raise NbreproError(
            f"the optimizer {name} needs something to optimize", hint="--minimize METRIC or --maximize METRIC"
        )
    if name in _SINGLE and objectives > 1:
        raise NbreproError(f"the optimizer {name} takes one metric, not {objectives}", hint="--optimizer tpe")
    if name == GRID:
        return Grid(space)
    if name == RANDOM:
        return Random(space, seed + told)
    if name == GP:
        from pytest_nbrepro.sweep.gaussian import Gaussian

        return Gaussian(space, seed, told)
    from pytest_nbrepro.sweep.sampled import Sampled

    return Sampled(name, space, max(1, objectives), seed + told)


class Grid:
    """Every combination, once, the last flag's values first."""

    def __init__(self, space: Space) -> None:
        ranges = [name for name, domain in space.items() if not isinstance(domain, Choice)]
        if ranges:
            hint = f"linspace(low, high, count) for {ranges[0]}, or --optimizer random"
            raise NbreproError(f"a grid has no ranges: {', '.join(ranges)}", hint=hint)
        names = list(space)
        choices = [domain.values for domain in space.values() if isinstance(domain, Choice)]
        self._left = [dict(zip(names, values, strict=True)) for values in itertools.product(*choices)]

    def __len__(self) -> int:
        return len(self._left)

    def ask(self) -> Values | None:
        """Return the next combination."""
        return self._left.pop(0) if self._left else None

    def tell(self, values: Values, losses: Sequence[float] | None) -> None:  # noqa: ARG002 - the protocol's
        """Leave out what was tried."""
        if values in self._left:
            self._left.remove(values)


class Rows(Grid):
    """The rows of a file, each once."""

    def __init__(self, rows: Sequence[Values]) -> None:
        self._left = [dict(row) for row in rows]


class Random:
    """Values by chance, each independent of all others."""

    def __init__(self, space: Space, seed: int) -> None:
        self._space = space
        self._random = random.Random(seed)  # noqa: S311 - no secret

    def ask(self) -> Values | None:
        """Return values."""
        return {
            name: self._random.choice(domain.values)
            if isinstance(domain, Choice)
            else domain.at(self._random.random())
            for name, domain in self._space.items()
        }

    def tell(self, values: Values, losses: Sequence[float] | None) -> None:
        """Learn nothing."""
