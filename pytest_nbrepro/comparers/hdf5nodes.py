"""What an HDF5 file holds, object by object; links are told and never followed.

The format is that of The HDF Group, read by h5py; NetCDF4 is HDF5 with dimensions as scales.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from pytest_nbrepro.comparers.base import Side
from pytest_nbrepro.comparers.boxes import Box
from pytest_nbrepro.comparers.tallies import Array
from pytest_nbrepro.errors import UndecodableError
from pytest_nbrepro.optional import require

_BOOKKEEPING = (
    "history date_created _NCProperties "  # when and by what it was written
    "REFERENCE_LIST DIMENSION_LIST _Netcdf4Dimid _Netcdf4Coordinates"  # how HDF5 and NetCDF keep dimensions
)
_UNCOUNTED = frozenset(_BOOKKEEPING.split())
_CLASSIC = b"CDF"


@dataclass(frozen=True)
class Node:
    """One object or link of a file.

    `kind` is ``group``, ``dataset``, ``type``, ``soft link``, ``external link`` or ``hard link`` (to an
    object that has another name as well). `facts` are what of it is part of the contract, but for attributes.
    """

    kind: str
    facts: dict[str, Any] = field(default_factory=dict)
    outside: str = ""  # the other file that it leads to
    found: Any = None  # h5py's object, of groups, datasets and types

    @property
    def attributes(self) -> list[str]:
        """The names of its attributes, without what only says when and how it was written."""
        return [] if self.found is None else [name for name in self.found.attrs if name not in _UNCOUNTED]


@contextlib.contextmanager
def opened(path: Path, side: Side) -> Iterator[dict[str, Node]]:
    """Open a file; its objects are named by their paths without the first slash, the root ``""``.

    Raises:
        ExtraError: h5py is not there.
        UndecodableError: it is no HDF5 file.
    """
    h5py = require("h5py", "hdf5")
    with path.open("rb") as stream:
        if stream.read(len(_CLASSIC)) == _CLASSIC:
            raise UndecodableError("it is in NetCDF's classic format: write NETCDF4", where=side)
    with decoding(side):
        file = h5py.File(path, "r", locking=False)
    with file:
        with decoding(side):
            nodes = {"": Node("group", found=file["/"])}
            seen = {_identity(h5py, file["/"]): "/"}
            _collect(h5py, file, nodes, seen)
        yield nodes


@contextlib.contextmanager
def decoding(side: Side) -> Iterator[None]:
    """Turn what h5py raises into UndecodableError."""
    try:
        yield
    except (OSError, RuntimeError, ValueError, TypeError, LookupError, AttributeError, MemoryError) as error:
        raise UndecodableError(" ".join(str(error).split()) or type(error).__name__, where=side) from error


def _collect(h5py: Any, file: Any, nodes: dict[str, Node], seen: dict[Any, str]) -> None:
    """Add all that is below the root, depth first; hard links that lead back are told, not followed."""
    waiting = [("", file["/"])]
    while waiting:
        above, group = waiting.pop()
        for name in group:
            path = f"{above}/{name}".removeprefix("/")
            link = group.get(name, getlink=True)
            if isinstance(link, h5py.ExternalLink):
                target = f"{link.filename}:{link.path}"
                nodes[path] = Node("external link", {"target": target}, outside=link.filename)
            elif isinstance(link, h5py.SoftLink):
                nodes[path] = Node("soft link", {"target": link.path})
            else:
                found = group[name]
                first = seen.setdefault(_identity(h5py, found), f"/{path}")
                if first != f"/{path}":
                    nodes[path] = Node("hard link", {"target": first})
                    continue
                nodes[path] = _node(h5py, found)
                if nodes[path].kind == "group":
                    waiting.append((path, found))


def _identity(h5py: Any, found: Any) -> tuple[int, Any]:
    info = h5py.h5o.get_info(found.id)
    return info.fileno, info.addr


def _node(h5py: Any, found: Any) -> Node:
    if isinstance(found, h5py.Group):
        return Node("group", found=found)
    facts: dict[str, Any] = {"dtype": dtype_word(found.dtype)}
    if isinstance(found, h5py.Datatype):
        return Node("type", facts, found=found)
    shape = None if found.shape is None else list(found.shape)
    facts |= {"shape": shape, "dims": _dims(found)}
    if not found.dtype.hasobject and shape is not None:
        facts["fill value"] = str(np.asarray(found.fillvalue).tolist())
    return Node("dataset", facts, _outside(found), found)


def _dims(dataset: Any) -> list[str]:
    """Return the names of each axis' label and scales."""
    if dataset.shape is None:
        return []
    axes = [
        [axis.label, *(str(scale.name).removeprefix("/") for scale in axis.values())] for axis in dataset.dims
    ]
    named = [" ".join(word for word in words if word) for words in axes]
    return named if any(named) else []


def _outside(dataset: Any) -> str:
    """Return the name of another file that holds values of a dataset, or nothing."""
    names = [name for name, *_ in dataset.external or ()]
    if dataset.is_virtual:
        names += [source.file_name for source in dataset.virtual_sources() if source.file_name != "."]
    return ", ".join(dict.fromkeys(names))


def dtype_word(dtype: np.dtype[Any]) -> str:
    """Return a dtype in words, without its byte order."""
    h5py = require("h5py", "hdf5")
    if (text := h5py.check_string_dtype(dtype)) is not None:
        return f"{text.encoding} string" + (f" of {text.length}" if text.length is not None else "")
    if (base := h5py.check_vlen_dtype(dtype)) is not None:
        return f"vlen {dtype_word(np.dtype(base))}"
    if (members := h5py.check_enum_dtype(dtype)) is not None:
        return f"enum {dtype.name} {dict(sorted(members.items()))}"
    if h5py.check_ref_dtype(dtype) is not None:
        return "reference"
    if dtype.subdtype is not None:
        return f"{dtype_word(dtype.subdtype[0])}{list(dtype.subdtype[1])}"
    if dtype.names is not None:
        return "{" + ", ".join(f"{name}: {dtype_word(dtype[name])}" for name in dtype.names) + "}"
    return str(dtype.newbyteorder("="))


def read(dataset: Any, box: Box) -> Array:
    """Return the values of a box; references to objects as the names of what they lead to."""
    ends = zip(box.start, box.shape, strict=True)
    found = dataset[tuple(slice(first, first + count) for first, count in ends)]
    return named(np.asarray(found, dataset.dtype), dataset)


def named(found: Array, holder: Any) -> Array:
    """Return an array with the references of HDF5 in it replaced by names."""
    h5py = require("h5py", "hdf5")
    if h5py.check_ref_dtype(found.dtype) is not h5py.Reference:
        return found
    names = [h5py.h5r.get_name(each, holder.file.id) if each else b"nothing" for each in found.ravel()]
    return np.array(names, object).reshape(found.shape)


def attribute(holder: Any, name: str) -> tuple[str, Array | None]:
    """Return the dtype in words and the values of an attribute; None for one without any.

    How many bytes a text of fixed length takes is no part of its dtype.
    """
    h5py = require("h5py", "hdf5")
    dtype, found = holder.attrs.get_id(name).dtype, holder.attrs[name]
    word = f"{dtype_word(dtype).partition(' of ')[0]}"
    if isinstance(found, h5py.Empty):
        return word, None
    return word, named(np.asarray(found, None if isinstance(found, (str, np.ndarray)) else dtype), holder)
