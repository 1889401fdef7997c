"""Sketches: what a baseline keeps of a table or array that is too large to keep.

Of each column or array that is its hash and, for at most 4096 blocks of it, the sums of x and of |x|, or a hash where
it holds no numbers. A block that differs by more than limits and rounding allow proves a drift and tells where;
nothing proves that there is none but an equal hash: else the check is UNPROVEN.
"""

from __future__ import annotations

import importlib
import json
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np

from pytest_nbrepro.comparers.base import Outcome, counted, reading
from pytest_nbrepro.comparers.sketches.blocks import About, Sketch
from pytest_nbrepro.errors import UndecodableError
from pytest_nbrepro.model import ArtifactRule, CheckStatus

KINDS = {
    "array": "arrays",
    "table": "tables",
    "figure": "figures",
    "hdf5": "hdf5",
    "safetensors": "safetensors",
}
_PARTS = ("sums", "sizes", "odd", "hashes")


class _Module(Protocol):
    """What the module of one kind of file has."""

    def write(self, path: Path, schema: Mapping[str, Any]) -> list[Sketch]: ...

    def compare(
        self, old: Mapping[str, Sketch], result: Path, rule: ArtifactRule, schema: Mapping[str, Any]
    ) -> Outcome: ...


def _module(kind: str) -> _Module:
    return cast("_Module", importlib.import_module(f"{__name__}.{KINDS[kind]}"))


def write(path: Path, kind: str, schema: Mapping[str, Any], target: Path) -> None:
    """Write the sketch of a file.

    Args:
        path: the file.
        kind: its kind, one of `KINDS`.
        schema: what its comparer's `schema` says of it.
        target: where the sketch goes.

    Raises:
        UndecodableError: the file cannot be read, or nothing can be kept of it but its hash.
        OSError: the sketch cannot be written.
    """
    made = _module(kind).write(path, schema)
    arrays: dict[str, Any] = {
        "about": np.frombuffer(json.dumps([asdict(one.about) for one in made]).encode(), np.uint8)
    }
    for number, one in enumerate(made):
        kept = {f"{name}{number}": getattr(one, name) for name in _PARTS}
        arrays |= {name: array for name, array in kept.items() if array.size}
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("wb") as stream:
        np.savez_compressed(stream, **arrays)


def read(path: Path) -> dict[str, Sketch]:
    """Read what `write` wrote, by the names of columns or arrays.

    Raises:
        UndecodableError: it is no sketch.
    """
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as data:
            found = {}
            for number, about in enumerate(json.loads(data["about"].tobytes())):
                about["shape"] = tuple(about["shape"])
                kept = {name: data[f"{name}{number}"] for name in _PARTS if f"{name}{number}" in data}
                found[about["name"]] = Sketch(About(**about), **kept)
            return found
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise UndecodableError(str(error)) from error


def compare(sketch: Path, result: Path, kind: str, rule: ArtifactRule, schema: Mapping[str, Any]) -> Outcome:
    """Hold a file against the sketch of the accepted one; what is unreadable never passes.

    Args:
        sketch: what the baseline keeps.
        result: the run's file.
        kind: the kind of both.
        rule: limits and modes.
        schema: what the comparer's `schema` said of the accepted file.
    """
    try:
        with reading("baseline"):
            old = read(sketch)
        with reading("result"):
            return _told(_module(kind).compare(old, result, rule, schema))
    except UndecodableError as error:
        if error.where == "result":
            return Outcome.structure(f"the result is not readable: {error.what}")
        return Outcome.error(f"the baseline's sketch is not readable: {error.what}")


def _told(outcome: Outcome) -> Outcome:
    """Return an outcome that says of how many of its parts nothing is proven, where that is all there is to say."""
    if outcome.status is not CheckStatus.UNPROVEN or not outcome.parts:
        return outcome
    unproven = sum(part.status is CheckStatus.UNPROVEN for part in outcome.parts)
    told = f"no drift proven in {unproven:,} of {counted(len(outcome.parts), outcome.parts[0].kind)}"
    message = "; ".join(
        filter(None, (f"{told}: their sums agree, of the baseline no more is kept", outcome.message))
    )
    return replace(outcome, used=None, message=message)
