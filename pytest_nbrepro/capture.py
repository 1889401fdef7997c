"""What a run gave: metrics, rich outputs, written files and the text of each cell."""

from __future__ import annotations

import base64
import json
import os
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from pytest_nbrepro import files, scalars
from pytest_nbrepro.errors import WorkspaceError
from pytest_nbrepro.masks import ALL, mask, terminal_text
from pytest_nbrepro.model import Artifact, CellRecord, Masking, Metric, Number, Run
from pytest_nbrepro.notebook import Cell, Notebook

IGNORE_TAG = "nbrepro:ignore"
METRICS_TAG = "metrics"
_NAME_TAG = "artifact:"
_OUTSIDE = "@up"  # stands for `..` in the stored paths of files written beside the notebook's folder
_LONGEST = 200  # bytes of a file name of ours, so that a hash and a suffix fit behind it

# The best comparable MIME type of a rich output wins (design: data before pictures before markup).
_MIMES: tuple[tuple[str, str], ...] = (
    ("application/vnd.plotly", "json"),
    ("application/vnd.vega", "json"),
    ("application/json", "json"),
    ("text/csv", "csv"),
    ("image/png", "png"),
    ("image/jpeg", "jpg"),
    ("image/gif", "gif"),
    ("image/webp", "webp"),
    ("image/svg+xml", "svg"),
    ("application/pdf", "pdf"),
    ("text/html", "html"),
)
_BINARY = {"png", "jpg", "gif", "webp", "pdf", "parquet"}  # in notebooks these are base64
_TEXTS = ("text/plain", "text/markdown", "text/latex")
_SCRAP = "application/scrapbook.scrap."
_FRAME = "application/scrapbook.scrap.pandas+json"  # holds a data frame as Parquet, in base64
_RECORD = "application/papermill.record+json"


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
        return cls((str(run.folder / "work"), str(run.folder), str(root)), days, masks)

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
    artifacts = {a.name: a for a in (*_files(found, folder), *_rich(compared, folder, taken))}
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
                stream.append(joined(output.get("text", "")))
            continue
        pieces.append(_without_metrics("".join(stream), known))
        stream = []
        if METRICS_TAG not in cell.tags or output.get("output_type") != "execute_result":
            pieces.append(_result_text(output))
    pieces.append(_without_metrics("".join(stream), known))
    text = "\n".join(piece.rstrip("\n") for piece in pieces if piece.strip())
    return hidden.apply(text)


def best_mime(data: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return the MIME type by which a rich output is compared and its file suffix; None for text and numbers."""
    for prefix, suffix in _MIMES:
        for mime in sorted(data):
            if mime.startswith(prefix) and not (suffix == "html" and _says_no_more(data)):
                return mime, suffix
    if any(not _is_number(value) for value in _glued(data).values()):
        mime = next(mime for mime in sorted(data) if mime == _RECORD or mime.startswith(_SCRAP))
        return mime, "parquet" if mime == _FRAME else "json"
    return None


def _says_no_more(data: Mapping[str, Any]) -> bool:
    """Tell whether HTML only shows what the text beside it says: that of an estimator of scikit-learn.

    There it is mostly documentation of the installed version, and holds how long fitting took.
    """
    return "text/plain" in data and "sk-text-repr-fallback" in joined(data["text/html"])


def joined(text: Any) -> str:
    """Return a notebook's text, which may be stored as a list of lines, as one string."""
    return "".join(text) if isinstance(text, list) else str(text)


def _without_metrics(text: str, known: set[str]) -> str:
    lines = terminal_text(text).split("\n")
    return "\n".join(line for line in lines if scalars.name_of(line) not in known)


def _result_text(output: Mapping[str, Any]) -> str:
    if output.get("output_type") == "error":
        return f"{output.get('ename')}: {joined(output.get('evalue', ''))}"
    data = output.get("data", {})
    if best_mime(data) is not None or _glued(data):
        return ""
    return next((joined(data[mime]) for mime in _TEXTS if mime in data), "")


def _stdout_lines(cells: Iterable[Cell]) -> Iterator[tuple[int, str]]:
    for cell in cells:
        text = "".join(
            joined(output.get("text", "")) for output in cell.outputs if output.get("name") == "stdout"
        )
        for line in terminal_text(text).split("\n"):
            yield cell.index, line


# ---------------------------------------------------------------------------------------------------
# Rich outputs


def _rich(cells: Iterable[Cell], folder: Path, taken: set[str]) -> Iterator[Artifact]:
    """Write the rich outputs; each gets a name that nothing else in `taken` has."""
    for cell in cells:
        named = sorted(tag.removeprefix(_NAME_TAG) for tag in cell.tags if tag.startswith(_NAME_TAG))
        base = (named[0] if named else "") or f"cell:{cell.id}"
        for output in cell.outputs:
            data = output.get("data", {})
            chosen = best_mime(data)
            if chosen is None:
                continue
            mime, suffix = chosen
            name = _free_name(_scrap_name(output) or base, taken)
            path = folder / "cells" / f"{_file_name(name)}.{suffix}"
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(_content(suffix, data[mime]["data"] if mime == _FRAME else data[mime]))
            yield _artifact(name, path, folder, cell.index)


def _scrap_name(output: Mapping[str, Any]) -> str:
    """Return the name that scrapbook's `glue` gave an output, of data or to be seen; nothing for any other."""
    about = output.get("metadata", {}).get("scrapbook")
    name = about.get("name") if isinstance(about, dict) else None
    return name if isinstance(name, str) else ""


def _free_name(base: str, taken: set[str]) -> str:
    name, number = base, 1
    while name in taken:
        number += 1
        name = f"{base}#{number}"
    taken.add(name)
    return name


def _content(suffix: str, value: Any) -> bytes:
    if suffix == "json":
        try:
            return files.dump_json(value).encode()
        except ValueError:  # a NaN: Python's notation, which the comparer reads
            return json.dumps(value, sort_keys=True).encode()
    text = joined(value)
    if suffix in _BINARY:
        try:
            return base64.b64decode(text)
        except ValueError:
            return text.encode("utf-8", "surrogatepass")  # no image: its comparer says so
    return text.encode("utf-8", "surrogatepass")


def _file_name(name: str) -> str:
    """Return the file name for the name of a rich output; no two names have the same."""
    own = name.startswith("cell:")
    wanted = f"cell-{name.removeprefix('cell:')}" if own else name
    safe = "".join(c if c.isalnum() or c in "-_.#=" else "_" for c in wanted)
    short = safe.encode()[:_LONGEST].decode("utf-8", "ignore").lstrip(".")
    plain = short == wanted and "--" not in short and (own or not short.startswith("cell-"))
    return short if plain else f"{short}--{files.sha256_text(name)[:8]}"


def _glued(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return by name what papermill's and scrapbook's `glue` recorded in an output; both are MIME records."""
    record = data.get(_RECORD)
    found = dict(record) if isinstance(record, dict) else {}
    for mime, scrap in data.items():
        if mime.startswith(_SCRAP) and isinstance(scrap, dict):
            found[str(scrap.get("name"))] = scrap.get("data")
    return found


def _glued_metrics(cells: Iterable[Cell]) -> dict[str, Metric]:
    return {
        name: Metric(value, dtype_of(value), cell.index)
        for cell in cells
        for output in cell.outputs
        for name, value in _glued(output.get("data", {})).items()
        if _is_number(value)
    }


def _is_number(value: object) -> bool:
    return isinstance(value, (bool, int, float))


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
        path = folder / "files" / Path(*(_OUTSIDE if part == ".." else part for part in name.split("/")))
        if path.exists():
            raise WorkspaceError(
                f"two files claim the place of {name}", hint=f"rename the folder {_OUTSIDE!r}"
            )
        path.parent.mkdir(parents=True, exist_ok=True)
        left[source] -= 1
        if left[source]:  # a link leads to it, too: it is kept under each of its names
            shutil.copyfile(source, path)
        else:
            os.replace(source, path)  # noqa: PTH105 - same file system, no copy
        yield _artifact(name, path, folder, None)


def _artifact(name: str, path: Path, folder: Path, cell: int | None) -> Artifact:
    return Artifact(
        name=name,
        kind="",  # the comparers know kinds; `comparers.described` fills it in
        path=path.relative_to(folder).as_posix(),
        sha256=files.sha256(path),
        bytes=path.stat().st_size,
        cell=cell,
    )
