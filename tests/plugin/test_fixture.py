"""The fixture `nbrepro`."""

from __future__ import annotations

import json

import pytest


@pytest.fixture
def training(project, fake_kernel):
    project.notebook(
        "nb/train.ipynb",
        "x = 1.0",
        "from pathlib import Path\nprint(f'loss: {x * x}')\n_ = Path('out.txt').write_text('x')",
        nbrepro={"matrix": {"x": [2.0]}},
    )
    return project


def test_run_gives_metrics_artifacts_flags_and_notebook(training):
    training.write(
        "nb/test_it.py",
        """
def test_monotone(nbrepro):
    near, far = nbrepro.run("train.ipynb", x=0), nbrepro.run("nb/train.ipynb", x=3)
    assert near.metrics["loss"] < far.metrics["loss"] == 9.0
    assert near.flags == {"x": 0.0}
    assert near.artifacts["out.txt"].read_text() == "x"
    assert "loss: 0.0" in str(near.notebook["cells"][1]["outputs"])
""",
    )
    result = training.pytester.runpytest_inprocess("-p", "no:xdist")  # works without --nbrepro, too
    result.assert_outcomes(passed=1)


def test_check_judges_against_a_baseline_of_its_own(training, fake_kernel):
    test = """
def test_check(nbrepro):
    nbrepro.check(nbrepro.run("train.ipynb", x=3.0))
"""
    training.write("nb/test_it.py", test)
    result = training.run("nb/test_it.py")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*NBREPRO nb/train.ipynb::x=3.0   no baseline yet*"])

    assert training.run("--nbrepro-update=new").ret == 0
    manifest = json.loads((training.root / "baselines/nb/train/x=3.0/artifacts.json").read_text())
    assert manifest["fixture"] is True
    assert training.run().ret == 0
    assert training.run("nb/train.ipynb").ret == 0  # the notebook alone: the test's baseline is not obsolete

    training.notebook(
        "nb/train.ipynb", "x = 1.0", "print(f'loss: {x * x + 1}')", nbrepro={"matrix": {"x": [2.0]}}
    )
    result = training.run("nb/test_it.py")
    result.stdout.fnmatch_lines(
        ["*metric*loss*9.000 -> 10.00*", "FAILED nb/test_it.py::test_check - *drifted*"]
    )


def test_a_declared_case_is_found_by_its_flags(training):
    training.accept()
    training.write(
        "nb/test_it.py", "def test_it(nbrepro):\n    nbrepro.check(nbrepro.run('train.ipynb', x=2.0))\n"
    )
    assert training.run("nb/test_it.py").ret == 0


def test_a_notebook_that_fails(project, fake_kernel):
    project.notebook("bad.ipynb", "1 / 0")
    project.write("test_it.py", "def test_it(nbrepro):\n    nbrepro.run('bad.ipynb')\n")
    result = project.run("test_it.py")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*ZeroDivisionError: division by zero*"])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("nbrepro.run('nowhere.ipynb')", "there is no such notebook"),
        ("nbrepro.run('bad.ipynb', y=1)", "'y'"),
        ("nbrepro.run('/')", "outside the project's root"),
    ],
)
def test_bad_input(project, fake_kernel, call, message):
    project.notebook("bad.ipynb", "x = 1")
    project.write("test_it.py", f"def test_it(nbrepro):\n    {call}\n")
    result = project.run("test_it.py")
    assert result.ret == 1
    assert message in result.stdout.str()
