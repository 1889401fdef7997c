"""`nbrepro calibrate`: a notebook's own noise, and the limits that follow from it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pytest_nbrepro.cli import output
from pytest_nbrepro.cli.group import FAULT
from pytest_nbrepro.cli.site import Asked, Site
from pytest_nbrepro.model import Case, Run

if TYPE_CHECKING:
    from pytest_nbrepro.cli.calibrating import Measured
    from pytest_nbrepro.cli.waiting import Waiting

_DIFFERS = 1
_FEWEST, _USUAL, _MOST = 3, 5, 100  # runs of a group; fewer hardly tell how far they are apart


@click.command("calibrate")
@click.argument("notebook", metavar="NOTEBOOK[::CASE]")
@click.option(
    "--runs",
    "times",
    type=click.IntRange(_FEWEST, _MOST),
    default=_USUAL,
    show_default=True,
    help="Runs as it is, and as many with other seeds.",
)
@click.option("--write", is_flag=True, help="Write what is proposed into the annotation beside the notebook.")
@click.option("--json", "as_json", is_flag=True, help="Write JSON.")
@click.pass_obj
def command(asked: Asked, notebook: str, times: int, *, write: bool, as_json: bool) -> None:
    """Measure the noise of a notebook, and propose limits that it keeps.

    Each case, or CASE alone, runs several times as it is, as often with other seeds, again with one seed where that
    could make runs agree, and twice with one thread. What differs is told as rounding noise, thread noise, seed noise
    or chance, with its size and what the annotation should say. Runs are kept; no baseline changes. The exit code is 0
    where nothing is proposed or all is written, 1 where there are proposals or something differs that none mends, and 2
    where a run fails.

    \b
    JSON: {"schema": 1,
           "cases": [{"case", "runs": {"plain", "seeds", "same", "threads": [id]},
             "findings": [{"kind", "name", "noise" (bit-identical, rounding noise,
               thread noise, seed noise, chance), "rel", "abs", "deviation", "tile",
               "blur" (or null), "notes": [text], "proposal" (YAML or null),
               "open": whether it differs and no proposal mends that}]}],
           "proposals": [{"path": [key], "value" (YAML)}],
           "written": file or null,
           "left": [{"path", "value", "reason" (or null, without --write)}],
           "made": number of runs, "seconds": how long they took}
    Values without a JSON form are tagged: {"$float": "Infinity"}.
    """  # noqa: D301 - \b is click's mark for text that stays as it is
    name, _, case = notebook.partition("::")
    path, begun = Path(name), time.monotonic()
    site = asked.of_notebook(path)
    from pytest_nbrepro.cli import calibrating, running

    project, cases = running.chosen(path, case, site)
    measured = _measured(cases, site, times)
    told = calibrating.told(measured, path, project, write=write, seconds=time.monotonic() - begun)
    if as_json:
        output.write_json(calibrating.record(told, site))
    else:
        output.write_lines(calibrating.lines(told, site))
    if told.left or any(finding.open for _, found in measured for finding in found.findings):
        raise click.exceptions.Exit(_DIFFERS)


def _measured(chosen: Sequence[Case], site: Site, times: int) -> list[Measured]:
    """Make all runs; one that fails ends it with the report that pytest gives."""
    from pytest_nbrepro.cli.waiting import Waiting
    from pytest_nbrepro.experiment import Experiment, Incomplete

    made = 0

    def make(case: Case, word: str) -> Run:
        nonlocal made
        made += 1
        waiting.what = f"run {made}, {word}: {case.id}"
        return _run(case, site, word, waiting)

    try:
        with Waiting(f"calibrating {chosen[0].notebook}") as waiting:
            experiments = [Experiment(case, site.root, times, make) for case in chosen]
            return [(experiment, experiment.carry_out()) for experiment in experiments]
    except Incomplete as stop:
        from pytest_nbrepro.cli import running

        click.echo(running.report(stop.case, stop.run, site))
        click.echo(f"run {made}, {stop.word}, failed: nothing is proposed", err=True)
        raise click.exceptions.Exit(FAULT) from None
    except KeyboardInterrupt:
        click.echo(f"stopped in run {made}: nothing is proposed or written, the runs are kept", err=True)
        raise


def _run(case: Case, site: Site, word: str, waiting: Waiting) -> Run:
    """Run a case, and note in the run what it was made for."""
    from pytest_nbrepro.cli import running

    return running.noted(running.run(case, site, waiting), f"made by nbrepro calibrate, {word}", site)
