"""A search as it is kept: `batches/<id>.json` in the run store says what was asked, the runs of its trials are ordinary runs.

    {"schema": 1, "notebook", "case", "texts": [text], "optimizer", "goals": [text], "seed": number,
     "max_trials": number, "trial_timeout": seconds or null, "prune": whether trials may be ended early}

A run says in its `attributes.json` of which batch it is a trial. That is all there is: a search that was killed goes on from
the runs that completed.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pytest_nbrepro import attributes, files
from pytest_nbrepro.errors import NbreproError, StoreError, nearest
from pytest_nbrepro.model import Run, RunStatus
from pytest_nbrepro.store import Store, check_schema

FOLDER = "batches"
PRUNED = "pruned"  # the kind of the error of a run that a search ended early
_SCHEMA = 1


@dataclass(frozen=True)
class Goal:
    """A metric that a search is for."""

    metric: str
    maximize: bool = False

    def __str__(self) -> str:
        return f"{'maximize' if self.maximize else 'minimize'} {self.metric}"

    @classmethod
    def read(cls, text: str) -> Goal:
        """Undo `str`."""
        verb, _, metric = text.partition(" ")
        return cls(metric, verb == "maximize")

    def loss(self, value: float) -> float:
        """Return a value as a loss: smaller is better."""
        return -value if self.maximize else value


@dataclass(frozen=True)
class Batch:
    """What was asked of a search."""

    notebook: str
    case: str
    texts: tuple[str, ...]  # ``flag=value`` as typed
    optimizer: str
    goals: tuple[Goal, ...] = ()
    seed: int = 0
    max_trials: int = 20
    trial_timeout: float | None = None
    prune: bool = False


@dataclass(frozen=True)
class Trial:
    """One run of a search, and what it is worth."""

    number: int
    run: Run
    losses: tuple[float, ...] | None  # of the goals; None where it failed
    fault: str = ""  # why

    @property
    def pruned(self) -> bool:
        """Whether it was ended early, as it was not worth its time: no failure."""
        return is_pruned(self.run)

    def beats(self, other: Trial) -> bool:
        """Tell whether it is better in one goal, and worse in none."""
        if self.losses is None or other.losses is None:
            return self.losses is not None
        pairs = list(zip(self.losses, other.losses, strict=True))
        return all(one <= two for one, two in pairs) and any(one < two for one, two in pairs)


def is_pruned(run: Run) -> bool:
    """Tell whether a search ended a run early."""
    return run.error is not None and run.error.kind == PRUNED


def weighed(number: int, run: Run, goals: Sequence[Goal]) -> Trial:
    """Return what a run is worth."""
    if run.status is not RunStatus.COMPLETED:
        first = run.error.message.splitlines()[:1] if run.error else []
        return Trial(number, run, None, ": ".join([PRUNED if is_pruned(run) else run.status, *first]))
    losses = []
    for goal in goals:
        metric = run.metrics.get(goal.metric)
        if metric is None:
            hint = nearest(goal.metric, list(run.metrics)) or f"there are: {', '.join(run.metrics) or 'none'}"
            return Trial(number, run, None, f"it has no metric {goal.metric!r}; {hint}")
        loss = goal.loss(float(metric.value))
        if math.isnan(loss):
            return Trial(number, run, None, f"{goal.metric} is not a number")
        losses.append(loss)
    return Trial(number, run, tuple(losses))


def best(trials: Sequence[Trial]) -> list[Trial]:
    """Return the trials that no other one beats, the first of those that are equal."""
    found: list[Trial] = []
    for trial in trials:
        if trial.losses is None or any(other.beats(trial) for other in trials):
            continue
        if not any(other.losses == trial.losses for other in found):
            found.append(trial)
    return found


# ---------------------------------------------------------------------------------------------------
# On disk


def begin(store: Store, batch: Batch) -> str:
    """Keep what is asked, and return the batch's id.

    Raises:
        StoreError: the store cannot be written.
    """
    folder = store.claim(store.folder / FOLDER)
    record = {**asdict(batch), "goals": [str(goal) for goal in batch.goals]}
    try:
        files.write_json(folder.with_suffix(f"{folder.suffix}.json"), {"schema": _SCHEMA, **record})
        folder.rmdir()
    except OSError as error:
        raise StoreError(f"cannot write: {error.strerror or error}", where=str(folder)) from error
    return folder.name


def find(store: Store, text: str) -> tuple[str, Batch]:
    """Return the batch whose id starts or ends with a text, ``last`` for the newest.

    Raises:
        StoreError: there is none, there are several, or its record cannot be read.
    """
    there = sorted(path.name.removesuffix(".json") for path in (store.folder / FOLDER).glob("*.json"))
    matches = there[-1:] if text == "last" else [n for n in there if n.startswith(text) or n.endswith(text)]
    if len(matches) != 1:
        what = f"{len(matches)} searches match {text!r}" if matches else f"no search matches {text!r}"
        hint = f"there are: {', '.join(there)}" if there else None
        raise StoreError(what, where=str(store.folder / FOLDER), hint=hint)
    return matches[0], _read(store.folder / FOLDER / f"{matches[0]}.json")


def _read(path: Path) -> Batch:
    try:
        record: Mapping[str, Any] = json.loads(path.read_text("utf-8"))
        check_schema(record, _SCHEMA)
        told = {key: value for key, value in record.items() if key != "schema"}
        goals = tuple(map(Goal.read, told.pop("goals")))
        return Batch(**{**told, "texts": tuple(told["texts"]), "goals": goals})
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreError(f"this search cannot be read: {error}", where=str(path)) from error


def trials(store: Store, batch_id: str, goals: Sequence[Goal]) -> Iterator[Trial]:
    """Yield the trials of a batch that have ended, in the order of their runs; those that were stopped are none."""
    for run_id in store.ids():
        if run_id < batch_id:  # ids sort by time
            continue
        try:
            said = attributes.read(store.runs / run_id)
            if said.batch != batch_id or said.trial is None:
                continue
            run = store.read(run_id)
        except NbreproError:  # a run that cannot be read is no trial
            continue
        if is_pruned(run) or run.status not in {RunStatus.RUNNING, RunStatus.INTERRUPTED, RunStatus.DIED}:
            yield weighed(said.trial, run, goals)
