"""`nbrepro run`: one run of a notebook with flags, kept in the run store."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pytest_nbrepro.cli import output
from pytest_nbrepro.cli.site import Asked, Site
from pytest_nbrepro.errors import NbreproError
from pytest_nbrepro.model import Case, Run, RunStatus

if TYPE_CHECKING:
    from pytest_nbrepro.attributes import Attributes
    from pytest_nbrepro.notebook import Notebook

_FAILED = 1
OPTIMIZERS = ("grid", "random", "tpe", "cmaes", "gp", "qmc")


@dataclasses.dataclass(frozen=True)
class Wanted:
    """A run that is asked for."""

    case: Case
    notebook: Notebook  # its source, as the project has it or as it was staged
    attributes: Attributes
    source: Path | None = None  # the staged copy


@dataclasses.dataclass(frozen=True)
class Options:
    """The command line."""

    notebook: str | None
    flags: tuple[str, ...]
    case: str | None
    yes: bool
    label: str
    tags: tuple[str, ...]
    note: str
    needed: bool
    repeat: int
    stage: bool
    start: str | None
    print_command: bool
    opens: bool
    optimizer: str | None
    minimize: tuple[str, ...]
    maximize: tuple[str, ...]
    max_trials: int | None
    trial_timeout: float | None
    stop_after: float | None
    seed: int
    fail_fast: bool
    prune: bool
    workers: int
    executor: str | None
    resume: str | None
    as_json: bool

    @property
    def said(self) -> Attributes:
        """What is said of the run."""
        from pytest_nbrepro.attributes import Attributes, clean

        return Attributes(self.label, clean(self.tags), self.note)

    def check(self) -> None:
        """Refuse what does not fit together.

        Raises:
            UsageError: it does not.
        """
        given = [self.notebook, self.start, self.resume]
        if given.count(None) != len(given) - 1:
            raise click.UsageError("one of NOTEBOOK, --start ID and --resume ID is needed, and only one")


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
@click.option("--optimizer", type=click.Choice(OPTIMIZERS), help="What chooses the values of a search.")
@click.option("--minimize", multiple=True, metavar="METRIC", help="The metric that a search makes small.")
@click.option("--maximize", multiple=True, metavar="METRIC", help="The metric that a search makes large.")
@click.option(
    "--max-trials",
    type=click.IntRange(min=1),
    metavar="N",
    help="At most N trials (default: 20, of a grid all).",
)
@click.option(
    "--trial-timeout",
    type=click.FloatRange(min=0, min_open=True),
    metavar="S",
    help="End a trial after S seconds.",
)
@click.option(
    "--stop-after", type=click.FloatRange(min=0), metavar="S", help="Begin no trial after S seconds."
)
@click.option(
    "--seed", type=int, default=0, show_default=True, help="What the choices of a search follow from."
)
@click.option(
    "--prune",
    is_flag=True,
    help="End trials early whose printed steps are worse than the median of those before.",
)
@click.option("--fail-fast", is_flag=True, help="End a search with the first trial that fails.")
@click.option(
    "--workers", type=click.IntRange(min=1), default=1, show_default=True, metavar="N", help="Trials at once."
)
@click.option("--executor", metavar="NAME", help="Whose executor runs trials, as --nbrepro-executor.")
@click.option("--resume", metavar="ID", help="Go on with a search; `last` for the newest.")
@click.option("--json", "as_json", is_flag=True, help="Write JSON, and what the notebook prints to stderr.")
@click.pass_obj
def command(asked: Asked, /, **given: Any) -> None:
    """Run a copy of NOTEBOOK with flags, watch it, and keep the run; or search.

    Any notebook will do, also one without an annotation. FLAG=VALUE sets a flag: `x=-1`, `sizes=[64, 32]`, `name=adam`.
    The exit code is 0 where all runs complete, 1 where one does not, or you answer no.

    \b
    A search, where a flag has several values:
      x=[-2.0:2.0]              any number between
      x=[-1, 0, 1]              each of these (of a flag that is a list itself: one)
      grid(1, 2)  choice(1, 2)  each, also of lists; one of these, by chance
      uniform(0, 1)  loguniform(1e-4, 1)  linspace(0, 1, 5)  logspace(1, 100, 3)
      @rows.csv                 each row (.csv, .json, .yaml)

    \b
    JSON: {"schema": 1,
           "runs": [{"id", "notebook", "case", "status", "flags", "metrics",
             "seconds", "folder", "error" (text or null),
             "kept": whether --needed found it}]}
    Of a search: {"schema": 1, "batch": id, "trials": [{"trial", "fault" (text or ""),
             as in "runs"}], "best": [number of a trial]}
    Values without a JSON form are tagged: {"$float": "Infinity"}.
    """  # noqa: D301 - \b is click's mark for text that stays as it is
    options = Options(**given)
    options.check()
    from pytest_nbrepro.cli import asking, searching

    if options.resume is not None:
        code = searching.go_on(asked, options)
    elif options.notebook is not None and searching.is_search(
        about := asking.subject(asked, options.notebook, options.case), options
    ):
        code = searching.begin(about, options)
    else:
        code = _single(asked, options)
    if code:
        raise click.exceptions.Exit(code)


def _single(asked: Asked, options: Options) -> int:
    """Make one run, or the same several times; return the exit code."""
    from pytest_nbrepro.cli import asking, staging

    aside, said = options.as_json, options.said
    if options.start is not None:
        site, wanted = staging.take(asked, options.start, said)
    else:
        site, wanted = asking.wanted(asked, options.notebook or "", options.case, options.flags, said)
    if options.print_command:
        click.echo(asking.command_line(wanted, site))
        return 0
    if options.stage:
        click.echo(f"staged {staging.put(wanted, site)}: nbrepro run --start last")
        return 0
    output.write_lines(asking.shown(wanted), err=aside)
    if not options.yes and not click.confirm("Continue?", default=True, err=aside):
        return _FAILED
    runs = _runs(wanted, site, options.repeat, needed=options.needed, aside=aside)
    if wanted.source is not None and all(run.status is RunStatus.COMPLETED for run, _ in runs):
        staging.remove(wanted.source)
    if aside:
        output.write_json({"runs": [asking.record(run, site, kept=kept) for run, kept in runs]})
    if options.opens:
        _open(runs[-1][0])
    return 0 if all(run.status is RunStatus.COMPLETED for run, _ in runs) else _FAILED


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
