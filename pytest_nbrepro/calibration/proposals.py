"""What an annotation should say so that noise passes and as little else as possible."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, Decimal

from pytest_nbrepro.calibration.natures import BORDER, small, zero
from pytest_nbrepro.calibration.spreads import Spread, Thing
from pytest_nbrepro.comparers.images import SAFE_TILE
from pytest_nbrepro.comparers.numbers import OFFERED, two_digits

_SLACK = 3.0  # two measurements of one noise, by 7 runs each, differ by more once in a hundred times
_MARGIN = 2.0  # of the worst tile seen: how shares of tiles are distributed nobody knows
_FLIPS = 0.1  # share of the things that may change sides, from which on a count checks nothing much
_COUNTS = {"of", "flips"}


@dataclass(frozen=True)
class Proposal:
    """What an annotation should say at a place: a number, or limits by their keys."""

    path: tuple[str, ...]  # ("seed",), ("runs",), ("metrics", "auc"), ("artifacts", "a.csv"), ("outputs",)
    number: int | None = None
    limits: Mapping[str, float] = field(default_factory=dict)
    numbers: bool = False  # the limits are of numbers in a text file

    @property
    def value(self) -> str:
        """The same in YAML, in one line."""
        if self.number is not None:
            return str(self.number)
        text = "{" + ", ".join(f"{key}: {_word(key, limit)}" for key, limit in self.limits.items()) + "}"
        return f"{{numbers: {text}}}" if self.numbers else text


def _word(key: str, limit: float) -> str:
    if key == "tile":
        return f"{100 * limit:.3g}%"
    return str(int(limit)) if key in _COUNTS else two_digits(limit)


def rounded_up(value: float) -> float:
    """Return a positive number with two significant digits that is not less."""
    unit = Decimal(1).scaleb(math.floor(math.log10(value)) - 1)
    return float(Decimal(value).quantize(unit, rounding=ROUND_CEILING))


@dataclass(frozen=True)
class Limit:
    """The limit of one thing: what is proposed, if anything, and what a person should know."""

    proposal: Proposal | None = None
    note: str = ""
    unmet: bool = False  # the present limit does not hold, and no other one is proposed


def limit_for(thing: Thing, alike: Spread) -> Limit:
    """Return the limit that runs which agree but for rounding and threads need.

    Noise within it raises a false alarm in at most one of a thousand checks, if it is normally distributed. A limit
    that the annotation sets stays as it is where it holds; a default one that is more than three times too wide for
    a metric is narrowed. None is wider than a hundred times the default, beyond which nothing is called rounding.
    """
    if not alike.varies:
        return Limit()
    if not small(thing, alike):
        return Limit(
            note="other threads move it by more than rounding: fix their number in `env`", unmet=True
        )
    needed = alike.allowance("used")
    if alike.most("used") <= 1 and needed <= (_SLACK if thing.own else 1.0):
        narrow = thing.kind == "metric" and not thing.own and needed * _SLACK < 1
        if not narrow:
            return Limit(note=f"{'its own' if thing.own else 'the default'} limit holds")
    if alike.most("tile"):
        return _tile(thing, alike)
    if thing.parted:
        return Limit(
            note=f"it takes {needed:.2g} times the limits that its columns have: widen them", unmet=True
        )
    return _numbers(thing, alike)


def _numbers(thing: Thing, alike: Spread) -> Limit:
    near = any(not gap.equal and gap.default > BORDER and zero(thing, gap) for gap in alike.gaps())
    unit = "abs" if near else "rel"
    limit = rounded_up(alike.allowance(unit))
    if not near and alike.allowance("default") > OFFERED:
        note = f"it would take rel {two_digits(limit)}, wider than is safe: more runs may show that less is enough"
        return Limit(note=note, unmet=True)
    note = f"zero up to rounding: changes below {two_digits(limit)} cannot be told" if near else ""
    return Limit(Proposal(thing.place, limits={unit: limit}, numbers=thing.kind == "text"), note)


def _tile(thing: Thing, alike: Spread) -> Limit:
    share = math.ceil(_MARGIN * alike.most("tile") * 1000) / 1000
    if share > SAFE_TILE:
        note = f"it would take tile {100 * share:.3g}%, wider than is safe: a changed digit is smaller"
        return Limit(note=note, unmet=True)
    return Limit(Proposal(thing.place, limits={"tile": share}))


def flips_for(thing: Thing, of: int, plain: Spread) -> Proposal | None:
    """Return how many of so many things may change sides; None where that would be too many to check anything."""
    flips = math.ceil(round(plain.allowance("abs") * of, 6))
    return Proposal(thing.place, limits={"of": of, "flips": flips}) if flips <= _FLIPS * of else None


def merged(proposals: Iterable[Proposal]) -> tuple[Proposal, ...]:
    """Return one proposal for each place: the widest limits, the most runs."""
    found: dict[tuple[str, ...], Proposal] = {}
    for proposal in proposals:
        known = found.get(proposal.path)
        found[proposal.path] = proposal if known is None else _widest(known, proposal)
    return tuple(found.values())


def _widest(one: Proposal, other: Proposal) -> Proposal:
    if one.number is not None and other.number is not None:
        return one if one.number >= other.number else other
    limits = {
        key: max(one.limits.get(key, 0.0), other.limits.get(key, 0.0))
        for key in {**one.limits, **other.limits}
    }
    if "of" in one.limits and "of" in other.limits:
        of = math.lcm(int(one.limits["of"]), int(other.limits["of"]))
        limits |= {
            "of": of,
            "flips": max(math.ceil(p.limits["flips"] * of / p.limits["of"]) for p in (one, other)),
        }
    return Proposal(one.path, limits=limits, numbers=one.numbers)
