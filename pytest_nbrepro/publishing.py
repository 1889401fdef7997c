"""The report of a session for people: gathered while tests run, taken before baselines change, written at the end."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_nbrepro import __version__
from pytest_nbrepro.assessment import Assessment, Places
from pytest_nbrepro.reports.data import CaseReport
from pytest_nbrepro.reports.record import CaseStatus, empty
from pytest_nbrepro.store import Store

if TYPE_CHECKING:
    from pytest_nbrepro.reports.pages import Report
    from pytest_nbrepro.reports.sheet import Sheet
    from pytest_nbrepro.reports.writing import Writer


def packed(report: CaseReport, assessment: Assessment, places: Places) -> str:
    """Return what a report tells of a case as text, so that it crosses processes whatever is in it."""
    from pytest_nbrepro.reports.sheet import sheet  # brings what only a report needs

    return json.dumps(sheet(report, assessment, places))


class Publisher:
    """Gathers what a session's report tells, and writes it."""

    def __init__(self, folder: Path, places: Places) -> None:
        self.folder = folder
        self.places = places
        self._sheets: dict[str, Sheet] = {}  # by case: what came last counts
        self._begun = time.monotonic()
        self._taken: tuple[Writer, Report, dict[str, Any]] | None = None

    def add(self, text: str) -> None:
        """Take a case that was judged."""
        sheet = json.loads(text)
        self._sheets[sheet["record"]["case"]] = sheet

    def watch(self, report: pytest.TestReport) -> None:
        """Take a case that was not judged: it was skipped, or could not be run."""
        from pytest_nbrepro.reports.sheet import bare

        if report.passed or "nbrepro" not in report.keywords or hasattr(report, "nbrepro"):
            return
        status = CaseStatus.SKIPPED if report.skipped else CaseStatus.ERROR
        where = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longreprtext
        first = next(iter(where.strip().splitlines()), str(status))
        text = "" if report.skipped else report.longreprtext
        self._sheets[report.nodeid] = bare(empty(report.nodeid, status, first, text))

    def take(self) -> None:
        """Hold on to all that the report shows, as long as it is there.

        Raises:
            StoreError: the report's folder cannot be written.
        """
        from pytest_nbrepro.reports.history import runs_of
        from pytest_nbrepro.reports.pages import Report
        from pytest_nbrepro.reports.writing import Writer

        report = Report(
            sheets=list(self._sheets.values()),
            project=self.places.root.name,
            made=datetime.now(UTC).isoformat(timespec="seconds"),
            version=__version__,
            seconds=round(time.monotonic() - self._begun, 3),
            history=runs_of(Store(self.places.store), self._sheets),
        )
        writer = Writer(self.folder)
        self._taken = writer, report, writer.take(report)

    def write(self, obsolete: Mapping[str, str], faults: list[str]) -> None:
        """Write what was taken, and what is known by now.

        Raises:
            StoreError: the report's folder cannot be written.
        """
        if self._taken is None:
            return
        writer, report, view = self._taken
        report.obsolete, report.faults = obsolete, faults
        writer.write(report, view)
