"""Runs side by side, in a table and in nbdime's page."""

from __future__ import annotations

import dataclasses
import json
import re

import pytest

from pytest_nbrepro import files
from pytest_nbrepro.model import Artifact, Metric


def notebook(text):
    outputs = [{"output_type": "stream", "name": "stdout", "text": text}]
    common = {"cell_type": "code", "metadata": {}, "execution_count": None}
    cells = [
        {**common, "id": "id0", "source": "x = 1.0", "outputs": []},
        {**common, "id": "id1", "source": "print(f'loss: {x / 4}')", "outputs": outputs},
    ]
    return {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


def rows(page):
    return {
        tr.th.get_text(): [td.get_text(" ", strip=True) for td in tr.find_all("td")]
        for tr in page.soup.select(".sides tbody tr")
        if tr.td
    }


@pytest.fixture
def two(bench):
    """Two runs that differ, with a picture each."""
    bench.notebook()
    made = []
    for number, loss in enumerate((0.25, 0.5)):
        run = bench.run(
            flags={"x": number, "same": 1},
            metrics={"loss": Metric(loss, steps=((0, 1.0), (1, loss))), "auc": Metric(0.5)},
            executed=notebook(f"loss: {loss}\n"),
            environment={"schema": 1, "platform": "linux-x86_64", "distributions": {"numpy": f"2.{number}"}},
        )
        (run.folder / "files").mkdir()
        path = run.folder / "files/a.png"
        path.write_bytes(b"png" * (number + 1))
        artifact = Artifact("a.png", "file", "files/a.png", files.sha256(path), path.stat().st_size)
        run = dataclasses.replace(run, artifacts={"a.png": artifact})
        bench.store.write(run)
        made.append(run)
    return made


def test_what_differs_stands_out(two, visit):
    one, other = two
    page = visit(f"compare?run={one.id}&run={other.id}")
    found = rows(page)
    assert found["x"] == ["0", "1"]
    assert found["loss"][0] == "0.25"
    assert found["loss"][1].startswith("0.5 +0.25, used")
    assert found["auc"] == ["0.5", "0.5"]
    same = [tr.th.get_text() for tr in page.soup.select(".sides tr.same")]
    assert same == ["same", "auc"]
    assert "2.0 -> 2.1" in page.said
    assert len(page.soup.select(".compare img")) == 2
    assert [li.get_text(strip=True) for li in page.soup.select(".legend li")] == [one.id[-6:], other.id[-6:]]


def test_more_than_two_have_their_pictures_beside_each_other(bench, two, visit):
    three = [*two, bench.run("other.ipynb")]
    page = visit("compare?" + "&".join(f"run={run.id}" for run in three))
    assert page.status == 200
    assert len(page.soup.select(".gallery figure")) == 3
    assert "none" in page.soup.select(".gallery figure")[2].get_text()


@pytest.mark.parametrize("query", ["", "run=a", "&".join(f"run={i}" for i in range(13))])
def test_from_two_to_twelve(visit, query):
    page = visit(f"compare?{query}")
    assert page.status == 400
    assert "from 2 to 12" in page.said


def test_a_run_that_is_not_there_is_named(bench, visit):
    page = visit(f"compare?run={bench.run().id}&run=nothing")
    assert page.status == 404
    assert "no run nothing" in page.said


def test_nbdime_shows_two_notebooks(two, visit):
    one, other = two
    page = visit(f"diff?a={one.id}&b={other.id}")
    assert page.url.endswith(f"/nbdime/{one.id}/{other.id}/difftool")
    assert page.status == 200
    policy = page.headers["Content-Security-Policy"]
    assert "script-src 'self';" in policy
    assert "default-src 'none'" in policy
    token = re.search(r"_xsrf=([^;]+)", page.headers["Set-Cookie"])[1]
    api = f"nbdime/{one.id}/{other.id}/api/diff"
    assert visit(api, form={}).status == 403
    found = json.loads(visit(api, form={}, Cookie=f"_xsrf={token}", X_XSRFToken=token).text)
    assert found["base"]["cells"][1]["outputs"][0]["text"] == "loss: 0.25\n"
    assert found["diff"]


@pytest.mark.parametrize(
    "place", ["", "merge", "diff", "api/merge", "api/store", "api/closetool", "static/../api/merge"]
)
def test_the_rest_of_nbdime_is_closed(two, visit, place):
    one, other = two
    visit(f"diff?a={one.id}&b={other.id}")
    assert visit(f"nbdime/{one.id}/{other.id}/{place}").status in {404, 405}
    secret = json.dumps({"base": "/etc/passwd", "local": "/etc/passwd", "remote": "/etc/passwd"})
    assert visit(f"nbdime/{one.id}/{other.id}/{place}", form={secret: ""}).status in {403, 404, 405}


def test_nbdime_needs_two_notebooks(bench, two, visit):
    for other in (bench.run().id, "../../x"):
        page = visit(f"diff?a={two[0].id}&b={other}")
        assert page.status == 404
        assert "no executed notebook" in page.said
