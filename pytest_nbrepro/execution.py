"""Running a notebook in a clean kernel, from top to bottom, and knowing afterwards that nothing of it is left.

`execute` returns whatever happens in the notebook: an error, a time-out, a kernel that dies are ways in which
a run ends, and its partial outputs are kept. It raises where there is no run: the kernel is not installed, or
the run's folder cannot be written.
"""

from __future__ import annotations

import contextlib
import dataclasses
import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pytest_nbrepro.kernels import connection, preloading
from pytest_nbrepro.kernels.engine import Engine
from pytest_nbrepro.kernels.request import OUTPUT_CAP, Execution, Request, Value
from pytest_nbrepro.kernels.servers import SERVERS, Wanted
from pytest_nbrepro.model import Progress

__all__ = [
    "OUTPUT_CAP",
    "Control",
    "Execution",
    "Expected",
    "Request",
    "Value",
    "execute",
    "expect",
    "release",
]

_TICK = 0.5  # seconds between progress reports of one cell


class Control:
    """A hold on one run for other threads than the one that waits for it.

    `gone` is called in the run's thread when its kernel is gone; what is kept of the run is still to be written then.
    """

    def __init__(self) -> None:
        self.gone: Callable[[], object] = lambda: None
        self._lock = threading.Lock()
        self._stopping = False
        self._engine: Engine | None = None

    def stop(self) -> None:
        """Have the run end as interrupted: now, or as soon as its notebook would begin."""
        with self._lock:
            self._stopping = True
            engine = self._engine
        if engine is not None:
            engine.stop()

    def memory(self) -> int:
        """Return the bytes of resident memory that the run's processes hold now."""
        engine = self._engine
        return 0 if engine is None else engine.memory()

    @contextlib.contextmanager
    def of(self, engine: Engine) -> Iterator[None]:
        """Let this hold reach an engine, which it stops where that was asked for before."""
        with self._lock:
            self._engine = engine
        if self._stopping:
            engine.stop()
        try:
            yield
        finally:
            self._engine = None
            self.gone()


@dataclass(frozen=True)
class Expected:
    """A kernel that will be asked for; the names are those of `Request`."""

    environ: Mapping[str, str]
    env: Mapping[str, str]
    seed: int | None
    threads: int | None
    sources: tuple[str, ...]  # the notebook's code cells
    folders: tuple[Path, ...]  # from which it imports local modules


def expect(kernels: Iterable[Expected], *, more: bool = False) -> None:
    """Start fork servers for kernels that will be asked for, and end those that none of them needs.

    Args:
        kernels: the next ones.
        more: others come after these.
    """
    SERVERS.expect(
        [
            Wanted(
                connection.shared(each.environ, each.env, each.seed, each.threads),
                preloading.needs(each.sources, each.folders),
            )
            for each in kernels
        ],
        more=more,
    )


def release() -> None:
    """End the fork servers."""
    SERVERS.close()


def execute(
    request: Request, progress: Callable[[Progress], None] | None = None, control: Control | None = None
) -> Execution:
    """Run a notebook in a clean kernel and wait for its end.

    The calling thread only waits, and the process keeps its signal handlers. When it returns or raises, the
    kernel is gone with every process that came of it; when this process is killed, they are gone shortly after.

    Args:
        request: what to run.
        progress: called in the calling thread when a cell starts, and twice a second while it runs; what it
            raises ends the run.
        control: lets other threads end the run.

    Returns:
        How it went. `Request.folder` has ``notebook.ipynb`` (the executed copy as far as it got), ``output.log``
        if a stream was written, and ``kernel.log`` if the kernel's process itself wrote something.

    Raises:
        KernelError: the kernel is not installed.
        StoreError: the run's folder cannot be written.
    """
    engine = Engine(request)
    thread = threading.Thread(target=engine.main, name="nbrepro", daemon=True)
    with (control or Control()).of(engine):
        try:
            thread.start()
            _follow(engine.progress, progress)
        except BaseException:
            engine.stop()
            thread.join()
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
