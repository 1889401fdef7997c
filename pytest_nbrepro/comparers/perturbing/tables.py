"""Changes of tables."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from pytest_nbrepro.comparers import framefiles, frames
from pytest_nbrepro.comparers.perturbing.values import MOST, MOVED, NAN, SWAPPED, Change, number, swapped

_NARROWER = {"Float64": pl.Float32(), "Int64": pl.Int32(), "Int32": pl.Int16()}


def changes(path: Path) -> Iterator[Change]:
    """Yield changes of a CSV, TSV, Parquet or Feather file, or of a data frame that a cell showed."""
    frame, write = _opened(path)
    for what, changed in _frames(frame):
        yield what, partial(write, changed)


def _opened(path: Path) -> tuple[pl.DataFrame, Callable[[pl.DataFrame, Path], object]]:
    """Return a table, that of a CSV as texts, and what writes one in its format."""
    form = frames.format_of(path)
    if form == frames.FRAME:
        head, texts = framefiles.split(path)
        return texts, partial(framefiles.write, head)
    if form not in frames.SEPARATED:
        write = pl.DataFrame.write_parquet if form == "parquet" else pl.DataFrame.write_ipc
        return frames.read_columnar(path).frame, write
    known = frames.describe_csv(path)
    dialect = frames.Dialect(known["separator"], known["header"])
    frame = frames.parse(path, dialect, dict.fromkeys(frames.names_of(known["columns"]), "str")).frame

    def write_csv(changed: pl.DataFrame, target: Path) -> None:
        changed.write_csv(target, separator=dialect.separator, include_header=dialect.header)

    return frame, write_csv


def _frames(frame: pl.DataFrame) -> Iterator[tuple[str, pl.DataFrame]]:
    if frame.width > 1:
        yield f"column {frame.columns[-1]} dropped", frame.drop(frame.columns[-1])
    moved = pl.concat([frame[1:], frame[:1]]) if frame.height else frame
    if not moved.equals(frame):
        yield MOVED, moved
    for name in frame.columns[:MOST]:
        for what, column in _columns(frame[name]):
            yield f"column {name}: {what}", frame.with_columns(column)


def _columns(column: pl.Series) -> Iterator[tuple[str, pl.Series]]:
    """Yield a column in which a number is changed or lost, two labels are swapped, or the dtype is narrower."""
    values = column.to_list()
    known = [_known(value) for value in values]
    for row, value in enumerate(known):
        changed = number(value) if value is not None else None
        if changed is None:
            continue
        yield changed[0], _with(column, values, row, changed[1])
        if isinstance(value, float):
            yield NAN, _with(column, values, row, math.nan)
        break
    labels = [row for row, value in enumerate(values) if isinstance(value, str) and known[row] is None]
    exchanged = swapped([values[row] for row in labels]) if labels else None
    if exchanged is not None:
        for row, label in zip(labels, exchanged, strict=True):
            values[row] = label
        yield SWAPPED, pl.Series(column.name, values, column.dtype)
    narrower = _NARROWER.get(str(column.dtype))
    if narrower is not None and column.null_count() < column.len():
        cast = column.cast(narrower, strict=False)
        if cast.null_count() == column.null_count():
            yield f"dtype {column.dtype} -> {narrower}", cast


def _with(column: pl.Series, values: list[Any], row: int, value: float) -> pl.Series:
    new = repr(value) if isinstance(values[row], str) else value
    return pl.Series(column.name, [*values[:row], new, *values[row + 1 :]], column.dtype)


def _known(value: Any) -> float | None:
    """Return the number that a cell holds, also as text."""
    if isinstance(value, (int, float)):
        return None if isinstance(value, bool) else value
    try:
        return int(value) if re.fullmatch(r"[-+]?\d+", value) else float(value)
    except (TypeError, ValueError):
        return None
