"""What one pytest session does with notebooks: one method per phase."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from pytest_nbrepro import cases, spec
from pytest_nbrepro.assessment import Assessment, Places
from pytest_nbrepro.errors import NbreproError
from pytest_nbrepro.measuring import requested
from pytest_nbrepro.model import Case, Run, Task
from pytest_nbrepro.options import Settings, Update, in_ci
from pytest_nbrepro.progress import Ticker
from pytest_nbrepro.reports.data import CaseReport, used_values
from pytest_nbrepro.reports.terminal import case_text, moved_text
from pytest_nbrepro.tally import Record, Selection, Tally
from pytest_nbrepro.trial import Policy, Trial, settle, try_case
from pytest_nbrepro.verdict import NOTHING

_RECORDS = pytest.StashKey[list[Record]]()


class NotReproduced(AssertionError):  # noqa: N818 - what failed is no error of the program
    """A case that does not reproduce; its text is the report."""

    def __init__(self, text: str, summary: str) -> None:
        super().__init__(text)
        self.summary = summary


class NotebookWarning(pytest.PytestWarning):
    """What a person should know about a notebook that passes."""


class Session:
    """The notebooks of one pytest session, or of one of its worker processes."""

    def __init__(self, config: pytest.Config, settings: Settings) -> None:
        self.config = config
        self.settings = settings
        self.worker = hasattr(config, "workerinput")
        self.places = Places(config.rootpath, settings.dir, settings.baselines)
        self.project_fault: NbreproError | None = None
        try:
            self.project = spec.load_project(config.rootpath)
        except NbreproError as error:
            self.project_fault = error
            self.project = spec.Project(config.rootpath)
        self.update = _allowed_update(settings)
        self.tally = Tally(self.places, self.update)
        if not self.worker:
            config.pluginmanager.register(Gathering(self), "nbrepro-gathering")

    # -- collection ---------------------------------------------------------------------------------

    def header(self) -> str:
        """Return the line for pytest's header."""
        root = self.places.root
        short = [os.path.relpath(path, root) for path in (self.places.baselines, self.places.store)]
        tags = f", tags {', '.join(self.settings.tag)}" if self.settings.tag else ""
        return f"nbrepro: baselines in {short[0]}, runs in {short[1]}{tags}"

    def ignores(self, path: Path) -> bool:
        """Tell whether a path belongs to baselines or runs."""
        return any(path.is_relative_to(place) for place in (self.places.baselines, self.places.store))

    def deselected(self, items: Iterable[pytest.Item]) -> None:
        """Note that a filter leaves cases out."""
        self.tally.selection.deselected += sum(hasattr(item, "case") for item in items)

    def collected(self, session: pytest.Session) -> None:
        """Note which cases there are, and fail those that would share a folder."""
        items = [(item, item.case) for item in session.items if hasattr(item, "case")]
        self.tally.selection.folders = sorted({case.folder for _, case in items})
        self.tally.selection.broken += sum(hasattr(item, "error") for item in session.items)
        for item, fault in colliding(items):
            item.fault = fault

    # -- running ------------------------------------------------------------------------------------

    def run_item(self, item: pytest.Item, case: Case) -> None:
        """Run and judge the case of an item.

        Raises:
            NotReproduced: it does not reproduce.
        """
        policy = Policy(self.update, self.settings.once)
        with Ticker(self.config, case) as ticker:
            trial = try_case(self.task(case), self.places, policy, ticker)
        self.conclude(item, trial, seconds=ticker.seconds)

    def check_run(self, item: pytest.Item, case: Case, run: Run) -> None:
        """Judge a run that a test asked for.

        Raises:
            NotReproduced: it does not reproduce.
        """
        __tracebackhide__ = True
        policy = Policy(self.update, self.settings.once, fixture=True)
        with Ticker(self.config, case) as ticker:
            trial = settle(self.task(case), run, self.places, policy, ticker)
        self.conclude(item, trial, seconds=ticker.seconds)

    def task(self, case: Case) -> Task:
        """Return the task that runs a case in this session."""
        return Task(
            case=case,
            root=self.places.root,
            store=self.places.store,
            baselines=self.places.baselines,
            timeout=self.settings.timeout,
            coverage=requested(self.config, self.places.root),
            tags=self.settings.tag,
        )

    def conclude(self, item: pytest.Item, trial: Trial, *, seconds: float) -> None:
        """Record what became of a case, warn of what should be known, and fail where it does not reproduce."""
        __tracebackhide__ = True
        report = case_report(trial.assessment, self.places.root, trial)
        item.user_properties += used_values(report)
        item.stash.setdefault(_RECORDS, []).append(
            Record(
                case=trial.assessment.case.id,
                folder=trial.assessment.case.folder,
                ok=trial.ok,
                runs=trial.runs,
                pending=trial.pending or "",
                accepted=trial.accepted,
                seconds=seconds,
                moved=[moved_text(moved) for moved in trial.moved],
            )
        )
        for note in trial.assessment.verdict.notes:
            if note.startswith(NOTHING):
                item.warn(NotebookWarning(f"{trial.assessment.case.id}: {note}"))
        for moved in report.moved if trial.ok and not trial.accepted else ():
            item.warn(NotebookWarning(f"{report.case}: {moved_text(moved)}"))
        if not trial.ok:
            raise NotReproduced(case_text(report), report.line)

    # -- the end ------------------------------------------------------------------------------------

    def attach(self, item: pytest.Item, report: pytest.TestReport, error: BaseException | None) -> None:
        """Let the report carry the records of its item, as plain data, so that they cross processes."""
        crash = getattr(report.longrepr, "reprcrash", None)
        if isinstance(error, NotReproduced) and crash is not None:
            crash.message = error.summary
        if report.skipped and hasattr(item, "case"):
            report.nbrepro_skipped = item.case.folder  # type: ignore[attr-defined]
        records = item.stash.get(_RECORDS, [])
        if records:
            report.nbrepro = [record.plain() for record in records]  # type: ignore[attr-defined]

    def finish(self, session: pytest.Session) -> None:
        """Send a worker's selection to the controller, or close the session there."""
        self.tally.selection.complete &= not (session.shouldstop or session.shouldfail)
        if self.worker:
            self.config.workeroutput["nbrepro"] = self.tally.selection.plain()  # type: ignore[attr-defined]
            return
        self.tally.selection.narrow(self.config)
        status = self.tally.close(
            interrupted=session.exitstatus not in {0, 1, 5}, green=session.exitstatus in {0, 5}
        )
        if status and session.exitstatus == 0:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def summarize(self, reporter: pytest.TerminalReporter) -> None:
        """Write the last words."""
        lines = list(self.tally.lines())
        if lines:
            reporter.section("nbrepro")
            for line in lines:
                reporter.write_line(line)


class Gathering:
    """Hooks of the process that gathers reports: the only one there is, or the controller of workers."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take what a report carries."""
        for record in getattr(report, "nbrepro", ()):
            self.session.tally.add(Record(**record))
        if (folder := getattr(report, "nbrepro_skipped", None)) is not None:
            self.session.tally.skipped.add(folder)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:
        """Take what a worker process selected."""
        sent = getattr(node, "workeroutput", {}).get("nbrepro")
        if sent is None or error:
            self.session.tally.selection.complete = False
        else:
            self.session.tally.selection.merge(Selection(**sent))


def _allowed_update(settings: Settings) -> Update:
    if settings.update is not Update.NONE and in_ci() and not settings.update_in_ci:
        raise pytest.UsageError(
            f"--nbrepro-update={settings.update} is refused where CI is set\n"
            "  hint: give --nbrepro-update-in-ci, too, or accept the pending values elsewhere"
        )
    return settings.update


def case_report(assessment: Assessment, root: Path, trial: Trial | None = None) -> CaseReport:
    """Return what a report tells of a judged run."""
    run = assessment.run
    source = ""
    if run.error is not None and run.error.cell is not None and assessment.executed is not None:
        source = assessment.executed.cells[run.error.cell].source
    return CaseReport(
        case=assessment.case.id,
        run=run,
        verdict=assessment.verdict,
        place=os.path.relpath(run.folder, root),
        why=assessment.why,
        first=assessment.first if assessment.baseline or run.error else None,
        diff=assessment.diff,
        failed_source=source,
        refused=trial.refused if trial else None,
        waits=bool(trial and trial.pending),
        once=assessment.baseline is not None and assessment.baseline.once,
        kept=assessment.executed is not None,
        moved=assessment.moved,
    )


def colliding(items: Iterable[tuple[pytest.Item, Case]]) -> Iterable[tuple[Any, NbreproError]]:
    """Yield the items whose cases would share a folder with another, and the fault."""
    items, known = list(items), dict[str, Case]()
    for _, case in items:
        known.setdefault(case.folder.casefold(), case)
    for item, case in items:
        folder = case.folder.casefold()
        parts = folder.split("/")
        inside = ["/".join(parts[:n]) for n, part in enumerate(parts) if part in cases.RESERVED]
        other = next((known[place] for place in (*inside, folder) if place in known), None)
        if other is not None and other.id != case.id:
            fault = NbreproError(
                f"its baseline would lie in the folder of {other.id}: {case.folder}",
                where=case.id,
                hint="rename the case or the notebook",
            )
            yield item, fault
