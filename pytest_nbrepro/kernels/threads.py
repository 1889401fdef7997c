"""How many threads the libraries in a kernel may use: they are told by the variables that they read.

Kernels that run side by side share the processor: if the libraries of each took all of it, they would be in each
other's way. Sums made by another number of threads are rounded otherwise, so the number is recorded with a run.
"""

from __future__ import annotations

from collections.abc import Mapping

_ALL = "OMP_NUM_THREADS"  # the libraries behind the other variables go by it where their own is not set
_VARIABLES = (
    _ALL,
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "NUMEXPR_MAX_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)


def divided(count: int | None, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that limit libraries to `count` threads, but for those that are set already.

    Args:
        count: how many; None for no limit.
        environ: the environment of the kernel; where it has the variable that all go by, nothing is added.
    """
    if count is None or _ALL in environ:
        return {}
    return {name: str(count) for name in _VARIABLES if name not in environ}


def limit(environ: Mapping[str, str]) -> str:
    """Return the limit that an environment sets, in words: ``none``, ``2``, or each variable where they differ."""
    found = {name: environ[name] for name in _VARIABLES if name in environ}
    values = set(found.values())
    if len(values) > 1 or (values and _ALL not in found):
        return ", ".join(f"{name} {value}" for name, value in found.items())
    return next(iter(values), "none")
