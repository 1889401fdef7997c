"""Rows of flags in a file: CSV with names in its first line, or a list of mappings in JSON or YAML."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pytest_nbrepro import flags
from pytest_nbrepro.errors import FlagError
from pytest_nbrepro.flags import Flags
from pytest_nbrepro.sweep.optimizers import Values


def read(name: str, found: Flags) -> list[Values]:
    """Return the rows of a file, each value in its flag's type; empty cells of a CSV leave a flag as it is.

    Raises:
        FlagError: the file cannot be read, holds something else, or a value does not fit.
    """
    path = Path(name)
    try:
        text = path.read_text("utf-8-sig")
        rows = _parsed(path.suffix.lower(), text)
    except (OSError, ValueError, csv.Error) as error:
        raise FlagError(f"its rows cannot be read: {error}", where=name) from error
    if not rows:
        raise FlagError("it has no rows", where=name)
    return [_row(row, found, f"{name}, row {number}") for number, row in enumerate(rows, 1)]


def _parsed(suffix: str, text: str) -> list[Mapping[str, Any]]:
    if suffix == ".csv":
        return [
            {key: value for key, value in row.items() if value} for row in csv.DictReader(text.splitlines())
        ]
    if suffix == ".json":
        found = json.loads(text)
    elif suffix in {".yaml", ".yml"}:
        import yaml

        try:
            found = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise ValueError(str(error)) from error
    else:
        raise ValueError("its name ends in none of .csv, .json, .yaml")
    if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
        raise ValueError("it is no list of mappings from flag to value")
    return found


def _row(row: Mapping[str, Any], found: Flags, where: str) -> Values:
    values: Values = {}
    for name, value in row.items():
        flag = found.found.get(name)
        try:
            if isinstance(value, str):
                values[name] = flags.parse_value(value, flag)
            else:
                values[name] = value if flag is None else flags.convert(flag, value)
        except FlagError as error:
            raise FlagError(f"{error.what}", where=f"{where}, flag {name}", hint=error.hint) from error
    return values
