"""Runs on other machines: an archive a run, `<id>-<hash>.zip`, in a folder that fsspec reaches (a disk, s3, gcs, ssh, …).

The hash is that of the archive's manifest: what is said of a run later makes another archive, which takes the place of the old one.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

from pytest_nbrepro import files
from pytest_nbrepro.errors import StoreError
from pytest_nbrepro.exports import archive
from pytest_nbrepro.model import Run
from pytest_nbrepro.optional import require
from pytest_nbrepro.store import Store

EXTRA = "remote"
_NAME = re.compile(rf"({archive.ID})-[0-9a-f]{{16}}\.zip")


class Remote:
    """A folder of runs somewhere else.

    Args:
        url: as fsspec takes it: ``s3://bucket/runs``, ``/mnt/runs``.

    Raises:
        ExtraError: fsspec, or what it needs for such an address, is not installed.
        StoreError: the address is none.
    """

    def __init__(self, url: str) -> None:
        fsspec = require("fsspec", EXTRA)
        self._url = url
        try:
            self._system, self._path = fsspec.core.url_to_fs(url)
        except (ValueError, ImportError) as error:
            raise StoreError(f"it cannot be reached: {error}", where=url) from error

    def names(self) -> dict[str, list[str]]:
        """Return the archives that are there, by the ids of their runs.

        Raises:
            StoreError: the folder cannot be listed.
        """
        found: dict[str, list[str]] = {}
        for name in self._list():
            if match := _NAME.fullmatch(name):
                found.setdefault(match[1], []).append(name)
        return found

    def push(self, store: Store, runs: Sequence[Run]) -> Iterator[tuple[Run, bool]]:
        """Write runs, and yield each with whether anything had to be written.

        Raises:
            StoreError: one of them still runs, or the folder cannot be written.
        """
        there = self.names()
        for run in runs:
            with tempfile.TemporaryFile() as packed:
                manifest = archive.pack(store, [run], packed)
                name = f"{run.id}-{files.sha256_text(files.dump_json(manifest))[:16]}.zip"
                size = packed.tell()
                old = there.get(run.id, [])
                if name in old and self._size(name) == size:
                    yield run, False
                    continue
                packed.seek(0)
                self._write(name, packed)
            for other in set(old) - {name}:
                self._remove(other)
            yield run, True

    def pull(self, store: Store, wanted: Collection[str]) -> Iterator[str]:
        """Take runs in, and yield their ids.

        Args:
            store: that takes them.
            wanted: their ids; those that the store has already are left alone.

        Raises:
            StoreError: one cannot be read, or is damaged.
        """
        there = self.names()
        for run_id in sorted(wanted):
            if (store.runs / run_id).exists():
                continue
            with tempfile.TemporaryDirectory(prefix="nbrepro-") as place:
                target = Path(place, there[run_id][-1])
                self._fetch(target)
                archive.take(target, store)
            yield run_id

    # -- what fsspec does, with its faults told ------------------------------------------------------

    def _list(self) -> list[str]:
        try:
            if not self._system.exists(self._path):
                return []
            return sorted(str(path).rsplit("/", 1)[-1] for path in self._system.ls(self._path, detail=False))
        except Exception as error:  # of any library below fsspec
            raise self._fault("listed", error) from error

    def _size(self, name: str) -> int:
        try:
            return int(self._system.size(f"{self._path}/{name}"))
        except Exception as error:
            raise self._fault("read", error) from error

    def _write(self, name: str, source: Any) -> None:
        """Write a file under another name first, so that half of it is never taken for an archive."""
        part = f"{self._path}/{name}.part"
        try:
            self._system.makedirs(self._path, exist_ok=True)
            with self._system.open(part, "wb") as out:
                while block := source.read(1 << 20):
                    out.write(block)
            self._system.mv(part, f"{self._path}/{name}")
        except Exception as error:
            raise self._fault("written", error) from error

    def _fetch(self, target: Path) -> None:
        try:
            self._system.get_file(f"{self._path}/{target.name}", str(target))
        except Exception as error:
            raise self._fault("read", error) from error

    def _remove(self, name: str) -> None:
        try:
            self._system.rm_file(f"{self._path}/{name}")
        except Exception as error:
            raise self._fault("written", error) from error

    def _fault(self, what: str, error: Exception) -> StoreError:
        return StoreError(f"it cannot be {what}: {type(error).__name__}: {error}", where=self._url)
