"""Inside the kernel: its end, which is Python's own but for taking the modules of libraries apart.

Loaded by `child.py` from its own folder, by path, in any Python from 3.9 on: the standard library alone.

That part takes a fifth of what a small kernel takes in all. It is left out only where nothing can be lost by it: every
module is Python's, the kernel's, the project's own in Python, or of a library that is known to keep nothing unwritten
in its modules. What else Python does at its end is done in its order.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import io
import os
import sys
import threading
from collections.abc import Callable, Collection, Iterable
from types import FunctionType, ModuleType
from typing import Any

KNOWN = frozenset(
    {
        *(
            "PIL",
            "_cyutility",
            "bottleneck",
            "charset_normalizer",
            "cloudpickle",
            "contourpy",
            "cycler",
            "dateutil",
        ),
        *(
            "fontTools",
            "joblib",
            "kiwisolver",
            "matplotlib",
            "matplotlib_inline",
            "mpl_toolkits",
            "mpmath",
            "narwhals",
        ),
        *(
            "networkx",
            "numexpr",
            "numpy",
            "packaging",
            "pandas",
            "patsy",
            "polars",
            "psutil",
            "pyparsing",
            "pytz",
        ),
        *("scipy", "seaborn", "six", "sklearn", "statsmodels", "sympy", "threadpoolctl", "tzdata"),
    }
)
_LIBRARIES = f"site-packages{os.sep}"
_NEEDED = (FunctionType, ModuleType, type, str, bytes, int, float)  # by destructors, which are called first
_FILE = io.IOBase.__bases__[
    0
]  # Python's in C, which is asked at once; `io.IOBase` looks at each new class for long
_FAILED = ("last_exc", "last_value")  # a traceback keeps what its frames have open


def namespaces(
    own: Callable[[str], bool], known: Collection[str], modules: dict[str, Any] | None = None
) -> list[dict[str, Any]] | None:
    """Return the namespaces of the project's modules; None where Python has to end by itself.

    Args:
        own: tells whether a file is the project's.
        known: top-level modules that keep nothing unwritten, besides those of Python and of `KNOWN`.
        modules: those that are loaded.
    """
    standard = getattr(sys, "stdlib_module_names", None)  # not before 3.10
    if standard is None or not hasattr(threading, "_shutdown") or any(hasattr(sys, name) for name in _FAILED):
        return None
    found = []
    for name, module in list((sys.modules if modules is None else modules).items()):
        space = getattr(module, "__dict__", {})
        file, top = space.get("__file__"), name.partition(".")[0]
        if not isinstance(file, str) or top in standard or top in known or {top, _library(file)} & KNOWN:
            continue
        if not (own(file) and file.endswith(".py")):
            return None
        found.append(space)
    return found


def _library(file: str) -> str:
    """Return whose file it is: some compiled parts of a library have a name of their own."""
    return file.rpartition(_LIBRARIES)[2].partition(os.sep)[0]


def end(spaces: Iterable[dict[str, Any]], exited: Callable[[], object] = lambda: None) -> None:
    """End this process with exit code 0.

    Args:
        spaces: the namespaces whose objects are let go, the notebook's own first.
        exited: called after all that is registered in `atexit`.
    """
    threading._shutdown()  # type: ignore[attr-defined]  # noqa: SLF001  # waits for the threads that are none's servants
    atexit._run_exitfuncs()  # noqa: SLF001
    exited()
    spaces = list(spaces)
    gc.collect()
    for needed in (_NEEDED, ()):
        for space in spaces:
            _let_go(space, needed)
    gc.collect()
    for thing in gc.get_objects():
        if issubclass(type(thing), _FILE):
            with contextlib.suppress(
                Exception
            ):  # it is closed, or its file is gone: Python says nothing then
                thing.flush()
    os._exit(0)


def _let_go(space: dict[str, Any], needed: tuple[type, ...]) -> None:
    """Let go of what a namespace has, but for what destructors may need."""
    for name, value in list(space.items()):
        if name != "__builtins__" and not issubclass(type(value), needed):
            space[name] = None
