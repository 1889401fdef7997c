"""A search as a study of Optuna, in a journal file that optuna-dashboard opens."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from pytest_nbrepro.errors import NbreproError
from pytest_nbrepro.exports.series import points
from pytest_nbrepro.model import FlagValue, Run
from pytest_nbrepro.optional import require
from pytest_nbrepro.sweep.batch import Batch, Trial

EXTRA = "sweep"
RUN, CASE, FAULT = "run", "case", "fault"  # what is said of each trial beside its values


def write(name: str, batch: Batch, trials: Sequence[Trial], target: Path) -> int:
    """Write a search, and return how many trials it has.

    A flag that is a number in all trials is a range as wide as these, any other a choice among the values that it had.

    Args:
        name: of the study.
        batch: what was asked.
        trials: in the order in which they are to be counted.
        target: a file that does not exist yet.

    Raises:
        ExtraError: Optuna is not installed.
        NbreproError: the search has no goal, the file exists, or there is nothing to write.
    """
    if target.exists():
        raise NbreproError("it exists", where=str(target), hint="name a new file")
    if not batch.goals:
        raise NbreproError(
            "this search has no goal", where=name, hint="a study of Optuna minimizes or maximizes a metric"
        )
    names = _searched(batch)
    made = [trial for trial in trials if all(flag in trial.run.flags for flag in names)]
    if not made:
        raise NbreproError("this search has no trials yet", where=name)
    optuna = require("optuna", EXTRA)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that journals are called experimental
        backend = optuna.storages.journal.JournalFileBackend(str(target))
        study = optuna.create_study(
            study_name=name,
            storage=optuna.storages.JournalStorage(backend),
            directions=["maximize" if goal.maximize else "minimize" for goal in batch.goals],
        )
        study.set_metric_names([goal.metric for goal in batch.goals])
        distributions = {flag: _distribution(optuna, [t.run.flags[flag] for t in made]) for flag in names}
        study.add_trials([_frozen(optuna, trial, distributions, batch) for trial in made])
    return len(made)


def _searched(batch: Batch) -> list[str]:
    """Return the flags that a search was asked to try, in the order in which they were typed."""
    return list(dict.fromkeys(text.partition("=")[0] for text in batch.texts))


def _distribution(optuna: Any, values: Sequence[FlagValue]) -> Any:
    kinds = {type(value) for value in values}
    if kinds == {int}:
        return optuna.distributions.IntDistribution(min(values), max(values))
    if kinds <= {int, float}:
        return optuna.distributions.FloatDistribution(float(min(values)), float(max(values)))
    return optuna.distributions.CategoricalDistribution(list(dict.fromkeys(map(_choice, values))))


def _choice(value: FlagValue) -> Any:
    return value if value is None or isinstance(value, (bool, int, float, str)) else repr(value)


def _frozen(optuna: Any, trial: Trial, distributions: Mapping[str, Any], batch: Batch) -> Any:
    run, losses = trial.run, trial.losses
    begun = datetime.fromisoformat(run.started).replace(tzinfo=None)
    made = optuna.trial.create_trial(
        state=_state(optuna, trial),
        params={flag: _param(run, flag, distributions[flag]) for flag in distributions},
        distributions=dict(distributions),
        values=None if losses is None else [float(run.metrics[goal.metric].value) for goal in batch.goals],
        intermediate_values=_steps(trial, batch),
        user_attrs={RUN: run.id, CASE: f"{run.notebook}::{run.case}"}
        | ({FAULT: trial.fault} if trial.fault else {}),
    )
    made.datetime_start = begun
    made.datetime_complete = begun + timedelta(seconds=run.duration or 0)
    return made


def _steps(trial: Trial, batch: Batch) -> dict[int, float]:
    """Return what a trial printed step by step; a study of several goals takes none."""
    metric = trial.run.metrics.get(batch.goals[0].metric) if len(batch.goals) == 1 else None
    return dict(points(metric)) if metric is not None and metric.steps else {}


def _state(optuna: Any, trial: Trial) -> Any:
    states = optuna.trial.TrialState
    if trial.losses is not None:
        return states.COMPLETE
    return states.PRUNED if trial.pruned else states.FAIL


def _param(run: Run, flag: str, distribution: Any) -> Any:
    value = run.flags[flag]
    return _choice(value) if hasattr(distribution, "choices") else value
