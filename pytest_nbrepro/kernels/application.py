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


@contextlib.contextmanager
def without_debugger() -> Iterator[None]:
    """Hide the debugger, which is never used here: loading it takes half of a kernel's start."""
    sys.modules["debugpy"] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules["debugpy"]


def load() -> None:
    """Import IPython's kernel."""
    with without_debugger():
        importlib.import_module("ipykernel.kernelapp")


def start(arguments: list[str]) -> Any:
    """Return IPython's kernel application, initialised and ready to start.

    Args:
        arguments: those of the kernel's specification.
    """
    load()
    import ipykernel
    from ipykernel.kernelapp import IPKernelApp

    class Application(IPKernelApp):
        def init_iopub(self, context: Any) -> None:
            context.sndhwm = 0  # output that comes faster than it is read waits instead of being dropped
            super().init_iopub(context)  # type: ignore[no-untyped-call]

        def parse_command_line(self, argv: Any = None) -> None:
            """Take what Jupyter's specification of Python's kernel has; making a parser takes a third of the start."""
            if argv[:1] != ["-f"] or len(argv) != len(("-f", "FILE", _HISTORY)):
                super().parse_command_line(argv)
                return
            self.argv, self.extra_args = [*argv], []
            self.cli_config.IPKernelApp.connection_file = argv[1]
            self.cli_config.HistoryManager.hist_file = _HISTORY.partition("=")[2]
            self.update_config(self.cli_config)

    folder = os.path.dirname(os.path.dirname(ipykernel.__file__))  # noqa: PTH120
    sys.argv = [os.path.join(folder, "ipykernel_launcher.py"), *arguments]  # noqa: PTH118  # as in Jupyter
    app = Application.instance()
    app.parent_handle = int(os.environ.get("JPY_PARENT_PID") or 0)  # read at import, which may be long ago
    with without_debugger():
        app.initialize([*arguments, _HISTORY])  # type: ignore[no-untyped-call]
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
