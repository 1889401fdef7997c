"""Whether one more case fits into the memory that is free, by the peaks that earlier runs recorded."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from pytest_nbrepro.errors import StoreError
from pytest_nbrepro.executors import machine
from pytest_nbrepro.model import Run, Task
from pytest_nbrepro.store import Store

_READ = 2000  # runs that are looked at, from the newest on: enough for the last session, and quick

Name = tuple[str, str]  # of a case: its notebook, its own


class Memory:
    """The peaks of cases, each looked up when it is first needed, and no run read twice."""

    def __init__(self) -> None:
        self._peaks: dict[Name, int] = {}
        self._unread: dict[Path, Iterator[tuple[Name, int]]] = {}

    def fits(self, task: Task, running: Iterable[tuple[Task, Callable[[], int]]]) -> bool:
        """Tell whether a case fits beside those that run; one without a recorded peak always does.

        Args:
            task: the case.
            running: the others, each with what tells how many bytes it holds now.
        """
        need = self.peak(task)
        if need is None:
            return True
        promised = sum(max(0, (self.peak(other) or 0) - held()) for other, held in running)
        return need <= machine.available() - promised

    def peak(self, task: Task) -> int | None:
        """Return the peak in bytes that the newest run of a case recorded, None where none did."""
        name = _name(task)
        if name not in self._peaks:
            unread = self._unread.setdefault(task.store, _recorded(Store(task.store)))
            for found, peak in unread:
                self._peaks.setdefault(found, peak)
                if found == name:
                    break
        return self._peaks.get(name)

    def learn(self, task: Task, run: Run) -> None:
        """Take the peak of a run that has just ended."""
        if run.peak is not None:
            self._peaks[_name(task)] = run.peak


def _name(task: Task) -> Name:
    return task.case.notebook, task.case.name


def _recorded(store: Store) -> Iterator[tuple[Name, int]]:
    """Yield the peaks of the store's runs, newest first."""
    for run_id in store.ids()[: -_READ - 1 : -1]:
        with contextlib.suppress(StoreError):  # it tells no peak; whoever asks for it learns what is wrong
            run = store.read(run_id)
            if run.peak is not None:
                yield (run.notebook, run.case), run.peak
