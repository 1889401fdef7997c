"""Tables: the false passes of other tools, kinds of CSV columns, nulls, keys and order, broken files."""

from __future__ import annotations

import datetime as dt
import math
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_nbrepro.comparers import base
from pytest_nbrepro.comparers.tables import TableComparer
from pytest_nbrepro.errors import UndecodableError
from pytest_nbrepro.model import ArtifactRule, Check, CheckStatus, Limits

EQUAL, WITHIN, DRIFT = CheckStatus.EQUAL, CheckStatus.WITHIN, CheckStatus.DRIFT
STRUCTURE, ERROR = CheckStatus.STRUCTURE, CheckStatus.ERROR
TABLES = TableComparer()
MODERN = hasattr(pl, "Float16")  # older versions of polars write neither half precision nor 128 bits


def written(folder: Path, name: str, content) -> Path:
    path = folder / name
    if isinstance(content, pl.DataFrame):
        {"parquet": content.write_parquet, "feather": content.write_ipc}[Path(name).suffix[1:]](path)
    else:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.fixture
def compared(tmp_path):
    """Compare two contents as files of one suffix."""

    def compare(old, new, suffix="csv", rule=None, **more):
        one, other = written(tmp_path, f"old.{suffix}", old), written(tmp_path, f"new.{suffix}", new)
        rule = rule or ArtifactRule("*", **more)
        try:
            schema = TABLES.schema(one)
        except UndecodableError:
            schema = {}
        return base.judge(TABLES, one, other, rule, schema)

    return compare


def column(outcome, name) -> Check:
    (found,) = [part for part in outcome.parts if part.name == name]
    return found


def kinds(tmp_path, text) -> dict[str, str]:
    return dict(TABLES.schema(written(tmp_path, "t.csv", text))["columns"])


# --- the false passes of research/baselines.md, section 1.2


@pytest.mark.parametrize("suffix", ["csv", "parquet", "feather"])
def test_a_column_that_disappears_is_lost(compared, suffix):
    """No. 1."""
    old, new = {"loss": [0.1, 0.2], "auc": [0.9, 0.8]}, {"loss": [0.1, 0.2]}
    frames = pl.DataFrame(old), pl.DataFrame(new)
    outcome = compared(*(f.write_csv() if suffix == "csv" else f for f in frames), suffix=suffix)
    assert outcome.status is STRUCTURE
    assert outcome.message == "auc: column lost"
    assert column(outcome, "auc").status is CheckStatus.LOST
    assert column(outcome, "loss").status is EQUAL


def test_a_new_column_is_told(compared):
    outcome = compared("a\n1\n", "a,b\n1,2\n")
    assert (outcome.status, outcome.message) == (STRUCTURE, "b: column new")


def test_a_small_value_that_triples_fails(compared):
    """Nos. 2 and 12."""
    outcome = compared("p\n3e-9\n", "p\n9e-9\n")
    assert outcome.status is DRIFT
    assert outcome.worst == base.Place("row 0, column p", "3e-09", "9e-09")


@pytest.mark.parametrize(
    ("old", "new"),
    [(pl.Int64, pl.Float64), (pl.Float64, pl.Float32), (pl.String, pl.Categorical), (pl.Int64, pl.Int32)],
)
def test_another_dtype_fails(compared, old, new):
    """Nos. 3 and 11."""
    values = ["1", "2"] if old == pl.String else [1, 2]
    frames = [pl.DataFrame({"v": pl.Series(values).cast(dtype)}) for dtype in (old, new)]
    outcome = compared(*frames, suffix="parquet")
    assert outcome.status is STRUCTURE
    assert outcome.message.startswith("v: dtype ")


def test_integers_in_a_csv_that_become_floats_are_named(compared):
    """No. 3, in text."""
    outcome = compared("id,n\n1,5\n2,6\n", "id,n\n1,5\n2,6.0\n")
    assert outcome.status is STRUCTURE
    assert outcome.message == "n: 1 cell no int"
    assert outcome.worst == base.Place("row 1, column n", "int", "'6.0'")
    assert column(outcome, "id").status is EQUAL


def test_whole_numbered_floats_keep_their_tolerance(compared):
    """No. 6: "8.0" is a float, also where the result writes "8"."""
    rule = ArtifactRule("*", limits=Limits(rel=0.5))
    assert compared("v\n9.0\n", "v\n10.0\n", rule=rule).status is WITHIN
    assert compared("v\n9.0\n8.5\n", "v\n10\n8.5\n", rule=rule).status is WITHIN


def test_unsigned_integers_do_not_wrap(compared):
    """No. 7."""
    frames = [pl.DataFrame({"v": pl.Series([n], dtype=pl.UInt8)}) for n in (3, 2)]
    assert compared(*frames, suffix="parquet", limits=Limits(abs=1)).used == 1
    assert compared(*frames, suffix="parquet").status is DRIFT


def test_rel_does_not_make_integers_fuzzy(compared):
    """Nos. 10 and 11."""
    outcome = compared("n\n8000000\n", "n\n8000001\n", limits=Limits(rel=1e-3))
    assert outcome.status is DRIFT
    assert outcome.limit == "exact (integers: only abs loosens)"


def test_empty_against_full_fails(compared):
    """No. 13."""
    assert compared("v\n", "v\n5.0\n").status is STRUCTURE
    assert compared("v\n5.0\n", "v\n").message == "rows: 1 -> 0"


def test_large_integers_do_not_round_together(compared):
    """No. 13."""
    outcome = compared(f"n\n{2**53}\n", f"n\n{2**53 + 1}\n", limits=Limits(abs=0.5))
    assert outcome.status is DRIFT


def test_a_row_in_the_middle_is_not_hidden(compared):
    """No. 14: what the display of a table of 100 rows leaves out."""
    old = [0.913] * 100
    new = [*old[:50], 0.1, *old[51:]]
    text = ["v\n" + "\n".join(map(str, values)) for values in (old, new)]
    assert compared(*text).worst.where == "row 50, column v"


def test_doubles_are_read_exactly(compared):
    """No. 16: the last digit of every double counts."""
    rng = np.random.default_rng(0)
    values = rng.normal(size=2000) * 10.0 ** rng.integers(-300, 300, 2000)
    text = ["v\n" + "\n".join(map(repr, array.tolist())) for array in (values, np.nextafter(values, 1))]
    outcome = compared(*text, limits=Limits(rel=0, abs=0))
    assert outcome.bad == 2000
    assert compared(*text, limits=Limits(rel=0, abs=0, ulp=1)).status is WITHIN


# --- kinds of CSV columns


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["1", "-2", "0"], "int"),
        (["1", "", "3"], "int"),
        (["1.5", "2"], "float"),
        (["8.0", "9.0"], "float"),
        (["nan", "inf", "-inf", "1e-5"], "float"),
        (["1", "99999999999999999999"], "str"),
        (["99999999999999999999.5", "1"], "float"),
        (["007", "008"], "str"),
        (["0.07", "0"], "float"),
        (["+49151", "2"], "str"),
        (["007.5", "1"], "str"),
        (["true", "False"], "bool"),
        (["2024-01-01", "2024-01-02"], "datetime"),
        (["2024-01-01 10:00:00", "2024-01-01T10:00:00.123Z"], "datetime"),
        (["a", "1"], "str"),
        (["", ""], "str"),
        (["NA", "1.5"], "str"),
    ],
)
def test_kinds_of_columns(tmp_path, cells, kind):
    text = "k,v\n" + "".join(f"x,{cell}\n" for cell in cells)
    assert kinds(tmp_path, text)["v"] == kind


def test_a_kind_needs_all_values(tmp_path):
    text = "v\n" + "1\n" * 5000 + "x\n"
    assert kinds(tmp_path, text) == {"v": "str"}


def test_the_schema_of_the_baseline_holds(tmp_path):
    """Whole numbers by chance do not make a column of floats one of integers."""
    old, new = written(tmp_path, "a.csv", "v\n8.5\n9.5\n"), written(tmp_path, "b.csv", "v\n8\n9.5\n")
    stored = {**TABLES.schema(old), "columns": [["v", "str"]]}
    rule = ArtifactRule("*", limits=Limits(rel=0.5))
    assert base.judge(TABLES, old, new, rule, stored).status is DRIFT
    assert base.judge(TABLES, old, new, rule, {}).status is WITHIN


def test_a_baseline_that_does_not_fit_its_schema_is_an_error(tmp_path):
    old, new = written(tmp_path, "a.csv", "v\nx\n"), written(tmp_path, "b.csv", "v\ny\n")
    stored = {**TABLES.schema(old), "columns": [["v", "int"]]}
    outcome = base.judge(TABLES, old, new, ArtifactRule("*"), stored)
    assert outcome.status is ERROR
    assert "stored schema: v" in outcome.message


@pytest.mark.parametrize(("old", "new"), [("007", "7"), ("7x", "007x"), ("+1", "1")])
def test_identifiers_are_text(compared, old, new):
    outcome = compared(f"id,v\n{old},1\n", f"id,v\n{new},1\n", key=())
    assert outcome.status is DRIFT
    assert outcome.worst.where == "row 0, column id"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("2024-01-01T10:00:00", "2024-01-01 10:00:00"),
        ("2024-01-01", "2024-01-01T00:00:00.000"),
        ("2024-01-01 10:00", "2024-01-01 10:00:00"),
        ("2024-01-01 10:00:00.1230", "2024-01-01 10:00:00.123"),
        ("2024-01-01 10:00:00Z", "2024-01-01 10:00:00+00:00"),
        ("2024-01-01 10:00:00+0100", "2024-01-01 10:00:00+01:00"),
    ],
)
def test_one_time_in_two_spellings_is_equal(compared, old, new):
    assert compared(f"t\n{old}\n", f"t\n{new}\n").status is EQUAL
    assert compared(f"t\n{new}\n", f"t\n{old}\n").status is EQUAL


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("2024-01-01 10:00:00.123456789", "2024-01-01 10:00:00.123456788"),
        ("2024-01-01 10:00:00", "2024-01-01 10:00:01"),
        ("2024-01-01 10:00:00Z", "2024-01-01 10:00:00"),
        ("2024-01-01", ""),
    ],
)
def test_times_are_exact(compared, old, new):
    outcome = compared(f"k,t\na,{old}\n", f"k,t\na,{new}\n", limits=Limits(rel=1, abs=1))
    assert outcome.status is DRIFT


def test_times_and_booleans_that_no_longer_are(compared):
    outcome = compared("t,b\n2024-01-01,true\n2024-01-02,True\n", "t,b\n2024-01-01,True\nsoon,1\n")
    assert outcome.status is STRUCTURE
    assert column(outcome, "t").message == "1 cell no datetime"
    assert column(outcome, "t").worst == base.Place("row 1", "'2024-01-02'", "'soon'")
    assert column(outcome, "b").message == "1 cell no bool"
    assert compared("b\ntrue\n", "b\nFalse\n").status is DRIFT
    assert compared("b\ntrue\n", "b\nTRUE\n").status is EQUAL


# --- nulls and NaN


def test_an_empty_cell_equals_an_empty_cell_alone(compared):
    assert compared("k,v\na,1.5\nb,\n", "k,v\na,1.50\nb,\n").status is EQUAL
    lost = compared("k,v\na,1.5\nb,\nc,2.5\n", "k,v\na,1.5\nb,2.0\nc,\n")
    assert lost.status is DRIFT
    assert lost.message == "v: 2 of 3 rows, 1 lost null, 1 new null"
    assert lost.worst == base.Place("row 1, column v", "null", "2.0")
    assert lost.used == math.inf


@pytest.mark.parametrize("kind", ["n", "s"])
def test_nulls_in_exact_columns_are_counted(compared, kind):
    cells = {"n": ("1", "2"), "s": ("x", "y")}[kind]
    outcome = compared(f"k,v\na,{cells[0]}\nb,\nc,{cells[0]}\n", f"k,v\na,\nb,{cells[1]}\nc,{cells[1]}\n")
    assert outcome.message == "v: 3 of 3 rows, 1 lost null, 1 new null"
    assert outcome.worst.where == "row 0, column v"


def test_rows_are_named_right_beside_nulls(compared):
    outcome = compared("k,v\na,\nb,\nc,1.5\nd,2.5\n", "k,v\na,\nb,\nc,1.5\nd,3.5\n")
    assert outcome.worst == base.Place("row 3, column v", "2.5", "3.5")
    assert outcome.n == 8


def test_nan_is_no_empty_cell_and_counted_apart(compared):
    assert compared("k,v\na,nan\n", "k,v\na,NaN\n").status is EQUAL
    outcome = compared("k,v\na,1.5\nb,2.5\n", "k,v\na,nan\nb,\n")
    assert outcome.message == "v: 2 of 2 rows, 1 new NaN, 1 new null"


# --- limits and columns


def test_every_bad_column_is_told_with_its_worst_row(compared):
    """assert_frame_equal names the first one alone."""
    rows = 1000
    old = pl.DataFrame({"x": [1.0] * rows, "y": [2.0] * rows, "cls": ["a"] * rows, "n": range(rows)})
    x = [*[1.0] * 776, 3.0, *[1.0] * (rows - 777)]
    new = old.with_columns(pl.Series("x", x), pl.Series("y", [2.0 + 1e-9] * rows)).with_columns(
        pl.when(pl.col("n") == 5).then(pl.lit("b")).otherwise(pl.col("cls")).alias("cls")
    )
    outcome = compared(old, new, suffix="parquet")
    assert outcome.status is DRIFT
    assert (column(outcome, "x").bad, column(outcome, "x").worst.where) == (1, "row 776")
    assert column(outcome, "x").message == "1 of 1,000 rows"
    assert column(outcome, "cls").worst == base.Place("row 5", "'a'", "'b'")
    assert column(outcome, "y").status is WITHIN
    assert column(outcome, "y").used == pytest.approx(5e-4, rel=1e-3)
    assert outcome.n == 4 * rows


def test_noise_near_zero_passes_by_the_columns_scale(compared):
    assert compared("v\n1000.0\n1e-9\n", "v\n1000.0\n2e-9\n").status is WITHIN
    assert compared("v\n1e-9\n", "v\n2e-9\n").status is DRIFT


def test_limits_and_leaving_out_go_by_patterns(compared):
    rule = ArtifactRule(
        "*",
        columns={"x*": Limits(rel=0.5), "n": Limits(abs=2)},
        ignore_columns=("t*",),
    )
    old, new = "x1,x2,n,time,t2\n1.0,2.0,5,1,2\n", "x1,x2,n,t3\n1.1,2.2,7,9\n"
    outcome = compared(old, new, rule=rule)
    assert outcome.status is WITHIN
    assert {part.name: part.limit for part in outcome.parts} == {
        "x1": "rel 0.5, abs 1e-9",
        "x2": "rel 0.5, abs 2e-9",
        "n": "abs 2",
    }


def test_ignored_columns_are_not_read_as_numbers(compared):
    assert compared("v,t\n1,1\n", "v,t\n1,x\n", ignore_columns=("t",)).status is EQUAL


def test_the_order_of_columns_is_told_and_passes(compared):
    outcome = compared("a,b\n1,2.5\n", "b,a\n2.5,1\n")
    assert (outcome.status, outcome.message) == (EQUAL, "the columns are in another order")


def test_a_limit_for_each_failing_column_is_offered(compared):
    old, new = "x,y\n1.0,1.0\n", "x,y\n1.01,1.002\n"
    outcome = compared(old, new, limits=Limits(rel=1e-3))
    assert outcome.allow == "{columns: {x: {rel: 1.1e-2}, y: {rel: 2.2e-3}}}"
    assert compared(old, "x,y\n1.01,nan\n", limits=Limits(rel=1e-3)).allow is None


def test_float32_and_float16_have_limits_of_their_own(compared):
    halves = [(pl.Float16, 1e-3, 1.0)] if MODERN else []
    for dtype, noise, used in ((pl.Float32, 1e-6, 0.1), *halves):
        old = pl.DataFrame({"v": pl.Series([1.0, 100.0]).cast(dtype)})
        new = pl.DataFrame({"v": pl.Series([1.0 + noise, 100.0]).cast(dtype)})
        outcome = compared(old, new, suffix="parquet")
        assert outcome.status is WITHIN
        assert outcome.used == pytest.approx(used, rel=0.2)


FRAME = {
    "list": pl.Series([[1.0, math.nan], None, []]),
    "struct": pl.Series([{"a": 1, "b": "x"}, {"a": None, "b": None}, None]),
    "array": pl.Series([[1, 2], [3, 4], [5, 6]], dtype=pl.Array(pl.Int64, 2)),
    "cat": pl.Series(["a", "b", None], dtype=pl.Categorical),
    "enum": pl.Series(["a", "b", None], dtype=pl.Enum(["a", "b"])),
    "time": pl.Series([dt.datetime(2024, 1, 1, second=s) for s in (1, 2, 3)]),
    "span": pl.Series([dt.timedelta(seconds=s) for s in (1, 2, 3)]),
    "bytes": pl.Series([b"a", b"b", None]),
    "dec": pl.Series(["1.10", "1.20", None]).cast(pl.Decimal(10, 2)),
    "none": pl.Series([None, None, None]),
    "bool": pl.Series([True, False, None]),
}
OTHER = {
    "list": pl.Series([[1.0, 2.0], None, []]),
    "struct": pl.Series([{"a": 1, "b": "y"}, {"a": None, "b": None}, None]),
    "array": pl.Series([[1, 9], [3, 4], [5, 6]], dtype=pl.Array(pl.Int64, 2)),
    "cat": pl.Series(["b", "b", None], dtype=pl.Categorical),
    "enum": pl.Series(["b", "b", None], dtype=pl.Enum(["a", "b"])),
    "time": pl.Series([dt.datetime(2024, 1, 1, second=s) for s in (9, 2, 3)]),
    "span": pl.Series([dt.timedelta(seconds=s) for s in (9, 2, 3)]),
    "bytes": pl.Series([b"z", b"b", None]),
    "dec": pl.Series(["1.11", "1.20", None]).cast(pl.Decimal(10, 2)),
    "bool": pl.Series([False, False, None]),
}
if MODERN:
    FRAME["big"] = pl.Series([2**100, 1, 2], dtype=pl.Int128)
    OTHER["big"] = pl.Series([2**100 + 1, 1, 2], dtype=pl.Int128)


@pytest.mark.parametrize("name", list(FRAME))
@pytest.mark.parametrize("suffix", ["parquet", "feather"])
def test_columns_of_every_type(compared, name, suffix):
    old = pl.DataFrame({"k": [1, 2, 3], name: FRAME[name]})
    moved = pl.DataFrame({name: FRAME[name], "k": [1, 2, 3]})
    assert compared(old, moved, suffix=suffix).status is EQUAL
    if name in OTHER:
        new = old.with_columns(OTHER[name].alias(name))
        outcome = compared(old, new, suffix=suffix, limits=Limits(rel=9, abs=9))
        assert outcome.status is DRIFT
        assert outcome.worst.where == f"row 0, column {name}"
        assert column(outcome, name).bad == 1


def test_the_stream_format_of_arrow(tmp_path):
    old, new = tmp_path / "a.arrow", tmp_path / "b.arrow"
    pl.DataFrame({"v": [1.0]}).write_ipc_stream(old)
    pl.DataFrame({"v": [2.0]}).write_ipc(new)
    assert base.judge(TABLES, old, new, ArtifactRule("*"), {}).status is DRIFT


# --- rows


def test_another_number_of_rows_is_a_drift_of_structure(compared):
    outcome = compared("v\n1.5\n2.5\n", "v\n1.5\n")
    assert (outcome.status, outcome.message) == (STRUCTURE, "rows: 2 -> 1")


KEYED = "id,g,v\n1,a,1.5\n2,a,2.5\n3,b,3.5\n"


def test_rows_are_joined_by_key(compared):
    assert compared(KEYED, "id,g,v\n3,b,3.5\n1,a,1.5\n2,a,2.5\n", key=("id",)).status is EQUAL
    assert compared(KEYED, "id,g,v\n3,b,3.5\n1,a,1.5\n2,a,2.5\n").status is DRIFT
    outcome = compared(KEYED, "id,g,v\n3,b,3.5\n1,a,1.5\n2,a,9.5\n", key=("id",))
    assert outcome.worst == base.Place("row id=2, column v", "2.5", "9.5")


def test_rows_without_a_partner_are_named(compared):
    outcome = compared(KEYED, "id,g,v\n4,c,1.0\n1,a,1.5\n2,a,9.5\n", key=("id", "g"))
    assert outcome.status is STRUCTURE
    assert "1 row lost: id=3, g='b'" in outcome.message
    assert "1 row new: id=4, g='c'" in outcome.message
    assert column(outcome, "v").bad == 1


def test_very_many_lost_rows_are_counted(compared):
    many = "id\n" + "".join(f"{i}\n" for i in range(9))
    assert "8 rows lost: id=1, id=2, id=3, …" in compared(many, "id\n0\n", key=("id",)).message


def test_empty_keys_join_too(compared):
    assert compared("id,v\n1,1.5\n,2.5\n", "id,v\n,2.5\n1,1.5\n", key=("id",)).status is EQUAL


def test_categories_are_joined_by_their_text(compared):
    frames = [
        pl.DataFrame({"k": pl.Series(keys, dtype=pl.Categorical), "v": values})
        for keys, values in ((["a", "b"], [1.0, 2.0]), (["b", "a"], [2.0, 1.0]))
    ]
    assert compared(*frames, suffix="parquet", key=("k",)).status is EQUAL
    assert compared(*frames, suffix="parquet", order="any").status is EQUAL


@pytest.mark.parametrize("side", ["baseline", "result"])
def test_a_key_that_occurs_twice_is_an_error(compared, side):
    twice = "id,v\n1,1.5\n1,2.5\n"
    pair = (twice, "id,v\n1,1.5\n2,2.5\n") if side == "baseline" else ("id,v\n1,1.5\n2,2.5\n", twice)
    outcome = compared(*pair, key=("id",))
    assert outcome.status is ERROR
    assert outcome.message == f"the key is not unique in the {side}: id=1"


def test_a_key_that_is_no_column(compared):
    outcome = compared(KEYED, KEYED + "4,d,1\n", key=("nr",))
    assert (outcome.status, outcome.message) == (ERROR, "the key nr is no column of the baseline")
    lost = compared(KEYED, "g,v\na,1.5\na,2.5\nb,3.5\n", key=("id",))
    assert (lost.status, lost.message) == (STRUCTURE, "id: column lost")


def test_a_key_that_is_misread(compared):
    outcome = compared(KEYED, KEYED.replace("3,b", "x,b"), key=("id",))
    assert (outcome.status, outcome.message) == (STRUCTURE, "id: 1 cell no int")


def test_rows_in_any_order(compared):
    old = "g,v\nb,2.0\na,1.0\nb,3.0\n"
    assert compared(old, "g,v\nb,3.0\nb,2.00000001\na,1.0\n", order="any").status is WITHIN
    outcome = compared(old, "g,v\nb,3.0\nb,2.5\na,1.0\n", order="any")
    assert outcome.worst == base.Place("row 0, column v", "2.0", "2.5")
    assert compared(old, "g,v\nb,3.0\n", order="any").message == "rows: 3 -> 1"
    assert compared(old, "g\nb\nb\na\n", order="any").message == "v: column lost"


def test_rows_in_any_order_are_a_multiset(compared):
    assert compared("v\n1\n1\n2\n", "v\n1\n2\n2\n", order="any").status is DRIFT


def test_rows_of_lists_in_any_order_stay_in_theirs(compared):
    frame = pl.DataFrame({"v": [[1], [2]]})
    assert compared(frame, frame.reverse(), suffix="parquet", order="any").status is DRIFT


# --- how CSV is written


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("a;b\n1.5;x\n", "a;b\n1.50;x\n"),
        ("a\tb\n1.5\tx\n", "a\tb\n1.50\tx\n"),
        ('a,b\n1.5,"x,y"\n', 'a,b\n1.50,"x,y"\n'),
        ("a,b\n1.5,x\n", "\ufeffa,b\n1.50,x\n"),
        ("a,b\n1.5,x\n", "a,b\r\n1.5,x\r\n"),
        ("a,b\n1.5,x\n", "a,b\n1.5,x"),
        ("1.5,2\n2.5,3\n", "1.50,2\n2.5,3\n"),
        ('"a\nb",c\n1.5,x\n', '"a\nb",c\n1.50,x\n'),
        ("", "\n"),
    ],
)
def test_spellings_of_one_table_are_equal(compared, old, new):
    assert compared(old, new).status is EQUAL


def test_a_semicolon_is_found_out(tmp_path):
    schema = TABLES.schema(written(tmp_path, "t.csv", "a;b\n1,5;x\n"))
    assert schema == {
        "format": "csv",
        "separator": ";",
        "header": True,
        "columns": [["a", "str"], ["b", "str"]],
        "rows": 1,
    }
    assert TABLES.schema(written(tmp_path, "t.tsv", "a\tb\n1\t2\n"))["columns"] == [
        ["a", "int"],
        ["b", "int"],
    ]


@pytest.mark.parametrize(
    ("text", "names", "rows"),
    [
        ("1.5,2\n3,4\n", ["column 1", "column 2"], 2),
        ("0,1,2\n3,4,5\n", ["0", "1", "2"], 1),
        (",a\n0,1\n", ["", "a"], 1),
        ("a,b", ["a", "b"], 0),
        ("", [], 0),
        ("a,b\n1\n", ["a", "b"], 1),
    ],
)
def test_names_of_columns(tmp_path, text, names, rows):
    schema = TABLES.schema(written(tmp_path, "t.csv", text))
    assert [name for name, _ in schema["columns"]] == names
    assert schema["rows"] == rows


def test_names_that_occur_twice_are_told_apart(compared):
    outcome = compared("a,a\n1.5,2.5\n", "a,a\n1.5,9.5\n")
    assert outcome.status is DRIFT
    assert len(outcome.parts) == 2
    assert outcome.worst.baseline == "2.5"


def test_a_first_line_longer_than_a_block(compared):
    names = ",".join(f"column_{i:05}" for i in range(8000))
    cells = ",".join(["1.5"] * 8000)
    outcome = compared(f"{names}\n{cells}\n", f"{names}\n{cells[:-3]}2.5\n")
    assert outcome.worst.where == "row 0, column column_07999"


def test_names_that_look_like_patterns_or_partitions(tmp_path):
    folder = tmp_path / "x=1" / "[a]*"
    folder.mkdir(parents=True)
    for suffix in ("csv", "parquet"):
        frame = pl.DataFrame({"v": [1.0]})
        paths = folder / f"o[1].{suffix}", folder / f"n?.{suffix}"
        for path, value in zip(paths, (frame, frame * 2), strict=True):
            value.write_csv(path) if suffix == "csv" else value.write_parquet(path)
        outcome = base.judge(TABLES, *paths, ArtifactRule("*"), TABLES.schema(paths[0]))
        assert outcome.status is DRIFT
        assert [part.name for part in outcome.parts] == ["v"]


# --- what cannot be read

BROKEN = [
    ("csv", b"a,b\n1,2,3\n"),
    ("csv", "a,b\né,2\n".encode("latin-1")),
    ("csv", b'a,b\n"x,1\n'),
    ("parquet", b""),
    ("parquet", b"PAR1 no PAR1"),
    ("feather", b"ARROW1 no"),
    ("arrow", b"\xff\xff\xff\xff"),
]


@pytest.mark.parametrize(("suffix", "content"), BROKEN)
def test_a_broken_result_is_a_drift_of_structure(tmp_path, suffix, content):
    frame = pl.DataFrame({"a": [1], "b": ["x"]})
    old = tmp_path / f"old.{suffix}"
    {"csv": frame.write_csv, "parquet": frame.write_parquet}.get(suffix, frame.write_ipc)(old)
    new = written(tmp_path, f"new.{suffix}", content)
    outcome = base.judge(TABLES, old, new, ArtifactRule("*"), TABLES.schema(old))
    assert outcome.status is STRUCTURE
    assert outcome.message.startswith("the result is not readable: not readable as ")
    with pytest.raises(UndecodableError):
        TABLES.schema(new)
    swapped = base.judge(TABLES, new, old, ArtifactRule("*"), {})
    assert swapped.status is ERROR
    assert "baseline" in swapped.message


def test_a_truncated_parquet_file(tmp_path):
    old = tmp_path / "old.parquet"
    pl.DataFrame({"a": list(range(1000))}).write_parquet(old)
    new = written(tmp_path, "new.parquet", old.read_bytes()[:-20])
    assert base.judge(TABLES, old, new, ArtifactRule("*"), {}).status is STRUCTURE


def test_another_format_is_a_drift_of_structure(tmp_path):
    old, new = written(tmp_path, "a.csv", "a\n1\n"), written(tmp_path, "a.tsv", "a\n2\n")
    assert base.judge(TABLES, old, new, ArtifactRule("*"), {}).message == "format csv -> tsv"


# --- laws

CELLS = st.one_of(
    st.none(), st.integers(-(2**63), 2**63 - 1), st.floats(), st.text(max_size=5), st.booleans()
)


@given(st.lists(st.floats() | st.none(), min_size=1, max_size=20), st.integers(0, 19), st.floats())
def test_one_changed_cell_is_found(tmp_path_factory, values, index, value):
    folder = tmp_path_factory.mktemp("laws")
    index %= len(values)
    changed = [*values[:index], value, *values[index + 1 :]]
    frames = [
        pl.DataFrame({"k": range(len(values)), "v": pl.Series(v, dtype=pl.Float64)})
        for v in (values, changed)
    ]
    same = frames[0].equals(frames[1])
    for suffix in ("csv", "parquet"):
        paths = folder / f"old.{suffix}", folder / f"new.{suffix}"
        for frame, path in zip(frames, paths, strict=True):
            frame.write_csv(path) if suffix == "csv" else frame.write_parquet(path)
        rule = ArtifactRule("*", limits=Limits(rel=0, abs=0))
        outcome = base.judge(TABLES, *paths, rule, TABLES.schema(paths[0]))
        assert outcome.status.ok == same
        if not same and suffix == "parquet":
            assert outcome.worst.where == f"row {index}, column v"


@given(st.binary(max_size=60), st.binary(max_size=60))
def test_any_bytes_give_an_outcome(tmp_path_factory, one, other):
    folder = tmp_path_factory.mktemp("bytes")
    paths = written(folder, "old.csv", one), written(folder, "new.csv", other)
    outcome = base.judge(TABLES, *paths, ArtifactRule("*"), {})
    if outcome.status.ok:
        assert TABLES.schema(paths[0])["rows"] == TABLES.schema(paths[1])["rows"]


# --- timings, by the names of columns

TIMED = "model,mean_fit_time,score\na,0.5,0.9\nb,0.25,0.8\n"
SLOWER = TIMED.replace("0.5", "1.5").replace("0.25", "2.5")


def test_a_column_called_like_a_timing_is_set_aside_and_told(compared):
    outcome = compared(TIMED, SLOWER)
    assert (outcome.status, outcome.bad) == (EQUAL, 0)
    timed = column(outcome, "mean_fit_time")
    assert (timed.status, timed.message) == (CheckStatus.ASIDE, "a timing by its name, not compared")
    assert (timed.worst.baseline, timed.worst.result) == ("0.25", "2.5")
    assert compared(TIMED, SLOWER.replace("0.9", "0.91")).status is DRIFT


def test_a_timing_that_is_the_same_is_as_any_column(compared):
    outcome = compared(TIMED, TIMED.replace("0.9", "0.90"))
    assert column(outcome, "mean_fit_time").status is EQUAL


@pytest.mark.parametrize(
    "columns", [{"mean_fit_time": Limits()}, {"*_time": Limits(rel=0.1)}, {"*": Limits(), "m*t*": Limits()}]
)
def test_a_rule_that_names_it_brings_it_back(compared, columns):
    assert column(compared(TIMED, SLOWER, columns=columns), "mean_fit_time").status is DRIFT


@pytest.mark.parametrize("rule", [{"columns": {"*": Limits(rel=1e-3)}}, {"limits": Limits(rel=1e-3)}])
def test_a_rule_for_everything_does_not(compared, rule):
    assert column(compared(TIMED, SLOWER, **rule), "mean_fit_time").status is CheckStatus.ASIDE


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (TIMED, TIMED.replace("mean_fit_time", "fit"), "mean_fit_time: column lost; fit: column new"),
        (TIMED, SLOWER.replace("1.5", "long"), "mean_fit_time: 1 cell no float"),
        (TIMED, SLOWER.replace("1.5", ""), "mean_fit_time: 2 of 2 rows, 1 new null"),
        (TIMED, SLOWER.replace("1.5", "nan"), "mean_fit_time: 2 of 2 rows, 1 new NaN"),
        ("runtime,n\n148,1\n", "runtime,n\n149,1\n", "runtime: 1 of 1 row"),  # whole numbers are data
        ("time,n\n1.5,1\n", "time,n\n2.5,1\n", "time: 1 of 1 row"),
    ],
)  # fmt: skip
def test_presence_and_type_still_count(compared, old, new, message):
    outcome = compared(old, new)
    assert outcome.status is not EQUAL
    assert outcome.message == message


def test_durations_are_timings_too(compared):
    frames = [pl.DataFrame({"elapsed": [dt.timedelta(seconds=n)], "n": [1]}) for n in (1, 2)]
    assert column(compared(*frames, suffix="parquet"), "elapsed").status is CheckStatus.ASIDE


def test_a_table_of_nothing_else_is_set_aside_as_a_whole(compared):
    assert compared("elapsed\n0.5\n", "elapsed\n1.5\n").status is CheckStatus.ASIDE
    assert compared("elapsed\n0.5\n", "elapsed\n1.5\n1.5\n").status is STRUCTURE


def test_timings_do_not_sort_rows_nor_are_keys_set_aside(compared):
    old, new = "fit_time,score\n0.1,0.9\n0.2,0.8\n", "fit_time,score\n0.2,0.9\n0.1,0.8\n"
    assert compared(old, new, order="any").status is EQUAL
    outcome = compared(old, new, key=("fit_time",))
    assert column(outcome, "score").status is DRIFT
