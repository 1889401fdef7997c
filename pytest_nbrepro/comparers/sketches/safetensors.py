"""Sketches of safetensors files: one of each tensor; the metadata are in the schema."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

from pytest_nbrepro.comparers.base import Outcome, combined
from pytest_nbrepro.comparers.boxes import boxes
from pytest_nbrepro.comparers.safetensors import KINDS, Tensor, header, other_metadata
from pytest_nbrepro.comparers.sketches.blocks import About, Sketch, shared_out, sketched
from pytest_nbrepro.comparers.sketches.proofs import compare_all
from pytest_nbrepro.comparers.tallies import Array, kind_of_dtype
from pytest_nbrepro.model import ArtifactRule


def write(path: Path, schema: Mapping[str, Any]) -> list[Sketch]:
    """Return the sketches of a file's tensors.

    Raises:
        UndecodableError: it cannot be read.
    """
    del schema
    with path.open("rb") as stream:
        tensors, _ = header(stream, path.stat().st_size)
        abouts = {name: _about(name, tensor) for name, tensor in tensors.items()}
        per = shared_out({name: about.count for name, about in abouts.items()}, path.stat().st_size)
        return [_sketch(tensors, stream, replace(about, per=per[name])) for name, about in abouts.items()]


def compare(
    old: Mapping[str, Sketch], result: Path, rule: ArtifactRule, schema: Mapping[str, Any]
) -> Outcome:
    """Hold a file against the sketches of the accepted one's tensors.

    Raises:
        UndecodableError: it cannot be read.
    """
    with result.open("rb") as stream:
        tensors, metadata = header(stream, result.stat().st_size)
        abouts = {name: _about(name, tensor) for name, tensor in tensors.items()}
        parts = compare_all("tensor", old, abouts, lambda about: _sketch(tensors, stream, about), rule)
    parts += other_metadata(schema.get("metadata", {}), metadata, rule)
    return combined(parts, place="{name}{where}")


def _about(name: str, tensor: Tensor) -> About:
    return About(name, KINDS.get(tensor.dtype) or kind_of_dtype(tensor.stored), tensor.dtype, tensor.shape)


def _sketch(tensors: Mapping[str, Tensor], stream: IO[bytes], about: About) -> Sketch:
    tensor = tensors[about.name]

    def pieces() -> Iterator[Array]:
        for box in boxes(tensor.shape, tensor.stored.itemsize):
            yield tensor.read(stream, box)

    return sketched(about, pieces())
