"""Sketches of tables: they prove drifts, and never one that is none."""

from __future__ import annotations

import datetime as dt
import math

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_nbrepro import comparers, files
from pytest_nbrepro.comparers import batches, sketches
from pytest_nbrepro.comparers.base import judge
from pytest_nbrepro.comparers.sketches import blocks
from pytest_nbrepro.comparers.tables import TableComparer
from pytest_nbrepro.errors import UndecodableError
from pytest_nbrepro.model import Artifact, ArtifactRule, CheckStatus, Limits

N = 2000
EQUAL, UNPROVEN, DRIFT = CheckStatus.EQUAL, CheckStatus.UNPROVEN, CheckStatus.DRIFT
STRUCTURE, DIFFERS, ERROR = CheckStatus.STRUCTURE, CheckStatus.DIFFERS, CheckStatus.ERROR
FORMATS = ["csv", "tsv", "parquet", "feather", "arrow"]


@pytest.fixture
def compare(tmp_path):
    return lambda old, new, suffix="csv", rule=None, **limits: compared(
        tmp_path, old, new, suffix, rule or ArtifactRule("*", Limits(**limits))
    )


def save(path, frame):
    if isinstance(frame, str):
        path.write_text(frame)
    elif path.suffix in {".csv", ".tsv"}:
        frame.write_csv(path, separator="\t" if path.suffix == ".tsv" else ",")
    elif path.suffix == ".parquet":
        frame.write_parquet(path)
    elif path.suffix == ".arrow":
        frame.write_ipc_stream(path)
    else:
        frame.write_ipc(path)
    return path


def described(path):
    return comparers.described(
        Artifact(path.name, "", path.name, files.sha256(path), path.stat().st_size), path.parent
    )


def compared(folder, old, new, suffix, rule):
    """Compare by way of the door that all take, with a baseline of which the sketch alone is kept."""
    accepted = described(save(folder / f"old.{suffix}", old))
    sketches.write(folder / accepted.path, "table", accepted.schema, folder / "old.sketch.npz")
    kept = Artifact(
        accepted.name, "table", "old.sketch.npz", accepted.sha256, 1, accepted.schema, stored="sketch"
    )
    return comparers.compare(kept, folder, described(save(folder / f"new.{suffix}", new)), folder, rule)


def table(n=N, **more):
    random = np.random.default_rng(1)
    columns = {
        "id": np.arange(n),
        "x": random.normal(size=n),
        "kind": pl.Series(random.integers(0, 9, n)).cast(pl.String) + "k",
    }
    return pl.DataFrame({**columns, **more})


def put(frame, column, row, value):
    values = frame[column].to_list()
    values[row] = value
    return frame.with_columns(pl.Series(column, values, frame.schema[column]))


def by_name(check):
    return {part.name: part for part in check.parts}


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_block_that_differs_proves_a_drift_and_names_column_and_rows(compare, suffix):
    found = compare(table(), put(table(), "x", 1000, 9.5), suffix)
    assert (found.status, found.bad) == (DRIFT, 1)
    column = by_name(found)["x"]
    first, last = map(int, column.worst.where.removeprefix("rows ").split(" to "))
    assert first <= 1000 <= last
    assert last - first < N / 10
    assert 1 < column.used < 9.5 / 1e-9
    assert found.worst.where == f"{column.worst.where}, column x"
    assert "blocks of rows prove a drift" in found.message
    assert {name: part.status for name, part in by_name(found).items() if name != "x"} == {
        "id": EQUAL, "kind": EQUAL,
    }  # fmt: skip


@pytest.mark.parametrize("suffix", FORMATS)
def test_noise_within_limits_is_unproven_and_said_to_be(compare, suffix):
    found = compare(table(), table().with_columns(pl.col("x") * (1 + 1e-12)), suffix)
    assert (found.status, found.used, found.bad, found.n) == (UNPROVEN, None, 0, 3 * N)
    assert found.message.startswith("no drift proven in 1 of 3 columns: their sums agree")
    assert by_name(found)["x"].message.startswith("no drift proven: ")


@pytest.mark.parametrize("suffix", ["csv", "parquet", "feather"])
def test_equal_values_are_equal_however_they_are_written(compare, tmp_path, suffix):
    if suffix == "csv":
        found = compare(table(), ("\r\n").join(table().write_csv().splitlines()))
    else:
        frame = table()
        found = compare(frame, frame, suffix)
        write = frame.write_parquet if suffix == "parquet" else frame.write_ipc
        write(tmp_path / f"other.{suffix}", compression="zstd" if suffix == "feather" else "snappy")
        accepted = described(tmp_path / f"old.{suffix}")
        outcome = sketches.compare(
            tmp_path / "old.sketch.npz",
            tmp_path / f"other.{suffix}",
            "table",
            ArtifactRule("*"),
            accepted.schema,
        )
        assert outcome.status is EQUAL
    assert found.status is EQUAL


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda frame: frame.drop("kind"), "kind: column lost"),
        (lambda frame: frame.with_columns(pl.lit(1).alias("more")), "more: column new"),
        (lambda frame: frame[:-1], f"rows: {N:,} -> {N - 1:,}"),
        (lambda frame: pl.concat([frame, frame[:1]]), f"rows: {N:,} -> {N + 1:,}"),
        (lambda frame: frame[:0], f"rows: {N:,} -> 0"),
    ],
)
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_structure(compare, suffix, change, message):
    found = compare(table(), change(table()), suffix)
    assert (found.status, found.message) == (STRUCTURE, message)


def test_another_dtype_fails(compare):
    found = compare(table(), table().with_columns(pl.col("x").cast(pl.Float32)), "parquet")
    assert (found.status, found.message) == (STRUCTURE, "x: dtype Float64 -> Float32")


def test_cells_of_a_csv_that_are_none_of_their_kind(compare, monkeypatch):
    monkeypatch.setattr(batches, "PIECE", 1 << 12)
    new = table().with_columns(
        pl.when(pl.col("id") >= N - 2).then(pl.lit("lost")).otherwise(pl.col("x").cast(pl.String)).alias("x")
    )
    found = compare(table(), new)
    assert (found.status, found.message) == (STRUCTURE, "x: 2 cells no float")
    assert (found.worst.where, found.worst.result) == (f"row {N - 2}, column x", "'lost'")


def test_the_order_of_columns_is_told_and_passes(compare):
    found = compare(table(), table().select("x", "id", "kind"))
    assert (found.status, found.message) == (EQUAL, "the columns are in another order")


def test_another_format_is_a_drift_of_structure(tmp_path):
    path = save(tmp_path / "a.csv", table())
    schema = described(path).schema
    sketches.write(path, "table", schema, tmp_path / "sketch")
    other = save(tmp_path / "a.parquet", table())
    found = sketches.compare(tmp_path / "sketch", other, "table", ArtifactRule("*"), schema)
    assert (found.status, found.message) == (STRUCTURE, "format csv -> parquet")


def test_limits_and_leaving_out_go_by_column(compare):
    new = put(table().with_columns(pl.col("x") + 0.01), "kind", 5, "other")
    assert by_name(compare(table(), new))["x"].status is DRIFT
    rule = ArtifactRule("*", columns={"x": Limits(abs=0.02)}, ignore_columns=("kind", "gone"))
    found = compare(table(), new.with_columns(pl.lit(1).alias("gone")), rule=rule)
    assert (found.status, [part.name for part in found.parts]) == (UNPROVEN, ["x", "id"])


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_integers_are_exact(compare, suffix):
    found = compare(table(), put(table(), "id", 7, 8), suffix)
    assert (found.status, found.used) == (DRIFT, math.inf)
    swapped = put(put(table(), "id", 0, 1), "id", 1, 0)
    assert "nothing tells where" in compare(table(), swapped, suffix).message
    assert compare(table(), swapped, suffix, abs=1).status is UNPROVEN


@pytest.mark.parametrize("column", ["id", "x", "kind"])
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_value_that_is_gone_is_counted(compare, suffix, column):
    one = put(table(), column, 100, None)
    assert compare(one, one, suffix).status is EQUAL
    for old, new in ((table(), one), (one, table())):
        assert by_name(compare(old, new, suffix))[column].status is DRIFT
    assert by_name(compare(one, put(table(), column, 900, None), suffix))[column].status is DRIFT


def test_nan_and_infinity_are_counted(compare):
    for bad in (math.nan, math.inf, -math.inf):
        found = compare(table(), put(table(), "x", 3, bad))
        assert (found.status, found.used) == (DRIFT, math.inf)


DAY = dt.date(2026, 1, 1)
COLUMNS = {
    "bool": pl.Series([True, False, None]),
    "date": pl.Series([DAY, DAY, None]),
    "datetime": pl.Series([dt.datetime(2026, 1, 1, 12), None, dt.datetime(2026, 1, 2)]),
    "duration": pl.Series([dt.timedelta(1), None, dt.timedelta(2)]),
    "time": pl.Series([dt.time(1), None, dt.time(2)]),
    "category": pl.Series(["a", "b", None], dtype=pl.Categorical),
    "enum": pl.Series(["a", "b", None], dtype=pl.Enum(["a", "b", "c"])),
    "decimal": pl.Series(["1.10", "1.20", None]).cast(pl.Decimal(10, 2)),
    "binary": pl.Series([b"a", b"\xff\x00", None]),
    "list": pl.Series([[1.0, None], [], None], dtype=pl.List(pl.Float64)),
    "struct": pl.Series([{"a": 1, "b": "x"}, {"a": None, "b": "y"}, None]),
    "array": pl.Series([[1, 2], [3, 4], None], dtype=pl.Array(pl.Int64, 2)),
    "null": pl.Series([None, None, None]),
}


OLD = tuple(map(int, pl.__version__.split(".")[:2])) < (
    1,
    31,
)  # there slices of scanned structs with nulls panic


@pytest.mark.parametrize(
    "name", [name for name in COLUMNS if name != "null" and not (OLD and name == "struct")]
)
def test_columns_of_every_type_have_hashes(compare, name):
    frame = pl.DataFrame({"c": pl.concat([COLUMNS[name]] * 40)})
    assert compare(frame, frame.clone(), "parquet").status is EQUAL
    for other in (frame[::-1], frame.fill_null(strategy="forward")):
        found = compare(frame, other, "parquet")
        assert (found.status, found.used) == (DRIFT, math.inf)


def test_a_column_of_nulls(compare):
    frame = pl.DataFrame({"c": COLUMNS["null"], "n": [1, 2, 3]})
    assert (
        by_name(compare(frame, frame.with_columns(pl.Series("n", [1, 2, 4])), "parquet"))["c"].status is EQUAL
    )


def test_lists_are_not_taken_for_one_another(compare):
    def of(*rows):
        return pl.DataFrame({"c": pl.Series(rows, dtype=pl.List(pl.String))})

    pairs = [
        (of(["ab"], ["c"]), of(["a"], ["bc"])),
        (of(["a", "b"], ["c"]), of(["a"], ["b", "c"])),
        (of([], [None]), of([None], [])),
        (of([], ["a"]), of(None, ["a"])),
    ]
    for one, other in pairs:
        assert compare(one, other, "parquet").status is DRIFT


def test_times_and_booleans_in_another_spelling_are_equal(compare):
    old = "when,ok,s\n" + "2026-01-01T00:00:00Z,true,True\n" * 50 + "2026-01-01 01:00,False,x\n"
    new = "when,ok,s\n" + "2026-01-01 00:00:00.0+00:00,True,True\n" * 50 + "2026-01-01T01:00:00,FALSE,x\n"
    assert compare(old, new).status is EQUAL
    found = by_name(compare(old, new.replace(",True\n", ",true\n")))
    assert {name: part.status for name, part in found.items()} == {"when": EQUAL, "ok": EQUAL, "s": DRIFT}


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_columns_that_are_called_like_timings_are_set_aside(compare, suffix):
    old = table(fit_time=np.arange(N) / 7, elapsed=pl.Series([dt.timedelta(1)] * N))
    new = old.with_columns(pl.col("fit_time") * 2, pl.lit(dt.timedelta(2)).alias("elapsed"))
    if suffix == "csv":
        old, new = old.drop("elapsed"), new.drop("elapsed")
    found = compare(old, new, suffix)
    assert found.status is EQUAL  # of what is compared
    assert {part.name for part in found.parts if part.status is CheckStatus.ASIDE} == {*old.columns} - {
        "id",
        "x",
        "kind",
    }
    assert compare(old, new, suffix, ArtifactRule("*", order="any")).status is EQUAL
    named = ArtifactRule("*", columns={"fit_time": Limits(), "elapsed": Limits()})
    assert compare(old, new, suffix, named).status is DRIFT
    assert compare(old, put(old, "fit_time", 3, math.nan), suffix).status is DRIFT
    assert compare(old, put(old, "fit_time", 3, None), suffix).status is DRIFT


# --- rows that are joined, or may come in any order


def test_rows_are_joined_where_the_key_is_the_same(compare):
    rule = ArtifactRule("*", key=("id",))
    assert compare(table(), table().with_columns(pl.col("x") * (1 + 1e-12)), rule=rule).status is UNPROVEN
    assert by_name(compare(table(), put(table(), "x", 3, 9.0), rule=rule))["x"].status is DRIFT
    only = ArtifactRule("*", key=("id",), ignore_columns=("id", "kind"))
    found = compare(table(), table().with_columns(pl.col("x") * (1 + 1e-12)), rule=only)
    assert (found.status, [part.name for part in found.parts]) == (UNPROVEN, ["x"])


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_another_order_of_the_key_never_passes(compare, suffix):
    rule = ArtifactRule("*", key=("id",))
    found = compare(table(), table()[::-1], suffix, rule)
    assert found.status is DIFFERS
    assert found.message == (
        "rows: differs, can't say how much: the key id has other values or another order, and of the baseline only "
        "sums of rows in their order are kept"
    )
    found = compare(table(), table()[::-1].with_columns(pl.col("x") + 1), suffix, rule)
    assert by_name(found)["x"].status is DRIFT
    assert compare(table(), table()[::-1], suffix).status is DRIFT


def test_a_key_that_cannot_join_is_an_error(compare):
    twice = table(kind=pl.Series(["a", "b"] * (N // 2)))
    found = compare(
        twice, twice.with_columns(pl.col("x") * (1 + 1e-12)), rule=ArtifactRule("*", key=("kind",))
    )
    assert (found.status, found.message) == (ERROR, "the key is not unique in the result: kind='a'")
    found = compare(table(), put(table(), "x", 1, 0.0), rule=ArtifactRule("*", key=("gone",)))
    assert (found.status, found.message) == (ERROR, "the key gone is no column of the baseline")


def test_rows_in_any_order_pass_only_where_they_are_equal(compare):
    rule = ArtifactRule("*", order="any")
    assert compare(table(), table(), rule=rule).status is EQUAL
    for other in (table()[::-1], table().with_columns(pl.col("x") * (1 + 1e-12))):
        found = compare(table(), other, rule=rule)
        assert (found.status, found.message.partition(":")[0]) == (DIFFERS, "rows")
        assert "rows may come in any order" in found.message
    assert (
        by_name(compare(table(), table()[::-1].with_columns(pl.col("x") + 1), rule=rule))["x"].status is DRIFT
    )


# --- files


def test_a_broken_result_or_sketch_never_passes(tmp_path):
    path = save(tmp_path / "a.parquet", table())
    schema = described(path).schema
    sketches.write(path, "table", schema, tmp_path / "sketch")
    (tmp_path / "b.parquet").write_bytes(path.read_bytes()[:-100])
    rule = ArtifactRule("*")
    found = sketches.compare(tmp_path / "sketch", tmp_path / "b.parquet", "table", rule, schema)
    assert found.status is STRUCTURE
    other = {**schema, "columns": schema["columns"][:2]}
    assert sketches.compare(tmp_path / "sketch", path, "table", rule, other).status is ERROR
    (tmp_path / "sketch").write_bytes(b"no")
    assert sketches.compare(tmp_path / "sketch", path, "table", rule, schema).status is ERROR


def test_a_file_that_changed_since_it_was_described_has_no_sketch(tmp_path):
    path = save(tmp_path / "a.csv", table())
    schema = described(path).schema
    save(path, table(N + 1))
    with pytest.raises(UndecodableError, match="does not fit"):
        sketches.write(path, "table", schema, tmp_path / "sketch")


def test_sketches_are_small_and_do_not_depend_on_pieces(tmp_path, monkeypatch):
    path = save(tmp_path / "a.csv", table(50_000))
    schema = described(path).schema
    sketches.write(path, "table", schema, tmp_path / "one")
    monkeypatch.setattr(batches, "PIECE", 777)
    sketches.write(path, "table", schema, tmp_path / "two")
    one, two = sketches.read(tmp_path / "one"), sketches.read(tmp_path / "two")
    assert {name: sketch.about for name, sketch in one.items()} == {name: s.about for name, s in two.items()}
    assert (tmp_path / "one").stat().st_size < path.stat().st_size / 8


# --- laws

NUMBERS = st.one_of(
    st.none(), st.floats(allow_subnormal=False), st.sampled_from([0.0, 1.0, math.nan, math.inf])
)
CELLS = {
    "f": (pl.Float64, NUMBERS),
    "g": (
        pl.Float32,
        NUMBERS.map(lambda x: None if x is None else float(np.float32(np.clip(x, -1e38, 1e38)))),
    ),
    "i": (pl.Int64, st.none() | st.integers(-(2**63), 2**63 - 1) | st.integers(-3, 3)),
    "s": (pl.String, st.none() | st.text("ab\n", max_size=3)),
    "b": (pl.Boolean, st.none() | st.booleans()),
}


@st.composite
def pairs(draw):
    """Two tables of the same columns, the second a little changed."""
    n = draw(st.integers(1, 12))
    names = draw(st.lists(st.sampled_from(sorted(CELLS)), min_size=1, unique=True))
    old = {name: draw(st.lists(CELLS[name][1], min_size=n, max_size=n)) for name in names}
    new = {name: list(values) for name, values in old.items()}
    for _ in range(draw(st.integers(0, 3))):
        name, row = draw(st.sampled_from(names)), draw(st.integers(0, n - 1))
        value = old[name][row]
        if isinstance(value, float) and math.isfinite(value) and draw(st.booleans()):
            new[name][row] = value * (1 + draw(st.floats(-1e-4, 1e-4)))
        else:
            new[name][row] = draw(CELLS[name][1])
    frames = [
        pl.DataFrame(
            {name: pl.Series(values, dtype=CELLS[name][0], strict=False) for name, values in side.items()}
        )
        for side in (old, new)
    ]
    if draw(st.sampled_from([False, False, False, True])):
        frames[1] = frames[1][1:]
    if draw(st.booleans()):
        frames[1] = frames[1].sample(fraction=1.0, shuffle=True, seed=draw(st.integers(0, 99)))
    return frames


RULES = st.builds(
    ArtifactRule,
    st.just("*"),
    limits=st.builds(Limits, rel=st.none() | st.floats(0, 2), abs=st.none() | st.floats(0, 1e6)),
    key=st.sampled_from([(), (), ("i",), ("s",)]),
    order=st.sampled_from(["position", "position", "any"]),
    ignore_columns=st.sampled_from([(), (), ("f", "s"), ("*",)]),
)


@settings(max_examples=200)
@given(pairs(), RULES, st.sampled_from(["csv", "parquet", "feather"]), st.integers(1, 8))
def test_no_false_alarm_and_no_false_equal(tmp_path_factory, pair, rule, suffix, most):
    """What the comparer of whole files passes is no proven drift; what is equal to a sketch is so to the comparer."""
    folder = tmp_path_factory.getbasetemp()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "BLOCKS", most)
        patch.setattr(blocks, "_BYTES", 1)
        found = compared(folder, *pair, suffix, rule)
    old, new = folder / f"old.{suffix}", folder / f"new.{suffix}"
    truth = judge(TableComparer(), old, new, rule, described(old).schema)
    if found.status in {DRIFT, STRUCTURE}:
        assert not truth.status.ok
    if (
        found.status is EQUAL and truth.status is not ERROR
    ):  # equal rows whose key occurs twice are still equal
        assert truth.status is EQUAL
    if found.status is UNPROVEN:
        assert not rule.key or truth.status is not ERROR
        assert rule.order != "any" or rule.key
    for name, part in by_name(found).items():
        other = by_name(truth).get(name)
        if part.status is DRIFT and other and other.used is not None and not rule.key and rule.order != "any":
            assert part.used <= other.used * (1 + 1e-9) or part.used == math.nextafter(1, 2)
