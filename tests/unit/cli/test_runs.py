"""`nbrepro runs`."""

from __future__ import annotations

import json
import math
import os
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_nbrepro.cli.runs import short_ids
from pytest_nbrepro.errors import StoreError
from pytest_nbrepro.index import Index
from pytest_nbrepro.model import Metric, RunError, RunStatus


def test_no_store_is_no_fault(bench):
    said = bench("runs")
    assert (said.code, said.out, said.err) == (0, "", "no runs in .nbrepro\n")
    said = bench("runs", "--json")
    assert (said.code, said.err) == (0, "")
    assert said.json == {"schema": 1, "runs": [], "unreadable": {}, "more": False}


def test_newest_first(bench, monkeypatch):
    bench.run("a/train.ipynb", "x=-1.0")
    bench.run(
        "b.ipynb",
        status=RunStatus.TIMEOUT,
        duration=754.0,
        metrics={
            "n": Metric(3, "int"),
            "loss": Metric(0.123456789),
            "m": Metric(math.nan),
            "k": Metric(1, "int"),
        },
        error=RunError("timeout", "too long"),
    )
    lines = bench("runs").out.splitlines()
    assert [" ".join(line.split()) for line in lines] == [
        "RUN STARTED STATUS TOOK CASE METRICS",
        "000002 2025-01-01 00:00:02 timeout 12 min 34 s b.ipynb::default k 1, loss 0.123457, m nan, +1",
        "000001 2025-01-01 00:00:01 completed 1.5 s a/train.ipynb::x=-1.0 loss 0.25",
    ]


def test_times_are_those_of_the_place(bench, monkeypatch):
    bench.run()
    monkeypatch.setenv("TZ", "XXX-5")
    time.tzset()
    try:
        assert "2025-01-01 05:00:01" in bench("runs").out
    finally:
        monkeypatch.undo()
        time.tzset()


def test_json(bench):
    bench.run(
        flags={"x": (1, 2)},
        metrics={"loss": Metric(math.inf)},
        status=RunStatus.FAILED,
        duration=None,
        error=RunError("cell", "ValueError: no"),
    )
    assert bench("runs", "--json").json == {
        "schema": 1,
        "runs": [
            {
                "id": "20250101T000001.000000-000001",
                "short": "000001",
                "notebook": "train.ipynb",
                "case": "default",
                "status": "failed",
                "started": "2025-01-01T00:00:01.000000+00:00",
                "duration": None,
                "flags": {"x": {"$tuple": [1, 2]}},
                "metrics": {"loss": {"$float": "Infinity"}},
                "error": "ValueError: no",
                "folder": ".nbrepro/runs/20250101T000001.000000-000001",
            }
        ],
        "unreadable": {},
        "more": False,
    }


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("a/train.ipynb", 2),
        ("a/train", 2),
        ("a", 2),
        ("./a/", 2),
        ("a/train.ipynb::x=1", 1),
        ("*train*", 3),
        ("*::x=1", 2),
        ("train", 1),
        ("tra", 0),
    ],
)
def test_by_notebook(bench, name, found):
    bench.run("a/train.ipynb")
    bench.run("a/train.ipynb", "x=1")
    bench.run("train.ipynb", "x=1")
    bench.run("other.ipynb")
    assert len(bench("runs", "--notebook", name, "--json").json["runs"]) == found


def test_by_notebook_from_its_folder(bench, monkeypatch):
    bench.notebook("a/train.ipynb")
    bench.run("a/train.ipynb")
    bench.run("train.ipynb")
    monkeypatch.chdir(bench.root / "a")
    (run,) = bench("runs", "--notebook", "train.ipynb", "--json").json["runs"]
    assert run["notebook"] == "a/train.ipynb"
    assert run["folder"] == "../.nbrepro/runs/20250101T000001.000000-000001"


def test_by_status(bench):
    bench.run()
    bench.run(status=RunStatus.FAILED)
    (run,) = bench("runs", "--status", "failed", "--json").json["runs"]
    assert run["status"] == "failed"
    said = bench("runs", "--status", "timeout")
    assert (said.code, said.out, said.err) == (0, "", "no such runs in .nbrepro\n")
    assert bench("runs", "--status", "FINE").code == 2


def test_a_run_whose_process_vanished_died(bench):
    run = bench.run(status=RunStatus.RUNNING)
    path = run.folder / "run.json"
    record = json.loads(path.read_text())
    path.write_text(json.dumps({**record, "pid": None}))
    assert bench("runs", "--json").json["runs"][0]["status"] == "died"


def test_only_what_is_shown_is_read(bench, monkeypatch):
    for _ in range(30):
        bench.run()
    (bench.store.runs / "20260101T000000.000000-ffffff").mkdir()  # claimed, not begun
    read = []
    original = Index.read
    monkeypatch.setattr(Index, "read", lambda self, name: read.append(name) or original(self, name))
    said = bench("runs", "--limit", "5")
    assert len(said.out.splitlines()) == 6
    assert said.err == "… older ones: --limit 10\n"
    assert len(read) == 7  # one without a record, and one more tells that there are more
    assert bench("runs", "--json", "--limit", "5").json["more"]
    assert len(bench("runs").out.splitlines()) == 21
    said = bench("runs", "--limit", "0")
    assert len(said.out.splitlines()) == 31
    assert said.err == ""
    assert bench("runs", "--limit", "30").err == ""
    assert bench("runs", "--limit", "-1").code == 2


def test_a_run_that_cannot_be_read_hides_no_other(bench):
    bench.run()
    broken = bench.run()
    (broken.folder / "run.json").write_text("{")
    said = bench("runs")
    assert said.code == 2
    assert "000001" in said.out
    assert "000002" not in said.out
    assert said.err.startswith("error: ")
    assert broken.id in said.err
    record = bench("runs", "--json").json
    assert list(record["unreadable"]) == [broken.id]
    assert len(record["runs"]) == 1
    said = bench("runs", "--status", "failed")
    assert (said.code, said.out) == (2, "")
    assert "no such runs" not in said.err


def test_a_terminal_cuts_long_lines(bench, monkeypatch):
    bench.run("a" * 100 + ".ipynb")
    monkeypatch.setattr("shutil.get_terminal_size", lambda: os.terminal_size((60, 20)))
    assert max(map(len, bench("runs").out.splitlines())) > 100
    from click.testing import _NamedTextIOWrapper

    monkeypatch.setattr(_NamedTextIOWrapper, "isatty", lambda _: True, raising=False)
    lines = bench("runs").out.splitlines()
    assert [len(line) for line in lines] == [60, 60]
    assert all(line.endswith("…") for line in lines)


IDS = st.lists(
    st.builds(
        "{}T{}-{}".format,
        st.sampled_from(["2024", "2025"]),
        st.text("01", max_size=4),
        st.text("02T4", min_size=6, max_size=6),
    ),
    unique=True,
    max_size=40,
).map(sorted)


@given(IDS)
def test_short_ids_find_their_runs(ids):
    shorts = short_ids(ids)
    assert list(shorts) == ids or set(shorts) == set(ids)
    for name, short in shorts.items():
        assert len(short) >= 6
        assert [other for other in ids if other.startswith(short) or other.endswith(short)] == [name]


def test_short_ids_of_ids_that_end_alike():
    shorts = short_ids(["20250101-abcdef", "20250102-abcdef", "20250102-000000"])
    assert sorted(shorts.values()) == ["000000", "1-abcdef", "2-abcdef"]


def test_short_ids_are_what_find_takes(bench):
    runs = [
        bench.run(id=f"2025010{n}T000000.000000-{'abcdef' if n % 2 else n * 111111}") for n in range(1, 6)
    ]
    for run in runs:
        short = short_ids(bench.store.ids())[run.id]
        assert bench.store.find(short).id == run.id
    with pytest.raises(StoreError):
        bench.store.find("abcdef")


class TestConditions:
    def test_some_runs(self, bench):
        for x in (1.0, 2.0, 3.0):
            bench.run(flags={"x": x}, metrics={"loss": Metric(1 / x)})
        said = bench("runs", "x>1 and loss>0.4", "--json")
        assert [one["flags"]["x"] for one in said.json["runs"]] == [2.0]
        said = bench("runs", "x>9")
        assert (said.code, said.err.startswith("no such runs in")) == (0, True)
        assert bench("runs", "x>").code == 2

    def test_sorted(self, bench):
        for x in (2.0, 1.0, 3.0, float("nan")):
            bench.run(flags={"x": x})
        bench.run(flags={})
        order = {name: _xs(bench("runs", "--sort", name, "--json")) for name in ("x", "-x")}
        assert order == {"x": [1.0, 2.0, 3.0], "-x": [3.0, 2.0, 1.0]}
        limited = bench("runs", "--sort", "x", "--limit", "2", "--json")
        assert (_xs(limited), limited.json["more"]) == ([1.0, 2.0], True)

    def test_sorted_by_a_text(self, bench):
        for name in ("b.ipynb", "a.ipynb"):
            bench.run(name)
        said = bench("runs", "--sort", "notebook", "--json")
        assert [one["notebook"] for one in said.json["runs"]] == ["a.ipynb", "b.ipynb"]

    def test_the_least_and_the_largest(self, bench):
        for x in (2.0, 1.0, 3.0):
            bench.run(flags={"x": x})
        assert _xs(bench("runs", "--min", "x", "--json")) == [1.0]
        assert _xs(bench("runs", "--max", "x", "--json")) == [3.0]
        assert "is enough" in bench("runs", "--max", "x", "--min", "x").err

    def test_csv(self, bench):
        run = bench.run(flags={"x": 1 / 3})
        assert bench("runs", "--csv").out.splitlines() == [
            "run,started,status,x,loss",
            f"{run.id},{run.started},completed,{1 / 3!r},0.25",
        ]
        assert bench("runs", "x>1", "--csv").out == "run,started,status\n"


def _xs(said):
    return [one["flags"]["x"] for one in said.json["runs"]]
