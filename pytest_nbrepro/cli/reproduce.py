"""`nbrepro reproduce`: whether a baseline, or a run, is given again in the environment that it was made in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pytest_nbrepro.cli import output
from pytest_nbrepro.cli.site import Asked, Site
from pytest_nbrepro.errors import NbreproError
from pytest_nbrepro.model import Baseline, Case, Run, RunStatus
from pytest_nbrepro.textual import is_notebook

if TYPE_CHECKING:
    from pytest_nbrepro.assessment import Assessment, Places
    from pytest_nbrepro.environments.pins import Pins

_DIFFERS = 1


@dataclass(frozen=True)
class _Past:
    """What is to be given again: a baseline, or a run."""

    case: Case
    source: Path  # the executed copy, with its flags in it
    environment: Mapping[str, Any]
    run: Run | None  # None for a baseline


@click.command("reproduce")
@click.argument("name", metavar="NOTEBOOK[::CASE]|RUN")
@click.option("--json", "as_json", is_flag=True, help="Write JSON.")
@click.pass_obj
def command(asked: Asked, name: str, *, as_json: bool) -> None:
    """Build the environment of a baseline or a run again, run its own source there, and hold the two against each other.

    Said is whether it ever reproduced. A notebook stands for its only case; a run is told by the beginning or end of its
    id. Environments are made with uv where it is there, else with pip, and kept in the run store; inputs are those of
    today. No baseline changes. The exit code is 0 where all is given again, 1 where something differs, and 2 where the
    environment cannot be built any more.

    \b
    JSON: {"schema": 1, "case", "of" ("baseline", or the run's id), "reproduces", "run" (id of the new one), "python",
           "distributions": {name: version}, "failed": [{"kind", "name", "status", "message"}]}
    """  # noqa: D301 - \b is click's mark for text that stays as it is
    notebook = Path(name.partition("::")[0])
    site = asked.of_notebook(notebook) if is_notebook(notebook) else asked.site()
    from pytest_nbrepro.assessment import Places
    from pytest_nbrepro.environments.pins import recorded

    places = Places(site.root, site.store, site.baselines)
    past = _of_case(name, site, places) if is_notebook(notebook) else _of_run(name, site)
    pins = recorded(past.environment, past.case.id)
    found = _again(past, pins, site, places)
    ok = found.verdict.ok and found.run.status is RunStatus.COMPLETED
    if as_json:
        output.write_json(_record(past, pins, found, reproduces=ok))
    else:
        _tell(past, pins, found, site, ok=ok)
    if not ok:
        raise click.exceptions.Exit(_DIFFERS)


def _again(past: _Past, pins: Pins, site: Site, places: Places) -> Assessment:
    """Run in the environment, built if it must be, and judge."""
    from pytest_nbrepro import assessment
    from pytest_nbrepro.bisection import ENVIRONMENTS, within
    from pytest_nbrepro.cli import running
    from pytest_nbrepro.cli.waiting import Waiting
    from pytest_nbrepro.environments.building import Builder
    from pytest_nbrepro.executors import here

    python = Builder(site.store / ENVIRONMENTS, lambda line: click.echo(line, err=True)).python(pins)
    task = within(running.task(replace(past.case, flags={}), site), python)
    with Waiting(f"running {past.case.id} as it was") as waiting:
        run = here().submit(replace(task, source=past.source)).result(waiting)
    run = running.noted(run, "made by nbrepro reproduce", site)
    if past.run is None:
        return assessment.assess(past.case, run, places)
    return assessment.agree(past.case, assessment.assess(past.case, past.run, places), run, places)


def _of_case(name: str, site: Site, places: Places) -> _Past:
    from pytest_nbrepro import baselines
    from pytest_nbrepro.cli import running

    case = running.only(name, site)
    baseline: Baseline | None = baselines.read(places.baselines / case.folder)
    if baseline is None or baseline.notebook is None:
        raise NbreproError("it has no baseline", where=case.id, hint="pytest --nbrepro --nbrepro-update=new")
    return _Past(case, baseline.notebook, baseline.environment, None)


def _of_run(name: str, site: Site) -> _Past:
    from pytest_nbrepro.assessment import environment_of
    from pytest_nbrepro.cli import lookup
    from pytest_nbrepro.store import EXECUTED, Store

    run = Store(site.store).find(name)
    source = run.folder / EXECUTED
    if run.status is not RunStatus.COMPLETED or not source.exists():
        raise NbreproError(f"this run did not complete: it {run.status}", where=run.id)
    return _Past(lookup.case_of(run, site.root), source, environment_of(run), run)


def _tell(past: _Past, pins: Pins, found: Assessment, site: Site, *, ok: bool) -> None:
    what = "the baseline" if past.run is None else f"run {past.run.id[-6:]}"
    count = output.count(len(pins.versions), "distribution")
    if not ok:
        from pytest_nbrepro.reports.data import case_report
        from pytest_nbrepro.reports.terminal import case_text

        click.echo(case_text(case_report(found, site.root)))
    verb = "gives" if ok else "does not give"
    click.echo(f"{past.case.id} {verb} {what} again, with Python {pins.python} and {count} as they were")
    click.echo(f"its run is {found.run.id[-6:]}: nbrepro show {found.run.id[-6:]}")


def _record(past: _Past, pins: Pins, found: Assessment, *, reproduces: bool) -> dict[str, Any]:
    failed = [
        {"kind": check.kind, "name": check.name, "status": str(check.status), "message": check.message}
        for check in found.verdict.failed
    ]
    return {
        "case": past.case.id,
        "of": "baseline" if past.run is None else past.run.id,
        "reproduces": reproduces,
        "run": found.run.id,
        "python": pins.python,
        "distributions": dict(pins.versions),
        "failed": failed,
    }
