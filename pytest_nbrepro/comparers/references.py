"""Names that are made anew in each run, replaced by the order in which they are first seen."""

from __future__ import annotations

import re

from pytest_nbrepro.comparers.trees import Document, Node, local

_UUID = re.compile(
    r"(?<![0-9A-Za-z])[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}(?![0-9A-Za-z])"
)
_HEX = re.compile(
    r"(?<=[A-Za-z][_-])[0-9a-f]{32}(?![0-9A-Za-z])"
)  # map_0f3c…, as makers of pages name things
_STYLER = re.compile(r"(?<!\w)T_[0-9a-f]{5}(?![0-9A-Za-z])")  # pandas' name for a styled table
_HASH = re.compile(r"#([\w-]+(?:[.:][\w-]+)*)")  # url(#a), href="#a", the selectors of styles
_QUOTED = re.compile(r"([\"'])([\w.:-]{1,120})\1")  # getElementById("a")
_STAND_IN = re.compile("\ue000id([0-9]+)")
_LISTS = frozenset({"for", "form", "headers", "list"})


class Names:
    """The ids and UUIDs of one document, each with a stand-in that says when it was first seen.

    Two documents use their names alike where the same text comes out of both. Ids are names in SVG and
    HTML; elsewhere in XML they are data.
    """

    def __init__(self, document: Document) -> None:
        self._stand_ins: dict[str, str] = {}
        self._names: list[str] = []
        for node in document.root.walk():
            if document.format == "html" or node.svg:
                for name, value in node.attributes.items():
                    if local(name) == "id":
                        self._stand_in(value)

    def attribute(self, name: str, value: str) -> str:
        """Return the value of an attribute with its names replaced."""
        name = local(name)
        if name == "id":
            return self._known(value)
        if name in _LISTS or name.startswith("aria-"):
            return " ".join(self._known(word) for word in value.split())
        return self._code(value) if name.startswith("on") else self._hashes(value)

    def text(self, node: Node, text: str) -> str:
        """Return text in an element with its names replaced; in scripts and styles there are more."""
        return self._code(text) if node.tag in {"script", "style"} else _UUID.sub(self._seen, text)

    def restored(self, text: str) -> str:
        """Return a text with the names put back."""
        return _STAND_IN.sub(lambda match: self._names[int(match[1])], text)

    def _stand_in(self, name: str) -> str:
        if name not in self._stand_ins:
            self._stand_ins[name] = f"\ue000id{len(self._names)}"
            self._names.append(name)
        return self._stand_ins[name]

    def _seen(self, match: re.Match[str]) -> str:
        return self._stand_in(match[0])

    def _known(self, name: str) -> str:
        return self._stand_ins.get(name) or self._random(name)

    def _random(self, text: str) -> str:
        for pattern in (_UUID, _HEX, _STYLER):
            text = pattern.sub(self._seen, text)
        return text

    def _hashes(self, text: str) -> str:
        return self._random(_HASH.sub(self._hash, text) if self._stand_ins else text)

    def _hash(self, match: re.Match[str]) -> str:
        """Replace the id behind a ``#``; what follows a dot may be a class, or part of the id."""
        name, rest = match[1], ""
        while name not in self._stand_ins and (cut := max(name.rfind("."), name.rfind(":"))) > 0:
            name, rest = name[:cut], name[cut:] + rest
        return "#" + self._stand_ins.get(name, name) + rest

    def _code(self, text: str) -> str:
        if self._stand_ins:
            text = _QUOTED.sub(
                lambda match: match[1] + self._stand_ins.get(match[2], match[2]) + match[1], text
            )
        return self._hashes(text)
