"""The executed notebook of a run as a page that a browser opens: no script in it runs."""

from __future__ import annotations

import webbrowser
from pathlib import Path

from pytest_nbrepro import files
from pytest_nbrepro.errors import StoreError
from pytest_nbrepro.model import Run
from pytest_nbrepro.store import EXECUTED

FILE = "notebook.html"


def write(run: Run) -> Path:
    """Write the page into the run's folder and return its place.

    Raises:
        StoreError: the run has no executed notebook, or one that cannot be read.
    """
    from pytest_nbrepro.reports.notebooks import page

    source, target = run.folder / EXECUTED, run.folder / FILE
    if not source.exists():
        raise StoreError("this run ended before its notebook was written", where=str(run.folder))
    try:
        files.write_text(target, page(source, f"{run.notebook}::{run.case}"))
    except (OSError, ValueError) as error:
        raise StoreError(f"no page can be made of it: {error}", where=str(source)) from error
    return target


def open_run(run: Run) -> Path:
    """Write the page, open it, and return its place.

    Raises:
        StoreError: as `write`; or no browser could be started.
    """
    place = write(run)
    if not webbrowser.open(place.absolute().as_uri()):
        raise StoreError("no browser could be started", where=str(place), hint="open this file in one")
    return place
