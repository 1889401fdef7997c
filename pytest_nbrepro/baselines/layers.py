"""Overlays over a baseline: which apply to a run, and the accepted values that they make together."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pytest_nbrepro import displays, files, notebook
from pytest_nbrepro.baselines.reading import overlay_folders, read
from pytest_nbrepro.model import Artifact, Baseline, Metric
from pytest_nbrepro.notebook import Cell, Notebook
from pytest_nbrepro.options import is_tag

Entry = tuple[str, str]
"""One accepted value: ("metric" or "artifact", name), or ("output", id of a code cell) for the text of a cell."""
Value = Metric | Artifact | str


def tags_of(environment: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the tags whose overlays apply to a run, the most specific last.

    Args:
        environment: its environment record: first comes its platform, then the tags that the user gave.
    """
    tags = environment.get("tags", ())
    given = [environment.get("platform"), *(tags if isinstance(tags, (list, tuple)) else ())]
    return tuple(dict.fromkeys(tag for tag in given if isinstance(tag, str) and is_tag(tag)))


def read_overlays(folder: Path, tags: Sequence[str] | None = None) -> dict[str, Baseline]:
    """Read the overlays of the baseline in `folder`, by tag in the order of `tags`; None stands for all of them.

    Raises:
        BaselineError: one of them cannot be read.
    """
    there = overlay_folders(folder)
    found = {tag: read(there[tag]) for tag in (there if tags is None else tags) if tag in there}
    return {tag: overlay for tag, overlay in found.items() if overlay is not None}


def read_merged(folder: Path, tags: Sequence[str]) -> Baseline | None:
    """Read what is accepted in `folder` where tags apply, entry by entry; None where there is no baseline.

    Raises:
        BaselineError, NotebookError: it cannot be read.
    """
    common = read(folder)
    return None if common is None else merged(common, read_overlays(folder, tags))


def merged(common: Baseline, overlays: Mapping[str, Baseline], leave: Collection[Entry] = ()) -> Baseline:
    """Return a baseline with overlays over it.

    An overlay only says otherwise what the common baseline says: entries that this one lacks count for nothing.

    Args:
        common: the common baseline.
        overlays: by tag, the most specific last.
        leave: entries whose most specific overlay is passed over.
    """
    if not overlays:
        return common
    known = set(values_of(common))
    holders: dict[Entry, list[str]] = {}
    for tag, overlay in overlays.items():
        for entry in known.intersection(values_of(overlay)):
            holders.setdefault(entry, []).append(tag)
    for entry in holders.keys() & set(leave):
        holders[entry].pop()
    origins = {entry: tags[-1] for entry, tags in holders.items() if tags}
    anchors = {name: anchor for name, anchor in common.anchors.items() if ("metric", name) not in origins}
    metrics, artifacts = dict(common.metrics), dict(common.artifacts)
    for (kind, name), tag in origins.items():
        overlay = overlays[tag]
        if kind == "metric":
            metrics[name] = overlay.metrics[name]
            anchors |= {name: overlay.anchors[name]} if name in overlay.anchors else {}
        elif kind == "artifact":
            artifacts[name] = overlay.artifacts[name]
    return replace(
        common,
        metrics=metrics,
        artifacts=artifacts,
        anchors=anchors,
        origins=origins,
        layers=dict(overlays),
    )


def values_of(side: Baseline) -> dict[Entry, Value]:
    """Return all values of a baseline; the text of a cell that prints nothing is "".

    Raises:
        NotebookError: its executed copy cannot be read.
    """
    book = notebook.read(side.notebook) if side.notebook is not None else None
    return values(side.metrics, side.artifacts, book)


def values(
    metrics: Mapping[str, Metric], artifacts: Mapping[str, Artifact], book: Notebook | None
) -> dict[Entry, Value]:
    """Return metrics, artifacts and the texts of a slim copy as one mapping."""
    return {
        **{("metric", name): metric for name, metric in metrics.items()},
        **{("artifact", name): artifact for name, artifact in artifacts.items()},
        **{("output", cell.id): stored_text(cell) for cell in (book.code if book else ())},
    }


def copy_of(side: Baseline) -> Notebook | None:
    """Return the accepted executed copy, with the texts and the hashes that overlays say otherwise.

    Raises:
        NotebookError: it cannot be read.
    """
    if side.notebook is None:
        return None
    book = notebook.read(side.notebook)
    if not side.origins:
        return book
    texts = dict(_overlaid(side))
    cells = [_with(book, cell, texts.get(cell.id), side) for cell in book.cells]
    return notebook.parse(files.dump_json({**book.raw, "cells": cells}), side.notebook)


def _overlaid(side: Baseline) -> Iterator[tuple[str, str]]:
    """Yield cell ids and texts of cells that overlays say otherwise."""
    for tag, overlay in side.layers.items():
        if overlay.notebook is not None:
            for cell in notebook.read(overlay.notebook).code:
                if side.origins.get(("output", cell.id)) == tag:
                    yield cell.id, stored_text(cell)


def _with(book: Notebook, cell: Cell, text: str | None, side: Baseline) -> dict[str, Any]:
    """Return a cell of the common copy as overlays have it."""
    raw: dict[str, Any] = book.raw["cells"][cell.index]
    if cell.kind != "code":
        return raw
    own = stored_text(cell) if text is None else text
    others = [_traced(output, side) for output in cell.outputs if output.get("name") != "stdout"]
    return {**raw, "outputs": [*([stream(own)] if own else []), *others]}


def _traced(output: Mapping[str, Any], side: Baseline) -> Mapping[str, Any]:
    name = traced(output)
    return trace(side.artifacts[name]) if ("artifact", name) in side.origins else output


# ---------------------------------------------------------------------------------------------------
# What a slim copy holds of outputs


def stream(text: str) -> dict[str, Any]:
    """Return the text of a cell as an output."""
    return {"name": "stdout", "output_type": "stream", "text": text.splitlines(keepends=True)}


def stored_text(cell: Cell) -> str:
    """Return the text of a cell that a baseline keeps."""
    return "".join(
        displays.joined(output["text"]) for output in cell.outputs if output.get("name") == "stdout"
    )


def trace(artifact: Artifact) -> dict[str, Any]:
    """Return what stands for a rich output: its name and hash."""
    data = {"text/plain": [f"{artifact.name}: sha256 {artifact.sha256}"]}
    return {"data": data, "metadata": {}, "output_type": "display_data"}


def traced(output: Mapping[str, Any]) -> str:
    """Return the name of the artifact that an output stands for (see `trace`)."""
    return displays.joined(output["data"]["text/plain"]).rpartition(": sha256 ")[0]
