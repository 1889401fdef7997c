"""The report of a session for people: gathered while tests run, taken before baselines change, told at the end.

It goes where `--nbrepro-report` says, and, in short, to where GitHub looks for it.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_nbrepro import __version__
from pytest_nbrepro.assessment import Assessment, Places
from pytest_nbrepro.errors import StoreError
from pytest_nbrepro.reports import github, links
from pytest_nbrepro.reports.data import CaseReport
from pytest_nbrepro.reports.record import CaseStatus, case_record, empty
from pytest_nbrepro.store import Store

if TYPE_CHECKING:
    from pytest_nbrepro.reports.pages import Report
    from pytest_nbrepro.reports.sheet import Sheet
    from pytest_nbrepro.reports.writing import Writer

SUMMARY = "GITHUB_STEP_SUMMARY"  # the file that GitHub shows beside a job
ACTIONS = "GITHUB_ACTIONS"
WORKSPACE = "GITHUB_WORKSPACE"


def publisher(
    folder: Path | None, places: Places, environ: Mapping[str, str] = os.environ
) -> Publisher | None:
    """Return who gathers what the session tells people; None where nobody asks for it."""
    if folder is None and not environ.get(SUMMARY) and environ.get(ACTIONS) != "true":
        return None
    return Publisher(folder, places, environ)


class Publisher:
    """Gathers what a session tells people, and tells it."""

    def __init__(self, folder: Path | None, places: Places, environ: Mapping[str, str]) -> None:
        self.folder = folder
        self.places = places
        self.environ = environ
        self._sheets: dict[str, Sheet] = {}  # by case: what came last counts
        self._begun = time.monotonic()
        self._taken: tuple[Writer, dict[str, Any]] | None = None
        self._report: Report | None = None
        self._written = False

    def packed(self, report: CaseReport, assessment: Assessment) -> str:
        """Return what is told of a case as text, so that it crosses processes whatever is in it."""
        from pytest_nbrepro.reports import sheet  # brings what only a report needs

        told = (
            sheet.bare(case_record(report))
            if self.folder is None
            else sheet.sheet(report, assessment, self.places)
        )
        return json.dumps(told)

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
        """Hold on to all that is shown, as long as it is there.

        Raises:
            StoreError: the report's folder cannot be written.
        """
        from pytest_nbrepro.reports.history import runs_of
        from pytest_nbrepro.reports.pages import Report

        self._report = Report(
            sheets=list(self._sheets.values()),
            project=self.places.root.name,
            made=datetime.now(UTC).isoformat(timespec="seconds"),
            version=__version__,
            seconds=round(time.monotonic() - self._begun, 3),
        )
        if self.folder is not None:
            from pytest_nbrepro.reports.writing import Writer

            self._report.history = runs_of(Store(self.places.store), self._sheets)
            writer = Writer(self.folder)
            self._taken = writer, writer.take(self._report)

    def write(self, obsolete: Mapping[str, str], faults: list[str]) -> None:
        """Write what was taken, and what is known by now.

        Raises:
            StoreError: it cannot be written.
        """
        if self._report is None:
            return
        self._report.obsolete, self._report.faults = obsolete, faults
        if self._taken is not None:
            writer, view = self._taken
            writer.write(self._report, view)
            self._written = True
        if self.environ.get(SUMMARY) and self._sheets:
            self._append(Path(self.environ[SUMMARY]))

    def _append(self, path: Path) -> None:
        from pytest_nbrepro.reports.markdown import summary

        assert self._report is not None  # noqa: S101 - asked for before
        try:
            with path.open("a", encoding="utf-8", errors="backslashreplace") as out:
                out.write(f"{summary(self._report)}\n")
        except OSError as error:
            what = f"the summary cannot be written: {error.strerror or error}"
            raise StoreError(what, where=f"{SUMMARY}={path}") from error

    def lines(self, *, terminal: bool) -> Iterator[str]:
        """Yield the last words: where the report is, and what GitHub makes annotations of."""
        if self.folder is not None and self._written:
            page = self.folder / "index.html"
            told = os.path.relpath(page)
            yield f"report: {links.link(told, page.as_uri()) if links.has_links(self.environ, terminal=terminal) else told}"
        if self.environ.get(ACTIONS) == "true" and self._report is not None:
            yield from github.commands((sheet["record"] for sheet in self._report.ordered()), self._prefix())

    def _prefix(self) -> str:
        """Return what lies between the root of the repository and that of the project."""
        workspace = Path(self.environ.get(WORKSPACE) or self.places.root)
        if workspace == self.places.root or not self.places.root.is_relative_to(workspace):
            return ""
        return f"{self.places.root.relative_to(workspace).as_posix()}/"
