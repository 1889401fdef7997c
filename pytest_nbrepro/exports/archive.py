"""Runs as a zip file that another machine takes in: each file with its hash, and nothing that leads out of the store.

nbrepro-runs.json   {"schema": 1, "version": text, "files": {path: {"sha256", "bytes"}}}
runs/<id>/…         the folder of each run, as the run store has it
batches/<id>.json   what was asked of the searches that they are trials of
"""

from __future__ import annotations

import errno
import hashlib
import json
import lzma
import re
import shutil
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from pytest_nbrepro import __version__, attributes, files
from pytest_nbrepro.errors import StoreError
from pytest_nbrepro.model import Run, RunStatus
from pytest_nbrepro.store import RECORD, WORK, Store, check_schema, read_run
from pytest_nbrepro.sweep.batch import FOLDER

MANIFEST = "nbrepro-runs.json"
_SCHEMA = 1
ID = r"\d{8}T\d{6}\.\d{6}-[0-9a-f]{6,}"  # of a run, and of a search
_BATCH = re.compile(rf"{FOLDER}/{ID}\.json")
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the same files make the same archive
_BLOCK = 1 << 20
_LONGEST = 64 << 20  # bytes of a manifest
_DAMAGE = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError, RuntimeError, ValueError)

Manifest = Mapping[str, Mapping[str, Any]]


@dataclass
class Arrived:
    """What became of the runs of an archive."""

    taken: list[str] = field(default_factory=list)
    known: list[str] = field(default_factory=list)  # the store has them already


# ---------------------------------------------------------------------------------------------------
# Packing


def pack(store: Store, runs: Sequence[Run], target: IO[bytes]) -> Manifest:
    """Write runs as a zip file, and return the hashes of its files.

    Args:
        store: where they are.
        runs: that have ended.
        target: a file to write to, from where it stands.

    Raises:
        StoreError: one of them still runs, or a file cannot be read.
    """
    manifest: dict[str, dict[str, Any]] = {}
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name, path in _members(store, runs):
            manifest[name] = _add(archive, name, path)
        record = {"schema": _SCHEMA, "version": __version__, "files": manifest}
        archive.writestr(zipfile.ZipInfo(MANIFEST, _EPOCH), files.dump_json(record))
    return manifest


def _members(store: Store, runs: Sequence[Run]) -> Iterator[tuple[str, Path]]:
    """Yield name and path of all that is packed; links are left out."""
    batches = set()
    for run in runs:
        if run.status is RunStatus.RUNNING:
            raise StoreError("it still runs", where=run.id, hint="wait for its end")
        batches.add(attributes.read(run.folder).batch)
        for name, path in files.below(run.folder):
            if name.split("/")[0] != WORK:
                yield f"runs/{run.id}/{name}", path
    for batch in sorted(batches - {None}, key=str):
        name = f"{FOLDER}/{batch}.json"
        if (store.folder / name).is_file():
            yield name, store.folder / name


def _add(archive: zipfile.ZipFile, name: str, path: Path) -> dict[str, Any]:
    info = zipfile.ZipInfo(name, _EPOCH)
    info.compress_type = zipfile.ZIP_DEFLATED
    info.file_size = path.stat().st_size  # tells zipfile whether it needs long sizes
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as source, archive.open(info, "w") as member:
        while block := source.read(_BLOCK):
            digest.update(block)
            size += len(block)
            member.write(block)
    return {"sha256": digest.hexdigest(), "bytes": size}


# ---------------------------------------------------------------------------------------------------
# Taking in


def take(source: Path, store: Store) -> Arrived:
    """Put the runs of an archive into a run store: each whole, with the hashes that it should have, or not at all.

    Raises:
        StoreError: it is no such archive, a file is damaged or leads out of its run, or the store has another run of that id.
    """
    try:
        with zipfile.ZipFile(source) as archive:
            return _take(archive, _manifest(archive, str(source)), store, str(source))
    except _DAMAGE as error:
        raise _damaged(source, error) from error
    except OSError as error:
        if error.errno not in {None, errno.EINVAL}:  # a full disk, for instance
            raise
        raise _damaged(source, error) from error


def _damaged(source: Path, error: Exception) -> StoreError:
    return StoreError(f"this is no archive of runs, or not all of it: {error}", where=str(source))


def _manifest(archive: zipfile.ZipFile, where: str) -> Manifest:
    """Return the hashes of an archive's files.

    Raises:
        StoreError: it has none, or they cannot be read.
    """
    try:
        with archive.open(MANIFEST) as member:
            record = json.loads(member.read(_LONGEST))
        check_schema(record, _SCHEMA)
        return {
            str(name): {"sha256": str(one["sha256"]), "bytes": int(one["bytes"])}
            for name, one in record["files"].items()
        }
    except (KeyError, ValueError, TypeError, AttributeError, RecursionError) as error:
        hint = "nbrepro export --zip makes such archives"
        raise StoreError(f"its {MANIFEST} cannot be read: {error}", where=where, hint=hint) from error


def _take(archive: zipfile.ZipFile, manifest: Manifest, store: Store, where: str) -> Arrived:
    found, arrived = _sorted(manifest, where), Arrived()
    store.prepare()
    with tempfile.TemporaryDirectory(prefix="arriving-", dir=store.folder) as place:
        for run_id, names in found.items():
            target = store.runs / run_id
            if target.exists():
                _same(manifest, run_id, target)
                arrived.known.append(run_id)
                continue
            folder = Path(place, run_id)
            for name in names:
                _extract(archive, name, manifest[name], folder / name.split("/", 2)[2], where)
            _check(folder, run_id, where)
            folder.rename(target)
            arrived.taken.append(run_id)
        _take_batches(archive, manifest, store, Path(place), where)
    return arrived


def _sorted(manifest: Manifest, where: str) -> dict[str, list[str]]:
    """Return the names of an archive's files by their run.

    Raises:
        StoreError: one is none of an archive, or leads out of its run.
    """
    found: dict[str, list[str]] = {}
    for name in manifest:
        if _BATCH.fullmatch(name):
            continue
        parts = name.split("/")
        plain = len(parts) > 2 and parts[0] == "runs" and re.fullmatch(ID, parts[1])
        if not plain or {"", ".", ".."} & set(parts) or "\\" in name or "\0" in name:
            raise StoreError(f"it has a file that belongs to no run: {name!r}", where=where)
        found.setdefault(parts[1], []).append(name)
    return found


def _extract(archive: zipfile.ZipFile, name: str, told: Mapping[str, Any], target: Path, where: str) -> None:
    """Write a file, if it has the length and the hash that the manifest tells."""
    target.parent.mkdir(parents=True, exist_ok=True)
    digest, left = hashlib.sha256(), told["bytes"]
    try:
        with archive.open(name) as member, target.open("xb") as out:
            while left >= 0 and (block := member.read(_BLOCK)):
                digest.update(block)
                left -= len(block)
                out.write(block)
    except KeyError:
        raise StoreError(f"{name} is missing", where=where) from None
    if left or digest.hexdigest() != told["sha256"]:
        raise StoreError(f"{name} is damaged: it has not the hash that it should have", where=where)


def _check(folder: Path, run_id: str, where: str) -> None:
    run = read_run(folder)
    if run.id != run_id:
        raise StoreError(f"the record of {run_id} is another run's", where=where)
    if run.notebook.startswith("/") or "\\" in run.notebook or ".." in run.notebook.split("/"):
        raise StoreError(f"{run_id} is of a notebook outside of a project: {run.notebook!r}", where=where)


def _same(manifest: Manifest, run_id: str, folder: Path) -> None:
    """Raise an error where the store has another run of an id; what people say of it may differ."""
    told = manifest.get(f"runs/{run_id}/{RECORD}", {}).get("sha256")
    if not (folder / RECORD).is_file() or files.sha256(folder / RECORD) != told:
        raise StoreError(
            "the store has another run of that id",
            where=run_id,
            hint=f"move it away: nbrepro delete {run_id}",
        )


def _take_batches(
    archive: zipfile.ZipFile, manifest: Manifest, store: Store, place: Path, where: str
) -> None:
    for name in filter(_BATCH.fullmatch, manifest):
        target = store.folder / name
        if target.exists():
            continue
        _extract(archive, name, manifest[name], place / name, where)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(place / name, target)
