"""How much arrays of values use of their limits, counted block by block in memory of a block's size."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytest_nbrepro.comparers.base import Outcome, counted, shown
from pytest_nbrepro.comparers.numbers import Limit, suggest
from pytest_nbrepro.model import Place

Array = NDArray[Any]

STEP = 1 << 14  # values that are compared at a time: twice as fast as 2**18, since all stays in the cache
_TINY = math.ulp(0.0)
_OVER = math.nextafter(1.0, 2.0)


def kind_of_dtype(dtype: np.dtype[Any]) -> str:
    """Return the word by which `numbers.resolve` knows a dtype.

    Only numbers are compared as such; times, texts and raw bytes exactly.
    """
    if dtype.kind in "iu":
        return "int64"
    if dtype.kind in "fc":
        return (
            dtype.newbyteorder("=").name
            if dtype.itemsize <= (8 if dtype.kind == "f" else 16)
            else "longdouble"
        )
    return dtype.name if dtype.kind == "b" else "exact"


def largest(values: Array) -> float:
    """Return the largest finite |value| of a float array; 0 where there is none."""
    if values.size == 0:
        return 0.0
    with np.errstate(all="ignore"):
        if values.dtype.kind != "c":
            found = max(-float(values.min()), float(values.max()))
            if math.isfinite(found):  # an infinity or NaN on either side shows in the extremes
                return abs(found)
        sizes = np.abs(values)
        return float(np.max(sizes, where=np.isfinite(sizes), initial=0.0))


def same_bytes(one: Array, other: Array) -> bool:
    """Tell whether two arrays of one shape hold the same bytes in the same byte order, without a copy of them."""
    if one.dtype != other.dtype:
        return False
    if not one.nbytes:
        return True
    mine, theirs = (np.ascontiguousarray(side).reshape(-1).view(np.uint8) for side in (one, other))
    if mine.size % 8 == 0:
        mine, theirs = mine.view(np.uint64), theirs.view(np.uint64)
    return bool((mine == theirs).all())


class Tally:
    """Counts what a stream of pairs of values uses of one limit."""

    def __init__(self, limit: Limit, step: int = STEP) -> None:
        self.limit = limit
        self._step = step
        self.n = 0
        self.bad = 0
        self.used = 0.0
        self.at = -1  # index of the worst pair
        self.worst: tuple[str, str] | None = None
        self.gained: dict[str, int] = {}  # "new NaN", "lost null", …: pairs of which one side is no number
        self._zero = False  # whether a number differs from a baseline of 0 where the limit is 0
        self._rel = 0.0  # what `suggest` needs of the values out of limit
        self._abs = 0.0

    def skip(self, count: int) -> None:
        """Count pairs that are equal, or are told by `fail`."""
        self.n += count

    def add(self, baseline: Array, result: Array, start: int) -> None:
        """Compare two flat arrays of one dtype, the first pair of which has the index `start`."""
        self.n += baseline.size
        with np.errstate(all="ignore"):
            for i in range(0, baseline.size, self._step):
                self._add(baseline[i : i + self._step], result[i : i + self._step], start + i)

    def _add(self, baseline: Array, result: Array, start: int) -> None:
        self._count(self.ratios(baseline, result), baseline, result, start)

    def ratios(self, baseline: Array, result: Array) -> NDArray[np.float64]:
        """Return what each pair uses of the limit, of few pairs; nothing is counted."""
        if self.limit.kind == "float":
            return self._floats(baseline, result)
        if self.limit.kind == "int" and self.limit.abs:
            return self._ints(baseline, result)
        return np.where(_differ(baseline, result), np.inf, 0.0)

    def fail(self, count: int, at: int, baseline: str, result: str, word: str = "") -> None:
        """Count pairs, in `n` already, that no limit lets pass.

        Args:
            count: how many, at least one.
            at: the index of the first one.
            baseline: its baseline, in words.
            result: its result, in words.
            word: what one of them is where one side has no value at all: ``new null``, ``lost null``.
        """
        self.bad += count
        if word:
            self.gained[word] = self.gained.get(word, 0) + count
        if self.used < math.inf or at < self.at:
            self.used, self.at, self.worst = math.inf, at, (baseline, result)

    def outcome(self, word: str, where: str) -> Outcome:
        """Return what the counts say.

        Args:
            word: what one pair is: ``row``, ``value``.
            where: the place of the worst pair.
        """
        message = ""
        if self.bad:
            counts = [f"{count:,} {name}" for name, count in self.gained.items()]
            hint = ["baseline is 0: give abs"] if self._zero else []
            message = ", ".join([f"{self.bad:,} of {counted(self.n, word)}", *counts, *hint])
        place = Place(where, *self.worst) if self.worst else None
        offer = suggest(rel=self._rel, abs_=self._abs, limit=self.limit, most=self.used)
        return Outcome.judged(
            self.used,
            limit=str(self.limit),
            message=message,
            n=self.n,
            bad=self.bad,
            worst=place,
            allow=offer,
        )

    def _count(self, ratios: NDArray[np.float64], baseline: Array, result: Array, start: int) -> None:
        spot = int(np.argmax(ratios))
        most = float(ratios[spot])
        if most > self.used:
            self.used, self.at = most, start + spot
            self.worst = _text(baseline[spot]), _text(result[spot])
        if most <= 1:
            return
        over = ratios > 1
        self.bad += int(np.count_nonzero(over))
        if baseline.dtype.kind in "fc":
            self._note_nan(baseline[over], result[over])
            if self.limit.kind == "float" and not (self.limit.abs or self.limit.ulp):
                self._zero |= bool(np.any((baseline[over] == 0) & np.isfinite(result[over])))
        if math.isfinite(most):
            self._note_need(baseline[over], result[over])

    def _note_nan(self, baseline: Array, result: Array) -> None:
        old, new = np.isnan(baseline), np.isnan(result)
        for word, count in (
            ("new NaN", np.count_nonzero(new & ~old)),
            ("lost NaN", np.count_nonzero(old & ~new)),
        ):
            if count:
                self.gained[word] = self.gained.get(word, 0) + int(count)

    def _note_need(self, baseline: Array, result: Array) -> None:
        """Note how far apart values out of limit are, all of them finite numbers."""
        distance = _distance(baseline, result).astype(np.float64)
        rel = distance / np.abs(baseline.astype(_wide(baseline.dtype)))
        self._abs = max(self._abs, float(distance.max()))
        self._rel = max(self._rel, float(rel.max()))

    def _ints(self, baseline: Array, result: Array) -> NDArray[np.float64]:
        """Return used of integers: distances exact, compared with the limit as integers."""
        distance = _distance(baseline, result)
        allowed = np.uint64(min(math.floor(self.limit.abs), 2**64 - 1))
        ratios = distance.astype(np.float64) / self.limit.abs
        over = distance > allowed
        return np.where(over, np.maximum(ratios, _OVER), np.minimum(ratios, 1.0))

    def _floats(self, baseline: Array, result: Array) -> NDArray[np.float64]:
        """Return used of floats or complex numbers.

        Nearly every block holds finite numbers alone and takes five passes; NaN or an infinity in the
        ratios, or no difference larger than 0, sends it through `_careful`.
        """
        wide = _wide(baseline.dtype)
        old, new = baseline.astype(wide, copy=False), result.astype(wide, copy=False)
        ratios: Array = new - old
        ratios = np.abs(ratios, out=ratios if ratios.dtype.kind == "f" else None)
        ratios /= self._allowed(old, baseline)
        most = float(ratios.max())
        endless = self.limit.rel > 1 or self.limit.ulp  # limits that may be beyond the largest double
        if not 0 < most < math.inf or endless or ratios.dtype != np.float64:
            return self._careful(old, new, baseline)
        return ratios

    def _allowed(self, old: Array, baseline: Array) -> Array:
        allowed = np.abs(old)
        allowed *= self.limit.rel
        if self.limit.abs:
            np.maximum(allowed, self.limit.abs, out=allowed)
        if self.limit.ulp:
            np.maximum(allowed, self.limit.ulp * self._spacing(baseline), out=allowed)
        return allowed

    def _spacing(self, baseline: Array) -> Array:
        """Return the distance to the next number; bfloat16 comes as float32, with 16 of its bits left out."""
        return _spacing(baseline) * (65536.0 if self.limit.dtype == "bfloat16" else 1.0)

    def _careful(self, old: Array, new: Array, baseline: Array) -> NDArray[np.float64]:
        """Return used where values may be NaN, infinite or huge, or limits 0."""
        distance, allowed = np.abs(new - old), self._allowed(old, baseline)
        huge = np.isinf(distance) | np.isinf(allowed)  # beyond the largest double: halves have room
        distance = np.where(huge, np.abs(new / 2 - old / 2), distance)
        half = np.maximum(self.limit.rel * np.abs(old / 2), self.limit.abs / 2)
        allowed = np.where(huge, half, allowed)
        ratios = (distance / allowed).astype(np.float64)
        ratios = np.where(distance > allowed, np.maximum(ratios, _OVER), np.clip(ratios, _TINY, 1.0))
        ratios[~(np.isfinite(old) & np.isfinite(new)) | (allowed == 0)] = np.inf
        ratios[~_differ(old, new)] = 0.0
        return ratios


def _text(value: Any) -> str:
    """Return one value of an array; numpy's own notation has as many digits as the dtype holds."""
    return shown(value.item()) if value.dtype.kind in "US" else str(value)


def _wide(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return the dtype in which differences are taken: at least double precision, native byte order."""
    return np.result_type(dtype.newbyteorder("="), np.complex128 if dtype.kind == "c" else np.float64)


def _spacing(baseline: Array) -> Array:
    """Return the distance of each |value| to the next number of its dtype."""
    sizes = np.abs(baseline)
    kind = sizes.dtype.type  # an untyped 0 would widen float32 under numpy before 2
    sizes = np.minimum(sizes, np.nextafter(np.finfo(kind).max, kind(0)))  # the last one's next is infinite
    return np.asarray(np.spacing(sizes).astype(_wide(sizes.dtype)))


def _differ(baseline: Array, result: Array) -> NDArray[np.bool_]:
    """Tell which pairs differ; NaN equals NaN (of complex numbers: part by part), and NaT equals NaT."""
    differ = np.asarray(baseline != result)
    if baseline.dtype.kind == "c":
        return _differ(baseline.real, result.real) | _differ(baseline.imag, result.imag)
    if baseline.dtype.kind == "f":
        differ &= ~(np.isnan(baseline) & np.isnan(result))
    elif baseline.dtype.kind in "mM":
        differ &= ~(np.isnat(baseline) & np.isnat(result))
    return differ


def _distance(baseline: Array, result: Array) -> Array:
    """Return |result - baseline|: of integers exact, as uint64; else in double precision or better."""
    if baseline.dtype.kind not in "iu":
        wide = _wide(baseline.dtype)
        return np.asarray(np.abs(result.astype(wide) - baseline.astype(wide)))
    wide = np.dtype(np.int64 if baseline.dtype.kind == "i" else np.uint64)
    low = np.minimum(baseline, result).astype(wide).view(np.uint64)
    high = np.maximum(baseline, result).astype(wide).view(np.uint64)
    return np.asarray(high - low)  # modulo 2**64, which is exact since high >= low
