"""`nbrepro show`."""

from __future__ import annotations

import dataclasses
import json
import math

import pytest

from pytest_nbrepro import notebook, spec
from pytest_nbrepro.assessment import Places, assess, keep_pending
from pytest_nbrepro.cli.lookup import case_of
from pytest_nbrepro.cli.show import resolve
from pytest_nbrepro.cli.shown import record
from pytest_nbrepro.cli.site import Asked
from pytest_nbrepro.errors import NbreproError
from pytest_nbrepro.model import (
    Artifact,
    CellRecord,
    Check,
    CheckStatus,
    Metric,
    Place,
    RunError,
    RunStatus,
    Seen,
    Verdict,
)


def executed(text="hello\n"):
    """Return the executed copy of the bench's notebook."""
    cells = [
        {"source": "x = 1.0", "outputs": []},
        {
            "source": "# print it\nprint(f'loss: {x / 4}')",
            "outputs": [{"output_type": "stream", "name": "stdout", "text": text}],
        },
    ]
    common = {"cell_type": "code", "metadata": {}, "execution_count": None}
    return {
        "cells": [{**common, "id": f"id{n}", **cell} for n, cell in enumerate(cells)],
        "metadata": {},
        "nbformat": 4,
        "nbformat_minor": 5,
    }


CELLS = (CellRecord(0, "id0", "", "", 0.25), CellRecord(1, "id1", "", "", 1.0), CellRecord(2, "id2", "", ""))


@pytest.fixture
def accepted(bench):
    """A notebook whose baseline is a run with loss 0.25."""
    bench.notebook()
    run = bench.run(executed=executed(), cells=CELLS)
    places = Places(bench.root, bench.store.folder, bench.baselines)
    keep_pending(assess(case_of(run, bench.root), run, places), places, "new", once=False, fixture=False)
    assert bench("accept", "--all", "-m", "first").code == 0
    return bench


def test_a_run_that_reproduces(accepted):
    said = accepted("show", "last")
    assert (said.code, said.err) == (0, "")
    assert said.out.splitlines() == [
        "run       20250101T000001.000000-000001",
        "case      train.ipynb::default",
        "status    completed in 1.5 s, begun 2025-01-01 00:00:01",
        "folder    .nbrepro/runs/20250101T000001.000000-000001",
        "flags     x = 1.0",
        "",
        "metrics",
        "  NAME  VALUE  DTYPE    CELL",
        '  loss  0.25   float64  cell 2 "print it"',
        "",
        "cells",
        "  TOOK    CELL",
        "  0.25 s  cell 1",
        '  1 s     cell 2 "print it"',
        "",
        "environment",
        "  NAME      VALUE",
        "  platform  linux-x86_64",
        "",
        "verdict   reproduces: 2 checks",
        "  STATUS  KIND    NAME               USED  LIMIT",
        "  equal   metric  loss               0x    rel 1e-6",
        '  equal   output  cell 2 "print it"  0x    rel 1e-6',
    ]


def test_a_run_that_drifted(accepted):
    accepted.run(executed=executed("goodbye\n"), metrics={"loss": Metric(0.26, cell=1)}, flags={"x": 2.0})
    said = accepted("show", "last")
    assert said.code == 1
    verdict = said.out[said.out.index("verdict") :]
    assert verdict.startswith("verdict   2 of 2 checks drifted\n")
    (loss,) = [line.split() for line in verdict.splitlines() if " loss " in line]
    assert loss == ["drift", "metric", "loss", "4e+04x", "rel", "1e-6", "0.2500", "->", "0.2600"]
    assert "\nwhy       " in verdict
    assert '\nfirst     cell 2 "print it" is the first that differs or failed\n' in verdict
    assert "goodbye" in verdict
    assert accepted("show", "000001").code == 0


def test_json(accepted):
    accepted.run(
        executed=executed("goodbye\n"), metrics={"loss": Metric(0.26, cell=1)}, flags={"x": (1, math.inf)}
    )
    said = accepted("show", "last", "--json")
    assert said.code == 1
    told = said.json
    assert set(told) == {"schema", "run", "environment", "verdict", "unjudged"}
    assert told["schema"] == 1
    assert told["unjudged"] is None
    assert told["run"]["flags"] == {"x": {"$tuple": [1, {"$float": "Infinity"}]}}
    assert told["run"]["folder"] == ".nbrepro/runs/20250101T000002.000000-000002"
    assert told["run"]["status"] == "completed"
    assert told["environment"] == {"schema": 1, "platform": "linux-x86_64", "flags": {}}
    verdict = told["verdict"]
    assert set(verdict) == {"ok", "case", "first", "why", "diff", "notes", "checks"}
    assert (verdict["ok"], verdict["case"], verdict["first"]) == (
        False,
        "train.ipynb::default",
        'cell 2 "print it"',
    )
    assert set(verdict["why"]) == {"cause", "text", "evidence"}
    assert set(verdict["why"]["evidence"][0]) == {"cause", "state", "text"}
    assert "goodbye" in verdict["diff"]
    loss = verdict["checks"][0]
    assert set(loss) == {field.name for field in dataclasses.fields(Check)}
    assert (loss["name"], loss["status"]) == ("loss", "drift")
    assert loss["used"] == pytest.approx(4e4)
    assert loss["worst"] == {"where": "", "baseline": "0.25", "result": "0.26"}
    assert loss["parts"] == []


def test_json_of_checks_without_a_number(accepted):
    run = accepted.store.find("000001")
    judged = assess(
        case_of(run, accepted.root), run, Places(accepted.root, accepted.store.folder, accepted.baselines)
    )
    part = Check("column", "score", CheckStatus.DRIFT, used=math.inf, worst=Place("row 1", "a", "b"))
    whole = Check("table", "t.csv", CheckStatus.DRIFT, used=math.inf, parts=(part,))
    judged = dataclasses.replace(judged, verdict=Verdict((whole,)))
    (check,) = record(run, None, judged, "", Asked(None, {}).site())["verdict"]["checks"]
    assert check["used"] == {"$float": "Infinity"}
    assert check["parts"][0]["worst"] == {"where": "row 1", "baseline": "a", "result": "b"}
    json.dumps(check, allow_nan=False)


def test_text_of_checks_with_parts(accepted, monkeypatch):
    bad = Check(
        "column", "score", CheckStatus.DRIFT, used=math.inf, worst=Place("row 1", "a", "b"), message="text"
    )
    good = Check("column", "id", CheckStatus.EQUAL)
    whole = Check("table", "t.csv", CheckStatus.DRIFT, used=2.5, limit="rel 1e-6", parts=(good, bad))

    def judged(case, run, places):
        baseline = dataclasses.replace(original(case, run, places).baseline, once=True)
        return dataclasses.replace(original(case, run, places), baseline=baseline, verdict=Verdict((whole,)))

    original = assess
    monkeypatch.setattr("pytest_nbrepro.assessment.assess", judged)
    said = accepted("show", "last")
    assert said.code == 1
    lines = said.out.splitlines()
    assert lines[-4:] == [
        "note      the baseline rests on one run alone (--nbrepro-once, accept --stored)",
        "  STATUS  KIND    NAME     USED  LIMIT",
        "  drift   table   t.csv    2.5x  rel 1e-6",
        "  drift   column  · score  ∞     exact     row 1: a -> b; text",
    ]


def test_everything_that_a_run_can_have(bench):
    bench.notebook()
    bench.run(
        executed=executed(),
        artifacts={"out.csv": Artifact("out.csv", "table", "files/out.csv", "0" * 64, 2048)},
        notes=("one", "two"),
        metrics={"auc": Metric(0.5)},  # evaluated after the last cell
        peak=3 << 20,
        environment={
            "schema": 1,
            "interpreter": "CPython 3.11.7",
            "seed": None,
            "git": {"commit": "abc", "dirty": True},
            "inputs": {"data/a.csv": "1", "data/b.csv": "2"},
            "distributions": {f"p{n}": "1.0" for n in range(8)},
            "tags": ["big", "cuda"],
            "threads": [{}],
        },
    )
    out = bench("show", "last").out
    for text in (
        "\nmemory    3 MiB at most\n",
        "\nnotes     one\n          two\n",
        "\n  auc   0.5    float64\n",
        "\n  out.csv  table  2 KiB  files/out.csv\n",
        "\n  interpreter  CPython 3.11.7\n",
        "\n  git          abc, with changes\n",
        "\n  inputs       data/a.csv\n               data/b.csv\n",
        "\n  tags         big, cuda\n",
        "\n  packages     p0 1.0, p1 1.0, p2 1.0, p3 1.0, p4 1.0, p5 1.0\n               p6 1.0, p7 1.0\n",
    ):
        assert text in out
    assert "threads" not in out
    assert "seed" not in out


def test_a_clean_commit(bench):
    bench.run(environment={"schema": 1, "git": {"commit": "abc", "dirty": False}})
    assert "\n  git   abc\n" in bench("show", "last").out


def test_a_run_without_a_baseline(bench):
    bench.notebook()
    bench.run(executed=executed())
    said = bench("show", "last")
    assert said.code == 1
    assert "verdict   no baseline yet for 2 checks\n" in said.out


def test_a_run_with_nothing_to_check(bench):
    bench.notebook()
    bench.run(executed=executed(""), metrics={})
    said = bench("show", "last")
    assert said.code == 0
    assert said.out.endswith("verdict   reproduces: 0 checks\n")


def test_a_run_that_failed(bench):
    bench.notebook()
    error = RunError("cell", "ValueError: no", 1, "Traceback\n  line", "mend it")
    bench.run(
        executed=executed(), status=RunStatus.FAILED, error=error, environment=None, metrics={}, flags={}
    )
    said = bench("show", "last")
    assert said.code == 1
    assert (
        '\nerror     cell in cell 2 "print it": ValueError: no\nhint      mend it\n    Traceback\n      line\n'
        in said.out
    )
    assert '\nverdict   failed in cell 2 "print it"\n' in said.out
    assert "environment" not in said.out
    assert bench("show", "last", "--json").json["environment"] is None


def test_a_run_that_ended_before_its_first_cell(bench):
    bench.notebook()
    error = RunError("kernel", "not installed")
    bench.run(status=RunStatus.FAILED, error=error, environment=None, metrics={}, duration=None)
    said = bench("show", "last")
    assert said.code == 1
    assert "\nstatus    failed, begun " in said.out
    assert "\nerror     kernel: not installed\n" in said.out


def test_an_executed_copy_that_cannot_be_read(bench):
    bench.notebook()
    run = bench.run()
    (run.folder / "notebook.ipynb").write_text("{")
    said = bench("show", "last")
    assert said.code == 2
    assert "\nnotebook  " in said.out
    assert "\n  loss  0.25   float64  the cell at position 2\n" in said.out
    assert "verdict   none: " in said.out


def test_a_damaged_environment_record(bench):
    bench.notebook()
    run = bench.run(executed=executed())
    (run.folder / "environment.json").write_text("{")
    said = bench("show", "last")
    assert said.code == 1  # there is no baseline: the verdict needs no environment
    assert "environment.json: cannot be read" in said.err


# -- what the cells printed ---------------------------------------------------------------------------


def test_output(bench):
    bench.notebook()
    bench.run(executed=executed(), log="--- cell 1 ---\nhällo\n")
    assert bench("show", "last", "--output").out.endswith("\n\noutput\n--- cell 1 ---\nhällo\n")
    assert bench("show", "last", "--output", "--json").json["output"] == "--- cell 1 ---\nhällo\n"
    assert "hällo" not in bench("show", "last").out
    assert "output" not in bench("show", "last", "--json").json


def test_no_output(bench):
    bench.notebook()
    bench.run(executed=executed())
    assert bench("show", "last", "--output").out.endswith("\n\noutput\n  none\n")
    assert bench("show", "last", "--output", "--json").json["output"] == ""


# -- which run ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["last", "20250101T000002.000000-000002", "000002", "20250101T000002"])
def test_names_of_a_run(bench, name):
    bench.run()
    bench.run("second.ipynb")
    (bench.store.runs / "20260101T000000.000000-ffffff").mkdir()  # claimed, not begun
    assert resolve(bench.store, name).notebook == "second.ipynb"


def test_no_runs(bench):
    said = bench("show", "last")
    assert (said.code, said.out) == (2, "")
    assert "there are no runs yet" in said.err
    assert "no run matches 'abc'" in bench("show", "abc").err


def test_an_unknown_or_ambiguous_run(bench):
    bench.run()
    bench.run()
    said = bench("show", "ffffff")
    assert (said.code, said.out) == (2, "")
    assert "no run matches 'ffffff'" in said.err
    assert "nbrepro runs" in said.err
    said = bench("show", "20250101")
    assert said.code == 2
    assert "2 runs match '20250101'" in said.err


@pytest.mark.parametrize("name", ["last", "000001"])
def test_a_record_that_cannot_be_read(bench, name):
    (bench.run().folder / "run.json").write_text("{")
    said = bench("show", name, "--json")
    assert (said.code, said.out) == (2, "")
    assert "cannot be read" in said.err


# -- no verdict ---------------------------------------------------------------------------------------


def unjudged(bench):
    said = bench("show", "last")
    assert said.code == 2
    told = bench("show", "last", "--json")
    assert told.code == 2
    assert told.json["verdict"] is None
    assert f"verdict   none: {told.json['unjudged']}".splitlines()[0] in said.out
    return told.json["unjudged"]


def test_a_run_that_still_runs(bench):
    bench.notebook()
    bench.run(status=RunStatus.RUNNING, metrics={}, duration=None)
    assert unjudged(bench) == "it still runs"


def test_a_notebook_that_is_gone(bench):
    bench.run()
    assert unjudged(bench) == "train.ipynb: the notebook is gone"


def test_an_annotation_with_faults(bench):
    bench.notebook(nbrepro={"metricks": {}})
    bench.run()
    assert "metricks" in unjudged(bench)


def test_a_case_that_is_gone(bench):
    bench.notebook(nbrepro={"matrix": {"x": [1.0, 2.0]}})
    bench.run(case="x=3.0", flags={"x": 1.0})
    told = unjudged(bench)
    assert "no case 'x=3.0' any more" in told
    assert "x=1.0, x=2.0" in told


def test_a_store_that_lost_files(accepted):
    run = accepted.run(executed=executed("goodbye\n"))
    (run.folder / "environment.json").unlink()
    assert "environment.json" in unjudged(accepted)
    (run.folder / "notebook.ipynb").unlink()
    assert unjudged(accepted) == "the executed copy of this run is gone"


# -- which case ---------------------------------------------------------------------------------------


def test_a_case_of_the_annotation(bench):
    bench.notebook(nbrepro={"matrix": {"x": [1.0, 2.0]}, "flags": {"y": 0}})
    case = case_of(bench.run(case="x=2.0"), bench.root)
    assert (case.name, case.flags, case.folder) == ("x=2.0", {"y": 0, "x": 2.0}, "train/x=2.0")


@pytest.mark.parametrize("name", ["x=7.0,kind=a", "kind=a,x=7.0", "x=7.0"])
def test_a_case_that_a_test_made(bench, name):
    bench.notebook(nbrepro={"flags": {"seed": 1}})
    case = case_of(bench.run(case=name, flags={"kind": "a", "seed": 1, "x": 7.0}), bench.root)
    given = {part.split("=")[0] for part in name.split(",")}
    assert case.name == name
    assert set(case.flags) == {"seed", *given}
    assert case.flags["x"] == 7.0
    assert case.folder == f"train/{name}"


def test_a_case_that_a_test_made_with_many_flags(bench):
    bench.notebook()
    flags = {name: n for n, name in enumerate("abcde")}
    case = case_of(bench.run(case="a=0,b=1,c=2,d=3,e=4", flags=flags), bench.root)
    assert case.flags == flags
    with pytest.raises(NbreproError, match="no case 'e=4,d=3,c=2,b=1,a=0'"):
        case_of(bench.run(case="e=4,d=3,c=2,b=1,a=0", flags=flags), bench.root)


def test_the_case_is_the_one_that_pytest_collects(bench):
    path = bench.notebook(nbrepro={"cases": {"odd name/": {"x": 2.0}}})
    project = spec.load_project(bench.root)
    source = notebook.read(path)
    (wanted,) = spec.expand(source, project, spec.load(source, project))
    assert case_of(bench.run(case="odd name/"), bench.root) == wanted


def test_what_a_run_was_seen_to_do(bench):
    bench.run(executed=executed("hello\n"), seen=(Seen("listing", 1, "line 2"),))
    said = bench("show", "last")
    assert (
        'seen, and may come out otherwise in another run\n  cell 2 "print it" (line 2) lists a folder'
        in said.out
    )


class TestPlaces:
    def test_files(self, bench, fake_kernel):
        bench.notebook()
        bench("run", "train.ipynb", "-y")
        said = bench("show", "last", "--files")
        names = {line.rpartition("/")[2] for line in said.out.splitlines()}
        assert said.code == 0
        assert {"run.json", "notebook.ipynb", "environment.json"} <= names

    def test_a_page(self, bench, fake_kernel, monkeypatch):
        from pytest_nbrepro.cli import paging

        opened = []
        monkeypatch.setattr(paging.webbrowser, "open", lambda place: opened.append(place) or True)
        bench.notebook()
        bench("run", "train.ipynb", "-y")
        said = bench("show", "last", "--html")
        place = bench.root / said.out.strip()
        assert "loss: 0.25" in place.read_text()
        assert not opened
        assert bench("show", "last", "--open").out == said.out
        assert opened == [place.as_uri()]

    def test_no_page_of_a_run_without_a_notebook(self, bench):
        bench.run()
        said = bench("show", "last", "--html")
        assert (said.code, "ended before its notebook was written" in said.err) == (2, True)
