"""Runs as a research object: a folder with `ro-crate-metadata.json`, RO-Crate 1.2 and the Process Run Crate profile 0.5.

Each run is a `CreateAction`: its notebook the instrument, flags what it took, metrics and files what it gave.
https://www.researchobject.org/ro-crate/specification/1.2/, https://w3id.org/ro/wfrun/process/0.5
"""

from __future__ import annotations

import json
import mimetypes
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

from pytest_nbrepro import __version__, attributes, files
from pytest_nbrepro.errors import NbreproError
from pytest_nbrepro.exports.contents import contents
from pytest_nbrepro.model import Run, RunStatus
from pytest_nbrepro.store import EXECUTED, environment

METADATA = "ro-crate-metadata.json"
_CONTEXT = "https://w3id.org/ro/crate/1.2/context"
_SPECIFICATION = "https://w3id.org/ro/crate/1.2"
_PROFILE = "https://w3id.org/ro/wfrun/process/0.5"
_UNKNOWN = "#no-licence"
_NOTEBOOK = "application/x-ipynb+json"

Entity = dict[str, Any]


def write(runs: Sequence[Run], folder: Path, name: str, licence: str | None = None) -> int:
    """Write runs into a new folder, and return how many files it has.

    Args:
        runs: as the run store has them.
        folder: that does not exist yet, or is empty.
        name: of the crate.
        licence: the address or SPDX id of the licence under which it may be used.

    Raises:
        NbreproError: the folder is not empty.
        OSError: it cannot be written.
    """
    if folder.exists() and any(folder.iterdir()):
        raise NbreproError("this folder is not empty", where=str(folder), hint="name a new one")
    crate = _Crate(folder, licence)
    for run in runs:
        crate.add(run)
    files.write_text(folder / METADATA, json.dumps(crate.record(name), indent=2, ensure_ascii=False) + "\n")
    return len(crate.files)


class _Crate:
    """What is known of a crate while it is filled."""

    def __init__(self, folder: Path, licence: str | None) -> None:
        self._folder = folder
        self._licence = licence
        self._entities: dict[str, Entity] = {}
        self._actions: list[str] = []
        self.files: list[str] = []

    def add(self, run: Run) -> None:
        """Copy the files of a run, and tell of it."""
        given = [self._value(run, "flag", name, _plain(value)) for name, value in run.flags.items()]
        gave = [
            self._value(run, "metric", name, _plain(metric.value)) for name, metric in run.metrics.items()
        ]
        made = list(self._copied(run))
        action: Entity = {
            "@id": f"#run-{run.id}",
            "@type": "CreateAction",
            "name": f"{run.notebook}::{run.case}",
            "instrument": {"@id": self._program(run)},
            "object": given,
            "result": [*gave, *({"@id": name} for name in made)],
            "startTime": run.started,
            "endTime": _end(run),
            "actionStatus": f"http://schema.org/{'CompletedActionStatus' if run.status is RunStatus.COMPLETED else 'FailedActionStatus'}",
        }
        if run.error:
            action["error"] = f"{run.error.kind}: {run.error.message}"
        if note := attributes.read(run.folder).note:
            action["description"] = note
        self._entities[action["@id"]] = action
        self._actions.append(action["@id"])

    def record(self, name: str) -> Entity:
        """Return the metadata as JSON."""
        licence = self._licence_entity()
        root = {
            "@id": "./",
            "@type": "Dataset",
            "name": name,
            "description": f"Runs of notebooks, kept by pytest-nbrepro {__version__}",
            "datePublished": datetime.now(UTC).isoformat(timespec="seconds"),
            "license": {"@id": licence["@id"]},
            "conformsTo": {"@id": _PROFILE},
            "hasPart": [{"@id": part} for part in self.files],
            "mentions": [{"@id": action} for action in self._actions],
        }
        descriptor = {
            "@id": METADATA,
            "@type": "CreativeWork",
            "about": {"@id": "./"},
            "conformsTo": {"@id": _SPECIFICATION},
        }
        profile = {"@id": _PROFILE, "@type": "CreativeWork", "name": "Process Run Crate", "version": "0.5"}
        graph = [descriptor, root, profile, licence, *self._entities.values()]
        return {"@context": [_CONTEXT, "https://w3id.org/ro/terms/workflow-run/context"], "@graph": graph}

    def _licence_entity(self) -> Entity:
        if self._licence is None:
            return {"@id": _UNKNOWN, "@type": "CreativeWork", "name": "No licence is stated"}
        known = self._licence if "://" in self._licence else f"https://spdx.org/licenses/{self._licence}"
        return {"@id": known, "@type": "CreativeWork", "name": self._licence}

    def _value(self, run: Run, kind: str, name: str, value: Any) -> Entity:
        """Tell of a flag or a metric, and return what leads there."""
        entity = {
            "@id": f"#{kind}-{run.id}-{quote(name, safe='')}",
            "@type": "PropertyValue",
            "name": name,
            "value": value,
        }
        self._entities[entity["@id"]] = entity
        return {"@id": entity["@id"]}

    def _program(self, run: Run) -> str:
        """Tell of a notebook where it ran, as the program that did, and return its id: another environment makes another one."""
        needs = list(_requirements(run))
        where = f"-{files.sha256_text(chr(10).join(needs))[:8]}" if needs else ""
        entity: Entity = {
            "@id": f"#notebook-{quote(run.notebook, safe='')}{where}",
            "@type": "SoftwareApplication",
            "name": run.notebook,
        }
        if needs:
            entity["softwareRequirements"] = needs
        return str(self._entities.setdefault(entity["@id"], entity)["@id"])

    def _copied(self, run: Run) -> Iterator[str]:
        """Copy what a run gave, and yield the ids of the files."""
        for name, source in contents(run):
            place = f"runs/{run.id}/{name}"
            files.copy(source, self._folder / place)
            entity: Entity = {
                "@id": quote(place),
                "@type": "File",
                "name": name,
                "contentSize": str(source.stat().st_size),
            }
            kind = _NOTEBOOK if name == EXECUTED else mimetypes.guess_type(name)[0]
            if kind:
                entity["encodingFormat"] = kind
            entity["sha256"] = files.sha256(source)
            self._entities[entity["@id"]] = entity
            self.files.append(entity["@id"])
            yield entity["@id"]


def _plain(value: Any) -> Any:
    finite = not isinstance(value, float) or value - value == 0
    return value if isinstance(value, (bool, int, float, str)) and finite else repr(value)


def _end(run: Run) -> str:
    return (datetime.fromisoformat(run.started) + timedelta(seconds=run.duration or 0)).isoformat()


def _requirements(run: Run) -> Iterator[str]:
    """Yield the interpreter and packages that a run had."""
    record = environment(run.folder) or {}
    if record.get("interpreter"):
        yield str(record["interpreter"])
    yield from (f"{name}=={version}" for name, version in sorted((record.get("distributions") or {}).items()))
