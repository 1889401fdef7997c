"""`nbrepro export`: runs in the forms of other tools."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from pytest_nbrepro import attributes, files
from pytest_nbrepro.cli import output, picking
from pytest_nbrepro.cli.runs import table_of
from pytest_nbrepro.cli.site import Asked, Site
from pytest_nbrepro.errors import NbreproError
from pytest_nbrepro.model import Run
from pytest_nbrepro.store import Store

_PATH = click.Path(path_type=Path)


@click.command("export")
@picking.options(0)
@click.option(
    "--zip",
    "zip_",
    metavar="FILE",
    type=_PATH,
    help="An archive that nbrepro import takes on another machine.",
)
@click.option("--csv", "csv_", metavar="FILE", type=_PATH, help="A row a run, with flags and metrics.")
@click.option("--series", metavar="FILE", type=_PATH, help="A row (CSV) a step of each metric.")
@click.option("--mlflow", metavar="URI", help="A tracking server or database of MLflow (extra mlflow).")
@click.option("--experiment", metavar="NAME", help="The experiment in MLflow (default: the project's name).")
@click.option("--rocrate", metavar="DIR", type=_PATH, help="A research object: RO-Crate 1.2 in a new folder.")
@click.option("--licence", metavar="LICENCE", help="SPDX id or address of the licence of that.")
@click.option("--dvc", metavar="DIR", type=_PATH, help="metrics.json and params.yaml of one run.")
@click.option(
    "--optuna",
    metavar="FILE",
    type=_PATH,
    help="A search as a study in a journal file, for optuna-dashboard (extra sweep).",
)
@click.pass_obj
def command(asked: Asked, /, **given: Any) -> None:
    """Give runs to other tools; those that still run are left out.

    RUN is a run's id, its beginning or end, or `last`; without, all runs of the notebook that ran last, or those that the options pick.
    The exit code is 0; 2 where a run cannot be read.
    """  # fmt: skip
    ways = [name for name in _WAYS if given[name] is not None]
    if len(ways) != 1:
        names = ", ".join(f"--{name.rstrip('_')}" for name in _WAYS)
        raise click.UsageError(f"one of {names} is needed")
    if given["licence"] and ways != ["rocrate"]:
        raise click.UsageError("--licence goes with --rocrate")
    if given["experiment"] and ways != ["mlflow"]:
        raise click.UsageError("--experiment goes with --mlflow")
    site = asked.site()
    found = picking.picked(site, given)
    ended = found.ended(Store(site.store))
    if len(ended) < len(found.runs):
        click.echo(f"{output.count(len(found.runs) - len(ended), 'run')} left out: still running", err=True)
    _WAYS[ways[0]](site, ended, given)
    found.close()


def _zip(site: Site, runs: Sequence[Run], given: Mapping[str, Any]) -> None:
    from pytest_nbrepro.exports import archive

    with files.replacing(given["zip_"]) as target:
        archive.pack(Store(site.store), runs, target)
    _tell(runs, site.short(given["zip_"]))


def _csv(site: Site, runs: Sequence[Run], given: Mapping[str, Any]) -> None:
    files.write_text(given["csv_"], "".join(f"{line}\n" for line in table_of(runs).csv()))
    _tell(runs, site.short(given["csv_"]))


def _series(site: Site, runs: Sequence[Run], given: Mapping[str, Any]) -> None:
    with files.replacing(given["series"]) as target:
        text = io.TextIOWrapper(target, "utf-8", newline="", write_through=True)
        rows = csv.writer(text, lineterminator="\n")
        rows.writerow(["run", "notebook", "case", "metric", "step", "value"])
        for run in runs:
            for name, metric in run.metrics.items():
                for step, value in metric.steps or ((None, metric.value),):
                    rows.writerow(
                        [run.id, run.notebook, run.case, name, "" if step is None else step, repr(value)]
                    )
        text.detach()
    _tell(runs, site.short(given["series"]))


def _mlflow(site: Site, runs: Sequence[Run], given: Mapping[str, Any]) -> None:
    from pytest_nbrepro.exports import mlflow

    experiment = given["experiment"] or site.root.name
    written = [new for _, new in mlflow.write(runs, given["mlflow"], experiment)]
    _tell(runs, f"{given['mlflow']}, experiment {experiment}")
    if not all(written):
        click.echo(f"{output.count(written.count(False), 'run')} of them had been there", err=True)


def _rocrate(site: Site, runs: Sequence[Run], given: Mapping[str, Any]) -> None:
    from pytest_nbrepro.exports import rocrate

    rocrate.write(runs, given["rocrate"], f"Runs of {site.root.name}", given["licence"])
    _tell(runs, site.short(given["rocrate"]))
    if not given["licence"]:
        click.echo(
            "no licence is stated: --licence CC-BY-4.0, for instance, says how it may be used", err=True
        )


def _dvc(site: Site, runs: Sequence[Run], given: Mapping[str, Any]) -> None:
    from pytest_nbrepro.exports import dvc

    if len(runs) > 1:
        raise NbreproError(
            f"these are {len(runs)} runs, and DVC's files are of one",
            hint="name it: nbrepro export last --dvc DIR",
        )
    for path in dvc.write(runs[0], given["dvc"]):
        click.echo(site.short(path))


def _optuna(site: Site, runs: Sequence[Run], given: Mapping[str, Any]) -> None:
    from pytest_nbrepro.exports import study
    from pytest_nbrepro.sweep import batch

    said = {run.id: attributes.read(run.folder) for run in runs}
    batches = sorted({one.batch for one in said.values() if one.batch})
    if len(batches) != 1:
        what = f"of {len(batches)} searches" if batches else "of no search"
        raise NbreproError(
            f"these runs are {what}", hint="nbrepro export --batch last --optuna FILE takes the newest search"
        )
    store = Store(site.store)
    name, asked = batch.find(store, batches[0])
    wanted = {run.id for run in runs}
    trials = [trial for trial in batch.trials(store, name, asked.goals) if trial.run.id in wanted]
    made = study.write(name, asked, sorted(trials, key=lambda trial: trial.number), given["optuna"])
    click.echo(
        f"{output.count(made, 'trial')} in {site.short(given['optuna'])}: optuna-dashboard {site.short(given['optuna'])}"
    )


_WAYS: dict[str, Callable[[Site, Sequence[Run], Mapping[str, Any]], None]] = {
    "zip_": _zip,
    "csv_": _csv,
    "series": _series,
    "mlflow": _mlflow,
    "rocrate": _rocrate,
    "dvc": _dvc,
    "optuna": _optuna,
}


def _tell(runs: Sequence[Run], place: str) -> None:
    click.echo(f"{output.count(len(runs), 'run')} in {place}")
