"""What the script inside the kernel writes down while cells run; read here, also when the kernel is gone."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pytest_nbrepro.model import Seen

_OURS = f"{Path(__file__).parent}{os.sep}"


@dataclass(frozen=True)
class ThreadError:
    """An exception that ended a thread of the notebook's."""

    thread: str
    error: str
    traceback: str


@dataclass
class Journal:
    """Everything that was written so far.

    Args:
        path: the file; it need not exist.
    """

    path: Path
    reads: set[str] = field(default_factory=set)  # absolute paths, in the mirror or the project
    refused: dict[str, int | None] = field(default_factory=dict)  # what was refused -> index of the cell
    threads: list[ThreadError] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)
    prints: dict[int, dict[str, str]] = field(
        default_factory=dict
    )  # of variables, by the cell that changed them
    _offset: int = 0

    def update(self, cell: int | None) -> None:
        """Take in what came since the last time; `cell` is the one that ran."""
        if not self.path.exists():
            return
        with self.path.open("rb") as stream:
            stream.seek(self._offset)
            data = stream.read()
        whole = data[: data.rfind(b"\n") + 1]  # the last line may be on its way
        self._offset += len(whole)
        for line in whole.splitlines():
            self._take(json.loads(line), cell)

    def take_threads(self) -> list[ThreadError]:
        """Return the threads that failed since the last time."""
        failed, self.threads = self.threads, []
        return failed

    def _take(self, entry: Mapping[str, Any], cell: int | None) -> None:
        if "read" in entry:
            self.reads.add(entry["read"])
        elif "refused" in entry:
            self.refused.setdefault(entry["refused"], cell)
        elif "thread" in entry:
            self.threads.append(ThreadError(entry["thread"], entry["error"], entry["traceback"]))
        elif "facts" in entry:
            self.facts.update(entry["facts"])
        elif "prints" in entry:
            if cell is not None:
                self.prints[cell] = entry["prints"]
        elif "seen" in entry:
            if cell is not None:
                self.seen.append(Seen(entry["seen"], cell, entry["where"]))
        else:
            self.notes.append(entry["note"])


def project_files(paths: Iterable[str], work: Path, project: Path) -> tuple[str, ...]:
    """Return which files of the project these are, as sorted POSIX paths relative to its root.

    What we load in the kernel is none of them, also where the project is our own.

    Args:
        paths: absolute paths, in the mirror or in the project.
        work: the mirror's root.
        project: the project's root.
    """
    theirs = (path for path in paths if not path.startswith(_OURS))
    found = {name for path in theirs if (name := relative(path, work, project)) is not None}
    return tuple(sorted(name for name in found if (project / name).is_file()))


def relative(path: str, work: Path, project: Path) -> str | None:
    """Return the POSIX path relative to the project's root; None where it lies elsewhere.

    The mirror is asked first: it may lie in the project.
    """
    place = Path(path)
    for root in (work, work.resolve(), project, project.resolve()):
        if place.is_relative_to(root):
            return place.relative_to(root).as_posix()
    return None
