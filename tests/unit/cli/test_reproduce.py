"""`nbrepro reproduce` and `nbrepro why --bisect`, with stand-ins for kernels and environments."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

from pytest_nbrepro import baselines, bisection
from pytest_nbrepro.environments.building import Builder, Unbuildable
from pytest_nbrepro.model import Metric, RunStatus

HERE = f"CPython {sys.version_info[0]}.{sys.version_info[1]}.0"
RECORD = {"schema": 1, "interpreter": HERE, "distributions": {"tiny": "1", "same": "1"}}


@pytest.fixture
def accepted(bench, fake_kernel, monkeypatch):
    """A case with a baseline; its environments are this one."""
    monkeypatch.setattr(Builder, "python", lambda self, pins: Path(sys.executable))
    path = bench.notebook("train.ipynb", "x = 1.0", "print(f'loss: {x / 4}')", nbrepro={"outputs": "ignore"})
    book = json.loads(path.read_text())
    draft = baselines.Draft({"loss": Metric(0.25)}, {}, {}, book, RECORD, False, False)
    baselines.write_tree(draft, bench.baselines / "train/default")
    return bench


def test_a_baseline_is_given_again_by_its_own_source(accepted):
    accepted.notebook("train.ipynb", "x = 3.0", "print(f'loss: {x / 4}')", nbrepro={"outputs": "ignore"})
    said = accepted("reproduce", "train.ipynb")
    assert said.code == 0, said.err
    version = HERE.removeprefix("CPython ").removesuffix(".0")
    (run_id,) = accepted.store.ids()
    assert said.out.splitlines() == [
        f"train.ipynb::default gives the baseline again, with Python {version} and 2 distributions as they were",
        f"its run is {run_id[-6:]}: nbrepro show {run_id[-6:]}",
    ]
    assert "made by nbrepro reproduce" in accepted.store.read(run_id).notes


def test_a_baseline_that_is_not_given_again(accepted):
    changed = accepted.baselines / "train/default/metrics.json"
    changed.write_text(changed.read_text().replace("0.25", "0.5"))
    said = accepted("reproduce", "train.ipynb::default", "--json")
    assert said.code == 1
    assert said.json["reproduces"] is False
    assert [(one["kind"], one["name"], one["status"]) for one in said.json["failed"]] == [
        ("metric", "loss", "drift")
    ]
    assert said.json["of"] == "baseline"
    assert said.json["distributions"] == {"tiny": "1", "same": "1"}
    said = accepted("reproduce", "train.ipynb::default")
    assert "train.ipynb::default does not give the baseline again" in said.out
    assert "0.5000 -> 0.2500" in said.out


def test_a_run_is_given_again(accepted):
    book = json.loads((accepted.root / "train.ipynb").read_text())
    run = accepted.run(executed=book, environment=RECORD, metrics={"loss": Metric(0.25, cell=1)})
    said = accepted("reproduce", run.id[-6:])
    assert said.code == 0, said.out + said.err
    assert f"gives run {run.id[-6:]} again" in said.out


def test_a_run_that_did_not_complete(accepted):
    run = accepted.run(status=RunStatus.FAILED)
    said = accepted("reproduce", run.id[-6:])
    assert said.code == 2
    assert "this run did not complete" in said.err


def test_without_a_baseline(accepted):
    accepted.notebook("other.ipynb")
    said = accepted("reproduce", "other.ipynb")
    assert (said.code, "it has no baseline" in said.err) == (2, True)


def test_several_cases(accepted):
    accepted.notebook("many.ipynb", "x = 1.0", nbrepro={"matrix": {"x": [1.0, 2.0]}})
    said = accepted("reproduce", "many.ipynb")
    assert said.code == 2
    assert "it has several cases: name one" in said.err
    assert "x=2.0" in said.err


def test_an_environment_that_cannot_be_built(accepted, monkeypatch):
    def gone(self, pins):
        raise Unbuildable("there is no tiny 1")

    monkeypatch.setattr(Builder, "python", gone)
    said = accepted("reproduce", "train.ipynb")
    assert (said.code, said.err) == (2, "error: there is no tiny 1\n")


@pytest.fixture
def drifted(accepted, fake_kernel, monkeypatch):
    """A case whose metric moves with `tiny` from 1 to 2; `new` has come since, and means nothing."""
    accepted.notebook(
        "train.ipynb", "print('loss:', 0.25 + (distributions['tiny'] == '2'))", nbrepro={"outputs": "ignore"}
    )
    fake_kernel.distributions = {"tiny": "2", "same": "1", "new": "3"}

    def python(self, pins):
        fake_kernel.distributions = dict(pins.versions)
        return Path(sys.executable)

    original = bisection.environment_of
    monkeypatch.setattr(Builder, "python", python)
    monkeypatch.setattr(bisection, "environment_of", lambda run: {**original(run), "interpreter": HERE})
    return accepted


def test_the_distribution_that_moves_a_metric(drifted):
    said = drifted("why", "train.ipynb", "--bisect")
    assert said.code == 1, said.err
    assert said.out.splitlines() == [
        "NBREPRO train.ipynb::default   metric loss fails",
        "  why     tiny 1 -> 2",
        "          1 other changed distribution does not matter",
        "4 runs; environments are kept in the run store",
    ]
    assert re.sub(r", about [^:]* left", "", said.err).splitlines() == [
        "[............] environment 1 of about 3: the baseline's environment, 2 distributions as they were",
        "[####........] environment 2 of about 3: 1 of 2 distributions as they are now",
        "[########....] environment 3 of about 3: 1 of 2 distributions as they are now",
    ]


def test_the_same_as_json_for_a_check_that_is_named(drifted):
    said = drifted("why", "train.ipynb", "--check", "loss", "--json")
    assert said.code == 1
    assert said.json == {
        "schema": 1,
        "case": "train.ipynb::default",
        "check": {"kind": "metric", "name": "loss"},
        "culprits": [{"name": "tiny", "before": "1", "after": "2"}],
        "told": "",
        "changed": [
            {"name": "new", "before": None, "after": "3"},
            {"name": "tiny", "before": "1", "after": "2"},
        ],
        "unsure": [],
        "runs": 4,
    }


def test_nothing_to_look_for(drifted, fake_kernel):
    fake_kernel.distributions = {"tiny": "1", "same": "1"}
    said = drifted("why", "train.ipynb", "--bisect")
    assert said.code == 2
    assert "it reproduces: there is nothing to look for" in said.err


def test_distributions_are_not_the_cause(drifted):
    drifted.notebook("train.ipynb", "print('loss: 7.0')", nbrepro={"outputs": "ignore"})
    said = drifted("why", "train.ipynb", "--bisect")
    assert said.code == 1
    assert (
        "  why     it fails in the baseline's environment, too: distributions are not the cause" in said.out
    )
