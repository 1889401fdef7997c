"""`nbrepro push` and `nbrepro pull`."""

from __future__ import annotations

import pytest

from pytest_nbrepro.model import RunStatus

pytest.importorskip("fsspec", reason="the extra remote is not installed")


@pytest.fixture
def url(tmp_path):
    return str(tmp_path / "remote")


@pytest.fixture
def elsewhere(bench, tmp_path):
    return lambda *arguments: bench("--dir", str(tmp_path / "elsewhere"), *arguments)


def test_runs_go_and_come(bench, url, elsewhere):
    one, two = bench.run(), bench.run()
    said = bench("push", url)
    assert said.code == 0
    assert said.out == f"{two.id} written\n{one.id} written\n"
    said = bench("push", url)
    assert said.out == f"{two.id} is there\n{one.id} is there\n"
    assert said.err == f"0 runs written to {url}, 2 had been there\n"
    assert elsewhere("pull", url, "--list").out == f"{one.id}\n{two.id}\n"
    said = elsewhere("pull", url, one.id[-6:])
    assert (said.out, said.err) == (f"{one.id}\n", "1 run taken in, 0 had been here\n")
    assert elsewhere("pull", url, "--list").out == f"{one.id} (is here)\n{two.id}\n"
    said = elsewhere("pull", url)
    assert (said.out, said.err) == (f"{two.id}\n", "1 run taken in, 1 had been here\n")


def test_only_those_that_are_picked(bench, url):
    bench.run(flags={"x": 1.0})
    run = bench.run(flags={"x": 2.0})
    assert bench("push", url, "--where", "x>1").out == f"{run.id} written\n"


def test_a_run_that_is_not_there(bench, url):
    said = bench("pull", url, "abcdef")
    assert said.code == 2
    assert "no run matches" in said.err
    assert bench("pull", url).err == "0 runs taken in, 0 had been here\n"


def test_those_that_still_run_are_left_out(bench, url):
    run = bench.run(status=RunStatus.RUNNING, duration=None)
    assert bench("push", url).code == 2
    done = bench.run()
    assert bench("push", url).out == f"{done.id} written\n"
    assert run.id not in bench("pull", url, "--list").out
