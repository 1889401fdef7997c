"""Setting values in a YAML text as a person would: comments, order and layout of all else stay."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import yaml

from pytest_nbrepro import yaml12
from pytest_nbrepro.cli.starting import key

_STEP = "  "


def with_value(text: str, path: Sequence[str], value: str) -> str | None:
    """Return an annotation that says a value at `path`; where that is a mapping, it goes on saying all else.

    Args:
        text: the annotation, of which only the lines of this value change.
        path: the keys that lead to it; those that are not there yet are added.
        value: the value in one line: ``7``, or a mapping such as ``{rel: 1.4e-2}``.

    Returns:
        The text, or None where it cannot be edited so that it says this and nothing else is changed.
    """
    before, wanted = yaml12.read(text), yaml12.read(value).value
    changed: str | None = text
    for keys, leaf in _leaves(value):
        changed = None if changed is None else _edited(changed, (*path, *keys), leaf)
    if changed is None or before.faults or not isinstance(before.value, Mapping | None):
        return None
    for name in reversed(path):
        wanted = {name: wanted}
    after = yaml12.read(changed)
    return None if after.faults or after.value != _overlaid(before.value, wanted) else changed


def _overlaid(old: Any, new: Any) -> Any:
    if not isinstance(old, Mapping) or not isinstance(new, Mapping):
        return new
    return {**old, **{name: _overlaid(old.get(name), value) for name, value in new.items()}}


def _leaves(value: str) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield the values in a mapping that are none themselves, each with the keys to it, as they are written."""
    yield from _below(yaml.compose(value, Loader=yaml.SafeLoader), (), value)


def _below(node: yaml.Node | None, keys: tuple[str, ...], text: str) -> Iterator[tuple[tuple[str, ...], str]]:
    if isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            yield from _below(value, (*keys, name.value), text)
    elif node is not None:
        yield keys, text[node.start_mark.index : node.end_mark.index]


def _edited(text: str, path: Sequence[str], value: str) -> str | None:
    """Return a text in which `path` has this value; whether that is so must be seen by reading it."""
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError:
        return None
    if node is None:
        return _below_line(text, len(text), _lines(path, value, 0))
    depth = 0
    while isinstance(node, yaml.MappingNode) and depth < len(path):
        below = [item for name, item in node.value if name.value == path[depth]]
        if not below:
            return _inserted(text, node, path[depth:], value)
        node, depth = below[0], depth + 1
    if not isinstance(node, yaml.ScalarNode):
        return None
    start, end = node.start_mark.index, node.end_mark.index
    space = " " if start == end else ""  # nothing stands behind the colon
    return text[:start] + space + _flow(path[depth:], value) + text[end:]


def _inserted(text: str, node: yaml.MappingNode, path: Sequence[str], value: str) -> str:
    """Return a text in which a mapping has one more key."""
    if node.flow_style:
        entry = f"{key(path[0])}: {_flow(path[1:], value)}"
        at = node.value[-1][1].end_mark.index if node.value else node.start_mark.index + 1
        return text[:at] + (", " if node.value else "") + entry + text[at:]
    column = node.value[0][0].start_mark.column
    return _below_line(text, _end(node, text), _lines(path, value, column))


def _lines(path: Sequence[str], value: str, column: int) -> list[str]:
    """Return the lines of a new key in a mapping at a column; at the left edge, what is below has its own line."""
    if column or len(path) < 3:
        return [f"{' ' * column}{key(path[0])}: {_flow(path[1:], value)}"]
    return [f"{key(path[0])}:", f"{_STEP}{key(path[1])}: {_flow(path[2:], value)}"]


def _flow(path: Sequence[str], value: str) -> str:
    for name in reversed(path):
        value = f"{{{key(name)}: {value}}}"
    return value


def _end(node: yaml.Node, text: str) -> int:
    """Return where the last word of a node ends."""
    while isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        node = last[1] if isinstance(last, tuple) else last
    start = node.start_mark.index
    return start + len(text[start : node.end_mark.index].rstrip())


def _below_line(text: str, at: int, lines: Sequence[str]) -> str:
    """Return a text with more lines below the one that a place lies in."""
    newline = "\r\n" if "\r\n" in text else "\n"
    added = newline.join(lines)
    end = text.find("\n", at)
    if end >= 0:
        return text[: end + 1] + added + newline + text[end + 1 :]
    gap = newline if text and not text.endswith("\n") else ""
    return text + gap + added + newline
