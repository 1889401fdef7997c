"""What an executor is: it takes tasks, runs several at once, and gives a handle on each."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from pytest_nbrepro.errors import NbreproError
from pytest_nbrepro.model import Progress, Run, Task

Tell = Callable[[Progress], None]
LOOK = (
    1.0  # seconds that a wait lasts at most before it is begun again: other threads may have got the signal
)


@dataclass(frozen=True)
class Room:
    """How many runs there may be at once.

    With `by_memory` a case whose recorded peak does not fit into the memory that is free waits for the others;
    one always runs.
    """

    count: int = 1
    by_memory: bool = False
    fork: bool = False  # most kernels will come from a fork server …
    threads: int | None = None  # … with so many threads for libraries; None for any number


class Handle(Protocol):
    """A run that was asked for."""

    def result(self, progress: Tell | None = None) -> Run:
        """Wait for the run's end and return it; it goes before those that nobody waits for.

        Args:
            progress: called in the calling thread as cells begin, and about twice a second while one runs.

        Raises:
            NbreproError: there is no run, or what ran it is gone.
            KeyboardInterrupt: a Ctrl-C ended the wait; all runs of the executor have been stopped by then.
            BaseException: something else did, such as what `progress` raised; this run has been stopped by then.
        """

    def stop(self) -> None:
        """Have the run end as interrupted, without waiting for that; one that has not begun never does."""


class Executor(Protocol):
    """Runs tasks in the order in which they come, as many at once as it has room for."""

    @property
    def running(self) -> int:
        """How many runs are under way, as far as is known."""

    def expect(self, tasks: Sequence[Task]) -> None:
        """Make ready for tasks that will come: for none at a session's start, for all once they are known."""

    def submit(self, task: Task) -> Handle:
        """Take a task."""

    def stop(self) -> None:
        """Stop all that runs or waits, and wait until it has ended."""

    def close(self) -> None:
        """Stop all, and let go of everything; a task that comes later starts anew."""


class Following(ABC):
    """A handle that learns of its run's end by waiting for news.

    `outcome` is the run, or what was raised in its place; None before its end.
    """

    def __init__(self) -> None:
        self.outcome: Run | BaseException | None = None

    def result(self, progress: Tell | None = None) -> Run:
        """Wait for the run's end and return it: see `Handle`."""
        try:
            self._prefer()
            self._follow(progress)
        except KeyboardInterrupt:
            self._stop_all()
            raise
        except BaseException:
            self.stop()
            self._follow(None)
            raise
        if isinstance(self.outcome, BaseException):
            raise self.outcome
        assert self.outcome is not None  # noqa: S101 - `_follow` waits for it
        return self.outcome

    def _follow(self, progress: Tell | None) -> None:
        while self.outcome is None:
            news = self._news()
            if news is not None and progress is not None:
                progress(news)

    @abstractmethod
    def stop(self) -> None:
        """Have the run end as interrupted: see `Handle`."""

    @abstractmethod
    def _stop_all(self) -> None:
        """Stop all that the executor runs or was to run, and wait until it has ended."""

    @abstractmethod
    def _prefer(self) -> None:
        """Let the run go before those that nobody waits for, and have its progress told."""

    @abstractmethod
    def _news(self) -> Progress | None:
        """Wait for something to happen; return the progress, or None where `outcome` may be there."""


def never_began(task: Task) -> NbreproError:
    """Return what is raised in place of a run that was stopped before it began."""
    return NbreproError("it was stopped before it began", where=task.case.id)
