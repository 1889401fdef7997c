"""What a run gave: metrics, rich outputs, written files and the text of each cell."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from pytest_nbrepro import displays, files, scalars
from pytest_nbrepro.errors import WorkspaceError
from pytest_nbrepro.kernels.showing import KEPT
from pytest_nbrepro.masks import ALL, mask, terminal_text
from pytest_nbrepro.model import Artifact, CellRecord, Masking, Metric, Number, Run
from pytest_nbrepro.notebook import Cell, Notebook
from pytest_nbrepro.store import WORK

IGNORE_TAG = "nbrepro:ignore"
METRICS_TAG = "metrics"
OUTSIDE = "@up"  # stands for `..` in the stored paths of files written beside the notebook's folder
_TEXTS = ("text/plain", "text/markdown", "text/latex")


@dataclass(frozen=True)
class Hidden:
    """What means nothing in the text of one run: its folders, and the dates of its days.

    Other dates are results. Without `days` every date is hidden. `masks` are those of the annotation.
    """

    folders: tuple[str, ...] = ()
    days: frozenset[date] | None = None
    masks: Masking = ALL

    @classmethod
    def of(cls, run: Run, root: Path, masks: Masking) -> Hidden:
        """Return what means nothing in a run of the project at `root`; a day more on either side for time zones."""
        begun = datetime.fromisoformat(run.started).date()
        length = timedelta(seconds=run.duration or 0.0).days + 1
        days = frozenset(begun + timedelta(days=n) for n in range(-1, length + 1))
        return cls((str(run.folder / WORK), str(run.folder), str(root)), days, masks)

    def apply(self, text: str) -> tuple[str, dict[str, int]]:
        """Return a text without what means nothing, and how often each mask hid something."""
        return mask(text, folders=self.folders, days=self.days, masking=self.masks)


@dataclass(frozen=True)
class Captured:
    """What `capture` found."""

    metrics: Mapping[str, Metric]
    artifacts: Mapping[str, Artifact]
    cells: tuple[CellRecord, ...]
    notes: tuple[str, ...]


def capture(
    notebook: Notebook,
    folder: Path,
    *,
    values: Mapping[str, Metric],
    written: Iterable[tuple[str, Path]],
    flags: Mapping[str, object],
    seconds: Mapping[int, float],
    hidden: Hidden,
) -> Captured:
    """Collect what a run gave into its folder.

    Args:
        notebook: the executed copy.
        folder: the run's folder; files go to `files/`, rich outputs to `cells/`.
        values: metrics that the kernel reported itself, in full precision; they win over printed ones.
        written: (name, path) of the files that the run wrote; they are moved.
        flags: all flags of the run.
        seconds: how long each cell took, by index.
        hidden: what means nothing in the text of this run.

    Raises:
        WorkspaceError: two files claim one place.
    """
    compared = [cell for cell in notebook.code if IGNORE_TAG not in cell.tags]
    printed = scalars.metrics(_stdout_lines(compared), flags)
    metrics = {**printed, **_glued_metrics(compared), **values}
    found = list(written)
    taken = {name for name, _ in found}
    artifacts = {a.name: a for a in (*_files(found, folder), *displays.rich(compared, folder, taken))}
    shutil.rmtree(folder / KEPT, ignore_errors=True)
    cells, notes = [], list[str]()
    for cell in notebook.code:
        text, hits = cell_text(cell, metrics, hidden)
        if IGNORE_TAG not in cell.tags:
            label = notebook.label(cell.index)
            notes += [f"{label}: the mask {name!r} hid {n}" for name, n in hits.items()]
        digest = files.sha256_text(text) if cell.index in seconds else ""
        source = files.sha256_text(cell.source)
        cells.append(CellRecord(cell.index, cell.id, source, digest, seconds.get(cell.index)))
    return Captured(metrics, artifacts, tuple(cells), tuple(notes))


def cell_text(cell: Cell, metrics: Iterable[str], hidden: Hidden) -> tuple[str, dict[str, int]]:
    """Return the text of a cell that is compared, and how often each mask hid something in it.

    That is stdout and the results that have no better form than text, in their order; without stderr and
    without the lines that print metrics, which are checked as such.
    """
    known = {*metrics, "step"}
    pieces: list[str] = []
    stream: list[str] = []
    for output in cell.outputs:
        if output.get("output_type") == "stream":
            if output.get("name") == "stdout":
                stream.append(displays.joined(output.get("text", "")))
            continue
        pieces.append(_without_metrics("".join(stream), known))
        stream = []
        if METRICS_TAG not in cell.tags or output.get("output_type") != "execute_result":
            pieces.append(_result_text(output))
    pieces.append(_without_metrics("".join(stream), known))
    text = "\n".join(piece.rstrip("\n") for piece in pieces if piece.strip())
    return hidden.apply(text)


def _without_metrics(text: str, known: set[str]) -> str:
    lines = terminal_text(text).split("\n")
    return "\n".join(line for line in lines if scalars.name_of(line) not in known)


def _result_text(output: Mapping[str, Any]) -> str:
    if output.get("output_type") == "error":
        return f"{output.get('ename')}: {displays.joined(output.get('evalue', ''))}"
    data = output.get("data", {})
    if not displays.is_text(output):
        return ""
    return next((displays.joined(data[mime]) for mime in _TEXTS if mime in data), "")


def _stdout_lines(cells: Iterable[Cell]) -> Iterator[tuple[int, str]]:
    for cell in cells:
        text = "".join(
            displays.joined(output.get("text", ""))
            for output in cell.outputs
            if output.get("name") == "stdout"
        )
        for line in terminal_text(text).split("\n"):
            yield cell.index, line


def _glued_metrics(cells: Iterable[Cell]) -> dict[str, Metric]:
    return {
        name: Metric(value, dtype_of(value), cell.index)
        for cell in cells
        for output in cell.outputs
        for name, value in displays.glued(output.get("data", {})).items()
        if displays.is_number(value)
    }


def dtype_of(value: Number) -> str:
    """Return the dtype name of a Python number."""
    if isinstance(value, bool):
        return "bool"
    return "int" if isinstance(value, int) else "float64"


# ---------------------------------------------------------------------------------------------------
# Files


def _files(written: Sequence[tuple[str, Path]], folder: Path) -> Iterator[Artifact]:
    left = Counter(source for _, source in written)
    for name, source in written:
        path = folder / "files" / Path(*(OUTSIDE if part == ".." else part for part in name.split("/")))
        if path.exists():
            raise WorkspaceError(
                f"two files claim the place of {name}", hint=f"rename the folder {OUTSIDE!r}"
            )
        path.parent.mkdir(parents=True, exist_ok=True)
        left[source] -= 1
        if left[source]:  # a link leads to it, too: it is kept under each of its names
            shutil.copyfile(source, path)
        else:
            os.replace(source, path)  # noqa: PTH105 - same file system, no copy
        yield displays.artifact(name, path, folder, None)
