"""Runs in MLflow: flags as parameters, metrics with their steps, and the files of a run as its artifacts."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from pytest_nbrepro import attributes
from pytest_nbrepro.errors import NbreproError
from pytest_nbrepro.exports.contents import contents
from pytest_nbrepro.exports.series import points
from pytest_nbrepro.model import Run, RunStatus
from pytest_nbrepro.optional import require

EXTRA = "mlflow"
TAG = "nbrepro.run"  # the id of the run, by which it is found again
_LONGEST = 6000  # characters of a parameter that MLflow keeps
_STATUS = {RunStatus.COMPLETED: "FINISHED", RunStatus.INTERRUPTED: "KILLED"}


def write(runs: Sequence[Run], uri: str, experiment: str) -> Iterator[tuple[Run, bool]]:
    """Write runs, and yield each with whether it was written: those that are there already stay as they are.

    Args:
        runs: that have ended.
        uri: of a tracking server or a database: ``http://host:5000``, ``sqlite:///mlflow.db``.
        experiment: its name; it is made where there is none.

    Raises:
        ExtraError: mlflow-skinny is not installed.
        NbreproError: what MLflow complains of.
    """
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # it is read at import
    mlflow = require("mlflow", EXTRA)
    try:
        client = mlflow.MlflowClient(tracking_uri=uri)
        known = client.get_experiment_by_name(experiment)
        home = known.experiment_id if known else client.create_experiment(experiment)
        for run in runs:
            found = client.search_runs([home], f"tags.`{TAG}` = '{run.id}'", max_results=1)
            if not found:
                _Writer(mlflow, client, home).write(run)
            yield run, not found
    except mlflow.exceptions.MlflowException as error:
        raise NbreproError(f"MLflow says: {error}", where=uri) from error


class _Writer:
    """Writes one run.

    Args:
        mlflow: the module.
        client: where to write.
        home: the id of the experiment.
    """

    def __init__(self, mlflow: Any, client: Any, home: str) -> None:
        self._entities = mlflow.entities
        self._client = client
        self._home = home

    def write(self, run: Run) -> None:
        """Write a run whole; where that fails it is deleted, so that it is written anew next time."""
        made = self._client.create_run(
            self._home, _milliseconds(run), tags=_tags(run), run_name=f"{run.case}-{run.id[-6:]}"
        ).info.run_id
        try:
            self._log(run, made)
        except BaseException:
            self._client.delete_run(made)
            raise
        end = _milliseconds(run) + round(1000 * (run.duration or 0))
        self._client.set_terminated(made, _STATUS.get(run.status, "FAILED"), end)

    def _log(self, run: Run, made: str) -> None:
        entities, stamp = self._entities, _milliseconds(run)
        params = [entities.Param(name, _text(value)) for name, value in run.flags.items()]
        metrics = [
            entities.Metric(name, value, stamp, step)
            for name, metric in run.metrics.items()
            for step, value in points(metric)
        ]
        for start in range(0, len(params), 100):  # as many as MLflow takes at once
            self._client.log_batch(made, params=params[start : start + 100])
        for start in range(0, len(metrics), 1000):
            self._client.log_batch(made, metrics=metrics[start : start + 1000])
        for name, path in contents(run):
            folder = name.rpartition("/")[0]
            self._client.log_artifact(made, str(path), folder or None)


def _tags(run: Run) -> dict[str, str]:
    said = attributes.read(run.folder)
    tags = {
        TAG: run.id,
        "nbrepro.notebook": run.notebook,
        "nbrepro.case": run.case,
        "mlflow.source.name": run.notebook,
    }
    tags |= {"mlflow.source.type": "NOTEBOOK"}
    tags |= {"nbrepro.label": said.label} if said.label else {}
    tags |= {"nbrepro.tags": ", ".join(said.tags)} if said.tags else {}
    tags |= {"mlflow.note.content": said.note} if said.note else {}
    tags |= {"nbrepro.batch": said.batch} if said.batch else {}
    return tags | ({"nbrepro.error": run.error.message[:_LONGEST]} if run.error else {})


def _milliseconds(run: Run) -> int:
    return round(1000 * datetime.fromisoformat(run.started).timestamp())


def _text(value: Any) -> str:
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
