"""Inside the kernel: what a run may depend on besides its code.

Loaded by `child.py` from its own folder, by path, in any Python from 3.9 on: the standard library alone.
"""

from __future__ import annotations

import contextlib
import locale
import os
import platform
import sys
import time
from typing import Any


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
    pools: Any = sys.modules.get("threadpoolctl")
    if pools is not None:
        with contextlib.suppress(Exception):
            keys = ("user_api", "internal_api", "num_threads", "version")
            found = [{key: pool.get(key) for key in keys} for pool in pools.threadpool_info()]
            told["threads"] = sorted(found, key=repr)  # they come in any order
    return told
