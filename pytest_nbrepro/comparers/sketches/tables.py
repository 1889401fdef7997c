"""Sketches of tables: one of each column, all made in one pass over the rows.

Rows are held against each other by position, for that is how blocks are made of them. Where an annotation joins rows
by a key, that is sound as long as the columns of the key are the same in the same order; else, and where rows may
come in any order, the sums of whole columns may still prove a drift, and nothing is ever taken for a pass.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl

from pytest_nbrepro.comparers import asides, batches, frames
from pytest_nbrepro.comparers.base import (
    IncomparableError,
    Outcome,
    alone,
    combined,
    counted,
    ignored,
    limits_for,
    part,
    shown,
)
from pytest_nbrepro.comparers.batches import Batch
from pytest_nbrepro.comparers.opaque import CANNOT_SAY
from pytest_nbrepro.comparers.sketches import cells, proofs
from pytest_nbrepro.comparers.sketches.blocks import About, Hashes, Sketch, Sums, shared_out
from pytest_nbrepro.errors import UndecodableError
from pytest_nbrepro.model import ArtifactRule, Check, CheckStatus, Place

_FLOATS = {"float": "float64", "Float64": "float64", "Float32": "float32", "Float16": "float16"}


def write(path: Path, schema: Mapping[str, Any]) -> list[Sketch]:
    """Return the sketches of a table's columns; the schema says what kinds those of a CSV have.

    Raises:
        UndecodableError: it cannot be read, or has a column that cannot be hashed.
    """
    if schema["format"] == frames.FRAME:
        raise UndecodableError("of what a cell showed only the hash is kept")
    kinds, rows = _kinds(path, schema), schema["rows"]
    per = shared_out(dict.fromkeys(kinds, rows), path.stat().st_size)
    abouts = {name: About(name, _kind(kind), kind, (rows,), per=per[name]) for name, kind in kinds.items()}
    found = _Pass(abouts, rows)
    found.read(_batches(path, schema, kinds, list(kinds)))
    if found.misread or found.rows != rows:
        raise UndecodableError("it does not fit its schema")
    return list(found.sketches().values())


def compare(
    old: Mapping[str, Sketch], result: Path, rule: ArtifactRule, schema: Mapping[str, Any]
) -> Outcome:
    """Hold a table against the sketches of the accepted one's columns.

    Raises:
        UndecodableError: it cannot be read.
        IncomparableError: the baseline lacks a column of the key, or a key occurs twice.
    """
    if schema["format"] != frames.format_of(result):
        return Outcome.structure(f"format {schema['format']} -> {frames.format_of(result)}")
    kinds = {name: sketch.about.dtype for name, sketch in old.items()}
    if list(kinds) != list(frames.names_of(schema["columns"])):
        return Outcome.error("the baseline's sketch does not fit its schema")
    theirs = _kinds(result, schema)
    parts = list(_structure(kinds, theirs, rule))
    even = [name for name in kinds if theirs.get(name) == kinds[name]]
    wanted = [name for name in even if name in rule.key or not ignored(name, rule)]
    found = _Pass({name: old[name].about for name in wanted}, schema["rows"])
    found.read(_batches(result, schema, theirs, wanted))
    parts += [_misread(name, kinds[name], *cell) for name, cell in found.misread.items()]
    if found.rows != schema["rows"]:
        parts.append(_rows(Outcome.structure(f"{schema['rows']:,} -> {found.rows:,}")))
    else:
        parts += _judged(old, found.sketches(), result, rule, schema)
    outcome = combined(parts, place="{where}, column {name}")
    kept = [name for name in kinds if name in theirs and not ignored(name, rule)]
    moved = kept != [name for name in theirs if name in kept]
    note = "the columns are in another order" if moved else ""
    return replace(outcome, message="; ".join(filter(None, (outcome.message, note))))


def _structure(old: Mapping[str, str], new: Mapping[str, str], rule: ArtifactRule) -> Iterator[Check]:
    """Yield the columns of one side, and those whose kinds differ."""
    for name in dict.fromkeys([*old, *new]):
        if ignored(name, rule):
            continue
        if name not in old or name not in new:
            yield alone("column", name, lost=name in old)
        elif old[name] != new[name]:
            yield part("column", name, Outcome.structure(f"dtype {old[name]} -> {new[name]}"))


def _kind(word: str) -> str:
    """Return the word by which `numbers.resolve` knows the values of a column."""
    if word.removeprefix("U") in {"int", "Int8", "Int16", "Int32", "Int64"}:
        return "int64"
    return _FLOATS.get(word, "exact")


def _rows(outcome: Outcome) -> Check:
    return part("column", "rows", outcome)


def _misread(name: str, kind: str, row: int, text: str, count: int) -> Check:
    place = Place(f"row {row}", kind, text)
    return part(
        "column",
        name,
        Outcome.structure(f"{counted(count, 'cell')} no {kind}", n=count, bad=count, worst=place),
    )


# ---------------------------------------------------------------------------------------------------
# Reading


def _kinds(path: Path, schema: Mapping[str, Any]) -> dict[str, str]:
    """Return the columns of a table; those of a CSV have the kinds that the schema says."""
    if schema["format"] not in frames.SEPARATED:
        return batches.schema_of(path)
    known = frames.names_of(schema["columns"])
    with frames.decoding(schema["format"]):
        names = frames.names(path, _dialect(schema))
    return {name: known.get(name, "str") for name in names}


def _dialect(schema: Mapping[str, Any]) -> frames.Dialect:
    return frames.Dialect(schema["separator"], schema["header"])


def _batches(
    path: Path, schema: Mapping[str, Any], kinds: Mapping[str, str], wanted: Sequence[str]
) -> Iterator[Batch]:
    """Yield batches of the wanted columns of a table that has the columns `kinds`."""
    if schema["format"] not in frames.SEPARATED:
        yield from batches.columnar(path, wanted)
        return
    known = {name: kind if name in wanted else "str" for name, kind in kinds.items()}
    for batch in batches.separated(path, _dialect(schema), known):
        yield replace(batch, table=replace(batch.table, frame=batch.table.frame.select(wanted)))


class _Pass:
    """One pass over the rows of a table: the sketches of its columns, as far as they should reach."""

    def __init__(self, abouts: Mapping[str, About], rows: int) -> None:
        self.rows = 0
        self.misread: dict[str, tuple[int, str, int]] = {}  # as in `frames.Table`
        self._expected = rows
        self._made = {name: Sums(about) if about.summed else Hashes(about) for name, about in abouts.items()}
        self._kinds = {name: about.dtype for name, about in abouts.items()}

    def read(self, found: Iterator[Batch]) -> None:
        """Take in all batches."""
        for batch in found:
            frame, start = batch.table.frame, batch.start
            self.rows = max(self.rows, start + batch.height)
            for name, (row, text, count) in batch.table.misread.items():
                first = self.misread.get(name, (start + row, text, 0))
                self.misread[name] = (*first[:2], first[2] + count)
            for column in frame.head(max(0, self._expected - start)).get_columns():
                self._add(column)

    def _add(self, column: pl.Series) -> None:
        made = self._made[column.name]
        if isinstance(made, Hashes):
            made.add(cells.streams(column, self._kinds[column.name]))
        else:
            absent = column.is_null().to_numpy() if column.null_count() else None
            made.add(column.fill_null(0).to_numpy(), absent)

    def sketches(self) -> dict[str, Sketch]:
        """Return the sketches of the columns whose cells could all be read."""
        return {name: made.done() for name, made in self._made.items() if name not in self.misread}


# ---------------------------------------------------------------------------------------------------
# Judging


def _judged(
    old: Mapping[str, Sketch],
    new: Mapping[str, Sketch],
    result: Path,
    rule: ArtifactRule,
    schema: Mapping[str, Any],
) -> Iterator[Check]:
    compared = {name: one for name, one in new.items() if not asides.is_set_aside(name, rule)}
    same = all(old[name].about.digest == one.about.digest for name, one in compared.items())
    fault = "" if same else _apart(old, new, result, rule, schema)
    if fault:
        yield _rows(Outcome.differs(fault))
    for name, sketch in new.items():
        if ignored(name, rule):
            continue  # it belongs to the key
        outcome = proofs.compare(old[name], sketch, limits_for(name, rule), proofs.ROWS, total=bool(fault))
        if outcome.status is not CheckStatus.EQUAL and name not in compared and _is_timed(old[name], sketch):
            outcome = asides.outcome(outcome.n, outcome.worst)
        if not fault or outcome.status in {CheckStatus.DRIFT, CheckStatus.ASIDE}:
            yield part("column", name, outcome)


def _is_timed(old: Sketch, new: Sketch) -> bool:
    """Tell whether a column may hold timings, and has as many NaN and empty cells as before."""
    if old.about.dtype.startswith("Duration"):
        return True
    return old.sums.dtype.kind == "f" and old.about.summed and bool((old.odd == new.odd).all())


def _apart(
    old: Mapping[str, Sketch],
    new: Mapping[str, Sketch],
    result: Path,
    rule: ArtifactRule,
    schema: Mapping[str, Any],
) -> str:
    """Say why the rows of two tables do not belong together by their position; nothing where they do."""
    kept = "of the baseline only sums of rows in their order are kept"
    if not rule.key:
        return f"{CANNOT_SAY}: rows may come in any order, and {kept}" if rule.order == "any" else ""
    missing = [name for name in rule.key if name not in old]
    if missing:
        raise IncomparableError(f"the key {', '.join(missing)} is no column of the baseline")
    if any(name not in new or new[name].about.digest != old[name].about.digest for name in rule.key):
        return f"{CANNOT_SAY}: the key {', '.join(rule.key)} has other values or another order, and {kept}"
    keys = pl.concat(
        batch.table.frame for batch in _batches(result, schema, _kinds(result, schema), list(rule.key))
    )
    twice = keys.filter(keys.is_duplicated())
    if twice.height:
        told = ", ".join(f"{name}={shown(value)}" for name, value in twice.row(0, named=True).items())
        raise IncomparableError(f"the key is not unique in the result: {told}")
    return ""
