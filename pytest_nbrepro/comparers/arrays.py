"""NumPy's npy and npz files, block by block: never a whole array in memory, never a pickle loaded."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import IO, Any, Literal

import numpy as np

from pytest_nbrepro.comparers.base import Outcome, allow_columns, alone, combined, ignored, limits_for, part
from pytest_nbrepro.comparers.npy import BLOCK, Header, Reader, Source, same_rest, sources
from pytest_nbrepro.comparers.numbers import resolve
from pytest_nbrepro.comparers.tallies import Array, Tally, kind_of_dtype, largest
from pytest_nbrepro.model import ArtifactRule, Limits

_Path = tuple[str, ...]  # names of nested fields, outermost first


class ArrayComparer:
    """Compares npy and npz files; members, dtypes and shapes are part of the contract, memory order is not.

    Bytes that are equal are not decoded. Structured dtypes are compared field by field.

    Args:
        block: bytes of one side that are read at a time.
    """

    kind = "array"

    def __init__(self, block: int = BLOCK) -> None:
        self._block = block

    def schema(self, path: Path) -> dict[str, Any]:
        """Return dtype and shape of an array, or of each member of an npz file."""
        with sources(path, "baseline") as found:
            members = {name: _described(source) for name, source in found.items()}
        if _format(path) == "npy":
            return {"format": "npy", **members[""]}
        return {"format": "npz", "members": members}

    def compare(self, baseline: Path, result: Path, rule: ArtifactRule, schema: Mapping[str, Any]) -> Outcome:
        """Compare two npy or npz files; `schema` is not needed, the files carry their own."""
        del schema
        if _format(baseline) != _format(result):
            return Outcome.structure(f"format {_format(baseline)} -> {_format(result)}")
        with sources(baseline, "baseline") as old, sources(result, "result") as new:
            if _format(baseline) == "npy":
                return self._member(old[""], new[""], rule.limits)
            return self._members(old, new, rule)

    def _members(self, old: Mapping[str, Source], new: Mapping[str, Source], rule: ArtifactRule) -> Outcome:
        parts = []
        for name in dict.fromkeys([*old, *new]):
            if ignored(name, rule):
                continue
            if name in old and name in new:
                parts.append(part("member", name, self._member(old[name], new[name], limits_for(name, rule))))
            else:
                parts.append(alone("member", name, lost=name in old))
        outcome = combined(parts, place="{name}{where}")
        return replace(outcome, allow=allow_columns(outcome.parts))

    def _member(self, old: Source, new: Source, limits: Limits) -> Outcome:
        with old.open() as one, new.open() as other:
            before, after = one.header, other.header
            if before is None or after is None:
                return _no_array(one, other)
            if before.word != after.word:
                return Outcome.structure(f"dtype {before.word} -> {after.word}")
            if before.shape != after.shape:
                return Outcome.structure(f"shape {before.shape} -> {after.shape}")
            if before.dtype.hasobject:
                return _objects(one, other, before)
            leaves = _Leaves(old, (before, after), limits, self._block)
            if before.fortran == after.fortran or len(before.shape) < 2:
                self._stream(one, other, leaves, (before, after))
            else:
                self._reordered(one, other, leaves, (before, after))
            if not same_rest(one, other):
                return Outcome.structure("the bytes after the array differ")
            return leaves.outcome()

    def _stream(self, one: Reader, other: Reader, leaves: _Leaves, headers: tuple[Header, Header]) -> None:
        """Compare two arrays of one memory order, block by block."""
        header = headers[0]
        alike = header.dtype == headers[1].dtype  # else equal bytes are other values: the byte order differs
        for start, count in _blocks(header, self._block):
            size = count * header.dtype.itemsize
            mine, theirs = one.read(size), other.read(size)
            if mine != theirs or not alike:
                leaves.add(mine, theirs, start)

    def _reordered(self, one: Reader, other: Reader, leaves: _Leaves, headers: tuple[Header, Header]) -> None:
        """Compare two arrays of which one is in Fortran's order, by way of files that can be mapped."""
        with tempfile.TemporaryFile() as left, tempfile.TemporaryFile() as right:
            for reader, header, stream in zip((one, other), headers, (left, right), strict=True):
                for _, count in _blocks(header, self._block):
                    stream.write(reader.read(count * header.dtype.itemsize))
            leaves.rearranged = True
            _compare_mapped(_mapped(left, headers[0]), _mapped(right, headers[1]), leaves, self._block)


class _Leaves:
    """The tallies of an array: one, or one for each field of a structured dtype.

    Limits that depend on the array's largest value are found on a pass of their own over the baseline,
    when the first block differs.
    """

    def __init__(self, source: Source, headers: tuple[Header, Header], limits: Limits, block: int) -> None:
        self.rearranged = False  # places are counted in C's order whatever the file's
        self._source = source
        self._headers = headers
        self._limits = limits
        self._block = block
        self._tallies: dict[_Path, Tally] = {}

    def add(self, mine: bytes, theirs: bytes, start: int) -> None:
        """Compare two blocks of values, the first of which has the index `start`."""
        before, after = self._headers
        self.add_records(np.frombuffer(mine, before.dtype), np.frombuffer(theirs, after.dtype), start)

    def add_records(self, mine: Array, theirs: Array, start: int) -> None:
        """Compare two flat arrays of values or records."""
        if not self._tallies:
            self._tallies = self._prepared()
        for path, tally in self._tallies.items():
            old, new = values(mine, path), values(theirs, path)
            tally.add(old, new, start * (old.size // mine.size))

    def outcome(self) -> Outcome:
        """Return what the tallies say."""
        header = self._headers[0]
        parts = []
        for path, tally in self._tallies.items():
            per = _per_record(header.dtype, path)
            tally.skip(header.count * per - tally.n)
            where = self._place(*divmod(tally.at, per), per) if tally.at >= 0 else ""
            parts.append(part("field", ".".join(path), tally.outcome("value", where)))
        if not parts:
            return Outcome.equal(header.count)
        if header.dtype.names is None:
            (only,) = parts
            return Outcome(
                only.status, only.used, only.limit, only.message, only.n, only.bad, only.worst, (), only.allow
            )
        return combined(parts, place="{where}.{name}")

    def _place(self, record: int, within: int, per: int) -> str:
        header = self._headers[0]
        order: Literal["F", "C"] = "F" if header.fortran and not self.rearranged else "C"
        index = [int(i) for i in np.unravel_index(record, header.shape, order)] if header.shape else []
        return f"{index or ''}" + (f"[{within}]" if per > 1 else "")

    def _prepared(self) -> dict[_Path, Tally]:
        header = self._headers[0]
        kinds = {path: kind_of_dtype(dtype) for path, dtype in fields(header.dtype)}
        scales = dict.fromkeys(kinds, 0.0)
        floats = [path for path, kind in kinds.items() if kind.startswith(("float", "complex", "long"))]
        if floats and self._limits.abs is None:
            with self._source.open(checked=False) as reader:
                for _, count in _blocks(header, self._block):
                    records = np.frombuffer(reader.read(count * header.dtype.itemsize), header.dtype)
                    for path in floats:
                        scales[path] = max(scales[path], largest(values(records, path)))
        return {path: Tally(resolve(self._limits, kind, scales[path])) for path, kind in kinds.items()}


# ---------------------------------------------------------------------------------------------------
# Records


def fields(dtype: np.dtype[Any], path: _Path = ()) -> Iterator[tuple[_Path, np.dtype[Any]]]:
    """Return the fields that hold values, nested ones with their whole path; those of no bytes left out."""
    base = dtype.base
    if base.names is not None:
        for name in base.names:
            yield from fields(base[name], (*path, name))
    elif base.itemsize:
        yield path, base


def values(records: Array, path: _Path) -> Array:
    """Return all values of one field, flat; raw bytes byte by byte."""
    for name in path:
        records = records[name]
    flat = np.ascontiguousarray(records).reshape(-1)
    return flat.view(np.uint8) if flat.dtype.kind == "V" else flat


def _per_record(dtype: np.dtype[Any], path: _Path) -> int:
    return values(np.zeros(1, dtype), path).size


def _blocks(header: Header, block: int) -> Iterator[tuple[int, int]]:
    """Return (first index, count) of blocks of about `block` bytes; none for values of no bytes."""
    if not header.dtype.itemsize:
        return
    step = max(1, block // header.dtype.itemsize)
    for start in range(0, header.count, step):
        yield start, min(step, header.count - start)


def _mapped(stream: IO[bytes], header: Header) -> Array | None:
    stream.flush()
    if not header.count * header.dtype.itemsize:
        return None
    order = "F" if header.fortran else "C"
    return np.memmap(stream, header.dtype, "r", 0, header.shape, order)  # type: ignore[call-overload,no-any-return]


def _compare_mapped(old: Array | None, new: Array | None, leaves: _Leaves, block: int) -> None:
    if old is None or new is None:
        return
    row = old.nbytes // old.shape[0]
    step = max(1, block // row)
    for start in range(0, old.shape[0], step):
        mine, theirs = old[start : start + step], new[start : start + step]
        first = start * (old.size // old.shape[0])
        leaves.add_records(mine.ravel(order="C"), theirs.ravel(order="C"), first)


# ---------------------------------------------------------------------------------------------------
# What holds no numbers


def _format(path: Path) -> str:
    return path.suffix.lower().removeprefix(".")


def _described(source: Source) -> dict[str, Any]:
    with source.open() as reader:
        header = reader.header
    return {"dtype": header.word, "shape": list(header.shape)} if header else {"bytes": source.size}


def _objects(one: Reader, other: Reader, header: Header) -> Outcome:
    if same_rest(one, other):
        return Outcome.equal(header.count)
    return Outcome.error("it holds Python objects as a pickle, which is never loaded")


def _no_array(one: Reader, other: Reader) -> Outcome:
    if one.header is not other.header:
        return Outcome.structure("an array on one side only")
    return Outcome.equal(1) if same_rest(one, other) else Outcome.differs("differs, can't say how much")
