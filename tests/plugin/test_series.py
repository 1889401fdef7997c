"""`series: true`, from the annotation to the report."""

from __future__ import annotations

import json

RULE = {"metrics": {"loss": {"series": True, "rel": 1e-3}}}
TRAINING = "for step, loss in enumerate({}):\n    print(f'loss (step {{step}}): {{loss}}')"


def test_a_step_outside_its_limit_is_named(project, fake_kernel):
    project.notebook("t.ipynb", TRAINING.format([1.0, 0.5, 0.25]), nbrepro=RULE)
    project.accept()
    kept = json.loads((project.root / "baselines/t/default/metrics.json").read_text())
    assert kept["metrics"]["loss"] == {
        "dtype": "float64",
        "steps": [[0, 1.0], [1, 0.5], [2, 0.25]],
        "value": 0.25,
    }
    assert project.run().ret == 0

    project.notebook("t.ipynb", TRAINING.format([1.0, 0.6, 0.25]), nbrepro=RULE)
    result = project.run()
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*step 1: 0.5000 -> 0.6000*", "*first outside its limit: step 1,*"])
    project.accept()
    assert project.run().ret == 0


def test_other_metrics_keep_their_last_value_alone(project, fake_kernel):
    project.notebook("t.ipynb", TRAINING.format([1.0, 0.5]))
    project.accept()
    kept = json.loads((project.root / "baselines/t/default/metrics.json").read_text())
    assert kept["metrics"] == {"loss": 0.5}
    project.notebook("t.ipynb", TRAINING.format([1.0, 0.5]), nbrepro=RULE)
    result = project.run()
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*a baseline without a series*"])
    project.accept()
    assert project.run().ret == 0
