"""Two sketches of one array or column: what the difference of their blocks proves.

Where every element is within its limit, the sums of a block differ by at most ``rel·sum|x| + n·abs``, and by what
rounding adds; a block that differs by more proves a drift. Nothing proves that there is none but an equal hash.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from pytest_nbrepro.comparers.base import Outcome, alone, ignored, limits_for, part
from pytest_nbrepro.comparers.numbers import Limit, resolve
from pytest_nbrepro.comparers.opaque import CANNOT_SAY
from pytest_nbrepro.comparers.sketches.blocks import About, Sketch
from pytest_nbrepro.comparers.tallies import Array
from pytest_nbrepro.model import ArtifactRule, Check, CheckStatus, Limits, Place

_EPS = 2.0**-52
_WRAP = 1 << 64
# Binary digits and smallest number of a dtype: its spacing at b is at most ``|b|·2^-digits`` and that number more.
_SPACING = {
    "float64": (52, 2.0**-1074),
    "float32": (23, 2.0**-149),
    "float16": (10, 2.0**-24),
    "bfloat16": (7, 2.0**-133),
}
ONLY_HASH = f"{CANNOT_SAY}: of the baseline only the hash is kept"


@dataclass(frozen=True)
class Words:
    """How a report calls the blocks of one kind of file."""

    blocks: str  # "blocks"
    hint: str  # what places count
    place: Callable[[int, int], str]  # of the values from the first number to before the second


INDEXES = Words("blocks", " (flat indexes)", lambda start, stop: f"[{start}:{stop}]")
ROWS = Words("blocks of rows", "", lambda start, stop: f"rows {start} to {stop - 1}")


def compare_all(
    kind: str,
    old: Mapping[str, Sketch],
    new: Mapping[str, About],
    make: Callable[[About], Sketch],
    rule: ArtifactRule,
) -> list[Check]:
    """Hold the arrays of a file against the sketches of the accepted ones.

    Args:
        kind: what one of them is: ``member``, ``tensor``.
        old: the baseline's sketches, by name; of a file that is a single array by "".
        new: the result's arrays, by name.
        make: returns the sketch of one of them, in the blocks that it is told.
        rule: limits, and what is left out.
    """
    parts = []
    for name in dict.fromkeys([*old, *new]):
        if name and ignored(name, rule):
            continue
        if name not in old or name not in new:
            parts.append(alone(kind, name, lost=name in old))
            continue
        outcome = structure(old[name].about, new[name])
        if outcome is None:
            made = make(replace(new[name], per=old[name].about.per))
            outcome = compare(old[name], made, limits_for(name, rule) if name else rule.limits, INDEXES)
        parts.append(part(kind, name, outcome))
    return parts


def structure(old: About, new: About) -> Outcome | None:
    """Return what keeps two arrays or columns from being compared, if anything."""
    if old.dtype != new.dtype:
        return Outcome.structure(f"dtype {old.dtype or 'none'} -> {new.dtype or 'none'}")
    if old.shape != new.shape:
        return Outcome.structure(f"shape {old.shape} -> {new.shape}")
    return None


def compare(old: Sketch, new: Sketch, limits: Limits, words: Words, *, total: bool = False) -> Outcome:
    """Hold the sketch of a result against that of the baseline, of the same structure and blocks.

    With `total`, values belong together in an order that is not known: only the sums of all of them count.
    """
    before, after = old.about, new.about
    if before.rest != after.rest:
        return Outcome.structure("the bytes after the values differ")
    total |= before.fortran != after.fortran and len(before.shape) > 1 and before.count > 0
    if before.digest and before.digest == after.digest and not total:
        return Outcome.equal(before.count)
    kept = before.summed or (before.hashed and not total)
    if not kept or before.kind != after.kind or not old.whole:
        return Outcome.differs(ONLY_HASH)
    limit = resolve(limits, before.kind, before.largest)
    if total:
        old, new = old.total(), new.total()
    if before.hashed:
        used = np.where(old.hashes != new.hashes, math.inf, 0.0)
    else:
        used = (_used if limit.kind == "float" else _used_of_integers)(old, new, limit)
    worst = int(np.argmax(used))
    if used[worst] > 1:
        return _drift(old, new, limit, words, used)
    if before.hashed or (limit.kind == "int" and limit.abs == 0 and not total):
        message = "values differ, and only their sums are kept: nothing tells where"
        return Outcome(CheckStatus.DRIFT, math.inf, str(limit), message, before.count, 1)
    message = f"no drift proven: {len(used):,} sums agree, of the baseline no more is kept"
    return Outcome(CheckStatus.UNPROVEN, None, str(limit), message, before.count)


def _drift(old: Sketch, new: Sketch, limit: Limit, words: Words, used: Array) -> Outcome:
    worst, bad = int(np.argmax(used)), int((used > 1).sum())
    start = worst * old.about.per
    where = words.place(start, start + int(old.about.lengths[worst]))
    kept = _told(old, worst, 6), _told(new, worst, 6)
    if kept[0] == kept[1]:
        kept = _told(old, worst, 17), _told(new, worst, 17)
    message = f"{bad:,} of {len(used):,} {words.blocks} prove a drift{words.hint}"
    return Outcome(
        CheckStatus.DRIFT, float(used[worst]), str(limit), message, old.about.count, bad, Place(where, *kept)
    )


def _told(sketch: Sketch, block: int, digits: int) -> str:
    """Return what is kept of a block, as a report shows it."""
    if sketch.about.hashed:
        return f"hash {int(sketch.hashes[block]):016x}"
    if sketch.sums.dtype.kind == "u":
        return f"sum {sketch.sums.view(np.int64)[block]}"
    return f"sum {sketch.sums[block]:.{digits}g}"


def least(sketch: Sketch, limits: Limits) -> Array:
    """Return by block the least change of one number, in its unit, that would prove a drift."""
    limit = resolve(limits, sketch.about.kind, sketch.about.largest)
    if limit.kind != "float":
        return np.floor(sketch.about.lengths * limit.abs) + 1
    allowed, rounding = _allowed(sketch, sketch, limit)
    return np.asarray((allowed + rounding) * (1 + 8 * _EPS))


def _used(old: Sketch, new: Sketch, limit: Limit) -> Array:
    """Return by block what its worst element uses of its limit at least; 0 where nothing is known."""
    with np.errstate(all="ignore"):
        allowed, rounding = _allowed(old, new, limit)
        distance = np.abs(new.sums - old.sums)
        beyond = distance > (allowed + rounding) * (1 + 4 * _EPS)
        ratio = np.where(beyond, np.maximum((distance - rounding) / allowed, math.nextafter(1, 2)), 0.0)
    known = np.isfinite(distance) & np.isfinite(allowed + rounding)
    other = (old.odd != new.odd).any(axis=1)
    return np.where(other, math.inf, np.where(known, ratio, 0.0))


def _allowed(old: Sketch, new: Sketch, limit: Limit) -> tuple[Array, Array]:
    """Return by block what limits allow its sums to differ by, and what rounding may add.

    The error of a sum of n doubles in any order is less than ``n·eps·sum|x|`` (Higham, Accuracy and Stability of
    Numerical Algorithms, 4.2, with the unit roundoff eps/2): the allowance is twice that for each side. What
    products lose below the smallest normal number is added.
    """
    digits, smallest = _SPACING[limit.dtype]
    rel, abs_ = limit.rel + limit.ulp * 2.0**-digits, limit.abs + limit.ulp * smallest
    lengths = old.about.lengths
    with np.errstate(all="ignore"):
        slack = 1 + 4 * lengths * _EPS
        allowed = (rel * old.sizes + lengths * abs_) * slack
        rounding = 2 * lengths * _EPS * (old.sizes + new.sizes) * slack + lengths * _SPACING["float64"][1]
    return allowed, rounding


def _used_of_integers(old: Sketch, new: Sketch, limit: Limit) -> Array:
    """Return the same for integers, whose sums are exact modulo 2^64."""
    used = np.zeros(len(old.sums))
    for number, n in enumerate(old.about.lengths):
        distance = (int(new.sums[number]) - int(old.sums[number])) % _WRAP
        distance = min(distance, _WRAP - distance)
        allowed = int(n) * limit.abs
        if distance > allowed and allowed < _WRAP / 4:
            used[number] = distance / allowed if allowed else math.inf
    used[(old.odd != new.odd).any(axis=1)] = math.inf
    return used
