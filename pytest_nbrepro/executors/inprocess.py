"""Runs in threads of this process: for the command line, and for tests without kernels."""

from __future__ import annotations

import queue
from collections.abc import Sequence

from pytest_nbrepro import runner
from pytest_nbrepro.executors.base import LOOK, Following, Handle, Room
from pytest_nbrepro.executors.slots import Job, Slots
from pytest_nbrepro.model import Progress, Run, Task


class InProcess:
    """An executor of threads; see `base.Executor`."""

    def __init__(self, room: Room) -> None:
        self._slots = Slots(room)

    @property
    def running(self) -> int:
        """How many runs are under way."""
        return self._slots.running

    def expect(self, tasks: Sequence[Task]) -> None:
        """Make ready for tasks that will come."""
        runner.expect(tasks)

    def submit(self, task: Task) -> Handle:
        """Take a task."""
        return _Local(self._slots, task)

    def stop(self) -> None:
        """Stop all that runs or waits, and wait until it has ended."""
        self._slots.stop_all()

    def close(self) -> None:
        """Stop all, and let go of everything."""
        self.stop()
        runner.release()


class _Local(Following):
    def __init__(self, slots: Slots, task: Task) -> None:
        super().__init__()
        self._slots = slots
        self._events: queue.SimpleQueue[Progress | None] = queue.SimpleQueue()
        self._job = Job(task, began=lambda: None, told=self._events.put, ended=self._ended)
        slots.add(self._job)

    def stop(self) -> None:
        """Have the run end as interrupted."""
        self._slots.stop(self._job)

    def _stop_all(self) -> None:
        self._slots.stop_all()

    def _prefer(self) -> None:
        self._slots.prefer(self._job)

    def _news(self) -> Progress | None:
        try:
            return self._events.get(timeout=LOOK)
        except queue.Empty:
            return None

    def _ended(self, outcome: Run | BaseException) -> None:
        self.outcome = outcome  # before the wake-up: what is taken from a queue when a Ctrl-C comes is lost
        self._events.put(None)
