"""Tensors in the safetensors format, block by block, without any package that knows it.

The format as its project documents it: the length of the header, 8 bytes, little-endian; the header, a JSON
object of ``name: {"dtype", "shape", "data_offsets": [begin, end]}`` and at will ``__metadata__`` of texts;
then the values, little-endian, in C's order. Tensors fill the rest of the file, without holes or overlaps.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any

import numpy as np

from pytest_nbrepro.comparers.base import (
    Outcome,
    Side,
    allow_columns,
    alone,
    combined,
    ignored,
    limits_for,
    part,
    reading,
    shown,
)
from pytest_nbrepro.comparers.boxes import BLOCK, Box, boxes, compare_boxes
from pytest_nbrepro.comparers.tallies import Array
from pytest_nbrepro.errors import UndecodableError
from pytest_nbrepro.model import ArtifactRule, Check, Limits, Place

_LENGTH = 8  # bytes that hold the header's length
_LONGEST = 100_000_000  # bytes of the longest header that the format allows
_METADATA = "__metadata__"

# How values are stored, and as what they are compared: numpy knows no bfloat16, nor floats of 8 bits.
_STORED = {
    "BOOL": "?",
    "U8": "u1",
    "I8": "i1",
    "U16": "<u2",
    "I16": "<i2",
    "U32": "<u4",
    "I32": "<i4",
    "U64": "<u8",
    "I64": "<i8",
    "F16": "<f2",
    "BF16": "<u2",
    "F32": "<f4",
    "F64": "<f8",
    "C64": "<c8",
    "F8_E4M3": "u1",
    "F8_E5M2": "u1",
    "F8_E8M0": "u1",
}
# What a dtype is called whose values numpy has.
WORDS = {
    np.dtype(stored).str[1:]: word for word, stored in _STORED.items() if not word.startswith(("BF", "F8"))
}
KINDS = {"BF16": "bfloat16", "F8_E4M3": "exact", "F8_E5M2": "exact", "F8_E8M0": "exact"}


@dataclass(frozen=True)
class Tensor:
    """One tensor as the header tells it; `start` counts from the begin of the file."""

    dtype: str
    shape: tuple[int, ...]
    start: int

    @property
    def stored(self) -> np.dtype[Any]:
        """The dtype in which its values lie in the file."""
        return np.dtype(_STORED[self.dtype])

    def read(self, stream: IO[bytes], box: Box) -> Array:
        """Return a box that is one piece in the file; bfloat16 as float32, of which it is the upper half."""
        stream.seek(self.start + int(self._at(box)) * self.stored.itemsize)
        size = box.count * self.stored.itemsize
        data = stream.read(size)
        if len(data) != size:
            raise UndecodableError("it ends before its last value")
        found = np.frombuffer(data, self.stored)
        if self.dtype == "BF16":
            found = (found.astype(np.uint32) << 16).view(np.float32)
        return found.reshape(box.shape)

    def _at(self, box: Box) -> int:
        return int(np.ravel_multi_index(box.start, self.shape)) if self.shape else 0


class SafetensorsComparer:
    """Compares safetensors files; names, dtypes and shapes are part of the contract, their order is not.

    Args:
        block: bytes of one side that are read at a time.
    """

    kind = "safetensors"

    def __init__(self, block: int = BLOCK) -> None:
        self._block = block

    def schema(self, path: Path) -> dict[str, Any]:
        """Return dtype and shape of each tensor, and the metadata where there are some."""
        with path.open("rb") as stream:
            tensors, metadata = header(stream, path.stat().st_size)
        told = {name: {"dtype": each.dtype, "shape": list(each.shape)} for name, each in tensors.items()}
        return {"tensors": told, **({"metadata": metadata} if metadata else {})}

    def compare(self, baseline: Path, result: Path, rule: ArtifactRule, schema: Mapping[str, Any]) -> Outcome:
        """Compare two files; `schema` is not needed, the files carry their own.

        Floats of 8 bits are compared exactly, bfloat16 as float32 to the limits of `numbers` for it.
        Metadata are equal, or left out as ``__metadata__``.
        """
        del schema
        with baseline.open("rb") as one, result.open("rb") as other:
            old, mine = _read(one, baseline, "baseline")
            new, theirs = _read(other, result, "result")
            parts = []
            for name in dict.fromkeys([*old, *new]):
                if ignored(name, rule):
                    continue
                if name in old and name in new:
                    sides = (old[name], one), (new[name], other)
                    parts.append(part("tensor", name, self._tensor(*sides, limits_for(name, rule))))
                else:
                    parts.append(alone("tensor", name, lost=name in old))
        parts += other_metadata(mine, theirs, rule)
        outcome = combined(parts, place="{name}{where}")
        return replace(outcome, allow=allow_columns(outcome.parts))

    def _tensor(
        self, old: tuple[Tensor, IO[bytes]], new: tuple[Tensor, IO[bytes]], limits: Limits
    ) -> Outcome:
        (one, mine), (other, theirs) = old, new
        if one.dtype != other.dtype:
            return Outcome.structure(f"dtype {one.dtype} -> {other.dtype}")
        if one.shape != other.shape:
            return Outcome.structure(f"shape {one.shape} -> {other.shape}")
        kind = KINDS.get(one.dtype)
        return compare_boxes(
            lambda: boxes(one.shape, one.stored.itemsize, block=self._block),
            lambda box: one.read(mine, box),
            lambda box: other.read(theirs, box),
            one.stored,
            limits,
            kind,
        )


def other_metadata(old: Mapping[str, str], new: Mapping[str, str], rule: ArtifactRule) -> list[Check]:
    """Return the check of metadata that differ and are not left out."""
    if old == new or ignored(_METADATA, rule):
        return []
    place = Place("", shown(old), shown(new))
    return [part("metadata", _METADATA, Outcome.structure("other metadata", n=1, worst=place))]


def _read(stream: IO[bytes], path: Path, side: Side) -> tuple[dict[str, Tensor], dict[str, str]]:
    with reading(side):
        return header(stream, path.stat().st_size)


def header(stream: IO[bytes], size: int) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Return the tensors, in the order of their values, and the metadata of a file of so many bytes.

    Raises:
        UndecodableError: the header is none, or tells of what the file has not.
    """
    length = int.from_bytes(stream.read(_LENGTH), "little")
    if size < _LENGTH or not 0 < length <= min(_LONGEST, size - _LENGTH):
        raise UndecodableError(f"its header has {length:,} bytes, the file {size:,}")
    try:
        found = json.loads(stream.read(length).decode("utf-8"), object_pairs_hook=_pairs)
    except (ValueError, RecursionError) as error:
        raise UndecodableError(f"its header is no JSON: {error}") from error
    if not isinstance(found, dict):
        raise UndecodableError("its header is no object")
    metadata = found.pop(_METADATA, {})
    if not isinstance(metadata, dict) or not all(isinstance(text, str) for text in metadata.values()):
        raise UndecodableError(f"its {_METADATA} are not texts")
    spans = sorted(((*_span(name, told), name) for name, told in found.items()))
    at = 0
    tensors = {}
    for start, end, name in spans:
        if start != at:
            raise UndecodableError(f"the tensor {shown(name)} begins at {start:,}, not at {at:,}")
        at = end
        told = found[name]
        tensors[name] = Tensor(told["dtype"], tuple(told["shape"]), _LENGTH + length + start)
    if at != size - _LENGTH - length:
        raise UndecodableError(f"its tensors have {at:,} bytes, the file {size - _LENGTH - length:,}")
    return tensors, metadata


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name occurs twice")
    return found


def _span(name: str, told: Any) -> tuple[int, int]:
    """Return where a tensor begins and ends among the values, where what is told of it fits together."""
    if not isinstance(told, dict) or set(told) != {"dtype", "shape", "data_offsets"}:
        raise UndecodableError(f"what it tells of the tensor {shown(name)} is not dtype, shape and offsets")
    dtype, shape, offsets = told["dtype"], told["shape"], told["data_offsets"]
    if not isinstance(dtype, str) or dtype not in _STORED:
        raise UndecodableError(f"the dtype {shown(dtype)} of the tensor {shown(name)} is unknown")
    if not _sizes(shape) or not _sizes(offsets) or len(offsets) != 2:
        raise UndecodableError(f"the shape or offsets of the tensor {shown(name)} are none")
    start, end = offsets
    if end - start != math.prod(shape) * np.dtype(_STORED[dtype]).itemsize:
        raise UndecodableError(f"the tensor {shown(name)} has another size than its shape says")
    return start, end


def _sizes(told: Any) -> bool:
    return isinstance(told, list) and all(type(n) is int and n >= 0 for n in told)
