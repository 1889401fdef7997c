"""The places that an annotation comes from: their faults, told with file and line, and how they merge."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

KeyPath = tuple[Any, ...]
"""The keys from the top of a document to a value; positions in lists are integers from 0."""

Lines = Mapping[KeyPath, int]
"""Line numbers, from 1, by the path of the key that stands there."""

_BY_NAME = frozenset({"flags", "env", "cases", "matrix"})
_RULES = frozenset({"metrics", "artifacts"})
_BARE = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True)
class Fault:
    """Something wrong at one key of a source; `line` is given where the reader itself knows it."""

    path: KeyPath
    what: str
    hint: str | None = None
    line: int | None = None


@dataclass(frozen=True)
class Source:
    """One place of annotation.

    `at` is the path of `value` in its file; `lines` finds the lines of keys by their paths in that file,
    and is called only for a fault.
    """

    file: str
    value: Mapping[Any, Any]
    at: KeyPath = ()
    lines: Callable[[], Lines] = dict

    def line(self, fault: Fault) -> int | None:
        """Return the line of a fault, as far as it can be found."""
        return fault.line or nearest_line(self.lines(), (*self.at, *fault.path))

    def tell(self, fault: Fault) -> str:
        """Return a fault as ``file:line: key: what, hint``, all in one line."""
        path, line = (*self.at, *fault.path), self.line(fault)
        parts = [f"{self.file}:{line}" if line else self.file, dotted(path), fault.what]
        text = ": ".join(filter(None, parts))
        return " ".join((f"{text}, {fault.hint}" if fault.hint else text).split("\n"))

    def has(self, path: KeyPath) -> bool:
        """Tell whether this source says something at `path`."""
        value: Any = self.value
        for key in path:
            if not isinstance(value, Mapping) or key not in value:
                return False
            value = value[key]
        return True


def nearest_line(lines: Lines, path: KeyPath) -> int | None:
    """Return the line of `path`, else of the closest key above it, else None."""
    for length in range(len(path), -1, -1):
        if (line := lines.get(path[:length])) is not None:
            return line
    return None


def origin(sources: Sequence[Source], path: KeyPath) -> Source:
    """Return the last source that says something at `path`, or at the closest key above it."""
    for length in range(len(path), -1, -1):
        for source in reversed(sources):
            if source.has(path[:length]):
                return source
    raise ValueError("no sources")


def dotted(path: KeyPath) -> str:
    """Return a path as people read it: ``metrics.loss.rel``, ``artifacts."a.csv".key[0]``."""
    text = ""
    for key in path:
        if isinstance(key, int) and not isinstance(key, bool):
            text += f"[{key}]"
            continue
        name = str(key)
        shown = name if _BARE.fullmatch(name) else json.dumps(name, ensure_ascii=False)
        text += f".{shown}" if text else shown
    return text


# ---------------------------------------------------------------------------------------------------
# Merging


def merge(values: Iterable[Mapping[Any, Any]]) -> dict[Any, Any]:
    """Merge annotations, later ones over earlier ones.

    Flags, environment variables, cases and the matrix merge by name. Rules merge by pattern and key by
    key, and a pattern that is stated again counts as the last one. Everything else is replaced.
    """
    merged: dict[Any, Any] = {}
    for value in values:
        for key, new in value.items():
            merged[key] = _merged(key, merged.get(key), new)
    return merged


def _merged(key: Any, old: Any, new: Any) -> Any:
    if key in _BY_NAME | _RULES and new is None:  # the key alone, with nothing below it
        new = {}
    if not isinstance(old, Mapping) or not isinstance(new, Mapping):
        return new
    if key in _BY_NAME:
        return {**old, **new}
    return _deep(old, new)


def _deep(old: Mapping[Any, Any], new: Mapping[Any, Any]) -> dict[Any, Any]:
    merged = {key: value for key, value in old.items() if key not in new}
    for key, value in new.items():
        above = old.get(key)
        if isinstance(above, Mapping) and (value is None or isinstance(value, Mapping)):
            merged[key] = _deep(above, value or {})
        else:
            merged[key] = value
    return merged


# ---------------------------------------------------------------------------------------------------
# Lines of keys


_JSON_TOKEN = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[{}\[\],]')


def json_lines(text: str, below: KeyPath) -> Lines:
    """Return the lines of the keys at and below the path `below` in a JSON text that is known to be valid."""
    lines: dict[KeyPath, int] = {}
    path: list[Any] = []  # of the open objects and arrays: None where an object waits for its next key
    for match in _JSON_TOKEN.finditer(text):
        mark = match[0]
        if mark in "{[":
            path.append(None if mark == "{" else 0)
        elif mark in "}]":
            path.pop()
        elif mark == ",":
            path[-1] = path[-1] + 1 if isinstance(path[-1], int) else None
        elif path and path[-1] is None:
            path[-1] = json.loads(mark)
            if tuple(path[: len(below)]) == below:
                lines[tuple(path)] = text.count("\n", 0, match.start()) + 1
    return lines


_TOML_KEY = r"""(?:[A-Za-z0-9_-]+|"(?:[^"\\]|\\.)*"|'[^']*')"""
_TOML_PATH = rf"{_TOML_KEY}(?:\s*\.\s*{_TOML_KEY})*"
_TOML_LINE = re.compile(
    rf"\s*(?:(?P<open>\[\[?)\s*(?P<table>{_TOML_PATH})\s*\]\]?\s*(?:\#.*)?$|(?P<key>{_TOML_PATH})\s*=)"
)


def toml_lines(text: str) -> Lines:
    """Return the lines of the keys and table headers of a TOML text that is known to be valid.

    Inline tables count as their key's line. Lines inside texts of several lines may be taken for keys
    where no real key has that name.
    """
    lines: dict[KeyPath, int] = {}
    table: KeyPath = ()
    counts: dict[KeyPath, int] = {}  # of the arrays of tables, how many were begun
    for number, line in enumerate(text.split("\n"), 1):
        match = _TOML_LINE.match(line)
        if match is None:
            continue
        if match["key"]:
            lines.setdefault((*table, *_toml_keys(match["key"])), number)
            continue
        table = _toml_table(_toml_keys(match["table"]), counts, begins=match["open"] == "[[")
        lines.setdefault(table, number)
    return lines


def _toml_table(keys: list[str], counts: dict[KeyPath, int], *, begins: bool) -> KeyPath:
    """Return the path of the table that a header opens, with positions in arrays of tables."""
    path: KeyPath = ()
    for depth, key in enumerate(keys, 1):
        path = (*path, key)
        if begins and depth == len(keys):
            counts[path] = counts.get(path, 0) + 1
        if path in counts:
            path = (*path, counts[path] - 1)
    return path


def _toml_keys(text: str) -> list[str]:
    return [_toml_name(key) for key in re.findall(_TOML_KEY, text)]


def _toml_name(key: str) -> str:
    if key.startswith("'"):
        return key[1:-1]
    try:
        return str(json.loads(key)) if key.startswith('"') else key
    except ValueError:  # an escape that only TOML has
        return key
