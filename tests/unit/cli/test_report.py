"""`nbrepro report`."""

from __future__ import annotations

import json

import pytest

from pytest_nbrepro.assessment import Places, assess, keep_pending
from pytest_nbrepro.cli.lookup import case_of
from pytest_nbrepro.model import CellRecord, Metric, RunStatus

CELLS = (CellRecord(0, "id0", "", "", 0.25), CellRecord(1, "id1", "", "", 1.0))


def executed(text):
    output = {"output_type": "stream", "name": "stdout", "text": text}
    common = {"cell_type": "code", "metadata": {}, "execution_count": None}
    cells = [
        {**common, "id": "id0", "source": "x = 1.0", "outputs": []},
        {**common, "id": "id1", "source": "print(f'loss: {x / 4}')", "outputs": [output]},
    ]
    return {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


@pytest.fixture
def accepted(bench):
    """A notebook whose baseline is a run with loss 0.25, and a newer run with 0.26."""
    bench.notebook()
    first = bench.run(executed=executed("hello\n"), cells=CELLS)
    keep(bench, first, "new")
    assert bench("accept", "--all", "-m", "first").code == 0
    bench.run(executed=executed("goodbye\n"), cells=CELLS, metrics={"loss": Metric(0.26, cell=1)})
    return bench


def keep(bench, run, kind):
    places = Places(bench.root, bench.store.folder, bench.baselines)
    keep_pending(assess(case_of(run, bench.root), run, places), places, kind, once=False, fixture=False)


def told(folder):
    data = json.loads((folder / "report.json").read_text())
    return {case["case"]: case for case in data["cases"]}


def test_the_last_run_of_each_case(accepted):
    accepted.notebook("other.ipynb")
    accepted.run("other.ipynb", executed=executed("hello\n"), cells=CELLS)
    said = accepted("report")
    assert (said.code, said.err, said.out) == (1, "", ".nbrepro/report/index.html\n")
    cases = told(accepted.root / ".nbrepro/report")
    assert {name: case["status"] for name, case in cases.items()} == {
        "train.ipynb::default": "drifted",
        "other.ipynb::default": "new",
    }
    page = (accepted.root / ".nbrepro/report/index.html").read_text()
    assert "2 stored runs, from 0.25 to 0.26" in page
    assert "goodbye" in page


def test_a_run_that_is_named(accepted):
    said = accepted("report", "000001", "--output", "out")
    assert (said.code, said.out) == (0, "out/index.html\n")
    assert [case["status"] for case in told(accepted.root / "out").values()] == ["passed"]


def test_the_folder_of_the_ini_file(accepted):
    (accepted.root / "pytest.ini").write_text("[pytest]\nnbrepro_report = pages\n")
    assert accepted("report", "last").out == "pages/index.html\n"


def test_markdown_alone(accepted):
    said = accepted("report", "--md")
    assert said.code == 1
    assert said.out.startswith("### ❌ pytest-nbrepro: 1 of 1 case does not reproduce")
    assert not (accepted.root / ".nbrepro/report").exists()


def test_what_waits_can_be_accepted(accepted):
    run = accepted.store.read(accepted.store.ids()[-1])
    keep(accepted, run, "changed")
    accepted("report")
    (case,) = told(accepted.root / ".nbrepro/report").values()
    assert case["commands"]["accept"] == "nbrepro accept train.ipynb::default -m WHY"


def test_a_damaged_entry_of_what_waits_is_told(accepted):
    keep(accepted, accepted.store.read(accepted.store.ids()[-1]), "changed")
    (record,) = (accepted.root / ".nbrepro/pending").rglob("pending.json")
    record.write_text("{")
    assert "pending.json" in accepted("report").err


def test_a_case_that_is_gone_is_an_error_in_the_page(accepted):
    (accepted.root / "train.ipynb").unlink()
    assert accepted("report").code == 1
    (case,) = told(accepted.root / ".nbrepro/report").values()
    assert case["status"] == "error"
    assert "the notebook is gone" in case["text"]


def test_runs_that_cannot_be_read_are_told_and_running_ones_are_left_out(accepted):
    (accepted.store.runs / accepted.store.ids()[-1] / "run.json").write_text("{")
    accepted.run(status=RunStatus.RUNNING, duration=None)
    said = accepted("report")
    assert said.code == 0
    assert "cannot be read" in said.err
    assert [case["status"] for case in told(accepted.root / ".nbrepro/report").values()] == ["passed"]


def test_there_are_no_runs(bench):
    said = bench("report")
    assert said.code == 2
    assert "there are no runs yet" in said.err
