"""`nbrepro compare`."""

from __future__ import annotations

import csv
import io

import pytest

from pytest_nbrepro import attributes
from pytest_nbrepro.attributes import Attributes
from pytest_nbrepro.model import Metric, RunStatus


@pytest.fixture
def three(bench):
    """Three runs of one notebook, of which one failed, and one of another before them."""
    bench.run("other.ipynb")
    runs = [
        bench.run(flags={"x": 1.0, "n": 3}, metrics={"loss": Metric(0.25), "n": Metric(7, "int")}),
        bench.run(flags={"x": 2.0, "n": 3}, metrics={"loss": Metric(1 / 3), "n": Metric(7, "int")}),
        bench.run(flags={"x": 2.0, "n": 3, "new": "a\nb"}, metrics={}, status=RunStatus.FAILED),
    ]
    attributes.write(runs[1].folder, Attributes("best", ("t",)))
    return runs


def rows(said):
    return [line.split() for line in said.out.splitlines()]


def test_what_differs_among_the_runs_of_the_last_notebook(bench, three):
    said = bench("compare", "--limit", "2")
    assert said.code == 0
    found = rows(said)
    assert found[0] == ["RUN", "STARTED", "STATUS", "label", "new", "loss", "n"]
    assert [row[0] for row in found[1:3]] == [run.id[-6:] for run in reversed(three[1:])]
    assert found[2][3:] == ["completed", "best", "0.333333", "7"]
    assert found[3] == ["the", "same", "in", "all:", "n=3,", "x=2.0"]


def test_all_columns(bench, three):
    found = rows(bench("compare", "--all"))
    assert found[0][4:] == ["n", "new", "x", "loss", "n"]
    assert len(found) == 4


def test_runs_that_are_named(bench, three):
    found = rows(bench("compare", three[0].id[-6:], three[1].id))
    assert found[0] == ["RUN", "STARTED", "STATUS", "label", "x", "loss"]
    assert [row[0] for row in found[1:3]] == [run.id[-6:] for run in three[:2]]
    assert found[3] == ["the", "same", "in", "all:", "n=3,", "n", "7"]


def test_a_notebook(bench, three):
    assert len(rows(bench("compare", "--notebook", "other.ipynb"))) == 2
    said = bench("compare", "--notebook", "gone.ipynb")
    assert (said.code, "there are no such runs" in said.err) == (2, True)


def test_json(bench, three):
    said = bench("compare", "--json")
    assert (said.json["flags"], said.json["metrics"]) == (["new", "x"], ["loss", "n"])
    first = said.json["runs"][1]
    assert first == {
        "id": three[1].id,
        "notebook": "train.ipynb",
        "case": "default",
        "status": "completed",
        "started": three[1].started,
        "seconds": 1.5,
        "label": "best",
        "tags": ["t"],
        "batch": None,
        "trial": None,
        "flags": {"x": 2.0, "n": 3},
        "metrics": {"loss": 1 / 3, "n": 7},
    }


def test_csv_has_values_whole(bench, three):
    found = list(csv.reader(io.StringIO(bench("compare", "--csv").out)))
    assert found[0] == ["run", "started", "status", "label", "new", "x", "loss", "n"]
    assert found[2] == [three[1].id, three[1].started, "completed", "best", "", "2.0", repr(1 / 3), "7"]
    assert found[1][4] == "a\nb"


def test_a_search(bench, fake_kernel):
    bench.notebook("train.ipynb", "x = 1", "print('loss:', x / 2)")
    bench("run", "train.ipynb", "-y")
    made = bench("run", "train.ipynb", "x=[1, 2]", "-y", "--json").json
    said = bench("compare", "--batch", "last", "--json")
    assert [(one["batch"], one["trial"]) for one in said.json["runs"]] == [
        (made["batch"], 2),
        (made["batch"], 1),
    ]
    assert "no search matches" in bench("compare", "--batch", "gone").err


class TestAgainst:
    @pytest.fixture
    def runs(self, bench, fake_kernel):
        bench.notebook("train.ipynb", "x = 1.0", "print('loss:', x / 4)")
        for x in (1, 2):
            bench("run", "train.ipynb", f"x={x}", "-y")
        return bench.store.ids()

    def test_one_run(self, bench, runs):
        said = bench("compare", "--to", runs[0], "--json")
        newest, oldest = said.json["runs"]
        assert newest["against"]["loss"]["difference"] == 0.25
        assert newest["against"]["loss"]["used"] > 1e3
        assert oldest["against"]["loss"] == {"difference": 0.0, "used": None}
        found = rows(bench("compare", "--to", runs[0]))
        assert found[0][3:] == ["x", "loss", "loss", "difference", "loss", "used"]

    def test_the_baseline(self, bench, runs):
        bench.waiting(loss=0.5)
        assert bench("accept", "--all", "-m", "first").code == 0
        bench("run", "train.ipynb", "-y")
        newest, *older = bench("compare", "--baseline", "--json").json["runs"]
        assert newest["against"]["loss"]["difference"] == -0.25
        assert newest["against"]["loss"]["used"] > 1e3
        assert [one["against"]["loss"]["used"] for one in older] == [None, None]

    def test_not_both(self, bench, runs):
        assert "do not go together" in bench("compare", "--to", "last", "--baseline").err


def test_runs_that_cannot_be_read_are_told(bench, three):
    (three[2].folder / "run.json").write_text("{")
    said = bench("compare")
    assert said.code == 2
    assert len(rows(said)) == 4
    assert "the record of this run cannot be read" in said.err


def test_no_runs(bench):
    assert "there are no such runs" in bench("compare").err
