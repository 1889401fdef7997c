"""`nbrepro why --bisect`: the distributions whose change makes a case fail."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from pytest_nbrepro.assessment import Places, assess
from pytest_nbrepro.bisection import Answer, Bisection, question
from pytest_nbrepro.cli import output, running
from pytest_nbrepro.cli.site import Site
from pytest_nbrepro.cli.steps import Steps
from pytest_nbrepro.cli.waiting import Waiting
from pytest_nbrepro.environments.narrowing import expected
from pytest_nbrepro.environments.pins import Change
from pytest_nbrepro.executors import here
from pytest_nbrepro.model import Run, Task


def carry_out(name: str, site: Site, check: str | None, *, as_json: bool) -> None:
    """Bisect the environments of a case, and write what was found.

    Raises:
        NbreproError: there is nothing to bisect, or the baseline's environment cannot be built again.
    """
    case = running.only(name, site)
    places = Places(site.root, site.store, site.baselines)
    task = running.task(case, site)
    executor = here()
    with Waiting(f"running {case.id} as it is today") as waiting:

        def run(task: Task) -> Run:
            done = executor.submit(task).result(waiting)
            return running.noted(done, "made by nbrepro why --bisect", site)

        asked = question(task, assess(case, run(task), places), check)
        steps = Steps("environment", expected(len(asked.changes)) + 1, about=True)

        def told(line: str) -> None:
            if line.endswith(("as they were", "as they are now")):
                steps.begin()
            waiting.what = str(steps)
            click.echo(f"{steps}: {line}", err=True)

        answer = Bisection(asked, places, run, told).answer()
    if as_json:
        output.write_json(_record(answer))
    else:
        output.write_lines(_lines(answer))


def _lines(answer: Answer) -> Iterator[str]:
    asked = answer.question
    what = "it does not complete" if asked.check is None else f"{asked.check.kind} {asked.check.name} fails"
    yield f"NBREPRO {asked.task.case.id}   {output.printable(what)}"
    if answer.narrowed is None:
        yield f"  why     {answer.told}"
    else:
        for number, change in enumerate(answer.narrowed.culprits):
            yield f"  {'why' if not number else '':<7} {change}"
        if len(answer.narrowed.culprits) > 1:
            yield "          (it takes all of them)"
        rest = len(asked.changes) - len(answer.narrowed.culprits)
        verb = "does" if rest == 1 else "do"
        yield f"          {output.count(rest, 'other changed distribution')} {verb} not matter"
    for some in answer.narrowed.unsure if answer.narrowed else ():
        yield f"  unsure  could not be tried: {', '.join(sorted(change.name for change in some))} as they are now"
    yield f"{output.count(answer.runs + 1, 'run')}; environments are kept in the run store"


def _record(answer: Answer) -> dict[str, Any]:
    asked, narrowed = answer.question, answer.narrowed
    return {
        "case": asked.task.case.id,
        "check": None if asked.check is None else {"kind": asked.check.kind, "name": asked.check.name},
        "culprits": [_change(change) for change in narrowed.culprits] if narrowed else [],
        "told": answer.told,
        "changed": [_change(change) for change in asked.changes],
        "unsure": [sorted(change.name for change in some) for some in narrowed.unsure] if narrowed else [],
        "runs": answer.runs + 1,
    }


def _change(change: Change) -> dict[str, str | None]:
    return {"name": change.name, "before": change.before, "after": change.after}
