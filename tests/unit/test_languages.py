"""Flags of notebooks in other languages than Python."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path

import pytest

from pytest_nbrepro import flags as fl
from pytest_nbrepro.errors import ExtraError, FlagError
from pytest_nbrepro.notebook import parse


def book(language, *cells, kernel=None):
    """Make a notebook of code cells; a cell may be a pair of source and tags."""
    made = []
    for cell in cells:
        source, tags = cell if isinstance(cell, tuple) else (cell, [])
        made.append({"cell_type": "code", "source": source, "metadata": {"tags": tags}, "outputs": []})
    info = {"language_info": {"name": language}, "kernelspec": {"name": kernel or language}}
    return parse(json.dumps({"nbformat": 4, "metadata": info, "cells": made}), Path("a.ipynb"))


def tagged(source):
    return (source, ["parameters"])


@pytest.mark.parametrize(
    ("language", "source", "names"),
    [
        ("R", "x <- 1\nname = 'a'\nx == 2\nprint(x)\n# y <- 1\nmy.rate <<- 0.1", ["x", "name", "my.rate"]),
        ("julia", "x = 1\ny::Int = 2\nf(z) = z\nx += 1", ["x"]),
        ("bash", "x=1\nexport y=2\necho z=3", ["x", "y"]),
        ("scala", "val x = 1\nvar y: Int = 2\nval l: List[Int] = List(1)", ["x", "y", "l"]),
        ("javascript", "let x = 1;\nconst y = 2;\nx === 1", ["x", "y"]),
        ("powershell", "$x = 1\n$y=2", ["x", "y"]),
    ],
)
def test_names_that_the_tagged_cell_assigns(language, source, names):
    found = fl.detect(book(language, "w = 1", tagged(source)))
    assert list(found.found) == names
    assert not any(flag.known for flag in found.found.values())


def test_only_values_that_are_given_are_known():
    notebook = book("R", tagged("x <- 1\ny <- 2"))
    assert fl.effective(fl.detect(notebook), {"x": 3}) == {"x": 3}
    assert fl.effective(fl.detect(notebook), {}) == {}


def test_a_name_that_is_not_assigned():
    notebook = book("R", tagged("x <- 1"))
    with pytest.raises(FlagError, match="no flag 'z'") as caught:
        fl.apply(notebook, fl.detect(notebook), {"z": 1})
    assert caught.value.hint == "the cell tagged 'parameters' assigns: x"


class TestSetting:
    @pytest.fixture(autouse=True)
    def papermill(self):
        pytest.importorskip("papermill", reason="the extra papermill is not installed")

    def applied(self, notebook, **given):
        changed = fl.apply(notebook, fl.detect(notebook), given)
        return [changed.get(cell.index, cell.source) for cell in notebook.cells]

    def test_values_come_before_the_next_cell(self):
        notebook = book("R", tagged("x <- 1\nname <- 'a'"), "print(x)")
        assert self.applied(notebook, x=-2.5, name='it\'s "b"') == [
            "x <- 1\nname <- 'a'",
            '# pytest-nbrepro\nx = -2.5\nname = "it\'s \\"b\\""\nprint(x)',
        ]

    def test_and_after_the_cell_where_there_is_no_next_one(self):
        assert self.applied(book("bash", tagged("x=1")), x=2) == ["x=1\n# pytest-nbrepro\nx=2"]

    def test_nothing_changes_where_nothing_is_given(self):
        assert self.applied(book("bash", tagged("x=1"), "echo $x")) == ["x=1", "echo $x"]

    @pytest.mark.parametrize("value", [math.inf, 1j, (1, 2), {1: 2}, [math.inf]])
    def test_what_cannot_be_written(self, value):
        with pytest.raises(FlagError, match="cannot be written in r"):
            self.applied(book("R", tagged("x <- 1")), x=value)

    def test_a_language_that_nobody_knows(self):
        with pytest.raises(FlagError, match="papermill cannot set flags in brainfuck"):
            self.applied(book("brainfuck", tagged("x = 1")), x=2)

    def test_without_papermill(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "papermill.translators", None)
        with pytest.raises(ExtraError, match=r"pytest-nbrepro\[papermill\]"):
            self.applied(book("bash", tagged("x=1")), x=2)
