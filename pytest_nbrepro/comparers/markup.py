"""SVG, HTML and XML: the tree is compared, with numbers within limits and random names as what they name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pytest_nbrepro import masks
from pytest_nbrepro.comparers import asides, embedded, grids
from pytest_nbrepro.comparers.base import (
    IncomparableError,
    Outcome,
    allow_columns,
    combined,
    ignored,
    limits_for,
    part,
    reading,
)
from pytest_nbrepro.comparers.elements import lost_and_new
from pytest_nbrepro.comparers.figures import compare_figures
from pytest_nbrepro.comparers.grids import Grid, Row
from pytest_nbrepro.comparers.parsing import parse
from pytest_nbrepro.comparers.references import Names
from pytest_nbrepro.comparers.stamps import Stamps
from pytest_nbrepro.comparers.trees import Document, Node, local
from pytest_nbrepro.comparers.zones import Spot, Zone
from pytest_nbrepro.errors import UndecodableError
from pytest_nbrepro.model import ArtifactRule, Check, CheckStatus, Place

_NUMERIC = (
    "d points transform viewbox x y x1 y1 x2 y2 cx cy r rx ry fx fy dx dy width height offset refx refy "
    "gradienttransform patterntransform stroke-width stroke-dasharray stroke-dashoffset opacity "
    "fill-opacity stroke-opacity stop-opacity font-size textlength rotate"
)
_COORDINATES = frozenset(_NUMERIC.split())
_WHOLE = re.compile(r"[+-]?[\d,]+")
_TIMING = re.compile(
    r"(?=[^\d]{0,3}\d)(?:[\d.,:±()\s+-]|e(?=[+-]?\d)|(?:days?|hours?|h|minutes?|mins?|m|seconds?|secs?|s|ms|[uµμ]s|ns)\b)+",
    re.IGNORECASE,
)


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
        comments, spaces where markup has none, what masks hide in text, and numbers. Those in text, attributes
        and scripts are held to rel 1e-6, integers exactly; coordinates of SVG to rel 1e-6 or 1e-9.
        `rule.limits` replaces these. Tables of HTML that have a head are compared by cell, row and column, and
        JSON in scripts (figures of plotly, vega and bokeh) like a JSON file, both by `rule.columns` too.

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


@dataclass
class _Table:
    """Two tables that are compared by cell: their columns, and what else there is to say."""

    zones: dict[str, Zone] = field(default_factory=dict)
    checks: list[Check] = field(default_factory=list)
    note: str = ""

    def outcome(self) -> Outcome:
        """Return what the tables come to."""
        columns = [check for name, zone in self.zones.items() for check in zone.checks("column", name)]
        outcome = combined([*self.checks, *columns], place="{where}")
        message = "; ".join(filter(None, (outcome.message, self.note)))
        return replace(outcome, message=message, allow=allow_columns(outcome.parts))


class _Comparison:
    """Walks two trees side by side."""

    def __init__(self, old: Document, new: Document, rule: ArtifactRule) -> None:
        self._rule = rule
        self._figures: list[Check] = []  # what comes of the JSON in scripts
        self._tables: list[_Table] = []
        self._old, self._new = old, new
        self._names = Names(old), Names(new)
        self._stamps = Stamps(old, new, rule)
        self._page = Zone(rule.limits, self._names, "texts and attributes")
        self._page.unclosed = old.unclosed, new.unclosed
        self._cells: dict[Node, Spot | None] = {}  # of the baseline's tables; None: left out

    def outcome(self) -> Outcome:
        """Return what the comparison comes to."""
        pairs = [(self._old.root, self._new.root, Spot(self._page))]
        while pairs:
            one, other, above = pairs.pop()
            spot = self._cells.get(one, above)
            if spot is None or (one.tag == other.tag == "table" and self._is_compared_by_cell(one, other)):
                continue
            self._attributes(spot, one, other)
            if [child.name for child in one.children] == [child.name for child in other.children]:
                self._texts(spot, one, other)
                below = zip(one.children, other.children, strict=True)
                pairs.extend((child, twin, spot) for child, twin in reversed(list(below)))
            else:
                lost, more = lost_and_new(one, other)
                spot.zone.lost += lost
                spot.zone.more += more
        outcome = self._whole()
        message = "; ".join(filter(None, (outcome.message, masks.told(self._stamps.hits))))
        return replace(outcome, message=message)

    def _whole(self) -> Outcome:
        """Return the outcome for the page, its tables, and the JSON in its scripts."""
        page = part("markup", "page", self._page.outcome())
        if not self._figures and not self._tables:
            return self._page.outcome()
        if len(self._tables) == 1 and not self._figures:
            table = self._tables[0].outcome()
            outcome = combined([page, *table.parts], place="{where}")
            message = "; ".join(filter(None, (outcome.message, self._tables[0].note)))
            return replace(outcome, message=message, allow=table.allow if page.status.ok else None)
        tables = [
            part("table", f"table {number}", table.outcome()) for number, table in enumerate(self._tables, 1)
        ]
        outcome = combined([page, *self._figures, *tables], place="{name}: {where}")
        failing = [check for check in outcome.parts if not check.status.ok]
        return replace(outcome, allow=failing[0].allow if len(failing) == 1 else None)

    def _attributes(self, spot: Spot, one: Node, other: Node) -> None:
        zone = spot.zone
        if one.attributes.keys() != other.attributes.keys():
            for node, rest, found in ((one, other, zone.lost), (other, one, zone.more)):
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
                scale = zone.coordinates if drawn else zone.text
                zone.compare(spot, one, f"@{local(name)}", old, new, scale)

    def _texts(self, spot: Spot, one: Node, other: Node) -> None:
        for old, new in zip(one.texts, other.texts, strict=True):
            if old or new:
                self._text(spot, one, old, new)

    def _text(self, spot: Spot, node: Node, old: str, new: str) -> None:
        mine, theirs = self._names[0].text(node, old), self._names[1].text(node, new)
        if spot.timed and mine != theirs and _are_timings(mine, theirs):
            spot.zone.set_aside(spot, node, mine.strip(), theirs.strip())
            return
        if node.tag == "script" and mine != theirs:
            mine, theirs = self._script(node, mine, theirs)
        elif mine != theirs:
            mine, theirs = self._stamps.masked(mine, theirs)
        spot.zone.compare(spot, node, "", mine, theirs, spot.zone.text)

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

    # -- tables -------------------------------------------------------------------------------------

    def _is_compared_by_cell(self, one: Node, other: Node) -> bool:
        """Tell whether two tables are compared here and now, since they have other rows or columns.

        Of tables with the same rows and columns the trees are compared, by the limits of each column.
        """
        old, new = grids.grid(one), grids.grid(other)
        if old is None or new is None:
            return False
        table = _Table()
        self._tables.append(table)
        kept = [
            [(name, at) for at, name in enumerate(side.columns) if not ignored(name, self._rule)]
            for side in (old, new)
        ]
        table.zones = {name: self._zone(name) for name, _ in kept[0]}
        if old.columns == new.columns and len(old.rows) == len(new.rows) and old.head == new.head:
            self._cells.update(self._spots(old, table))
            return False
        theirs = dict(kept[1])
        orders = [name for name, _ in kept[0] if name in theirs], [n for n, _ in kept[1] if n in table.zones]
        table.note = "" if orders[0] == orders[1] else "the columns are in another order"
        table.checks += [_alone(name, CheckStatus.LOST) for name in table.zones if name not in theirs]
        table.checks += [_alone(name, CheckStatus.NEW) for name in theirs if name not in table.zones]
        table.zones = {name: zone for name, zone in table.zones.items() if name in theirs}
        rows, fault = grids.paired(old, new)
        table.checks += [part("column", "rows", Outcome.structure(fault))] if fault else []
        self._text(Spot(self._page), one, grids.caption(one), grids.caption(other))
        spots = self._spots(old, table)
        for mine, twin in rows:
            for name, at in kept[0]:
                if name in theirs:
                    cell, found = old.rows[mine].cells[at], new.rows[twin].cells[theirs[name]]
                    spot = spots[cell]
                    if spot is not None:
                        self._text(spot, cell, grids.text_of(cell), grids.text_of(found))
        return True

    def _zone(self, column: str) -> Zone:
        return Zone(limits_for(column, self._rule), self._names, "cells")

    def _spots(self, grid: Grid, table: _Table) -> dict[Node, Spot | None]:
        """Return the cells of a table with what holds there; one that spans several is the first of them."""
        timed = {name: asides.is_set_aside(name, self._rule) for name in grid.columns}
        found: dict[Node, Spot | None] = {}
        for number, row in enumerate(grid.rows):
            own = self._timed(row)
            for at, (name, cell) in enumerate(zip(grid.columns, row.cells, strict=True)):
                if cell not in found:
                    zone = table.zones.get(name)
                    label = name if timed[name] else own if at >= len(row.labels) else ""
                    found[cell] = Spot(zone, (grid, number, at), label) if zone else None
        return found

    def _timed(self, row: Row) -> str:
        """Return the heading of a row that is called like a timing."""
        return next((label for label in row.labels if asides.is_set_aside(label, self._rule)), "")


def _alone(name: str, status: CheckStatus) -> Check:
    return Check("column", name, status, message=f"column {status}", n=1, bad=1)


def _are_timings(old: str, new: str) -> bool:
    """Tell whether two texts hold numbers and units of time alone; not both whole numbers, which are data."""
    sides = old.strip(), new.strip()
    return all(map(_TIMING.fullmatch, sides)) and not all(map(_WHOLE.fullmatch, sides))
