r"""Inside the kernel: writes data frames and series whole, as text that tells their dtypes.

Loaded by `showing.py` from its own folder, by path, in any Python from 3.9 on: the standard library alone.

The first line of a ``.frame`` file is JSON: ``columns`` (name, dtype and how its cells are written, those of an index
first), ``index`` (how many of them are the index), ``rows``, ``labels`` (what else makes the frame). A line of CSV
follows for each row. No cell has a line break, and none is empty: a missing value is ``\\N``, and a text that is empty,
begins with ``\\`` or has line breaks is a ``\\`` and JSON. Cells are written as

- ``int``, ``float``, ``bool``: Python's notation, with all digits,
- ``text``: itself,
- ``mixed``: ``null``, ``true``, integers, texts and containers as JSON in ASCII, so that ``≈`` before a float tells
  it from all else; other values as ``Type("text")``.
"""

from __future__ import annotations

import csv
import json
import os
import sys
from collections.abc import Iterable
from typing import Any, NamedTuple

# ruff: noqa: B905
# (`zip` is not strict before Python 3.10)

MOST = 2_000_000  # cells; writing them takes about two seconds
_BYTES = 64 << 20
_NULL = "\\N"
_ODD = frozenset("\r\n\0")
_FLOAT = "\u2248"  # before a float among mixed values
_TYPES = {"Timestamp", "Timedelta", "Interval", "Period", "date", "datetime", "time", "timedelta"}
_TYPES |= {"Decimal", "Fraction", "UUID", "bytes"}  # the text of a value of these says all of it
_INTS = frozenset(f"{sign}Int{bits}" for sign in ("", "U") for bits in (8, 16, 32, 64))
_FORMS = {
    "Float16": "float",
    "Float32": "float",
    "Float64": "float",
    "Boolean": "bool",
    **dict.fromkeys(_INTS, "int"),
}
_EXACT = frozenset({"Date", "Datetime", "Time", "Duration", "Int128", "UInt128"})


class CannotKeepError(Exception):
    """The message says why the whole of an object cannot be written."""


class Column(NamedTuple):
    """A column as it is written."""

    name: str
    dtype: str
    form: str  # int, float, bool, text, mixed
    cells: Iterable[Any]


def write(obj: Any, path: str) -> None:
    """Write a data frame or a series of pandas or polars.

    Raises:
        CannotKeepError: it is too large, or holds what has no exact text.
        UnicodeEncodeError: a text is none.
    """
    library = type(obj).__module__.partition(".")[0]
    if library not in {"pandas", "polars"}:  # a subclass may hold more than is known here
        raise CannotKeepError(f"it is of type {type(obj).__module__}.{type(obj).__name__}")
    form = type(obj).__name__
    rows = len(obj)
    width = obj.shape[1] if form == "DataFrame" else 1
    if rows * max(1, width) > MOST:
        raise CannotKeepError(f"{rows * width:,} cells, more than the {MOST:,} that are kept")
    columns, index, labels = (_of_pandas if library == "pandas" else _of_polars)(obj, form)
    head = {
        "columns": [[name, column.dtype, column.form] for name, column in zip(_named(columns), columns)],
        "index": index,
        "rows": rows,
        "labels": {"library": library, "form": form, **labels},
    }
    with open(path, "x", encoding="utf-8", newline="") as stream:  # noqa: PTH123
        stream.write(json.dumps(head) + "\n")
        if columns:
            csv.writer(stream, lineterminator="\n").writerows(zip(*(column.cells for column in columns)))
    if os.path.getsize(path) > _BYTES:  # noqa: PTH202
        raise CannotKeepError(f"more than {_BYTES >> 20} MiB of text")


def _named(columns: list[Column]) -> list[str]:
    """Return names of which none comes twice."""
    taken: set[str] = set()
    names = []
    for column in columns:
        name, number = column.name, 1
        while name in taken:
            number += 1
            name = f"{column.name}#{number}"
        taken.add(name)
        names.append(name)
    return names


# ---------------------------------------------------------------------------------------------------
# pandas


def _of_pandas(obj: Any, form: str) -> tuple[list[Column], int, dict[str, Any]]:
    pandas: Any = sys.modules["pandas"]
    index = obj.index
    plain = type(index) is pandas.RangeIndex and index.start == 0 and index.step == 1 and index.name is None
    levels = [] if plain else [index.get_level_values(i) for i in range(index.nlevels)]
    found = [_pandas_column(_label(level.name, "index"), pandas.Series(level.array)) for level in levels]
    if form == "Series":
        return (
            [*found, _pandas_column(_label(obj.name, "values"), obj)],
            len(levels),
            {"name": _type(obj.name)},
        )
    heads = obj.columns
    labels = {
        "columns": sorted({_type(head) for head in heads}),
        "names": [str(name) for name in heads.names],
    }
    found += [_pandas_column(_label(head, "None"), obj.iloc[:, i]) for i, head in enumerate(heads)]
    return found, len(levels), labels


def _label(label: Any, unnamed: str) -> str:
    """Return what a column is called; the parts of several levels have dots between."""
    if label is None:
        return unnamed
    return ".".join(map(str, label)) if isinstance(label, tuple) else str(label)


def _type(label: Any) -> str:
    """Return of what type a label is: the number 1 and the text "1" are two."""
    return f"({', '.join(map(_type, label))})" if isinstance(label, tuple) else type(label).__name__


def _pandas_column(name: str, series: Any) -> Column:
    dtype = series.dtype
    word, kind = str(dtype), dtype.kind
    if word == "category":
        return _any_column(name, "category", series.tolist())
    if kind == "M":
        return Column(name, word, "text", _times(series))
    if kind == "m":
        whole = series.to_numpy().astype("int64")
        return Column(name, word, "text", _missing(whole.tolist(), series.isna().tolist()))
    if kind not in "iufb":
        return _any_column(name, word, series.tolist())
    form = {"f": "float", "b": "bool"}.get(kind, "int")
    if form == "float" and getattr(dtype, "itemsize", 8) > 8:
        raise CannotKeepError(f"column {name!r} is of dtype {word}")
    cells = series.tolist()
    if not hasattr(dtype, "byteorder"):  # of an extension, which may lack values
        cells = _missing(cells, [cell is None or cell is sys.modules["pandas"].NA for cell in cells])
    return Column(name, word, form, cells)


def _times(series: Any) -> list[str]:
    """Return points in time as ISO 8601, in UTC where they have a zone."""
    numpy: Any = sys.modules["numpy"]
    naive = series.dt.tz_convert(None) if getattr(series.dt, "tz", None) is not None else series
    values = naive.to_numpy().astype("datetime64", copy=False)
    return [
        _NULL if text == "NaT" else text for text in numpy.datetime_as_string(values, unit="auto").tolist()
    ]


# ---------------------------------------------------------------------------------------------------
# polars


def _of_polars(obj: Any, form: str) -> tuple[list[Column], int, dict[str, Any]]:
    columns = [_polars_column(each) for each in (obj.get_columns() if form == "DataFrame" else [obj])]
    return columns, 0, {}


def _polars_column(series: Any) -> Column:
    name, word = series.name, str(series.dtype)
    base = word.partition("(")[0]
    if base in {"Date", "Datetime"}:
        series = series.cast(sys.modules["polars"].Utf8)
    elif base in {"Time", "Duration"}:
        series = series.to_physical()
    cells = series.to_list()
    form = "text" if base in _EXACT else _FORMS.get(base)
    if form is not None:
        return Column(name, word, form, _missing(cells, [cell is None for cell in cells]))
    words = {
        "Utf8": "String",
        "Categorical": "Categorical",
        "Enum": "Enum",
    }  # the first as older versions call it
    return _any_column(name, words.get(base, word), cells)


# ---------------------------------------------------------------------------------------------------
# Cells


def _missing(cells: Iterable[Any], missing: Iterable[bool]) -> list[Any]:
    return [_NULL if gone else cell for cell, gone in zip(cells, missing)]


def _any_column(name: str, dtype: str, cells: list[Any]) -> Column:
    """Return a column of texts where all values are such or missing, else one of values of any type."""
    missing = [_is_missing(cell) for cell in cells]
    if all(gone or type(cell) is str for cell, gone in zip(cells, missing)):
        word = "str" if dtype == "object" and not all(missing) else dtype
        return Column(
            name, word, "text", [_NULL if gone else _text(cell) for cell, gone in zip(cells, missing)]
        )
    try:
        return Column(name, dtype, "mixed", [_mixed(cell) for cell in cells])
    except TypeError as error:
        raise CannotKeepError(f"column {name!r} holds {error}") from None


def _is_missing(cell: Any) -> bool:
    if cell is None or type(cell).__name__ in {"NAType", "NaTType"}:
        return True
    return type(cell) is float and cell != cell  # noqa: PLR0124


def _text(cell: str) -> str:
    plain = cell and not cell.startswith("\\") and _ODD.isdisjoint(cell)
    return cell if plain else "\\" + json.dumps(cell)


def _mixed(cell: Any) -> str:
    """Return a value of any type as text from which it can be told.

    Raises:
        TypeError: its text would not say all of it; the message says what it is.
    """
    if hasattr(cell, "dtype"):  # numbers and arrays of numpy; what polars has in a list
        cell = cell.tolist() if hasattr(cell, "tolist") else cell.to_list()
    name = type(cell).__name__
    if cell is None or isinstance(cell, (bool, str)):
        return json.dumps(cell)
    if type(cell) is float:
        return f"{_FLOAT}{cell!r}"
    if type(cell) is int:
        return repr(cell)
    if isinstance(cell, (list, tuple)):
        return f"[{', '.join(map(_mixed, cell))}]"
    if isinstance(cell, dict):
        return f"{{{', '.join(f'{_mixed(key)}: {_mixed(value)}' for key, value in cell.items())}}}"
    if name in {"NAType", "NaTType"}:
        return str(cell)
    if name not in _TYPES:
        raise TypeError(f"objects of type {name}")
    return f"{name}({json.dumps(str(cell))})"
