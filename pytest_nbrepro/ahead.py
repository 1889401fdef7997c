"""The runs of a session: through one executor, and those of the next items ahead of their turn."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import pytest

from pytest_nbrepro import executors
from pytest_nbrepro.errors import NbreproError
from pytest_nbrepro.executors import Handle, Room
from pytest_nbrepro.executors.base import Tell
from pytest_nbrepro.model import Case, Run, Task
from pytest_nbrepro.options import AUTO, KernelStart, Settings, Workers


def begun(config: pytest.Config, settings: Settings) -> Runs:
    """Return the runs of a session; what runs them makes itself ready, where this process will run anything.

    Raises:
        UsageError: nothing can be imported by the executor's name.
    """
    processes = getattr(config, "workerinput", {}).get("workercount", 1)
    fork = settings.kernel_start is KernelStart.FORK
    try:
        runs = Runs(settings.workers, processes, settings.executor, fork=fork)
    except NbreproError as error:
        raise pytest.UsageError(str(error)) from error
    if executes(config):
        runs.expect(())
    return runs


def executes(config: pytest.Config) -> bool:
    """Tell whether this process runs items; pytest-xdist's controller does not."""
    held = config.option.collectonly or config.getoption("setuponly", default=False)
    return not held and config.getoption("dist", default="no") == "no"


class Runs:
    """Asks an executor for runs.

    Args:
        workers: how many cases run at once.
        processes: among how many processes of pytest the machine is shared.
        executor: the name of somebody else's executor that runs them, as many at once as it likes.
        fork: let fork servers start kernels.

    Raises:
        NbreproError: nothing can be imported by that name.
    """

    def __init__(
        self, workers: Workers, processes: int, executor: str | None = None, *, fork: bool = False
    ) -> None:
        count: int | None = None
        self.threads: int | None = None
        if executor is None:
            count, self.threads = _shares(workers, processes)
            room = Room(count, by_memory=workers == AUTO, fork=fork, threads=self.threads)
            self._executor = executors.apart(room)
        else:
            self._executor = executors.elsewhere(executor)
        self.ahead = count != 1  # whether cases run ahead of their turn
        self._ahead: dict[int, Handle] = {}  # by the identity of the task, which its item keeps

    @property
    def others(self) -> int:
        """How many runs are under way besides the one that is waited for."""
        return max(0, self._executor.running - 1)

    def expect(self, tasks: Sequence[Task]) -> None:
        """Make ready for tasks that will come."""
        self._executor.expect(tasks)

    def start(self, task: Task) -> None:
        """Let a task run as soon as there is room for it."""
        self._ahead[id(task)] = self._executor.submit(task)

    def run(self, task: Task, progress: Tell) -> Run:
        """Return the run of a task: the one that was started ahead, the first time, else another.

        Raises:
            NbreproError: there is no run, or what ran it is gone.
        """
        handle = self._ahead.pop(id(task), None) or self._executor.submit(task)
        return handle.result(progress)

    def drop(self, task: Task) -> None:
        """Stop a task that was started ahead and that nobody asked for when it was its turn."""
        if (handle := self._ahead.pop(id(task), None)) is not None:
            handle.stop()

    def stop(self) -> None:
        """Stop all that runs or waits, and wait until it has ended."""
        self._ahead.clear()
        self._executor.stop()

    def close(self) -> None:
        """Let go of the executor."""
        self._ahead.clear()
        self._executor.close()


def _shares(workers: Workers, processes: int) -> tuple[int, int | None]:
    """Return how many cases run at once, and how many threads the libraries of each may use; None for any number."""
    if workers == 1:
        return 1, None
    from pytest_nbrepro.executors.machine import cpus

    share = max(1, cpus() // processes)
    count = share if workers == AUTO else workers
    return count, None if count == 1 else max(1, share // count)


def surely_run(items: Iterable[pytest.Item]) -> Iterator[tuple[pytest.Item, Case]]:
    """Yield the items with cases that nothing known beforehand keeps from running."""
    for item in items:
        case = getattr(item, "case", None)
        if case is not None and getattr(item, "fault", None) is None and not _held_back(item):
            yield item, case


def _held_back(item: pytest.Item) -> bool:
    skipped = any(True for name in ("skip", "skipif") for _ in item.iter_markers(name))
    return skipped or any(mark.kwargs.get("run") is False for mark in item.iter_markers("xfail"))
