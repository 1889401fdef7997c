"""The table that people move about in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_nbrepro.cli.grid import Cursor, Grid

HEAD = ["run", "x", "name", "loss"]
ROWS = [
    ["aaa", "1", "b", "0.5"],
    ["bbb", "10", "a", "nan"],
    ["ccc", "9", "", "0.25"],
    ["ddd", "", "c", "1e-3"],
]
KEYS = [
    "up",
    "down",
    "left",
    "right",
    "pgup",
    "pgdn",
    "home",
    "end",
    "k",
    "j",
    "g",
    "G",
    " ",
    "s",
    "h",
    "?",
    "x",
    "esc",
    "",
]


@pytest.fixture
def grid():
    return Grid(HEAD, ROWS, ROWS)


def texts(grid, width=80, height=8):
    return ["".join(text for text, _ in line).rstrip() for line in grid.lines(width, height)]


def shown(grid):
    return [line.split()[0].lstrip("*") for line in texts(grid)[1:5]]


def press(grid, *keys):
    return [grid.press(key, 5) for key in keys][-1]


def test_all_of_it(grid):
    head, *rows = texts(grid)
    assert head.split() == HEAD
    assert rows[0].split() == ["aaa", "1", "b", "0.5"]
    assert rows[-1].startswith("1/4  enter open")
    assert len(rows) == 7


@pytest.mark.parametrize(
    ("column", "up", "down"),
    [(0, "abcd", "dcba"), (1, "acbd", "bcad"), (2, "badc", "dabc"), (3, "dcab", "acdb")],
)
def test_sorting(grid, column, up, down):
    press(grid, *["right"] * column, "s")
    assert "".join(name[0] for name in shown(grid)) == up
    assert f"{HEAD[column]} ▲" in texts(grid)[0]
    press(grid, "s")
    assert "".join(name[0] for name in shown(grid)) == down
    assert f"{HEAD[column]} ▼" in texts(grid)[0]


def test_the_cursor_stays_with_its_run(grid):
    press(grid, "down", "right", "s")
    assert ROWS[grid.row][0] == "bbb"


def test_columns_are_hidden_and_come_back(grid):
    press(grid, "right", "h")
    assert texts(grid)[0].split() == ["run", "name", "loss"]
    grid.toggle(1)
    assert texts(grid)[0].split() == HEAD
    press(grid, "left", "left", "h")
    assert texts(grid)[0].split() == HEAD, "the first one stays"


def test_columns_that_do_not_fit_are_reached(grid):
    assert "loss" not in texts(grid, width=16)[0]
    press(grid, "right", "right", "right")
    assert texts(grid, width=16)[0].split() == ["run", "loss"]
    press(grid, "left")
    assert texts(grid, width=16)[0].split()[:2] == ["run", "name"]


def test_what_others_do(grid):
    assert [grid.press(key, 5) for key in ("enter", "d", "c", "?", "q", "esc", "x")] == [
        "open", "diff", "columns", "help", "quit", None, None,
    ]  # fmt: skip


def test_two_runs_for_a_difference(grid):
    assert grid.before() == 1, "the run below"
    press(grid, "G")
    assert grid.before() is None
    press(grid, "g", " ")
    assert grid.before() is None, "the marked run itself"
    press(grid, "down", "down")
    assert grid.before() == 0
    assert texts(grid)[1].startswith("* a")
    press(grid, "g", " ")
    assert grid.marked is None


def test_long_cells_are_cut():
    grid = Grid(["run", "text"], [["a", "w" * 100]], [["a", "w" * 100]])
    assert texts(grid)[1].endswith("w…")


@given(st.lists(st.sampled_from(KEYS), max_size=30), st.integers(1, 60), st.integers(1, 9))
def test_no_key_leads_out(keys, width, height):
    grid = Grid(HEAD, ROWS, ROWS)
    for key in keys:
        grid.press(key, max(height - 2, 1))
        assert sorted(grid.order) == [0, 1, 2, 3]
        assert grid.column in grid.columns()
        lines = list(grid.lines(width, height))
        assert all(sum(len(text) for text, _ in line) <= width for line in lines)
        if height > 2:
            assert len(lines) == height
            assert any(style == "cursor" for line in lines for _, style in line)


@given(
    st.lists(st.sampled_from(["up", "down", "pgup", "pgdn", "home", "end"]), max_size=30),
    st.integers(1, 50),
    st.integers(1, 9),
)
def test_the_cursor_is_seen(keys, length, page):
    cursor = Cursor()
    for key in keys:
        assert cursor.move(key, length, page)
        assert 0 <= cursor.at < length
        assert cursor.top <= cursor.at < cursor.top + page
