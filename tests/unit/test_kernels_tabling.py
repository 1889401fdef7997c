"""Data frames as text: every row, every digit, every dtype, and back."""

from __future__ import annotations

import datetime as dt
import math
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_nbrepro.comparers import framefiles
from pytest_nbrepro.kernels import tabling


@pytest.fixture
def kept(tmp_path: Path) -> Any:
    """Write a frame, and read it."""
    numbers = iter(range(1_000_000))

    def keep(obj: Any) -> Any:
        path = tmp_path / f"{next(numbers)}.frame"
        tabling.write(obj, str(path))
        return framefiles.read(path)

    return keep


def column(kept: Any, values: Any) -> tuple[str, list[Any]]:
    """Return the dtype and the values of a series of pandas as they are read back."""
    table = kept(pd.Series(values))
    return table.kinds["values"], table.frame["values"].to_list()


TZ = pd.Series(pd.to_datetime(["2020-01-01 00:00", None])).dt.tz_localize("Europe/Berlin")


@pytest.mark.parametrize(
    ("values", "dtype", "read"),
    [
        (np.array([1, -2], "int64"), "int64", [1, -2]),
        (np.array([1, 200], "uint8"), "uint8", [1, 200]),
        (np.array([2**64 - 1], "uint64"), "uint64", [2**64 - 1]),
        (np.array([0.1, 1e-300]), "float64", [0.1, 1e-300]),
        (np.array([0.1], "float32"), "float32", [float(np.float32(0.1))]),
        (np.array([0.1], "float16"), "float16", [float(np.float16(0.1))]),
        ([True, False], "bool", [True, False]),
        (["x", None, "", "\\N", 'a,"b"\r\n'], "str", ["x", None, "", "\\N", 'a,"b"\r\n']),
        (pd.Series(["a", None], dtype=object), "str", ["a", None]),
        (pd.array(["a", None], dtype="string"), "string", ["a", None]),
        (pd.Categorical(["u", None, "v"]), "category", ["u", None, "v"]),
        (pd.Categorical([1, 2]), "category", ["1", "2"]),
        (pd.array([1, None], dtype="Int64"), "Int64", [1, None]),
        (pd.array([0.5, None], dtype="Float64"), "Float64", [0.5, None]),
        (pd.array([True, None], dtype="boolean"), "boolean", [True, None]),
        (pd.arrays.SparseArray([0, 1]), "Sparse[int64, 0]", [0, 1]),
        (
            np.array(["2020-01-01", "2020-01-01T05:00:00.000000001", "NaT"], "M8[ns]"),
            "datetime64[ns]",
            ["2020-01-01", "2020-01-01T05:00:00.000000001", None],
        ),
        (TZ, str(TZ.dtype), ["2019-12-31T23:00", None]),
        (np.array([5, "NaT"], "m8[s]"), "timedelta64[s]", ["5", None]),
        ([1, "1", 0.5], "object", ["1", '"1"', "≈0.5"]),
        (
            [None, True, [1, 2.5], {"a": (1,)}, np.float64(0.5), math.nan, math.inf, pd.NaT],
            "object",
            ["null", "true", "[1, ≈2.5]", '{"a": [1]}', "≈0.5", "≈nan", "≈inf", "NaT"],
        ),
        (
            [dt.date(2020, 1, 1), Decimal("1.50"), b"x", np.array([1.5])],
            "object",
            ['date("2020-01-01")', 'Decimal("1.50")', "bytes(\"b'x'\")", "[≈1.5]"],
        ),
        ([["ü≈1\n"]], "object", ['["\\u00fc\\u22481\\n"]']),
        ([None, None], "object", [None, None]),
    ],
)
def test_dtypes_and_values_of_pandas(kept, values, dtype, read):
    assert column(kept, values) == (dtype, read)


def test_dtypes_and_values_of_polars(kept):
    frame = pl.DataFrame(
        {
            "int": [1, None],
            "float": [0.1, math.nan],
            "single": pl.Series([0.5, None], dtype=pl.Float32),
            "bool": [True, None],
            "text": ["", None],
            "date": [dt.date(2020, 1, 1), None],
            "at": pl.Series([1, None]).cast(pl.Datetime("ns")),
            "for": [dt.timedelta(seconds=1), None],
            "time": [dt.time(0, 0, 1), None],
            "list": [[1.0, 2.5], None],
            "struct": [{"z": "a"}, None],
            "decimal": pl.Series(["1.5", None]).cast(pl.Decimal(10, 2)),
            "cat": pl.Series(["u", None], dtype=pl.Categorical),
            "enum": pl.Series(["u", None], dtype=pl.Enum(["u"])),
            "none": [None, None],
        }
    )
    table = kept(frame)
    assert dict(table.kinds) == {
        "int": "Int64",
        "float": "Float64",
        "single": "Float32",
        "bool": "Boolean",
        "text": "String",
        "date": "Date",
        "at": "Datetime(time_unit='ns', time_zone=None)",
        "for": "Duration(time_unit='us')",
        "time": "Time",
        "list": "List(Float64)",
        "struct": str(frame["struct"].dtype),
        "decimal": "Decimal(precision=10, scale=2)",
        "cat": "Categorical",
        "enum": "Enum",
        "none": "Null",
    }
    first = {name: values[0] for name, values in table.frame.to_dict(as_series=False).items()}
    assert first == {
        "int": 1,
        "float": 0.1,
        "single": 0.5,
        "bool": True,
        "text": "",
        "date": "2020-01-01",
        "at": "1970-01-01 00:00:00.000000001",
        "for": "1000000",
        "time": "1000000000",
        "list": "[≈1.0, ≈2.5]",
        "struct": '{"z": "a"}',
        "decimal": 'Decimal("1.50")',
        "cat": "u",
        "enum": "u",
        "none": None,
    }
    last = {name: values[1] for name, values in table.frame.to_dict(as_series=False).items()}
    assert math.isnan(last.pop("float"))
    assert {name for name, value in last.items() if value == "null"} == {"list", "struct", "decimal"}
    assert all(value in {None, "null"} for value in last.values())
    assert kept(pl.Series("x", [1])).labels == {"library": "polars", "form": "Series"}


def names(table: Any) -> list[str]:
    return table.frame.columns


def test_an_index_is_kept_unless_it_only_counts(kept):
    assert names(kept(pd.DataFrame({"a": [1, 2]}))) == ["a"]
    assert names(kept(pd.DataFrame({"a": [1, 2]}, index=[1, 2]))) == ["index", "a"]
    assert names(kept(pd.DataFrame({"a": [1, 2]}, index=pd.RangeIndex(0, 4, 2)))) == ["index", "a"]
    assert names(kept(pd.DataFrame({"a": [1, 2]}, index=pd.RangeIndex(2, name="n")))) == ["n", "a"]
    levels = pd.MultiIndex.from_tuples([(1, "x"), (1, "y")], names=["k", None])
    assert names(kept(pd.Series([1, 2], index=levels, name="a"))) == ["k", "index", "a"]


def test_columns_keep_their_names_and_what_these_are(kept):
    table = kept(pd.DataFrame([[1, 2, 3]], columns=[0, "0", None]))
    assert names(table) == ["0", "0#2", "None"]
    assert table.labels["columns"] == ["NoneType", "int", "str"]
    many = kept(
        pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_tuples([("a", 1), ("a", 2)], names=["p", "q"]))
    )
    assert names(many) == ["a.1", "a.2"]
    assert many.labels == {
        "library": "pandas",
        "form": "DataFrame",
        "columns": ["(str, int)"],
        "names": ["p", "q"],
    }
    assert names(kept(pd.DataFrame([[1, 2]], columns=["a", "a"]))) == ["a", "a#2"]
    assert names(kept(pd.DataFrame({'x,"\n': [1]}))) == ['x,"\n']


@pytest.mark.parametrize(
    ("frame", "height"),
    [
        (pd.DataFrame(), 0),
        (pd.DataFrame({"a": []}), 0),
        (pl.DataFrame(), 0),
        (pl.DataFrame({"a": [None, ""]}), 2),
    ],
)
def test_frames_of_little(kept, frame, height):
    assert kept(frame).frame.height == height


@pytest.mark.parametrize(
    ("obj", "why"),
    [
        (pd.DataFrame({"a": [1, object()]}), "column 'a' holds objects of type object"),
        (pd.Series([1j]), "column 'values' holds objects of type complex"),
        (pd.Series([np.longdouble(1)]), "column 'values' is of dtype"),
        (pd.Series(["\ud800"]), "surrogates not allowed"),
    ],
)
def test_what_has_no_exact_text_is_refused(kept, obj, why):
    with pytest.raises((tabling.CannotKeepError, UnicodeError), match=why):
        kept(obj)


def test_what_is_too_large_is_refused_before_it_is_written(tmp_path, monkeypatch):
    monkeypatch.setattr(tabling, "MOST", 10)
    with pytest.raises(tabling.CannotKeepError, match="12 cells, more than the 10 that are kept"):
        tabling.write(pd.DataFrame(np.zeros((6, 2))), str(tmp_path / "a.frame"))
    assert not (tmp_path / "a.frame").exists()
    monkeypatch.setattr(tabling, "_BYTES", 1 << 10)
    with pytest.raises(tabling.CannotKeepError, match="0 MiB of text"):
        tabling.write(pd.Series(["x" * 5000]), str(tmp_path / "a.frame"))


def test_no_row_has_a_line_break(tmp_path):
    tabling.write(pd.DataFrame({"a": ["x\ny", "z\r"], "b": [["\n"], "\n"]}), str(tmp_path / "a.frame"))
    assert (tmp_path / "a.frame").read_bytes().count(b"\n") == 3


texts = (
    st.none()
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
    | st.sampled_from(["\\N", "\\", '\\"'])
)


@given(
    st.lists(
        st.tuples(texts, st.none() | st.floats(), st.none() | st.integers(-(2**63), 2**63 - 1)), max_size=5
    )
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_the_values_they_are_read_back(kept, rows):
    schema = {"text": pl.String, "float": pl.Float64, "int": pl.Int64}
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    assert kept(frame).frame.equals(frame)
