"""Small changes to accepted values, of the kinds that a check should notice: what `nbrepro audit` tries.

A column dropped, rows moved by one, one value off by 0.1 %, two labels swapped, a tile moved, a NaN, a narrower dtype:
each for every kind of file that it applies to and that can be written here.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import cast

from pytest_nbrepro.comparers.perturbing.values import Change

_MODULES = {
    "table": "tables",
    "array": "arrays",
    "json": "documents",
    "text": "texts",
    "image": "images",
    "markup": "markup",
    "hdf5": "hdf5",
    "safetensors": "safetensors",
    "figure": "figures",
}


def changes(kind: str, path: Path) -> Iterator[Change]:
    """Yield changes of a file: what each is, and what writes the changed file.

    Kinds and formats that nothing here can write yield nothing.

    Raises:
        NbreproError, OSError, ValueError: the file cannot be read.
    """
    if kind in _MODULES:
        module = importlib.import_module(f"{__name__}.{_MODULES[kind]}")
        yield from cast("Iterator[Change]", module.changes(path))
