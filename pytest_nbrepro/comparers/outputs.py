"""Text that people read: line by line, exactly but for numbers, which are held to limits."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from pytest_nbrepro.comparers import tokens
from pytest_nbrepro.comparers.base import Outcome, counted
from pytest_nbrepro.comparers.extracts import excerpts, label
from pytest_nbrepro.comparers.tokens import Difference, Scale, Tally
from pytest_nbrepro.model import CheckStatus, Limits, Place


def compare_text(baseline: str, result: str, limits: Limits) -> Outcome:
    """Compare the text of a cell, masks already applied, with the baseline's.

    The lines are the same, and so is all text around numbers. A number with decimals is held to the limits
    (rel 1e-6 by default; how many digits were printed is no allowance), an integer is exact unless `abs`
    is given, and neither stands for the other; complex numbers are held to limits as one. Where a number takes
    more room than before, spaces may move and drawn lines grow. Equal texts are EQUAL, all other passes WITHIN.
    """
    return compare_lines(baseline.split("\n"), result.split("\n"), Scale.of_text(limits))


def compare_lines(old: Sequence[str], new: Sequence[str], scale: Scale | None) -> Outcome:
    """Compare two texts line by line, exactly where there is no scale; in linear time.

    Returns:
        `n` and `bad` are lines; the worst place is the first line with other text, else the number that
        uses most of its limit.
    """
    if len(old) != len(new):
        return _lost_and_new(old, new, scale)
    tally: Tally[int] = Tally()
    for index, (one, other) in enumerate(zip(old, new, strict=True)):
        if one != other:
            tally.add(index, tokens.compare(one, other, scale) if scale else tokens.other_words(one, other))
    if tally.worst is None:
        return Outcome.equal(len(old), limit=str(scale.decimals) if scale else "exact")
    spaces = [] if tally.widths else tally.spaces  # where no number explains them
    bad = len(tally.words) + len(spaces) + tally.over
    if tally.words or spaces:
        return _other_text(tally, spaces, old, new, bad)
    return _numbers(tally, tally.worst, old, bad)


def _other_text(
    tally: Tally[int], spaces: Sequence[int], old: Sequence[str], new: Sequence[str], bad: int
) -> Outcome:
    """Return the outcome for lines that differ in more than numbers."""
    index = (tally.words or spaces)[0]
    place = Place(f"line {index + 1}", *excerpts(old[index], new[index]))
    message = f"{bad:,} of {len(old):,} lines differ" + _order(tally.words, old, new)
    if not tally.words and not tally.over:
        message += ", in spacing alone"
    return Outcome(CheckStatus.DRIFT, math.inf, message=message, n=len(old), bad=bad, worst=place)


def _order(lines: Sequence[int], old: Sequence[str], new: Sequence[str]) -> str:
    """Tell that most lines with other text are only elsewhere, where that is so."""
    lost = (Counter(old[i] for i in lines) - Counter(new[i] for i in lines)).total()
    if 2 * lost >= len(lines):
        return ""
    return f": {lost:,} lost, {lost:,} new, the others moved" if lost else ": they only moved"


def _numbers(tally: Tally[int], worst: tuple[int, Difference], old: Sequence[str], bad: int) -> Outcome:
    """Return the outcome for lines that differ in numbers alone."""
    index, found = worst
    name = label(old[index], found.at or 0)
    place = Place(f"line {index + 1}" + (f": {name}" if name else ""), found.baseline, found.result)
    message = f"{bad or tally.differing:,} of {len(old):,} lines {'out of limit' if bad else 'differ'}"
    if found.note:
        message += f", {found.note}"
    status = CheckStatus.DRIFT if bad else CheckStatus.WITHIN
    return Outcome(status, found.used, str(found.limit), message, len(old), bad, place, allow=tally.allow())


def _lost_and_new(old: Sequence[str], new: Sequence[str], scale: Scale | None) -> Outcome:
    """Return the outcome for texts of unequal length; lines that differ in numbers alone are the same."""
    before, after = ([_key(line, scale) for line in side] for side in (old, new))
    lost = (Counter(before) - Counter(after)).total()
    more = (Counter(after) - Counter(before)).total()
    at = next((i for i, (one, other) in enumerate(zip(before, after, strict=False)) if one != other), None)
    first = min(len(old), len(new)) if at is None else at
    there = old[first] if lost else "", new[first] if more else ""
    place = Place(f"line {first + 1}", *excerpts(*there))
    told = [f"{counted(lost, 'line')} lost" if lost else "", f"{counted(more, 'line')} new" if more else ""]
    message = ", ".join(word for word in told if word)
    return Outcome.structure(message, n=max(len(old), len(new)), bad=lost + more, worst=place)


def _key(line: str, scale: Scale | None) -> str:
    return " ".join(scale.pattern.sub("0", line).split()) if scale else line
