"""`nbrepro why`: experiments with a notebook, until it is known why it does not reproduce."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pytest_nbrepro.cli import output
from pytest_nbrepro.cli.site import Asked, Site
from pytest_nbrepro.model import Case, Run, Task

if TYPE_CHECKING:
    from pytest_nbrepro.interventions import Answer

_DIFFERS = 1
_ROOM = 2  # runs at once: most experiments are two runs that are held against each other


@click.command("why")
@click.argument("notebook", metavar="NOTEBOOK[::CASE]")
@click.option(
    "--bisect", is_flag=True, help="Find the distributions whose change moves a check out of its limit."
)
@click.option(
    "--check", metavar="NAME", help="With --bisect: the failing check that is meant (default: the worst)."
)
@click.option("--json", "as_json", is_flag=True, help="Write JSON.")
@click.pass_obj
def command(asked: Asked, notebook: str, *, bisect: bool, check: str | None, as_json: bool) -> None:
    """Find out by experiments why a notebook does not reproduce.

    Each case, or CASE alone, runs twice. Where the runs differ, one thing after the other is held still (generators, the
    system's entropy, hashes, the clock, the network ...) until they agree. Where they agree and the baseline says
    otherwise, what changed since is told. Where nothing differs, it is told what a run does that others may do otherwise.
    The exit code is 0 where two runs agree, reproduce the baseline and depend on nothing of the kind, else 1.

    With --bisect the case runs in environments between the baseline's and today's, until the smallest set of changed
    distributions is found that makes it fail. Environments are made with uv where it is there, else with pip; they and
    what was found are kept in the run store, so that it can be stopped and begun again.

    \b
    JSON: {"schema": 1,
           "cases": [{"case",
             "cause" (NONE, CHANCE, CODE, FLAGS, DATA, ENVIRONMENT, SEVERAL,
               UNKNOWN), "text",
             "findings": [{"name", "text", "proof" (shown, seen, aside),
               "cells": [text], "mend"}],
             "evidence": [{"cause", "state", "text"}], since the baseline,
             "first": cell or null, "variable": text or null,
             "runs": [id]}],
           "made": number of runs, "seconds": how long they took}
    With --bisect: {"schema": 1, "case", "check": {"kind", "name"} or null,
           "culprits": [{"name", "before", "after"}], "told": why there are none,
           "changed": [{"name", "before", "after"}], "unsure": [[name]], "runs"}
    """  # noqa: D301 - \b is click's mark for text that stays as it is
    name, _, case = notebook.partition("::")
    path, begun = Path(name), time.monotonic()
    site = asked.of_notebook(path)
    if bisect or check is not None:
        from pytest_nbrepro.cli import bisecting

        bisecting.carry_out(notebook, site, check, as_json=as_json)
        raise click.exceptions.Exit(_DIFFERS)
    from pytest_nbrepro.cli import answering
    from pytest_nbrepro.cli.running import chosen

    answers = _answers(chosen(path, case, site)[1], site)
    seconds = time.monotonic() - begun
    if as_json:
        output.write_json(answering.record(answers, seconds))
    else:
        output.write_lines(answering.lines(answers, seconds))
    if not all(answer.reproduces for answer in answers):
        raise click.exceptions.Exit(_DIFFERS)


def _answers(cases: Sequence[Case], site: Site) -> list[Answer]:
    """Make all experiments, while somebody waits."""
    from pytest_nbrepro.assessment import Places
    from pytest_nbrepro.cli import running
    from pytest_nbrepro.cli.waiting import Waiting
    from pytest_nbrepro.executors import Executor, Room, here
    from pytest_nbrepro.interventions import Search

    places = Places(site.root, site.store, site.baselines)
    executor: Executor = here(Room(count=_ROOM))
    made = 0

    def make(wanted: Sequence[tuple[Task, str]]) -> list[Run]:
        nonlocal made
        forked = [task for task, _ in wanted if task.fork]
        executor.expect(forked * _ROOM)  # a fork server is not started for one kernel
        handles = [executor.submit(task) for task, _ in wanted]
        runs = []
        for handle, (task, word) in zip(handles, wanted, strict=True):
            made += 1
            waiting.what = f"run {made}, {word}: {task.case.id}"
            runs.append(running.noted(handle.result(waiting), f"made by nbrepro why, {word}", site))
        return runs

    try:
        with Waiting(f"finding out why: {cases[0].notebook}") as waiting:
            return [Search(running.task(case, site), places, make).answer() for case in cases]
    except KeyboardInterrupt:
        click.echo(f"stopped in run {made}: the runs are kept", err=True)
        raise
    finally:
        executor.close()
