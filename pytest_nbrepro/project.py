"""The project's own file and folders: what it says of its notebooks, and which of them are annotated.

Neither pydantic nor the YAML parser is imported here, so that looking for annotated notebooks stays cheap.
"""

from __future__ import annotations

import json
import mmap
import os
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache, partial
from pathlib import Path, PurePosixPath
from typing import Any

from pytest_nbrepro.errors import SpecError
from pytest_nbrepro.sources import Fault, Source, toml_lines
from pytest_nbrepro.textual import is_text

_FILE = "pyproject.toml"
_TABLE = ("tool", "nbrepro")
_SUFFIX = ".nbrepro.yaml"
_WORD = b'"nbrepro"'


@dataclass(frozen=True)
class Project:
    """What the project says of all its notebooks.

    `defaults` is ``[tool.nbrepro]`` without its entries, `entries` are ``[[tool.nbrepro.notebooks]]`` with
    their `path`; `text` is that of ``pyproject.toml``, in which faults are located.
    """

    root: Path
    defaults: Mapping[str, Any] = field(default_factory=dict)
    entries: tuple[Mapping[str, Any], ...] = ()
    text: str = ""

    def relative(self, path: Path) -> str | None:
        """Return a path's POSIX form relative to the root, None where it lies elsewhere."""
        for settled in (Path.absolute, Path.resolve):  # the second asks the disk for each folder
            file, root = settled(path), settled(self.root)
            if ".." not in file.parts and file.is_relative_to(root):
                return file.relative_to(root).as_posix()
        return None

    def shown(self, path: Path) -> str:
        """Return what people are shown as a path: relative to the root where it lies below it."""
        return self.relative(path) or str(path)

    def matching(self, path: Path) -> Iterator[Source]:
        """Yield the entries whose patterns fit a notebook's path."""
        name = self.relative(path)
        for index, entry in enumerate(self.entries):
            if name is not None and _matches(name, entry["path"]):
                value = {key: item for key, item in entry.items() if key != "path"}
                yield self._source(value, "notebooks", index)

    def common(self) -> Source:
        """Return what holds for all notebooks."""
        return self._source(self.defaults)

    def _source(self, value: Mapping[str, Any], *below: str | int) -> Source:
        return Source(_FILE, value, (*_TABLE, *below), cache(partial(toml_lines, self.text)))


def load_project(root: Path) -> Project:
    """Read ``pyproject.toml`` in `root`; a project without one has no defaults and no entries.

    The keys of an annotation are checked by `load`, so that this stays cheap.

    Raises:
        SpecError: the file cannot be read, or its table ``tool.nbrepro`` has no such shape.
    """
    path = root / _FILE
    try:
        text = path.read_bytes().decode("utf-8")
        document = tomllib.loads(text)
    except FileNotFoundError:
        return Project(root)
    except OSError as error:
        raise SpecError(f"cannot be read: {error.strerror or error}", where=_FILE) from error
    except UnicodeDecodeError as error:
        raise SpecError(f"not UTF-8 at byte {error.start}", where=_FILE) from error
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"at line (\d+)", str(error))
        raise SpecError(f"not TOML: {error}", where=f"{_FILE}:{line[1]}" if line else _FILE) from error
    tool = document.get(_TABLE[0])
    table = tool.get(_TABLE[1], {}) if isinstance(tool, dict) else {}
    source = Source(_FILE, {}, _TABLE, partial(toml_lines, text))
    faults = list(_shape_faults(table))
    if faults:
        raise SpecError("\n".join(source.tell(fault) for fault in faults))
    defaults = {key: value for key, value in table.items() if key != "notebooks"}
    return Project(root, defaults, tuple(table.get("notebooks", ())), text)


def _shape_faults(table: Any) -> Iterator[Fault]:
    if not isinstance(table, dict):
        yield Fault((), "must be a table")
        return
    entries = table.get("notebooks", [])
    if not isinstance(entries, list):
        yield Fault(("notebooks",), "must be an array of tables", "write [[tool.nbrepro.notebooks]]")
        return
    for index, entry in enumerate(entries):
        place = ("notebooks", index)
        if not isinstance(entry, dict):
            yield Fault(place, "must be a table", "write [[tool.nbrepro.notebooks]]")
        elif "path" not in entry:
            yield Fault(place, "has no 'path'", 'write path = "analysis/**/*.ipynb"')
        elif not _is_pattern(entry["path"]):
            what = "must be a pattern of paths relative to the folder of pyproject.toml, without '..'"
            yield Fault((*place, "path"), what)


def _is_pattern(path: Any) -> bool:
    if not isinstance(path, str) or not path.strip():
        return False
    return not path.startswith("/") and ".." not in path.split("/") and "\\" not in path


# ---------------------------------------------------------------------------------------------------
# Which notebooks are annotated


def annotated(path: Path, project: Project) -> bool:
    """Tell whether a notebook has an annotation, without reading what it says.

    A file that cannot be read, or that is not JSON though it has the word in it, counts as annotated, so
    that it fails instead of being passed over.
    """
    said = _metadata_of(path)
    return annotated_beside(path, project) if said is None else said


def annotated_beside(path: Path, project: Project) -> bool:
    """Tell whether the annotation of a notebook lies beside it or in the project's file."""
    if os.path.lexists(sidecar(path)) or os.path.lexists(misnamed_sidecar(path)):
        return True
    return any(True for _ in project.matching(path))


def excluded(path: Path) -> bool:
    """Tell whether a notebook's own metadata keep it from being collected (``nbrepro: false``)."""
    return _metadata_of(path) is False


def may_say(path: Path) -> bool:
    """Tell whether a notebook's own metadata may say something, without parsing it: whether it has the word.

    A file that cannot be read may, so that it fails instead of being passed over. One that is text has nothing to say.
    """
    if is_text(path):
        return False
    try:
        with path.open("rb") as stream:
            if not os.fstat(stream.fileno()).st_size:
                return False
            with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
                return data.rfind(_WORD) >= 0  # the metadata come last
    except (OSError, ValueError):  # a pipe cannot be mapped
        return True


def said(metadata: Mapping[str, Any]) -> bool | None:
    """Return what a notebook's metadata say: False for ``nbrepro: false``, None where they say nothing."""
    return metadata["nbrepro"] is not False if "nbrepro" in metadata else None


def _metadata_of(path: Path) -> bool | None:
    if not may_say(path):
        return None
    try:
        notebook = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return True
    metadata = notebook.get("metadata") if isinstance(notebook, dict) else None
    return said(metadata) if isinstance(metadata, dict) else None


def sidecar(notebook: Path) -> Path:
    """Return the path of the annotation that may lie beside a notebook."""
    return notebook.with_name(notebook.name.removesuffix(".ipynb") + _SUFFIX)


def misnamed_sidecar(notebook: Path) -> Path:
    """Return the path that an annotation beside a notebook may have by mistake; it is not read."""
    return sidecar(notebook).with_suffix(".yml")


def _matches(name: str, pattern: str) -> bool:
    """Tell whether a relative path fits a pattern; ``**`` stands for any number of folders, also none."""
    return _fits(PurePosixPath(name).parts, PurePosixPath(pattern).parts)


def _fits(parts: Sequence[str], wanted: Sequence[str]) -> bool:
    if not wanted:
        return not parts
    if wanted[0] == "**":
        return any(_fits(parts[start:], wanted[1:]) for start in range(len(parts) + 1))
    return bool(parts) and fnmatchcase(parts[0], wanted[0]) and _fits(parts[1:], wanted[1:])
