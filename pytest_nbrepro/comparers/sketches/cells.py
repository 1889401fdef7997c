"""Columns of a table as bytes that are the same for equal values, of which hashes are made.

Nothing here depends on a version of polars or on how rows are cut into pieces.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl

from pytest_nbrepro.comparers import frames
from pytest_nbrepro.comparers.sketches.blocks import Stream, fixed, plain
from pytest_nbrepro.comparers.tallies import Array
from pytest_nbrepro.errors import UndecodableError

_LABELS = (pl.Categorical, pl.Enum)  # the codes of two files need not agree
_WORDS = ("Decimal", "Int128", "UInt128")  # numbers beyond those of numpy


def streams(values: pl.Series, kind: str) -> list[Stream]:
    """Return the bytes of a column.

    Args:
        values: the column.
        kind: of a CSV's column of text, ``bool`` and ``datetime``, whose spelling means nothing; any other word
            leaves text as it is.

    Raises:
        UndecodableError: it holds objects that only Python knows.
    """
    if values.dtype == pl.String and kind in {"bool", "datetime"}:
        values = frames.plain_bool(values) if kind == "bool" else frames.plain_time(values)
    return list(_streams(values))


def _streams(values: pl.Series) -> Iterator[Stream]:
    dtype = values.dtype
    if isinstance(dtype, pl.Array):
        values, dtype = values.arr.to_list(), pl.List(pl.Null())
    if isinstance(dtype, pl.List):
        yield from _lists(values)
    elif isinstance(dtype, pl.Struct):
        yield _nulls(values)
        for field in dtype.fields:
            yield from _streams(values.struct.field(field.name))
    elif dtype == pl.Binary:
        yield from _texts(values.bin.encode("hex"))
    elif dtype == pl.String or isinstance(dtype, _LABELS) or str(dtype).startswith(_WORDS):
        yield from _texts(values.cast(pl.String))
    elif dtype == pl.Null:
        yield _nulls(values)
    elif dtype.is_numeric() or dtype.is_temporal() or dtype == pl.Boolean:
        yield _nulls(values)
        yield fixed(_numbers(values))
    else:
        raise UndecodableError(f"a column of type {dtype} has no bytes of its own")


def _nulls(values: pl.Series) -> Stream:
    return fixed(values.is_null().to_numpy().astype(np.uint8))


def _numbers(values: pl.Series) -> Array:
    """Return numbers, times and booleans as numbers, 0 for null."""
    if values.dtype == pl.Boolean:
        values = values.cast(pl.UInt8)
    return plain(values.to_physical().fill_null(0).to_numpy())


def _texts(values: pl.Series) -> Iterator[Stream]:
    """Return the length of each text, -1 for null, and the texts themselves."""
    lengths = values.str.len_bytes().cast(pl.Int64).fill_null(-1).to_numpy()
    yield fixed(lengths.astype("<i8"))
    whole = "".join(values.drop_nulls().to_list()).encode()
    yield whole, np.concatenate([[0], np.cumsum(np.maximum(lengths, 0))])


def _lists(values: pl.Series) -> Iterator[Stream]:
    """Return the length of each list, -1 for null, and what is in them one after the other."""
    lengths = values.list.len().cast(pl.Int64).fill_null(-1).to_numpy()
    yield fixed(lengths.astype("<i8"))
    inside = values.filter(pl.Series(lengths > 0)).explode()
    rows = np.concatenate([[0], np.cumsum(np.maximum(lengths, 0))])
    for data, ends in _streams(inside):
        yield data, ends[rows]
