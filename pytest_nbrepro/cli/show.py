"""`nbrepro show`: all of a run, and what it is worth against the present baseline."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from pytest_nbrepro.cli import output
from pytest_nbrepro.cli.group import FAULT, complain
from pytest_nbrepro.cli.site import Asked, Site
from pytest_nbrepro.errors import NbreproError, StoreError
from pytest_nbrepro.model import Run, RunStatus
from pytest_nbrepro.store import ENVIRONMENT, LOG, RECORD, Store

if TYPE_CHECKING:
    from pytest_nbrepro.assessment import Assessment

_DIFFERS = 1
_BLOCK = 1 << 20
LAST = "last"


@dataclass(frozen=True)
class Judged:
    """What a run is worth today, or why that cannot be said."""

    assessment: Assessment | None
    reason: str = ""

    @property
    def code(self) -> int:
        """The exit code."""
        if self.assessment is None:
            return FAULT
        return 0 if self.assessment.verdict.ok else _DIFFERS


@click.command("show")
@click.argument("run", metavar="RUN")
@click.option("--output", "with_output", is_flag=True, help="Also write what the cells printed.")
@click.option("--files", is_flag=True, help="Write the paths of the run's files alone.")
@click.option("--html", is_flag=True, help="Write the executed notebook as a page, and its path alone.")
@click.option("--open", "opens", is_flag=True, help="Open that page in a browser.")
@click.option("--json", "as_json", is_flag=True, help="Write JSON.")
@click.pass_obj
def command(
    asked: Asked, run: str, *, with_output: bool, files: bool, html: bool, opens: bool, as_json: bool
) -> None:
    """Show all of a run, and its verdict against the present baseline.

    RUN is a run's id, its beginning or end, or `last`. The exit code is 0 where the run reproduces the baseline, 1 where
    it does not, and 2 where that cannot be said, for instance as the annotation has no such case any more. With --files, --html and
    --open nothing is judged.

    \b
    JSON: {"schema": 1,
           "run": as run.json has it, with "folder",
           "environment": as environment.json has it, or null,
           "verdict": null or {"ok", "case", "first" (cell or null),
             "why": null or {"cause", "text", "evidence": [{"cause",
               "state" (same, changed, unknown, cleared), "text"}]}, "diff" (text), "notes": [text],
             "checks": [{"kind", "name", "status", "used", "limit", "message",
               "n", "bad", "worst": null or {"where", "baseline", "result"},
               "cell", "allow", "overlay" (tag, or ""), "parts": [checks]}]},
           "unjudged": why there is no verdict, or null,
           "output": text, with --output}
    Values without a JSON form are tagged: {"$float": "Infinity"}.
    """  # noqa: D301 - \b is click's mark for text that stays as it is
    site = asked.site()
    found = resolve(Store(site.store), run)
    if files:
        output.write_lines(site.short(path) for path in sorted(found.folder.rglob("*")) if path.is_file())
        return
    if html or opens:
        from pytest_nbrepro.cli import paging

        click.echo(site.short(paging.open_run(found) if opens else paging.write(found)))
        return
    environment = _environment(found)
    judged = judge(found, site)
    if as_json:
        from pytest_nbrepro.cli.shown import record

        log = {"output": _log(found)} if with_output else {}
        output.write_json({**record(found, environment, judged.assessment, judged.reason, site), **log})
    else:
        from pytest_nbrepro.cli.shown import lines

        output.write_lines(lines(found, environment, judged.assessment, judged.reason, site))
        if with_output:
            _copy_log(found)
    raise click.exceptions.Exit(judged.code)


def resolve(store: Store, text: str) -> Run:
    """Return the run that a person means.

    Raises:
        StoreError: there is none, there are several, or its record cannot be read.
    """
    if text != LAST:
        return store.find(text)
    for run_id in reversed(store.ids()):
        if (store.runs / run_id / RECORD).exists():
            return store.read(run_id)
    raise StoreError("there are no runs yet", where=str(store.runs), hint="pytest --nbrepro makes them")


def judge(run: Run, site: Site) -> Judged:
    """Hold a run against the present baseline of its case, by today's annotation."""
    if run.status is RunStatus.RUNNING:
        return Judged(None, "it still runs")
    from pytest_nbrepro.assessment import Places, assess
    from pytest_nbrepro.cli.lookup import case_of
    from pytest_nbrepro.store import EXECUTED

    try:
        case = case_of(run, site.root)
        if run.status is RunStatus.COMPLETED and not (run.folder / EXECUTED).exists():
            return Judged(None, "the executed copy of this run is gone")
        return Judged(assess(case, run, Places(site.root, site.store, site.baselines)))
    except (NbreproError, OSError, ValueError) as error:  # of the notebook, its annotation, or a damaged run
        return Judged(None, str(error))


def _environment(run: Run) -> Mapping[str, Any] | None:
    """Return what is recorded of the environment; None where the run ended before that, or the record is damaged."""
    try:
        record: Mapping[str, Any] = json.loads((run.folder / ENVIRONMENT).read_text("utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        complain(f"{run.folder / ENVIRONMENT}: cannot be read: {error}")
        return None
    return record


def _log(run: Run) -> str:
    path = run.folder / LOG
    return path.read_text("utf-8", "replace") if path.exists() else ""


def _copy_log(run: Run) -> None:
    """Write the log to stdout, byte for byte and however large."""
    click.echo("\noutput")
    path = run.folder / LOG
    if not path.exists():
        click.echo("  none")
        return
    with path.open("rb") as log:
        while block := log.read(_BLOCK):
            click.echo(block, nl=False)
