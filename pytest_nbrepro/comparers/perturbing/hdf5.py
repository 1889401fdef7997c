"""Changes of HDF5 and NetCDF4 files, made in a copy of the file."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from pytest_nbrepro.comparers.hdf5 import unwritten
from pytest_nbrepro.comparers.hdf5nodes import opened
from pytest_nbrepro.comparers.perturbing.arrays import elements
from pytest_nbrepro.comparers.perturbing.values import MOST, SWAPPED, Change, swapped
from pytest_nbrepro.comparers.tallies import Array
from pytest_nbrepro.optional import require

_LARGEST = 64 << 20  # bytes of a dataset that is changed; a small file may hold a larger one


def changes(path: Path) -> Iterator[Change]:
    """Yield changes of a file's datasets.

    Raises:
        ExtraError: h5py is not there.
    """
    with opened(path, "baseline") as nodes:
        known = {
            name: node.found for name, node in nodes.items() if node.kind == "dataset" and not node.outside
        }
        found = {name: _values(data) for name, data in islice(known.items(), MOST)}
    if known:
        last = list(known)[-1]
        yield f"{last} dropped", partial(_copied, path, last, None)
    for name, values in found.items():
        for what, changed in _elements(values):
            yield f"{name}: {what}", partial(_copied, path, name, changed)


def _values(data: Any) -> Array:
    """Return the values of a dataset, texts as such; nothing of one that is not there or too large."""
    if data.shape is None or unwritten(data) or data.size * data.dtype.itemsize > _LARGEST:
        return np.zeros(0)
    is_text = require("h5py", "hdf5").check_string_dtype(data.dtype) is not None
    return np.asarray(data.asstr()[...] if is_text else data[...])


def _elements(values: Array) -> Iterator[tuple[str, Array]]:
    if values.dtype == object:
        flat = values.ravel().tolist()
        labels = swapped(flat) if all(isinstance(each, str) for each in flat) and flat else None
        if labels is not None:
            yield SWAPPED, np.array(labels, object).reshape(values.shape)
        return
    yield from elements(values)


def _copied(path: Path, name: str, values: Array | None, target: Path) -> None:
    """Write the file with other values, or none, in one dataset; of another dtype in a dataset made anew."""
    shutil.copyfile(path, target)
    target.chmod(0o600)
    with require("h5py", "hdf5").File(target, "r+", locking=False) as file:
        data = file[name]
        if values is None:
            del file[name]
        elif values.dtype == object or values.dtype.str[1:] == data.dtype.str[1:]:
            data[...] = values
        else:
            attributes = {key: value for key, value in data.attrs.items() if key != "DIMENSION_LIST"}
            del file[name]
            file[name] = values
            file[name].attrs.update(attributes)
