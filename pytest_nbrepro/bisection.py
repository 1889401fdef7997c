"""Which change of a distribution moves a check out of its limit: runs in environments between the baseline's and today's."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_nbrepro import files
from pytest_nbrepro.assessment import Assessment, Places, assess, environment_of
from pytest_nbrepro.environments.building import Builder, Unbuildable
from pytest_nbrepro.environments.narrowing import Narrowed, narrow
from pytest_nbrepro.environments.pins import Change, Pins, changes, mixed, recorded
from pytest_nbrepro.errors import NbreproError
from pytest_nbrepro.model import Check, Run, RunStatus, Task

ENVIRONMENTS = "environments"  # in the run store
_KNOWN = "bisect"  # in the run store: what trials gave, a file a question

RunCase = Callable[[Task], Run]


@dataclass(frozen=True)
class Question:
    """A failing case, and what of it the answer is about: a check, or that it does not complete."""

    task: Task
    failed: Assessment
    check: Check | None
    before: Pins
    after: Pins

    @property
    def changes(self) -> list[Change]:
        """The distributions that differ."""
        return changes(self.before, self.after)

    def outside(self, found: Assessment) -> bool | None:
        """Tell whether an assessment fails in the way that is asked about; None where it fails in another."""
        if found.run.status is not RunStatus.COMPLETED:
            same = self.check is None and _kind(found.run) == _kind(self.failed.run)
            return True if same else None
        if self.check is None:
            return False
        for one in found.verdict.checks:
            if (one.kind, one.name) == (self.check.kind, self.check.name):
                return not one.status.ok
        return None


@dataclass(frozen=True)
class Answer:
    """What the bisection told.

    `narrowed` is None where there was nothing to narrow, which `told` explains.
    """

    question: Question
    narrowed: Narrowed[Change] | None
    told: str
    runs: int


def question(task: Task, failed: Assessment, wanted: str | None = None) -> Question:
    """Return what to ask about a failing assessment: its worst check, or the one that is named.

    Raises:
        NbreproError: it has no baseline, it does not fail, no failing check has that name, or an environment is not
            one that can be built.
    """
    where = task.case.id
    if failed.baseline is None:
        raise NbreproError("it has no baseline", where=where, hint="nbrepro review, or --nbrepro-update=new")
    if failed.verdict.ok and failed.run.status is RunStatus.COMPLETED:
        raise NbreproError("it reproduces: there is nothing to look for", where=where)
    before, after = recorded(failed.baseline.environment, where), recorded(environment_of(failed.run), where)
    if failed.run.status is not RunStatus.COMPLETED:
        return Question(task, failed, None, before, after)
    checks = sorted(failed.verdict.failed, key=lambda check: -(check.used or 0.0))
    named = [check for check in checks if wanted in {None, check.name}]
    if not named:
        names = ", ".join(check.name for check in checks)
        raise NbreproError(
            f"no failing check has the name {wanted!r}", where=where, hint=f"there are: {names}"
        )
    return Question(task, failed, named[0], before, after)


class Bisection:
    """Tries environments; what was tried is remembered in the run store, so that it can be begun again.

    Args:
        asked: the question.
        places: where things of the project lie.
        run_case: executes a task.
        told: called with a line before each step.
    """

    def __init__(
        self, asked: Question, places: Places, run_case: RunCase, told: Callable[[str], None]
    ) -> None:
        self._asked = asked
        self._places = places
        self._run_case = run_case
        self._told = told
        self._builder = Builder(places.store / ENVIRONMENTS, told)
        self._memory = places.store / _KNOWN / f"{_fingerprint(asked)}.json"
        self._known: dict[str, bool | None] = _read(self._memory)
        self.runs = 0

    def answer(self) -> Answer:
        """Find the smallest set of changes.

        Raises:
            Unbuildable: the baseline's environment cannot be built again.
        """
        changed, before, after = self._asked.changes, self._asked.before, self._asked.after
        if not changed and before.python == after.python:
            return self._answer(None, "the notebook imports the same versions as the baseline's run did")
        self._told(f"the baseline's environment, {len(changed)} distributions as they were")
        first = self._tried(frozenset())
        if first is not False:
            how = "fails" if first else "does not run"
            told = f"it {how} in the baseline's environment, too: distributions are not the cause"
            return self._answer(None, told)
        if before.python != after.python and self._between(frozenset(changed)) is not True:
            told = f"distributions alone are not the cause: Python {before.python} -> {after.python}"
            return self._answer(None, told)
        return self._answer(narrow(changed, self._between), "")

    def _answer(self, narrowed: Narrowed[Change] | None, told: str) -> Answer:
        return Answer(self._asked, narrowed, told, self.runs)

    def _between(self, some: frozenset[Change]) -> bool | None:
        self._told(f"{len(some)} of {len(self._asked.changes)} distributions as they are now")
        try:
            return self._tried(some)
        except Unbuildable as error:
            self._told(str(error).splitlines()[0])
            return None

    def _tried(self, some: frozenset[Change]) -> bool | None:
        pins = mixed(self._asked.before, some)
        if pins.key not in self._known:
            run = self._run_case(within(self._asked.task, self._builder.python(pins)))
            self.runs += 1
            self._known[pins.key] = self._asked.outside(assess(self._asked.task.case, run, self._places))
            files.write_json(self._memory, {"schema": 1, "trials": self._known})
        return self._known[pins.key]


def within(task: Task, python: Path) -> Task:
    """Return a task that runs with another interpreter: its programs and modules come before those of ours."""
    path = os.pathsep.join(filter(None, [str(python.parent), task.environ.get("PATH")]))
    kept = {name: text for name, text in task.environ.items() if name not in {"PYTHONPATH", "PYTHONHOME"}}
    environ = {**kept, "PATH": path, "VIRTUAL_ENV": str(python.parents[1])}
    return dataclasses.replace(task, python=python, environ=environ, fork=False)


def _kind(run: Run) -> str:
    """Return what an error is called that ended a run: the last line of its traceback, up to its text."""
    if run.error is None:
        return str(run.status)
    last = (run.error.traceback.strip().splitlines() or [run.error.message])[-1]
    return last.partition(":")[0]


def _fingerprint(asked: Question) -> str:
    """Return a name for all that a trial's outcome depends on besides the environment."""
    task = asked.task
    notebook = (task.root / task.case.notebook).read_bytes()
    told = {
        "case": task.case.id,
        "flags": {name: files.to_json(value) for name, value in task.case.flags.items()},
        "notebook": hashlib.sha256(notebook).hexdigest(),
        "spec": repr(task.case.spec),
        "check": None if asked.check is None else [asked.check.kind, asked.check.name],
        "baseline": _hashes(asked.failed.baseline.folder if asked.failed.baseline else None),
    }
    return hashlib.sha256(json.dumps(told, sort_keys=True, default=str).encode()).hexdigest()[:16]


def _hashes(folder: Path | None) -> Mapping[str, str]:
    if folder is None:
        return {}
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): files.sha256(path) for path in paths}


def _read(path: Path) -> dict[str, Any]:
    """Return what earlier trials gave; a file that cannot be read counts as none."""
    try:
        return dict(json.loads(path.read_text("utf-8"))["trials"])
    except (OSError, ValueError, KeyError, TypeError):
        return {}
