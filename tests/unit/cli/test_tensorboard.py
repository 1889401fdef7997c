"""`nbrepro tensorboard`."""

from __future__ import annotations

import pytest

pytest.importorskip("tensorboard", reason="the extra tensorboard is not installed")


def test_it_writes_a_folder(bench, tmp_path):
    for _ in range(2):
        bench.run()
    said = bench("tensorboard", "--output", str(tmp_path / "logs"))
    assert said.code == 0
    assert said.out.startswith("2 runs in ")
    assert len(list((tmp_path / "logs/train").iterdir())) == 2


def test_only_those_that_are_picked(bench, tmp_path):
    bench.run(flags={"x": 1.0})
    run = bench.run(flags={"x": 2.0})
    bench.run("other.ipynb")
    bench("tensorboard", "--where", "x>1", "--notebook", "train.ipynb", "--output", str(tmp_path / "one"))
    assert [path.name for path in (tmp_path / "one/train").iterdir()] == [f"default-{run.id[-6:]}"]
    bench("tensorboard", "last", run.id, "--output", str(tmp_path / "two"))
    assert {path.name for path in (tmp_path / "two").iterdir()} == {"train", "other"}


def test_a_folder_that_is_not_empty(bench, tmp_path):
    bench.run()
    (tmp_path / "file").touch()
    said = bench("tensorboard", "--output", str(tmp_path))
    assert said.code == 2
    assert "not empty" in said.err


def test_no_runs(bench, tmp_path):
    assert "no such runs" in bench("tensorboard", "--output", str(tmp_path / "logs")).err


def test_a_run_that_cannot_be_read_is_told(bench, tmp_path):
    run = bench.run()
    bench.run()
    (run.folder / "run.json").write_text("{")
    said = bench("tensorboard", "--output", str(tmp_path / "logs"))
    assert said.code == 2
    assert "cannot be read" in said.err
    assert said.out.startswith("1 run in ")
