"""Bayesian optimization by a Gaussian process: the package bayesian-optimization, asked and told.

The process works on shares of each range, 0 to 1, so that ranges of any size, whole numbers and logarithms are alike to
it. It begins with a Latin hypercube, and takes losses to be noisy: 1 % of their variance. A flag's length scale, that
over which losses change, is fitted within bounds: without them, few noisy losses make it so short that a place is tried
again and again, or so long that only the ends are. What comes next is where the loss may be least: two standard
deviations below its mean, which no lucky loss deceives as it does the expected improvement.
"""

from __future__ import annotations

import random
import warnings
from collections.abc import Sequence

from pytest_nbrepro.errors import NbreproError
from pytest_nbrepro.optional import require
from pytest_nbrepro.sweep.optimizers import Values
from pytest_nbrepro.sweep.space import Choice, Range, Space

_FIRST = 8  # trials of the hypercube; 4 a flag where that is more
_NOISE = 1e-2
_SCALE = 0.2  # of a range: what a fit begins with
_SCALES = (0.05, 2.0)
_DEVIATIONS = 2.0
_EXTRA = "sweep"


class Gaussian:
    """An optimizer on a Gaussian process; see `optimizers.Optimizer`.

    Args:
        space: what is searched.
        seed: what its choices follow from.
        told: how many trials there were before.

    Raises:
        NbreproError: something else than ranges is searched, or the package is not there.
    """

    def __init__(self, space: Space, seed: int, told: int) -> None:
        choices = [name for name, domain in space.items() if isinstance(domain, Choice)]
        if choices:
            raise NbreproError(
                f"the optimizer gp takes ranges alone: {', '.join(choices)}", hint="--optimizer tpe takes all"
            )
        library = require("bayes_opt", _EXTRA)
        self._space = {name: domain for name, domain in space.items() if isinstance(domain, Range)}
        least = require("bayes_opt.acquisition", _EXTRA).UpperConfidenceBound(kappa=_DEVIATIONS)
        kernels = require("sklearn.gaussian_process.kernels", _EXTRA)
        kernel = kernels.Matern([_SCALE] * len(self._space), _SCALES, nu=2.5)
        self._process = library.BayesianOptimization(
            None,
            dict.fromkeys(self._space, (0.0, 1.0)),
            acquisition_function=least,
            random_state=seed + told,
            verbose=0,
            allow_duplicate_points=True,
        )
        self._process.set_gp_params(kernel=kernel, alpha=_NOISE, n_restarts_optimizer=2)
        by = random.Random(seed)  # noqa: S311 - no secret
        self._first = _hypercube(list(self._space), max(_FIRST, 4 * len(self._space)), by)[told:]

    def ask(self) -> Values | None:
        """Return values."""
        if self._first:
            shares = self._first.pop(0)
        else:
            with warnings.catch_warnings():
                warnings.simplefilter(
                    "ignore"
                )  # of a fit that did not settle: the next one has more to go by
                shares = self._process.suggest()
        return {name: domain.at(float(shares[name])) for name, domain in self._space.items()}

    def tell(self, values: Values, losses: Sequence[float] | None) -> None:
        """Say what values gave."""
        if losses is None:
            return
        shares = {name: domain.share(float(values[name])) for name, domain in self._space.items()}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that a point was there before
            self._process.register(shares, -losses[0])


def _hypercube(names: Sequence[str], count: int, by: random.Random) -> list[dict[str, float]]:
    """Return points of which each flag has one in each of `count` equal parts of its range."""
    columns = {name: by.sample(range(count), count) for name in names}
    return [{name: (columns[name][row] + by.random()) / count for name in names} for row in range(count)]
