"""Inside the kernel: IPython's kernel application, as quick to start as it can be.

Loaded by `child.py` from its own folder, by path, in any Python from 3.9 on.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_HISTORY = "--HistoryManager.hist_file=:memory:"
_kind: Any = None  # the application's class, once it is made


@contextlib.contextmanager
def without_debugger() -> Iterator[None]:
    """Hide the debugger, which is never used here: loading it takes half of a kernel's start."""
    sys.modules["debugpy"] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules["debugpy"]


def load() -> Any:
    """Import IPython's kernel, and return its application, made for what is wanted here; once.

    To make a class of traits takes a tenth of a kernel's start.
    """
    global _kind  # noqa: PLW0603
    if _kind is None:
        with without_debugger():
            base = importlib.import_module("ipykernel.kernelapp").IPKernelApp
        _kind = _made(base)
    return _kind


def _made(base: type[Any]) -> Any:
    class Application(base):  # type: ignore[misc]
        def init_iopub(self, context: Any) -> None:
            context.sndhwm = 0  # output that comes faster than it is read waits instead of being dropped
            super().init_iopub(context)

        def parse_command_line(self, argv: Any = None) -> None:
            """Take what Jupyter's specification of Python's kernel has; making a parser takes a third of the start."""
            if argv[:1] != ["-f"] or len(argv) != len(("-f", "FILE", _HISTORY)):
                super().parse_command_line(argv)
                return
            self.argv, self.extra_args = [*argv], list[str]()
            self.cli_config.IPKernelApp.connection_file = argv[1]
            self.cli_config.HistoryManager.hist_file = _HISTORY.partition("=")[2]
            self.update_config(self.cli_config)

    return Application


def start(arguments: list[str]) -> Any:
    """Return IPython's kernel application, initialised and ready to start.

    Args:
        arguments: those of the kernel's specification.
    """
    kind = load()
    import ipykernel

    folder = os.path.dirname(os.path.dirname(ipykernel.__file__))  # noqa: PTH120
    sys.argv = [os.path.join(folder, "ipykernel_launcher.py"), *arguments]  # noqa: PTH118  # as in Jupyter
    app = kind.instance()
    app.parent_handle = int(os.environ.get("JPY_PARENT_PID") or 0)  # read at import, which may be long ago
    with without_debugger():
        app.initialize([*arguments, _HISTORY])
    return app


def importable(root: str) -> None:
    """Let modules of the project's folder be imported, where the notebook's own has none of the name."""
    place = sys.path.index("") + 1 if "" in sys.path else len(sys.path)
    sys.path.insert(place, root)


def launch(arguments: list[str]) -> None:
    """Run IPython's kernel as it is, with nothing of ours."""
    load()
    from ipykernel.kernelapp import IPKernelApp

    app = IPKernelApp.instance()
    app.parent_handle = int(os.environ.get("JPY_PARENT_PID") or 0)  # read at import, which may be long ago
    with without_debugger():
        app.initialize(arguments)  # type: ignore[no-untyped-call]
    app.start()  # type: ignore[no-untyped-call]
