"""Sketches of HDF5 and NetCDF4 files: one of each dataset and attribute; all else is in the schema.

Values are read in C's order, whatever their chunks. Of a dataset whose chunks do not lie in that order, so that much of
it would have to be in memory at a time, nothing is kept.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from pytest_nbrepro.comparers.base import Outcome, alone, combined, part
from pytest_nbrepro.comparers.boxes import BLOCK, boxes
from pytest_nbrepro.comparers.hdf5 import left_out, structure, unwritten
from pytest_nbrepro.comparers.hdf5nodes import Node, attribute, decoding, dtype_word, opened, read
from pytest_nbrepro.comparers.sketches.blocks import (
    About,
    Hashes,
    Sketch,
    Stream,
    fixed,
    plain,
    shared_out,
    sketched,
)
from pytest_nbrepro.comparers.sketches.proofs import compare_all
from pytest_nbrepro.comparers.tallies import Array, kind_of_dtype
from pytest_nbrepro.errors import UndecodableError
from pytest_nbrepro.model import ArtifactRule, Check

_MOST = 32 << 20  # bytes of a dataset that are read at a time, at most


def write(path: Path, schema: Mapping[str, Any]) -> list[Sketch]:
    """Return the sketches of a file's datasets and attributes.

    Raises:
        ExtraError: h5py is not there.
        UndecodableError: it cannot be read, or leads to another file, which is never read.
    """
    del schema
    with opened(path, "result") as nodes, decoding("result"):
        outside = [node.outside for node in nodes.values() if node.outside]
        if outside:
            raise UndecodableError(f"it leads to another file: {outside[0]}")
        abouts = {**_datasets(nodes), **_attributes(nodes)}
        per = shared_out({name: about.count for name, about in abouts.items()}, path.stat().st_size)
        return [_sketch(nodes, replace(about, per=per[name])) for name, about in abouts.items()]


def compare(
    old: Mapping[str, Sketch], result: Path, rule: ArtifactRule, schema: Mapping[str, Any]
) -> Outcome:
    """Hold a file against the sketches of the accepted one's datasets and attributes.

    Raises:
        ExtraError: h5py is not there.
        UndecodableError: it cannot be read.
    """
    known = {name.removeprefix("/"): told for name, told in schema["objects"].items()}
    with opened(result, "result") as nodes, decoding("result"):
        parts, alike, data = _objects(known, nodes, rule)
        abouts = {name: _dataset(name, nodes[name].found, old[name].about.kind) for name in data}
        parts += compare_all("dataset", {name: old[name] for name in data}, abouts, _maker(nodes), rule)
        paths = [f"{name}@{key}" for name in alike for key in known[name].get("attributes", ())]
        mine = {path: old[path] for path in paths if not left_out(path, rule)}
        theirs = _attributes({name: nodes[name] for name in alike})
        theirs = {path: about for path, about in theirs.items() if not left_out(path, rule)}
        parts += compare_all("attribute", mine, theirs, _maker(nodes), rule)
    return combined(parts, place="{name}{where}")


def _objects(
    known: Mapping[str, Mapping[str, Any]], nodes: Mapping[str, Node], rule: ArtifactRule
) -> tuple[list[Check], list[str], list[str]]:
    """Return the checks of structure, the objects of one kind on both sides, and the datasets to compare."""
    parts: list[Check] = []
    alike, data = [], []
    for name in dict.fromkeys([*known, *nodes]):
        if left_out(name, rule):
            continue
        kind = known[name]["kind"] if name in known else nodes[name].kind
        if name not in known or name not in nodes:
            parts.append(alone(kind, name, lost=name in known))
            continue
        facts = {fact: told for fact, told in known[name].items() if fact not in {"kind", "attributes"}}
        fault = structure(Node(kind, facts), nodes[name])
        if kind == nodes[name].kind:
            alike.append(name)
        if fault is None and kind == "dataset":
            data.append(name)
        else:
            parts.append(part(kind, name or "/", fault or Outcome.equal(1)))
    return parts, alike, data


# ---------------------------------------------------------------------------------------------------
# Values


def _datasets(nodes: Mapping[str, Node]) -> dict[str, About]:
    return {name: _dataset(name, node.found) for name, node in nodes.items() if node.kind == "dataset"}


def _dataset(name: str, found: Any, wanted: str | None = None) -> About:
    """Tell of a dataset; nothing is read of one of which nothing is `wanted`, the baseline having kept nothing."""
    about = About(name, _kind(found.dtype), dtype_word(found.dtype), tuple(found.shape or ()))
    if found.shape is None or unwritten(found):
        return replace(about, kind="", digest="no values")
    large = _chunk(found) * found.dtype.itemsize > _MOST
    return replace(about, kind="") if large or wanted == "" else about


def _chunk(found: Any) -> int:
    """Return how many values have to be read at a time so that they come in C's order, each chunk once."""
    return math.prod((found.chunks[0], *found.shape[1:])) if found.chunks else 1


def _attributes(nodes: Mapping[str, Node]) -> dict[str, About]:
    found = {}
    for name, node in nodes.items():
        for key in node.attributes:
            word, values = attribute(node.found, key)
            path = f"{name}@{key}"
            if values is None:
                found[path] = About(path, "", word, digest="no values")
            else:
                found[path] = About(path, _kind(values.dtype), word, values.shape)
    return found


def _kind(dtype: np.dtype[Any]) -> str:
    """Return the word of `About.kind`; records that hold objects have no bytes of their own."""
    if dtype.names is None and dtype.subdtype is None:
        return kind_of_dtype(dtype)
    return "" if dtype.hasobject else "record"


def _maker(nodes: Mapping[str, Node]) -> Callable[[About], Sketch]:
    return lambda about: _sketch(nodes, about)


def _sketch(nodes: Mapping[str, Node], about: About) -> Sketch:
    if not about.kind:
        return Sketch(about)
    if about.name in nodes:
        return _made(about, _pieces(nodes[about.name].found))
    owner, _, key = about.name.rpartition("@")
    _, values = attribute(nodes[owner].found, key)
    return _made(about, [np.asarray(values)])


def _pieces(found: Any) -> Iterator[Array]:
    whole = (found.chunks[0], *found.shape[1:]) if found.chunks else None
    for box in boxes(found.shape, found.dtype.itemsize, whole, BLOCK):
        yield read(found, box)


def _made(about: About, pieces: Iterable[Array]) -> Sketch:
    if about.summed:
        return sketched(about, pieces)
    hashes = Hashes(about)
    for piece in pieces:
        flat = piece.reshape(-1)
        hashes.add(_ragged(flat.tolist()) if flat.dtype.kind in "OUS" else [fixed(flat)])
    return hashes.done()


def _ragged(values: Sequence[Any]) -> list[Stream]:
    """Return the length of each value, and the values themselves."""
    data = [_bytes(value) for value in values]
    lengths = np.array([len(each) for each in data], "<i8")
    return [fixed(lengths), (b"".join(data), np.concatenate([[0], np.cumsum(lengths)]))]


def _bytes(value: Any) -> bytes:
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode("utf-8", "surrogateescape")
    if isinstance(value, np.ndarray) and not value.dtype.hasobject and value.dtype.names is None:
        return plain(value).tobytes()
    raise UndecodableError(f"it holds objects of type {type(value).__name__}")
