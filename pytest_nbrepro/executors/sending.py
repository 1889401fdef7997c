"""Runs through an executor of somebody else's: any `concurrent.futures.Executor`, with workers here or elsewhere.

A task is sent alone first. A worker that does not see its files says so, and from then on each task takes the files
along, and each run brings its own back.
"""

from __future__ import annotations

import contextlib
import pickle
import queue
import secrets
import shutil
import threading
import time
from collections.abc import Callable, Sequence
from concurrent import futures
from pathlib import Path

import pytest_nbrepro
from pytest_nbrepro.errors import DriverError, NbreproError
from pytest_nbrepro.executors import arriving, errand, parcels
from pytest_nbrepro.executors.base import LOOK, Following, Handle, never_began
from pytest_nbrepro.executors.errand import Order, Reply
from pytest_nbrepro.executors.factories import Made
from pytest_nbrepro.model import Progress, Task
from pytest_nbrepro.store import Store

_STOPPED = 30.0  # seconds for runs to end after they were stopped; what is elsewhere may go on for ever


class Elsewhere:
    """An executor on top of another one, which is made when the first task comes; see `base.Executor`.

    How many run at once is the other one's business. A run under way is stopped only where its worker shares the
    disk; elsewhere it goes on to its end, and nobody takes it.

    Args:
        make: makes the other executor.
    """

    def __init__(self, make: Callable[[], Made]) -> None:
        self._make = make
        self._made: Made | None = None
        self._marks: Path | None = None  # a folder in the store, there as long as the other executor is
        self._token = secrets.token_hex(16)
        self._apart = False  # a worker does not see the files
        self._handles: list[_Sent] = []  # of runs that have not ended
        self._lock = threading.Lock()

    @property
    def running(self) -> int:
        """How many runs are under way, as far as the other executor tells."""
        return sum(handle.future.running() for handle in tuple(self._handles))

    def expect(self, tasks: Sequence[Task]) -> None:
        """Make ready for tasks that will come."""
        if tasks:
            self._ready(tasks[0])

    def submit(self, task: Task) -> Handle:
        """Take a task.

        Raises:
            DriverError: the other executor cannot be made, or takes nothing.
            WorkspaceError: the files that a worker elsewhere needs cannot be sent.
        """
        return _Sent(self, task)

    def stop(self) -> None:
        """Stop all that runs or waits, and wait until what can be stopped has ended."""
        handles = tuple(self._handles)
        for handle in reversed(handles):  # the last first, lest it gets a free place
            handle.stop()
        deadline = time.monotonic() + _STOPPED
        while self._handles and not self._apart and time.monotonic() < deadline:
            futures.wait([handle.future for handle in self._handles], LOOK, futures.FIRST_COMPLETED)
            self.settle()
        self._handles.clear()

    def close(self) -> None:
        """Stop all, and let go of the other executor."""
        try:
            self.stop()
        finally:
            made, self._made = self._made, None
            marks, self._marks = self._marks, None
            if made is not None:
                made.close()
            if marks is not None:
                shutil.rmtree(marks, ignore_errors=True)

    def send(self, handle: _Sent) -> futures.Future[Reply]:
        """Hand the task of a handle to the other executor, with its files where workers do not see them."""
        made, marks = self._ready(handle.task)
        order = Order(
            version=pytest_nbrepro.__version__,
            task=pickle.dumps(handle.task),
            mark=marks / "here",
            token=self._token,
            stop=handle.stopping,
            parcel=parcels.pack_project(handle.task) if self._apart else None,
        )
        try:
            future = made.executor.submit(errand.run, order)
        except (RuntimeError, OSError) as error:  # it is broken, or was shut down
            raise DriverError(f"the executor takes nothing: {error}", where=handle.task.case.id) from error
        future.add_done_callback(lambda _: handle.wake())
        return future

    def settle(self) -> None:
        """Give the handles whose runs have ended their outcomes, and send the files to those that want them."""
        with self._lock:
            for handle in tuple(self._handles):
                if handle.future.done():
                    self._take(handle)

    def add(self, handle: _Sent) -> None:
        """Take in a handle whose task was sent."""
        self._handles.append(handle)

    def stopper(self, task: Task) -> Path:
        """Return the file that stops the run of a task once it is there."""
        return self._ready(task)[1] / secrets.token_hex(8)

    def _take(self, handle: _Sent) -> None:
        """Take in what a future gave."""
        try:
            reply = handle.future.result()
            if reply.run is None and not handle.stopped:
                self._apart = True
                handle.future = self.send(handle)
                return
            handle.outcome = (
                never_began(handle.task) if reply.run is None else arriving.taken(handle.task, reply)
            )
        except futures.CancelledError:
            handle.outcome = never_began(handle.task)
        except NbreproError as error:
            handle.outcome = error
        except Exception as error:  # noqa: BLE001 - what a worker or its scheduler met: told where the run is waited for
            handle.outcome = _failed(handle.task, error)
        self._handles.remove(handle)

    def _ready(self, task: Task) -> tuple[Made, Path]:
        """Return the other executor and the folder of marks, both made the first time."""
        if self._made is None:
            self._made = self._make()
        if self._marks is None:
            store = Store(task.store)
            store.prepare()
            self._marks = task.store / f"executor-{self._token[:8]}"
            self._marks.mkdir()
            (self._marks / "here").write_text(self._token, "ascii")
        return self._made, self._marks


class _Sent(Following):
    """A task that the other executor has."""

    def __init__(self, executor: Elsewhere, task: Task) -> None:
        super().__init__()
        self.task = task
        self.stopped = False
        self._executor = executor
        self._woken: queue.SimpleQueue[None] = queue.SimpleQueue()
        self.stopping = executor.stopper(task)
        self.future = executor.send(self)
        executor.add(self)

    def wake(self) -> None:
        """Let who waits look: the future is done."""
        self._woken.put(None)

    def stop(self) -> None:
        """Have the run end as interrupted."""
        self.stopped = True
        with contextlib.suppress(OSError):  # without the mark it ends by itself
            self.stopping.touch()
        self.future.cancel()

    def _stop_all(self) -> None:
        self._executor.stop()

    def _prefer(self) -> None:
        """Nothing: the other executor has an order of its own."""

    def _news(self) -> Progress | None:
        with contextlib.suppress(queue.Empty):
            self._woken.get(timeout=LOOK)
        self._executor.settle()
        return None


def _failed(task: Task, error: Exception) -> DriverError:
    """Return what is raised in place of a run that an executor, or its worker, has lost."""
    return DriverError(
        f"the executor lost the run: {type(error).__name__}: {error}",
        where=task.case.id,
        hint="look into the logs of the executor's workers",
    )
