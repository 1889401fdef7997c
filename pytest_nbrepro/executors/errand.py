"""What an executor of somebody else's does for us, on whatever machine: one run.

The environment of the kernel is that of the worker; `env` in the annotation adds to it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pickle
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest_nbrepro
from pytest_nbrepro.errors import DriverError
from pytest_nbrepro.model import Run, Task

if TYPE_CHECKING:
    from pytest_nbrepro.execution import Control

_LOOK = 0.5  # seconds between looks whether a run is to be stopped


@dataclass(frozen=True)
class Order:
    """A run that is asked for.

    With a `parcel` the files come with it, and go back with the reply; without one the worker must have the
    project and the run store at their paths, which it tells from `mark`, a file with the text `token`.
    """

    version: str  # of this package
    task: bytes  # a pickle of `Task`, read once the versions are known to be the same
    mark: Path
    token: str
    stop: Path  # once this file is there, or the mark gone, the run is to end
    parcel: bytes | None = None


@dataclass(frozen=True)
class Reply:
    """What came of an order: a run, with its files if it had a parcel; or nothing, where the worker has no files."""

    run: Run | None
    parcel: bytes | None = None
    place: str = ""  # of the project on the worker, where it had a parcel


def run(order: Order) -> Reply:
    """Carry out an order, in the worker.

    Raises:
        DriverError: the worker has another version of this package.
        NbreproError: there is no run.
    """
    if order.version != pytest_nbrepro.__version__:
        raise DriverError(
            f"the executor's worker has pytest-nbrepro {pytest_nbrepro.__version__}, this process {order.version}",
            hint="install the same version on both",
        )
    task: Task = pickle.loads(order.task)  # noqa: S301 - from our own other end
    task = dataclasses.replace(task, environ=dict(os.environ))
    if order.parcel is not None:
        return _sent(task, order.parcel)
    if not _shared(order, task):
        return Reply(None)
    with _stoppable(order) as control:
        from pytest_nbrepro import runner

        return Reply(runner.run_case(task, control=control))


def _shared(order: Order, task: Task) -> bool:
    """Tell whether the worker sees the files of the process that asks."""
    with contextlib.suppress(OSError):
        return order.mark.read_text("ascii") == order.token and (task.root / task.case.notebook).is_file()
    return False


def _sent(task: Task, parcel: bytes) -> Reply:
    """Run among the files of a parcel."""
    from pytest_nbrepro import runner
    from pytest_nbrepro.executors import parcels

    with tempfile.TemporaryDirectory(prefix="nbrepro-") as folder:
        root = Path(folder).resolve() / "project"
        parcels.unpack(parcel, root)
        away = dataclasses.replace(
            task, root=root, store=root / ".nbrepro", baselines=root / "baselines", coverage=None
        )
        done = runner.run_case(away)
        return Reply(done, parcels.pack(done.folder), str(root))


@contextlib.contextmanager
def _stoppable(order: Order) -> Iterator[Control]:
    """Yield the control of a run, which is stopped once a file says so, or who asked is gone."""
    from pytest_nbrepro.execution import Control

    control, over = Control(), threading.Event()

    def look() -> None:
        while not over.wait(_LOOK):
            if order.stop.exists() or not order.mark.exists():
                control.stop()
                return

    watch = threading.Thread(target=look, name="nbrepro-stop", daemon=True)
    watch.start()
    try:
        yield control
    finally:
        over.set()
        watch.join()
