"""Optuna's samplers, asked and told: tpe, cmaes, qmc. The study lives in memory; the run store is what is kept."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

from pytest_nbrepro.optional import require
from pytest_nbrepro.sweep.optimizers import CMAES, TPE, Values
from pytest_nbrepro.sweep.space import Choice, Domain, Space


class Sampled:
    """An optimizer on a study of Optuna; see `optimizers.Optimizer`.

    Choices go by their number, so that any value will do.
    """

    def __init__(self, name: str, space: Space, objectives: int, seed: int) -> None:
        self._optuna = optuna = require("optuna", "sweep")
        if name == CMAES:
            require("cmaes", "sweep")
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that some samplers are called experimental
            self._study = optuna.create_study(
                directions=["minimize"] * objectives, sampler=_sampler(optuna, name, seed)
            )
        self._space = space
        self._distributions = {key: _distribution(optuna, domain) for key, domain in space.items()}
        self._asked: list[tuple[Values, Any]] = []

    def ask(self) -> Values | None:
        """Return values."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that it falls back on chance for choices
            trial = self._study.ask(self._distributions)
        values = {key: _value(domain, trial.params[key]) for key, domain in self._space.items()}
        self._asked.append((values, trial))
        return values

    def tell(self, values: Values, losses: Sequence[float] | None) -> None:
        """Say what values gave."""
        state = self._optuna.trial.TrialState.FAIL if losses is None else None
        for number, (asked, trial) in enumerate(self._asked):
            if asked is values:
                del self._asked[number]
                self._study.tell(trial, None if losses is None else _values(losses), state=state)
                return
        params = {key: _param(domain, values[key]) for key, domain in self._space.items()}
        if losses is not None and all(params[key] is not None for key in params):
            self._study.add_trial(
                self._optuna.trial.create_trial(
                    params=params, distributions=self._distributions, values=_values(losses)
                )
            )


def _values(losses: Sequence[float]) -> list[float]:
    """Return losses as a study takes them: it has one, also where nothing is optimized."""
    return list(losses) or [0.0]


def _sampler(optuna: Any, name: str, seed: int) -> Any:
    if name == TPE:
        return optuna.samplers.TPESampler(seed=seed, constant_liar=True)  # several are asked at once
    if name == CMAES:
        return optuna.samplers.CmaEsSampler(seed=seed)
    return optuna.samplers.QMCSampler(seed=seed, scramble=True)


def _distribution(optuna: Any, domain: Domain) -> Any:
    if isinstance(domain, Choice):
        return optuna.distributions.CategoricalDistribution(tuple(range(len(domain.values))))
    if domain.whole:
        return optuna.distributions.IntDistribution(int(domain.low), int(domain.high), log=domain.log)
    return optuna.distributions.FloatDistribution(domain.low, domain.high, log=domain.log)


def _value(domain: Domain, param: Any) -> Any:
    return domain.values[param] if isinstance(domain, Choice) else param


def _param(domain: Domain, value: Any) -> Any:
    """Return what stands for a value; None where it is not one of these."""
    if isinstance(domain, Choice):
        return next((number for number, one in enumerate(domain.values) if one == value), None)
    return value if domain.low <= value <= domain.high else None
