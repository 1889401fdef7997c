"""Composing the baseline that accepting a run makes, and writing it into a fresh folder."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pytest_nbrepro import capture, files, notebook
from pytest_nbrepro.baselines.layers import Entry, Value, copy_of, stored_text, stream, trace, values
from pytest_nbrepro.baselines.reading import ENVIRONMENT, MANIFEST, METRICS, NOTEBOOK, SCHEMA
from pytest_nbrepro.model import Artifact, Baseline, Metric, Run
from pytest_nbrepro.notebook import Cell, Notebook
from pytest_nbrepro.store import artifact_record

LARGEST = 1 << 20  # bytes of an artifact that is kept whole
SKETCH = ".sketch.npz"  # what the path of a sketch has behind that of its artifact


@dataclass(frozen=True)
class Draft:
    """A baseline about to be written; `sources` tells where the stored files come from, `shown` their pictures."""

    metrics: Mapping[str, Metric]
    artifacts: Mapping[str, Artifact]
    sources: Mapping[str, Path]
    notebook: dict[str, Any] | None  # None for none: an overlay in which no text differs
    environment: Mapping[str, Any]
    once: bool
    fixture: bool
    shown: Mapping[str, Path] = field(default_factory=dict)


def compose(
    run: Run,
    executed: Notebook,
    environment: Mapping[str, Any],
    baseline: Baseline | None,
    keep: Collection[tuple[str, str]],
    leave: Collection[tuple[str, str]] = (),
    *,
    once: bool,
    fixture: bool,
    hidden: capture.Hidden,
    sketches: Mapping[str, Path] | None = None,
) -> Draft:
    """Return the baseline that accepting `run` makes.

    Args:
        run: the run.
        executed: its executed copy.
        environment: what its `environment.json` says, the portable part.
        baseline: the present one.
        keep: ("metric", "artifact" or "output", name) of values that pass, which stay as the present baseline
            has them; the text of a cell goes by the cell's label.
        leave: ("metric" or "artifact", name) of values that nobody compares, which no baseline has.
        once: whether it rests on one run alone.
        fixture: whether a test function asked for it.
        hidden: what means nothing in the text of this run.
        sketches: by name, what is kept of artifacts of the run that are too large to keep.
    """
    metrics = {name: metric for name, metric in run.metrics.items() if ("metric", name) not in leave}
    artifacts: dict[str, Artifact] = {}
    sources: dict[str, Path] = {}
    shown: dict[str, Path] = {}
    known = sketches or {}
    for name, artifact in run.artifacts.items():
        if ("artifact", name) in leave:
            continue
        folder, kept = run.folder, artifact
        if baseline is not None and ("artifact", name) in keep:
            folder, kept = baseline.folder_of(name), baseline.artifacts[name]
        kept = replace(kept, cell=artifact.cell)
        if kept.stored == "sketch" or (kept.stored == "file" and kept.bytes <= LARGEST):
            sources[name] = folder / kept.path
        elif folder == run.folder and name in known:
            sources[name] = known[name]
            kept = replace(kept, stored="sketch", path=f"{kept.path}{SKETCH}")
        else:
            kept = replace(kept, stored="hash")
        if kept.shown is not None and kept.shown.bytes <= LARGEST:
            shown[name] = folder / kept.shown.path
        else:
            kept = replace(kept, shown=None)
        artifacts[name] = kept
    if baseline is not None:
        metrics |= {n: baseline.metrics[n] for n in metrics if ("metric", n) in keep}
    texts = _kept_texts(executed, baseline, keep)
    slimmed = slim(executed, replace(run, artifacts=artifacts), hidden, texts)
    return Draft(metrics, artifacts, sources, slimmed, environment, once, fixture, shown)


def _kept_texts(
    executed: Notebook, baseline: Baseline | None, keep: Collection[tuple[str, str]]
) -> dict[int, str]:
    """Return the accepted texts of the cells whose text passes, by cell index."""
    book = copy_of(baseline) if baseline is not None else None
    if book is None:
        return {}
    accepted = {cell.id: cell for cell in book.code}
    return {
        cell.index: stored_text(accepted[cell.id])
        for cell in executed.code
        if cell.id in accepted and ("output", executed.label(cell.index)) in keep
    }


def slim(
    executed: Notebook, run: Run, hidden: capture.Hidden, texts: Mapping[int, str] | None = None
) -> dict[str, Any]:
    """Return the executed copy as a baseline keeps it.

    Sources and the text that is compared stay; rich outputs are replaced by their hash; masks are applied, and
    metadata of the run (timings, widgets, signatures) are left out, so that accepting again changes only
    what changed.

    Args:
        executed: the executed copy.
        run: its run.
        hidden: what means nothing in the text of this run.
        texts: by cell index, texts that stand for those of this run.
    """
    known = texts or {}
    cells = [_slim_cell(cell, run, hidden, known.get(cell.index)) for cell in executed.cells]
    kernelspec = executed.metadata.get("kernelspec")
    return {
        "cells": cells,
        "metadata": {"kernelspec": kernelspec} if kernelspec else {},
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def _slim_cell(cell: Cell, run: Run, hidden: capture.Hidden, text: str | None) -> dict[str, Any]:
    tags = {"tags": sorted(cell.tags)} if cell.tags else {}
    record = {
        "cell_type": cell.kind,
        "id": cell.id,
        "metadata": tags,
        "source": cell.source.splitlines(keepends=True),
    }
    if cell.kind != "code":
        return record
    if text is None:
        text = "" if capture.IGNORE_TAG in cell.tags else capture.cell_text(cell, run.metrics, hidden)[0]
    outputs: list[dict[str, Any]] = []
    if text:
        outputs.append(stream(text))
    outputs += [trace(artifact) for artifact in run.artifacts.values() if artifact.cell == cell.index]
    return {**record, "execution_count": None, "outputs": outputs}


Contents = Mapping[str, Path | str]
"""The files of a tree: relative path to the file that is copied there, or the text that is written; in this order."""


def contents(draft: Draft) -> Contents:
    """Return the files of a baseline, the manifest last."""
    found: dict[str, Path | str] = {METRICS: _metrics_text(draft.metrics)}
    if draft.notebook is not None:
        found[NOTEBOOK] = files.dump_json(draft.notebook)
    found[ENVIRONMENT] = files.dump_json(draft.environment)
    found |= {draft.artifacts[name].path: source for name, source in draft.sources.items()}
    for name, source in draft.shown.items():
        if (picture := draft.artifacts[name].shown) is not None:
            found[picture.path] = source
    manifest: dict[str, Any] = {
        "artifacts": {name: _artifact_json(artifact) for name, artifact in draft.artifacts.items()},
        "schema": SCHEMA,
    }
    manifest |= {name: True for name in ("once", "fixture") if getattr(draft, name)}
    return {**found, MANIFEST: files.dump_json(manifest)}


def drafted(draft: Draft) -> dict[Entry, Value]:
    """Return all values of a draft, as `layers.values_of` does of what is written."""
    raw = draft.notebook
    book = notebook.parse(files.dump_json(raw), Path(NOTEBOOK)) if raw is not None else None
    return values(draft.metrics, draft.artifacts, book)


def write(tree: Contents, folder: Path) -> None:
    """Write files into a fresh folder.

    Raises:
        OSError: the disk is full or the folder cannot be written.
    """
    for path, content in tree.items():
        if isinstance(content, Path):
            files.copy(content, folder / path)
        else:
            files.write_text(folder / path, content)


def write_tree(draft: Draft, folder: Path) -> None:
    """Write a baseline into a fresh folder.

    Raises:
        OSError: the disk is full or the folder cannot be written.
    """
    write(contents(draft), folder)


def _metrics_text(metrics: Mapping[str, Metric]) -> str:
    """Return JSON with one metric a line, so that a review reads line by line."""
    lines = [
        f"  {files.dump_json(name, indent=None).strip()}: {files.dump_json(_metric_json(metric), indent=None).strip()}"
        for name, metric in sorted(metrics.items())
    ]
    body = "{\n" + ",\n".join(lines) + "\n }" if lines else "{}"
    return f'{{\n "metrics": {body},\n "schema": {SCHEMA}\n}}\n'


def _metric_json(metric: Metric) -> Any:
    """Return a metric's value; tagged where a reader would take it for another dtype, or there is more."""
    value = files.to_json(metric.value)
    plain = metric.dtype == capture.dtype_of(metric.value) and not isinstance(value, dict)
    if plain and not metric.steps and not metric.samples:
        return value
    record = {"dtype": metric.dtype, "value": value}
    if metric.steps:
        record["steps"] = [[step, files.to_json(number)] for step, number in metric.steps]
    if metric.samples:
        record["runs"] = [files.to_json(number) for number in metric.samples]
    return record


def _artifact_json(artifact: Artifact) -> dict[str, Any]:
    return {
        key: value for key, value in artifact_record(artifact).items() if value is not None and value != ""
    }
