"""The files of a run that other tools take: its notebook, what that printed, where it ran, and what it gave."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pytest_nbrepro import files
from pytest_nbrepro.model import Run
from pytest_nbrepro.store import ENVIRONMENT, EXECUTED, LOG, TREES


def contents(run: Run) -> Iterator[tuple[str, Path]]:
    """Yield name and path of each, relative to the run's folder; what leads out of it is left out."""
    for name in (EXECUTED, LOG, ENVIRONMENT):
        if there := files.inside(run.folder, name):
            yield name, Path(there)
    for name, path in files.below(run.folder):
        if name.split("/")[0] in TREES:
            yield name, path
