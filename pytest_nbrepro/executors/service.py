"""What the process that runs notebooks does for the other one: runs in threads, news of them over the wire.

When the other process is gone, what runs goes with it: the kernels by their supervisors, and the runs read as `died`.
"""

from __future__ import annotations

import functools
import os
import pickle
import queue
import threading
import traceback
from collections.abc import Mapping, Sequence
from typing import Any

from pytest_nbrepro import runner
from pytest_nbrepro.errors import NbreproError
from pytest_nbrepro.executors.base import LOOK, Room
from pytest_nbrepro.executors.slots import Job, Slots
from pytest_nbrepro.executors.wire import Wire
from pytest_nbrepro.kernels import client as _client  # noqa: F401 - paid here, while the other process collects
from pytest_nbrepro.model import Progress, Run, Task


class Service:
    """Obeys the other process.

    Args:
        wire: the way to it.
        room: how much may run at once.
    """

    def __init__(self, wire: Wire, room: Room) -> None:
        self._wire = wire
        self._slots = Slots(room)
        self._jobs: dict[int, Job] = {}
        self._preferred: set[int] = set()
        self._parent = os.getppid()
        self._news: queue.SimpleQueue[tuple[Any, ...] | None] = queue.SimpleQueue()

    def serve(self) -> None:
        """Do what the other process asks, until it is gone."""
        writer = threading.Thread(target=self._write, name="nbrepro-news", daemon=True)
        writer.start()
        self._news.put(("ready", 0, None))
        try:
            while os.getppid() == self._parent:  # one that it forked may hold its end of the wire
                if self._wire.wait(LOOK):
                    asked: list[tuple[Any, ...]] = []
                    self._wire.receive(
                        asked.append
                    )  # obeyed outside: threads would be born with signals held back
                    for word, *rest in asked:
                        getattr(self, f"_{word}")(*rest)
        except EOFError:
            pass
        if self._slots.running:
            runner.clear()
            os._exit(1)
        runner.release()
        self._news.put(None)
        writer.join()

    def _expect(self, tasks: Sequence[Task]) -> None:
        runner.expect(tasks)

    def _run(self, number: int, task: Task, preferred: bool) -> None:
        _take_over(task.environ)
        if preferred:
            self._preferred.add(number)
        job = self._jobs[number] = Job(
            task,
            began=lambda: self._news.put(("began", number, None)),
            told=functools.partial(self._told, number),
            ended=functools.partial(self._ended, number),
        )
        self._slots.add(job)

    def _prefer(self, number: int) -> None:
        self._preferred.add(number)
        if number in self._jobs:
            self._slots.prefer(self._jobs[number])

    def _stop(self, number: int) -> None:
        if number in self._jobs:
            self._slots.stop(self._jobs[number])

    def _told(self, number: int, progress: Progress) -> None:
        if number in self._preferred:  # the other end takes news in while it waits for this run
            self._news.put(("progress", number, progress))

    def _ended(self, number: int, outcome: Run | BaseException) -> None:
        self._jobs.pop(number, None)
        self._news.put(("ended", number, outcome if isinstance(outcome, Run) else _portable(outcome)))

    def _write(self) -> None:
        """Send the news, in a thread of its own: the other end takes them in only while it waits."""
        while (news := self._news.get()) is not None:
            try:
                self._wire.send(news)
            except OSError:  # the other process is gone, which ends `serve`
                return


def _take_over(environ: Mapping[str, str]) -> None:
    """Let this process see the other one's environment: git and the search for kernels go by it."""
    for name in os.environ.keys() - environ.keys():
        del os.environ[name]
    os.environ.update({name: text for name, text in environ.items() if os.environ.get(name) != text})


def _portable(error: BaseException) -> BaseException:
    """Return an exception that can be sent; what is no fault of the user's tells where it was raised."""
    if isinstance(error, NbreproError):
        return error
    told = "".join(traceback.format_exception(error))
    try:
        error = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own
    except Exception:  # noqa: BLE001 - whatever keeps it from being sent, its text can be
        error = RuntimeError(f"{type(error).__name__}: {error}")
    error.add_note(f"In the process that runs notebooks:\n{told}")
    return error
