"""What people say of a run: `attributes.json` in its folder, which may change after its end.

    {"schema": 1, "label": text, "tags": [text], "note": text, "batch": id or null, "trial": number or null}

`batch` and `trial` say which search made the run.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pytest_nbrepro import files
from pytest_nbrepro.errors import StoreError
from pytest_nbrepro.store import check_schema

FILE = "attributes.json"
_SCHEMA = 1


@dataclass(frozen=True)
class Attributes:
    """What is said of one run."""

    label: str = ""
    tags: tuple[str, ...] = ()
    note: str = ""
    batch: str | None = None
    trial: int | None = None

    def __bool__(self) -> bool:
        return self != Attributes()


NONE = Attributes()


def read(folder: Path) -> Attributes:
    """Read what is said of the run in a folder; nothing where there is no such file.

    Raises:
        StoreError: it cannot be read.
    """
    path = folder / FILE
    try:
        record = json.loads(path.read_text("utf-8"))
        return _parsed(record)
    except FileNotFoundError:
        return NONE
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreError(f"what is said of this run cannot be read: {error}", where=str(path)) from error


def write(folder: Path, attributes: Attributes) -> None:
    """Write what is said of a run, whole or not at all.

    Raises:
        StoreError: the folder cannot be written.
    """
    try:
        files.write_json(folder / FILE, {"schema": _SCHEMA, **asdict(attributes)})
    except OSError as error:
        raise StoreError(f"cannot write: {error.strerror or error}", where=str(folder / FILE)) from error


def clean(tags: Iterable[str]) -> tuple[str, ...]:
    """Return tags without blanks around them, each once and in the order of the alphabet."""
    return tuple(sorted({tag.strip() for tag in tags} - {""}))


def _parsed(record: dict[str, Any]) -> Attributes:
    check_schema(record, _SCHEMA)
    tags, batch, trial = record["tags"], record["batch"], record["trial"]
    return Attributes(
        str(record["label"]),
        tuple(map(str, tags)),
        str(record["note"]),
        None if batch is None else str(batch),
        None if trial is None else int(trial),
    )
