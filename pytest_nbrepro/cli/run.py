"""`nbrepro run`: one run of a notebook with flags, kept in the run store."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pytest_nbrepro.cli import output
from pytest_nbrepro.cli.site import Asked, Site
from pytest_nbrepro.errors import NbreproError
from pytest_nbrepro.model import Case, Run, RunStatus

if TYPE_CHECKING:
    from pytest_nbrepro.attributes import Attributes
    from pytest_nbrepro.notebook import Notebook

_FAILED = 1


@dataclasses.dataclass(frozen=True)
class Wanted:
    """A run that is asked for."""

    case: Case
    notebook: Notebook  # its source, as the project has it or as it was staged
    attributes: Attributes
    source: Path | None = None  # the staged copy


@click.command("run")
@click.argument("notebook", metavar="NOTEBOOK[::CASE]", required=False)
@click.argument("flags", metavar="[FLAG=VALUE]...", nargs=-1)
@click.option("--set", "case", metavar="CASE", help="The case of the annotation that gives the other flags.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.option("--label", default="", metavar="TEXT", help="A name for the run.")
@click.option(
    "--tag", "tags", multiple=True, metavar="TAG", help="A word to find it by; several may be given."
)
@click.option("--note", default="", metavar="TEXT", help="What you want to remember of it.")
@click.option("--needed", is_flag=True, help="Only if no equal run is kept.")
@click.option("--repeat", type=click.IntRange(min=1), default=1, metavar="N", help="Run it N times.")
@click.option(
    "--stage", is_flag=True, help="Keep the notebook and the flags as they are now, and do not run."
)
@click.option("--start", metavar="ID", help="Run what was staged; `last` for the newest.")
@click.option("--print-command", is_flag=True, help="Write the command with all flags, and do not run.")
@click.option("--open", "opens", is_flag=True, help="Open the executed notebook in a browser.")
@click.option("--json", "as_json", is_flag=True, help="Write JSON, and what the notebook prints to stderr.")
@click.pass_obj
def command(
    asked: Asked,
    notebook: str | None,
    flags: tuple[str, ...],
    case: str | None,
    label: str,
    tags: tuple[str, ...],
    note: str,
    repeat: int,
    start: str | None,
    *,
    yes: bool,
    needed: bool,
    stage: bool,
    print_command: bool,
    opens: bool,
    as_json: bool,
) -> None:
    """Run a copy of NOTEBOOK with flags, watch it, and keep the run.

    Any notebook will do, also one without an annotation. FLAG=VALUE sets a flag: `x=-1`, `sizes=[64, 32]`, `name=adam`.
    The exit code is 0 where all runs complete, 1 where one does not, or you answer no.

    \b
    JSON: {"schema": 1,
           "runs": [{"id", "notebook", "case", "status", "flags", "metrics",
             "seconds", "folder", "error" (text or null),
             "kept": whether --needed found it}]}
    Values without a JSON form are tagged: {"$float": "Infinity"}.
    """  # noqa: D301 - \b is click's mark for text that stays as it is
    from pytest_nbrepro import attributes
    from pytest_nbrepro.cli import asking, staging

    if (notebook is None) == (start is None):
        raise click.UsageError(
            "NOTEBOOK or --start ID is needed" if start is None else "--start takes no NOTEBOOK"
        )
    said = attributes.Attributes(label, attributes.clean(tags), note)
    if start is not None:
        site, wanted = staging.take(asked, start, said)
    else:
        site, wanted = asking.wanted(asked, notebook or "", case, flags, said)
    if print_command:
        click.echo(asking.command_line(wanted, site))
        return
    if stage:
        click.echo(f"staged {staging.put(wanted, site)}: nbrepro run --start last")
        return
    output.write_lines(asking.shown(wanted), err=as_json)
    if not yes and not click.confirm("Continue?", default=True, err=as_json):
        raise click.exceptions.Exit(_FAILED)
    runs = _runs(wanted, site, repeat, needed=needed, aside=as_json)
    if wanted.source is not None and all(run.status is RunStatus.COMPLETED for run, _ in runs):
        staging.remove(wanted.source)
    if as_json:
        output.write_json({"runs": [asking.record(run, site, kept=kept) for run, kept in runs]})
    if opens:
        _open(runs[-1][0])
    if any(run.status is not RunStatus.COMPLETED for run, _ in runs):
        raise click.exceptions.Exit(_FAILED)


def _runs(
    wanted: Wanted, site: Site, repeat: int, *, needed: bool, aside: bool
) -> Sequence[tuple[Run, bool]]:
    """Make the runs while somebody watches; True besides one that was there already."""
    from pytest_nbrepro.cli import live, needing

    found = needing.equal(wanted, site) if needed else None
    if found is not None:
        output.write_lines(live.ended(found, site, f"not needed: run {found.id} is the same"), err=aside)
        return [(found, True)]
    runs = []
    for number in range(1, repeat + 1):
        if repeat > 1:
            click.echo(f"run {number} of {repeat}", err=aside)
        run = live.watched(wanted, site, aside=aside)
        output.write_lines(live.ended(run, site), err=aside)
        runs.append((run, False))
        if run.status is RunStatus.INTERRUPTED:
            break
    return runs


def _open(run: Run) -> None:
    from pytest_nbrepro.cli import paging

    try:
        paging.open_run(run)
    except NbreproError as error:  # the run is what was asked for first, and it is there
        click.echo(f"note  {error}", err=True)
