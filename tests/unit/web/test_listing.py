"""The list of runs."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime

import pytest

from pytest_nbrepro import attributes
from pytest_nbrepro.attributes import Attributes
from pytest_nbrepro.model import Metric, RunStatus


def ids(page):
    return [box["value"] for box in page.soup.select("input[name=run]")]


def test_newest_first_with_flags_and_metrics_as_columns(bench, visit):
    one = bench.run(flags={"x": 0.5}, metrics={"loss": Metric(0.123456789)})
    two = bench.run(flags={"x": -1.0})
    attributes.write(two.folder, Attributes("best", ("paper",)))
    page = visit()
    assert ids(page) == [two.id, one.id]
    assert [th.get_text() for th in page.soup.select("thead th")][5:] == ["Case", "x", "loss"]
    first, second = page.soup.select("tbody tr")
    assert first.select_one(".label").get_text() == "best"
    assert first.select_one(".tag").get_text() == "paper"
    assert second.find_all("td")[-1].get_text() == "0.123457"
    assert "1 to 2 of 2 runs" in page.said


def test_runs_of_several_notebooks_tell_theirs_in_one_cell(bench, visit):
    bench.run("a.ipynb", flags=dict.fromkeys("abcdef", 1))
    bench.run("b.ipynb")
    assert "a 1 b 1 c 1 d 1" in visit().said
    assert "+2" in visit().said


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("where=loss<0.3", [0]),
        ("where=x>0&status=completed", [1, 0]),
        ("notebook=b.ipynb", [1]),
        ("sort=loss", [0, 1, 2]),
        ("sort=-loss", [2, 1, 0]),
        ("sort=started", [0, 1, 2]),
        ("status=died", []),
    ],
)
def test_runs_can_be_chosen_and_sorted(bench, visit, query, found):
    runs = [
        bench.run("a.ipynb", metrics={"loss": Metric(0.25)}),
        bench.run("b.ipynb", metrics={"loss": Metric(0.5)}),
        bench.run("c.ipynb", metrics={"loss": Metric(0.75)}, flags={"x": -1}),
    ]
    assert ids(visit(f"?{query}")) == [runs[i].id for i in found]


def test_a_condition_that_is_none_is_told(bench, visit):
    bench.run()
    page = visit("?where=loss<")
    assert page.status == 200
    assert "this is no condition" in page.said
    assert page.soup.select_one("#where")["value"] == "loss<"


def test_a_store_without_runs_says_what_makes_them(visit):
    assert "There are no runs yet" in visit().said


def test_fifty_on_a_page(bench, visit):
    for _ in range(120):
        bench.run()
    page = visit("?page=2&where=x>0")
    assert "51 to 100 of 120 runs" in page.said
    assert [a["rel"] for a in page.soup.select(".pager a")] == [["prev"], ["next"]]
    assert "page=3" in page.soup.select(".pager a")[1]["href"]
    assert "where=x%3E0" in page.soup.select(".pager a")[1]["href"]
    assert len(ids(visit("?page=99"))) == 20
    assert len(ids(visit("?page=x"))) == 50


def test_what_cannot_be_read_is_told(bench, visit):
    run = bench.run()
    (bench.run().folder / "run.json").write_text("{")
    (bench.run().folder / "attributes.json").write_text("{")
    page = visit()
    assert run.id in ids(page)
    assert "the record of this run cannot be read" in page.said
    assert "what is said of this run cannot be read" in page.said


def test_the_list_follows_what_happens(bench, visit):
    run = bench.run(
        status=RunStatus.RUNNING,
        duration=None,
        started=datetime.now(UTC).isoformat(),
        log="--- cell 3 ---\nx\n",
    )
    part = visit("?part=table")
    assert "<html" not in part.text
    assert "s so far, cell 3" in part.said
    assert part.soup.select_one(".badge").get_text() == "running"
    bench.store.write(dataclasses.replace(run, status=RunStatus.COMPLETED, duration=2.0))
    assert "2 s" in visit("?part=table").said
    gone = bench.run()
    assert len(ids(visit())) == 2
    bench.store.discard(gone.id)
    assert ids(visit()) == [run.id]
