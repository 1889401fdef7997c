"""A search as a study of Optuna."""

from __future__ import annotations

import pytest

from pytest_nbrepro.errors import NbreproError
from pytest_nbrepro.exports import study
from pytest_nbrepro.model import Metric, RunError, RunStatus
from pytest_nbrepro.sweep.batch import Batch, Goal, weighed

optuna = pytest.importorskip("optuna", reason="the extra sweep is not installed")


@pytest.fixture
def searched(bench):
    """Runs of a search."""
    rows = [(0.5, "adam", 3, 0.25), (1.5, "sgd", 5, 0.75), (1.0, "adam", 4, None), (1.75, "sgd", 3, None)]
    runs = [
        bench.run(
            flags={"x": x, "opt": opt, "n": n, "sizes": [n], "fixed": 1},
            status=RunStatus.COMPLETED if loss is not None else RunStatus.INTERRUPTED,
            error=RunError("pruned", "at step 1") if loss is None and x > 1.6 else None,
            metrics={}
            if loss is None
            else {"loss": Metric(loss, steps=((1, 1.0), (2, loss))), "auc": Metric(1 - loss)},
        )
        for x, opt, n, loss in rows
    ]

    def make(*goals):
        texts = ("x=[0:2]", "opt=choice('adam', 'sgd')", "n=[1:9]", "sizes=grid([3], [5], [4])", "fixed=1")
        batch = Batch("train.ipynb", "default", texts, "tpe", goals)
        return batch, [weighed(number, run, goals) for number, run in enumerate(runs, 1)]

    return make


def load(path):
    storage = optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(str(path)))
    return optuna.load_study(study_name="a", storage=storage)


def test_it_is_a_study(searched, tmp_path):
    assert study.write("a", *searched(Goal("loss")), tmp_path / "s.log") == 4
    made = load(tmp_path / "s.log")
    assert made.metric_names == ["loss"]
    assert made.best_value == 0.25
    assert made.best_params == {"x": 0.5, "opt": "adam", "n": 3, "sizes": "[3]", "fixed": 1}
    assert [trial.state.name for trial in made.trials] == ["COMPLETE", "COMPLETE", "FAIL", "PRUNED"]
    assert made.trials[0].user_attrs["case"] == "train.ipynb::default"
    assert made.trials[2].user_attrs["fault"] == "interrupted"
    assert made.trials[0].intermediate_values == {1: 1.0, 2: 0.25}
    assert made.trials[0].duration.total_seconds() == 1.5
    assert made.trials[0].distributions["x"] == optuna.distributions.FloatDistribution(0.5, 1.75)
    assert made.trials[0].distributions["n"] == optuna.distributions.IntDistribution(3, 5)


def test_several_goals_have_their_own_values(searched, tmp_path):
    study.write("a", *searched(Goal("loss"), Goal("auc", maximize=True)), tmp_path / "s.log")
    made = load(tmp_path / "s.log")
    assert [direction.name for direction in made.directions] == ["MINIMIZE", "MAXIMIZE"]
    assert made.trials[1].values == [0.75, 0.25]
    assert [trial.values for trial in made.best_trials] == [[0.25, 0.75]]


def test_what_cannot_be_a_study(searched, tmp_path):
    with pytest.raises(NbreproError, match="no goal"):
        study.write("a", *searched(), tmp_path / "s.log")
    batch, _ = searched(Goal("loss"))
    with pytest.raises(NbreproError, match="no trials"):
        study.write("a", batch, [], tmp_path / "s.log")
    (tmp_path / "s.log").touch()
    with pytest.raises(NbreproError, match="exists"):
        study.write("a", *searched(Goal("loss")), tmp_path / "s.log")
