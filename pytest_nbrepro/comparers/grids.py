"""Tables of HTML as rows and columns with names, the way people read them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pytest_nbrepro.comparers.base import counted, shortened
from pytest_nbrepro.comparers.trees import Node

_WIDEST = 1_000  # columns that a cell may span, as browsers have it
_MOST = 500_000  # cells of a table, those that span several counted as often
_TOLD = 3  # rows that are named in a message
_SECTIONS = frozenset({"thead", "tbody", "tfoot"})


@dataclass(frozen=True)
class Row:
    """One row below the head; a cell that spans several columns or rows stands in each of them."""

    labels: tuple[str, ...]  # the texts of its headings
    cells: tuple[Node, ...]

    @property
    def label(self) -> str:
        """What people call the row; nothing where it has no headings."""
        return ", ".join(filter(None, self.labels))


@dataclass(frozen=True)
class Grid:
    """A table in which every row has as many cells as its head."""

    columns: tuple[str, ...]  # unique names; those of several levels have dots: ``score.mean``
    head: int  # rows of the head
    rows: tuple[Row, ...]

    def place(self, row: int, column: int) -> str:
        """Return where a cell is: ``row "b", column "score"``, or by its number from 0."""
        label = self.rows[row].label
        name = f'"{shortened(label)}"' if label else f"{row:,}"
        return f'row {name}, column "{shortened(self.columns[column])}"'


def text_of(node: Node) -> str:
    """Return all text in an element, runs of blanks as one."""
    pieces: list[str] = []
    stack: list[Node | str] = [node]
    while stack:
        item = stack.pop()
        if isinstance(item, str):
            pieces.append(item)
            continue
        inner: list[Node | str] = [item.texts[0]]
        for child, text in zip(item.children, item.texts[1:], strict=True):
            inner += [child, text]
        stack.extend(reversed(inner))
    return " ".join("".join(pieces).split())


def caption(table: Node) -> str:
    """Return the text of a table's caption; nothing where it has none."""
    return " ".join(text_of(child) for child in table.children if child.tag == "caption")


def grid(table: Node) -> Grid | None:
    """Return a table as a grid; None for one without a head, with rows of unequal length, or with tables in it."""
    lines = [(line, section) for section, line in _lines(table)]
    laid = _laid([line for line, _ in lines])
    if laid is None or len({len(cells) for cells in laid}) != 1 or _nests(table):
        return None
    head = _head(laid, [section for _, section in lines])
    if not head:
        return None
    body = laid[head:]
    return Grid(_names(laid[:head]), head, tuple(_row(cells) for cells in body))


def _lines(table: Node) -> Iterator[tuple[str, Node]]:
    for child in table.children:
        if child.tag == "tr":
            yield "", child
        elif child.tag in _SECTIONS:
            yield from ((child.tag, line) for line in child.children if line.tag == "tr")


def _nests(table: Node) -> bool:
    return any(node.tag == "table" for node in table.walk() if node is not table)


def _laid(lines: Sequence[Node]) -> list[tuple[Node, ...]] | None:
    """Return the cells of each row by column, spans laid out; None for a table that is too large by its spans."""
    found: list[tuple[Node, ...]] = []
    above: _Reaching = {}
    total = 0
    for line in lines:
        row: list[Node] = []
        below: _Reaching = {}
        for cell in (*line.children, None):
            _take(above, row, below)
            if cell is not None:
                high = _span(cell, "rowspan")
                for _ in range(_span(cell, "colspan")):
                    if high > 1:
                        below[len(row)] = cell, high - 1
                    row.append(cell)
        above = below
        total += len(row)
        if total > _MOST:
            return None
        found.append(tuple(row))
    return found


_Reaching = dict[int, tuple[Node, int]]  # by column: a cell that reaches into the next row, and into how many


def _take(above: _Reaching, row: list[Node], below: _Reaching) -> None:
    """Put the cells into a row that reach into it from above, at its present end."""
    while len(row) in above:
        cell, left = above[len(row)]
        if left > 1:
            below[len(row)] = cell, left - 1
        row.append(cell)


def _span(cell: Node, name: str) -> int:
    value = cell.attributes.get(name, "").strip() if cell.attributes else ""
    return max(1, min(int(value), _WIDEST)) if re.fullmatch(r"[0-9]{1,9}", value) else 1


def _head(laid: Sequence[Sequence[Node]], sections: Sequence[str]) -> int:
    """Return how many rows are the head: those in `thead`, else the first ones in which only headings have text."""
    marked = sum(section == "thead" for section in sections)
    if marked:
        return marked if all(section == "thead" for section in sections[:marked]) else 0
    count = 0
    for cells in laid:
        words = [cell for cell in cells if text_of(cell)]
        if not words or any(cell.tag != "th" for cell in words):
            break
        count += 1
    return count if count < len(laid) else 0


def _names(head: Sequence[Sequence[Node]]) -> tuple[str, ...]:
    seen: Counter[str] = Counter()
    names = []
    for number, cells in enumerate(zip(*head, strict=True), 1):
        levels = dict.fromkeys(cells)  # one that spans several rows counts once
        name = ".".join(filter(None, map(text_of, levels))) or f"column {number}"
        seen[name] += 1
        names.append(name if seen[name] == 1 else f"{name}#{seen[name]}")
    return tuple(names)


def _row(cells: Sequence[Node]) -> Row:
    labels: list[str] = []
    for cell in cells:
        if cell.tag != "th":
            break
        labels.append(text_of(cell))
    return Row(tuple(labels), tuple(cells))


# ---------------------------------------------------------------------------------------------------
# Two of them


def paired(old: Grid, new: Grid) -> tuple[list[tuple[int, int]], str]:
    """Return which rows of two grids belong together, and what is wrong with those that have no partner.

    Rows go by their position; where one table has more of them by their headings, if these are unique.
    """
    if len(old.rows) == len(new.rows):
        return [(row, row) for row in range(len(old.rows))], ""
    mine, theirs = ({row.labels: number for number, row in enumerate(side.rows)} for side in (old, new))
    sure = len(mine) == len(old.rows) and len(theirs) == len(new.rows) and () not in {*mine, *theirs}
    if not sure:
        return [], f"{len(old.rows):,} -> {len(new.rows):,} rows"
    told = [
        _alone(word, [row.label for row in side.rows if row.labels not in other])
        for word, side, other in (("lost", old, theirs), ("new", new, mine))
    ]
    return [(number, theirs[labels]) for labels, number in mine.items() if labels in theirs], "; ".join(
        filter(None, told)
    )


def _alone(word: str, labels: Sequence[str]) -> str:
    if not labels:
        return ""
    more = ", …" if len(labels) > _TOLD else ""
    shown = ", ".join(f'"{shortened(label)}"' for label in labels[:_TOLD])
    return f"{counted(len(labels), 'row')} {word}: {shown}{more}"
