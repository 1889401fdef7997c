"""What a candidate changes of a baseline, and the baseline that takes in only some of it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_nbrepro.baselines.drafts import Draft
from pytest_nbrepro.baselines.layers import Value, copy_of, stored_text, traced
from pytest_nbrepro.baselines.reading import SCHEMA
from pytest_nbrepro.model import Artifact, Baseline, Metric
from pytest_nbrepro.notebook import Cell

Key = tuple[str, str]  # ("metric", "artifact" or "output", name); a text goes by its cell's label


@dataclass(frozen=True)
class Change:
    """One value in which a candidate differs from the baseline; None stands for none."""

    key: Key
    before: Value | None
    after: Value | None


def changes(candidate: Baseline, baseline: Baseline | None) -> list[Change]:
    """Return in which values a candidate differs from the baseline: metrics, artifacts, then texts of cells.

    Raises:
        NotebookError: an executed copy cannot be read.
    """
    old = baseline or _nothing(candidate)
    names = labels(candidate, old)
    return [
        *_differing("metric", old.metrics, candidate.metrics),
        *_differing("artifact", old.artifacts, candidate.artifacts),
        *_differing("output", _texts(old, names), _texts(candidate, names)),
    ]


def _nothing(candidate: Baseline) -> Baseline:
    return Baseline(candidate.folder, {}, {}, None, {})


def _differing(kind: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    for name in dict.fromkeys((*old, *new)):
        before, after = old.get(name), new.get(name)
        if essence(before) != essence(after):
            yield Change((kind, name), before, after)


def essence(value: Value | None) -> tuple[str, ...] | str | None:
    """Return what makes two values the same; NaN is itself, and -0.0 is not 0.0."""
    if isinstance(value, Metric):
        return repr(value.value), value.dtype, repr(value.steps), repr(value.samples)
    if isinstance(value, Artifact):
        return value.sha256, value.kind
    return value


def labels(candidate: Baseline, baseline: Baseline) -> dict[str, str]:
    """Return what people call the code cells of both sides, by id; the candidate's word counts.

    Raises:
        NotebookError: an executed copy cannot be read.
    """
    new, old = copy_of(candidate), copy_of(baseline)
    names = {cell.id: f"{old.label(cell.index)} of the baseline" for cell in old.code} if old else {}
    return {**names, **({cell.id: new.label(cell.index) for cell in new.code} if new else {})}


def _texts(side: Baseline, names: Mapping[str, str]) -> dict[str, str]:
    """Return the texts of cells by their labels."""
    book = copy_of(side)
    found = {names[cell.id]: stored_text(cell) for cell in (book.code if book else ())}
    return {name: text for name, text in found.items() if text}


def partly(candidate: Baseline, baseline: Baseline | None, taken: Collection[Key]) -> Draft:
    """Return the baseline that takes in some changes of a candidate; all else stays as it is.

    Sources and environment stay those of the present baseline, too, as most of its values belong to them; where
    there is none they are the candidate's.

    Args:
        candidate: what waits.
        baseline: the present one.
        taken: the keys of the changes.
    """
    return _mixed(candidate, baseline, frozenset(taken).__contains__, baseline or candidate)


def all_but(candidate: Baseline, baseline: Baseline, kept: Collection[Key]) -> Draft:
    """Return the baseline that takes in a candidate, with its sources and environment, but for some values.

    Args:
        candidate: what waits.
        baseline: the present one.
        kept: the keys of values that stay as the present one has them.
    """
    return _mixed(candidate, baseline, lambda key: key not in kept, candidate)


def _mixed(
    candidate: Baseline, baseline: Baseline | None, taken: Callable[[Key], bool], host: Baseline
) -> Draft:
    """Return a baseline of both sides' values, with the sources and the environment of `host`."""
    old = baseline or _nothing(candidate)
    artifacts: dict[str, Artifact] = _taken("artifact", old.artifacts, candidate.artifacts, taken)
    sources: dict[str, Path] = {
        name: (candidate if taken(("artifact", name)) else old).folder_of(name) / artifact.path
        for name, artifact in artifacts.items()
        if artifact.stored != "hash"
    }
    shown = {
        name: (candidate if taken(("artifact", name)) else old).folder_of(name) / artifact.shown.path
        for name, artifact in artifacts.items()
        if artifact.shown is not None
    }
    return Draft(
        metrics=_taken("metric", old.metrics, candidate.metrics, taken),
        artifacts=artifacts,
        sources=sources,
        notebook=_book(candidate, old, taken, host),
        environment=host.environment or {"schema": SCHEMA},
        once=host.once,
        fixture=host.fixture,
        shown=shown,
    )


def _taken(
    kind: str, old: Mapping[str, Any], new: Mapping[str, Any], taken: Callable[[Key], bool]
) -> dict[str, Any]:
    chosen = {name: old[name] for name in old if not taken((kind, name))}
    chosen |= {name: new[name] for name in new if taken((kind, name))}
    return {name: chosen[name] for name in dict.fromkeys((*old, *new)) if name in chosen}


def _book(
    candidate: Baseline, baseline: Baseline, taken: Callable[[Key], bool], host: Baseline
) -> dict[str, Any]:
    """Return the executed copy: the host's cells, and those that only the candidate has if they are taken."""
    new, old = copy_of(candidate), copy_of(baseline)
    ours = {cell.id: cell for cell in old.code} if old else {}
    theirs = {cell.id: cell for cell in new.code} if new else {}
    names = labels(candidate, baseline)

    def filled(cell: Cell) -> dict[str, Any]:
        record = {
            "cell_type": cell.kind,
            "id": cell.id,
            "metadata": {"tags": sorted(cell.tags)} if cell.tags else {},
            "source": cell.source.splitlines(keepends=True),
        }
        if cell.kind != "code":
            return record
        outputs = list(_outputs(ours.get(cell.id), theirs.get(cell.id), names[cell.id], taken))
        return {**record, "execution_count": None, "outputs": outputs}

    book = new if host is candidate else old
    book = book or old or new
    cells = [filled(cell) for cell in book.cells] if book else []
    if book is old and new is not None:
        added = [filled(cell) for cell in new.code if cell.id not in ours]
        cells += [cell for cell in added if cell["outputs"]]
    metadata = dict(book.metadata) if book else {}
    return {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


def _outputs(
    ours: Cell | None, theirs: Cell | None, label: str, taken: Callable[[Key], bool]
) -> Iterator[Mapping[str, Any]]:
    """Yield the outputs of a cell, each from the side that it is taken from."""
    for side, chosen in ((ours, False), (theirs, True)):
        for output in side.outputs if side else ():
            if taken(_key_of(output, label)) is chosen:
                yield output


def _key_of(output: Mapping[str, Any], label: str) -> Key:
    """Return what a slim output is: the text of its cell, or the trace of an artifact (see `slim`)."""
    if output.get("name") == "stdout":
        return "output", label
    return "artifact", traced(output)
