"""Tests of several runs, ``new_runs`` with `margin`, from the annotation to the report."""

from __future__ import annotations

import json

import pytest

MARGIN = {"loss": {"margin": {"abs": 0.05}}}
SPEC = {"runs": 5, "new_runs": 3, "metrics": MARGIN}
# `runs` counts the executions of the stand-in kernel: what a notebook draws depends on it
NOISY = "print(f'loss: {0.5 + runs % 5 / 100}')\nprint(f'acc: {0.9 + runs % 5 / 1000}')\nprint('n: 3')"


def show(project, run="last"):
    from click.testing import CliRunner

    from pytest_nbrepro.cli import main

    shown = CliRunner().invoke(main, ["--root", str(project.root), "show", run, "--json"])
    return json.loads(shown.stdout)


def words(result):
    return " ".join(result.stdout.str().split())


@pytest.fixture
def noisy(project, fake_kernel):
    project.notebook("t.ipynb", NOISY, nbrepro=SPEC)
    result = project.accept()
    result.stdout.fnmatch_lines(["*1 baseline written (1 new, 0 changed) after 5 runs*"])
    assert fake_kernel.runs == 5
    return project


def test_a_test_makes_as_many_runs_and_judges_them_together(noisy, fake_kernel):
    before = noisy.tree()
    result = noisy.run()
    result.assert_outcomes(passed=1)
    assert fake_kernel.runs == 8
    result.stdout.fnmatch_lines(["*1 of 1 case reproduced in 3 runs*"])
    assert noisy.tree() == before
    first, *others = noisy.runs()[-3:]
    assert first.metrics["loss"].samples == (0.51, 0.52, 0.53)
    assert [run.notes[-1] for run in others] == [
        f"run {n} of 3 of one test: {first.id} has the values of all" for n in (2, 3)
    ]


def test_the_first_run_can_be_judged_again_and_another_shows_nothing(noisy):
    noisy.run()
    first, _, last = noisy.runs()[-3:]
    checks = {check["name"]: check for check in show(noisy, first.id)["verdict"]["checks"]}
    assert checks["loss"]["status"] == "within"
    assert checks["loss"]["limit"].startswith("margin abs 0.05, n 5 and 3, difference -0.0")
    assert checks["acc"]["limit"].endswith("alpha 0.000333333")  # one metric, three values
    assert checks["n"]["status"] == "equal"
    checks = {check["name"]: check for check in show(noisy, last.id)["verdict"]["checks"]}
    assert checks["loss"]["status"] == "error"
    assert checks["loss"]["message"].startswith("one run cannot show equivalence")


def test_a_drift_is_told_and_accepted_without_more_runs_than_needed(noisy, fake_kernel):
    noisy.notebook("t.ipynb", NOISY.replace("0.5 +", "0.6 +"), nbrepro=SPEC)
    result = noisy.run()
    assert result.ret == 1
    assert "loss 0.5200 -> 0.6200 used 2.36x margin abs 0.05, n 5 and 3, difference 0.08" in words(result)
    assert "(90 %) not equivalent" in words(result)
    assert fake_kernel.runs == 10  # three of the test, of which the five of a baseline go on
    result.stdout.fnmatch_lines(["*nbrepro review*"])
    result = noisy.accept()
    assert fake_kernel.runs == 15
    assert noisy.run().ret == 0
    stored = json.loads((noisy.root / "baselines/t/default/metrics.json").read_text())["metrics"]
    assert len(stored["loss"]["runs"]) == 5


def test_more_new_runs_than_a_baseline_needs(project, fake_kernel):
    spec = {**SPEC, "new_runs": 7}
    project.notebook("t.ipynb", NOISY, nbrepro=spec)
    project.accept()
    assert fake_kernel.runs == 5
    project.notebook("t.ipynb", NOISY.replace("0.5 +", "0.6 +"), nbrepro=spec)
    project.accept()
    assert fake_kernel.runs == 12
    stored = json.loads((project.root / "baselines/t/default/metrics.json").read_text())["metrics"]
    assert len(stored["loss"]["runs"]) == 5
    project.run().assert_outcomes(passed=1)


def test_xfail_better_and_the_hard_range_of_a_check(noisy):
    def with_rule(loss, **rule):
        metrics = {"loss": {**MARGIN["loss"], **rule}}
        source = NOISY.replace("0.5 +", f"{loss} +")
        noisy.notebook("t.ipynb", source, nbrepro={**SPEC, "metrics": metrics})
        return noisy.run()

    better = with_rule(0.3, better="lower")
    better.assert_outcomes(passed=1)
    assert with_rule(0.7, better="lower").ret == 1
    with_rule(0.7, xfail="bug 3").assert_outcomes(passed=1)
    result = with_rule(0.5, xfail="bug 3")
    assert result.ret == 1
    assert "passes, though expected to fail: bug 3" in words(result)
    result = with_rule(0.5, max=0.515)
    assert result.ret == 1
    assert "outside max 0.515" in words(result)


def test_a_file_that_differs_in_one_of_the_runs_fails_by_name(noisy, fake_kernel):
    source = "print('other' if runs == 12 else 'same')"
    noisy.notebook("t.ipynb", NOISY, source, nbrepro=SPEC)
    noisy.run("--nbrepro-update=changed").assert_outcomes(passed=1)  # runs 6 to 10
    result = noisy.run("--nbrepro-update=changed")
    assert result.ret == 1
    text = words(result)
    assert "run 2 of 3 differs from the baseline in output cell 2, where the first run does not" in text
    assert "same -> other" in text
    assert fake_kernel.runs == 12
    assert not list((noisy.root / ".nbrepro/pending").rglob("pending.json"))


def test_a_run_that_does_not_complete_fails(noisy, fake_kernel):
    noisy.notebook("t.ipynb", NOISY + "\nassert runs != 7", nbrepro=SPEC)
    result = noisy.run("--nbrepro-update=changed")
    assert result.ret == 1
    assert "run 2 of 3 did not complete" in words(result)
    assert fake_kernel.runs == 7


@pytest.mark.parametrize(
    ("source", "what"),
    [
        (NOISY.replace("print(f'loss", "if runs != 7: print(f'loss"), "loss LOST"),
        (NOISY + "\nif runs == 7: print('new: 1')", "new NEW"),
        (NOISY.replace("'n: 3'", "'n: 3.5' if runs == 8 else 'n: 3'"), "dtype int -> float64"),
        (NOISY.replace("'n: 3'", "'n: 4' if runs == 8 else 'n: 3'"), "run 3 of 3: 3 -> 4"),
        (
            NOISY.replace("{0.5 + runs % 5 / 100}", '{float("nan") if runs == 8 else 0.5}'),
            "new NaN or infinity",
        ),
    ],
)
def test_what_one_of_the_runs_lacks_or_has_alone_fails(noisy, source, what):
    noisy.notebook("t.ipynb", source, nbrepro=SPEC)
    result = noisy.run()
    assert result.ret == 1
    assert what in words(result)


def test_a_test_function_makes_as_many_runs(noisy, fake_kernel):
    noisy.write("test_t.py", "def test(nbrepro):\n    nbrepro.check(nbrepro.run('t.ipynb'))")
    noisy.run("test_t.py").assert_outcomes(passed=1)
    assert fake_kernel.runs == 8


def test_a_baseline_of_one_run_must_be_accepted_again(project, fake_kernel):
    project.notebook("t.ipynb", NOISY, nbrepro={"metrics": {"loss": "ignore", "acc": "ignore"}})
    project.accept()
    project.notebook("t.ipynb", NOISY, nbrepro=SPEC)
    result = project.run()
    assert result.ret == 1
    assert "the baseline holds one run, the annotation asks for 5: accept it again" in words(result)
