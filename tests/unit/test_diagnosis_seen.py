"""What a run was seen to do, in words."""

import json
from pathlib import Path

from pytest_nbrepro import notebook
from pytest_nbrepro.diagnosis import seen
from pytest_nbrepro.model import Run, RunStatus, Seen


def run(*found):
    return Run("1", Path("run"), "a.ipynb", "default", {}, RunStatus.COMPLETED, "", seen=found)


def book(*sources):
    cells = [
        {
            "cell_type": "code",
            "id": f"id{n}",
            "metadata": {},
            "source": source,
            "outputs": [],
            "execution_count": None,
        }
        for n, source in enumerate(sources)
    ]
    return notebook.parse(
        json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}), Path("a.ipynb")
    )


BOOK = book("# load\n1", "2")


def test_draws_with_their_cells_and_lines_and_nothing_else():
    found = run(Seen("listing", 0, "line 1"), Seen("numpy", 0), Seen("entropy", 1, "line 1"))
    assert seen.by_chance(found, BOOK) == (
        'cell 1 "load" draws from numpy\'s global generator, which nobody seeded; '
        "cell 2 (line 1) takes random bytes from the system"
    )
    assert seen.told(found.seen[0], BOOK) == 'cell 1 "load" (line 1) lists a folder'


def test_many_are_counted():
    assert seen.by_chance(run(*[Seen("random", 1)] * 5), BOOK).endswith("; 2 more like these")


def test_nothing():
    assert seen.by_chance(run(), BOOK) == ""
    assert seen.by_chance(run(Seen("random", 0)), None) == ""
