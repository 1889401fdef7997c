"""Which change of a distribution moves a check out of its limit; runs and environments are stand-ins here."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_nbrepro import bisection
from pytest_nbrepro.assessment import Assessment, Places
from pytest_nbrepro.bisection import Bisection, question, within
from pytest_nbrepro.environments.building import Unbuildable
from pytest_nbrepro.errors import NbreproError
from pytest_nbrepro.model import (
    Baseline,
    Case,
    Check,
    CheckStatus,
    Run,
    RunError,
    RunStatus,
    Spec,
    Task,
    Verdict,
)

OLD = {f"d{n:02}": "1" for n in range(12)}
NEW = dict.fromkeys(OLD, "2")


class World:
    """A case whose metric moves with some distributions; environments cost nothing."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.places = Places(root, root / ".nbrepro", root / "baselines")
        (root / "a.ipynb").write_text("{}")
        (root / "baselines/a").mkdir(parents=True)
        self.task = Task(
            Case("a.ipynb", "default", {}, Spec(), "a/default"), root, root / ".nbrepro", root / "baselines"
        )
        self.culprits, self.broken, self.gone = {"d07"}, set(), set()
        self.before, self.after = dict(OLD), dict(NEW)
        self.python = "3.11"
        self.built: list[dict[str, str]] = []
        self.environment: dict[str, str] = {}

    def verdict(self, versions):
        moved = all(versions.get(name) == "2" for name in self.culprits)
        loss = Check(
            "metric", "loss", CheckStatus.DRIFT if moved else CheckStatus.EQUAL, used=3.0 if moved else 0.0
        )
        return Verdict((Check("metric", "other", CheckStatus.EQUAL), loss))

    def run(self, status=RunStatus.COMPLETED, error=None):
        return Run("r", self.root, "a.ipynb", "default", {}, status, "", error=error)

    def failed(self, **fields):
        baseline = Baseline(self.root / "baselines/a", {}, {}, None, self.record(self.before, self.python))
        told = {
            "baseline": baseline,
            "verdict": self.verdict(self.after),
            "run": self.run(),
            "executed": None,
        }
        return Assessment(case=self.task.case, **{**told, **fields})

    def record(self, versions, python="3.11"):
        return {"interpreter": f"CPython {python}.7", "distributions": versions}

    def run_case(self, task):
        versions = json.loads(task.python.read_text())
        self.environment = versions
        if any(versions.get(name) == "2" for name in self.broken):
            return self.run(RunStatus.FAILED, RunError("cell", "x", traceback="ImportError: no"))
        return self.run()

    def assess(self, case, run, places):
        return self.failed(run=run, verdict=self.verdict(self.environment))

    def interpreter(self, pins):
        if any(pins.versions.get(name) == "1" for name in self.gone):
            raise Unbuildable("there is no d01 1")
        self.built.append(dict(pins.versions))
        path = self.root / "envs" / pins.key / "bin" / "python"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(dict(pins.versions)))
        return path


@pytest.fixture
def world(tmp_path, monkeypatch):
    made = World(tmp_path)
    monkeypatch.setattr(bisection, "assess", made.assess)
    monkeypatch.setattr(bisection, "environment_of", lambda run: made.record(made.after))

    class Builder:
        def __init__(self, folder, told):
            self.python = made.interpreter

    monkeypatch.setattr(bisection, "Builder", Builder)
    return made


def answer(world, failed=None, check=None):
    told = []
    asked = question(world.task, failed or world.failed(), check)
    return Bisection(asked, world.places, world.run_case, told.append).answer(), told


def test_one_culprit_among_twelve_takes_six_environments(world):
    found, told = answer(world)
    assert [change.name for change in found.narrowed.culprits] == ["d07"]
    assert len(world.built) <= 6
    assert found.runs == len(world.built)
    assert told[0] == "the baseline's environment, 12 distributions as they were"
    assert told[1] == "6 of 12 distributions as they are now"


def test_two_that_fail_together(world):
    world.culprits = {"d02", "d09"}
    found, _ = answer(world)
    assert [change.name for change in found.narrowed.culprits] == ["d02", "d09"]


def test_what_was_tried_is_remembered(world):
    answer(world)
    world.built.clear()
    found, _ = answer(world)
    assert [change.name for change in found.narrowed.culprits] == ["d07"]
    assert (world.built, found.runs) == ([], 0)


def test_a_changed_notebook_is_tried_anew(world):
    answer(world)
    (world.root / "a.ipynb").write_text("{ }")
    world.built.clear()
    answer(world)
    assert world.built


def test_a_memory_that_is_torn_is_none(world):
    answer(world)
    (memory,) = (world.places.store / "bisect").iterdir()
    memory.write_text("{")
    world.built.clear()
    answer(world)
    assert world.built


def test_nothing_changed(world):
    world.after = dict(OLD)
    found, _ = answer(world, world.failed(verdict=world.verdict(NEW)))
    assert found.narrowed is None
    assert found.told == "the notebook imports the same versions as the baseline's run did"


def test_it_fails_in_the_old_environment_too(world):
    world.culprits = set()
    found, _ = answer(world)
    assert found.narrowed is None
    assert found.told == "it fails in the baseline's environment, too: distributions are not the cause"


def test_another_python(world):
    world.before, world.culprits, world.python = {**OLD}, {"nothing"}, "3.10"
    found, _ = answer(world, world.failed(verdict=world.verdict({"nothing": "2"})))
    assert found.told == "distributions alone are not the cause: Python 3.10 -> 3.11"


def test_an_old_environment_that_cannot_be_built(world):
    world.gone = {"d01"}
    with pytest.raises(Unbuildable, match="there is no d01 1"):
        answer(world)


def test_mixtures_that_do_not_run_are_told(world):
    world.broken = {"d03"}
    found, _ = answer(world)
    assert [change.name for change in found.narrowed.culprits] == ["d07"] or found.narrowed.unsure
    assert found.narrowed.unsure


def test_a_run_that_does_not_complete(world):
    world.broken = {"d04"}
    error = RunError("cell", "x", traceback="Traceback\nImportError: gone")
    found, _ = answer(world, world.failed(run=world.run(RunStatus.FAILED, error), verdict=Verdict(())))
    assert found.question.check is None
    assert [change.name for change in found.narrowed.culprits] == ["d04"]


@pytest.mark.parametrize(
    ("fields", "check", "message"),
    [
        ({"baseline": None}, None, "it has no baseline"),
        ({"verdict": Verdict((Check("metric", "loss", CheckStatus.EQUAL),))}, None, "it reproduces"),
        ({}, "auc", "no failing check has the name 'auc'"),
    ],
)
def test_what_cannot_be_asked(world, fields, check, message):
    with pytest.raises(NbreproError, match=message):
        question(world.task, world.failed(**fields), check)


def test_the_worst_check_is_meant(world):
    checks = (
        Check("metric", "a", CheckStatus.DRIFT, used=2.0),
        Check("metric", "b", CheckStatus.DRIFT, used=9.0),
    )
    failed = world.failed(verdict=Verdict(checks))
    assert question(world.task, failed).check.name == "b"
    assert question(world.task, failed, "a").check.name == "a"


def test_a_check_that_is_not_there_says_nothing(world):
    asked = question(world.task, world.failed())
    assert asked.outside(replace(world.failed(), verdict=Verdict(()))) is None


def test_the_programs_of_an_environment_come_first(world):
    task = replace(world.task, environ={"PATH": "/usr/bin", "PYTHONPATH": "x"}, fork=True)
    inside = within(task, Path("/e/bin/python"))
    assert inside.environ == {"PATH": "/e/bin:/usr/bin", "VIRTUAL_ENV": "/e"}
    assert (inside.python, inside.fork) == (Path("/e/bin/python"), False)
