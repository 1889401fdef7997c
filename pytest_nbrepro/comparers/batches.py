"""Tables read in batches of rows, in memory of a batch; their values are those that `frames` reads at once.

An Arrow stream is the exception: it is decoded as a whole.
"""

from __future__ import annotations

import glob
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import polars as pl

from pytest_nbrepro.comparers import frames
from pytest_nbrepro.comparers.frames import Dialect, Table, decoding

ROWS = 1 << 17  # of columnar files that are decoded at a time …
COLUMNS = 64  # … of so many columns
PIECE = 8 << 20  # bytes of a CSV file that are parsed at a time, if one record is not longer
_ARROW = b"ARROW1"  # what an Arrow file begins with, and a stream does not


@dataclass(frozen=True)
class Batch:
    """So many rows of some columns, the first of which is the row `start` of the table."""

    start: int
    height: int
    table: Table


def columnar(path: Path, columns: Sequence[str]) -> Iterator[Batch]:
    """Yield the rows of a Parquet, Feather or Arrow file, in their order for each column; without columns their number.

    Raises:
        UndecodableError: it is none.
    """
    with decoding(frames.format_of(path)):
        rows = _scan(path).select(pl.len()).collect().item()
    if not columns:
        yield Batch(0, rows, Table(pl.DataFrame(), {}))
    for first in range(0, len(columns), COLUMNS):
        with decoding(frames.format_of(path)):
            found = _scan(path).select(columns[first : first + COLUMNS])
        for start in range(0, rows, ROWS):
            with decoding(frames.format_of(path)):
                frame = found.slice(start, ROWS).collect()
            yield Batch(start, frame.height, Table(frame, {}))


def schema_of(path: Path) -> dict[str, str]:
    """Return name -> dtype of the columns of a Parquet, Feather or Arrow file.

    Raises:
        UndecodableError: it is none.
    """
    with decoding(frames.format_of(path)):
        return {name: _word(dtype) for name, dtype in _scan(path).collect_schema().items()}


def _word(dtype: pl.DataType) -> str:
    """Return a dtype in words; how polars writes that of categories depends on its version."""
    return "Categorical" if dtype == pl.Categorical else str(dtype)


def _scan(path: Path) -> pl.LazyFrame:
    """Open a columnar file; the path is no pattern, and ``x=1`` in a folder's name is no column."""
    if frames.format_of(path) == "parquet":
        return pl.scan_parquet(path, glob=False, hive_partitioning=False)
    with path.open("rb") as stream:
        is_file = stream.read(len(_ARROW)) == _ARROW
    if is_file:
        return pl.scan_ipc(glob.escape(str(path)), hive_partitioning=False)
    with path.open("rb") as stream:
        return pl.read_ipc_stream(stream).lazy()


# ---------------------------------------------------------------------------------------------------
# CSV


def separated(path: Path, dialect: Dialect, kinds: Mapping[str, str]) -> Iterator[Batch]:
    """Yield the rows of a CSV file, with `kinds` for all of its columns, in their order.

    Raises:
        UndecodableError: see `frames.describe_csv`.
    """
    named = Dialect(dialect.separator, header=True)
    with path.open("rb") as stream:
        head = (
            _head(stream)
            if dialect.header
            else ",".join(kinds).replace(",", dialect.separator).encode() + b"\n"
        )
        start = 0
        for piece in _pieces(stream):
            with decoding(
                frames.format_of(path)
            ):  # behind the line of names, a blank line is a row as elsewhere
                table = frames.parse(head + piece, named, kinds)
            yield Batch(start, table.frame.height, table)
            start += table.frame.height


def _head(stream: IO[bytes]) -> bytes:
    """Read the line of names, which a quoted one may continue."""
    line = next((line for line in stream if line.strip(b"\r\n")), b"")
    while line.count(b'"') % 2 and (more := stream.readline()):
        line += more
    return line


def _pieces(stream: IO[bytes]) -> Iterator[bytes]:
    """Yield what is left, cut where records end."""
    rest = b""
    while data := stream.read(PIECE):
        rest += data
        end = _last_end(rest)
        if end:
            yield rest[:end]
            rest = rest[end:]
    if rest:
        yield rest


def _last_end(data: bytes) -> int:
    """Return where the last record ends: behind a line's end with an even number of quotes before it, or 0."""
    odd = data.count(b'"') % 2
    behind = len(data)
    while (end := data.rfind(b"\n", 0, behind)) >= 0:
        odd ^= data.count(b'"', end, behind) % 2
        if not odd:
            return end + 1
        behind = end
    return 0
