"""The bad rows of two tables, and their neighbours."""

from __future__ import annotations

import polars as pl
import pytest

from pytest_nbrepro.comparers.excerpts import COLUMNS, ROWS, excerpt
from pytest_nbrepro.comparers.tables import TableComparer
from pytest_nbrepro.model import ArtifactRule, Limits


@pytest.fixture
def cut(tmp_path):
    """The excerpt of two CSV texts or frames, and of the columns in which the comparer finds faults."""

    def make(old, new, **rule):
        paths = []
        for name, content in (("old", old), ("new", new)):
            path = tmp_path / f"{name}.{'csv' if isinstance(content, str) else 'parquet'}"
            if isinstance(content, str):
                path.write_text(content)
            else:
                content.write_parquet(path)
            paths.append(path)
        asked = ArtifactRule("*", **rule)
        schema = TableComparer().schema(paths[0])
        outcome = TableComparer().compare(*paths, asked, schema)
        failing = [part.name for part in outcome.parts if not part.status.ok]
        return excerpt(*paths, asked, schema, failing), outcome

    return make


def rows(found):
    return [(row.name, row.bad, row.after_gap) for row in found.rows]


def table(values, column="v"):
    return f"id,{column}\n" + "".join(f"{i},{value}\n" for i, value in enumerate(values))


def test_a_bad_row_and_its_neighbours(cut):
    found, outcome = cut(table([0.5] * 20), table([*[0.5] * 7, 0.75, *[0.5] * 12]))
    assert rows(found) == [("6", False, False), ("7", True, False), ("8", False, False)]
    assert found.columns == ("id", "v")
    bad = found.rows[1].cells[1]
    assert (bad.baseline, bad.result, bad.bad) == ("0.5", "0.75", True)
    assert not found.rows[1].cells[0].bad
    assert (found.bad, found.total, found.hidden) == (outcome.bad, 20, 0) == (1, 20, 0)


def test_gaps_are_marked_and_ends_have_one_neighbour(cut):
    values = [0.5] * 10
    found, _ = cut(table(values), table([0.6, *values[1:-1], 0.6]))
    assert rows(found) == [("0", True, False), ("1", False, False), ("8", False, True), ("9", True, False)]


def test_of_many_the_worst(cut):
    found, outcome = cut(table([1.0] * 100), table([1.0 + i / 100 for i in range(100)]))
    assert [row.name for row in found.rows if row.bad][-ROWS:] == [str(i) for i in range(100 - ROWS, 100)]
    assert found.bad == outcome.bad == 99


def test_rows_within_their_limit_are_not_bad(cut):
    old, new = table([1.0, 2.0, 3.0, 4.0, 5.0]), table([1.05, 2.0, 3.0, 4.0, 9.0])
    found, _ = cut(old, new, limits=Limits(abs=0.1))
    assert [row.name for row in found.rows if row.bad] == ["4"]


@pytest.mark.parametrize(
    ("old", "new", "bad"),
    [
        ([1, 2, 3], [1, 5, 3], ["1"]),
        (["a", "b", "c"], ["a", "b", "d"], ["2"]),
        (["true", "false"], ["true", "true"], ["1"]),
        (["0.5", "", "0.5"], ["0.5", "0.5", ""], ["1", "2"]),
        (["0.5", "nan"], ["nan", "nan"], ["0"]),
    ],
)
def test_kinds_of_columns(cut, old, new, bad):
    found, outcome = cut(table(old), table(new))
    assert [row.name for row in found.rows if row.bad] == bad
    assert found.bad == outcome.bad


def test_rows_by_their_key(cut):
    found, _ = cut("id,v\n5,1.5\n6,2.5\n", "id,v\n6,2.5\n5,9.5\n", key=("id",))
    assert [(row.name, row.bad) for row in found.rows] == [("id=5", True), ("id=6", False)]


def test_integers_with_a_limit(cut):
    found, _ = cut(table([10, 20, 30]), table([12, 20, 37]), limits=Limits(abs=5))
    assert [row.name for row in found.rows if row.bad] == ["2"]


def test_of_wide_tables_key_and_bad_columns_are_kept(cut):
    frame = pl.DataFrame({f"c{i}": [1.0, 2.0] for i in range(60)})
    found, _ = cut(frame, frame.with_columns(c55=pl.lit(9.0)), key=("c59",))
    assert len(found.columns) == COLUMNS
    assert {"c55", "c59", "c0"} <= set(found.columns)
    assert found.hidden == 60 - COLUMNS


def test_where_rows_cannot_be_paired_there_is_nothing_to_show(cut):
    assert cut(table([1.0, 2.0]), table([1.0]))[0] is None
    assert cut(table([1.0]), table([1.0], column="w"))[0] is None


def test_other_formats_have_no_rows_in_common(tmp_path):
    one, other = tmp_path / "a.csv", tmp_path / "a.parquet"
    one.write_text("a\n1\n")
    pl.DataFrame({"a": [1]}).write_parquet(other)
    assert excerpt(one, other, ArtifactRule("*"), {}, ["a"]) is None
