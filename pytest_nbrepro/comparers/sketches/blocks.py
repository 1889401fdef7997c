"""What a sketch keeps of one array or column: its hash, and sums or hashes of its blocks.

Numbers have sums, everything else hashes; a block is a run of values or rows. All of it comes out the same however
the values are cut into pieces on their way here.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from pytest_nbrepro.comparers.numbers import resolve
from pytest_nbrepro.comparers.tallies import Array, largest
from pytest_nbrepro.model import Limits

BLOCKS = 4096  # of one array or column, at most
_TOTAL = 1 << 16  # of one file, at most: with 16 bytes each, 1 MiB
_BYTES = 128  # of the file for each block, at least: so a sketch has an eighth of the file's size
_ODD = 4  # kinds of what is no number: NaN, infinity, negative infinity, no value at all
_SUMMED = frozenset({"int64", "float64", "float32", "float16", "bfloat16"})
_HASHED = frozenset({"exact", "bool"})

Stream = tuple[bytes, Array]
"""Bytes of some rows, and where in them each row begins, with the end of the last behind."""


@dataclass(frozen=True)
class About:
    """What of one array or column is told in words.

    `kind` is the word by which `numbers.resolve` knows the values; of any other than plain numbers, ``exact`` and
    ``bool`` only the hash is kept.
    """

    name: str
    kind: str
    dtype: str  # as reports tell it
    shape: tuple[int, ...] = ()
    fortran: bool = False
    per: int = 1  # values, or rows, of one block
    digest: str = ""  # of all values; "" where they cannot be told in bytes
    largest: float = 0.0  # finite |value|
    rest: str = ""  # hash of what a file has behind the values, where there is something

    @property
    def count(self) -> int:
        """The number of values, or rows."""
        return math.prod(self.shape)

    @property
    def summed(self) -> bool:
        """Whether sums are kept of it."""
        return self.kind in _SUMMED

    @property
    def hashed(self) -> bool:
        """Whether hashes of blocks are kept of it."""
        return self.kind in _HASHED

    @property
    def blocks(self) -> int:
        """The number of blocks."""
        return -(-self.count // self.per)

    @property
    def lengths(self) -> Array:
        """How many values, or rows, each block has."""
        return np.minimum(self.per, self.count - self.per * np.arange(self.blocks))


def _none() -> Array:
    return np.zeros(0)


@dataclass(frozen=True)
class Sketch:
    """What is kept of one array or column, by block; what does not apply is empty."""

    about: About
    sums: Array = field(default_factory=_none)  # of x: float64, or uint64 modulo 2^64 for integers
    sizes: Array = field(default_factory=_none)  # of |x|, finite ones: float64
    odd: Array = field(
        default_factory=_none
    )  # how many are NaN, infinite, negative infinite, without a value: int64, four columns
    hashes: Array = field(default_factory=_none)  # first 64 bits of SHA-256

    @property
    def whole(self) -> bool:
        """Whether all is there that belongs to such an array or column."""
        sums = len(self.sums) == len(self.sizes) == len(self.odd) == self.about.blocks * self.about.summed
        return sums and len(self.hashes) == self.about.blocks * self.about.hashed

    def total(self) -> Sketch:
        """Return the sums as those of one block: what any two orders of the values have in common."""
        with np.errstate(all="ignore"):
            sums, sizes, odd = (_total(array) for array in (self.sums, self.sizes, self.odd))
        return replace(
            self, about=replace(self.about, per=max(1, self.about.count)), sums=sums, sizes=sizes, odd=odd
        )


def _total(array: Array) -> Array:
    return np.asarray(array.sum(axis=0, keepdims=True, dtype=array.dtype))


def shared_out(counts: Mapping[str, int], size: int) -> dict[str, int]:
    """Return how many values a block of each array or column has: small ones leave their share to large ones.

    Args:
        counts: of values, by name.
        size: bytes of the file.
    """
    left, found = max(min(_TOTAL, size // _BYTES), len(counts)), {}
    for done, name in enumerate(sorted(counts, key=counts.__getitem__)):
        share = min(BLOCKS, left // (len(counts) - done))
        found[name] = max(1, -(-counts[name] // share))
        left -= -(-counts[name] // found[name])
    return found


def sketched(about: About, pieces: Iterable[Array]) -> Sketch:
    """Return the sketch of an array whose values come in pieces, in their order."""
    if about.summed:
        sums = Sums(about)
        for piece in pieces:
            sums.add(piece.reshape(-1))
        return sums.done()
    hashes = Hashes(about)
    for piece in pieces:
        hashes.add([fixed(_little(piece.reshape(-1)))])
    return hashes.done()


def _little(values: Array) -> Array:
    return values.astype(values.dtype.newbyteorder("<"), copy=False)


class Sums:
    """Adds up the blocks of numbers that come in pieces."""

    def __init__(self, about: About) -> None:
        self._about = about
        self._at = 0
        self._digest, self._gaps = hashlib.sha256(), hashlib.sha256()
        self._integers = resolve(Limits(), about.kind).kind == "int"
        self._sums = np.zeros(about.blocks, np.uint64 if self._integers else np.float64)
        self._sizes, self._odd = np.zeros(about.blocks), np.zeros((about.blocks, _ODD), np.int64)
        self._largest = 0.0

    def add(self, values: Array, absent: Array | None = None) -> None:
        """Add the next values, flat.

        Args:
            values: in any byte order; those that are absent are 0.
            absent: which of them are no values at all.
        """
        if not values.size:
            return
        self._digest.update(_little(values).tobytes())
        first, starts = _cuts(self._at, values.size, self._about.per)
        here = slice(first, first + len(starts))
        with np.errstate(all="ignore"):
            if self._integers:
                self._sums[here] += np.add.reduceat(values.astype(np.int64).astype(np.uint64), starts)
            else:
                self._floats(values, here, starts)
        if absent is not None and absent.any():
            self._gaps.update((self._at + np.flatnonzero(absent)).astype("<i8").tobytes())
            self._odd[here, 3] += np.add.reduceat(absent, starts, dtype=np.int64)
        self._at += values.size

    def _floats(self, values: Array, here: slice, starts: Array) -> None:
        wide = values.astype(np.float64)
        kinds = np.isnan(values), values == np.inf, values == -np.inf
        for column, hits in enumerate(kinds):
            if hits.any():
                self._odd[here, column] += np.add.reduceat(hits, starts, dtype=np.int64)
        wide[~np.isfinite(wide)] = 0.0
        self._sums[here] += np.add.reduceat(wide, starts)
        self._sizes[here] += np.add.reduceat(np.abs(wide), starts)
        self._largest = max(self._largest, largest(values))

    def done(self) -> Sketch:
        """Return the sketch."""
        gaps = f"+{self._gaps.hexdigest()}" if self._odd[:, 3].any() else ""
        about = replace(self._about, digest=self._digest.hexdigest() + gaps, largest=self._largest)
        return Sketch(about, self._sums, self._sizes, self._odd)


class Hashes:
    """Hashes the blocks of rows that come in pieces."""

    def __init__(self, about: About) -> None:
        self._about = about
        self._at = 0
        self._digest = hashlib.sha256()
        self._open: list[Any] = []  # the hashes of the streams of the block that is not full yet
        self._found: list[int] = []

    def add(self, streams: Sequence[Stream]) -> None:
        """Add the next rows, as so many streams of bytes as ever."""
        rows = len(streams[0][1]) - 1
        _, starts = _cuts(self._at, rows, self._about.per)
        for start, stop in zip(starts, [*starts[1:], rows], strict=True):
            self._open = self._open or [hashlib.sha256() for _ in streams]
            for known, (data, ends) in zip(self._open, streams, strict=True):
                known.update(memoryview(data)[int(ends[start]) : int(ends[stop])])
            if (self._at + stop) % self._about.per == 0:
                self._close()
        self._at += rows

    def _close(self) -> None:
        block = hashlib.sha256(b"".join(known.digest() for known in self._open)).digest()
        self._digest.update(block)
        self._found.append(int.from_bytes(block[:8], "little"))
        self._open = []

    def done(self) -> Sketch:
        """Return the sketch."""
        if self._open:
            self._close()
        about = replace(self._about, digest=self._digest.hexdigest())
        return Sketch(about, hashes=np.array(self._found if about.hashed else [], np.uint64))


def fixed(values: Array) -> Stream:
    """Return values of a fixed size, flat, as a stream."""
    return values.tobytes(), np.arange(values.size + 1) * values.itemsize


def _cuts(at: int, count: int, per: int) -> tuple[int, Array]:
    """Return the block in which values begin, counted from `at`, and where among them blocks begin."""
    inner = np.arange(per - at % per, count, per)
    return at // per, np.concatenate([np.zeros(min(count, 1), np.intp), inner])


def plain(values: Array) -> Array:
    """Return numbers, little-endian, with one NaN and one zero: equal ones have the same bytes."""
    if values.dtype.kind == "f":
        kind = values.dtype.type
        values = np.where(np.isnan(values), kind(math.nan), values + kind(0))
    return _little(values)
