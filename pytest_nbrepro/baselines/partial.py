"""What a candidate changes of a baseline, and the baseline that takes in only some of it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_nbrepro import displays, notebook
from pytest_nbrepro.baselines.drafts import Draft
from pytest_nbrepro.baselines.reading import SCHEMA
from pytest_nbrepro.model import Artifact, Baseline, Metric
from pytest_nbrepro.notebook import Cell, Notebook

Key = tuple[str, str]  # ("metric", "artifact" or "output", name)


@dataclass(frozen=True)
class Change:
    """One value in which a candidate differs from the baseline; None stands for none."""

    key: Key
    before: Metric | Artifact | str | None
    after: Metric | Artifact | str | None


def changes(candidate: Baseline, baseline: Baseline | None) -> list[Change]:
    """Return in which values a candidate differs from the baseline: metrics, artifacts, then texts of cells.

    Raises:
        NotebookError: an executed copy cannot be read.
    """
    old = baseline or _nothing(candidate)
    return [
        *_differing("metric", old.metrics, candidate.metrics),
        *_differing("artifact", old.artifacts, candidate.artifacts),
        *_differing("output", _texts(old, candidate), _texts(candidate, candidate)),
    ]


def _nothing(candidate: Baseline) -> Baseline:
    return Baseline(candidate.folder, {}, {}, None, {})


def _differing(kind: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    for name in dict.fromkeys((*old, *new)):
        before, after = old.get(name), new.get(name)
        if _essence(before) != _essence(after):
            yield Change((kind, name), before, after)


def _essence(value: Metric | Artifact | str | None) -> tuple[str, ...] | str | None:
    """Return what makes two values the same; NaN is itself, and -0.0 is not 0.0."""
    if isinstance(value, Metric):
        return repr(value.value), value.dtype
    if isinstance(value, Artifact):
        return value.sha256, value.kind
    return value


def _cells(side: Baseline) -> Notebook | None:
    return notebook.read(side.notebook) if side.notebook is not None else None


def _texts(side: Baseline, candidate: Baseline) -> dict[str, str]:
    """Return the texts of cells by their labels, those of the candidate where it has the cell."""
    book, new = _cells(side), _cells(candidate)
    labels = {cell.id: new.label(cell.index) for cell in new.code} if new else {}
    if book is None:
        return {}
    found = {
        labels.get(cell.id) or f"{book.label(cell.index)} of the baseline": text_of(cell)
        for cell in book.code
    }
    return {name: text for name, text in found.items() if text}


def text_of(cell: Cell) -> str:
    """Return the text of a cell that a baseline keeps."""
    return "".join(
        displays.joined(output["text"]) for output in cell.outputs if output.get("name") == "stdout"
    )


def partly(candidate: Baseline, baseline: Baseline | None, taken: Collection[Key]) -> Draft:
    """Return the baseline that takes in some changes of a candidate; all else stays as it is.

    Sources and environment stay those of the present baseline, too, as most of its values belong to them; where
    there is none they are the candidate's.

    Args:
        candidate: what waits.
        baseline: the present one.
        taken: the keys of the changes.
    """
    old, taken = baseline or _nothing(candidate), frozenset(taken)
    metrics = _taken("metric", old.metrics, candidate.metrics, taken)
    artifacts: dict[str, Artifact] = _taken("artifact", old.artifacts, candidate.artifacts, taken)
    folders = {name: candidate.folder if ("artifact", name) in taken else old.folder for name in artifacts}
    sources: dict[str, Path] = {
        name: folders[name] / artifact.path
        for name, artifact in artifacts.items()
        if artifact.stored != "hash"
    }
    shown = {name: folders[name] / a.shown.path for name, a in artifacts.items() if a.shown is not None}
    host = candidate if baseline is None else baseline
    return Draft(
        metrics=metrics,
        artifacts=artifacts,
        sources=sources,
        notebook=_book(candidate, baseline, taken),
        environment=host.environment or {"schema": SCHEMA},
        once=host.once,
        fixture=host.fixture,
        shown=shown,
    )


def _taken(
    kind: str, old: Mapping[str, Any], new: Mapping[str, Any], taken: Collection[Key]
) -> dict[str, Any]:
    chosen = {name: old.get(name) for name in old if (kind, name) not in taken}
    chosen |= {name: new[name] for name in new if (kind, name) in taken}
    return {name: chosen[name] for name in dict.fromkeys((*old, *new)) if name in chosen}


def _book(candidate: Baseline, baseline: Baseline | None, taken: Collection[Key]) -> dict[str, Any]:
    """Return the executed copy: the present one's cells, and those that only the candidate has if they are taken."""
    new = _cells(candidate)
    old = _cells(baseline) if baseline is not None else None
    ours = {cell.id: cell for cell in old.code} if old else {}
    theirs = {cell.id: cell for cell in new.code} if new else {}
    labels = {cell.id: new.label(cell.index) for cell in new.code} if new else {}
    labels |= (
        {i: f"{old.label(c.index)} of the baseline" for i, c in ours.items() if i not in labels}
        if old
        else {}
    )

    def filled(cell: Cell) -> dict[str, Any]:
        record = {
            "cell_type": cell.kind,
            "id": cell.id,
            "metadata": {"tags": sorted(cell.tags)} if cell.tags else {},
            "source": cell.source.splitlines(keepends=True),
        }
        if cell.kind != "code":
            return record
        outputs = list(_outputs(ours.get(cell.id), theirs.get(cell.id), labels[cell.id], taken))
        return {**record, "execution_count": None, "outputs": outputs}

    host = old or new
    cells = [filled(cell) for cell in host.cells] if host else []
    if old is not None and new is not None:
        added = [filled(cell) for cell in new.code if cell.id not in ours]
        cells += [cell for cell in added if cell["outputs"]]
    metadata = dict(host.metadata) if host else {}
    return {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


def _outputs(
    ours: Cell | None, theirs: Cell | None, label: str, taken: Collection[Key]
) -> Iterator[Mapping[str, Any]]:
    """Yield the outputs of a cell, each from the side that it is taken from."""
    for side, chosen in ((ours, False), (theirs, True)):
        for output in side.outputs if side else ():
            if (_key_of(output, label) in taken) is chosen:
                yield output


def _key_of(output: Mapping[str, Any], label: str) -> Key:
    """Return what a slim output is: the text of its cell, or the trace of an artifact (see `slim`)."""
    if output.get("name") == "stdout":
        return "output", label
    return "artifact", displays.joined(output["data"]["text/plain"]).rpartition(": sha256 ")[0]
