"""Runs that are prepared and started later: `staged/<id>/` in the run store has the notebook and the flags as they were."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pytest_nbrepro import attributes, files, notebook, spec
from pytest_nbrepro.attributes import Attributes
from pytest_nbrepro.cli import asking
from pytest_nbrepro.cli.run import Wanted
from pytest_nbrepro.cli.site import Asked, Site
from pytest_nbrepro.errors import NbreproError, StoreError
from pytest_nbrepro.store import Store, check_schema

_FOLDER = "staged"
_RECORD = "staged.json"
_NOTEBOOK = "notebook.ipynb"
_SCHEMA = 1
_LAST = "last"


def put(wanted: Wanted, site: Site) -> str:
    """Keep the notebook and the flags as they are now, and return the id.

    Raises:
        StoreError: the store cannot be written.
    """
    target = Store(site.store).claim(site.store / _FOLDER)
    record = {
        "schema": _SCHEMA,
        "notebook": wanted.case.notebook,
        "flags": {name: files.to_json(value) for name, value in asking.effective(wanted).items()},
        "attributes": asdict(wanted.attributes),
    }
    try:
        shutil.copyfile(site.root / wanted.case.notebook, target / _NOTEBOOK)
        files.write_json(target / _RECORD, record)
    except OSError as error:
        raise StoreError(f"cannot write: {error.strerror or error}", where=str(target)) from error
    return target.name


def take(asked: Asked, text: str, said: Attributes) -> tuple[Site, Wanted]:
    """Return what was staged.

    Args:
        asked: what the command line said of places.
        text: its id, the beginning or end of it, or ``last``.
        said: what is said now, which wins over what was said then.

    Raises:
        NbreproError: there is none, there are several, or the record cannot be read.
    """
    site = asked.site()
    folder = _find(site.store / _FOLDER, text)
    record = _read(folder)
    path = site.root / record["notebook"]
    source = notebook.read(folder / _NOTEBOOK)
    original = notebook.read(path) if path.exists() else None
    if original is None:
        raise NbreproError("the notebook that was staged is gone", where=record["notebook"])
    project = spec.load_project(site.root)
    known = spec.expand(original, project, spec.load(original, project))
    given = {name: files.from_json(value) for name, value in record["flags"].items()}
    then = record["attributes"]
    merged = Attributes(
        said.label or then["label"],
        attributes.clean([*then["tags"], *said.tags]),
        said.note or then["note"],
    )
    case = asking.own_case(known[0], given, known)
    return site, Wanted(case, source, merged, folder / _NOTEBOOK)


def remove(source: Path) -> None:
    """Forget what was staged; it has run."""
    shutil.rmtree(source.parent, ignore_errors=True)


def _find(staged: Path, text: str) -> Path:
    there = sorted(path.name for path in staged.glob(f"*/{_RECORD}") for path in [path.parent])
    matches = there[-1:] if text == _LAST else [name for name in there if text in {name, name[-len(text) :]}]
    if len(matches) != 1:
        what = f"{len(matches)} staged runs match {text!r}" if matches else f"no staged run matches {text!r}"
        hint = f"there are: {', '.join(there)}" if there else "nbrepro run --stage makes them"
        raise StoreError(what, where=str(staged), hint=hint)
    return staged / matches[0]


def _read(folder: Path) -> dict[str, Any]:
    path = folder / _RECORD
    try:
        record: dict[str, Any] = json.loads(path.read_text("utf-8"))
        check_schema(record, _SCHEMA)
    except (OSError, ValueError) as error:
        raise StoreError(f"this staged run cannot be read: {error}", where=str(path)) from error
    return record
