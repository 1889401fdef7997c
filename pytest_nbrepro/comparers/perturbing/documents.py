"""Changes of JSON, JSON Lines and YAML files."""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import yaml

from pytest_nbrepro.comparers import documents
from pytest_nbrepro.comparers.perturbing.values import (
    MOST,
    MOVED,
    NAN,
    SWAPPED,
    Change,
    moved,
    number,
    swapped,
)

_MOST_NODES = 1000  # of a document, in which an object and a list are looked for
_Keys = tuple[Any, ...]


def changes(path: Path) -> Iterator[Change]:
    """Yield changes of a document that is read already as its comparer reads it."""
    document, form = documents.read(path), documents.format_of(path)
    for what, changed in (*_values(document), *_structure(document)):
        yield what, partial(_write, changed, form)


def _write(document: Any, form: str, target: Path) -> None:
    if form == "yaml":
        text = yaml.safe_dump(document)
    elif form == "jsonl":
        text = "".join(json.dumps(each) + "\n" for each in document)
    else:
        text = json.dumps(document)
    target.write_text(text, "utf-8")


def _values(document: Any) -> Iterator[tuple[str, Any]]:
    """Yield the document with one value changed: each number, and the first of each type in more ways."""
    numbers = [(keys, value) for keys, value in _leaves(document, ()) if _is_number(value)]
    for keys, value in islice(numbers, MOST):
        changed = number(value)
        if changed is not None:
            yield f"{_named(keys)}: {changed[0]}", _with(document, keys, changed[1])
    for keys, value in islice(((k, v) for k, v in numbers if isinstance(v, float) and not math.isnan(v)), 1):
        yield f"{_named(keys)}: {NAN}", _with(document, keys, math.nan)
        yield f"{_named(keys)}: a number as text", _with(document, keys, repr(value))
    texts = [(keys, value) for keys, value in _leaves(document, ()) if isinstance(value, str)]
    labels = swapped([value for _, value in texts]) if texts else None
    if labels is not None:
        for (keys, _), label in zip(texts, labels, strict=True):
            document = _with(document, keys, label)
        yield SWAPPED, document


def _structure(document: Any) -> Iterator[tuple[str, Any]]:
    """Yield the document without the last key of its first object, and with its first list moved by one."""
    nodes = list(islice(_nodes(document, ()), _MOST_NODES))
    mapping = next(((keys, node) for keys, node in nodes if isinstance(node, dict) and len(node) > 1), None)
    if mapping is not None:
        keys, node = mapping
        last = list(node)[-1]
        left = {key: value for key, value in node.items() if key != last}
        yield f"{_named((*keys, last))} dropped", _with(document, keys, left)
    for place, rows in nodes:
        turned = moved(rows) if isinstance(rows, list) else None
        if turned is not None:
            yield f"{_named(place)}: {MOVED}", _with(document, place, turned)
            return


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _named(keys: _Keys) -> str:
    return ".".join(map(str, keys)) or "the value"


def _with(document: Any, keys: _Keys, value: Any) -> Any:
    """Return a copy of a document with another value at a place."""
    if not keys:
        return value
    other = copy.deepcopy(document)
    place = other
    for key in keys[:-1]:
        place = place[key]
    place[keys[-1]] = value
    return other


def _nodes(value: Any, keys: _Keys) -> Iterator[tuple[_Keys, Any]]:
    """Yield a value and all below it, with their places."""
    yield keys, value
    if isinstance(value, (dict, list)):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _nodes(item, (*keys, key))


def _leaves(value: Any, keys: _Keys) -> Iterator[tuple[_Keys, Any]]:
    return ((place, node) for place, node in _nodes(value, keys) if not isinstance(node, (dict, list)))
