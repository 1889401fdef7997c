"""Tables as data frames: CSV by the column kinds that the baseline had, columnar files by their own dtypes."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from pytest_nbrepro.comparers.base import shown
from pytest_nbrepro.errors import UndecodableError

SEPARATORS = {".csv": ",", ".tsv": "\t", ".tab": "\t"}
SEPARATED = frozenset({"csv", "tsv"})
FRAME = "frame"  # what the kernel keeps of data frames that cells show
COLUMNAR = {".parquet": "parquet", ".pq": "parquet", ".feather": "ipc", ".arrow": "ipc", ".ipc": "ipc"}
_FORMATS = {**COLUMNAR, ".tsv": "tsv", ".tab": "tsv", f".{FRAME}": FRAME}

_DTYPES: dict[str, pl.DataType] = {"int": pl.Int64(), "float": pl.Float64()}  # other kinds are kept as text
_SAMPLE = 1000  # values by which a column of text is taken for times or booleans
_LINE = 1 << 16  # bytes of a first line that are read without the rest of the file
# A text that reads as a number and is none: an identifier with leading zeros or a plus sign.
_NO_NUMBER = r"^\s*(?:\+|-?0\d)"
_TIME = r"^\d{4}-\d{2}-\d{2}(?:[ T]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?$"  # ISO 8601, its usual forms
_BOOL = r"^(?:true|True|TRUE|false|False|FALSE)$"


@dataclass(frozen=True)
class Table:
    """A decoded table.

    `kinds` has ``int``, ``float``, ``bool``, ``datetime`` or ``str`` for each column of a CSV, the dtype's
    name for the others. `misread` names the cells of a CSV that are not of their kind: column -> (first
    row, its text, how many). `mixed` has the columns of a frame that a cell showed whose values are of any type,
    `labels` what else makes such a frame.
    """

    frame: pl.DataFrame
    kinds: Mapping[str, str]
    misread: Mapping[str, tuple[int, str, int]] = field(default_factory=dict)
    mixed: frozenset[str] = frozenset()
    labels: Mapping[str, Any] = field(default_factory=dict)


def format_of(path: Path) -> str:
    """Return ``csv``, ``tsv``, ``parquet``, ``ipc`` or ``frame`` by a file's suffix; CSV where it is unknown."""
    return _FORMATS.get(path.suffix.lower(), "csv")


# ---------------------------------------------------------------------------------------------------
# Columnar files


def read_columnar(path: Path) -> Table:
    """Read a Parquet, Feather or Arrow file.

    Raises:
        UndecodableError: it is none.
    """
    with decoding(format_of(path)):
        if format_of(path) == "parquet":
            # The path is no pattern, and `x=1` in a folder's name is no column.
            frame = pl.read_parquet(path, glob=False, hive_partitioning=False)
        else:
            with path.open("rb") as stream:
                is_file = stream.read(6) == b"ARROW1"
            with path.open("rb") as stream:
                frame = pl.read_ipc(stream) if is_file else pl.read_ipc_stream(stream)
    return Table(frame, {name: str(dtype) for name, dtype in frame.schema.items()})


@contextlib.contextmanager
def decoding(word: str) -> Iterator[None]:
    """Turn the decoder's errors, its panics included, into UndecodableError."""
    try:
        yield
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, ValueError) as error:
        line = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise UndecodableError(f"not readable as {word}: {line}") from error


# ---------------------------------------------------------------------------------------------------
# CSV


@dataclass(frozen=True)
class Dialect:
    """How a CSV file is written: what stands between its cells, and whether it has a line of names."""

    separator: str
    header: bool


def describe_csv(path: Path) -> dict[str, Any]:
    """Return the schema of a CSV or TSV file: names and kinds of the columns, rows, dialect.

    Kinds are those of all values of a column, empty cells left out. A column of integers that do not fit
    64 bits or have leading zeros is text: it holds names, not numbers. A file whose first line is all
    numbers has no line of names.

    Raises:
        UndecodableError: it is not UTF-8, or its rows have more cells than its first line.
    """
    dialect = _dialect(path)
    found, frame = _read_text(path, dialect)
    columns = [[name, _kind(frame[name])] for name in found]
    return {
        "format": format_of(path),
        "separator": dialect.separator,
        "header": dialect.header,
        "columns": columns,
        "rows": frame.height,
    }


def read_csv(path: Path, dialect: Dialect, kinds: Mapping[str, str]) -> Table:
    """Read a CSV file by the kinds of its columns; a column without one is text.

    Cells that are not of their column's kind are null in the frame and listed in `misread`.

    Raises:
        UndecodableError: see `describe_csv`.
    """
    with decoding(format_of(path)):
        return parse(path, dialect, {name: kinds.get(name, "str") for name in names(path, dialect)})


def parse(source: Path | bytes, dialect: Dialect, kinds: Mapping[str, str]) -> Table:
    """Read a CSV file, or its content, all of whose columns have kinds; see `read_csv`."""
    if not kinds:
        return Table(pl.DataFrame(), kinds)
    try:
        frame = _read(source, dialect, {name: _DTYPES.get(kind, pl.String()) for name, kind in kinds.items()})
    except pl.exceptions.ComputeError:
        return _cast(_read(source, dialect, dict.fromkeys(kinds, pl.String())), kinds)
    return Table(frame, kinds)


def _read_text(path: Path, dialect: Dialect) -> tuple[list[str], pl.DataFrame]:
    with decoding(format_of(path)):
        found = names(path, dialect)
        return found, _read(path, dialect, dict.fromkeys(found, pl.String())) if found else pl.DataFrame()


def _read(source: Path | bytes, dialect: Dialect, schema: Mapping[str, pl.DataType]) -> pl.DataFrame:
    return pl.read_csv(
        source, schema=dict(schema), has_header=dialect.header, separator=dialect.separator, glob=False
    )


def names(path: Path, dialect: Dialect) -> list[str]:
    """Return the names of a CSV file's columns, as the decoder makes them unique; none for an empty file."""
    line = _first_line(path)
    if not line:
        return []
    if not dialect.header:
        return [f"column {i + 1}" for i in range(len(_cells(path, line, dialect.separator)))]
    return _head(path, line, dialect.separator, has_header=True, n_rows=0).columns


def _first_line(path: Path) -> bytes:
    """Return the first line that is not blank, or what of it fits a block; nothing for an empty file."""
    with path.open("rb") as stream:
        return next((line for line in iter(lambda: stream.readline(_LINE), b"") if line.strip(b"\r\n")), b"")


def _cells(path: Path, line: bytes, separator: str) -> list[str]:
    """Return the cells of the first line."""
    row = _head(path, line, separator, has_header=False, n_rows=1).row(0)
    return ["" if cell is None else cell for cell in row]


def _head(path: Path, line: bytes, separator: str, *, has_header: bool, n_rows: int) -> pl.DataFrame:
    """Read a first line by itself where it is whole, else from the file: quoted names may have line breaks."""
    whole = len(line) < _LINE and line.count(b'"') % 2 == 0
    return pl.read_csv(
        line if whole else path,
        has_header=has_header,
        n_rows=n_rows,
        infer_schema=False,
        separator=separator,
        glob=False,
    )


def _dialect(path: Path) -> Dialect:
    """Return the dialect of a CSV file, told by its first line."""
    separator = SEPARATORS.get(path.suffix.lower(), ",")
    with decoding(format_of(path)):
        line = _first_line(path)
        cells = _cells(path, line, separator) if line else []
        if separator == "," and len(cells) == 1:
            found = [mark for mark in ";\t" if mark in cells[0]]
            separator = found[0] if found else separator
            cells = _cells(path, line, separator)
    return Dialect(separator, header=_are_names(cells))


def _are_names(cells: Sequence[str]) -> bool:
    """Tell whether a first line holds names: it has a cell that is no number, or just counts ``0, 1, 2``."""
    try:
        for cell in cells:
            float(cell)
    except ValueError:
        return True
    return list(cells) == [str(i) for i in range(len(cells))]


def _kind(texts: pl.Series) -> str:
    values = texts.drop_nulls()
    if values.len() == 0:
        return "str"
    sample = values.head(_SAMPLE)
    if sample.cast(pl.Float64, strict=False).null_count():
        if sample.str.contains(_BOOL).all():
            return "bool"
        return "datetime" if sample.str.contains(_TIME).all() else "str"
    return _number_kind(values)


def _number_kind(values: pl.Series) -> str:
    if values.str.contains(_NO_NUMBER).any():
        return "str"
    if not values.cast(pl.Int64, strict=False).null_count():
        return "int"
    if values.cast(pl.Float64, strict=False).null_count() or values.str.contains(r"^\s*-?\d+\s*$").all():
        return "str"
    return "float"


def _cast(frame: pl.DataFrame, kinds: Mapping[str, str]) -> Table:
    """Return a frame of text by the kinds of its columns, with a note of the cells that are not of theirs."""
    columns, misread = [], {}
    for texts in frame.get_columns():
        dtype = _DTYPES.get(kinds[texts.name])
        column = texts if dtype is None else texts.cast(dtype, strict=False)
        wrong = (column.is_null() & texts.is_not_null()).arg_true()
        if wrong.len():
            row = int(wrong[0])
            misread[texts.name] = (row, shown(texts[row]), wrong.len())
        columns.append(column)
    return Table(pl.DataFrame(columns), kinds, misread)


def same_time(one: pl.Series, other: pl.Series) -> pl.Series:
    """Tell which pairs of texts write one point in time in two ways, such as with ``T`` or a space."""
    return plain_time(one).eq_missing(plain_time(other)) & one.str.contains(_TIME)


def same_bool(one: pl.Series, other: pl.Series) -> pl.Series:
    """Tell which pairs of texts write one truth in two ways."""
    return plain_bool(one).eq_missing(plain_bool(other)) & one.str.contains(_BOOL)


def is_of_kind(texts: pl.Series, kind: str) -> pl.Series:
    """Tell which texts are booleans or times."""
    return texts.str.contains(_BOOL if kind == "bool" else _TIME)


def plain_bool(texts: pl.Series) -> pl.Series:
    """Return booleans in lower case, other texts as they are."""
    return _where(texts, _BOOL, texts.str.to_lowercase())


def plain_time(texts: pl.Series) -> pl.Series:
    """Return times in one form, other texts as they are.

    That form has ``T``, all of hours, minutes and seconds, no trailing zeros, and ``+00:00`` for Z.
    """
    times = texts.str.replace(" ", "T", literal=True).str.replace(r"Z$", "+00:00")
    times = times.str.replace(r"^(\d{4}-\d{2}-\d{2})$", "${1}T00:00:00")
    times = times.str.replace(r"T(\d{2}:\d{2})($|[+-])", "T${1}:00${2}")
    times = times.str.replace(r"(\.\d*?)0+($|[+-])", "${1}${2}").str.replace(r"\.($|[+-])", "${1}")
    return _where(texts, _TIME, times.str.replace(r"([+-]\d{2})(\d{2})$", "${1}:${2}"))


def _where(texts: pl.Series, pattern: str, plain: pl.Series) -> pl.Series:
    return plain.zip_with(texts.str.contains(pattern).fill_null(value=False), texts)


def names_of(columns: Sequence[Sequence[str]]) -> dict[str, str]:
    """Return name -> kind of the columns of a stored schema."""
    return {column[0]: column[1] for column in columns}
