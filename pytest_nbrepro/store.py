"""The run store: one folder a run under `.nbrepro/runs/`."""

from __future__ import annotations

import dataclasses
import json
import os
import secrets
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pytest_nbrepro import files
from pytest_nbrepro.errors import StoreError
from pytest_nbrepro.model import Artifact, CellRecord, Metric, Picture, Run, RunError, RunStatus, Seen

SCHEMA = 1
RECORD = "run.json"
EXECUTED = "notebook.ipynb"  # the executed copy in a run's folder
ENVIRONMENT = "environment.json"
WORK = "work"  # the mirror that the notebook runs in, while it runs
LOG = "output.log"  # what the cells printed
VARIABLES = "variables.json"  # fingerprints of the notebook's variables, in experiments alone
_ATTEMPTS = 100
_CLOCK = 5.0  # seconds by which the start of one process may seem to move when the clock is set right
TREES = ("files", "cells")  # the folders of a run, and of a baseline, that hold artifacts


class Store:
    """The folder `.nbrepro`: runs, pending values, and what the last session saw."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.runs = folder / "runs"
        self.pending = folder / "pending"
        self.trash = folder / "trash"

    def prepare(self) -> None:
        """Make the folder, and have git ignore it whole.

        Raises:
            StoreError: it cannot be written.
        """
        try:
            self.runs.mkdir(parents=True, exist_ok=True)
            ignore = self.folder / ".gitignore"
            if not ignore.exists():
                files.write_text(ignore, "# made by pytest-nbrepro\n*\n")
        except OSError as error:
            raise _unwritable(self.folder, error) from error

    def claim(self, within: Path | None = None) -> Path:
        """Make the folder of a new run and return it; its name is the run's id.

        Ids sort by time: UTC to the microsecond, and 6 hexadecimal digits. `mkdir` decides between
        processes that claim the same one.

        Args:
            within: the folder that is to hold it, if not that of the runs.

        Raises:
            StoreError: the store cannot be written.
        """
        self.prepare()
        for _ in range(_ATTEMPTS):
            stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%f")
            folder = (within or self.runs) / f"{stamp}-{secrets.token_hex(3)}"
            try:
                folder.mkdir(parents=within is not None)
            except FileExistsError:
                continue
            except OSError as error:
                raise _unwritable(folder, error) from error
            return folder
        raise StoreError(f"no free run id after {_ATTEMPTS} attempts", where=str(self.runs))

    def write(self, run: Run) -> None:
        """Write `run.json`, whole or not at all; after a power failure a run that still ran has none, or an older one.

        Raises:
            StoreError: the disk is full or the folder cannot be written.
        """
        record = {"schema": SCHEMA, **_process(), **to_record(run)}
        try:
            files.write_json(run.folder / RECORD, record, lasting=run.status is not RunStatus.RUNNING)
        except OSError as error:
            raise _unwritable(run.folder / RECORD, error) from error

    def ids(self) -> list[str]:
        """Return the ids of all runs, oldest first."""
        if not self.runs.is_dir():
            return []
        return sorted(entry.name for entry in os.scandir(self.runs) if entry.is_dir())

    def read(self, run_id: str) -> Run:
        """Read a run; one whose process vanished reads as `died`.

        Raises:
            StoreError: there is no such run, or its record cannot be read.
        """
        return read_run(self.runs / run_id)

    def discard(self, run_id: str) -> None:
        """Move a run to the trash.

        Raises:
            StoreError: it cannot be moved.
        """
        self._move(self.runs / run_id, self.trash / run_id)

    def restore(self, run_id: str) -> None:
        """Take a run back from the trash.

        Raises:
            StoreError: it cannot be moved.
        """
        self._move(self.trash / run_id, self.runs / run_id)

    def trashed(self) -> list[str]:
        """Return the ids of the runs in the trash, oldest first."""
        return sorted(path.name for path in self.trash.iterdir()) if self.trash.is_dir() else []

    def purge(self, run_id: str) -> None:
        """Delete a run in the trash for good.

        Raises:
            StoreError: it cannot be deleted.
        """
        try:
            shutil.rmtree(self.trash / run_id)
        except OSError as error:
            raise StoreError(
                f"cannot delete: {error.strerror or error}", where=str(error.filename)
            ) from error

    def _move(self, source: Path, target: Path) -> None:
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            source.rename(target)
        except OSError as error:
            raise StoreError(f"cannot move: {error.strerror or error}", where=str(source)) from error

    def find(self, text: str) -> Run:
        """Read the one run whose id starts or ends with `text`.

        Raises:
            StoreError: none or several match.
        """
        matches = [name for name in self.ids() if name.startswith(text) or name.endswith(text)]
        if len(matches) != 1:
            what = f"{len(matches)} runs match {text!r}" if matches else f"no run matches {text!r}"
            raise StoreError(what, where=str(self.runs), hint="nbrepro runs lists them")
        return self.read(matches[0])


def read_run(folder: Path) -> Run:
    """Read the run in `folder`.

    Raises:
        StoreError: there is none, it cannot be read, or a newer version wrote it.
    """
    path = folder / RECORD
    try:
        record = json.loads(path.read_text("utf-8"))
        check_schema(record, SCHEMA)
        run = from_record(record, folder)
    except FileNotFoundError:
        raise StoreError("there is no such run", where=str(folder), hint="nbrepro runs lists them") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise StoreError(f"the record of this run cannot be read: {error}", where=str(path)) from error
    if run.status is RunStatus.RUNNING and not _alive(record):
        error_record = RunError("died", "the process that ran it vanished before the run ended")
        return dataclasses.replace(run, status=RunStatus.DIED, error=error_record)
    return run


def environment(folder: Path) -> Mapping[str, Any] | None:
    """Read what is recorded of where the run in a folder ran; None where it ended before that, or the record is damaged."""
    try:
        record: Mapping[str, Any] = json.loads((folder / ENVIRONMENT).read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return record


def check_schema(record: Any, schema: int) -> None:
    """Refuse a record of another schema than `schema`.

    Raises:
        ValueError: it is not a mapping, has no schema, or a newer one.
    """
    if not isinstance(record, dict) or not isinstance(record.get("schema"), int):
        raise ValueError("it is not a mapping with a schema number")  # noqa: TRY004 - one kind for all faults
    if record["schema"] > schema:
        raise ValueError(
            f"it has schema {record['schema']}, this version knows up to {schema}: update pytest-nbrepro"
        )


def _process() -> dict[str, Any]:
    """Return what tells this process from all others: its id, which is used again, and when it began."""
    import psutil

    process = psutil.Process()
    return {"pid": process.pid, "born": process.create_time()}


def _alive(record: Mapping[str, Any]) -> bool:
    """Tell whether the process that wrote a record still runs."""
    import psutil

    pid, born = record.get("pid"), record.get("born")
    if not isinstance(pid, int) or pid <= 0 or not isinstance(born, (int, float)):
        return False
    try:
        process = psutil.Process(pid)
        return abs(process.create_time() - born) < _CLOCK and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def _unwritable(path: Path, error: OSError) -> StoreError:
    return StoreError(
        f"cannot write: {error.strerror or error}",
        where=str(path),
        hint="free some space, or choose another folder with --nbrepro-dir",
    )


# ---------------------------------------------------------------------------------------------------
# Records


def to_record(run: Run) -> dict[str, Any]:
    """Return a run as JSON, without the place of its folder."""
    return {
        "id": run.id,
        "notebook": run.notebook,
        "case": run.case,
        "flags": {name: files.to_json(value) for name, value in run.flags.items()},
        "status": str(run.status),
        "started": run.started,
        "duration": run.duration,
        "metrics": {name: metric_record(metric) for name, metric in run.metrics.items()},
        "artifacts": {name: artifact_record(artifact) for name, artifact in run.artifacts.items()},
        "cells": [dataclasses.asdict(cell) for cell in run.cells],
        "error": dataclasses.asdict(run.error) if run.error else None,
        "notes": list(run.notes),
        "seen": [dataclasses.asdict(seen) for seen in run.seen],
        "peak": run.peak,
    }


def from_record(record: Mapping[str, Any], folder: Path) -> Run:
    """Undo `to_record`.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: it is not such a record.
    """
    return Run(
        id=record["id"],
        folder=folder,
        notebook=record["notebook"],
        case=record["case"],
        flags={name: files.from_json(value) for name, value in record["flags"].items()},
        status=RunStatus(record["status"]),
        started=record["started"],
        duration=record["duration"],
        metrics={name: metric_from(value) for name, value in record["metrics"].items()},
        artifacts={name: artifact_from(name, value) for name, value in record["artifacts"].items()},
        cells=tuple(CellRecord(**cell) for cell in record["cells"]),
        error=RunError(**record["error"]) if record["error"] else None,
        notes=tuple(record["notes"]),
        seen=tuple(Seen(**seen) for seen in record.get("seen", ())),
        peak=record["peak"],
    )


def metric_record(metric: Metric) -> dict[str, Any]:
    """Return a metric as JSON."""
    record: dict[str, Any] = {"value": files.to_json(metric.value), "dtype": metric.dtype}
    if metric.cell is not None:
        record["cell"] = metric.cell
    if metric.steps:
        record["steps"] = [[step, files.to_json(value)] for step, value in metric.steps]
    if metric.samples:
        record["runs"] = [files.to_json(value) for value in metric.samples]
    return record


def metric_from(record: Mapping[str, Any]) -> Metric:
    """Undo `metric_record`."""
    return Metric(
        value=files.from_json(record["value"]),
        dtype=record["dtype"],
        cell=record.get("cell"),
        steps=tuple((step, files.from_json(value)) for step, value in record.get("steps", ())),
        samples=tuple(files.from_json(value) for value in record.get("runs", ())),
    )


def artifact_record(artifact: Artifact) -> dict[str, Any]:
    """Return an artifact as JSON, without its name."""
    record = dataclasses.asdict(artifact)
    del record["name"]
    return record


def artifact_from(name: str, record: Mapping[str, Any]) -> Artifact:
    """Undo `artifact_record`.

    Raises:
        ValueError: its path leads out of the folder it belongs to.
    """
    shown = record.get("shown")
    artifact = Artifact(name=name, **{**record, "shown": Picture(**shown) if shown else None})
    for path in (artifact.path, *([artifact.shown.path] if artifact.shown else ())):
        tree, *below = path.split("/")
        if tree not in TREES or not below or {"", ".", ".."} & set(below):
            raise ValueError(f"the path of {name!r} leads out of its folder: {path!r}")
    return artifact
