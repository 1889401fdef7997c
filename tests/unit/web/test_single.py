"""The page of one run."""

from __future__ import annotations

import dataclasses
import json

import pytest

from pytest_nbrepro import attributes, files
from pytest_nbrepro.attributes import Attributes
from pytest_nbrepro.model import Artifact, CellRecord, Metric, RunError, RunStatus

EVIL = "<script>alert(1)</script>"


def executed(*outputs):
    common = {"cell_type": "code", "metadata": {}, "execution_count": None}
    cells = [
        {**common, "id": "id0", "source": "x = 1.0", "outputs": []},
        {**common, "id": "id1", "source": "# show\nprint(f'loss: {x / 4}')", "outputs": list(outputs)},
    ]
    return {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


def test_all_of_a_run(bench, visit):
    bench.notebook()
    before = bench.run(executed=executed())
    environment = {
        "schema": 1,
        "platform": "linux-x86_64",
        "git": {"commit": "abc", "dirty": True},
        "distributions": {"numpy": "2.4"},
    }
    run = bench.run(
        executed=executed(),
        log="--- cell 1 ---\nhello\n",
        environment=environment,
        cells=(CellRecord(1, "id1", "", "", 0.5),),
        metrics={"loss": Metric(0.25, cell=1, steps=((0, 1.0), (1, float("nan")), (None, 0.25)))},
    )
    attributes.write(run.folder, Attributes("best", ("paper",), "for the paper"))
    page = visit(f"runs/{run.id}")
    assert page.status == 200
    for text in ("train.ipynb::default", "best", "paper", "for the paper", "x 1.0", "hello", "numpy 2.4"):
        assert text in page.said
    assert "abc, with changes" in page.said
    assert "no baseline yet" in page.said
    assert 'cell 1 "show"' in page.said or "show" in page.said
    assert page.soup.select_one(f"a[href$='compare?run={before.id}&run={run.id}']")
    assert page.soup.select_one(".chart svg")["aria-label"].startswith("loss over 2 points")
    assert "sandbox" in page.soup.iframe.attrs


def test_the_notebook_does_nothing(bench, visit):
    bench.notebook()
    html = {"output_type": "display_data", "metadata": {}, "data": {"text/html": EVIL}}
    run = bench.run(executed=executed(html))
    frame = visit(visit(f"runs/{run.id}").soup.iframe["src"])
    assert frame.status == 200
    assert EVIL not in frame.text
    assert frame.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert frame.headers["Content-Security-Policy"].endswith("; sandbox")


def test_a_notebook_that_cannot_be_shown_says_so(bench, visit):
    bench.notebook()
    run = bench.run(executed=executed())
    address = visit(f"runs/{run.id}").soup.iframe["src"]
    (run.folder / "notebook.ipynb").write_text("{")
    frame = visit(address)
    assert frame.status == 422
    assert "cannot be shown" in frame.said


def test_names_and_values_are_text(bench, visit):
    run = bench.run(
        case=EVIL,
        flags={EVIL: EVIL},
        metrics={EVIL: Metric(1.0)},
        log=EVIL,
        environment={"schema": 1, EVIL: EVIL},
    )
    attributes.write(run.folder, Attributes(EVIL, (EVIL,), EVIL))
    for place in (
        "",
        f"runs/{run.id}",
        f"compare?run={run.id}&run={bench.run().id}",
        "explore",
        f"?where={EVIL}",
    ):
        assert EVIL not in visit(place).text


def test_a_run_that_failed_tells_why(bench, visit):
    bench.notebook()
    error = RunError("cell", "ZeroDivisionError: division by zero", 1, "Traceback", "divide less")
    run = bench.run(status=RunStatus.FAILED, error=error, executed=executed())
    page = visit(f"runs/{run.id}")
    assert "ZeroDivisionError" in page.said
    assert "divide less" in page.said


def test_a_run_that_cannot_be_judged_says_why(bench, visit):
    page = visit(f"runs/{bench.run('gone.ipynb').id}")
    assert page.status == 200
    assert "gone.ipynb" in page.said
    assert "This run ended before its notebook was written" in page.said


def test_what_runs_is_followed(bench, visit):
    run = bench.run(status=RunStatus.RUNNING, duration=None, log="--- cell 1 ---\nepoch 1\n")
    page = visit(f"runs/{run.id}")
    part = visit(page.soup.select_one("#live")["data-live"])
    assert "epoch 1" in part.said
    assert part.soup.select_one("[data-status]")["data-status"] == "running"
    assert visit(f"runs/{run.id}/log").text == "--- cell 1 ---\nepoch 1\n"
    bench.store.write(dataclasses.replace(run, status=RunStatus.COMPLETED, duration=1.0))
    assert visit(f"runs/{run.id}?part=running").soup.select_one("[data-status]")["data-status"] == "completed"


def test_of_a_long_log_the_end_is_told(bench, visit):
    run = bench.run(log="".join(f"line {i}\n" for i in range(20_000)))
    page = visit(f"runs/{run.id}")
    assert "line 19999" in page.said
    assert "line 3\n" not in page.text
    log = visit(f"runs/{run.id}/log")
    assert log.text.startswith("line 0\n")
    assert log.headers["Content-Type"] == "text/plain; charset=utf-8"


def test_figures_that_no_check_shows(bench, visit):
    bench.notebook()
    run = bench.run("gone.ipynb")
    (run.folder / "files").mkdir()
    (run.folder / "files/a.png").write_bytes(b"png")
    digest = files.sha256(run.folder / "files/a.png")
    artifacts = {
        "a.png": Artifact("a.png", "image", "files/a.png", digest, 3),
        "gone.png": Artifact("gone.png", "image", "files/gone.png", digest, 3),
    }
    bench.store.write(dataclasses.replace(run, artifacts=artifacts))
    page = visit(f"runs/{run.id}")
    (picture,) = page.soup.select(".gallery img")
    assert visit(picture["src"]).body == b"png"


@pytest.mark.parametrize("damage", ["{", "[]", json.dumps({"schema": 99})])
def test_a_damaged_record_is_told(bench, visit, damage):
    run = bench.run()
    (run.folder / "run.json").write_text(damage)
    page = visit(f"runs/{run.id}")
    assert page.status == 404
    assert "cannot be read" in page.said
