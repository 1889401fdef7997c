"""Reading YAML by the rules of version 1.2 (core schema), with the line of every key."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any

import yaml

from pytest_nbrepro.sources import Fault, KeyPath

_MOST = 20_000  # values in one document, with what its aliases repeat
_TAG = "tag:yaml.org,2002:"

_INT = r"[-+]?[0-9]+"
_SCALARS: tuple[tuple[str, str, Callable[[str], Any]], ...] = (
    ("null", r"null|Null|NULL|~|", lambda _: None),
    ("bool", r"true|True|TRUE|false|False|FALSE", lambda text: text[0] in "tT"),
    ("int", _INT, int),
    ("int", r"0o[0-7]+|0x[0-9a-fA-F]+", lambda text: int(text, 0)),
    ("float", r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", float),
    ("float", r"[-+]?\.(?:inf|Inf|INF)", lambda text: float(text.replace(".", ""))),
    ("float", r"\.(?:nan|NaN|NAN)", lambda _: float("nan")),
)
"""Type, pattern and reader of each form of a plain scalar; the first that fits decides."""

_FAULTY: Any = object()
"""Stands for a value with a fault, which is left out of the mapping or list that has it."""


@dataclass
class Document:
    """What was read; after a syntax fault `value` is None."""

    value: Any = None
    lines: dict[KeyPath, int] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)


class _Loader(yaml.SafeLoader):
    """PyYAML's parser, with the plain scalars of version 1.2 alone."""

    yaml_implicit_resolvers: dict[str | None, list[Any]] = {  # noqa: RUF012 - as the base class has it
        None: [(_TAG + kind, re.compile(rf"(?:{pattern})\Z")) for kind, pattern, _ in _SCALARS]
    }


def read(text: str) -> Document:
    """Read one YAML document.

    Plain scalars are null, true and false (each in three spellings), integers (``010`` is ten, ``0o10``
    and ``0x8`` are eight), floats (``1e-5``, ``.inf``, ``.nan``) or else text: ``no``, ``12:30`` and
    ``2024-01-01`` are texts, and ``<<`` is a key like others.
    """
    document = Document()
    try:
        node = yaml.compose(text, Loader=_Loader)
        if node is not None:
            value = _Builder(document).build(node, ())
            document.value = None if value is _FAULTY else value
    except yaml.MarkedYAMLError as error:
        document.faults.append(_syntax(error))
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        what = f"not YAML: the character U+{error.character:04X} is not allowed"
        document.faults.append(Fault((), what, line=line))
    except RecursionError:
        document.faults.append(Fault((), "not YAML that can be read: nested too deeply"))
    return document


def _syntax(error: yaml.MarkedYAMLError) -> Fault:
    mark = error.problem_mark or error.context_mark
    what = "not YAML: " + ", ".join(filter(None, (error.context, error.problem)))
    hint = "YAML is indented by spaces, not tabs" if "'\\t'" in what else None
    return Fault((), what, hint, mark.line + 1 if mark else None)


class _Builder:
    """Turns nodes into values and collects what is wrong with them."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._open: set[int] = set()  # ids of the nodes around the current one
        self._count = 0

    def build(self, node: yaml.Node, path: KeyPath) -> Any:
        """Return the value of a node; what is wrong is added to the faults and left out."""
        self._count += 1
        if self._count > _MOST:
            raise yaml.MarkedYAMLError(problem=f"more than {_MOST} values", problem_mark=node.start_mark)
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, path)
        if id(node) in self._open:
            return self._fault(node, path, "an alias that holds itself")
        if node.tag not in {_TAG + "map", _TAG + "seq"}:
            return self._fault(node, path, f"unknown tag {_short(node.tag)}")
        self._open.add(id(node))
        try:
            return self._mapping(node, path) if isinstance(node, yaml.MappingNode) else self._list(node, path)
        finally:
            self._open.discard(id(node))

    def _fault(self, node: yaml.Node, path: KeyPath, what: str) -> Any:
        self._document.faults.append(Fault(path, what, line=node.start_mark.line + 1))
        return _FAULTY

    def _list(self, node: yaml.Node, path: KeyPath) -> list[Any]:
        values = []
        for index, item in enumerate(node.value):
            self._document.lines.setdefault((*path, index), item.start_mark.line + 1)
            values.append(self.build(item, (*path, index)))
        return [value for value in values if value is not _FAULTY]

    def _mapping(self, node: yaml.Node, path: KeyPath) -> dict[Any, Any]:
        values: dict[Any, Any] = {}
        for key_node, value_node in node.value:
            key = self.build(key_node, path)
            if key is _FAULTY:
                continue
            if not isinstance(key, Hashable):
                self._fault(key_node, path, "a list or mapping cannot be a key")
                continue
            below = (*path, key)
            if key in values:
                self._fault(key_node, below, f"given twice, first in line {self._document.lines[below]}")
                continue
            self._document.lines.setdefault(below, key_node.start_mark.line + 1)
            value = self.build(value_node, below)
            if value is not _FAULTY:
                values[key] = value
        return values

    def _scalar(self, node: yaml.ScalarNode, path: KeyPath) -> Any:
        kind, text = node.tag.removeprefix(_TAG), str(node.value)
        if kind == "str":
            return text
        for name, pattern, value in _SCALARS:
            if kind == name and re.fullmatch(pattern, text):
                try:
                    return value(text)
                except ValueError:  # Python reads no more than some thousand digits
                    return self._fault(node, path, f"a number of {len(text)} digits is too long")
        return self._fault(node, path, f"{text!r} does not fit its tag {_short(node.tag)}")


def _short(tag: str) -> str:
    """Return a tag as it is written in a document."""
    return "!!" + tag.removeprefix(_TAG) if tag.startswith(_TAG) else tag
