"""SVG, HTML and XML: the tree is compared, with numbers within limits and random names as what they name."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pytest_nbrepro.comparers import embedded, tokens
from pytest_nbrepro.comparers.base import IncomparableError, Outcome, combined, part, reading, shortened
from pytest_nbrepro.comparers.figures import compare_figures
from pytest_nbrepro.comparers.parsing import parse
from pytest_nbrepro.comparers.references import Names
from pytest_nbrepro.comparers.tokens import Difference, Scale, Tally
from pytest_nbrepro.comparers.trees import Document, Node, local
from pytest_nbrepro.errors import UndecodableError
from pytest_nbrepro.model import ArtifactRule, Check, CheckStatus, Place

_NUMERIC = (
    "d points transform viewbox x y x1 y1 x2 y2 cx cy r rx ry fx fy dx dy width height offset refx refy "
    "gradienttransform patterntransform stroke-width stroke-dasharray stroke-dashoffset opacity "
    "fill-opacity stroke-opacity stop-opacity font-size textlength rotate"
)
_COORDINATES = frozenset(_NUMERIC.split())
_REFERENCE = re.compile(r"(?<=url\(#)[^)]*|^#.*")
_TOLD = 3  # elements named in a message


class MarkupComparer:
    """Compares SVG, HTML and XML files element by element."""

    kind = "markup"

    def schema(self, path: Path) -> dict[str, Any]:
        """Return the format (``xml`` or ``html``) and the names of the outermost elements.

        Raises:
            UndecodableError: broken XML, or one that declares entities.
        """
        document = parse(path, UndecodableError)
        return {"format": document.format, "roots": [node.tag for node in document.root.children]}

    def compare(self, baseline: Path, result: Path, rule: ArtifactRule, schema: Mapping[str, Any]) -> Outcome:  # noqa: ARG002
        """Compare two files of markup.

        Elements, their attributes and their text are the same, but for: ids and what refers to them, UUIDs
        (the same where both use them in the same places), when and by what program a picture was written,
        comments, spaces where markup has none, and numbers. Those in text, attributes and scripts are held
        to rel 1e-6, integers exactly; coordinates of SVG to rel 1e-6 or 1e-9. `rule.limits` replaces these.
        JSON in scripts (figures of plotly, vega and bokeh) is compared like a JSON file, by `rule.columns` too.

        Raises:
            UndecodableError: a file is broken XML.
            IncomparableError: a file declares entities.
        """
        with reading("baseline"):
            old = parse(baseline, IncomparableError)
        with reading("result"):
            new = parse(result, IncomparableError)
        if old.format != new.format:
            return Outcome.structure(f"format {old.format} -> {new.format}")
        return _Comparison(old, new, rule).outcome()


_Where = tuple[Node, str]  # an element, and what of it: ``@name`` of an attribute, or nothing for its text


class _Comparison:
    """Walks two trees side by side."""

    def __init__(self, old: Document, new: Document, rule: ArtifactRule) -> None:
        limits = rule.limits
        self._rule = rule
        self._figures: list[Check] = []  # what comes of the JSON in scripts
        self._old, self._new = old, new
        self._names = Names(old), Names(new)
        self._coordinates, self._text = Scale.of_coordinates(limits), Scale.of_text(limits)
        self._tally: Tally[_Where] = Tally()
        self._n = 0
        self._lost: list[_Where] = []
        self._more: list[_Where] = []

    def outcome(self) -> Outcome:
        """Return what the comparison comes to."""
        pairs = [(self._old.root, self._new.root)]
        while pairs:
            one, other = pairs.pop()
            self._attributes(one, other)
            if [child.name for child in one.children] == [child.name for child in other.children]:
                self._texts(one, other)
                pairs.extend(reversed(list(zip(one.children, other.children, strict=True))))
            else:
                self._elements(one, other)
        rest = self._rest()
        if not self._figures:
            return rest
        outcome = combined([part("markup", "page", rest), *self._figures], place="{name}: {where}")
        failing = [check for check in outcome.parts if not check.status.ok]
        return replace(outcome, allow=failing[0].allow if len(failing) == 1 else None)

    def _rest(self) -> Outcome:
        """Return the outcome for all that is no JSON in a script."""
        if self._lost or self._more or self._old.unclosed != self._new.unclosed:
            return self._structure()
        if self._tally.worst is None:
            return Outcome.equal(self._n, limit=str(self._text.decimals))
        return self._judged(*self._tally.worst)

    def _judged(self, where: _Where, found: Difference) -> Outcome:
        """Return the outcome for trees whose texts differ."""
        tally = self._tally
        bad = len(tally.words) + tally.over
        message = f"{bad or tally.differing:,} of {self._n:,} texts and attributes differ"
        if found.note:
            message += f", {found.note}"
        names, limit = self._names, "exact" if found.words else str(found.limit)
        place = Place(_place(*where), names[0].restored(found.baseline), names[1].restored(found.result))
        status = CheckStatus.DRIFT if bad else CheckStatus.WITHIN
        return Outcome(status, found.used, limit, message, self._n, bad, place, allow=tally.allow())

    def _structure(self) -> Outcome:
        told = [
            f"{word}: {_listed(found)}"
            for word, found in (("lost", self._lost), ("new", self._more))
            if found
        ]
        if self._old.unclosed != self._new.unclosed:
            ends = (shortened(", ".join(side.unclosed)) or "nothing" for side in (self._old, self._new))
            told.append(f"left open at the end: {' -> '.join(ends)}")
        first = next(iter(self._lost + self._more), None)
        sides = ("there", "") if self._lost else ("", "there")
        place = Place(_told(first), *sides) if first else None
        bad = len(self._lost) + len(self._more) or 1
        return Outcome.structure("; ".join(told), n=self._n, bad=bad, worst=place)

    def _attributes(self, one: Node, other: Node) -> None:
        if one.attributes.keys() != other.attributes.keys():
            for node, rest, found in ((one, other, self._lost), (other, one, self._more)):
                found += [
                    (node, f"@{local(name)}") for name in node.attributes if name not in rest.attributes
                ]
        for name, value in one.attributes.items():
            if name in other.attributes:
                old, new = (
                    names.attribute(name, text)
                    for names, text in zip(self._names, (value, other.attributes[name]), strict=True)
                )
                drawn = one.svg and local(name).lower() in _COORDINATES
                self._compare((one, f"@{local(name)}"), old, new, self._coordinates if drawn else self._text)

    def _texts(self, one: Node, other: Node) -> None:
        for old, new in zip(one.texts, other.texts, strict=True):
            if old or new:
                mine, theirs = self._names[0].text(one, old), self._names[1].text(other, new)
                if one.tag == "script" and mine != theirs:
                    mine, theirs = self._script(one, mine, theirs)
                self._compare((one, ""), mine, theirs, self._text)

    def _script(self, node: Node, old: str, new: str) -> tuple[str, str]:
        """Compare the JSON in a script; return what else it holds, or all where the sides hold other calls."""
        kind = node.attributes.get("type", "")
        (mine, left), (theirs, right) = embedded.pull(old, kind), embedded.pull(new, kind)
        if [values.keys() for values in left] != [values.keys() for values in right]:
            return old, new
        for before, after in zip(left, right, strict=True):
            outcome = compare_figures(before, after, self._rule)
            self._figures.append(part("json", node.path(), self._restored(outcome)))
        return mine, theirs

    def _restored(self, outcome: Outcome) -> Outcome:
        """Return an outcome with the names of both sides put back, which `repr` had escaped."""

        def put_back(text: str, side: int = 0) -> str:
            return self._names[side].restored(text.replace(r"\ue000", "\ue000"))

        worst = outcome.worst
        if worst is not None:
            worst = Place(put_back(worst.where), put_back(worst.baseline), put_back(worst.result, 1))
        return replace(outcome, message=put_back(outcome.message), worst=worst)

    def _compare(self, where: _Where, old: str, new: str, scale: Scale) -> None:
        self._n += 1
        if old == new:
            return
        found = tokens.compare(old, new, scale)
        if found.spaces and not scale.mixed and not found.words:
            found = tokens.other_words(old, new)
        if found.words or found.at is not None:  # spaces in coordinates mean nothing
            self._tally.add(where, found)

    def _elements(self, one: Node, other: Node) -> None:
        """Name what an element lost or got; what they have in common around it is not looked into."""
        old, new = (_unshared(one, other), _unshared(other, one))
        lost = Counter(child.name for child in old) - Counter(child.name for child in new)
        more = Counter(child.name for child in new) - Counter(child.name for child in old)
        if not lost and not more:
            self._lost.append((one, ": the order of its elements"))
        self._lost += _named(old, lost)
        self._more += _named(new, more)


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


def _named(nodes: Sequence[Node], wanted: Counter[str]) -> list[_Where]:
    """Return as many elements of each name as are wanted."""
    left, found = wanted.copy(), []
    for node in nodes:
        if left[node.name] > 0:
            left[node.name] -= 1
            found.append((node, f" (id {node.attributes['id']})" if "id" in node.attributes else ""))
    return found


def _listed(found: Sequence[_Where]) -> str:
    more = len(found) - _TOLD
    return ", ".join(_told(where) for where in found[:_TOLD]) + (f" and {more:,} more" if more > 0 else "")


def _told(where: _Where) -> str:
    return where[0].path() + where[1]


# ---------------------------------------------------------------------------------------------------
# Places


def _place(node: Node, what: str) -> str:
    """Return where a text is: by row and column in a plain table, else by the path of its element."""
    cell = next((above for above in node.lineage() if above.tag in {"td", "th"}), None)
    return (_cell(cell) if cell and not what else "") or node.path() + what


def _cell(cell: Node) -> str:
    """Return ``row "b", column "score"`` for a cell of a table whose header and row have as many cells."""
    row = cell.parent
    table = next((above for above in cell.lineage() if above.tag == "table"), None)
    head = next((child for child in table.children if child.tag == "thead"), None) if table else None
    if row is None or head is None or row.parent is head or not _plain(row):
        return ""
    at = row.children.index(cell)
    headers = [line for line in head.children if _plain(line) and len(line.children) == len(row.children)]
    column = next((text for line in headers if (text := _words(line.children[at]))), "")
    label = ", ".join(text for child in row.children if child.tag == "th" and (text := _words(child)))
    return f'row "{shortened(label)}", column "{shortened(column)}"' if label and column else ""


def _plain(row: Node) -> bool:
    return not any(name in child.attributes for child in row.children for name in ("colspan", "rowspan"))


def _words(node: Node) -> str:
    return " ".join("".join(node.texts).split())
