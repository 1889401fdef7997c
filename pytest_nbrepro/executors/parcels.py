"""What is sent where there is no shared disk: the part of a project that a notebook runs in, and a run, as zip files."""

from __future__ import annotations

import io
import os
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

from pytest_nbrepro import workspace
from pytest_nbrepro.errors import WorkspaceError
from pytest_nbrepro.model import Task
from pytest_nbrepro.originals import CHATTER, join

LARGEST = 2**30
"""Bytes of files that are sent with one task at most."""


def pack_project(task: Task, largest: int = LARGEST) -> bytes:
    """Return the files that the mirror of a task's project would hold, but for git's own and what tools write.

    Links are followed: the other machine has nothing that they lead to.

    Raises:
        WorkspaceError: the mirror cannot be made, or its files are too large.
    """
    path = task.root / task.case.notebook
    with tempfile.TemporaryDirectory(prefix="nbrepro-") as place:
        skip = (task.store, task.baselines)
        mirror = workspace.stage(
            task.root, path, Path(place, "work"), inputs=task.case.spec.inputs, skip=skip
        )
        return _pack(mirror.root, task.case.id, largest)


def pack(folder: Path) -> bytes:
    """Return all files below a folder."""
    return _pack(folder, str(folder), None)


def unpack(parcel: bytes, folder: Path) -> None:
    """Write the files of a parcel into a folder, with their permissions; nothing leads out of it."""
    with zipfile.ZipFile(io.BytesIO(parcel)) as archive:
        for member in archive.infolist():
            path = archive.extract(member, folder)
            if mode := member.external_attr >> 16 & 0o777:
                os.chmod(path, mode | 0o600)  # noqa: PTH101 - as `extract` returns it


def _pack(folder: Path, where: str, largest: int | None) -> bytes:
    """Zip a folder; `where` names what is too large."""
    left = largest
    parcel = io.BytesIO()
    with zipfile.ZipFile(
        parcel, "w", zipfile.ZIP_DEFLATED, compresslevel=1, strict_timestamps=False
    ) as archive:
        for name, path in _walk(str(folder), "", frozenset()):
            archive.write(path, name)
            if left is None or os.path.isdir(path):  # noqa: PTH112 - a name from `scandir`
                continue
            left -= os.path.getsize(path)  # noqa: PTH202 - a name from `scandir`
            if left < 0:
                raise _too_large(where, largest)
    return parcel.getvalue()


def _walk(folder: str, name: str, above: frozenset[str]) -> Iterator[tuple[str, str]]:
    """Yield name and path of the folders and files below a folder; links that lead in circles end there."""
    real = os.path.realpath(folder)
    if real in above:
        return
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            inner = join(name, entry.name)
            if entry.name in CHATTER:
                continue
            if entry.is_dir():
                yield inner + "/", entry.path
                yield from _walk(entry.path, inner, above | {real})
            elif entry.is_file():  # neither a socket nor a link to nothing
                yield inner, entry.path


def _too_large(where: str, largest: int | None) -> WorkspaceError:
    return WorkspaceError(
        f"the files that it would run among are larger than {(largest or 0) / 2**30:g} GiB: too much to send",
        where=where,
        hint="let the executor's workers see the project at the same path, on a shared disk",
    )
