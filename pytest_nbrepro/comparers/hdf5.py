"""HDF5 and NetCDF4: groups, datasets, attributes; values by hyperslabs, never a whole dataset in memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from pytest_nbrepro.comparers.base import (
    Outcome,
    allow_columns,
    alone,
    combined,
    ignored,
    limits_for,
    part,
    reading,
)
from pytest_nbrepro.comparers.boxes import BLOCK, Box, boxes, compare_boxes
from pytest_nbrepro.comparers.hdf5chunks import same_chunks
from pytest_nbrepro.comparers.hdf5nodes import Node, attribute, decoding, opened, read
from pytest_nbrepro.model import ArtifactRule, Check, Limits


class Hdf5Comparer:
    """Compares HDF5 and NetCDF4 files object by object.

    Objects are named by their paths, ``group/data``, and attributes ``group/data@units``; a pattern that
    leaves out a group leaves out all that is in it. Chunks, compression and byte order are no part of the
    contract. What another file holds is never read: such a link is an error unless it is left out.

    Args:
        block: bytes of one side that are read at a time, if one chunk is not larger.
    """

    kind = "hdf5"

    def __init__(self, block: int = BLOCK) -> None:
        self._block = block

    def schema(self, path: Path) -> dict[str, Any]:
        """Return all objects with their kinds, dtypes, shapes, dimensions, and the names of attributes."""
        with opened(path, "baseline") as nodes, decoding("baseline"):
            return {"objects": {name or "/": _described(node) for name, node in nodes.items()}}

    def compare(self, baseline: Path, result: Path, rule: ArtifactRule, schema: Mapping[str, Any]) -> Outcome:
        """Compare two files; `schema` is not needed, the files carry their own."""
        del schema
        with opened(baseline, "baseline") as old, opened(result, "result") as new:
            parts: list[Check] = []
            for name in dict.fromkeys([*old, *new]):
                if left_out(name, rule):
                    continue
                if name in old and name in new:
                    parts += self._object(name, old[name], new[name], rule)
                else:
                    known = old.get(name) or new[name]
                    parts.append(alone(known.kind, name, lost=name in old))
        outcome = combined(parts, place="{name}{where}")
        return replace(outcome, allow=allow_columns(outcome.parts))

    def _object(self, name: str, old: Node, new: Node, rule: ArtifactRule) -> list[Check]:
        outcome = structure(old, new)
        if old.kind != new.kind and outcome is not None:
            return [part(old.kind, name, outcome)]
        if outcome is None:
            is_data = old.kind == "dataset"
            outcome = self._values(old, new, limits_for(name, rule)) if is_data else Outcome.equal(1)
        return [part(old.kind, name or "/", outcome), *_attributes(name, old, new, rule)]

    def _values(self, old: Node, new: Node, limits: Limits) -> Outcome:
        one, other = old.found, new.found
        if one.shape is None or (unwritten(one) and unwritten(other)):
            return Outcome.equal(1)

        def read_old(box: Box) -> np.ndarray[Any, Any]:
            with decoding("baseline"):
                return read(one, box)

        def read_new(box: Box) -> np.ndarray[Any, Any]:
            with decoding("result"):
                return read(other, box)

        def plan() -> Any:
            return boxes(one.shape, one.dtype.itemsize, one.chunks, self._block)

        same = same_chunks(one, other)
        return compare_boxes(plan, read_old, read_new, one.dtype, limits, same=same)


def structure(old: Node, new: Node) -> Outcome | None:
    """Return what keeps the values of two objects from being compared, if anything."""
    if old.kind != new.kind:
        return Outcome.structure(f"{old.kind} -> {new.kind}")
    changes = [
        f"{key} {old.facts.get(key)} -> {new.facts.get(key)}"
        for key in dict.fromkeys([*old.facts, *new.facts])
        if old.facts.get(key) != new.facts.get(key)
    ]
    if changes:
        return Outcome.structure("; ".join(changes))
    if old.outside or new.outside:
        files = " and ".join(dict.fromkeys(file for file in (old.outside, new.outside) if file))
        return Outcome.error(f"it leads to another file, which is never read: {files}")
    return None


def _described(node: Node) -> dict[str, Any]:
    attributes = {"attributes": node.attributes} if node.attributes else {}
    return {"kind": node.kind, **node.facts, **attributes}


def left_out(name: str, rule: ArtifactRule) -> bool:
    """Tell whether an object or attribute, or a group that it is in, is left out."""
    path, mark, _ = name.partition("@")
    steps = path.split("/")
    above = ["/".join(steps[: i + 1]) for i in range(len(steps))]
    return any(ignored(each, rule) for each in (*above, *([name] if mark else ())) if each)


def unwritten(dataset: Any) -> bool:
    """Tell whether all values are the fill value since none was ever written; such a file may claim any size."""
    written: int = dataset.id.get_storage_size()
    return not written and not dataset.is_virtual and not dataset.dtype.hasobject


def _attributes(name: str, old: Node, new: Node, rule: ArtifactRule) -> list[Check]:
    parts = []
    mine, theirs = old.attributes, new.attributes
    for key in dict.fromkeys([*mine, *theirs]):
        path = f"{name}@{key}"
        if left_out(path, rule):
            continue
        if key in mine and key in theirs:
            outcome = _attribute(old, new, key, limits_for(path, rule))
            parts.append(part("attribute", path, outcome))
        else:
            parts.append(alone("attribute", path, lost=key in mine))
    return parts


def _attribute(old: Node, new: Node, key: str, limits: Limits) -> Outcome:
    with reading("baseline"), decoding("baseline"):
        word, mine = attribute(old.found, key)
    with reading("result"), decoding("result"):
        other_word, theirs = attribute(new.found, key)
    if word != other_word:
        return Outcome.structure(f"dtype {word} -> {other_word}")
    if mine is None or theirs is None:
        return Outcome.equal(1) if mine is theirs else Outcome.structure("values on one side only")
    if mine.shape != theirs.shape:
        return Outcome.structure(f"shape {mine.shape} -> {theirs.shape}")
    one, other = mine, theirs
    whole = [Box((0,) * one.ndim, one.shape)] if one.size else []
    return compare_boxes(lambda: whole, lambda _: one, lambda _: other, one.dtype, limits)
