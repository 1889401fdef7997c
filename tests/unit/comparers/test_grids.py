"""Tables of HTML read as rows and columns."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_nbrepro.comparers import grids
from pytest_nbrepro.comparers.parsing import parse
from pytest_nbrepro.errors import UndecodableError


@pytest.fixture
def read(tmp_path: Path):
    def read(text: str) -> grids.Grid | None:
        path = tmp_path / "a.html"
        path.write_text(f"<table>{text}</table>")
        return grids.grid(parse(path, UndecodableError).root.children[0])

    return read


def texts(grid: grids.Grid) -> list[list[str]]:
    return [[grids.text_of(cell) for cell in row.cells] for row in grid.rows]


HEAD = "<thead><tr><th></th><th>a</th><th>b</th></tr></thead>"


def test_head_rows_and_headings(read):
    grid = read(
        f"{HEAD}<tbody><tr><th>x</th><td>1</td><td><b>2</b> or\n<i>3</i></td></tr></tbody><tr><th>y</th><td/><td/></tr>"
    )
    assert (grid.columns, grid.head) == (("column 1", "a", "b"), 1)
    assert texts(grid) == [["x", "1", "2 or 3"], ["y", "", ""]]
    assert [row.labels for row in grid.rows] == [("x",), ("y",)]
    assert grid.place(1, 2) == 'row "y", column "b"'


def test_without_headings_rows_go_by_their_number(read):
    grid = read("<tr><th>a</th></tr><tr><td>1</td></tr><tr><td>2</td></tr>")
    assert (grid.columns, grid.place(1, 0)) == (("a",), 'row 1, column "a"')


def test_the_head_may_have_blank_cells_and_several_levels(read):
    grid = read(
        '<thead><tr><th></th><th colspan="2">score</th><th rowspan="2">n</th></tr><tr><th>id</th><th>mean</th><th>std</th></tr></thead>'
        "<tr><th>x</th><td>1</td><td>2</td><td>3</td></tr>"
    )
    assert grid.columns == ("id", "score.mean", "score.std", "n")
    grid = read("<tr><td></td><th>coef</th></tr><tr><th>const</th><td>1</td></tr>")
    assert grid.columns == ("column 1", "coef")


def test_cells_that_span_rows_stand_in_each(read):
    grid = read(
        f'{HEAD.replace("<th></th>", "<th>g</th><th>h</th>")}<tr><th rowspan="2">x</th><th>1</th><td colspan="2">5</td></tr>'
        "<tr><th>2</th><td>6</td><td>7</td></tr>"
    )
    assert texts(grid) == [["x", "1", "5", "5"], ["x", "2", "6", "7"]]
    assert [row.label for row in grid.rows] == ["x, 1", "x, 2"]


def test_columns_of_one_name_are_told_apart(read):
    assert read("<tr><th>a</th><th>a</th></tr><tr><td>1</td><td>2</td></tr>").columns == ("a", "a#2")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<tr></tr>",
        "<tr><td>a</td></tr><tr><td>1</td></tr>",  # no head
        "<tr><th>a</th></tr>",  # nothing but a head
        "<tr><th>R-squared:</th><td>0.5</td></tr>",
        "<tr><th>a</th></tr><tr><td>1</td><td>2</td></tr>",  # not as many cells everywhere
        "<tr><th>a</th></tr><tr><td><table></table></td></tr>",
        '<tr><th colspan="2">a</th></tr><tr><td>1</td></tr>',
        "<tr><td>1</td></tr><thead><tr><th>a</th></tr></thead>",  # the head is not at the top
        "<tr><th>a</th></tr>" + '<tr><td rowspan="99999999" colspan="1000">1</td></tr>' * 1000,
    ],
)
def test_what_is_no_grid(read, text):
    assert read(text) is None


@pytest.mark.parametrize("span", ["x", "", "0", "-1", "1.5", "99999999999", "²"])
def test_spans_that_mean_nothing_are_one(read, span):
    assert read(f'<tr><th colspan="{span}">a</th></tr><tr><td>1</td></tr>').columns == ("a",)


def grid_of(labels):
    cells = tuple(grids.Row(label, ()) for label in labels)
    return grids.Grid(("a",), 1, cells)


@pytest.mark.parametrize(
    ("old", "new", "pairs", "told"),
    [
        ([("a",), ("b",)], [("a",), ("c",)], [(0, 0), (1, 1)], ""),
        ([("a",), ("b",), ("c",)], [("a",), ("c",)], [(0, 0), (2, 1)], '1 row lost: "b"'),
        ([("a",)], [("b",), ("a",), ("c",)], [(0, 1)], '2 rows new: "b", "c"'),
        ([("a",), ("b",)], [("c",)], [], '2 rows lost: "a", "b"; 1 row new: "c"'),
        ([(str(n),) for n in range(9)], [], [], '9 rows lost: "0", "1", "2", …'),
        ([("a",), ("a",)], [("a",)], [], "2 -> 1 rows"),
        ([(), ()], [()], [], "2 -> 1 rows"),
        ([()], [], [], "1 -> 0 rows"),
    ],
)
def test_rows_that_belong_together(old, new, pairs, told):
    assert grids.paired(grid_of(old), grid_of(new)) == (pairs, told)


PIECES = ["<tr>", "</tr>", "<th>a", "<td>1", '<td rowspan="3">', '<th colspan="2">', "<thead>", "</thead>", "<table>", "</table>", "<tbody>"]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=20).map("".join))
def test_any_table_is_read_or_not(tmp_path_factory, text):
    path = tmp_path_factory.getbasetemp() / "any.html"
    path.write_text(f"<table>{text}")
    grid = grids.grid(parse(path, UndecodableError).root.children[0])
    if grid is not None:
        assert all(len(row.cells) == len(grid.columns) == len(set(grid.columns)) for row in grid.rows)
