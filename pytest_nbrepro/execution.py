"""Running a notebook in a clean kernel, from top to bottom, and knowing afterwards that nothing of it is left.

`execute` returns whatever happens in the notebook: an error, a time-out, a kernel that dies are ways in which
a run ends, and its partial outputs are kept. It raises where there is no run: the kernel is not installed, or
the run's folder cannot be written.
"""

from __future__ import annotations

import dataclasses
import queue
import threading
import time
from collections.abc import Callable

from pytest_nbrepro.kernels.engine import Engine
from pytest_nbrepro.kernels.request import OUTPUT_CAP, Execution, Request, Value
from pytest_nbrepro.model import Progress

__all__ = ["OUTPUT_CAP", "Execution", "Interrupted", "Request", "Value", "execute"]

_TICK = 0.5  # seconds between progress reports of one cell


class Interrupted(KeyboardInterrupt):
    """A Ctrl-C while a notebook ran; the kernel is gone, and what there is of the run is here."""

    def __init__(self, execution: Execution) -> None:
        super().__init__()
        self.execution = execution


def execute(request: Request, progress: Callable[[Progress], None] | None = None) -> Execution:
    """Run a notebook in a clean kernel and wait for its end.

    The calling thread only waits, so a Ctrl-C reaches it, and the process keeps its signal handlers. When it
    returns or raises, the kernel is gone with every process that came of it; when this process is killed, they
    are gone shortly after.

    Args:
        request: what to run.
        progress: called in the calling thread when a cell starts, and twice a second while it runs.

    Returns:
        How it went. `Request.folder` has ``notebook.ipynb`` (the executed copy as far as it got), ``output.log``
        if a stream was written, and ``kernel.log`` if the kernel's process itself wrote something.

    Raises:
        KernelError: the kernel is not installed.
        StoreError: the run's folder cannot be written.
        Interrupted: Ctrl-C.
    """
    engine = Engine(request)
    thread = threading.Thread(target=engine.main, name="nbrepro", daemon=True)
    try:
        thread.start()
        _follow(engine.progress, progress)
    except BaseException as error:
        engine.stop()
        thread.join()
        if isinstance(error, KeyboardInterrupt) and engine.execution is not None:
            raise Interrupted(engine.execution) from error
        raise
    thread.join()
    return engine.result()


def _follow(reports: queue.SimpleQueue[Progress | None], progress: Callable[[Progress], None] | None) -> None:
    """Pass progress on until the run is over."""
    last, since = None, time.monotonic()
    while True:
        try:
            report = reports.get(timeout=_TICK)
        except queue.Empty:
            if last is not None and progress is not None:
                progress(dataclasses.replace(last, seconds=last.seconds + time.monotonic() - since))
            continue
        if report is None:
            return
        last, since = report, time.monotonic()
        if progress is not None:
            progress(report)
