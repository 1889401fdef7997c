"""Two texts that are equal but for their numbers, and how far those are apart; in linear time."""

from __future__ import annotations

import cmath
import math
import re
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Generic, Self, TypeVar

from pytest_nbrepro.comparers import numbers
from pytest_nbrepro.comparers.base import shortened
from pytest_nbrepro.comparers.extracts import changed_part, excerpts
from pytest_nbrepro.comparers.numbers import Limit
from pytest_nbrepro.model import Limits

Where = TypeVar("Where")

_LONGEST = 300  # characters; a longer number is text
_RULER = re.compile(r"([-=_~*\u2500\u2501\u2550])\1{2,}")  # a line drawn below a heading or around a table

_PLAIN = r"(?:[0-9]++(?:\.[0-9]*+)?+|\.[0-9]++)(?:[eE][+-]?[0-9]++)?+"

IN_TEXT = re.compile(
    rf"""
    (?<![\w.\#])[+-]?             # x1, 1.8.0, #440154 are text; in 3-5 the sign is text
    (?:
        (?:
            (?:(?<=[\s$€£¥])|(?<=[\s$€£¥][+-]))     # 1,234 joins after a space only: [1,234] is a list
            [0-9]{{1,3}}(?:,[0-9]{{3}})++(?:\.[0-9]++)?+(?=[.,;:)\]%]*+(?:\s|$))
          | (?:{_PLAIN}|(?i:nan|inf(?:inity)?+))
            (?:(?:[+-](?:{_PLAIN}|nan|inf))?+j)?+           # 1-2e-17j
        )
        (?!\w|\.[0-9])           # 0x7f and 1.8.0 are text
      | [0-9]++\.[0-9]++(?:[eE][+-]?[0-9]++)?+(?=[a-zA-Z\u00b5\u03bc]{{1,4}}(?![\w.]))    # 3.2kg, not 1.8rc1
    )
    """,
    re.VERBOSE,
)
"""A number in running text: what touches letters (but a unit), hexadecimals, versions and addresses are text.

A complex number is one, as Python and numpy write it: the sign of its second part is no word.
"""

IN_PATHS = re.compile(rf"[+-]?{_PLAIN}")
"""A number in the coordinates of SVG, where letters and signs may touch it: ``M57.6-3L.5.5``."""


@dataclass(frozen=True)
class Scale:
    """What counts as a number, and the limits of those with and without decimals."""

    decimals: Limit
    integers: Limit
    pattern: re.Pattern[str] = IN_TEXT
    mixed: bool = False  # coordinates: 2 and 2.0 are one kind, with the limits of decimals

    @classmethod
    def of_text(cls, limits: Limits) -> Self:
        """Return the scale of numbers in text: 1e-6 of the baseline by default, integers exact."""
        return cls(numbers.resolve(limits, "float64"), numbers.resolve(limits, "int64"))

    @classmethod
    def of_coordinates(cls, limits: Limits) -> Self:
        """Return the scale of coordinates: 1e-6 of the baseline by default, or 1e-9."""
        limit = numbers.resolve(limits, "float64", largest=1.0)
        return cls(limit, limit, IN_PATHS, mixed=True)


@dataclass
class Difference:
    """How two texts differ; `used` and what comes with it are of the worst place.

    Where the text around the numbers differs, `words` is set and `used` infinite; nothing else was looked at.
    """

    used: float = 0.0
    note: str = ""
    at: int | None = None  # offset of the number in the baseline's text
    baseline: str = ""
    result: str = ""
    words: bool = False
    spaces: bool = False  # the spaces between words and numbers, or the lengths of drawn lines, differ
    widths: bool = False  # a number takes more or less room than it did
    limit: Limit = numbers.EXACT
    over: set[Limit] = field(default_factory=set)  # the limits that numbers are out of,
    rel: float = 0.0  # their largest |difference| / |baseline|
    abs: float = 0.0  # and their largest |difference|

    def add(self, old: str, new: str, at: int, scale: Scale) -> None:
        """Take in two numbers that are written differently."""
        self.widths = self.widths or len(old) != len(new)
        one, other, limit = _values(old, new, scale)
        used = numbers.used(one, other, limit) if limit else math.inf
        limit = limit or numbers.EXACT
        if used > 1:
            distance = float(abs(other - one))
            self.over.add(limit)
            self.abs = max(self.abs, distance)
            self.rel = max(self.rel, distance / abs(one) if one else math.inf)
        if used > self.used or self.at is None:
            self.used, self.at, self.limit = used, at, limit
            self.note = numbers.advice(one, other, limit) if used > 1 else ""
            self.baseline, self.result = shortened(old), shortened(new)


def compare(baseline: str, result: str, scale: Scale) -> Difference:
    """Compare two texts number by number, and what is between the numbers but for its spaces."""
    found = Difference()
    start, *ends = changed_part(baseline, result)
    old_end = new_end = start
    old_numbers = scale.pattern.finditer(baseline, start, ends[0])
    new_numbers = scale.pattern.finditer(result, start, ends[1])
    for old, new in zip_longest(old_numbers, new_numbers):
        if old is None or new is None:
            return other_words(baseline, result)
        if not _same_words(found, baseline[old_end : old.start()], result[new_end : new.start()]):
            return other_words(baseline, result)
        if old.group() != new.group():
            found.add(old.group(), new.group(), old.start(), scale)
        old_end, new_end = old.end(), new.end()
    if not _same_words(found, baseline[old_end : ends[0]], result[new_end : ends[1]]):
        return other_words(baseline, result)
    return found


@dataclass
class Tally(Generic[Where]):
    """What the differences of many texts come to."""

    differing: int = 0
    words: list[Where] = field(default_factory=list)  # where text differs, not numbers
    spaces: list[Where] = field(default_factory=list)  # where spaces differ, and no number is out of limit
    widths: bool = False
    over: int = 0  # texts with a number out of limit
    limits: set[Limit] = field(default_factory=set)  # as in a Difference
    rel: float = 0.0
    abs: float = 0.0
    worst: tuple[Where, Difference] | None = None  # the first with other text, else the most used number

    def add(self, where: Where, found: Difference) -> None:
        """Take in how two texts differ."""
        self.differing += 1
        if found.words:
            self.words.append(where)
        elif found.spaces and found.used <= 1:
            self.spaces.append(where)
        self.widths = self.widths or found.widths
        self.over += found.used > 1 and not found.words
        self.limits |= found.over
        self.rel, self.abs = max(self.rel, found.rel), max(self.abs, found.abs)
        if self.worst is None or _rank(found) > _rank(self.worst[1]):
            self.worst = where, found

    def allow(self) -> str | None:
        """Return the limits that would let all pass, where that is safe to suggest."""
        if self.words or len(self.limits) != 1 or self.worst is None:
            return None
        return numbers.suggest(
            rel=self.rel, abs_=self.abs, limit=self.worst[1].limit, most=self.worst[1].used
        )


def _rank(found: Difference) -> tuple[bool, bool, float]:
    return found.words, found.at is not None, found.used


def other_words(baseline: str, result: str) -> Difference:
    """Return the difference of two texts that are to be equal and are not."""
    return Difference(math.inf, "", None, *excerpts(baseline, result), words=True)


def _same_words(found: Difference, old: str, new: str) -> bool:
    if old == new:
        return True
    found.spaces = True
    return _RULER.sub(r"\1\1\1", old).split() == _RULER.sub(r"\1\1\1", new).split()


def _values(old: str, new: str, scale: Scale) -> tuple[complex, complex, Limit | None]:
    """Return two numbers and their limit; None where they are of two kinds, or too long to be compared."""
    kinds = {_kind(old), _kind(new)}
    if "text" in kinds or ("complex" in kinds and len(kinds) > 1):
        return 0.0, 0.0, None
    if "complex" in kinds:
        return complex(old), complex(new), scale.decimals
    if not scale.mixed and len(kinds) == 1 and kinds < {"integer", "whole"}:
        return _integer(old), _integer(new), scale.integers
    known = scale.mixed or "integer" not in kinds or "special" in kinds
    return _float(old), _float(new), scale.decimals if known else None


def _kind(token: str) -> str:
    """Return ``integer``, ``whole`` (decimal point, no decimals), ``decimal``, ``complex``, ``special`` or ``text``."""
    body = token.lstrip("+-").replace(",", "")
    if body.endswith("j"):
        whole = len(body) <= _LONGEST and (cmath.isfinite(complex(body)) or "n" in body.lower())
        return "complex" if whole else "text"
    if body.isdigit():
        return "integer" if len(body) <= _LONGEST else "text"
    if body[:1].isalpha():
        return "special"
    if len(body) > _LONGEST or math.isinf(float(body)):
        return "text"
    return "whole" if body[:-1].isdigit() and body.endswith(".") else "decimal"


def _integer(token: str) -> int:
    return int(token.replace(",", "").rstrip("."))


def _float(token: str) -> float:
    return float(token.replace(",", ""))
