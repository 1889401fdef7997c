"""Flags of notebooks in other languages than Python: found in the cell tagged `parameters`, and set as papermill sets them.

What the source has stays as it is. The new values are assigned before the next code cell, in the notebook's language, by the
translators of papermill (extra `papermill`): https://papermill.readthedocs.io/en/latest/extending-overview.html.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from pytest_nbrepro.errors import FlagError
from pytest_nbrepro.flagtypes import Flag
from pytest_nbrepro.model import FlagValue
from pytest_nbrepro.notebook import Cell, Notebook
from pytest_nbrepro.optional import require

EXTRA = "papermill"
TAG = "parameters"
_ASSIGNED = re.compile(
    r"[ \t]*(?:(?:val|var|let|const|local|export|global|def)[ \t]+)?"  # what some languages want before a name
    r"\$?(?P<name>[A-Za-z_][A-Za-z0-9_.]*)"
    r"(?:[ \t]*:[ \t]*[A-Za-z_][\w\[\]<>, ]*)?"  # a type
    r"[ \t]*(?:<-|<<-|:=|=(?![=~]))"
)


def detect(notebook: Notebook) -> dict[str, Flag]:
    """Return the names that lines of the cell tagged `parameters` begin to assign; what they assign is not read."""
    found: dict[str, Flag] = {}
    for cell in _tagged(notebook):
        for number, line in enumerate(cell.source.splitlines(), 1):
            if match := _ASSIGNED.match(line):
                found[match["name"]] = Flag(match["name"], None, cell.index, number, (0, 0), known=False)
    return found


def missing(notebook: Notebook, names: Mapping[str, Flag]) -> str:
    """Return what to do where a flag is not found."""
    if not _tagged(notebook):
        return f"in a {notebook.language} notebook flags are what the cell tagged '{TAG}' assigns: tag one"
    return f"the cell tagged '{TAG}' assigns: {', '.join(names) or 'nothing that is understood'}"


def apply(notebook: Notebook, given: Mapping[str, FlagValue]) -> dict[int, str]:
    """Return the new source, by its index, of the cell that comes to set the values; nothing where none is given.

    Args:
        notebook: whose flags were found by `detect`.
        given: values of them.

    Raises:
        ExtraError: papermill is not installed.
        FlagError: papermill does not know the language, or a value cannot be written in it.
    """
    if not given:
        return {}
    lines = _translated(notebook, given)
    last = _tagged(notebook)[-1]
    for cell in notebook.code:
        if cell.index > last.index:
            return {cell.index: f"{lines}\n{cell.source}"}
    return {last.index: f"{last.source}\n{lines}"}


def _translated(notebook: Notebook, given: Mapping[str, FlagValue]) -> str:
    for name, value in given.items():
        if not _plain(value):
            what = f"{value!r} cannot be written in {notebook.language}"
            raise FlagError(
                what,
                where=f"{notebook.path}: flag {name}",
                hint="texts, finite numbers, truth values and lists can",
            )
    translators = require("papermill.translators", EXTRA).papermill_translators
    try:
        code: str = translators.find_translator(notebook.kernel or "", notebook.language).codify(
            dict(given), "pytest-nbrepro"
        )
    except Exception as error:  # papermill's own, and NotImplementedError of what a language cannot say
        raise FlagError(
            f"papermill cannot set flags in {notebook.language}: {error}", where=str(notebook.path)
        ) from error
    return code.strip()


def _plain(value: FlagValue) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, list):
        return all(map(_plain, value))
    if isinstance(value, dict):
        return all(isinstance(key, str) and _plain(item) for key, item in value.items())
    return value is None or isinstance(value, (bool, int, str))


def _tagged(notebook: Notebook) -> list[Cell]:
    return [cell for cell in notebook.code if TAG in cell.tags and "skip-execution" not in cell.tags]
