"""A table that people move about in: what is shown of it, and what each key does. It knows nothing of terminals."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

Style = Literal["plain", "head", "cursor", "chosen", "mark"]
Piece = tuple[str, Style]
Action = Literal["open", "diff", "columns", "help", "quit"]

_GAP = 2
_WIDEST = 40  # characters of a cell
FOOT = "enter open  d diff  space mark  s sort  h hide  c columns  ? keys  q quit"
KEYS = """\
↑ ↓ k j          one run up, down          PgUp PgDn   a page
g G Home End     first, last run           ← →         one column left, right
enter            all of the run            space       mark the run
d                what differs between the marked run and this one, or the run before
s                sort by the column; once more: the largest first
h                hide the column           c           choose columns
q                back, and out"""


@dataclass
class Cursor:
    """Where a person is in a list that is longer than the screen."""

    at: int = 0
    top: int = 0

    def move(self, key: str, length: int, page: int) -> bool:
        """Go where a key leads; tell whether it is one of those."""
        step = {
            "up": -1,
            "k": -1,
            "down": 1,
            "j": 1,
            "pgup": -page,
            "pgdn": page,
            "g": -length,
            "home": -length,
        }
        step |= {"G": length, "end": length}
        if key not in step:
            return False
        self.at = min(max(self.at + step[key], 0), max(length - 1, 0))
        self.keep(page)
        return True

    def keep(self, page: int) -> None:
        """Scroll so that it is seen."""
        self.top = min(max(self.top, self.at - page + 1), self.at)


class Grid:
    """The state of the table.

    Args:
        head: the names of the columns; the first stays at the left.
        rows: what is shown.
        values: what it is sorted by, in the same places; numbers as Python writes them.
    """

    def __init__(
        self, head: Sequence[str], rows: Sequence[Sequence[str]], values: Sequence[Sequence[str]]
    ) -> None:
        self.head = head
        self._rows = [[" ".join(cell.split()) for cell in row] for row in rows]
        self._values = values
        self.hidden: set[int] = set()
        self.order = list(range(len(rows)))
        self.cursor = Cursor()
        self.column = 0
        self.marked: int | None = None
        self._sorted: tuple[int, bool] | None = None
        self._left = 1

    @property
    def row(self) -> int:
        """The number of the row that the cursor is in, as rows were given."""
        return self.order[self.cursor.at]

    def before(self) -> int | None:
        """Return the row that a difference begins with: the marked one, else the next older one that is shown below."""
        if self.marked is not None:
            return None if self.marked == self.row else self.marked
        return self.order[self.cursor.at + 1] if self.cursor.at + 1 < len(self.order) else None

    def press(self, key: str, page: int) -> Action | None:
        """Do what a key stands for; return what others have to do.

        Args:
            key: a character, or `up`, `down`, `left`, `right`, `pgup`, `pgdn`, `home`, `end`, `enter`, `esc`.
            page: how many rows are seen.
        """
        if self.cursor.move(key, len(self.order), page):
            return None
        columns = self.columns()
        at = columns.index(self.column)
        if key == "left":
            self.column = columns[max(at - 1, 0)]
        elif key == "right":
            self.column = columns[min(at + 1, len(columns) - 1)]
        elif key == " ":
            self.marked = None if self.marked == self.row else self.row
        elif key == "s":
            self._sort()
        elif key == "h" and self.column:
            self.toggle(self.column)
        actions: dict[str, Action] = {
            "enter": "open",
            "d": "diff",
            "c": "columns",
            "?": "help",
            "q": "quit",
        }
        return actions.get(key)

    def columns(self) -> list[int]:
        """Return the numbers of the columns that are shown."""
        return [number for number in range(len(self.head)) if number not in self.hidden]

    def toggle(self, column: int) -> None:
        """Hide a column, or show it again; the first one stays."""
        if column == 0:
            return
        self.hidden ^= {column}
        if self.column in self.hidden:
            self.column = max(number for number in self.columns() if number < self.column)

    def _sort(self) -> None:
        row = self.row
        reverse = self._sorted == (self.column, False)
        self._sorted = (self.column, reverse)
        keys = {number: _key(self._values[number][self.column]) for number in self.order}
        told = [number for number in self.order if keys[number] is not None]
        told.sort(key=lambda number: keys[number] or (0, 0.0, ""), reverse=reverse)
        self.order = [*told, *(number for number in self.order if keys[number] is None)]
        self.cursor.at = self.order.index(row)

    # -- what is seen --------------------------------------------------------------------------------

    def lines(self, width: int, height: int) -> Iterator[list[Piece]]:
        """Yield the lines of a screen: a head, rows, and at last the keys.

        Args:
            width: in characters.
            height: in lines.
        """
        page = max(height - 2, 1)
        self.cursor.keep(page)
        shown = self._shown(width)
        yield list(_cut([self._title(number) for number in shown], width))
        for at in range(self.cursor.top, min(self.cursor.top + page, len(self.order))):
            yield list(_cut([self._cell(at, number) for number in shown], width))
        yield from ([] for _ in range(page - (len(self.order) - self.cursor.top)))
        yield list(_cut([(f"{self.cursor.at + 1}/{len(self.order)}", "head"), (f"  {FOOT}", "plain")], width))

    def _shown(self, width: int) -> list[int]:
        """Return the columns for which there is room, the first and that of the cursor among them."""
        rest = [number for number in self.columns() if number]
        at = rest.index(self.column) if self.column in rest else 0
        first = min(rest.index(self._left) if self._left in rest else 0, at)
        while first < at and self._width(0) + sum(map(self._width, rest[first : at + 1])) > width:
            first += 1
        self._left = rest[first] if rest else 1
        return [0, *rest[first:]]

    def _width(self, column: int) -> int:
        cells = (row[column] for row in self._rows)
        return min(max(map(len, (f"{self.head[column]} ▲", *cells))), _WIDEST) + _GAP

    def _title(self, column: int) -> Piece:
        arrow = "" if not self._sorted or self._sorted[0] != column else " ▼" if self._sorted[1] else " ▲"
        return _fit(
            f"{self.head[column]}{arrow}", self._width(column)
        ), "chosen" if column == self.column else "head"

    def _cell(self, at: int, column: int) -> Piece:
        number = self.order[at]
        style: Style = "cursor" if at == self.cursor.at else "mark" if number == self.marked else "plain"
        text = self._rows[number][column]
        return _fit(
            f"* {text}" if column == 0 and number == self.marked else text, self._width(column)
        ), style


def _key(text: str) -> tuple[int, float, str] | None:
    """Return what a value is sorted by: numbers before texts; None for what is not there, or no number."""
    try:
        number = float(text)
    except ValueError:
        return (1, 0.0, text) if text else None
    return (0, number, "") if number == number else None  # noqa: PLR0124 - NaN has no place among numbers


def _fit(text: str, width: int) -> str:
    room = width - _GAP
    return f"{text if len(text) <= room else text[: room - 1] + '…':<{width}}"


def _cut(pieces: Sequence[Piece], width: int) -> Iterator[Piece]:
    left = width
    for text, style in pieces:
        if left > 0:
            yield text[:left], style
        left -= len(text)
