"""A run that comes back from a machine with a disk of its own: put into the run store as if it had run here."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

from pytest_nbrepro import environment, files
from pytest_nbrepro.executors import parcels
from pytest_nbrepro.executors.errand import Reply
from pytest_nbrepro.model import Run, Task
from pytest_nbrepro.store import ENVIRONMENT, EXECUTED, Store

_TOLD = (EXECUTED, "output.log", "kernel.log")  # files with paths of the machine on which it ran


def taken(task: Task, reply: Reply) -> Run:
    """Return the run of a reply, kept in the run store of the task.

    Raises:
        StoreError: it cannot be kept.
    """
    assert reply.run is not None  # noqa: S101 - an empty reply is not taken
    if reply.parcel is None:
        return reply.run
    store = Store(task.store)
    folder = store.claim()
    parcels.unpack(reply.parcel, folder)
    _move(folder, reply, task.root)
    notes = (*reply.run.notes, *_unmeasured(task))
    run = dataclasses.replace(reply.run, id=folder.name, folder=folder, notes=notes)
    store.write(run)
    return run


def _unmeasured(task: Task) -> tuple[str, ...]:
    if task.coverage is None:
        return ()
    return ("its coverage was not measured: it ran on a machine that does not see the project",)


def _move(folder: Path, reply: Reply, root: Path) -> None:
    """Let the texts of a run tell of this machine's paths: masks know these. The commit is this project's."""
    assert reply.run is not None  # noqa: S101 - as above
    places = {str(reply.run.folder): str(folder), reply.place: str(root)}
    for name in _TOLD:
        path = folder / name
        if path.exists():
            text = path.read_text("utf-8", "surrogateescape")
            for there, here in places.items():
                text = text.replace(there, here)
            path.write_text(text, "utf-8", "surrogateescape")
    record = folder / ENVIRONMENT
    if record.exists():
        told = json.loads(record.read_text("utf-8"))
        files.write_json(record, {**told, "git": environment.git_state(root)})
