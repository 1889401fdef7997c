"""Flags: the named inputs of a notebook, found in its source and replaced in place.

A flag is a module-level assignment of a literal to one name. Nothing else of the source is ever touched,
and a cell that gets no new value is not touched at all.
"""

from __future__ import annotations

import dataclasses
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from pytest_nbrepro import languages, literals
from pytest_nbrepro.assignments import Assignment, assignments, source_bytes
from pytest_nbrepro.errors import FlagError, nearest
from pytest_nbrepro.flagtypes import Flag, convert, parse_value
from pytest_nbrepro.model import FlagValue
from pytest_nbrepro.notebook import Cell, Notebook

__all__ = ["Flag", "Flags", "apply", "convert", "detect", "effective", "parse_value"]


@dataclass(frozen=True)
class Flags:
    """What a notebook lets one set.

    `found` holds the settled flags in the order of the source; `ambiguous` the names that several
    assignments claim, with the indexes of their cells (a single one, where all are in one cell).
    """

    found: Mapping[str, Flag] = field(default_factory=dict)
    ambiguous: Mapping[str, tuple[int, ...]] = field(default_factory=dict)


# ---------------------------------------------------------------------------------------------------
# Finding


def detect(notebook: Notebook, declared: Collection[str] = ()) -> Flags:
    """Find the flags of a notebook.

    A name is a flag where its only module-level assignment is that of a literal. What comes from loops,
    imports, definitions, ``with``, augmented assignments and nested blocks does not count. Where a cell has
    the tag ``parameters``, that cell alone is looked at (and papermill's ``injected-parameters``, which
    overrides it). Cells tagged ``skip-execution`` are not looked at.

    Args:
        notebook: what to look through; in another language than Python flags are what the cell tagged `parameters` assigns.
        declared: names that the annotation calls flags. Such a name may have one literal among several
            assignments, or a single assignment of any expression.
    """
    if notebook.language != "python":
        return Flags(languages.detect(notebook))
    names = {_normal(name) for name in declared}
    found: list[Flag] = []
    ambiguous: dict[str, tuple[int, ...]] = {}
    for name, claims in _by_name(notebook).items():
        flag = _settle(claims, declared=name in names)
        if flag:
            found.append(flag)
        elif len(claims) > 1 and (name in names or any(claim.literal for claim in claims)):
            ambiguous[name] = tuple(sorted({claim.cell for claim in claims}))
    found.sort(key=lambda flag: (flag.cell, flag.span))
    return Flags({flag.name: flag for flag in found}, ambiguous)


def _settle(claims: list[Assignment], *, declared: bool) -> Flag | None:
    """Return the flag that one of the assignments of a name clearly is."""
    if len(claims) == 1:
        return claims[0].flag if claims[0].literal or declared else None
    own = [claim.flag for claim in claims if claim.literal]
    return own[0] if declared and len(own) == 1 else None


def _by_name(notebook: Notebook) -> dict[str, list[Assignment]]:
    cells = _running(notebook)
    tagged = [cell for cell in cells if "parameters" in cell.tags]
    found = _grouped(tagged or cells)
    if tagged:
        found.update(_grouped(cell for cell in cells if "injected-parameters" in cell.tags))
    return found


def _running(notebook: Notebook) -> list[Cell]:
    return [cell for cell in notebook.code if "skip-execution" not in cell.tags]


def _grouped(cells: Iterable[Cell]) -> dict[str, list[Assignment]]:
    found: dict[str, list[Assignment]] = {}
    for cell in cells:
        for one in assignments(cell):
            found.setdefault(one.name, []).append(one)
    return found


def _normal(name: str) -> str:
    """Return a name as Python's parser spells it, so that a typed micro sign finds the Greek letter."""
    return unicodedata.normalize("NFKC", name)


# ---------------------------------------------------------------------------------------------------
# Setting


def apply(notebook: Notebook, flags: Flags, given: Mapping[str, FlagValue]) -> dict[int, str]:
    """Return the new sources, by cell index, of the cells that the given values change.

    The range of the literal is replaced; all other bytes stay. A value that the source already has
    changes nothing. Every changed cell is read again, and must hold the values asked for and all else
    as before.

    Raises:
        FlagError: a name is no flag or is ambiguous, a value is of the wrong type or cannot be written.
    """
    if notebook.language != "python":
        settled = {name: _settled(notebook, flags, name) for name in given}
        return languages.apply(
            notebook, {flag.name: convert(flag, given[name]) for name, flag in settled.items()}
        )
    changes: dict[int, dict[tuple[int, int], FlagValue]] = {}
    for name, value in given.items():
        flag = _settled(notebook, flags, name)
        converted = convert(flag, value)
        if not flag.known or not literals.same(flag.value, converted):
            changes.setdefault(flag.cell, {})[flag.span] = converted
    return {cell: _edited(notebook, cell, values) for cell, values in changes.items()}


def effective(flags: Flags, given: Mapping[str, FlagValue]) -> dict[str, FlagValue]:
    """Return the values of all flags in a run: the given ones in their flag's type, the source's own else.

    Raises:
        FlagError: a name is no settled flag, or a value is of the wrong type.
    """
    values = {name: flag.value for name, flag in flags.found.items() if flag.known}
    for name, value in given.items():
        flag = flags.found.get(_normal(name))
        if flag is None:
            raise FlagError(f"no flag {name!r}", hint=nearest(name, flags.found))
        values[flag.name] = convert(flag, value)
    return values


def _settled(notebook: Notebook, flags: Flags, name: str) -> Flag:
    flag = flags.found.get(_normal(name))
    if flag:
        return flag
    where = str(notebook.path)
    cells = flags.ambiguous.get(_normal(name))
    if cells:
        hint = "tag the cell that holds the flags 'parameters'"
        if len(cells) == 1:
            hint = "keep one of the assignments at module level"
        what = f"flag {name!r} is ambiguous: assigned in {_labels(notebook, cells)}"
        raise FlagError(what + (" more than once" if len(cells) == 1 else ""), where=where, hint=hint)
    raise FlagError(f"no flag {name!r}", where=where, hint=_missing(notebook, flags, name))


def _missing(notebook: Notebook, flags: Flags, name: str) -> str | None:
    """Tell why a name that is no flag is none."""
    if notebook.language != "python":
        return languages.missing(notebook, flags.found)
    found = [one for one in _grouped(_running(notebook)).get(_normal(name), []) if one.flag]
    if not found:
        return nearest(name, [*flags.found, *flags.ambiguous])
    place = f"it is assigned in {_labels(notebook, sorted({one.cell for one in found}))}"
    if any("parameters" in cell.tags for cell in notebook.code):
        return f"{place}, but flags come from the cell tagged 'parameters' alone"
    return f"{place}, but not as a literal: name it under 'flags' in the annotation"


def _labels(notebook: Notebook, cells: Iterable[int]) -> str:
    return " and ".join(notebook.label(index) for index in cells)


def _edited(notebook: Notebook, index: int, values: Mapping[tuple[int, int], FlagValue]) -> str:
    """Return a cell's source with the byte ranges in `values` replaced, checked by reading it again."""
    cell = notebook.cells[index]
    source = source_bytes(cell)
    for start, end in sorted(values, reverse=True):
        text = literals.write(values[start, end]).encode()
        source = source[:start] + text + source[end:]
    new = source.decode("utf-8", "surrogatepass")
    before = assignments(cell)
    after = assignments(dataclasses.replace(cell, source=new))
    if len(before) != len(after) or not all(_kept(*pair, values) for pair in zip(before, after, strict=True)):
        where = f"{notebook.path}: {notebook.label(index)}"
        raise FlagError("the values cannot be written so that Python reads them back", where=where)
    return new


def _kept(before: Assignment, after: Assignment, values: Mapping[tuple[int, int], FlagValue]) -> bool:
    """Tell whether an assignment reads as it did, or has the value that it was given."""
    old, new = before.flag, after.flag
    if before.name != after.name or (old is None) != (new is None):
        return False
    if old is None or new is None:
        return True
    if old.span in values:
        return new.known and literals.same(new.value, values[old.span])
    return new.known == old.known and literals.same(new.value, old.value)
