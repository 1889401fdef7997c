"""Executors of somebody else's, by name."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable
from concurrent import futures
from dataclasses import dataclass

from pytest_nbrepro.errors import DriverError, NbreproError
from pytest_nbrepro.optional import require

DASK = "dask"


@dataclass(frozen=True)
class Made:
    """An executor, and how to let go of it."""

    executor: futures.Executor
    close: Callable[[], object]


def factory(name: str) -> Callable[[], Made]:
    """Return what makes the executor of a name.

    Args:
        name: ``dask``, or the import path of something that returns a `concurrent.futures.Executor` when it is called
            without arguments: ``package.module:function``.

    Raises:
        NbreproError: nothing can be imported by this name, or it cannot be called.
    """
    if name == DASK:
        return _dask
    try:
        found = pkgutil.resolve_name(name)
    except (ImportError, AttributeError, ValueError) as error:
        raise NbreproError(
            f"nothing can be imported by the name {name!r}: {error}",
            where="--nbrepro-executor",
            hint=f"give {DASK}, or module:function with a function that returns a concurrent.futures.Executor",
        ) from error
    if not callable(found):
        raise NbreproError(f"{name!r} is {found!r}, which cannot be called", where="--nbrepro-executor")
    return lambda: _made(name, found)


def _made(name: str, make: Callable[[], object]) -> Made:
    try:
        executor = make()
    except Exception as error:
        raise DriverError(
            f"{name!r} raised {type(error).__name__}: {error}", where="--nbrepro-executor"
        ) from error
    if not isinstance(executor, futures.Executor):
        kind = type(executor).__name__
        raise DriverError(f"{name!r} returned a {kind}, not an Executor", where="--nbrepro-executor")
    return Made(executor, lambda: executor.shutdown(wait=False))


def _dask() -> Made:
    """Connect to the cluster that Dask's configuration names (`DASK_SCHEDULER_ADDRESS`), or start one here.

    See https://distributed.dask.org/en/stable/api.html#distributed.Client.get_executor.
    """
    distributed = require("distributed", "dask")
    try:
        client = distributed.Client()
    except (OSError, ValueError) as error:
        raise DriverError(f"there is no Dask cluster: {error}", where="--nbrepro-executor") from error
    executor = client.get_executor(pure=False)  # two runs of one case are two
    return Made(executor, client.close)
