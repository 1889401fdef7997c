"""The fixture `nbrepro`: notebooks in tests that people write themselves."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from pytest_nbrepro import cases, spec
from pytest_nbrepro.assessment import assess
from pytest_nbrepro.errors import NbreproError
from pytest_nbrepro.model import Case, FlagValue, Number, Run, RunStatus
from pytest_nbrepro.notebook import read
from pytest_nbrepro.progress import Ticker
from pytest_nbrepro.reports.data import case_report
from pytest_nbrepro.reports.terminal import case_text
from pytest_nbrepro.session import NotReproduced, Session
from pytest_nbrepro.store import EXECUTED


@dataclasses.dataclass(frozen=True)
class Ran:
    """A complete run, as a test looks at it."""

    case: Case
    run: Run

    @property
    def metrics(self) -> Mapping[str, Number]:
        """The metrics by name."""
        return {name: metric.value for name, metric in self.run.metrics.items()}

    @property
    def artifacts(self) -> Mapping[str, Path]:
        """The files and rich outputs by name, as paths to their copies in the run store; of figures the pictures."""
        return {
            name: self.run.folder / (artifact.shown or artifact).path
            for name, artifact in self.run.artifacts.items()
        }

    @property
    def flags(self) -> Mapping[str, FlagValue]:
        """All flags of the run."""
        return self.run.flags

    @property
    def notebook(self) -> dict[str, Any]:
        """The executed notebook, in nbformat's JSON."""
        return read(self.run.folder / EXECUTED).raw


class Notebooks:
    """What the fixture gives to a test."""

    def __init__(self, request: pytest.FixtureRequest, session: Session) -> None:
        self._item = request.node
        self._session = session

    def run(self, path: str | Path, /, **flags: FlagValue) -> Ran:
        """Run a notebook with flags, as its annotation says otherwise.

        Args:
            path: the notebook, relative to the test's folder or to the project's root.
            flags: values of its flags.

        Raises:
            NotReproduced: the notebook does not run to its end; the text says where and why.
            NbreproError: there is no such notebook, or its annotation has faults.
        """
        __tracebackhide__ = True
        case = self._case(path, flags)
        with Ticker(self._session.config, case, lambda: self._session.runs.others) as ticker:
            run = self._session.runs.run(self._session.task(case), ticker)
        if run.status is not RunStatus.COMPLETED:
            report = case_report(assess(case, run, self._session.places), self._session.places.root)
            raise NotReproduced(case_text(report), report.line)
        return Ran(case, run)

    def check(self, ran: Ran, /) -> None:
        """Judge a run against its baseline.

        Raises:
            NotReproduced: it does not reproduce; the text is the report.
        """
        __tracebackhide__ = True
        self._session.check_run(self._item, ran.case, ran.run)

    def _case(self, path: str | Path, flags: Mapping[str, FlagValue]) -> Case:
        project = self._session.project
        if self._session.project_fault is not None:
            raise self._session.project_fault
        notebook = read(self._find(path))
        found = spec.expand(notebook, project, spec.load(notebook, project))
        if not flags:
            return found[0]
        given = {**found[0].spec.flags, **flags}
        same = [case for case in found if case.flags == given]
        return same[0] if same else _own_case(found[0], given, flags)

    def _find(self, path: str | Path) -> Path:
        root = self._session.project.root
        places = [(base / path).resolve() for base in (self._item.path.parent, root)]
        found = next((place for place in places if place.exists()), None)
        if found is None:
            raise NbreproError("there is no such notebook", where=str(path), hint=f"looked at {places[0]}")
        if not found.is_relative_to(root):
            raise NbreproError(f"this notebook lies outside the project's root {root}", where=str(path))
        return found


def _own_case(like: Case, given: Mapping[str, FlagValue], flags: Mapping[str, FlagValue]) -> Case:
    """Return a case that only a test has; it is called by the flags that the test gives."""
    name = ",".join(f"{flag}={cases.shown(value)}" for flag, value in flags.items())
    folder = spec.case_folder(like.notebook, name, given)
    return dataclasses.replace(like, name=name, flags=given, folder=folder)
