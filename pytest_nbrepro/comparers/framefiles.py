"""The ``.frame`` files in which the kernel keeps data frames whole (`kernels/tabling.py` writes and explains them)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl

from pytest_nbrepro.comparers.base import shown
from pytest_nbrepro.comparers.frames import Table, decoding
from pytest_nbrepro.errors import UndecodableError

FLOAT = r"≈([-+.\w]+)"  # a float among values of any type
_NULL = "\\N"
_FORMS = frozenset({"int", "float", "bool", "text", "mixed"})


def read(path: Path) -> Table:
    """Read a ``.frame`` file.

    Raises:
        UndecodableError: it is none.
    """
    with decoding("frame"):
        head, texts = split(path)
        frame = pl.DataFrame([_column(texts[name], dtype, form) for name, dtype, form in head["columns"]])
    kinds = {name: dtype for name, dtype, _ in head["columns"]}
    mixed = frozenset(name for name, _, form in head["columns"] if form == "mixed")
    return Table(frame, kinds, mixed=mixed, labels=head["labels"])


def split(path: Path) -> tuple[dict[str, Any], pl.DataFrame]:
    """Return the first line and the cells as they are written, missing ones as null.

    Raises:
        ValueError, PolarsError: it is no such file.
    """
    with path.open("rb") as stream:
        head = _head(stream.readline())
        body = stream.read()
    schema = {name: pl.String for name, _, _ in head["columns"]}
    if not body or not schema:
        texts = pl.DataFrame(schema=schema)
    else:
        texts = pl.read_csv(body, has_header=False, schema=schema, null_values=[_NULL], glob=False)
    if schema and texts.height != head["rows"]:
        raise ValueError(f"{texts.height:,} rows instead of {head['rows']:,}")
    return head, texts


def write(head: dict[str, Any], texts: pl.DataFrame, path: Path) -> None:
    """Undo `split` for cells of some of the columns, and of any number of rows."""
    columns = [column for column in head["columns"] if column[0] in texts.columns]
    line = json.dumps({**head, "columns": columns, "rows": texts.height})
    path.write_text(f"{line}\n{texts.write_csv(include_header=False, null_value=_NULL)}", "utf-8")


def _head(line: bytes) -> dict[str, Any]:
    head = json.loads(line)
    try:
        if isinstance(head["labels"], dict) and all(form in _FORMS for _, _, form in head["columns"]):
            return {**head, "rows": int(head["rows"])}
    except (TypeError, LookupError, ValueError):
        pass
    raise ValueError("its first line is not what the kernel writes")


def _column(texts: pl.Series, dtype: str, form: str) -> pl.Series:
    if form == "int":
        return texts.cast(pl.UInt64 if dtype.lower().startswith("uint64") else pl.Int64)
    if form == "float":
        return texts.cast(pl.Float64 if precision(dtype) == "float64" else pl.Float32)
    if form == "bool":
        return texts == "True"
    return texts if form == "mixed" else _unescaped(texts)


def precision(dtype: str) -> str:
    """Return which float a dtype of numpy, pandas, arrow or polars is."""
    if "16" in dtype or dtype.startswith("halffloat"):
        return "float16"
    return "float32" if "32" in dtype or dtype.startswith("float[") else "float64"


def _unescaped(texts: pl.Series) -> pl.Series:
    """Return texts of which those that begin with a backslash were JSON behind it."""
    places = texts.str.starts_with("\\").fill_null(value=False).arg_true()
    if not places.len():
        return texts
    plain = [json.loads(text[1:]) for text in texts.gather(places)]
    if not all(isinstance(text, str) for text in plain):
        raise UndecodableError(f"a cell is no text: {shown(plain[0])}")
    return texts.scatter(places, plain)
