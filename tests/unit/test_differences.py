"""Which cells of a run differ from the accepted copy."""

from __future__ import annotations

import json

import pytest

from pytest_nbrepro import differences, files
from pytest_nbrepro.assessment import Assessment, Places
from pytest_nbrepro.differences import CELLS, cell_differences
from pytest_nbrepro.model import Baseline, Case, Run, RunStatus, Spec, Verdict
from pytest_nbrepro.notebook import parse


def cell(source, text="", kind="code", **more):
    outputs = [{"output_type": "stream", "name": "stdout", "text": text}] if text else []
    code = {"outputs": outputs, "execution_count": None} if kind == "code" else {}
    return {"cell_type": kind, "metadata": {}, "source": source, **code, **more}


@pytest.fixture
def differ(tmp_path):
    """The differences between an accepted notebook and an executed one."""

    def make(accepted, executed):
        def book(cells):
            numbered = [{"id": f"id{i}", **one} for i, one in enumerate(cells)]
            return json.dumps({"cells": numbered, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})

        (tmp_path / "notebook.ipynb").write_text(book(accepted))
        run = Run("1", tmp_path, "a.ipynb", "default", {}, RunStatus.COMPLETED, "2026-01-01T00:00:00+00:00")
        files.write_json(tmp_path / "environment.json", {"schema": 1})
        baseline = Baseline(tmp_path, {}, {}, tmp_path / "notebook.ipynb", {})
        case = Case("a.ipynb", "default", {}, Spec(), "a/default")
        assessment = Assessment(case, run, parse(book(executed), tmp_path / "x.ipynb"), baseline, Verdict(()))
        return cell_differences(assessment, Places(tmp_path, tmp_path, tmp_path))

    return make


def test_sources_texts_and_markdown(differ):
    found = differ(
        [cell("# one\nx = 1"), cell("print(2)", "2\n"), cell("# Words", kind="markdown"), cell("y")],
        [cell("# one\nx = 2"), cell("print(2)", "3\n"), cell("# Other words", kind="markdown"), cell("y")],
    )
    assert (found.same, found.more) == (1, 0)
    assert [(one.status, one.index) for one in found.cells] == [
        ("changed", 0),
        ("changed", 1),
        ("changed", 2),
    ]
    assert "-  x = 1" in found.cells[0].diff
    assert "+  x = 2" in found.cells[0].diff
    assert "3" in found.cells[1].diff
    assert found.cells[0].label == 'cell 1 "one"'


def test_cells_that_one_side_alone_has(differ):
    found = differ(
        [cell("a"), cell("gone\n" * 40, id="old")],
        [cell("a"), cell("born", id="new"), cell("  ", id="blank")],
    )
    assert [(one.status, one.index) for one in found.cells] == [("new", 1), ("gone", None)]
    assert found.cells[0].diff == "+  born"
    assert found.cells[1].diff.splitlines()[-1] == "… 10 more lines"
    assert found.same == 2


def test_of_many_the_first(differ):
    number = CELLS + 5
    found = differ([cell(f"x = {i}") for i in range(number)], [cell(f"x = {i + 1}") for i in range(number)])
    assert len(found.cells) == CELLS
    assert found.more == 5


def test_without_an_accepted_copy_there_is_nothing_to_compare(differ, tmp_path):
    found = differ([cell("a")], [cell("a")])
    assert found == differences.Differences((), 1, 0)
    run = Run("1", tmp_path, "a.ipynb", "default", {}, RunStatus.COMPLETED, "")
    case = Case("a.ipynb", "default", {}, Spec(), "a/default")
    alone = Assessment(case, run, None, None, Verdict(()))
    assert cell_differences(alone, Places(tmp_path, tmp_path, tmp_path)) is None
