"""Runs in threads of this process: in the order in which they came, as many at once as there is room for.

What takes room is a kernel: the next run begins when that of another is gone, while what is kept of it is still read.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial

from pytest_nbrepro import runner
from pytest_nbrepro.execution import Control
from pytest_nbrepro.executors.base import Room, never_began
from pytest_nbrepro.executors.memory import Memory
from pytest_nbrepro.model import Progress, Run, Task


class Job:
    """One task on its way; what happens to it is told in the thread in which it happens.

    Args:
        task: what to run.
        began: called when the run begins.
        told: called with its progress.
        ended: called once, with the run or what was raised in its place.
    """

    def __init__(
        self,
        task: Task,
        *,
        began: Callable[[], None],
        told: Callable[[Progress], None],
        ended: Callable[[Run | BaseException], None],
    ) -> None:
        self.task = task
        self.control = Control()
        self.began = began
        self.told = told
        self.ended = ended


class Slots:
    """The jobs that run and those that wait; usable from any thread."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._memory = Memory() if room.by_memory else None
        self._changed = threading.Condition()
        self._waiting: list[Job] = []
        self._running: list[Job] = []
        self._placed: list[Job] = []  # those of them that take room

    @property
    def running(self) -> int:
        """How many jobs run, those included whose kernels are gone."""
        return len(self._running)

    def add(self, job: Job) -> None:
        """Take a job, and begin it if there is room."""
        job.control.gone = partial(self._vacate, job)
        with self._changed:
            self._waiting.append(job)
            self._fill()

    def prefer(self, job: Job) -> None:
        """Let a job go before the others that wait."""
        with self._changed:
            if job in self._waiting:
                self._waiting.remove(job)
                self._waiting.insert(0, job)
                self._fill()

    def stop(self, *jobs: Job) -> None:
        """Have jobs end as interrupted; those that wait never begin."""
        with self._changed:
            dropped = [job for job in jobs if job in self._waiting]
            for job in dropped:
                self._waiting.remove(job)
            self._fill()
        for job in jobs:
            job.control.stop()
        for job in dropped:
            job.ended(never_began(job.task))

    def stop_all(self) -> None:
        """Have every job end as interrupted, and wait until none is left."""
        with self._changed:
            jobs = (*self._waiting, *self._running)
        self.stop(*jobs)
        with self._changed:
            self._changed.wait_for(lambda: not self._running)

    def _fill(self) -> None:
        """Begin the jobs that there is room for, in their order; the lock is held."""
        while self._waiting and self._fits(self._waiting[0]):
            job = self._waiting.pop(0)
            self._running.append(job)
            self._placed.append(job)
            threading.Thread(target=self._run, args=(job,), name="nbrepro-run", daemon=True).start()

    def _fits(self, job: Job) -> bool:
        if not self._placed:
            return True
        if len(self._placed) >= self._room.count:
            return False
        under_way = [(other.task, other.control.memory) for other in self._placed]
        return self._memory is None or self._memory.fits(job.task, under_way)

    def _vacate(self, job: Job) -> None:
        with self._changed:
            if job in self._placed:
                self._placed.remove(job)
                self._fill()

    def _run(self, job: Job) -> None:
        outcome: Run | BaseException
        job.began()
        try:
            outcome = runner.run_case(job.task, job.told, job.control)
        except BaseException as error:  # noqa: BLE001 - raised where somebody waits for it
            outcome = error
        if self._memory is not None and isinstance(outcome, Run):
            self._memory.learn(job.task, outcome)
        job.ended(outcome)
        self._vacate(job)  # one that got no kernel
        with self._changed:
            self._running.remove(job)
            self._changed.notify_all()
