"""The index of the run store: what a list of runs tells of each, so that listing opens only those that are new.

It is a cache, `index.jsonl` in the run store: a first line ``{"schema": 1}``, then a line a run, ``[id, stamp,
record]``. A record whose stamp is no longer that of its `run.json`, or that is not in there, is read anew.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
from collections.abc import Callable, Iterator, Sequence

from pytest_nbrepro import files
from pytest_nbrepro.errors import StoreError
from pytest_nbrepro.model import Run, RunStatus
from pytest_nbrepro.store import RECORD, Store, from_record, read_run, to_record

_FILE = "index.jsonl"
_SCHEMA = 1


class Index:
    """The runs of a store as a list tells them: without cells and artifacts, metrics with their value alone."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._path = store.folder / _FILE
        self._known = self._load()
        self._changed = False

    def read(self, run_id: str) -> Run | None:
        """Return a run as a list tells it; None where it has no record, or none yet.

        Raises:
            StoreError: its record cannot be read.
        """
        folder = self._store.runs / run_id
        try:
            status = os.stat(f"{folder}/{RECORD}")  # noqa: PTH116 - thousands of times
        except OSError:
            return None
        stamp = [status.st_mtime_ns, status.st_ino]
        if line := self._known.get(run_id):
            # A torn line is read anew.
            with contextlib.suppress(ValueError, TypeError, KeyError, AttributeError):
                _, known, record = json.loads(line)
                if known == stamp:
                    return from_record(record, folder)
        run = _listed(read_run(folder))
        if run.status is not RunStatus.RUNNING:
            self._known[run_id] = json.dumps([run_id, stamp, to_record(run)])
            self._changed = True
        return run

    def newest(
        self, fault: Callable[[str, StoreError], object] | None = None, ids: Sequence[str] | None = None
    ) -> Iterator[Run]:
        """Yield the runs that can be read, the newest first.

        Args:
            fault: told of those that cannot, by id; without, they are left out.
            ids: of the runs that are meant, oldest first; of all in the store unless given.
        """
        for run_id in reversed(self._store.ids() if ids is None else ids):
            try:
                run = self.read(run_id)
            except StoreError as error:
                if fault is not None:
                    fault(run_id, error)
                continue
            if run is not None:  # else claimed a moment ago, or never begun
                yield run

    def save(self) -> None:
        """Keep what was read, and forget runs that are gone; a store that cannot be written is listed all the same."""
        present = set(self._store.ids())
        kept = [line for run_id, line in self._known.items() if run_id in present]
        if not self._changed and len(kept) == len(self._known):
            return
        lines = [json.dumps({"schema": _SCHEMA}), *kept]
        with contextlib.suppress(OSError):
            files.write_text(self._path, "\n".join(lines) + "\n")

    def _load(self) -> dict[str, str]:
        """Return the lines of the index by the id that each begins with; a line is parsed when its run is asked for."""
        try:
            first, *rest = self._path.read_text("utf-8").split("\n")
            if json.loads(first) != {"schema": _SCHEMA}:
                return {}
        except (OSError, ValueError):  # none yet, or torn: all is read anew
            return {}
        return {line[2 : line.find('"', 2)]: line for line in rest if line.startswith('["')}


def _listed(run: Run) -> Run:
    metrics = {
        name: dataclasses.replace(metric, steps=(), samples=()) for name, metric in run.metrics.items()
    }
    error = run.error and dataclasses.replace(run.error, traceback="")
    return dataclasses.replace(run, metrics=metrics, artifacts={}, cells=(), error=error, notes=())
