"""What waits below a folder, and which of it names select."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pytest_nbrepro import pending
from pytest_nbrepro.cli.group import complain
from pytest_nbrepro.errors import StoreError
from pytest_nbrepro.pending import Pending


@dataclass
class Waiting:
    """What waits below a folder."""

    root: Path
    entries: list[Pending] = field(default_factory=list)
    faults: dict[str, str] = field(default_factory=dict)  # folder of a record to what is wrong with it


def look(root: Path) -> Waiting:
    """Read all that waits; records that cannot be read are kept as faults."""
    waiting = Waiting(root)
    for path in pending.records(root):
        try:
            waiting.entries.append(pending.read(root, path))
        except StoreError as error:
            waiting.faults[path.parent.relative_to(root).as_posix()] = str(error)
    return waiting


def pending_below(folder: Path) -> Path:
    """Return the folder of what waits in another run store, or in a folder that holds one.

    Raises:
        StoreError: there is none.
    """
    for place in (folder / "pending", folder / ".nbrepro" / "pending"):
        if place.is_dir():
            return place
    hint = (
        "it is the folder .nbrepro of another checkout; where nothing waits there, it has no folder pending"
    )
    raise StoreError("nothing waits here", where=str(folder), hint=hint)


def choose(waiting: Waiting, names: Sequence[str]) -> list[Pending]:
    """Return the entries that names select.

    Raises:
        StoreError: a name selects nothing.
    """
    try:
        return pending.matching(waiting.entries, names)
    except StoreError:
        for fault in waiting.faults.values():  # one of these may be what was meant
            complain(fault)
        raise


def waits(waiting: Waiting, name: str) -> bool:
    """Tell whether a name selects an entry."""
    try:
        return bool(pending.matching(waiting.entries, [name]))
    except StoreError:
        return False


def blocked(waiting: Waiting, names: Sequence[str]) -> Mapping[str, str]:
    """Return the unreadable records that lie in what was named; no names stand for all."""
    if not names:
        return waiting.faults
    stems = [f"{name.removesuffix('.ipynb')}/" for name in names if "::" not in name]
    return {
        folder: fault
        for folder, fault in waiting.faults.items()
        if any(f"{folder}/".startswith(s) for s in stems)
    }


def record(entry: Pending) -> dict[str, Any]:
    """Return an entry as JSON."""
    return {
        "case": entry.case,
        "notebook": entry.notebook,
        "folder": entry.folder,
        "kind": entry.kind,
        "run": entry.run,
        "tags": list(entry.tags),
        "differences": list(entry.differences),
    }
