"""Sketches of npy and npz files: one of each member, read once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from pytest_nbrepro.comparers.base import Outcome, combined
from pytest_nbrepro.comparers.npy import BLOCK, Reader, Source, sources
from pytest_nbrepro.comparers.sketches.blocks import About, Sketch, shared_out, sketched
from pytest_nbrepro.comparers.sketches.proofs import compare_all
from pytest_nbrepro.comparers.tallies import Array, kind_of_dtype
from pytest_nbrepro.model import ArtifactRule


def write(path: Path, schema: Mapping[str, Any]) -> list[Sketch]:
    """Return the sketches of an npy or npz file.

    Raises:
        UndecodableError: it cannot be read.
    """
    del schema
    with sources(path, "result") as found:
        abouts = {name: _about(name, source) for name, source in found.items()}
        per = shared_out({name: about.count for name, about in abouts.items()}, path.stat().st_size)
        return [_sketch(source, replace(abouts[name], per=per[name])) for name, source in found.items()]


def compare(
    old: Mapping[str, Sketch], result: Path, rule: ArtifactRule, schema: Mapping[str, Any]
) -> Outcome:
    """Hold an npy or npz file against the sketches of the accepted one.

    Raises:
        UndecodableError: it cannot be read.
    """
    del schema
    with sources(result, "result") as found:
        abouts = {name: _about(name, source) for name, source in found.items()}
        parts = compare_all("member", old, abouts, lambda about: _sketch(found[about.name], about), rule)
    if list(old) == [""] and len(parts) == 1:  # an npy file
        (only,) = parts
        return Outcome(only.status, only.used, only.limit, only.message, only.n, only.bad, only.worst)
    return combined(parts, place="{name}{where}")


def _about(name: str, source: Source) -> About:
    with source.open() as reader:
        header = reader.header
    if header is None:
        return About(name, "", "")
    kind = kind_of_dtype(header.dtype)
    if header.dtype.names is not None or header.dtype.hasobject or header.dtype.kind == "V":
        kind = "record"
    return About(name, kind, header.word, header.shape, header.fortran)


def _sketch(source: Source, about: About) -> Sketch:
    with source.open() as reader:
        if about.dtype in {"", "object"}:  # no array, or a pickle, which is never loaded
            return Sketch(replace(about, digest=_rest(reader)))
        made = sketched(about, _pieces(reader))
        return replace(made, about=replace(made.about, rest=_rest(reader)))


def _pieces(reader: Reader) -> Iterator[Array]:
    assert reader.header is not None  # noqa: S101 - it is an array
    dtype, count = reader.header.dtype, reader.header.count
    if dtype.itemsize:
        step = max(1, BLOCK // dtype.itemsize)
        for start in range(0, count, step):
            yield np.frombuffer(reader.read(min(step, count - start) * dtype.itemsize), dtype)


def _rest(reader: Reader) -> str:
    """Return the hash of what follows the values, of a member that is no array of all of it; "" for nothing."""
    digest, size = hashlib.sha256(), 0
    for data in reader.rest():
        digest.update(data)
        size += len(data)
    return digest.hexdigest() if size else ""
