"""What the drawings are made of."""

from __future__ import annotations

import json

import pytest

from pytest_nbrepro.model import Metric
from pytest_nbrepro.web import exploring


def data(page):
    return json.loads(page.soup.select_one("#data").get_text())


def test_what_differs_becomes_a_column(bench, visit):
    bench.run(flags={"x": 1, "kind": "a", "same": 1}, metrics={"loss": Metric(0.5)})
    bench.run(flags={"x": 2.5, "kind": "b", "same": 1}, metrics={"loss": Metric(float("nan"))})
    bench.run(flags={"x": 3, "kind": None, "same": 1}, metrics={"loss": Metric(0.1), "auc": Metric(1)})
    bench.run(flags={"x": 3, "kind": True}, metrics={"loss": Metric(10**400)})
    found = {column["name"]: column for column in data(visit("explore"))["columns"]}
    assert set(found) == {"x", "kind", "loss"}
    assert found["x"] == {"kind": "flag", "name": "x", "number": True, "values": [3.0, 3.0, 2.5, 1.0]}
    assert found["kind"]["values"] == ["True", None, "b", "a"]
    assert found["loss"]["values"] == [None, 0.1, None, 0.5]


def test_it_begins_with_the_notebook_that_ran_last(bench, visit):
    bench.run("a.ipynb")
    bench.run("b.ipynb")
    page = visit("explore")
    assert len(data(page)["runs"]) == 1
    assert page.soup.select_one("option[selected]").get_text() == "b.ipynb"
    assert len(data(visit("explore?notebook="))["runs"]) == 2


def test_runs_can_be_named(bench, visit):
    one, _ = bench.run(), bench.run()
    assert [run["id"] for run in data(visit(f"explore?run={one.id}"))["runs"]] == [one.id]


def test_the_oldest_are_left_out_of_very_many(bench, visit, monkeypatch):
    monkeypatch.setattr(exploring, "MOST", 2)
    for _ in range(5):
        bench.run()
    assert "2 runs; 3 older ones are left out" in visit("explore").said


@pytest.mark.parametrize("text", ["</script><b>", "<!--", "\u2028"])
def test_data_stays_data(bench, visit, text):
    bench.run(flags={"x": text})
    bench.run(flags={"x": "other"})
    page = visit("explore")
    assert data(page)["columns"][0]["values"] == ["other", text]
