"""Figures by what is drawn: data in their own coordinates within the limits of the annotation, looks as they show."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from pytest_nbrepro.comparers import sheets
from pytest_nbrepro.comparers.base import (
    Outcome,
    allow_columns,
    combined,
    counted,
    ignored,
    limits_for,
    part,
    rank,
    reading,
    shown,
)
from pytest_nbrepro.comparers.numbers import Limit, resolve
from pytest_nbrepro.comparers.sheets import Artist, Draw, Numbers, Sheet
from pytest_nbrepro.comparers.tallies import Array, Tally, kind_of_dtype, largest
from pytest_nbrepro.model import ArtifactRule, Check, CheckStatus, Limits, Place

# What does not show, or is the business of fonts and layouts.
_SHARE = 0.002  # of axes: where something lies beside the data
_POINTS = 0.75  # the same of small axes, in points
_SHAPE = 0.01  # of the size of a shape
_LEAST = 0.05  # the same of small shapes, in points
_COLOUR = 2 / 255
_PLAIN = 1e-3  # widths, sizes, angles: share, and at least
_PLACE = 0.02  # of the figure: where axes lie, since layouts make room for texts
_ROUNDING = 1e-6  # of what axes show: what is zero up to rounding has no size of its own
_POINTWISE = frozenset({"x", "y", "codes"})  # fields with something for each point
_LOOKS = Limits(rel=_SHAPE, abs=_PLACE)


class FigureComparer:
    """Compares figures of matplotlib by the data and looks of all that is drawn in them."""

    kind = "figure"

    def schema(self, path: Path) -> dict[str, Any]:
        """Return the size in inches, and how many axes and artists are drawn."""
        sheet = sheets.read(path)
        return {"size": sheet.size.tolist(), "axes": len(sheet.axes), "artists": len(sheet.artists)}

    def compare(self, baseline: Path, result: Path, rule: ArtifactRule, schema: Mapping[str, Any]) -> Outcome:
        """Compare two figures artist by artist; what is drawn on one side alone is a change of structure."""
        del schema
        with reading("baseline"):
            old = sheets.read(baseline)
        with reading("result"):
            new = sheets.read(result)
        return _whole(list(_parts(old, new, rule)))


def looks_rule(rule: ArtifactRule) -> ArtifactRule:
    """Return a rule for the sketch of a large figure, in which looks are one array."""
    return replace(rule, columns={**rule.columns, "looks": _LOOKS})


# ---------------------------------------------------------------------------------------------------
# Parts


def _parts(old: Sheet, new: Sheet, rule: ArtifactRule) -> Iterator[Check]:
    if not np.allclose(old.size, new.size, rtol=1e-6, atol=0):
        words = (" x ".join(f"{side:g}" for side in sheet.size) for sheet in (old, new))
        yield part("artist", "figure", Outcome.structure(f"inches {' -> '.join(words)}"))
    if len(old.axes) != len(new.axes):
        yield part("artist", "axes", Outcome.structure(f"{len(old.axes)} -> {len(new.axes)}"))
    for i, (one, other) in enumerate(zip(old.axes, new.axes, strict=False)):
        name = f"axes {i + 1}"
        if not ignored(name, rule):
            context = _Context(old, new, i, limits_for(name, rule))
            yield part("artist", name, _fields(list(context.fields(one, other))))
    kept = [name for name in old.artists if not ignored(name, rule)]
    theirs = [name for name in new.artists if not ignored(name, rule)]
    for name in dict.fromkeys((*kept, *theirs)):
        mine, other_artist = old.artists.get(name), new.artists.get(name)
        if mine is None or other_artist is None:
            status = CheckStatus.NEW if mine is None else CheckStatus.LOST
            yield Check("artist", name, status, message=f"{status}", n=1, bad=1)
        else:
            yield part(
                "artist",
                name,
                _artist(mine, other_artist, _Context(old, new, mine.axes, limits_for(name, rule))),
            )
    common = set(kept) & set(theirs)
    yield from _order([n for n in kept if n in common], [n for n in theirs if n in common])


def _order(old: Sequence[str], new: Sequence[str]) -> Iterator[Check]:
    """Yield what is wrong with the order of drawing, in which later artists cover earlier ones."""
    at = next((i for i, (one, other) in enumerate(zip(old, new, strict=True)) if one != other), None)
    if at is not None:
        place = Place(f"drawn after {old[at - 1] if at else 'nothing'}", old[at], new[at])
        yield Check(
            "artist",
            "order",
            CheckStatus.DRIFT,
            math.inf,
            message="order of drawing",
            n=1,
            bad=1,
            worst=place,
        )


def _artist(old: Artist, new: Artist, context: _Context) -> Outcome:
    if [draw.how for draw in old.draws] != [draw.how for draw in new.draws]:
        hows = (" and ".join(draw.how for draw in artist.draws) for artist in (old, new))
        return Outcome.structure(" -> ".join(hows))
    checks: list[Check] = []
    for i, (one, other) in enumerate(zip(old.draws, new.draws, strict=True)):
        word = f"{one.how} " if i else ""
        checks += [replace(check, name=f"{word}{check.name}") for check in context.fields(one, other)]
    return _fields(checks)


@dataclass(frozen=True)
class _Context:
    """What limits of an artist's numbers depend on."""

    sheet: Sheet  # the baseline's
    other: Sheet
    axes: int | None
    limits: Limits

    def fields(self, old: Draw, new: Draw) -> Iterator[Check]:
        """Yield a check for each field of two drawings; of another number of points one alone."""
        sizes = [draw.numbers["x"].values.size if "x" in draw.numbers else 0 for draw in (old, new)]
        told = frozenset[str]() if sizes[0] == sizes[1] else _POINTWISE
        if told:
            yield part("field", "points", Outcome.structure(f"{sizes[0]:,} -> {sizes[1]:,}"))
        for kind in ("words", "numbers", "arrays"):
            before, after = getattr(old, kind), getattr(new, kind)
            for key in dict.fromkeys((*before, *after)):
                if key in told:
                    continue
                if key not in before or key not in after:
                    status = CheckStatus.NEW if key not in before else CheckStatus.LOST
                    yield Check("field", key, status, message=f"{status}", n=1, bad=1)
                else:
                    yield part("field", key, self._field(kind, key, before[key], after[key]))

    def _field(self, kind: str, key: str, before: Any, after: Any) -> Outcome:
        if kind == "words":
            if before == after:
                return Outcome.equal(1)
            place = Place("" if key == "text" else key, shown(before), shown(after))
            return Outcome.judged(math.inf, message="changed", n=1, bad=1, worst=place)
        if kind == "arrays":
            return self._array(key, before, after)
        if before.unit != after.unit:
            return Outcome.structure(f"in {before.unit} -> {after.unit}")
        if before.values.size != after.values.size:
            return Outcome.structure(f"{before.values.size:,} -> {after.values.size:,} numbers")
        return self._numbers(key, before, after)

    def _array(self, key: str, before: Array, after: Array) -> Outcome:
        if (before.dtype, before.shape) != (after.dtype, after.shape):
            return Outcome.structure(f"{before.dtype} {before.shape} -> {after.dtype} {after.shape}")
        limit = resolve(self.limits, kind_of_dtype(before.dtype), largest(before))
        outcome = _tallied(limit, before.reshape(-1), after.reshape(-1))
        return _at(outcome, lambda at: f"{key}{[int(i) for i in np.unravel_index(at, before.shape)]}")

    def _numbers(self, key: str, before: Numbers, after: Numbers) -> Outcome:
        outcome = _tallied(self._limit(before), before.values, self._resized(after))
        if before.unit == "colour" and outcome.worst is not None and before.values.size % 4 == 0:
            outcome = _coloured(outcome, key, before.values, after.values)
        else:
            outcome = _at(outcome, lambda at: key if before.values.size == 1 else f"{key}[{at}]")
        return outcome if before.is_data else replace(outcome, allow=None)

    def _resized(self, after: Numbers) -> Array:
        """Return the result's numbers; distances from axes of another size, which are lengths, as shares of the old."""
        unit, _, letter = after.unit.partition(" ")
        if unit != "axes" or not letter or self.axes is None or self.axes >= len(self.other.axes):
            return after.values
        edge = np.clip(after.values, 0.0, 1.0)
        grown = self.other.side(self.axes, letter) / max(self.sheet.side(self.axes, letter), _POINTS)
        return np.asarray(edge + (after.values - edge) * grown)

    def _limit(self, numbers: Numbers) -> Limit:
        """Return the limit of numbers by their unit."""
        unit, _, letter = numbers.unit.partition(" ")
        given = self.limits
        wide = given.rel or 0.0  # data that may move take along what belongs to them
        if unit in {"axes", "figure"}:
            axes = self.axes if unit == "axes" else None
            sides = [self.sheet.side(axes, each) for each in letter or "xy"]
            return Limit("float", abs=max(_SHARE, wide, _POINTS / max(min(sides), _POINTS)))
        if unit == "points":
            return Limit("float", abs=max(_LEAST, _SHAPE * largest(numbers.values)))
        if unit == "view":
            return Limit("float", abs=max(_ROUNDING, wide))
        if unit == "limits":
            span = self.sheet.span(self.axes, letter)
            return Limit(
                "float", abs=max((1e-6 if given.rel is None else given.rel) * span, given.abs or 0.0)
            )
        known = {"colour": Limit("float", abs=max(_COLOUR, wide)), "place": Limit("float", abs=_PLACE)}
        known["plain"] = Limit("float", rel=_PLAIN, abs=_PLAIN)
        return known[unit] if unit in known else self._data(numbers, letter)

    def _data(self, numbers: Numbers, letter: str) -> Limit:
        """Return the limit of data; without one of the annotation's nothing may move so far that it shows."""
        most = largest(numbers.values)
        limit = resolve(self.limits, "float64", most)
        span = self.sheet.span(self.axes, letter) if letter else math.inf
        if self.limits == Limits() and limit.rel * most > _SHARE * span:
            return Limit("float", abs=_SHARE * span)
        return limit if math.isinf(span) else replace(limit, abs=max(limit.abs, _ROUNDING * span))


def _tallied(limit: Limit, before: Array, after: Array) -> Outcome:
    """Compare flat arrays; the place is the index alone."""
    tally = Tally(limit)
    tally.add(before, after, 0)
    return tally.outcome("number", str(tally.at))


def _at(outcome: Outcome, where: Any) -> Outcome:
    if outcome.worst is None:
        return outcome
    return replace(outcome, worst=replace(outcome.worst, where=where(int(outcome.worst.where))))


def _coloured(outcome: Outcome, key: str, before: Array, after: Array) -> Outcome:
    """Return an outcome of numbers told by the colours that they are."""
    at = int(outcome.worst.where) // 4 if outcome.worst else 0
    colours = (_hex(side[4 * at : 4 * at + 4]) for side in (before, after))
    place = Place(key if before.size == 4 else f"{key}[{at}]", *colours)
    off = int(np.any(np.abs(after - before).reshape(-1, 4) > _COLOUR, axis=1).sum())
    message = f"{off:,} of {counted(before.size // 4, 'colour')}" if outcome.bad else ""
    return replace(outcome, worst=place, message=message)


def _hex(colour: Array) -> str:
    levels = np.clip(np.nan_to_num(colour) * 255, 0, 255).round().astype(int)
    return "#" + "".join(f"{level:02x}" for level in levels)


# ---------------------------------------------------------------------------------------------------
# The whole


def _fields(checks: list[Check]) -> Outcome:
    """Return what the fields of an artist come to; a limit is suggested where data alone are out of theirs."""
    outcome = combined(checks, place="{where}")
    failing = [check for check in checks if not check.status.ok]
    offers = {check.allow for check in failing}
    return replace(outcome, allow=offers.pop() if len(offers) == 1 else None)


def _whole(parts: list[Check]) -> Outcome:
    """Return the outcome of a figure; the first failing part is what people look for first, and not what it moved."""
    failing = sorted(
        (check for check in parts if not check.status.ok), key=lambda c: (_weight(c.name), rank(c))
    )
    outcome = combined(parts, place="{name}: {where}")
    if not failing:
        return outcome
    first = failing[0]
    told = combined(failing[:1], place="{name}: {where}")
    others = [check for check in outcome.parts if check.status.ok]
    messages = [f"{check.name}: {check.message}" if check.message else check.name for check in failing[:3]]
    more = [f"{len(failing) - 3:,} more"] if len(failing) > 3 else []
    measured = first.status is CheckStatus.DRIFT
    return replace(
        outcome,
        used=first.used if measured else None,
        limit=first.limit,
        worst=told.worst,
        message="; ".join((*messages, *more)),
        parts=(*failing, *others),
        allow=allow_columns(failing),
    )


def _weight(name: str) -> int:
    """Return how soon a part is told: data, then axes, then what stands beside them, ticks last."""
    if " axis" in name or " spine" in name or name.startswith("background"):
        return 3
    if name.startswith(("axes", "figure")):
        return 1
    return (
        2 if name.startswith(("title", "text", "heading", "order", "legend")) or " of legend" in name else 0
    )
