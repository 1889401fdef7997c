"""`nbrepro report`: the page, the data and the summary that `pytest --nbrepro-report` writes, of runs that are kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import click

from pytest_nbrepro import __version__, pending
from pytest_nbrepro.assessment import Places
from pytest_nbrepro.cli import show
from pytest_nbrepro.cli.group import complain
from pytest_nbrepro.cli.site import Asked, Site
from pytest_nbrepro.errors import NbreproError, StoreError
from pytest_nbrepro.index import Index
from pytest_nbrepro.model import Run, RunStatus
from pytest_nbrepro.reports.data import case_report
from pytest_nbrepro.reports.history import runs_of
from pytest_nbrepro.reports.pages import Report
from pytest_nbrepro.reports.record import CaseStatus, empty
from pytest_nbrepro.reports.sheet import Sheet, bare, sheet
from pytest_nbrepro.store import Store

_DIFFERS = 1
FOLDER = "report"  # in the run store


@click.command("report")
@click.argument("runs", metavar="[RUN]...", nargs=-1)
@click.option("--output", "folder", type=click.Path(path_type=Path), metavar="DIR", help="Where to write it.")
@click.option("--md", "markdown", is_flag=True, help="Write the summary to stdout as Markdown, and no files.")
@click.pass_obj
def command(asked: Asked, runs: tuple[str, ...], folder: Path | None, *, markdown: bool) -> None:
    """Write a report of runs for people: index.html, report.json, summary.md, metrics.txt.

    RUN is a run's id, its beginning or end, or `last`; without any, the last run of each case. Runs are judged
    against the present baselines. DIR is that of --nbrepro-report where pytest's ini file sets it, else `report` in the
    run store. The exit code is 0 where all runs reproduce their baselines, 1 where one does not, 2 for faults.
    """
    site = asked.site()
    store = Store(site.store)
    chosen = [show.resolve(store, text) for text in runs] or list(last_runs(store))
    if not chosen:
        raise StoreError("there are no runs yet", where=str(store.runs), hint="pytest --nbrepro makes them")
    report = _report(site, chosen)
    if markdown:
        from pytest_nbrepro.reports.markdown import summary

        click.echo(summary(report), nl=False)
    else:
        from pytest_nbrepro.reports.writing import PAGE, Writer

        place = folder or site.settings.report or site.store / FOLDER
        writer = Writer(place)
        writer.write(report, writer.take(report))
        click.echo(site.short(place / PAGE))
    if not all(sheet["record"]["ok"] for sheet in report.sheets):
        raise click.exceptions.Exit(_DIFFERS)


def last_runs(store: Store) -> Iterator[Run]:
    """Yield the newest run of each case that has ended, the oldest case first; what cannot be read is told on stderr."""
    index, found = Index(store), dict[str, str]()
    for run in index.newest(lambda _, error: complain(str(error))):
        if run.status is not RunStatus.RUNNING:
            found.setdefault(f"{run.notebook}::{run.case}", run.id)
    index.save()
    yield from (store.read(run_id) for run_id in sorted(found.values()))


def _report(site: Site, runs: Sequence[Run]) -> Report:
    waiting = _waiting(site)
    sheets = [sheet_of(run, site, waits=run.id in waiting) for run in runs]
    return Report(
        sheets=sheets,
        project=site.root.name,
        made=datetime.now(UTC).isoformat(timespec="seconds"),
        version=__version__,
        history=runs_of(Store(site.store), [sheet["record"]["case"] for sheet in sheets]),
    )


def sheet_of(run: Run, site: Site, *, waits: bool) -> Sheet:
    """Return all that a page tells of a run; a bare sheet where it cannot be judged."""
    judged = show.judge(run, site)
    if judged.assessment is None:
        first = judged.reason.splitlines()[0]
        return bare(empty(f"{run.notebook}::{run.case}", CaseStatus.ERROR, first, judged.reason))
    places = Places(site.root, site.store, site.baselines)
    return sheet(case_report(judged.assessment, site.root, waits=waits), judged.assessment, places)


def _waiting(site: Site) -> set[str]:
    """Return the runs whose values wait for a person."""
    found = set()
    for path in pending.records(site.store / "pending"):
        try:
            found.add(pending.read(site.store / "pending", path).run)
        except NbreproError as error:
            complain(str(error))
    return found
