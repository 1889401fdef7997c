"""Rich outputs of cells: the data behind each where the kernel kept them, and what people see of it."""

from __future__ import annotations

import base64
import json
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pytest_nbrepro import files
from pytest_nbrepro.kernels.showing import KEPT, MARK
from pytest_nbrepro.model import Artifact, Picture
from pytest_nbrepro.notebook import Cell

_NAME_TAG = "artifact:"
_LONGEST = 200  # bytes of a file name of ours, so that a hash and a suffix fit behind it
_FILE = re.compile(r"[0-9]+\.(frame|npy|npz)")  # as the kernel calls what it keeps

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
_SCRAP = "application/scrapbook.scrap."
_FRAME = "application/scrapbook.scrap.pandas+json"  # holds a data frame as Parquet, in base64
_RECORD = "application/papermill.record+json"


@dataclass(frozen=True)
class Mark:
    """What the kernel says of the data behind an output: the file that has them, or why there is none."""

    kind: str
    file: str = ""
    why: str = ""


def mark_of(output: Mapping[str, Any]) -> Mark | None:
    """Return the mark of an output; None where its data are of no known kind."""
    told = output.get("metadata", {}).get(MARK)
    if not isinstance(told, dict) or not all(isinstance(text, str) for text in told.values()):
        return None
    if _FILE.fullmatch(told.get("file", "")):
        return Mark(told.get("kind", ""), file=told["file"])
    return Mark(told.get("kind", ""), why=told["why"]) if told.get("why") else None


def is_text(output: Mapping[str, Any]) -> bool:
    """Tell whether an output is compared as text: it has no better form, and no data behind it are kept."""
    data, mark = output.get("data", {}), mark_of(output)
    return best_mime(data) is None and not glued(data) and not (mark and mark.file)


def best_mime(data: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return the MIME type by which a rich output is compared and its file suffix; None for text and numbers."""
    for prefix, suffix in _MIMES:
        for mime in sorted(data):
            if mime.startswith(prefix) and not (suffix == "html" and _says_no_more(data)):
                return mime, suffix
    if any(not is_number(value) for value in glued(data).values()):
        mime = next(mime for mime in sorted(data) if mime == _RECORD or mime.startswith(_SCRAP))
        return mime, "parquet" if mime == _FRAME else "json"
    return None


def _says_no_more(data: Mapping[str, Any]) -> bool:
    """Tell whether HTML only shows what the text beside it says: that of an estimator of scikit-learn.

    There it is mostly documentation of the installed version, and holds how long fitting took.
    """
    return "text/plain" in data and "sk-text-repr-fallback" in joined(data["text/html"])


def glued(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return by name what papermill's and scrapbook's `glue` recorded in an output; both are MIME records."""
    record = data.get(_RECORD)
    found = dict(record) if isinstance(record, dict) else {}
    for mime, scrap in data.items():
        if mime.startswith(_SCRAP) and isinstance(scrap, dict):
            found[str(scrap.get("name"))] = scrap.get("data")
    return found


def is_number(value: object) -> bool:
    """Tell whether a value can be a metric."""
    return isinstance(value, (bool, int, float))


def joined(text: Any) -> str:
    """Return a notebook's text, which may be stored as a list of lines, as one string."""
    return "".join(text) if isinstance(text, list) else str(text)


def artifact(name: str, path: Path, folder: Path, cell: int | None) -> Artifact:
    """Return the artifact of a file that lies in a run's folder."""
    return Artifact(
        name=name,
        kind="",  # the comparers know kinds; `comparers.described` fills it in
        path=path.relative_to(folder).as_posix(),
        sha256=files.sha256(path),
        bytes=path.stat().st_size,
        cell=cell,
    )


def rich(cells: Iterable[Cell], folder: Path, taken: set[str]) -> Iterator[Artifact]:
    """Write the rich outputs into a run's folder; each gets a name that nothing else in `taken` has."""
    for cell in cells:
        named = sorted(tag.removeprefix(_NAME_TAG) for tag in cell.tags if tag.startswith(_NAME_TAG))
        base = (named[0] if named else "") or f"cell:{cell.id}"
        for output in cell.outputs:
            mark, chosen = mark_of(output), best_mime(output.get("data", {}))
            kept = mark is not None and bool(mark.file)
            if chosen is None and not kept:
                continue
            name = _free_name(_scrap_name(output) or base, taken)
            path = folder / "cells" / _file_name(name)
            path.parent.mkdir(exist_ok=True)
            seen = None if chosen is None else _seen(name, path, output["data"], chosen, folder, cell.index)
            found = seen if mark is None else _marked(name, path, mark, seen, folder, cell.index)
            if found is not None:
                yield found


def _seen(
    name: str, path: Path, data: Mapping[str, Any], chosen: tuple[str, str], folder: Path, cell: int
) -> Artifact:
    """Write what people see of an output."""
    mime, suffix = chosen
    target = path.with_name(f"{path.name}.{suffix}")
    target.write_bytes(_content(suffix, data[mime]["data"] if mime == _FRAME else data[mime]))
    return artifact(name, target, folder, cell)


def _marked(
    name: str, path: Path, mark: Mark, seen: Artifact | None, folder: Path, cell: int
) -> Artifact | None:
    """Return the data behind an output, and what is seen of them beside; what is seen where there are none."""
    if not mark.file:
        return None if seen is None else replace(seen, untaken=mark.why)
    target = path.with_name(f"{path.name}{Path(mark.file).suffix}")
    shutil.copyfile(folder / KEPT / mark.file, target)  # outputs that share a display id share it
    shown = None if seen is None else Picture(seen.path, seen.sha256, seen.bytes)
    return replace(artifact(name, target, folder, cell), kind=mark.kind, shown=shown)


def untaken(cell: Cell) -> list[str]:
    """Return why data are not kept of which people see text alone, once each."""
    marks = [mark_of(output) for output in cell.outputs if is_text(output)]
    return list(dict.fromkeys(f"{mark.kind} by its text: {mark.why}" for mark in marks if mark is not None))


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
