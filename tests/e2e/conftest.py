"""A project with its mirror, as a run has it, for tests that run real kernels."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import Any

import pytest

from pytest_nbrepro.execution import Execution, Request, execute

_MEASURED = "COVERAGE_PROCESS_CONFIG"  # set by coverage.py for the processes it measures too


class Bench:
    """One project, and one run of a notebook ``analysis/n.ipynb`` in its mirror."""

    def __init__(self, root: Path) -> None:
        self.project = root / "ein Projékt mit ☃"
        self.folder = self.project / ".nbrepro" / "runs" / "one"
        self.work = self.folder / "work"
        self.cwd = self.work / "analysis"
        self.cwd.mkdir(parents=True)
        self.real = self.project / "analysis"
        self.real.mkdir()
        (self.project / "data").mkdir()
        self.input = self.project / "data" / "x.csv"
        self.input.write_text("a,b\n1,2\n")
        (self.work / "data").symlink_to(self.project / "data")

    def request(self, *cells: Any, **changes: Any) -> Request:
        """Return a request; a cell is its source, or a tuple of source and tags.

        Where these tests are measured themselves, the kernel is too, unless it measures by itself.
        """
        if "coverage" not in changes and _MEASURED in os.environ:
            changes["env"] = {_MEASURED: os.environ[_MEASURED], **changes.get("env", {})}
        request = Request(
            notebook=notebook(*cells),
            path=self.real / "n.ipynb",
            cwd=self.cwd,
            work=self.work,
            project=self.project,
            folder=self.folder,
            kernel=None,
            language="python",
            recorded_kernel=None,
            env={},
            seed=None,
            timeout=None,
            cell_timeout=None,
            memory=None,
            expressions={},
            coverage=None,
            fork=True,
        )
        return dataclasses.replace(request, **changes)

    def run(self, *cells: Any, **changes: Any) -> Execution:
        """Run a notebook of these cells."""
        return execute(self.request(*cells, **changes))

    def text(self, name: str) -> str:
        """Return a file of the run's folder."""
        return (self.folder / name).read_text()


def notebook(*cells: Any) -> dict[str, Any]:
    """Return a notebook's JSON."""
    pairs = [(cell, ()) if isinstance(cell, str) else (cell[0], cell[1:]) for cell in cells]
    return {
        "cells": [
            {
                "cell_type": "code",
                "id": f"id{number}",
                "metadata": {"tags": list(tags)},
                "source": source,
                "outputs": [],
                "execution_count": None,
            }
            for number, (source, tags) in enumerate(pairs)
        ],
        "metadata": {},
        "nbformat": 4,
        "nbformat_minor": 5,
    }


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A bench of one test."""
    return Bench(tmp_path)


@pytest.fixture(scope="module")
def shared_bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """A bench of one module."""
    return Bench(tmp_path_factory.mktemp("bench"))
