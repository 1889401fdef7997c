"""Inside the kernel: what a run may depend on besides its code.

Loaded by `child.py` from its own folder, by path, in any Python from 3.9 on: the standard library alone.
"""

from __future__ import annotations

import contextlib
import ctypes
import locale
import os
import platform
import sys
import time
from typing import Any

VARIABLES = (
    *(
        "PYTHONHASHSEED",
        "PYTHONOPTIMIZE",
        "PYTHONUTF8",
        "TZ",
        "LANG",
        "LC_ALL",
        "LC_NUMERIC",
        "LC_COLLATE",
        "LC_TIME",
    ),
    *("NUMEXPR_NUM_THREADS", "NUMBA_NUM_THREADS", "POLARS_MAX_THREADS", "OMP_SCHEDULE", "OMP_DYNAMIC"),
    *(
        "OPENBLAS_CORETYPE",
        "MKL_CBWR",
        "MKL_ENABLE_INSTRUCTIONS",
        "NPY_DISABLE_CPU_FEATURES",
        "ATEN_CPU_CAPABILITY",
    ),
    *(
        "CUDA_VISIBLE_DEVICES",
        "CUBLAS_WORKSPACE_CONFIG",
        "TF_DETERMINISTIC_OPS",
        "TF_ENABLE_ONEDNN_OPTS",
        "XLA_FLAGS",
    ),
    *("JAX_ENABLE_X64", "JAX_PLATFORMS", "KERAS_BACKEND", "SOURCE_DATE_EPOCH"),
)
"""Environment variables that move numbers, text or the order of things, and hold no secret. The limits of threads are told apart."""


def fixed() -> dict[str, Any]:
    """Return what does not change while the kernel runs."""
    version = sys.version.split()[0]
    return {
        "interpreter": f"{platform.python_implementation()} {version}",
        "python": version,
        "implementation": sys.implementation.name,
        "executable": sys.executable,
        "platform": f"{platform.system().lower()}-{platform.machine()}",
        "release": platform.release(),
        "path": list(sys.path),
        "encoding": {"files": sys.getfilesystemencoding(), "text": locale.getpreferredencoding(False)},
        "locale": list(locale.getlocale()),
        "timezone": list(time.tzname),
        "hash_seed": os.environ.get("PYTHONHASHSEED"),
        "variables": {name: os.environ[name] for name in VARIABLES if name in os.environ},
    }


def imported(bare: set[str]) -> dict[str, str]:
    """Return the top-level modules that the notebook brought in, name -> file.

    Python's own are left out, and what extensions make without a file.
    """
    known = bare | set(getattr(sys, "stdlib_module_names", ()))  # from 3.10 on
    names = {name.partition(".")[0] for name in sys.modules} - known
    files = {name: _file(sys.modules.get(name)) for name in sorted(names)}
    return {name: file for name, file in files.items() if file is not None}


def _file(module: Any) -> str | None:
    file = getattr(module, "__file__", None)
    if file is None:  # a namespace package
        file = next(iter(getattr(module, "__path__", ())), None)
    return file if isinstance(file, str) else None


def libraries() -> dict[str, Any]:
    """Return what computes under the libraries that are loaded anyway, where that is cheap to ask."""
    told: dict[str, Any] = {}
    numpy: Any = sys.modules.get("numpy")
    if numpy is not None:
        with contextlib.suppress(Exception):  # a fact less is no fault: older versions tell it otherwise
            blas = numpy.show_config(mode="dicts")["Build Dependencies"]["blas"]
            told["blas"] = {key: blas[key] for key in ("name", "version")}
        told.update(openblas())
    pools: Any = sys.modules.get("threadpoolctl")
    if pools is not None:
        with contextlib.suppress(Exception):
            keys = ("user_api", "internal_api", "num_threads", "version")
            found = [{key: pool.get(key) for key in keys} for pool in pools.threadpool_info()]
            told["threads"] = sorted(found, key=repr)  # they come in any order
    return told


def openblas() -> dict[str, Any]:
    """Return the kernel that the loaded OpenBLAS chose for this processor, and how many threads it uses.

    Nothing where another library computes, or where the system does not tell which libraries are loaded.
    """
    try:
        with open("/proc/self/maps", encoding="utf-8", errors="replace") as stream:  # noqa: PTH123
            paths = {line.rstrip("\n").split(None, 5)[-1] for line in stream if "openblas" in line}
    except OSError:
        return {}
    for path in sorted(paths):
        for name in ("scipy_openblas_{}64_", "scipy_openblas_{}", "openblas_{}64_", "openblas_{}"):
            with contextlib.suppress(OSError, AttributeError):  # not this spelling, or no such library
                library = ctypes.CDLL(path)
                core = getattr(library, name.format("get_corename"))
                core.restype = ctypes.c_char_p
                threads = getattr(library, name.format("get_num_threads"))()
                return {"blas_kernel": core().decode(), "blas_threads": threads}
    return {}
