"""`nbrepro export` and `nbrepro import`."""

from __future__ import annotations

import csv
import json

import pytest

from pytest_nbrepro import attributes, files
from pytest_nbrepro.model import Metric, RunStatus


@pytest.fixture
def runs(bench):
    first = bench.run(flags={"x": 1.0}, metrics={"loss": Metric(0.1, steps=((1, 0.5), (2, 0.1)))})
    second = bench.run(flags={"x": 2.0}, metrics={"loss": Metric(1 / 3)})
    bench.run("other.ipynb", id="20240101T000000.000000-000000")
    return first, second


def rows(path):
    return list(csv.reader(path.read_text().splitlines()))


def test_a_row_a_run(bench, runs, tmp_path):
    said = bench("export", "--csv", str(tmp_path / "a.csv"))
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith("2 runs in ")
    head, *rest = rows(tmp_path / "a.csv")
    assert head == ["run", "started", "status", "x", "loss"]
    assert [row[3:] for row in rest] == [["2.0", repr(1 / 3)], ["1.0", "0.1"]]


def test_a_row_a_step(bench, runs, tmp_path):
    bench("export", "--where", "x>0", "--series", str(tmp_path / "a.csv"))
    head, *rest = rows(tmp_path / "a.csv")
    assert head == ["run", "notebook", "case", "metric", "step", "value"]
    assert [row[3:] for row in rest if row[1] == "train.ipynb"] == [
        ["loss", "", repr(1 / 3)],
        ["loss", "1", "0.5"],
        ["loss", "2", "0.1"],
    ]


def test_there_and_back(bench, runs, tmp_path):
    archive = str(tmp_path / "runs.zip")
    assert bench("export", runs[0].id, runs[1].id, "--zip", archive).out.startswith("2 runs in ")
    folder = str(tmp_path / "elsewhere")
    said = bench("--dir", folder, "import", archive)
    assert (said.code, said.out, said.err) == (0, f"{archive}: 2 runs taken in\n", "")
    said = bench("--dir", folder, "import", archive)
    assert (said.out, said.err) == (f"{archive}: 0 runs taken in\n", "2 runs had been there\n")
    assert [run["id"] for run in bench("--dir", folder, "runs", "--json").json["runs"]] == [
        runs[1].id,
        runs[0].id,
    ]


def test_an_archive_that_is_none(bench, tmp_path):
    (tmp_path / "a.zip").write_text("no zip")
    said = bench("import", str(tmp_path / "a.zip"))
    assert said.code == 2
    assert "no archive of runs" in said.err


def test_one_run_for_dvc(bench, runs, tmp_path):
    said = bench("export", "--dvc", str(tmp_path / "dvc"))
    assert said.code == 2
    assert "these are 2 runs" in said.err
    assert bench("export", "last", "--dvc", str(tmp_path / "dvc")).code == 0
    assert json.loads((tmp_path / "dvc/metrics.json").read_text()) == {"loss": 1 / 3}


def test_a_crate(bench, runs, tmp_path):
    said = bench("export", "--rocrate", str(tmp_path / "one"))
    assert said.code == 0
    assert "no licence is stated" in said.err
    said = bench("export", "--rocrate", str(tmp_path / "two"), "--licence", "CC-BY-4.0")
    assert said.err == ""
    assert "CC-BY-4.0" in (tmp_path / "two/ro-crate-metadata.json").read_text()


def test_a_search(bench, runs, tmp_path):
    pytest.importorskip("optuna", reason="the extra sweep is not installed")
    target = str(tmp_path / "study.log")
    assert "of no search" in bench("export", "--optuna", target).err
    batch = "20240601T000000.000000-abcdef"
    record = {
        "notebook": "train.ipynb",
        "case": "default",
        "texts": ["x=[0:3]"],
        "optimizer": "tpe",
        "seed": 0,
    }
    record |= {"goals": ["minimize loss"], "max_trials": 2, "trial_timeout": None}
    files.write_json(bench.store.folder / f"batches/{batch}.json", {"schema": 1, **record})
    for number, run in enumerate(runs, 1):
        attributes.write(run.folder, attributes.Attributes(batch=batch, trial=number))
    assert bench("export", "--batch", "last", "--optuna", target).out.startswith("2 trials in ")


def test_mlflow(bench, runs, tmp_path, monkeypatch):
    wrote = []
    monkeypatch.setattr(
        "pytest_nbrepro.exports.mlflow.write",
        lambda runs, uri, name: (
            (wrote.append((run.id, uri, name)), (run, run is runs[0]))[1] for run in runs
        ),
    )
    said = bench("export", "--mlflow", "sqlite:///m.db")
    assert said.out == f"2 runs in sqlite:///m.db, experiment {bench.root.name}\n"
    assert said.err == "1 run of them had been there\n"
    bench("export", "last", "--mlflow", "http://host", "--experiment", "mine")
    assert wrote[-1][1:] == ("http://host", "mine")


def test_those_that_still_run_are_left_out(bench, runs, tmp_path):

    running = bench.run(status=RunStatus.RUNNING, duration=None)
    said = bench("export", "--csv", str(tmp_path / "a.csv"))
    assert "1 run left out: still running" in said.err
    assert running.id not in (tmp_path / "a.csv").read_text()
    said = bench("export", running.id, "--csv", str(tmp_path / "b.csv"))
    assert said.code == 2
    assert not (tmp_path / "b.csv").exists()


@pytest.mark.parametrize(
    "arguments",
    [[], ["--csv", "a", "--zip", "b"], ["--csv", "a", "--licence", "x"], ["--csv", "a", "--experiment", "x"]],
)
def test_one_way_at_a_time(bench, runs, arguments):
    assert bench("export", *arguments).code == 2


def test_a_run_that_cannot_be_read_is_told(bench, runs, tmp_path):
    (runs[0].folder / "run.json").write_text("{")
    said = bench("export", "--csv", str(tmp_path / "a.csv"))
    assert said.code == 2
    assert "cannot be read" in said.err
    assert len(rows(tmp_path / "a.csv")) == 2
