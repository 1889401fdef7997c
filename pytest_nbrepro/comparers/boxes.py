"""Arrays of files that can be read in parts: compared box by box, in memory of a few boxes."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pytest_nbrepro.comparers.arrays import fields, values
from pytest_nbrepro.comparers.base import IncomparableError, Outcome, combined, part, reading, shown
from pytest_nbrepro.comparers.numbers import resolve
from pytest_nbrepro.comparers.tallies import Array, Tally, kind_of_dtype, largest, same_bytes
from pytest_nbrepro.model import Limits

BLOCK = 2 << 20  # bytes of one side that are read at a time
_FLOATS = ("float", "complex", "long", "bfloat")


@dataclass(frozen=True)
class Box:
    """A part of an array: the index of its first value and how far it reaches along each axis."""

    start: tuple[int, ...]
    shape: tuple[int, ...]

    @property
    def count(self) -> int:
        """The number of values."""
        return math.prod(self.shape)

    def index(self, at: int) -> list[int]:
        """Return where in the whole array the value `at` of the box lies, counted in C's order."""
        inside = np.unravel_index(at, self.shape) if self.shape else ()
        return [first + int(i) for first, i in zip(self.start, inside, strict=True)]


Read = Callable[[Box], Array]


def boxes(
    shape: Sequence[int], itemsize: int, chunks: Sequence[int] | None = None, block: int = BLOCK
) -> Iterator[Box]:
    """Cut an array into boxes of about `block` bytes, in C's order.

    Args:
        shape: of the array.
        itemsize: bytes of one value.
        chunks: the shape of the parts that a file stores and decodes as one; boxes are made of whole ones.
        block: bytes of one box, if one chunk is not larger already.
    """
    sides = [min(most, side) for most, side in zip(shape, chunks or [1] * len(shape), strict=True)]
    if not math.prod(shape):
        return
    for axis in reversed(range(len(shape))):
        room = block // (max(1, itemsize) * math.prod(sides))
        sides[axis] = min(shape[axis], sides[axis] * max(1, room))
    steps = [range(0, length, side) for length, side in zip(shape, sides, strict=True)]
    for start in itertools.product(*steps):
        ends = zip(start, sides, shape, strict=True)
        yield Box(start, tuple(min(side, length - first) for first, side, length in ends))


def compare_boxes(
    plan: Callable[[], Iterable[Box]],
    old: Read,
    new: Read,
    dtype: np.dtype[Any],
    limits: Limits,
    kind: str | None = None,
    same: Callable[[Box], bool] = lambda _: False,
) -> Outcome:
    """Compare two arrays of one shape box by box; records field by field, objects by equality.

    Args:
        plan: returns the boxes; asked a second time where limits depend on the largest value.
        old: reads a box of the baseline.
        new: reads a box of the result, of the same dtype.
        dtype: that of what is read.
        limits: the allowance as written.
        kind: the word by which `numbers.resolve` knows the values, where the dtype does not say it.
        same: tells of a box, before it is read, that it is equal; else nothing is known.

    Raises:
        UndecodableError: a box cannot be read.
        IncomparableError: objects of an unknown kind.
    """
    leaves: list[_Leaf] = []
    n = 0
    for box in plan():
        n += box.count
        if same(box):
            continue
        with reading("baseline"):
            mine = old(box)
        with reading("result"):
            theirs = new(box)
        if mine.dtype.hasobject or not same_bytes(mine, theirs):
            leaves = leaves or _prepared(plan, old, dtype, limits, kind)
            for leaf in leaves:
                leaf.add(mine, theirs, box)
    if len(leaves) <= 1:
        return leaves[0].outcome(n) if leaves else Outcome.equal(n)
    parts = [part("field", ".".join(leaf.path), leaf.outcome(n)) for leaf in leaves]
    return combined(parts, place="{where}.{name}")


class _Leaf:
    """What one field of an array's records comes to; of plain values there is one field without a name."""

    def __init__(self, path: tuple[str, ...], tally: Tally) -> None:
        self.path = path
        self._tally = tally
        self._per = 1  # values of one record
        self._where = ""

    def add(self, mine: Array, theirs: Array, box: Box) -> None:
        """Compare one box."""
        old, new = values(mine, self.path), values(theirs, self.path)
        start = self._tally.n
        self._per = old.size // box.count
        if old.dtype.hasobject:
            self._objects(old, new, start)
        else:
            self._tally.add(old, new, start)
        if self._tally.at >= start:
            at, within = divmod(self._tally.at - start, self._per)
            self._where = f"{box.index(at) or ''}" + (f"[{within}]" if self._per > 1 else "")

    def _objects(self, old: Array, new: Array, start: int) -> None:
        bad = [i for i, (one, other) in enumerate(zip(old, new, strict=True)) if not alike(one, other)]
        self._tally.skip(old.size)
        if bad:
            self._tally.fail(len(bad), start + bad[0], words(old[bad[0]]), words(new[bad[0]]))

    def outcome(self, records: int) -> Outcome:
        """Return what was found among so many records."""
        self._tally.skip(records * self._per - self._tally.n)
        return self._tally.outcome("value", self._where)


def _prepared(
    plan: Callable[[], Iterable[Box]], old: Read, dtype: np.dtype[Any], limits: Limits, kind: str | None
) -> list[_Leaf]:
    """Return the leaves of a dtype; limits that depend on the largest value cost a pass over the baseline."""
    kinds = {path: kind or kind_of_dtype(base) for path, base in fields(dtype)}
    scales = dict.fromkeys(kinds, 0.0)
    floats = [path for path, word in kinds.items() if word.startswith(_FLOATS)]
    if floats and limits.abs is None:
        for box in plan():
            with reading("baseline"):
                records = old(box)
            for path in floats:
                scales[path] = max(scales[path], largest(values(records, path)))
    return [_Leaf(path, Tally(resolve(limits, word, scales[path]))) for path, word in kinds.items()]


def alike(one: object, other: object) -> bool:
    """Tell whether two objects of an array are equal; NaN equals NaN.

    Raises:
        IncomparableError: they are neither text nor numbers nor arrays of these.
    """
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        if one.dtype != other.dtype or one.shape != other.shape:
            return False
        return all(alike(a, b) for a, b in zip(one.ravel(), other.ravel(), strict=True))
    if isinstance(one, np.void) and isinstance(other, np.void) and one.dtype.names:
        return all(alike(one[name], other[name]) for name in one.dtype.names)
    known = (str, bytes, bool, int, float, complex, np.generic)
    if not isinstance(one, known) or not isinstance(other, known):
        raise IncomparableError(f"it holds objects of type {type(one).__name__}")
    return bool(one == other or (one != one and other != other))  # noqa: PLR0124


def words(value: object) -> str:
    """Return an object of an array as a report shows it, text without a ``b``."""
    return shown(value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else value)
