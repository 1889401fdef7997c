"""The runs of a calibration: which are made, and what they are held against."""

from __future__ import annotations

import itertools
import json
from datetime import UTC, datetime

import pytest

from pytest_nbrepro.calibration import Noise
from pytest_nbrepro.experiment import VARIABLES, Experiment, Incomplete
from pytest_nbrepro.model import (
    Artifact,
    ArtifactRule,
    Case,
    Limits,
    Metric,
    MetricRule,
    OutputsRule,
    Run,
    RunStatus,
    Spec,
)

ONE = dict.fromkeys(VARIABLES, "1")


class Bench:
    """Makes runs without running anything: `metrics`, `text` and `status` tell what each gives, by its setting."""

    def __init__(self, root):
        self.root = root
        self.words = []
        self.specs = []
        self.metrics = lambda number, seed, single: {}
        self.text = lambda number, seed, single: ""
        self.artifacts = lambda number, folder: {}
        self.status = RunStatus.COMPLETED

    def __call__(self, case, word):
        number = len(self.words)
        self.words.append(word)
        self.specs.append(case.spec)
        folder = self.root / ".nbrepro/runs" / str(number)
        folder.mkdir(parents=True)
        setting = number, case.spec.seed, case.spec.env.get(VARIABLES[0]) == "1"
        output = {"output_type": "stream", "name": "stdout", "text": self.text(*setting)}
        cell = {
            "cell_type": "code",
            "id": "a",
            "metadata": {},
            "source": "",
            "outputs": [output],
            "execution_count": 1,
        }
        tagged = {
            **cell,
            "id": "b",
            "metadata": {"tags": ["nbrepro:ignore"]},
            "outputs": [{**output, "text": str(number)}],
        }
        book = {"cells": [cell, tagged], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
        (folder / "notebook.ipynb").write_text(json.dumps(book))
        return Run(
            str(number),
            folder,
            "t.ipynb",
            "default",
            {},
            self.status,
            datetime.now(UTC).isoformat(),
            1.0,
            {name: Metric(value) for name, value in self.metrics(*setting).items()},
            self.artifacts(number, folder),
        )

    def experiment(self, spec=None, times=3):
        return Experiment(Case("t.ipynb", "default", {}, spec or Spec(), "t/default"), self.root, times, self)


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path)


def test_what_does_not_vary_takes_no_run_with_one_seed(bench):
    bench.metrics = lambda *_: {"loss": 0.5}
    experiment = bench.experiment(times=4)
    found = experiment.carry_out()
    assert [f.noise for f in found.findings] == [Noise.NONE]
    assert [spec.seed for spec in bench.specs] == [None] * 4 + [0, 1, 2, 3] + [None] * 2
    assert [spec.env for spec in bench.specs] == [{}] * 8 + [ONE] * 2
    assert bench.words[0] == "as it is, 1 of 4"
    assert bench.words[4:6] == ["with seed 0", "with seed 1"]
    assert bench.words[-1] == "with one thread, 2 of 2"


def test_one_seed_is_tried_until_luck_is_out_of_the_question(bench):
    draws = itertools.count(1)
    bench.metrics = lambda number, seed, single: {
        "loss": 0.5 + (100 + seed if seed is not None else next(draws)) / 1000
    }
    found = bench.experiment().carry_out()
    assert [spec.seed for spec in bench.specs] == [None] * 3 + [0, 1, 2] + [0, 0] + [0, 0]
    assert [p.path for p in found.proposals] == [("seed",)]


def test_one_run_shows_that_it_does_not_help(bench):
    bench.metrics = lambda number, *_: {"loss": 0.5 + number / 1000}
    found = bench.experiment().carry_out()
    assert [spec.seed for spec in bench.specs] == [None] * 3 + [0, 1, 2] + [0] + [None] * 2
    assert [p.path for p in found.proposals] == [("runs",)]


def test_few_values_take_five_runs_with_one_seed_at_most(bench):
    bench.metrics = lambda number, seed, single: {"loss": 0.5 + (number % 2 if seed is None else seed % 2)}
    bench.experiment().carry_out()
    assert bench.words.count("with seed 0 again") == 4


def test_a_seed_of_the_annotation_stays_and_is_no_other_seed(bench):
    bench.metrics = lambda number, seed, single: {"loss": 0.5 + seed}
    found = bench.experiment(Spec(seed=1, env={"A": "b"})).carry_out()
    assert [spec.seed for spec in bench.specs] == [1] * 3 + [0, 2, 3] + [1] * 2
    assert bench.specs[-1].env == {"A": "b", **ONE}
    assert [f.noise for f in found.findings] == [Noise.SEED]


def test_one_thread_is_not_tried_where_there_is_no_other(bench):
    bench.experiment(Spec(env=ONE)).carry_out()
    assert len(bench.words) == 6


def test_threads_are_told(bench):
    bench.metrics = lambda number, seed, single: {"loss": 1.0 + 1e-13 * single}
    found = bench.experiment().carry_out()
    assert [f.noise for f in found.findings] == [Noise.THREADS]


def test_what_is_ignored_is_left_out(bench):
    spec = Spec(
        metrics=(MetricRule("time*", ignore=True),),
        artifacts=(ArtifactRule("*.log", ignore=True),),
        outputs=OutputsRule(ignore=True),
    )
    bench.metrics = lambda number, *_: {"time_fit": number, "loss": 0.5}
    bench.text = lambda number, *_: str(number)
    bench.artifacts = lambda number, folder: {
        "a.log": Artifact("a.log", "text", "files/a.log", str(number), 1)
    }
    found = bench.experiment(spec).carry_out()
    assert [(f.kind, f.name) for f in found.findings] == [("metric", "loss")]


def test_timings_are_measured_only_where_a_rule_names_them(bench):
    bench.metrics = lambda number, *_: {"fit_time": number / 8, "loss": 0.5}
    assert [f.name for f in bench.experiment().carry_out().findings] == ["loss"]
    bench.root = bench.root / "other"
    bench.words, bench.specs = [], []
    named = Spec(metrics=(MetricRule("fit_time"),))
    assert {f.name for f in bench.experiment(named).carry_out().findings} == {"fit_time", "loss"}


def test_texts_and_files(bench):
    def written(number, folder):
        (folder / "files").mkdir()
        (folder / "files/a.txt").write_text(str(number))
        return {"a.txt": Artifact("a.txt", "text", "files/a.txt", str(number), len(str(number)))}

    bench.text = lambda number, *_: f"took {1 + number * 1e-9} of it"
    bench.artifacts = written
    found = bench.experiment().carry_out()
    assert [(f.kind, f.name, f.noise) for f in found.findings] == [
        ("text", "a.txt", Noise.CHANCE),
        ("output", "cell 1", Noise.ROUNDING),
    ]


@pytest.mark.parametrize(
    ("limits", "own"),
    [(Limits(), False), (Limits(rel=1e-6), False), (Limits(rel=1e-3), True), (Limits(abs=1e-9), True)],
)
def test_limits_that_init_writes_are_nobody_s_own(bench, limits, own):
    bench.metrics = lambda *_: {"loss": 0.5}
    experiment = bench.experiment(Spec(metrics=(MetricRule("lo*", limits),)))
    experiment.carry_out()
    assert [thing.own for thing in experiment.things()] == [own]


def test_a_metric_that_some_runs_lack(bench):
    bench.metrics = lambda number, *_: {"loss": 0.5} if number else {}
    found = bench.experiment().carry_out()
    assert found.findings[0].notes[0] == "only some of the runs have it"
    assert found.findings[0].noise is Noise.CHANCE


def test_a_run_that_fails_ends_it(bench):
    bench.status = RunStatus.FAILED
    with pytest.raises(Incomplete) as caught:
        bench.experiment().carry_out()
    assert (caught.value.run.id, caught.value.word) == ("0", "as it is, 1 of 3")
