"""Sketches of large arrays: what a baseline keeps of files of these, and of data frames, that are too large to keep.

Of each array that is its hash and, for at most 4096 contiguous blocks of it, the sums of x and of |x|. Where every
element is within its limit, the sums of a block differ by at most ``rel·sum|x| + n·abs``, and by what rounding
adds; a block that differs by more proves a drift and tells where. Nothing proves that there is none but an equal
hash: else the check is UNPROVEN.
"""

from __future__ import annotations

import hashlib
import json
import math
import zipfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pytest_nbrepro.comparers.base import Outcome, combined, ignored, limits_for, part, reading
from pytest_nbrepro.comparers.npy import BLOCK, Header, Reader, Source, sources
from pytest_nbrepro.comparers.numbers import Limit, resolve
from pytest_nbrepro.comparers.opaque import CANNOT_SAY
from pytest_nbrepro.comparers.tallies import Array, kind_of_dtype, largest
from pytest_nbrepro.errors import UndecodableError
from pytest_nbrepro.model import Artifact, ArtifactRule, Check, CheckStatus, Limits, Place

BLOCKS = 4096  # of one array, at most; part of the format, as the size of a block follows from it
_SUFFIXES = frozenset({".npy", ".npz", ".frame"})
_EPS = 2.0**-52
_WRAP = 1 << 64
# Binary digits and smallest number of a dtype: its spacing at b is at most ``|b|·2^-digits`` and that number more.
_SPACING = {"float64": (52, 2.0**-1074), "float32": (23, 2.0**-149), "float16": (10, 2.0**-24)}


@dataclass(frozen=True)
class _About:
    """What of one array is told in words."""

    name: str
    digest: str  # SHA-256 of the values, little-endian, and of what follows them
    dtype: str = ""  # "" for a member that is no array
    shape: tuple[int, ...] = ()
    fortran: bool = False
    largest: float = 0.0


@dataclass(frozen=True)
class _Sketch:
    about: _About
    sums: Array  # of x, by block: float64, or uint64 modulo 2^64 for integers; empty where only the hash is kept
    sizes: Array  # of |x|, finite ones: float64
    odd: Array  # how many are NaN, infinite, and negative infinite

    @property
    def count(self) -> int:
        return math.prod(self.about.shape)

    def whole(self) -> _Sketch:
        """Return the sketch with one block: all that two memory orders have in common."""
        with np.errstate(all="ignore"):
            return _Sketch(self.about, *(_total(a) for a in (self.sums, self.sizes, self.odd)))


def possible(artifact: Artifact) -> bool:
    """Tell whether an artifact has a sketch."""
    return artifact.kind in {"array", "table", "figure"} and Path(artifact.path).suffix.lower() in _SUFFIXES


def write(path: Path, target: Path) -> None:
    """Write the sketch of an npy, npz or frame file.

    Raises:
        UndecodableError: it cannot be read.
        OSError: the sketch cannot be written.
    """
    made = _sketches(path, "result")
    arrays: dict[str, Any] = {
        "about": np.frombuffer(json.dumps([asdict(one.about) for one in made]).encode(), np.uint8)
    }
    for number, one in enumerate(made):
        arrays |= {f"sums{number}": one.sums, f"sizes{number}": one.sizes, f"odd{number}": one.odd}
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("wb") as stream:
        np.savez_compressed(stream, **arrays)


def compare(sketch: Path, result: Path, rule: ArtifactRule) -> Outcome:
    """Hold a file against the sketch of the accepted one; what is unreadable never passes."""
    try:
        with reading("baseline"):
            old = {one.about.name: one for one in _read(sketch)}
        with reading("result"):
            new = {one.about.name: one for one in _sketches(result, "result")}
    except UndecodableError as error:
        if error.where == "result":
            return Outcome.structure(f"the result is not readable: {error.what}")
        return Outcome.error(f"the baseline's sketch is not readable: {error.what}")
    parts = []
    for name in dict.fromkeys([*old, *new]):
        if ignored(name, rule):
            continue
        if name in old and name in new:
            parts.append(part("member", name, _compare(old[name], new[name], limits_for(name, rule))))
        else:
            status = CheckStatus.LOST if name in old else CheckStatus.NEW
            parts.append(Check("member", name, status, message=f"member {status}", n=1, bad=1))
    if list(old) == [""] and len(parts) == 1:  # an npy file
        return _compare(old[""], new[""], rule.limits) if "" in new else combined(parts)
    return combined(parts, place="{name}{where}")


# ---------------------------------------------------------------------------------------------------
# Making and reading


def _sketches(path: Path, side: Any) -> list[_Sketch]:
    if path.suffix.lower() == ".frame":
        from pytest_nbrepro.comparers import framefiles  # polars: only where there are frames

        return [_sketch(*item) for item in framefiles.members(path, side).items()]
    with sources(path, side) as found:
        return [_sketch(name, source) for name, source in found.items()]


def _sketch(name: str, source: Source) -> _Sketch:
    with source.open() as reader:
        header = reader.header
        digest = hashlib.sha256()
        if (
            header is None
            or header.dtype.hasobject
            or header.dtype.kind not in "iubf"
            or header.dtype.itemsize > 8
        ):
            about = (
                _About(name, "")
                if header is None
                else _About(name, "", header.word, header.shape, header.fortran)
            )
            sums = sizes = np.zeros(0)
            odd, most = np.zeros((0, 3), np.int64), 0.0
        else:
            about = _About(name, "", header.word, header.shape, header.fortran)
            sums, sizes, odd, most = _summed(reader, header, digest)
        for data in reader.rest():
            digest.update(data)
        known = {**asdict(about), "digest": digest.hexdigest(), "largest": most}
        return _Sketch(_About(**known), sums, sizes, odd)


def _per_block(count: int) -> int:
    return max(1, -(-count // BLOCKS))


def _summed(reader: Reader, header: Header, digest: Any) -> tuple[Array, Array, Array, float]:
    """Read an array once; return the sums of its blocks and its largest finite size."""
    per, size = _per_block(header.count), header.dtype.itemsize
    blocks = -(-header.count // per)
    integers = header.dtype.kind != "f"
    sums = np.zeros(blocks, np.uint64 if integers else np.float64)
    sizes, odd, most = np.zeros(blocks), np.zeros((blocks, 3), np.int64), 0.0
    step = max(1, BLOCK // size // per) * per if per * size <= BLOCK else BLOCK // size
    start = 0
    while start < header.count:
        stop = min(start + step, (start // per + 1) * per if step < per else start + step, header.count)
        raw = np.frombuffer(reader.read((stop - start) * size), header.dtype)
        values = raw.astype(header.dtype.newbyteorder("<"), copy=False)
        digest.update(values.tobytes())
        ends = np.arange(0, stop - start, per)
        here = slice(start // per, start // per + len(ends))
        with np.errstate(all="ignore"):
            if integers:
                sums[here] += np.add.reduceat(values.astype(np.int64).astype(np.uint64), ends)
            else:
                wide, kinds = (
                    values.astype(np.float64),
                    (np.isnan(values), values == np.inf, values == -np.inf),
                )
                for column, hits in enumerate(kinds):
                    odd[here, column] += np.add.reduceat(hits, ends, dtype=np.int64)
                wide[~np.isfinite(wide)] = 0.0
                sums[here] += np.add.reduceat(wide, ends)
                sizes[here] += np.add.reduceat(np.abs(wide), ends)
                most = max(most, largest(values))
        start = stop
    return sums, sizes, odd, most


def _read(path: Path) -> list[_Sketch]:
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as data:
            told = json.loads(data["about"].tobytes())
            found = []
            for number, about in enumerate(told):
                about["shape"] = tuple(about["shape"])
                kept = (data[f"{name}{number}"] for name in ("sums", "sizes", "odd"))
                found.append(_Sketch(_About(**about), *kept))
            return found
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise UndecodableError(str(error)) from error


def _total(array: Array) -> Array:
    return np.asarray(array.sum(axis=0, keepdims=True, dtype=array.dtype))


# ---------------------------------------------------------------------------------------------------
# Judging


def _compare(old: _Sketch, new: _Sketch, limits: Limits) -> Outcome:
    before, after = old.about, new.about
    if before.dtype != after.dtype:
        return Outcome.structure(f"dtype {before.dtype or 'none'} -> {after.dtype or 'none'}")
    if before.shape != after.shape:
        return Outcome.structure(f"shape {before.shape} -> {after.shape}")
    turned = before.fortran != after.fortran and len(before.shape) > 1
    if before.digest == after.digest and not turned:
        return Outcome.equal(old.count)
    if not len(old.sums):
        return Outcome.differs(f"{CANNOT_SAY}: of the baseline only the hash is kept")
    limit = resolve(limits, kind_of_dtype(np.dtype(before.dtype)), before.largest)
    if turned:
        old, new = old.whole(), new.whole()
    per = old.count if turned else _per_block(old.count)
    lengths = np.minimum(per, old.count - per * np.arange(len(old.sums)))
    used = (
        _used_of_integers(old, new, limit, lengths)
        if limit.kind != "float"
        else _used(old, new, limit, lengths)
    )
    worst = int(np.argmax(used))
    words = str(limit)
    if used[worst] > 1:
        place = Place(
            f"[{worst * per}:{worst * per + int(lengths[worst])}]",
            f"sum {old.sums[worst]}",
            f"sum {new.sums[worst]}",
        )
        bad = int((used > 1).sum())
        message = f"{bad:,} of {len(used):,} blocks prove a drift (flat indexes)"
        return Outcome(CheckStatus.DRIFT, float(used[worst]), words, message, old.count, bad, place)
    if limit.kind != "float" and limit.abs == 0 and not turned:
        message = "values differ, and only their sums are kept: nothing tells where"
        return Outcome(CheckStatus.DRIFT, math.inf, words, message, old.count, 1)
    message = f"no drift proven: {len(used):,} sums agree, of the baseline no more is kept"
    return Outcome(CheckStatus.UNPROVEN, None, words, message, old.count)


def _used(old: _Sketch, new: _Sketch, limit: Limit, lengths: Array) -> Array:
    """Return by block what its worst element uses of its limit at least; 0 where nothing is known.

    The error of a sum of n doubles in any order is less than ``n·eps·sum|x|`` (Higham, Accuracy and Stability of
    Numerical Algorithms, 4.2, with the unit roundoff eps/2): the allowance is twice that for each side. What
    products lose below the smallest normal number is added.
    """
    digits, smallest = _SPACING[limit.dtype]
    rel, abs_ = limit.rel + limit.ulp * 2.0**-digits, limit.abs + limit.ulp * smallest
    with np.errstate(all="ignore"):
        slack = 1 + 4 * lengths * _EPS
        allowed = (rel * old.sizes + lengths * abs_) * slack
        rounding = 2 * lengths * _EPS * (old.sizes + new.sizes) * slack + lengths * _SPACING["float64"][1]
        distance = np.abs(new.sums - old.sums)
        beyond = distance > (allowed + rounding) * (1 + 4 * _EPS)
        ratio = np.where(beyond, np.maximum((distance - rounding) / allowed, math.nextafter(1, 2)), 0.0)
    known = np.isfinite(distance) & np.isfinite(allowed + rounding)
    other = (old.odd != new.odd).any(axis=1)
    return np.where(other, math.inf, np.where(known, ratio, 0.0))


def _used_of_integers(old: _Sketch, new: _Sketch, limit: Limit, lengths: Array) -> Array:
    """Return the same for integers, whose sums are exact modulo 2^64."""
    used = np.zeros(len(lengths))
    for number, n in enumerate(lengths):
        distance = (int(new.sums[number]) - int(old.sums[number])) % _WRAP
        distance = min(distance, _WRAP - distance)
        allowed = int(n) * limit.abs
        if distance > allowed and allowed < _WRAP / 4:
            used[number] = distance / allowed if allowed else math.inf
    return used
