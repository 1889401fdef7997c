"""Changes of arrays."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from pytest_nbrepro.comparers.perturbing.values import MOST, MOVED, NAN, SWAPPED, Change, number, swapped
from pytest_nbrepro.comparers.tallies import Array

_NARROWER = {
    "float64": "float32",
    "float32": "float16",
    "int64": "int32",
    "int32": "int16",
    "complex128": "complex64",
}


def changes(path: Path) -> Iterator[Change]:
    """Yield changes of an npy or npz file; of a pickle, which is never loaded, none."""
    found = np.load(path, allow_pickle=False)
    if isinstance(found, np.ndarray):
        for what, array in elements(found):
            yield what, partial(_save, array)
        return
    with found:
        members = {name: found[name] for name in found.files}
    if len(members) > 1:
        last = list(members)[-1]
        yield f"member {last} dropped", _saved({name: members[name] for name in members if name != last})
    for name in islice(members, MOST):
        for what, array in elements(members[name]):
            yield f"{name}: {what}", _saved({**members, name: array})


def _save(array: Array, target: Path) -> None:
    np.save(target, array)


def _saved(members: dict[str, Any]) -> Any:
    return partial(np.savez, **members)


def elements(array: Array) -> Iterator[tuple[str, Array]]:
    """Yield an array in which one element or the order of rows is changed, and one of a narrower dtype."""
    if array.dtype.hasobject or array.dtype.names is not None or not array.size:
        return
    yield from _numbers(array)
    if array.dtype.kind in "US":
        labels = swapped(array.ravel().tolist())
        if labels is not None:
            yield SWAPPED, np.array(labels, array.dtype).reshape(array.shape)
    if array.ndim:
        moved = np.roll(array, -1, axis=0)
        if moved.tobytes() != np.ascontiguousarray(array).tobytes():
            yield MOVED, moved
    narrower = _NARROWER.get(array.dtype.name)
    if narrower is not None:
        with np.errstate(all="ignore"):
            yield f"dtype {array.dtype.name} -> {narrower}", array.astype(narrower)


def _numbers(array: Array) -> Iterator[tuple[str, Array]]:
    if array.dtype.kind not in "iuf":
        return
    flat = np.ravel(array)
    spot = int(np.argmax(np.where(np.isfinite(flat), np.abs(flat), 0)))
    changed = number(flat[spot].item())
    if changed is not None and changed[1] <= _largest(array.dtype):
        other = _with(array, spot, changed[1])
        if other.tobytes() != np.ascontiguousarray(array).tobytes():
            yield changed[0], other
    if array.dtype.kind == "f" and not np.isnan(flat[spot]):
        yield NAN, _with(array, spot, math.nan)


def _largest(dtype: np.dtype[Any]) -> float:
    return float(np.finfo(dtype).max) if dtype.kind == "f" else int(np.iinfo(dtype).max)


def _with(array: Array, spot: int, value: float) -> Array:
    changed = array.copy()
    changed[np.unravel_index(spot, array.shape)] = value
    return changed
