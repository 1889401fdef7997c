"""Which elements one of two trees has and the other has not."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from pytest_nbrepro.comparers.trees import Node, local

_REFERENCE = re.compile(r"(?<=url\(#)[^)]*|^#.*")
Found = tuple[Node, str]  # an element, and what is told behind its path


def lost_and_new(one: Node, other: Node) -> tuple[list[Found], list[Found]]:
    """Return what an element lost and got, of its children; at least one of the two is not empty."""
    old, new = _unshared(one, other), _unshared(other, one)
    lost = Counter(child.name for child in old) - Counter(child.name for child in new)
    more = Counter(child.name for child in new) - Counter(child.name for child in old)
    if not lost and not more:
        return [(one, ": the order of its elements")], []
    return _named(old, lost), _named(new, more)


def _unshared(one: Node, other: Node) -> list[Node]:
    """Return the children of an element between those that begin and end it in both documents."""
    mine, theirs = (
        [_likeness(child) for child in one.children],
        [_likeness(child) for child in other.children],
    )
    most = min(len(mine), len(theirs))
    start = next((i for i in range(most) if mine[i] != theirs[i]), most)
    end = next((i for i in range(most - start) if mine[-1 - i] != theirs[-1 - i]), most - start)
    return one.children[start : len(mine) - end]


def _likeness(node: Node) -> int:
    """Return a number that is equal for elements that look alike, whatever ids they have and refer to."""
    parts = [
        (
            part.name,
            *part.texts,
            *(_REFERENCE.sub("", v) for k, v in part.attributes.items() if local(k) != "id"),
        )
        for part in node.walk()
    ]
    return hash(tuple(parts))


def _named(nodes: Sequence[Node], wanted: Counter[str]) -> list[Found]:
    """Return as many elements of each name as are wanted."""
    left, found = wanted.copy(), []
    for node in nodes:
        if left[node.name] > 0:
            left[node.name] -= 1
            found.append((node, f" (id {node.attributes['id']})" if "id" in node.attributes else ""))
    return found
