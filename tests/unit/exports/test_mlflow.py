"""Runs in MLflow: it is asked itself."""

from __future__ import annotations

import sys
import warnings

import pytest

from pytest_nbrepro import attributes
from pytest_nbrepro.errors import ExtraError, NbreproError
from pytest_nbrepro.exports import mlflow as exported
from pytest_nbrepro.model import RunError, RunStatus

pytest.importorskip("mlflow", reason="the extra mlflow is not installed")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::PendingDeprecationWarning")


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    """A database whose tables are made once."""
    folder = tmp_path_factory.mktemp("mlflow")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from mlflow import MlflowClient

        client = MlflowClient(tracking_uri=f"sqlite:///{folder}/mlflow.db")
        client.search_experiments()
    return folder


@pytest.fixture
def client(database, monkeypatch):
    from mlflow import MlflowClient

    monkeypatch.chdir(database)
    return MlflowClient(tracking_uri="sqlite:///mlflow.db")


def put(runs, name):
    return [new for _, new in exported.write(runs, "sqlite:///mlflow.db", name)]


def found(client, name):
    experiment = client.get_experiment_by_name(name)
    return client.search_runs([experiment.experiment_id])


def test_a_run_with_all_of_it(client, rich, tmp_path):
    run = rich()
    attributes.write(run.folder, attributes.Attributes("best", ("paper", "final"), "for figure 3", "b", 1))
    assert put([run], "all") == [True]
    (there,) = found(client, "all")
    assert there.data.params == {
        "x": "0.5",
        "name": "adam",
        "deep": "True",
        "sizes": "[32, 16]",
        "none": "None",
    }
    assert there.data.metrics == {"loss": 0.25, "epochs": 3.0, "auc": 0.9}
    history = client.get_metric_history(there.info.run_id, "loss")
    assert [(one.step, one.value) for one in history] == [(10, 1.0), (20, 0.5), (30, 0.25)]
    assert there.info.status == "FINISHED"
    assert there.info.end_time - there.info.start_time == 1500
    assert there.data.tags["nbrepro.run"] == run.id
    assert there.data.tags["nbrepro.label"] == "best"
    assert there.data.tags["nbrepro.tags"] == "paper, final"
    assert there.data.tags["mlflow.note.content"] == "for figure 3"
    names = {one.path for one in client.list_artifacts(there.info.run_id, "files")}
    assert names == {"files/curve.png", "files/rows.csv"}
    copy = client.download_artifacts(there.info.run_id, "files/curve.png", str(tmp_path))
    assert (tmp_path / copy).read_bytes() == (run.folder / "files/curve.png").read_bytes()


def test_nothing_is_written_twice(client, rich):
    one, two = rich(), rich()
    assert put([one], "twice") == [True]
    assert put([one, two], "twice") == [False, True]
    assert len(found(client, "twice")) == 2


def test_how_a_run_ended(client, rich):
    error = RunError("cell", "ZeroDivisionError")
    put([rich(status=RunStatus.FAILED, error=error), rich(status=RunStatus.INTERRUPTED)], "ends")
    there = {run.info.status: run.data.tags.get("nbrepro.error") for run in found(client, "ends")}
    assert there == {"FAILED": "ZeroDivisionError", "KILLED": None}


def test_half_a_run_is_not_left(client, rich, monkeypatch):
    run = rich()
    with monkeypatch.context() as patch:
        patch.setattr(type(client), "log_artifact", lambda *_: (_ for _ in ()).throw(OSError("full")))
        with pytest.raises(OSError, match="full"):
            put([run], "half")
    assert found(client, "half") == []
    assert put([run], "half") == [True]


def test_long_values_are_cut(client, rich):
    put([rich(flags={"words": "w" * 7000})], "long")
    (there,) = found(client, "long")
    assert there.data.params["words"] == "w" * 5999 + "…"


def test_what_mlflow_complains_of(rich):
    writing = exported.write([rich()], "nowhere://x", "a")
    with pytest.raises(NbreproError, match="MLflow says"):
        list(writing)


def test_without_mlflow(rich, monkeypatch):
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(ExtraError, match=r"pytest-nbrepro\[mlflow\]"):
        list(exported.write([rich()], "sqlite:///x.db", "a"))
