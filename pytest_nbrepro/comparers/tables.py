"""Tables: CSV, TSV, Parquet, Feather and Arrow files, and data frames that cells showed, column by column."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from pytest_nbrepro.comparers import asides, framefiles, frames
from pytest_nbrepro.comparers.base import (
    Outcome,
    allow_columns,
    alone,
    combined,
    counted,
    ignored,
    limits_for,
    part,
    reading,
    shown,
)
from pytest_nbrepro.comparers.frames import Table
from pytest_nbrepro.comparers.numbers import EXACT, Limit, resolve
from pytest_nbrepro.comparers.rows import Rows, pair
from pytest_nbrepro.comparers.tallies import Array, Tally, largest
from pytest_nbrepro.errors import UndecodableError
from pytest_nbrepro.model import ArtifactRule, Check, Limits, Place

_INTS = frozenset({"Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64"})
_FLOATS = {"Float64": "float64", "Float32": "float32", "Float16": "float16"}


class TableComparer:
    """Compares tables by column; rows by position, by key, or as a multiset.

    The set of columns, their kinds and the number of rows are part of the contract; the order of columns
    is told and passes; columns of numbers with decimals that are called like timings are set aside. Lists and structures within cells, decimals and integers of 128 bits are compared
    exactly.
    """

    kind = "table"

    def schema(self, path: Path) -> dict[str, Any]:
        """Return format, columns (name and kind or dtype, in order) and number of rows of a table."""
        if frames.format_of(path) in frames.SEPARATED:
            return frames.describe_csv(path)
        table = _read_typed(path)
        columns = [[name, kind] for name, kind in table.kinds.items()]
        return {"format": frames.format_of(path), "columns": columns, "rows": table.frame.height}

    def compare(self, baseline: Path, result: Path, rule: ArtifactRule, schema: Mapping[str, Any]) -> Outcome:
        """Compare two tables, a CSV by the kinds of columns that the baseline's schema names."""
        one, other = frames.format_of(baseline), frames.format_of(result)
        if one != other:
            return Outcome.structure(f"format {one} -> {other}")
        old, new = self.read(baseline, result, rule, schema)
        return self._compare(old, new, rule)

    def read(
        self, baseline: Path, result: Path, rule: ArtifactRule, schema: Mapping[str, Any]
    ) -> tuple[Table, Table]:
        """Read two tables of one format by the kinds of columns that the baseline has.

        Raises:
            UndecodableError: one of them is none, or the baseline is not what its schema says.
        """
        with reading("baseline"):
            known = schema if "columns" in schema else self.schema(baseline)
            old = _read(baseline, known, rule)
            if old.misread:
                raise UndecodableError(f"it does not fit its stored schema: {', '.join(old.misread)}")
        with reading("result"):
            return old, _read(result, known, rule)

    def _compare(self, old: Table, new: Table, rule: ArtifactRule) -> Outcome:
        pairs = paired(old, new, rule)
        parts = list(pairs.found)
        if pairs.rows is not None:
            parts += [
                part("column", name, self._column(name, old, new, rule, pairs.rows)) for name in pairs.columns
            ]
        outcome = combined(parts, place="{where}, column {name}")
        note = "the columns are in another order" if pairs.moved else ""
        message = "; ".join(text for text in (outcome.message, note) if text)
        return replace(outcome, message=message, allow=allow_columns(outcome.parts))

    def _column(self, name: str, old: Table, new: Table, rule: ArtifactRule, rows: Rows) -> Outcome:
        before, after = rows.of(old.frame[name], new.frame[name])
        if name in old.mixed:
            return _mixed(before, after, limits_for(name, rule), rows)
        limit = _limit(before, limits_for(name, rule), old.kinds[name])
        tally = Tally(limit)
        if limit.kind == "float" or limit.abs:
            _within(tally, before, after)
        else:
            tally.skip(before.len())
            differing = _differing(before, after, old.kinds[name])
            wrong = _misread(before, after, old.kinds[name], differing)
            if wrong is not None:
                message, spots = wrong
                place = Place(rows.name(spots[0]), cell(before, spots[0]), cell(after, spots[0]))
                return Outcome.structure(message, n=tally.n, bad=len(spots), worst=place)
            _exactly(tally, before, after, differing)
        outcome = tally.outcome("row", rows.name(tally.at) if tally.at >= 0 else "")
        timed = before.dtype.is_float() or before.dtype == pl.Duration
        if tally.bad and timed and not tally.gained and asides.is_set_aside(name, rule):
            return asides.outcome(tally.n, outcome.worst)
        return outcome


@dataclass(frozen=True)
class Pairs:
    """What of two tables can be compared, and what cannot."""

    columns: list[str]  # that both have, with one kind
    rows: Rows | None  # None where rows cannot be paired
    found: list[Check]  # what is wrong with all else
    moved: bool  # the columns are in another order


def paired(old: Table, new: Table, rule: ArtifactRule) -> Pairs:
    """Pair the columns and the rows of two tables."""
    kept = dict.fromkeys(name for name in old.frame.columns if not ignored(name, rule))
    theirs = dict.fromkeys(name for name in new.frame.columns if not ignored(name, rule))
    found = [alone("column", name, lost=True) for name in kept if name not in theirs]
    found += [alone("column", name, lost=False) for name in theirs if name not in kept]
    found += _labels(old, new)
    common = [name for name in kept if name in theirs]
    found += [check for name in common if (check := _kinds(name, old, new)) is not None]
    uneven = {check.name for check in found}
    even = [name for name in common if name not in uneven]
    sorting = [name for name in even if not asides.is_set_aside(name, rule)]
    rows, more = pair(old.frame, new.frame, rule, sorting, uneven)
    moved = common != [name for name in theirs if name in kept]
    return Pairs(even, rows, found + more, moved)


def bad_rows(name: str, old: Table, new: Table, rule: ArtifactRule, rows: Rows) -> dict[int, float]:
    """Return which pairs of rows, by position, have values of a column that are not within their limit.

    Of columns with values of any type those count whose text differs.

    Returns:
        What each uses of the limit; infinite where there is no such number.
    """
    before, after = rows.of(old.frame[name], new.frame[name])
    limit = EXACT if name in old.mixed else _limit(before, limits_for(name, rule), old.kinds[name])
    if limit.kind != "float" and not limit.abs:
        return {int(row): math.inf for row in _differing(before, after, old.kinds[name])}
    bad = {int(row): math.inf for row in (before.is_null() != after.is_null()).arg_true()}
    places = (before.is_not_null() & after.is_not_null()).arg_true()
    if places.len():
        with np.errstate(all="ignore"):
            used = Tally(limit).ratios(before.gather(places).to_numpy(), after.gather(places).to_numpy())
        bad |= {int(places[int(at)]): float(used[at]) for at in np.flatnonzero(~(used <= 1))}
    return bad


def _read(path: Path, known: Mapping[str, Any], rule: ArtifactRule) -> Table:
    if frames.format_of(path) not in frames.SEPARATED:
        return _read_typed(path)
    kinds = frames.names_of(known["columns"])
    wanted = {name: kind for name, kind in kinds.items() if not ignored(name, rule)}
    return frames.read_csv(path, frames.Dialect(known["separator"], known["header"]), wanted)


def _read_typed(path: Path) -> Table:
    return framefiles.read(path) if frames.format_of(path) == frames.FRAME else frames.read_columnar(path)


def _labels(old: Table, new: Table) -> list[Check]:
    """Return what is wrong with a frame that a cell showed, besides its columns."""
    changes = [
        f"{key} {shown(old.labels.get(key))} -> {shown(new.labels.get(key))}"
        for key in dict.fromkeys((*old.labels, *new.labels))
        if old.labels.get(key) != new.labels.get(key)
    ]
    return [part("column", "labels", Outcome.structure("; ".join(changes)))] if changes else []


def _kinds(name: str, old: Table, new: Table) -> Check | None:
    """Return what is wrong with a column's dtype, or with cells that are not of its kind."""
    if name in new.misread:
        row, text, count = new.misread[name]
        kind = old.kinds[name]
        message = f"{counted(count, 'cell')} no {kind}"
        outcome = Outcome.structure(message, n=count, bad=count, worst=Place(f"row {row}", kind, text))
        return part("column", name, outcome)
    if old.labels and old.kinds[name] != new.kinds[name]:
        return part("column", name, Outcome.structure(f"dtype {old.kinds[name]} -> {new.kinds[name]}"))
    if (name in old.mixed) != (name in new.mixed):
        words = ("texts alone", "values of several types")
        change = f"{words[name in old.mixed]} -> {words[name in new.mixed]}"
        return part("column", name, Outcome.structure(change))
    before, after = old.frame[name].dtype, new.frame[name].dtype
    if before == after:
        return None
    return part("column", name, Outcome.structure(f"dtype {before} -> {after}"))


def _limit(values: pl.Series, limits: Limits, kind: str) -> Limit:
    """Return the limit of a column; a frame's `kind` may be half as precise as what its values are read as."""
    name = str(values.dtype)
    if name in _INTS:
        return resolve(limits, "int64")
    if name not in _FLOATS:
        return EXACT
    dtype = "float16" if framefiles.precision(kind) == "float16" else _FLOATS[name]
    return resolve(limits, dtype, largest(values.drop_nulls().to_numpy()))


def _mixed(old: pl.Series, new: pl.Series, limits: Limits, rows: Rows) -> Outcome:
    """Compare cells of any type: floats in equal surroundings within limits, all else exactly."""
    plain = [column.str.replace_all(framefiles.FLOAT, "≈") for column in (old, new)]
    other = plain[0] != plain[1]
    even = (~other).arg_true()
    counts = old.gather(even).str.count_matches(framefiles.FLOAT)
    before, after = (_floats(column.gather(even)) for column in (old, new))
    tally = Tally(resolve(limits, "float64", largest(before)))
    tally.add(before, after, 0)
    if tally.at >= 0:
        tally.at = int(even[int((counts.cum_sum() > tally.at).arg_true()[0])])
    tally.skip(int((counts == 0).sum()) + int(other.sum()))
    _exactly(tally, old, new, other.arg_true())
    return tally.outcome("value", rows.name(tally.at) if tally.at >= 0 else "")


def _floats(cells: pl.Series) -> Array:
    found = cells.str.extract_all(framefiles.FLOAT).explode().drop_nulls()
    return found.str.strip_chars_start("≈").cast(pl.Float64).to_numpy()


def _within(tally: Tally, old: pl.Series, new: pl.Series) -> None:
    """Count columns of numbers; an empty cell equals an empty cell alone."""
    before, after, places = old, new, None
    if old.null_count() or new.null_count():
        places = (old.is_not_null() & new.is_not_null()).arg_true()
        before, after = old.gather(places), new.gather(places)
    tally.add(before.to_numpy(), after.to_numpy(), 0)
    if places is not None:
        tally.at = int(places[tally.at]) if tally.at >= 0 else -1
        tally.skip(old.len() - before.len())
        _count_nulls(tally, old, new)


def _count_nulls(tally: Tally, old: pl.Series, new: pl.Series) -> None:
    """Count the rows in which one side alone has no value."""
    lost, gained = old.is_null() & new.is_not_null(), old.is_not_null() & new.is_null()
    for word, rows in (("lost null", lost.arg_true()), ("new null", gained.arg_true())):
        if rows.len():
            row = int(rows[0])
            tally.fail(rows.len(), row, cell(old, row), cell(new, row), word)


def _differing(old: pl.Series, new: pl.Series, kind: str) -> pl.Series:
    """Return the rows that differ; times and booleans written as text are equal in any spelling."""
    if old.dtype == pl.Categorical:  # the codes of two files need not agree
        old, new = old.cast(pl.String), new.cast(pl.String)
    rows = old.ne_missing(new).arg_true()
    if rows.len() and _is_spelled(old, kind):
        same = frames.same_time if kind == "datetime" else frames.same_bool
        rows = rows.filter(~same(old.gather(rows), new.gather(rows)).fill_null(value=False))
    return rows


def _is_spelled(values: pl.Series, kind: str) -> bool:
    return kind in {"datetime", "bool"} and values.dtype == pl.String


def _misread(old: pl.Series, new: pl.Series, kind: str, rows: pl.Series) -> tuple[str, list[int]] | None:
    """Return what to say of cells of a CSV that were times or booleans and no longer are, and their rows."""
    if not rows.len() or not _is_spelled(old, kind):
        return None
    was, is_ = frames.is_of_kind(old.gather(rows), kind), frames.is_of_kind(new.gather(rows), kind)
    found = rows.filter(was.fill_null(value=False) & ~is_.fill_null(value=True)).to_list()
    return (f"{counted(len(found), 'cell')} no {kind}", found) if found else None


def _exactly(tally: Tally, old: pl.Series, new: pl.Series, rows: pl.Series) -> None:
    """Count the rows that differ in columns of anything but tolerant numbers."""
    if not rows.len():
        return
    valued = old.gather(rows).is_not_null() & new.gather(rows).is_not_null()
    if valued.any():
        first = int(rows.filter(valued)[0])
        tally.fail(int(valued.sum()), first, cell(old, first), cell(new, first))
    if not valued.all():
        _count_nulls(tally, old, new)


def cell(values: pl.Series, row: int) -> str:
    """Return a value of a column as a report shows it."""
    value = values[row]
    return "null" if value is None else shown(value)
