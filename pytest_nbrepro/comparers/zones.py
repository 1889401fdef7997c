"""Parts of a document of markup that have limits of their own, and what the differences in each come to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pytest_nbrepro.comparers import asides, tokens
from pytest_nbrepro.comparers.base import Outcome, part, shortened
from pytest_nbrepro.comparers.elements import Found
from pytest_nbrepro.comparers.grids import Grid, text_of
from pytest_nbrepro.comparers.references import Names
from pytest_nbrepro.comparers.tokens import Difference, Scale, Tally
from pytest_nbrepro.comparers.trees import Node
from pytest_nbrepro.model import Check, CheckStatus, Limits, Place

_TOLD = 3  # elements named in a message


@dataclass(frozen=True)
class Spot:
    """A place of a document: the zone that it lies in, the cell of a table, the name of what is set aside there."""

    zone: Zone
    cell: tuple[Grid, int, int] | None = None  # with its row and column
    timed: str = ""

    def place(self, node: Node, what: str) -> str:
        """Return what people call the text of an element, or with ``@name`` one of its attributes."""
        if what:
            return node.path() + what
        if self.cell is not None:
            grid, row, column = self.cell
            return grid.place(row, column)
        return _beside(node) or node.path()


def _beside(node: Node) -> str:
    """Return ``row "R-squared:"`` for the text of a cell to the right of a heading, in a table that is no grid."""
    cell = next((above for above in node.lineage() if above.tag in {"td", "th"}), None)
    row = cell.parent if cell is not None else None
    if cell is None or row is None or cell.tag == "th":
        return ""
    at = row.children.index(cell)
    label = text_of(row.children[at - 1]) if at and row.children[at - 1].tag == "th" else ""
    return f'row "{shortened(label)}"' if label else ""


class Zone:
    """One part: a column of a table, or the whole page but for its tables.

    Args:
        limits: the allowance of its numbers.
        names: the random names of both documents.
        word: what is compared in it, in the plural.
    """

    def __init__(self, limits: Limits, names: tuple[Names, Names], word: str) -> None:
        self.text, self.coordinates = Scale.of_text(limits), Scale.of_coordinates(limits)
        self.n = 0
        self.lost: list[Found] = []
        self.more: list[Found] = []
        self.unclosed: tuple[Sequence[str], Sequence[str]] = ((), ())
        self._tally: Tally[tuple[Spot, Node, str]] = Tally()
        self._aside: dict[str, tuple[int, Place]] = {}
        self._names, self._word = names, word

    def compare(self, spot: Spot, node: Node, what: str, old: str, new: str, scale: Scale) -> None:
        """Compare two texts or values of attributes."""
        self.n += 1
        if old == new:
            return
        found = tokens.compare(old, new, scale)
        if found.spaces and not scale.mixed and not found.words:
            found = tokens.other_words(old, new)
        if found.words or found.at is not None:  # spaces in coordinates mean nothing
            self._tally.add((spot, node, what), found)

    def set_aside(self, spot: Spot, node: Node, old: str, new: str) -> None:
        """Take in two texts that are timings."""
        count, place = self._aside.get(spot.timed, (0, Place(spot.place(node, ""), old, new)))
        self._aside[spot.timed] = count + 1, place

    def checks(self, kind: str, name: str) -> Iterator[Check]:
        """Yield what the zone comes to: the outcome of what is compared in it, then what is set aside."""
        outcome = self.outcome()
        same = outcome.status is CheckStatus.EQUAL and (name in self._aside or not self.n)
        if not (self._aside and same):
            yield part(kind, name, outcome)
        for timed, (count, place) in self._aside.items():
            yield part(kind, timed, asides.outcome(count, place))

    def outcome(self) -> Outcome:
        """Return the outcome of all that is compared in the zone."""
        if self.lost or self.more or self.unclosed[0] != self.unclosed[1]:
            return self._structure()
        if self._tally.worst is None:
            return Outcome.equal(self.n, limit=str(self.text.decimals))
        return self._judged(*self._tally.worst)

    def _judged(self, where: tuple[Spot, Node, str], found: Difference) -> Outcome:
        tally, (spot, node, what) = self._tally, where
        bad = len(tally.words) + tally.over
        message = f"{bad or tally.differing:,} of {self.n:,} {self._word} differ"
        if found.note:
            message += f", {found.note}"
        limit = "exact" if found.words else str(found.limit)
        old, new = (
            names.restored(text)
            for names, text in zip(self._names, (found.baseline, found.result), strict=True)
        )
        status = CheckStatus.DRIFT if bad else CheckStatus.WITHIN
        place = Place(spot.place(node, what), old, new)
        return Outcome(status, found.used, limit, message, self.n, bad, place, allow=tally.allow())

    def _structure(self) -> Outcome:
        told = [
            f"{word}: {_listed(found)}" for word, found in (("lost", self.lost), ("new", self.more)) if found
        ]
        if self.unclosed[0] != self.unclosed[1]:
            ends = (shortened(", ".join(side)) or "nothing" for side in self.unclosed)
            told.append(f"left open at the end: {' -> '.join(ends)}")
        first = next(iter(self.lost + self.more), None)
        sides = ("there", "") if self.lost else ("", "there")
        place = Place(_told(first), *sides) if first else None
        bad = len(self.lost) + len(self.more) or 1
        return Outcome.structure("; ".join(told), n=self.n, bad=bad, worst=place)


def _listed(found: Sequence[Found]) -> str:
    more = len(found) - _TOLD
    return ", ".join(_told(where) for where in found[:_TOLD]) + (f" and {more:,} more" if more > 0 else "")


def _told(where: Found) -> str:
    return where[0].path() + where[1]
