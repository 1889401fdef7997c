"""A report on disk: the page, its data, its summary, and what lies beside it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pytest_nbrepro import files
from pytest_nbrepro.errors import StoreError
from pytest_nbrepro.reports import html, markdown, openmetrics
from pytest_nbrepro.reports.pages import Pages, Report
from pytest_nbrepro.reports.shelf import BESIDE, FolderShelf

SCHEMA = 1
PAGE, DATA, SUMMARY, METRICS = "index.html", "report.json", "summary.md", "metrics.txt"


class Writer:
    """Writes a report in two steps: what it shows is taken before baselines change, the rest when all is known."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._shelf = FolderShelf(folder)

    def take(self, report: Report) -> dict[str, Any]:
        """Return what the page is filled with; files that it needs are copied or held from now on.

        Raises:
            StoreError: the folder cannot be written, or holds a page that is none of ours.
        """
        if (self.folder / PAGE).exists() and _known(self.folder) is None:
            raise StoreError(
                f"this folder holds {PAGE}, and no report",
                where=str(self.folder),
                hint="choose a folder of its own with --nbrepro-report",
            )
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            return Pages(report, self._shelf).view()
        except OSError as error:
            raise _unwritable(self.folder, error) from error

    def write(self, report: Report, view: dict[str, Any]) -> None:
        """Write the report; the page last.

        Raises:
            StoreError: the folder cannot be written.
        """
        try:
            before = _beside(self.folder)
            record = data(report, self._shelf.names)
            files.write_text(self.folder / DATA, files.dump_json(record, indent=None))
            files.write_text(self.folder / SUMMARY, markdown.summary(report))
            files.write_text(self.folder / METRICS, openmetrics.text(report))
            view = {**view, "obsolete": report.obsolete, "faults": report.faults}
            files.write_text(self.folder / PAGE, html.page(view))
            self._shelf.sweep(before)
        except OSError as error:
            raise _unwritable(self.folder, error) from error


def data(report: Report, beside: list[str]) -> dict[str, Any]:
    """Return a report as JSON (its keys: docs/report.md)."""
    records = [sheet["record"] for sheet in report.ordered()]
    counts = Counter(record["status"] for record in records)
    return {
        "schema": SCHEMA,
        "version": report.version,
        "project": report.project,
        "made": report.made,
        "seconds": report.seconds,
        "ok": all(record["ok"] for record in records) and not report.obsolete and not report.faults,
        "counts": dict(counts),
        "cases": records,
        "obsolete": dict(report.obsolete),
        "faults": list(report.faults),
        "files": sorted(f"{BESIDE}/{name}" for name in beside),
    }


def _known(folder: Path) -> Mapping[str, Any] | None:
    """Return the data of an earlier report; None where there is none."""
    try:
        known: Any = json.loads((folder / DATA).read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return known if isinstance(known, Mapping) and {"schema", "cases", "files"} <= known.keys() else None


def _beside(folder: Path) -> list[str]:
    """Return the files that an earlier report put beside its page."""
    known = _known(folder)
    return [str(name).removeprefix(f"{BESIDE}/") for name in known["files"]] if known else []


def _unwritable(folder: Path, error: OSError) -> StoreError:
    return StoreError(
        f"the report cannot be written: {error.strerror or error}",
        where=str(error.filename or folder),
        hint="choose another folder with --nbrepro-report",
    )
