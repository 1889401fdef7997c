"""Reading JSON, JSON Lines and YAML so that nothing a parser glosses over can hide a difference."""

from __future__ import annotations

import json
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from pytest_nbrepro.comparers.base import IncomparableError, shown
from pytest_nbrepro.errors import UndecodableError

_LINES = frozenset({".jsonl", ".ndjson"})
_YAML = frozenset({".yaml", ".yml"})

_DEEPEST = 200  # levels of YAML: libyaml's composer calls itself, and would take the process along
_FAULTS = (
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    OverflowError,
)  # of the parsers, on bad scalars


def format_of(path: Path) -> str:
    """Return ``json``, ``jsonl`` or ``yaml`` by a file's suffix."""
    suffix = path.suffix.lower()
    if suffix in _LINES:
        return "jsonl"
    return "yaml" if suffix in _YAML else "json"


def read(path: Path) -> Any:
    """Return a file's content; of JSON Lines, and of several YAML documents, a list.

    YAML is read as YAML 1.1: both sides are read alike, so its odd spellings do no harm.

    Raises:
        UndecodableError: it is not UTF-8 or not what its suffix says.
        IncomparableError: a key occurs twice in one mapping, or it is nested too deeply to be read.
    """
    kind = format_of(path)
    try:
        text = path.read_bytes().decode("utf-8-sig")
        if kind == "yaml":
            _check_depth(text)
            documents = list(yaml.load_all(text, Loader=_Loader))  # a SafeLoader
            return documents[0] if len(documents) == 1 else documents
        if kind == "jsonl":
            return [_json(line) for line in text.split("\n") if line.strip()]
        return _json(text)
    except RecursionError as error:
        raise IncomparableError("it is nested too deeply") from error
    except (*_FAULTS, yaml.YAMLError) as error:
        if "maximum nesting depth" in str(error):  # PyYAML has a limit of its own from 6.0.4 on
            raise IncomparableError("it is nested too deeply") from error
        raise UndecodableError(f"not readable as {kind}: {' '.join(str(error).split())}") from error


def _check_depth(text: str) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, (yaml.SequenceStartEvent, yaml.MappingStartEvent)):
            depth += 1
        elif isinstance(event, (yaml.SequenceEndEvent, yaml.MappingEndEvent)):
            depth -= 1
        if depth > _DEEPEST:
            raise IncomparableError("it is nested too deeply")


def _json(text: str) -> Any:
    return json.loads(text, object_pairs_hook=_mapping)


def _mapping(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return a JSON object; the standard parser would let the last of two equal keys win."""
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise IncomparableError(f"the key {shown(twice)} occurs twice in one object")
    return found


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """PyYAML's safe loader, in C where it is there, which refuses keys that occur twice in one mapping."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        own = [key for key, _ in node.value if key.tag != "tag:yaml.org,2002:merge"]
        found: dict[Hashable, Any] = super().construct_mapping(node, deep)
        names = [self.construct_object(key, deep=True) for key in own]
        if len(set(names)) != len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise IncomparableError(f"the key {shown(twice)} occurs twice in one mapping")
        return found
