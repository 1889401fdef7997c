"""What overlays hold, value by value, and the overlays that are made of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple

from pytest_nbrepro import notebook
from pytest_nbrepro.baselines.drafts import Draft
from pytest_nbrepro.baselines.layers import Entry, Value, stored_text, stream, values_of
from pytest_nbrepro.baselines.partial import essence
from pytest_nbrepro.baselines.reading import SCHEMA
from pytest_nbrepro.model import Artifact, Baseline, Metric


class Held(NamedTuple):
    """A value of an overlay, and the tree that its file or cell is from."""

    value: Value
    side: Baseline


def held_by(overlays: Mapping[str, Baseline]) -> dict[str, dict[Entry, Held]]:
    """Return what overlays hold, by tag."""
    return {
        tag: {entry: Held(value, overlay) for entry, value in values_of(overlay).items()}
        for tag, overlay in overlays.items()
    }


def trimmed(
    held: Mapping[str, Mapping[Entry, Held]], common: Mapping[Entry, Value]
) -> tuple[dict[str, dict[Entry, Held]], dict[str, list[Entry]]]:
    """Leave out what overlays say as the common baseline does, unless another overlay says something of it, too.

    Returns:
        What is left, without empty overlays; and what was left out, by tag.
    """
    count = Counter(entry for entries in held.values() for entry in entries)
    same = {
        tag: [
            e for e, one in entries.items() if count[e] == 1 and e in common and _same(one.value, common[e])
        ]
        for tag, entries in held.items()
    }
    left = {tag: {e: one for e, one in held[tag].items() if e not in same[tag]} for tag in held}
    return {tag: entries for tag, entries in left.items() if entries}, {t: s for t, s in same.items() if s}


def _same(one: Value, other: Value) -> bool:
    return essence(one) == essence(other)


def composed(
    entries: Mapping[Entry, Held], before: Baseline | None, environment: Mapping[str, Any]
) -> Draft | Baseline:
    """Return the overlay that holds these values: the one before where they are its own."""
    own = before is not None and entries.keys() == values_of(before).keys()
    if before is not None and own and all(one.side is before for one in entries.values()):
        return before
    metrics = {name: one.value for (_, name), one in entries.items() if isinstance(one.value, Metric)}
    artifacts = {name: one.value for (_, name), one in entries.items() if isinstance(one.value, Artifact)}
    sources = {
        name: one.side.folder / one.value.path
        for (_, name), one in entries.items()
        if isinstance(one.value, Artifact) and one.value.stored != "hash"
    }
    shown = {
        name: one.side.folder / one.value.shown.path
        for (_, name), one in entries.items()
        if isinstance(one.value, Artifact) and one.value.shown is not None
    }
    cells = [_cell(name, one) for (kind, name), one in entries.items() if kind == "output"]
    book = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5} if cells else None
    return Draft(
        metrics,
        artifacts,
        sources,
        book,
        environment or {"schema": SCHEMA},
        once=False,
        fixture=False,
        shown=shown,
    )


def _cell(name: str, held: Held) -> dict[str, Any]:
    """Return a code cell with its source and text alone."""
    assert held.side.notebook is not None  # noqa: S101 - the text is from there
    (cell,) = [cell for cell in notebook.read(held.side.notebook).code if cell.id == name]
    text = stored_text(cell)
    return {
        "cell_type": "code",
        "execution_count": None,
        "id": name,
        "metadata": {},
        "outputs": [stream(text)] if text else [],
        "source": cell.source.splitlines(keepends=True),
    }
