"""`nbrepro promote`."""

from __future__ import annotations

import pytest

from pytest_nbrepro import baselines
from pytest_nbrepro.model import RunStatus

CELLS = ("x = 1.0\nname = 'adam'", "print('loss:', x / 4)")


@pytest.fixture
def kernel(fake_kernel):
    return fake_kernel


def made(bench, *flags, cells=CELLS, **metadata):
    """Run a notebook with flags."""
    bench.notebook("train.ipynb", *cells, **metadata)
    assert bench("run", "train.ipynb", *flags, "-y").code == 0
    return bench.store.ids()[-1]


def annotation(bench):
    return (bench.root / "train.nbrepro.yaml").read_text()


def test_a_run_becomes_a_case_with_a_baseline(bench, kernel):
    run = made(bench, "x=2", "name=sgd")
    said = bench("promote", "last", "--as", "best", "-m", "the paper's")
    assert said.code == 0, said.err
    assert said.out == f"train.ipynb::best has a baseline: run {run}, with which a second run agrees\n"
    assert annotation(bench) == 'cases:\n  best: {name: "sgd", x: 2.0}\n'
    assert bench.loss("train/best") == 0.5
    assert baselines.read(bench.baselines / "train/best").environment["accepted"] == "the paper's"
    assert kernel.runs == 2
    assert not list((bench.store.folder / "pending").rglob("*.json"))


def test_another_one_and_all_else_stays(bench, kernel):
    made(bench, "x=2")
    (bench.root / "train.nbrepro.yaml").write_text(
        "# mine\ncases:\n  far: {x: 9}  # far away\nmetrics: {loss: {rel: 1e-3}}\n"
    )
    assert bench("promote", "last", "--as", "near").code == 0
    assert annotation(bench) == (
        "# mine\ncases:\n  far: {x: 9}  # far away\n  near: {x: 2.0}\nmetrics: {loss: {rel: 1e-3}}\n"
    )


def test_a_baseline_without_a_case_keeps_one(bench, kernel):
    made(bench)
    bench.waiting(loss=0.25)
    assert bench("accept", "--all", "-m", "first").code == 0
    bench("run", "train.ipynb", "x=3", "-y")
    assert bench("promote", "last", "--as", "three").code == 0
    assert annotation(bench) == "cases: {default: null, three: {x: 3.0}}\n"


def test_the_notebook_as_it_is(bench, kernel):
    made(bench)
    assert bench("promote", "last", "--as", "plain").code == 0
    assert annotation(bench) == "cases: {plain: null}\n"


def test_runs_that_disagree(bench, kernel):
    made(bench, "x=2", cells=("x = 1.0", "print('loss:', x + runs)"))
    said = bench("promote", "last", "--as", "best")
    assert said.code == 1
    assert "two runs of the same notebook disagree" in " ".join(said.out.split())
    assert not (bench.root / "train.nbrepro.yaml").exists()
    assert not (bench.baselines / "train/best").exists()


class TestFaults:
    def test_one_that_failed(self, bench):
        bench.run(status=RunStatus.FAILED)
        assert "this one is failed" in bench("promote", "last", "--as", "a").err

    def test_a_notebook_that_is_gone(self, bench):
        bench.run("gone.ipynb")
        assert "the notebook is gone" in bench("promote", "last", "--as", "a").err

    def test_a_name_that_is_taken(self, bench, kernel):
        made(bench, "x=2", nbrepro={"cases": {"far": {"x": 9}}})
        assert "there is a case 'far'" in bench("promote", "last", "--as", "far").err

    def test_a_name_that_cannot_be(self, bench, kernel):
        made(bench, "x=2")
        said = bench("promote", "last", "--as", "a::b")
        assert said.code == 2
        assert not (bench.root / "train.nbrepro.yaml").exists()

    def test_a_flag_that_is_gone(self, bench, kernel):
        made(bench, "x=2")
        bench.notebook("train.ipynb", "print('loss: 1')")
        assert "the notebook has no flag" in bench("promote", "last", "--as", "a").err

    def test_a_value_that_no_annotation_holds(self, bench, kernel):
        made(bench, "z=2j", cells=("z = 1j", "print('loss:', abs(z))"))
        assert "an annotation cannot hold these flags" in bench("promote", "last", "--as", "a").err

    def test_an_annotation_that_cannot_be_edited(self, bench, kernel):
        made(bench, "x=2")
        (bench.root / "train.nbrepro.yaml").write_text("cases: &c {far: {x: 9}}\nflags: {}\n")
        said = bench("promote", "last", "--as", "near")
        if said.code:
            assert "cannot be edited" in said.err
            assert annotation(bench) == "cases: &c {far: {x: 9}}\nflags: {}\n"
        else:
            assert "near: {x: 2.0}" in annotation(bench)
