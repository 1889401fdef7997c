"""The first variable in which two runs differ, by the fingerprints that experiments keep."""

from __future__ import annotations

import json
from pathlib import Path

from pytest_nbrepro.model import Run
from pytest_nbrepro.notebook import Notebook
from pytest_nbrepro.store import VARIABLES
from pytest_nbrepro.verdict import align

_MOST = 3


def first_difference(first: Run, one: Notebook, second: Run, other: Notebook) -> str | None:
    """Say which variables two runs first differ in, after which cell; None where they never do.

    A variable that only one of them has differs, too.

    Args:
        first: a run.
        one: its executed copy, by whose cells the answer goes.
        second: the other run.
        other: its executed copy.
    """
    mine, theirs = _changes(first.folder), _changes(second.folder)
    now: dict[str, str] = {}
    then: dict[str, str] = {}
    for cell, partner in align(one.code, other.code):
        now |= mine.get(cell.index, {}) if cell else {}
        then |= theirs.get(partner.index, {}) if partner else {}
        differing = [name for name in {**now, **then} if now.get(name) != then.get(name)]
        if differing and cell is not None:
            more = f" and {len(differing) - _MOST} more" if len(differing) > _MOST else ""
            verb = "differs" if len(differing) == 1 else "differ"
            names = ", ".join(f"`{name}`" for name in differing[:_MOST])
            return f"{names}{more} first {verb} after {one.label(cell.index)}"
    return None


def _changes(folder: Path) -> dict[int, dict[str, str]]:
    """Return the fingerprints that a run kept, by the cell that changed them."""
    path = folder / VARIABLES
    if not path.exists():
        return {}
    return {int(cell): found for cell, found in json.loads(path.read_text("utf-8")).items()}
