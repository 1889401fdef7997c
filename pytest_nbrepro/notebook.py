"""Reading notebooks: version 4 of the format, checked as far as the other rooms rely on it."""

from __future__ import annotations

import codecs
import contextlib
import copy
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_nbrepro import nbreg, textual
from pytest_nbrepro.errors import NotebookError
from pytest_nbrepro.foreign import own_tags

_TITLE = 40
_PICTURE = b'"image/png": "'
_FENCE = re.compile(r" {0,3}(?:```|~~~)")
_HEADING = re.compile(r" {0,3}#{1,6}[ \t]+(?P<title>.*)")
_COMMENT = re.compile(r"#+(?:[ \t]*%%|[ \t]*@title\b)?(?P<title>.*)")
_MARKUP = re.compile(r"<[^<>]*>|\]\([^()]*\)|[*`\[\]]|\s#+\s*$")
_RULE = "-=*#~_"


@dataclass(frozen=True)
class Cell:
    """One cell; `index` counts all cells from 0 and `id` is unique in the notebook.

    `tags` are in our words, whatever tool they are for, and `outputs` are without what other tools' metadata leave out.
    """

    index: int
    id: str
    kind: str  # code, markdown, raw
    source: str
    tags: frozenset[str]
    metadata: Mapping[str, Any]
    outputs: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True)
class Notebook:
    """A notebook as it was read; `raw` is the parsed JSON and is never changed."""

    path: Path
    cells: tuple[Cell, ...]
    metadata: Mapping[str, Any]
    raw: dict[str, Any]

    @property
    def language(self) -> str:
        """The language of the code in lower case, ``python`` where the notebook does not say."""
        for place, key in (("language_info", "name"), ("kernelspec", "language")):
            name = _entry(self.metadata, place, key)
            if name:
                return name.lower()
        return "python"

    @property
    def kernel(self) -> str | None:
        """The name of the kernelspec, None where the notebook does not say."""
        return _entry(self.metadata, "kernelspec", "name")

    @property
    def code(self) -> tuple[Cell, ...]:
        """The code cells, in their order."""
        return tuple(cell for cell in self.cells if cell.kind == "code")

    def label(self, index: int) -> str:
        """Return what people call the cell at `index`, such as ``cell 3 "fit model"``.

        The number is the one that Jupyter shows after a clean run from top to bottom: code cells count
        from 1, empty ones not at all. The title comes from the cell's leading comment or from the
        nearest markdown heading above it.
        """
        cell = self.cells[index]
        if cell.kind != "code":
            return _titled(f"{cell.kind} cell at position {index + 1}", _heading(cell.source))
        number = 1 + sum(1 for other in self.code if other.index < index and other.source.strip())
        return _titled(f"cell {number}", _comment(cell.source) or self._section(index))

    def _section(self, index: int) -> str:
        above = (cell for cell in reversed(self.cells[:index]) if cell.kind == "markdown")
        return next(filter(None, (_heading(cell.source) for cell in above)), "")

    def with_sources(self, changed: Mapping[int, str]) -> dict[str, Any]:
        """Return a copy of `raw` to execute: these cells' sources replaced, nothing left of earlier runs.

        Sources are single strings. Outputs, execution counts and recorded times of all code cells are
        cleared. From format 4.5 on every cell has the `id` that it has here.

        Args:
            changed: new sources by cell index.
        """
        raw = {key: copy.deepcopy(value) for key, value in self.raw.items() if key != "cells"}
        raw.setdefault("metadata", {})
        raw.setdefault("nbformat_minor", 0)
        raw["cells"] = [
            _fresh(data, cell, changed.get(cell.index, cell.source), raw["nbformat_minor"])
            for cell, data in zip(self.cells, self.raw["cells"], strict=True)
        ]
        return raw


def _fresh(data: Mapping[str, Any], cell: Cell, source: str, minor: int) -> dict[str, Any]:
    """Return a copy of a cell as it is before its first run; outputs, which may be large, are not copied."""
    fresh: dict[str, Any] = {
        key: None if key == "outputs" else copy.deepcopy(value) for key, value in data.items()
    }
    fresh["source"] = source
    fresh.setdefault("metadata", {}).pop("execution", None)
    if minor >= 5:
        fresh["id"] = cell.id
    if cell.tags != frozenset(fresh["metadata"].get("tags", ())):
        fresh["metadata"]["tags"] = sorted(cell.tags)
    if cell.kind == "code":
        fresh["outputs"] = []
        fresh["execution_count"] = None
    else:
        fresh.pop("outputs", None)
    return fresh


def read(path: Path, *, pictures: bool = True) -> Notebook:
    """Read a notebook, also one that is text (`textual`).

    Args:
        path: where it is.
        pictures: keep the pictures among its stored outputs; without them it takes a third of the time.

    Raises:
        NotebookError: the file cannot be read, is not UTF-8 or JSON, or is no notebook of format 4.
        ExtraError: it is text, and jupytext is not installed.
    """
    try:
        data = path.read_bytes().removeprefix(codecs.BOM_UTF8)  # utf-8-sig takes twice as long
    except OSError as error:
        raise NotebookError(f"cannot be read: {error.strerror or error}", where=str(path)) from error
    if not pictures and (less := _without_pictures(data)) is not None:
        with contextlib.suppress(NotebookError, UnicodeDecodeError):  # told below, with the place in the file
            return parse(less.decode(), path)
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise NotebookError(f"not UTF-8 at byte {error.start}", where=str(path)) from error
    return parse(textual.converted(text, path) if textual.is_text(path) else text, path)


def _without_pictures(data: bytes) -> bytes | None:
    """Return a notebook's JSON with empty texts in the place of PNGs; None where it has none.

    What is looked for cannot stand within a text, where its quotes would have backslashes; and base64 has no quotes.
    """
    parts, at = [], 0
    while (start := data.find(_PICTURE, at)) >= 0:
        begin = start + len(_PICTURE)
        end = data.find(b'"', begin)
        if end < 0:
            return None
        parts.append(data[at:begin])
        at = end
    return b"".join([*parts, data[at:]]) if parts else None


def parse(text: str, path: Path) -> Notebook:
    """Return the notebook that `text` holds; `path` says where it is from.

    Raises:
        NotebookError: `text` is not JSON, or is no notebook of format 4.
    """
    try:
        raw = json.loads(text)
    except json.JSONDecodeError as error:
        where = f"{path}:{error.lineno}:{error.colno}"
        raise NotebookError(f"not JSON: {error.msg}", where=where, hint=_hint_of(text)) from error
    except (ValueError, RecursionError) as error:
        raise NotebookError(f"not JSON that can be read: {error}", where=str(path)) from error
    _check_version(raw, path)
    metadata = _metadata(raw, str(path))
    return Notebook(path, tuple(_cells(raw["cells"], path, metadata)), metadata, raw)


def _hint_of(text: str) -> str | None:
    """Tell the most frequent reasons for a notebook that is not JSON."""
    if not text.strip():
        return "the file is empty"
    if re.search(r"^(?:<{7}|>{7}) ", text, re.MULTILINE):
        return "the file has unresolved merge conflicts"
    if text.startswith("version https://git-lfs"):
        return "the file is a git-lfs pointer: git lfs pull"
    return None


def _check_version(raw: Any, path: Path) -> None:
    """Raise unless `raw` has the outline of a notebook of format 4."""
    if not isinstance(raw, dict) or type(raw.get("nbformat")) is not int:
        raise NotebookError("not a notebook: it has no number 'nbformat'", where=str(path))
    version = raw["nbformat"]
    if version < 4:
        hint = f"convert it: jupyter nbconvert --to notebook --inplace {path.name}"
        raise NotebookError(
            f"notebook format {version} is too old, only 4 can be read", where=str(path), hint=hint
        )
    if version > 4:
        hint = "save it in format 4 with the program that wrote it"
        raise NotebookError(
            f"notebook format {version} is too new, only 4 can be read", where=str(path), hint=hint
        )
    if not isinstance(raw.get("cells"), list):
        raise NotebookError("not a notebook: it has no list 'cells'", where=str(path))
    if type(raw.get("nbformat_minor", 0)) is not int:
        raise NotebookError("not a notebook: 'nbformat_minor' is no number", where=str(path))


def _cells(raw: list[Any], path: Path, about: Mapping[str, Any]) -> Iterator[Cell]:
    """Yield the cells, each with an id that no other has and with tags in our words."""
    seen: set[str] = set()
    for index, data in enumerate(raw):
        where = f"{path}: cell at position {index + 1}"
        if not isinstance(data, dict) or not isinstance(data.get("cell_type"), str):
            raise NotebookError("not a cell: it has no 'cell_type'", where=where)
        metadata = _metadata(data, where)
        source, tags, outputs = (
            _joined(data.get("source", ""), where),
            _tags(metadata, where),
            _outputs(data, where),
        )
        if data["cell_type"] == "code":
            tags = own_tags(tags, source, about)
            tags |= {"nbrepro:ignore"} if nbreg.ignores(index, about, metadata) else set()
            outputs = nbreg.compared(outputs, index, about, metadata)
        yield Cell(
            index=index,
            id=_unique(data.get("id"), index, seen),
            kind=data["cell_type"],
            source=source,
            tags=tags,
            metadata=metadata,
            outputs=outputs,
        )


def _unique(name: Any, index: int, seen: set[str]) -> str:
    first = name if isinstance(name, str) and name else f"c{index}"
    unique, number = first, 2
    while unique in seen:
        unique, number = f"{first}-{number}", number + 1
    seen.add(unique)
    return unique


def _joined(source: Any, where: str) -> str:
    if isinstance(source, str):
        return source
    if isinstance(source, list) and all(isinstance(line, str) for line in source):
        return "".join(source)
    raise NotebookError("its 'source' is neither a text nor a list of texts", where=where)


def _metadata(data: Mapping[str, Any], where: str) -> Mapping[str, Any]:
    metadata = data.get("metadata", {})
    if not isinstance(metadata, dict):
        raise NotebookError("its 'metadata' is not an object", where=where)
    return metadata


def _tags(metadata: Mapping[str, Any], where: str) -> frozenset[str]:
    tags = metadata.get("tags", [])
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        raise NotebookError("its 'tags' are not a list of texts", where=where)
    return frozenset(tags)


def _outputs(data: Mapping[str, Any], where: str) -> tuple[Mapping[str, Any], ...]:
    outputs = data.get("outputs", [])
    if not isinstance(outputs, list) or not all(isinstance(output, dict) for output in outputs):
        raise NotebookError("its 'outputs' are not a list of objects", where=where)
    return tuple(outputs)


def _entry(metadata: Mapping[str, Any], place: str, key: str) -> str | None:
    found = metadata.get(place)
    value = found.get(key) if isinstance(found, dict) else None
    return value if isinstance(value, str) and value else None


def _titled(name: str, title: str) -> str:
    return f'{name} "{title}"' if title else name


def _heading(source: str) -> str:
    """Return the last heading of a markdown source, "" without one; fenced code does not count."""
    fenced, title = False, ""
    for line in source.split("\n"):
        if _FENCE.match(line):
            fenced = not fenced
        elif not fenced and (match := _HEADING.match(line)):
            title = _short(_MARKUP.sub("", match["title"])) or title
    return title


def _comment(source: str) -> str:
    """Return the first comment that says something, if the cell (after a cell magic) begins with one."""
    for number, line in enumerate(source.strip().split("\n")):
        text = line.strip()
        match = _COMMENT.match(text)
        if not match:
            if text and (number or not text.startswith("%%")):
                return ""
        elif title := _short(match["title"].strip(_RULE + " \t")):
            return title
    return ""


def _short(title: str) -> str:
    words = " ".join(title.replace('"', "'").split())
    shown = "".join(letter for letter in words if letter.isprintable())
    return shown if len(shown) <= _TITLE else shown[: _TITLE - 1].rstrip() + "…"
