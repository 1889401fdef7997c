"""The JSON of figures: plain values along their paths, packed arrays as the numbers that they are.

plotly writes an array as ``{"dtype": "f8", "bdata": base64, "shape": "2, 3"}``, bokeh as ``{"type":
"ndarray", "array": {"type": "bytes", "data": base64}, "dtype", "shape", "order"}``, its data gzipped.
"""

from __future__ import annotations

import base64
import math
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from pytest_nbrepro.comparers import walks
from pytest_nbrepro.comparers.base import IncomparableError, Outcome, allow_columns, combined, part
from pytest_nbrepro.comparers.boxes import Box, compare_boxes
from pytest_nbrepro.comparers.tallies import Array
from pytest_nbrepro.model import ArtifactRule, Limits

_PLOTLY = {"i1", "u1", "i2", "u2", "i4", "u4", "f4", "f8"}
_BOKEH = {
    "bool",
    "int8",
    "uint8",
    "int16",
    "uint16",
    "int32",
    "uint32",
    "int64",
    "uint64",
    "float32",
    "float64",
}
_PACKED = "packed array"
_LEVELS = zlib.MAX_WBITS | 16  # as zlib says that it is gzip


@dataclass(frozen=True)
class _Packed:
    array: Array
    limits: Limits  # that hold at its path


def compare_figures(old: Any, new: Any, rule: ArtifactRule) -> Outcome:
    """Compare two JSON values by the rules for JSON files; packed arrays have the limits of their dtypes.

    Raises:
        IncomparableError: they are nested too deeply.
    """
    mine: dict[str, _Packed] = {}
    theirs: dict[str, _Packed] = {}
    try:
        plain = _unpacked(old, "$", rule.limits, rule, mine), _unpacked(new, "$", rule.limits, rule, theirs)
    except RecursionError as error:
        raise IncomparableError("it is nested too deeply") from error
    rest = walks.compare_values(*plain, rule)
    arrays = [
        part("array", path, _arrays(path, packed, theirs[path].array))
        for path, packed in mine.items()
        if path in theirs and _alike(packed.array, theirs[path].array)  # else `rest` tells that it is not
    ]
    if not arrays:
        return rest
    outcome = combined([part("json", "$", rest), *arrays], place="{where}")
    failing = [replace(check, name=walks.plain(check.name)) for check in arrays if not check.status.ok]
    offers = [offer for offer in (rest.allow, allow_columns(failing)) if offer]
    return replace(outcome, allow=offers[0] if len(offers) == 1 and (rest.status.ok or not failing) else None)


def holds_packed(path: Path) -> bool:
    """Tell whether a file may hold packed arrays, without reading it as JSON."""
    data = path.read_bytes()
    return b'"bdata"' in data or b'"ndarray"' in data


def _alike(old: Array, new: Array) -> bool:
    return old.dtype == new.dtype and old.shape == new.shape


def _arrays(path: str, packed: _Packed, other: Array) -> Outcome:
    one = packed.array
    whole = [Box((0,) * one.ndim, one.shape)] if one.size else []
    outcome = compare_boxes(lambda: whole, lambda _: one, lambda _: other, one.dtype, packed.limits)
    if outcome.worst is None:
        return outcome
    return replace(outcome, worst=replace(outcome.worst, where=f"{path}{outcome.worst.where}"))


def _unpacked(value: Any, path: str, around: Limits, rule: ArtifactRule, found: dict[str, _Packed]) -> Any:
    """Return a value with only dtype and shape in place of each packed array, and put these by their paths."""
    limits = walks.limits_at(path, around, rule)
    if limits is None:
        return value
    if isinstance(value, list):
        return [
            _unpacked(each, f"{path}[{i}]", limits, rule, found) if isinstance(each, (dict, list)) else each
            for i, each in enumerate(value)
        ]
    if (array := _array(value)) is not None:
        found[path] = _Packed(array, limits)
        return {_PACKED: {"dtype": str(array.dtype), "shape": list(array.shape)}}
    return {
        name: _unpacked(each, walks.below(path, name), limits, rule, found)
        if isinstance(each, (dict, list))
        else each
        for name, each in value.items()
    }


def _array(value: Mapping[str, Any]) -> Array | None:
    """Return the array that plotly or bokeh packed, or None where it is nothing of the sort."""
    try:
        if value.keys() - {"shape"} == {"dtype", "bdata"}:
            return _of_plotly(value)
        if value.get("type") == "ndarray":
            return _of_bokeh(value)
    except (ValueError, TypeError, LookupError, zlib.error):  # it only looks like one: compared as it is
        return None
    return None


def _of_plotly(value: Mapping[str, Any]) -> Array | None:
    if value["dtype"] not in _PLOTLY:
        return None
    flat = np.frombuffer(base64.b64decode(value["bdata"], validate=True), np.dtype(f"<{value['dtype']}"))
    if "shape" not in value:
        return flat
    return flat.reshape([_length(int(text)) for text in str(value["shape"]).split(",")])


def _of_bokeh(value: Mapping[str, Any]) -> Array | None:
    if value["dtype"] not in _BOKEH or value["array"]["type"] != "bytes":
        return None
    dtype = np.dtype(value["dtype"]).newbyteorder("<" if value["order"] == "little" else ">")
    shape = [_length(length) for length in value["shape"]]
    data = base64.b64decode(value["array"]["data"], validate=True)
    if data.startswith(b"\x1f\x8b"):
        data = zlib.decompressobj(_LEVELS).decompress(data, math.prod(shape) * dtype.itemsize + 1)
    return np.frombuffer(data, dtype).reshape(shape)


def _length(length: int) -> int:
    if length < 0:  # which numpy would take for "whatever is left"
        raise ValueError("a negative length")
    return length
