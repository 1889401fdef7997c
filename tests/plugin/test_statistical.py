"""Statistical baselines, from the annotation to the report."""

from __future__ import annotations

import json

import pytest

SPEC = {"runs": 5, "metrics": {"n": {"min": 0}}}
# `runs` counts the executions of the stand-in kernel: what a notebook draws depends on it
NOISY = "print(f'loss: {0.5 + runs % 5 / 100}')\nprint('n: 3')"


def metrics(project):
    return json.loads((project.root / "baselines/t/default/metrics.json").read_text())["metrics"]


@pytest.fixture
def noisy(project, fake_kernel):
    project.notebook("t.ipynb", NOISY, nbrepro=SPEC)
    result = project.accept()
    result.stdout.fnmatch_lines(["*1 baseline written (1 new, 0 changed) after 5 runs*"])
    assert fake_kernel.runs == 5
    return project


def test_a_first_baseline_keeps_the_values_of_all_runs(noisy):
    assert metrics(noisy) == {
        "loss": {"dtype": "float64", "runs": [0.51, 0.52, 0.53, 0.54, 0.5], "value": 0.51},
        "n": {"dtype": "int", "runs": [3, 3, 3, 3, 3], "value": 3},
    }


def test_a_run_within_the_interval_passes_and_changes_nothing(noisy, fake_kernel):
    before = noisy.tree()
    noisy.run("--nbrepro-update=changed").assert_outcomes(passed=1)
    assert fake_kernel.runs == 6
    assert noisy.tree() == before


def test_a_drift_tells_the_interval_and_is_accepted_by_as_many_runs(noisy, fake_kernel):
    noisy.notebook("t.ipynb", NOISY.replace("0.5 +", "0.9 +"), nbrepro=SPEC)
    result = noisy.run()
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*loss*0.5200 -> 0.9*used*x*", "*n 5, interval 0.3*..0.6*, alpha 0.001*"])
    assert fake_kernel.runs == 10
    result.stdout.fnmatch_lines(["*nbrepro review*"])

    result = noisy.accept()
    result.stdout.fnmatch_lines(["*1 baseline written (0 new, 1 changed) after 5 runs*"])
    assert sorted(metrics(noisy)["loss"]["runs"]) == pytest.approx([0.9, 0.91, 0.92, 0.93, 0.94])
    assert noisy.run().ret == 0


def test_what_varies_beside_metrics_is_refused_by_name(project, fake_kernel):
    source = "from pathlib import Path\nPath('a.txt').write_text(f'{runs}')\nprint(f'drawn {runs} times')"
    project.notebook("t.ipynb", NOISY, source, nbrepro=SPEC)
    result = project.run("--nbrepro-update=new")
    assert result.ret == 1
    text = " ".join(result.stdout.str().split())
    assert "run 2 of 5 differs from the first in text a.txt, output cell 2" in text
    assert "ignore the others in the annotation" in text
    assert not (project.root / "baselines").exists()
    assert fake_kernel.runs == 2

    project.notebook(
        "t.ipynb", NOISY, source, nbrepro={**SPEC, "artifacts": {"a.txt": "ignore"}, "outputs": "ignore"}
    )
    assert project.run("--nbrepro-update=new").ret == 0


def test_a_change_whose_runs_disagree_is_refused(noisy):
    noisy.notebook("t.ipynb", NOISY, "print(f'drawn {runs} times')", nbrepro=SPEC)
    result = noisy.run("--nbrepro-update=changed")
    assert result.ret == 1
    assert "differs from the first in output cell 2" in " ".join(result.stdout.str().split())
    assert not list((noisy.root / ".nbrepro/pending").rglob("pending.json"))


@pytest.mark.parametrize(
    ("source", "what"),
    [
        ("if runs != 3: print('m: 1')", "the metric m is missing in run 3 of 5"),
        (
            "print('m: 1' if runs == 1 else 'm: 1.5')",
            "the metric m is of dtype float64 in run 2 of 5, and int before",
        ),
        ("print('m: nan' if runs == 3 else 'm: 1.5')", "the metric m is nan in run 3 of 5, and 1.5 before"),
        ("print(f'n: {2 - runs}')", "the metric n is -1 in run 3 of 5, outside min 0"),
        ("assert runs < 4", "run 4 of 5 did not complete"),
    ],
)
def test_runs_that_make_no_baseline(project, fake_kernel, source, what):
    project.notebook("t.ipynb", NOISY, source, nbrepro=SPEC)
    result = project.run("--nbrepro-update=new")
    assert result.ret == 1
    assert f"{what}: no baseline" in " ".join(result.stdout.str().split())
    assert not (project.root / "baselines").exists()


def test_ignored_metrics_may_come_and_go(project, fake_kernel):
    spec = {**SPEC, "metrics": {"m": "ignore"}}
    project.notebook("t.ipynb", NOISY, "if runs != 3: print('m: 1')", nbrepro=spec)
    assert project.run("--nbrepro-update=new").ret == 0
    assert "m" not in metrics(project)
    assert project.run().ret == 0


def test_alpha_is_shared_by_the_metrics_that_vary(project, fake_kernel):
    project.notebook(
        "t.ipynb",
        NOISY,
        "print(f'acc: {runs % 5}')\nprint(f'left: {runs}')",
        nbrepro={**SPEC, "metrics": {"left": "ignore"}},
    )
    project.accept()
    project.run().assert_outcomes(passed=1)
    shown = _show(project)
    limits = {check["name"]: check["limit"] for check in shown["verdict"]["checks"]}
    assert limits["loss"].endswith("alpha 0.0005")
    assert limits["acc"].endswith("alpha 0.0005")
    assert limits["n"] == "exact"


def _show(project):
    from click.testing import CliRunner

    from pytest_nbrepro.cli import main

    return json.loads(
        CliRunner().invoke(main, ["--root", str(project.root), "show", "last", "--json"]).stdout
    )


def test_a_baseline_of_one_run_must_be_accepted_again(project, fake_kernel):
    project.notebook("t.ipynb", "print('n: 3')")
    project.accept()
    project.notebook("t.ipynb", "print('n: 3')", nbrepro=SPEC)
    result = project.run()
    assert result.ret == 1
    text = " ".join(result.stdout.str().split())
    assert "the baseline holds one run, the annotation asks for 5: accept it again" in text
    project.accept()
    assert project.run().ret == 0
    project.notebook("t.ipynb", "print('n: 3')")
    assert project.run().ret == 0


def test_a_single_run_contradicts_it(noisy, fake_kernel):
    result = noisy.run("--nbrepro-once")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*--nbrepro-once and `runs: 5` exclude each other*"])
    assert fake_kernel.runs == 5


def test_all_draws_again(noisy, fake_kernel):
    noisy.run("--nbrepro-update=all").assert_outcomes(passed=1)
    assert fake_kernel.runs == 10
    assert metrics(noisy)["loss"]["runs"] == [0.51, 0.52, 0.53, 0.54, 0.5]


def test_a_test_function_draws_as_often(project, fake_kernel):
    project.notebook("t.ipynb", NOISY, nbrepro=SPEC)
    project.write("test_t.py", "def test(nbrepro):\n    nbrepro.check(nbrepro.run('t.ipynb'))")
    result = project.run("--nbrepro-update=new", "test_t.py")
    result.assert_outcomes(passed=1)
    assert fake_kernel.runs == 5
    assert len(metrics(project)["loss"]["runs"]) == 5


def test_a_limit_loosened_in_review_leaves_the_values_of_all_runs(project, fake_kernel):
    from click.testing import CliRunner

    from pytest_nbrepro.cli import main

    table = "from pathlib import Path\n_ = Path('a.csv').write_text('x\\n2.0\\n')"
    project.notebook("t.ipynb", NOISY, table, nbrepro={"runs": 5})
    project.accept()
    project.write("t.nbrepro.yaml", "# limits\n")
    table = table.replace("2.0", "2.00001")
    project.notebook("t.ipynb", NOISY.replace("0.5 +", "0.9 +"), table, nbrepro={"runs": 5})
    assert project.run().ret == 1
    said = CliRunner().invoke(main, ["--root", str(project.root), "review", "-m", "why"], input="t\na\n")
    assert "t.nbrepro.yaml: a.csv: {" in said.output
    assert "accepted values of 1 case" in said.output, said.output
    assert sorted(metrics(project)["loss"]["runs"]) == pytest.approx([0.9, 0.91, 0.92, 0.93, 0.94])
    assert project.run().ret == 0
