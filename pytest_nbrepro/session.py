"""What one pytest session does with notebooks: one method per phase."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from pytest_nbrepro import cases, spec
from pytest_nbrepro.ahead import Runs, executes, surely_run
from pytest_nbrepro.assessment import Places
from pytest_nbrepro.errors import NbreproError
from pytest_nbrepro.measuring import requested
from pytest_nbrepro.model import Case, Run, Task
from pytest_nbrepro.options import KernelStart, Settings, Update, in_ci
from pytest_nbrepro.progress import Ticker
from pytest_nbrepro.publishing import Publisher, publisher
from pytest_nbrepro.reports.data import case_report
from pytest_nbrepro.reports.record import properties
from pytest_nbrepro.reports.terminal import by_chance, case_text, moved_text
from pytest_nbrepro.tally import Record, Tally
from pytest_nbrepro.trial import Policy, Trial, contradiction, settle, try_case
from pytest_nbrepro.verdict import NOTHING

_RECORDS = pytest.StashKey[list[Record]]()
_TASK = pytest.StashKey[Task]()  # of a case that ran ahead


class NotReproduced(AssertionError):  # noqa: N818 - what failed is no error of the program
    """A case that does not reproduce; its text is the report."""

    def __init__(self, text: str, summary: str) -> None:
        super().__init__(text)
        self.summary = summary


class NotebookWarning(pytest.PytestWarning):
    """What a person should know about a notebook that passes."""


class Session:
    """The notebooks of one pytest session, or of one of its worker processes."""

    def __init__(self, config: pytest.Config, settings: Settings, runs: Runs) -> None:
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
        self.policy = Policy(self.update, settings.once, why=settings.why)
        self.tally = Tally(self.places, self.update)
        self.publisher = publisher(settings.report, self.places)
        self.runs = runs
        self._begun = False  # the first item's turn has come

    # -- collection ---------------------------------------------------------------------------------

    def header(self) -> str:
        """Return the line for pytest's header."""
        root = self.places.root
        short = [os.path.relpath(path, root) for path in (self.places.baselines, self.places.store)]
        tags = f", tags {', '.join(self.settings.tag)}" if self.settings.tag else ""
        return f"nbrepro: baselines in {short[0]}, runs in {short[1]}{tags}"

    def ignores(self, path: Path) -> bool:
        """Tell whether a path belongs to baselines, runs or a report."""
        places = (self.places.baselines, self.places.store, *filter(None, [self.settings.report]))
        return any(path.is_relative_to(place) for place in places)

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
        if not executes(self.config):
            return
        environ = dict(os.environ)
        tasks = [self.task(case, environ) for _, case in surely_run(session.items)]
        if tasks or any("nbrepro" in getattr(item, "fixturenames", ()) for item in session.items):
            self.runs.expect(tasks)
        else:
            self.runs.close()

    # -- running ------------------------------------------------------------------------------------

    def turn(self, item: pytest.Item, nextitem: pytest.Item | None) -> None:
        """Let cases run ahead of their turn: all that come, or the next one where a worker process is told no more."""
        if not self.runs.ahead or (self._begun and not self.worker) or not executes(self.config):
            return
        self._begun = True
        coming = [one for one in (item, nextitem) if one] if self.worker else item.session.items
        environ = dict(os.environ)
        for one, case in surely_run(coming):
            if _TASK not in one.stash and not contradiction(case, self.policy):
                one.stash[_TASK] = self.task(case, environ)
                self.runs.start(one.stash[_TASK])

    def turned(self, item: pytest.Item) -> None:
        """Stop what ran ahead for nothing: that of an item that was skipped, all when the session is about to end."""
        if _TASK in item.stash:
            self.runs.drop(item.stash[_TASK])
        if item.session.shouldfail or item.session.shouldstop:
            self.runs.stop()

    def run_item(self, item: pytest.Item, case: Case) -> None:
        """Run and judge the case of an item.

        Raises:
            NotReproduced: it does not reproduce.
        """
        task = item.stash.get(_TASK, None) or self.task(case)
        with Ticker(self.config, case, lambda: self.runs.others) as ticker:
            trial = try_case(task, self.places, self.policy, partial(self.runs.run, progress=ticker))
        self.conclude(item, trial, seconds=ticker.seconds)

    def check_run(self, item: pytest.Item, case: Case, run: Run) -> None:
        """Judge a run that a test asked for.

        Raises:
            NotReproduced: it does not reproduce.
        """
        __tracebackhide__ = True
        policy = replace(self.policy, fixture=True)
        with Ticker(self.config, case, lambda: self.runs.others) as ticker:
            trial = settle(self.task(case), run, self.places, policy, partial(self.runs.run, progress=ticker))
        self.conclude(item, trial, seconds=ticker.seconds)

    def task(self, case: Case, environ: Mapping[str, str] | None = None) -> Task:
        """Return the task that runs a case in this session, with the environment as it is now, or was."""
        return Task(
            case=case,
            root=self.places.root,
            store=self.places.store,
            baselines=self.places.baselines,
            timeout=self.settings.timeout,
            coverage=requested(self.config, self.places.root),
            tags=self.settings.tag,
            threads=self.runs.threads,
            environ=dict(os.environ) if environ is None else environ,
            fork=self.settings.kernel_start is KernelStart.FORK,
        )

    def conclude(self, item: pytest.Item, trial: Trial, *, seconds: float) -> None:
        """Record what became of a case, warn of what should be known, and fail where it does not reproduce."""
        __tracebackhide__ = True
        report = case_report(trial.assessment, self.places.root, trial)
        item.user_properties += properties(report)
        item.stash.setdefault(_RECORDS, []).append(
            Record(
                case=trial.assessment.case.id,
                folder=trial.assessment.case.folder,
                ok=trial.ok,
                runs=trial.runs,
                pending=trial.pending or "",
                accepted=trial.accepted,
                seconds=seconds,
                notes=[*map(moved_text, trial.moved), *map(by_chance, filter(None, [report.chance]))],
                sheet=self.publisher.packed(report, trial.assessment) if self.publisher else "",
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

    def stop(self) -> None:
        """Stop what runs, and wait until it has ended."""
        self.runs.stop()

    def close(self) -> None:
        """Let go of everything."""
        self.runs.close()

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
        self._publish(lambda publisher: publisher.take())
        self.tally.close(interrupted=session.exitstatus not in {0, 1, 5}, green=session.exitstatus in {0, 5})
        self._publish(lambda publisher: publisher.write(self.tally.obsolete, self.tally.faults))
        if self.tally.failed and session.exitstatus == 0:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def gathered(self, report: pytest.TestReport, records: Iterable[Record]) -> None:
        """Take what the report of a test carries, in the process that gathers reports."""
        for record in records:
            self.tally.add(record)
            if self.publisher and record.sheet:
                self.publisher.add(record.sheet)
        if self.publisher:
            self.publisher.watch(report)

    def _publish(self, step: Callable[[Publisher], None]) -> None:
        """Take a step of the report, where one is asked for; a fault fails the session."""
        if self.publisher is None or (not self.tally.records and self.config.option.collectonly):
            return
        try:
            step(self.publisher)
        except NbreproError as error:
            self.tally.faults.append(str(error))
        except Exception as error:  # noqa: BLE001 - what the tests found must not be lost for a report
            self.tally.faults.append(f"the report crashed: {type(error).__name__}: {error}")

    def summarize(self, reporter: pytest.TerminalReporter) -> None:
        """Write the last words."""
        lines = list(self.tally.lines())
        if self.publisher:
            lines += self.publisher.lines(terminal=reporter.hasmarkup)
        if lines:
            reporter.section("nbrepro")
            for line in lines:
                reporter.write_line(line)


def _allowed_update(settings: Settings) -> Update:
    if settings.update is not Update.NONE and in_ci() and not settings.update_in_ci:
        raise pytest.UsageError(
            f"--nbrepro-update={settings.update} is refused where CI is set\n"
            "  hint: give --nbrepro-update-in-ci, too, or accept the pending values elsewhere"
        )
    return settings.update


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
