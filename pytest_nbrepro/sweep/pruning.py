"""Trials that are ended early: what a notebook prints step by step is held against what complete trials had printed by then.

The rule is the median stopping rule: a trial ends when the best that it has printed up to a step is worse than the median of what
complete trials printed at that step. Golovin et al. (2017), Google Vizier, https://doi.org/10.1145/3097983.3098043; the best instead
of the running mean as in https://optuna.readthedocs.io/en/stable/reference/generated/optuna.pruners.MedianPruner.html.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from pathlib import Path

from pytest_nbrepro.model import Run, RunStatus
from pytest_nbrepro.scalars import Scalars
from pytest_nbrepro.store import LOG
from pytest_nbrepro.sweep.batch import Goal

STARTUP = 5  # complete trials that must have printed a step before anything ends there

Series = Mapping[int, float]  # losses by step


class Printed:
    """What a run prints of a metric, as a loss by step; values without a step are counted from 0.

    Args:
        goal: the metric.
    """

    def __init__(self, goal: Goal) -> None:
        self._goal = goal
        self._scalars = Scalars()
        self._at = 0  # bytes of the log that have been read
        self.series: dict[int, float] = {}

    def read(self, log: Path) -> bool:
        """Read the lines that have come since the last time; tell whether the metric was in one.

        A log that is not there yet has none.
        """
        try:
            with log.open("rb") as stream:
                stream.seek(self._at)
                data = stream.read()
        except FileNotFoundError:
            return False
        whole = data[: data.rfind(b"\n") + 1]
        self._at += len(whole)
        before = len(self.series)
        for line in whole.decode("utf-8", "replace").splitlines():
            scalar = self._scalars.read(line)
            if scalar is not None and scalar.name == self._goal.metric:
                step = len(self.series) if scalar.step is None else scalar.step
                self.series[step] = self._goal.loss(float(scalar.value))
        return len(self.series) > before


class Pruner:
    """Knows what complete trials printed, and says which of the others are not worth their time.

    Args:
        goal: what the search is for.
    """

    def __init__(self, goal: Goal) -> None:
        self.goal = goal
        self._complete: list[Series] = []

    def take(self, run: Run) -> None:
        """Learn from a trial that is complete."""
        if run.status is RunStatus.COMPLETED:
            printed = Printed(self.goal)
            printed.read(run.folder / LOG)
            self._complete.append(printed.series)

    def verdict(self, series: Series) -> str | None:
        """Say why a trial that has printed this is to end; None where it may go on."""
        if not series:
            return None
        step = max(series)
        others = [one[step] for one in self._complete if step in one]
        if len(others) < STARTUP:
            return None
        best, median = min(series.values()), statistics.median(others)
        if not best > median:  # also where it is no number
            return None
        mine, theirs = self.goal.loss(best), self.goal.loss(median)  # twice is once
        return f"at step {step}: {self.goal.metric} {mine:.6g}, the median of {len(others)} trials is {theirs:.6g}"


def best_printed(run: Run, goal: Goal) -> float | None:
    """Return the least loss that a run printed; None where it printed none."""
    printed = Printed(goal)
    printed.read(run.folder / LOG)
    return min(printed.series.values(), default=None)
