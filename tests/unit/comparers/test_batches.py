"""Tables in batches: the same rows as at once, in memory of a batch."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import polars as pl
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from pytest_nbrepro.comparers import batches, frames
from pytest_nbrepro.errors import UndecodableError

CELL = st.sampled_from(
    [
        "",
        "1",
        "-2.5",
        "nan",
        "x",
        '"a,b"',
        '"li\nne"',
        '"q""q"',
        "true",
        "2020-01-01",
        " ",
        "1e400",
        '""',
        "'",
    ]
) | st.text('ab,;" \t1.\r', max_size=5)
QUOTED = re.compile(r'(?:^|(?<=[,;\t]))"(?:[^"]|"")*"(?=[,;\t]|$)')
STRAY = re.compile(
    '"'
)  # within a bare field: no CSV (RFC 4180, 2.5), and where lines end is each reader's guess
ROWS = st.lists(st.lists(CELL, min_size=1, max_size=3), min_size=1, max_size=9)

LOST = [  # a row of these was lost by older versions of polars
    ["", "", "1"],
    ['"li\nne"'],
    ["", "-2.5"],
    ["-2.5", "-2.5", "11111"],
    ["-2.5"],
    ['"a,b"'],
    ["", "11"],
    ["1", "-2.5", "11111"],
]


@settings(max_examples=300)
@given(ROWS, st.sampled_from(["\n", "\r\n", "\n\n"]), st.booleans(), st.integers(1, 30))
@example([["a"], [""], ["1"]], "\n", True, 1)
@example([["1"], ["2"], [""], ["3"]], "\n", True, 2)
@example([["x"]], "\n", False, 1)
@example(LOST, "\r\n", True, 1)
def test_a_csv_is_the_same_in_pieces(tmp_path_factory, rows, end, last, piece):
    assume(
        "".join(rows[0]).strip()
    )  # blank lines before the names are read in another way by older versions of polars
    assume(not any(STRAY.search(QUOTED.sub("", ",".join(row))) for row in rows))
    path = tmp_path_factory.getbasetemp() / "pieces.csv"
    path.write_bytes((end.join(",".join(row) for row in rows) + (end if last else "")).encode())
    try:
        schema = frames.describe_csv(path)
        dialect = frames.Dialect(schema["separator"], schema["header"])
        kinds = frames.names_of(schema["columns"])
        whole = frames.read_csv(path, dialect, kinds).frame
    except UndecodableError:
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batches, "PIECE", piece)
        found = list(batches.separated(path, dialect, kinds))
    parts = [batch.table.frame for batch in found]
    assert (pl.concat(parts) if parts else whole.clear()).equals(whole)
    starts = [sum(part.height for part in parts[:number]) for number in range(len(parts))]
    assert [batch.start for batch in found] == starts


def test_misread_cells_of_a_piece_are_named(tmp_path, monkeypatch):
    monkeypatch.setattr(batches, "PIECE", 4)
    path = tmp_path / "a.csv"
    path.write_text("v\n1\n2\n3\nx\n5\n")
    found = list(batches.separated(path, frames.Dialect(",", header=True), {"v": "int"}))
    assert [(batch.start, dict(batch.table.misread)) for batch in found if batch.table.misread] == [
        (2, {"v": (1, "'x'", 1)})
    ]


FRAME = pl.DataFrame({"a": range(10), "b": ["x", None] * 5, "c": [0.5] * 10})


def written(path):
    if path.suffix == ".parquet":
        FRAME.write_parquet(path, row_group_size=3)
    elif path.suffix == ".arrow":
        FRAME.write_ipc_stream(path)
    else:
        FRAME.write_ipc(path)
    return path


@pytest.mark.parametrize(
    "name", ["t.parquet", "t.feather", "t.arrow", "x=1[2]*?.feather", "x=1[2]*?.parquet"]
)
def test_columnar_files(tmp_path, monkeypatch, name):
    monkeypatch.setattr(batches, "ROWS", 4)
    monkeypatch.setattr(batches, "COLUMNS", 2)
    path = written(tmp_path / name)
    assert batches.schema_of(path) == {"a": "Int64", "b": "String", "c": "Float64"}
    found = list(batches.columnar(path, ["a", "b", "c"]))
    assert [(batch.start, batch.table.frame.columns) for batch in found] == [
        (start, columns) for columns in (["a", "b"], ["c"]) for start in (0, 4, 8)
    ]
    left, right = (pl.concat(batch.table.frame for batch in found[i : i + 3]) for i in (0, 3))
    assert pl.concat([left, right], how="horizontal").equals(FRAME)


@pytest.mark.parametrize("name", ["t.parquet", "t.feather", "t.arrow"])
def test_what_is_no_table(tmp_path, name):
    (tmp_path / name).write_bytes(b"no table")
    for read in (batches.schema_of, lambda path: list(batches.columnar(path, ["a"]))):
        with pytest.raises(UndecodableError):
            read(tmp_path / name)


def test_a_column_of_categories_is_called_so(tmp_path):
    frame = pl.DataFrame({"c": pl.Series(["x", "y"], dtype=pl.Categorical)})
    frame.write_parquet(tmp_path / "c.parquet")
    assert batches.schema_of(tmp_path / "c.parquet") == {"c": "Categorical"}


CODE = """
import sys
from pathlib import Path
from pytest_nbrepro.comparers import batches, frames
def peak(): return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
path = Path(sys.argv[1])
kinds = {"a": "int", "b": "float", "c": "str"}
def read(path):
    return batches.separated(path, frames.Dialect(",", header=True), kinds) if path.suffix == ".csv" else (
        batches.columnar(path, list(kinds)))
rows = sum(batch.table.frame.height for batch in read(Path(sys.argv[2])))
before = peak()
rows = max(batch.start + batch.table.frame.height for batch in read(path))
print(rows, (peak() - before) // 1024)
"""


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_memory_stays_that_of_a_batch(tmp_path, suffix):
    small, large = tmp_path / f"small.{suffix}", tmp_path / f"large.{suffix}"
    for path, rows in ((small, 1 << 18), (large, 3 << 20)):
        index = pl.int_range(rows, eager=True)
        frame = pl.DataFrame({"a": index, "b": index.cast(pl.Float64).sin(), "c": index.cast(pl.String)})
        frame.write_csv(path) if suffix == "csv" else frame.write_parquet(path, row_group_size=1 << 17)
    done = subprocess.run(
        [sys.executable, "-c", CODE, str(large), str(small)],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"POLARS_MAX_THREADS": "1"},  # each thread keeps memory of its own
    )
    rows, grown = map(int, done.stdout.split())
    assert rows == 3 << 20
    assert grown < 48  # MB; at once it takes more than 100
