"""SVG, XML and HTML as one kind of tree; what only says when and by what a file was written is left out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_VERBATIM = frozenset({"pre", "textarea", "script", "style"})
_BLANK = re.compile(r"[ \t\r\n\f]+")
_WRITER = frozenset(
    prefix + name for prefix in ("dc:", "http://purl.org/dc/elements/1.1/}") for name in ("date", "creator")
)
_DEEPEST = 12  # elements of a path that a report shows


@dataclass(eq=False, slots=True)
class Node:
    """One element; `texts` are what stands before its first child, between them, and after the last."""

    name: str  # with its namespace: ``uri}local``
    tag: str  # without
    attributes: dict[str, str] = field(default_factory=dict)
    parent: Node | None = None
    children: list[Node] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    svg: bool = False  # drawn by SVG, where attributes are coordinates
    verbatim: bool = False  # spaces count

    def walk(self) -> Iterator[Node]:
        """Yield the node and all below it, in the order of the document."""
        stack = [self]
        while stack:
            node = stack.pop()
            yield node
            stack.extend(reversed(node.children))

    def lineage(self) -> Iterator[Node]:
        """Yield the node and the elements around it, innermost first."""
        node = self
        while node.parent is not None:
            yield node
            node = node.parent

    def path(self) -> str:
        """Return where the node is: ``/svg/g[2]/path[1]``, counted among siblings of one name."""
        steps: list[str] = []
        for node in self.lineage():
            alike = (
                [child for child in node.parent.children if child.name == node.name] if node.parent else []
            )
            top = len(alike) == 1 and node.parent is not None and node.parent.parent is None
            steps.append(node.tag if top else f"{node.tag}[{alike.index(node) + 1}]")
        shown = [*steps[: _DEEPEST - 2], "…", *steps[-2:]] if len(steps) > _DEEPEST else steps
        return "/" + "/".join(reversed(shown))


@dataclass(frozen=True)
class Document:
    """A parsed file; `root` has no name and holds the outermost elements."""

    format: str  # xml or html
    root: Node
    unclosed: tuple[str, ...] = ()  # elements that the end of an HTML file cuts off


def local(name: str) -> str:
    """Return the part of a name behind its namespace."""
    return name.rpartition("}")[2] if "}" in name else name


class Builder:
    """Puts a tree together from the events of a parser."""

    def __init__(self, *, collapse: bool) -> None:
        self.root = self.node = Node("", "")
        self._collapse = collapse
        self._pieces: list[str] = []

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Open an element."""
        self._flush()
        above = self.node
        tag = local(name)
        self.node = Node(
            name,
            tag,
            attributes,
            above,
            svg=above.svg or tag == "svg",
            verbatim=above.verbatim or not self._collapse or name in _VERBATIM,
        )
        above.children.append(self.node)

    def end(self, name: str = "") -> None:  # noqa: ARG002
        """Close the innermost element."""
        self._flush()
        self.node = self.node.parent or self.root

    def text(self, data: str) -> None:
        """Take in a piece of text."""
        self._pieces.append(data)

    def finished(self) -> Node:
        """Return the root of the tree, without what only says when and by what it was written."""
        while self.node is not self.root:
            self.end()
        self._flush()
        for node in list(self.root.walk()):
            if node.tag == "metadata":
                _forget_writer(node)
        return self.root

    def _flush(self) -> None:
        if not self._pieces:
            self.node.texts.append("")
            return
        text = "".join(self._pieces)
        self._pieces.clear()
        if not self.node.verbatim:
            text = _BLANK.sub(" ", text)
        blank = (not self.node.verbatim or not self._collapse) and not text.strip(" \t\r\n\f")
        self.node.texts.append("" if blank else text)


def _forget_writer(metadata: Node) -> None:
    """Drop ``dc:date`` and ``dc:creator``, which is the program, from the metadata of a picture."""
    for node in list(metadata.walk()):
        kept = [child for child in node.children if child.name not in _WRITER]
        if len(kept) < len(node.children):
            node.children = kept
            node.texts = ["".join(node.texts)] + [""] * len(kept)
