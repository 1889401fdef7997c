"""The runs of a store as the viewer knows them: each is read once, those that still run each time."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_nbrepro.errors import StoreError
from pytest_nbrepro.index import Index
from pytest_nbrepro.model import Run, RunStatus
from pytest_nbrepro.reports.history import RUNS
from pytest_nbrepro.store import Store


class Catalogue:
    """The runs of a store, as a list tells them.

    Args:
        store: where they are.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._index: Index | None = None
        self._ended: dict[str, Run] = {}
        self.faults: dict[str, str] = {}  # id to what is wrong with its record

    def runs(self) -> list[Run]:
        """Return all runs that can be read, newest first."""
        first = self._index is None
        index = self._index = self._index or Index(self._store)
        ids = self._store.ids()
        self._ended = {run_id: self._ended[run_id] for run_id in ids if run_id in self._ended}
        self.faults = {}
        found = [run for run_id in reversed(ids) if (run := self._read(run_id, index)) is not None]
        if first:
            index.save()
        return found

    def _read(self, run_id: str, index: Index) -> Run | None:
        known = self._ended.get(run_id)
        if known is not None:
            return known
        try:
            run = index.read(run_id)
        except StoreError as error:
            self.faults[run_id] = str(error)
            return None
        if run is not None and run.status is not RunStatus.RUNNING:
            self._ended[run_id] = run
        return run

    def history(self, run: Run) -> list[Run]:
        """Return the last complete runs of a run's case, oldest first."""
        found = [other for other in self._like(run) if other.status is RunStatus.COMPLETED]
        return found[:RUNS][::-1]

    def before(self, run: Run) -> Run | None:
        """Return the run of the same notebook that began before; None for the first one."""
        older = (other for other in self.runs() if other.id < run.id and other.notebook == run.notebook)
        return next((other for other in older if other.status is not RunStatus.RUNNING), None)

    def _like(self, run: Run) -> Iterator[Run]:
        return (other for other in self.runs() if (other.notebook, other.case) == (run.notebook, run.case))

    def close(self) -> None:
        """Keep what was read."""
        if self._index is not None:
            self._index.save()
