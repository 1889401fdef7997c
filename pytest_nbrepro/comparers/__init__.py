"""Comparers of artifacts, one per kind of file, and the one way to use them that cannot pass by accident."""

from __future__ import annotations

import importlib
import importlib.metadata
import inspect
from collections.abc import Iterator
from dataclasses import replace
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path, PurePosixPath
from typing import cast

from pytest_nbrepro import files
from pytest_nbrepro.comparers.base import Comparer, Outcome, judge, key, part, told
from pytest_nbrepro.comparers.opaque import CANNOT_SAY, sizes
from pytest_nbrepro.comparers.sides import chosen
from pytest_nbrepro.errors import NbreproError
from pytest_nbrepro.model import Artifact, ArtifactRule, Check

GROUP = "pytest_nbrepro.comparers"
_HASHED = 1 << 20  # bytes up to which baselines keep files; larger ones come from runs of this session
_POINTER = b"version https://git-lfs.github.com/spec/v1"

# Suffixes by kind; what is in none of them is opaque.
_SUFFIXES = {
    "table": "csv tsv tab parquet pq feather arrow ipc",
    "array": "npy npz",
    "json": "json jsonl ndjson geojson yaml yml ipynb",
    "text": "txt text log md rst tex py r jl sql toml ini cfg sh",
    "image": "png jpg jpeg webp tif tiff gif bmp",
    "markup": "svg html htm xhtml xml",
    "hdf5": "h5 hdf5 he5 nc nc4",
    "safetensors": "safetensors",
    "pdf": "pdf",
    "archive": "gz bz2 xz zip tar tgz tbz2 txz xlsx",
}
_KINDS = {f".{suffix}": kind for kind, suffixes in _SUFFIXES.items() for suffix in suffixes.split()}
_CLASSES = {
    "table": ("tables", "TableComparer"),
    "array": ("arrays", "ArrayComparer"),
    "figure": ("drawings", "FigureComparer"),
    "json": ("jsons", "JsonComparer"),
    "text": ("text", "TextComparer"),
    "image": ("images", "ImageComparer"),
    "markup": ("markup", "MarkupComparer"),
    "hdf5": ("hdf5", "Hdf5Comparer"),
    "safetensors": ("safetensors", "SafetensorsComparer"),
    "pdf": ("pdfs", "PdfComparer"),
    "opaque": ("opaque", "OpaqueComparer"),
}


def kind_of(name: str) -> str:
    """Return the kind of a file by its name; comparers of other packages get what no built-in one knows."""
    path = PurePosixPath(name.lower())
    if path.suffix in _KINDS:
        return _KINDS[path.suffix]
    for kind, found in _others().items():
        if any(fnmatchcase(path.name, pattern) for pattern in getattr(found, "patterns", ())):
            return kind
    return "opaque"


@cache
def comparer(kind: str) -> Comparer:
    """Return the comparer of a kind; modules that decode files are imported when they are first needed.

    Raises:
        NbreproError: nobody provides one, or another package's cannot be loaded.
    """
    if kind == "archive":
        from pytest_nbrepro.comparers.archives import ArchiveComparer

        return ArchiveComparer(kind_of, comparer)
    if kind in _CLASSES:
        module, name = _CLASSES[kind]
        return cast("Comparer", getattr(importlib.import_module(f"{__name__}.{module}"), name)())
    if kind not in _others():
        raise NbreproError(f"there is no comparer for {kind!r}", hint="install the package that provides it")
    return _others()[kind]


@cache
def _others() -> dict[str, Comparer]:
    """Return the comparers that other packages provide, by kind."""
    return dict(_loaded())


def _loaded() -> Iterator[tuple[str, Comparer]]:
    for entry in importlib.metadata.entry_points(group=GROUP):
        try:
            found = entry.load()
            yield entry.name, cast("Comparer", found() if inspect.isclass(found) else found)
        except Exception as error:
            raise NbreproError(
                f"the comparer {entry.name!r} cannot be loaded: {type(error).__name__}: {error}",
                where=entry.value,
            ) from error


def described(artifact: Artifact, folder: Path) -> Artifact:
    """Return an artifact with its kind and schema.

    A file that cannot be decoded keeps its kind and gets the schema ``{"undecodable": "<why>"}``.

    Args:
        artifact: the artifact; a kind that it has already is kept.
        folder: the folder that its path is relative to.
    """
    kind = artifact.kind
    try:
        kind = kind or kind_of(artifact.path)
        schema = comparer(kind).schema(folder / artifact.path)
    except BaseException as error:  # noqa: BLE001 - `told` raises again what ends the program
        schema = {"undecodable": told(error)}
    return replace(artifact, kind=kind or "opaque", schema=schema)


def compare(
    baseline: Artifact, baseline_folder: Path, result: Artifact, result_folder: Path, rule: ArtifactRule
) -> Check:
    """Compare an artifact with its baseline; never raises, and what cannot be compared is an error.

    Where one side lacks the data behind what a cell shows, what is seen is compared, and the message says so.

    Args:
        baseline: the accepted artifact, with the schema it had then.
        baseline_folder: the folder that its path is relative to.
        result: the run's artifact.
        result_folder: the folder that its path is relative to.
        rule: limits and modes.

    Returns:
        A check that passes only where the bytes are equal or a comparer found all values within limits.
    """
    kind = baseline.kind
    try:
        sides = chosen(baseline, result)
        if sides.error:
            return part(kind, result.name, Outcome.error(sides.error))
        old, new = _described(sides.baseline, baseline_folder), _described(sides.result, result_folder)
        kind = old.kind
        outcome = _compare(old, baseline_folder / old.path, new, result_folder / new.path, rule)
        outcome = replace(outcome, message="; ".join(filter(None, (sides.note, outcome.message))))
    except BaseException as error:  # noqa: BLE001 - `told` raises again what ends the program
        outcome = Outcome.error(told(error))
    check = part(kind, result.name, outcome)
    allow = f"{key(result.name)}: {outcome.allow}" if outcome.allow else None
    return replace(check, cell=result.cell, allow=allow)


def _described(artifact: Artifact, folder: Path) -> Artifact:
    """Return an artifact with its kind and schema, where it has none yet."""
    return artifact if artifact.kind else described(artifact, folder)


def _compare(baseline: Artifact, old: Path, result: Artifact, new: Path, rule: ArtifactRule) -> Outcome:
    if baseline.sha256 == result.sha256:
        return Outcome.equal(1)
    if baseline.stored == "hash":
        told_sizes = sizes(baseline.bytes, result.bytes)
        return Outcome.differs(f"{CANNOT_SAY}: of the baseline only the hash is kept ({told_sizes})")
    for side, path in (("baseline", old), ("result", new)):
        if not path.is_file():
            return Outcome.error(f"the {side}'s file is missing: {path.name}")
    if _is_pointer(old):
        return Outcome.error("the baseline is not downloaded: git lfs pull")
    if baseline.stored == "file" and not _is_accepted(baseline, old):
        return Outcome.error("the baseline's file is damaged: its bytes are not the accepted ones")
    if baseline.kind != result.kind:
        return Outcome.structure(f"kind {baseline.kind} -> {result.kind}")
    if baseline.stored == "sketch":
        from pytest_nbrepro.comparers import sketches

        return sketches.compare(old, new, baseline.kind, rule, baseline.schema)
    if "undecodable" in baseline.schema:
        return Outcome.error(f"the baseline is not readable: {baseline.schema['undecodable']}")
    return judge(comparer(baseline.kind), old, new, rule, baseline.schema)


def _is_accepted(baseline: Artifact, path: Path) -> bool:
    """Tell whether a baseline's file is what was accepted, by its size and, where it is small, its hash."""
    size = path.stat().st_size
    return size == baseline.bytes and (size > _HASHED or files.sha256(path) == baseline.sha256)


def _is_pointer(path: Path) -> bool:
    """Tell whether a file is what git-lfs leaves in place of one that it did not download."""
    with path.open("rb") as stream:
        return stream.read(len(_POINTER)) == _POINTER
