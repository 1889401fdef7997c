"""The hooks that pytest calls once there is a session; each hands on to it."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from pytest_nbrepro.session import Session
from pytest_nbrepro.tally import Record, Selection
from pytest_nbrepro.textual import is_notebook, is_text


def register(session: Session) -> None:
    """Let pytest call a session from now on."""
    session.config.pluginmanager.register(Hooks(session), "nbrepro-session")
    if not session.worker:
        session.config.pluginmanager.register(Gathering(session), "nbrepro-gathering")


class Hooks:
    """Hooks of every process that collects and runs."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def pytest_report_header(self) -> str:
        """Say where baselines and runs are."""
        return self.session.header()

    def pytest_ignore_collect(self, collection_path: Path) -> bool | None:
        """Keep baselines and the run store out of the collection."""
        return self.session.ignores(collection_path) or None

    @pytest.hookimpl(wrapper=True)
    def pytest_collect_file(
        self, file_path: Path, parent: pytest.Collector
    ) -> Generator[None, list[pytest.Collector], list[pytest.Collector]]:
        """Collect annotated notebooks; one that is a script is no module of tests besides."""
        others = yield
        if not is_notebook(file_path):
            return others
        from pytest_nbrepro.collection import collect

        mine = collect(file_path, parent, self.session)
        if mine is None:
            return others
        return [mine] if is_text(file_path) else [*others, mine]

    def pytest_deselected(self, items: list[pytest.Item]) -> None:
        """Note that not everything runs."""
        self.session.deselected(items)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Note which cases there are."""
        self.session.collected(session)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(
        self, item: pytest.Item, nextitem: pytest.Item | None
    ) -> Generator[None, object, object]:
        """Let cases run ahead of their turn, as long as there will be one."""
        self.session.turn(item, nextitem)
        result = yield
        self.session.turned(item)
        return result

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Let a test's report carry what became of its notebooks, also from a worker process."""
        report = yield
        if report.when == "call" or report.skipped:
            self.session.attach(item, report, call.excinfo.value if call.excinfo else None)
        return report

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None, object, object]:
        """Stop what runs; accept what may be accepted, look for obsolete baselines, set the exit status."""
        self.session.stop()
        result = yield
        self.session.finish(session)
        return result

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Tell how it went."""
        self.session.summarize(terminalreporter)

    def pytest_unconfigure(self) -> None:
        """Let go of everything."""
        self.session.close()


class Gathering:
    """Hooks of the process that gathers reports: the only one there is, or the controller of workers."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take what a report carries."""
        self.session.gathered(report, [Record(**record) for record in getattr(report, "nbrepro", ())])
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
