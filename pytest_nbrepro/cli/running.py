"""Running a case from a command, and the report of a run that did not end well."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_nbrepro.cli.site import Site
from pytest_nbrepro.cli.waiting import Waiting
from pytest_nbrepro.errors import NbreproError, nearest
from pytest_nbrepro.executors import here
from pytest_nbrepro.model import Case, Run, Task

if TYPE_CHECKING:
    from pytest_nbrepro.project import Project


def task(case: Case, site: Site) -> Task:
    """Return the task that runs a case."""
    settings = site.settings
    return Task(case, site.root, site.store, site.baselines, timeout=settings.timeout, tags=settings.tag)


def run(case: Case, site: Site, waiting: Waiting) -> Run:
    """Run a case while somebody waits."""
    return here().submit(task(case, site)).result(waiting)


def noted(run: Run, what: str, site: Site) -> Run:
    """Note in the record of a run what it was made for."""
    from pytest_nbrepro.store import Store

    run = dataclasses.replace(run, notes=(*run.notes, what))
    Store(site.store).write(run)
    return run


def report(case: Case, run: Run, site: Site) -> str:
    """Return the report of a run, as pytest has it."""
    from pytest_nbrepro.assessment import Places, assess
    from pytest_nbrepro.reports.data import case_report
    from pytest_nbrepro.reports.terminal import case_text

    places = Places(site.root, site.store, site.baselines)
    return case_text(case_report(assess(case, run, places), site.root))


def only(name: str, site: Site) -> Case:
    """Return the case that is meant: NOTEBOOK::CASE, or the only one of a notebook.

    Raises:
        NbreproError: there is none, or there are several.
    """
    path, _, case = name.partition("::")
    meant = chosen(Path(path), case, site)[1]
    if len(meant) > 1:
        hint = f"there are: {', '.join(one.name for one in meant)}"
        raise NbreproError("it has several cases: name one, as in NOTEBOOK::CASE", where=path, hint=hint)
    return meant[0]


def chosen(path: Path, name: str, site: Site) -> tuple[Project, Sequence[Case]]:
    """Return what the project says of its notebooks, and the cases that are meant."""
    from pytest_nbrepro import notebook, spec

    source, project = notebook.read(path.absolute()), spec.load_project(site.root)
    known = spec.expand(source, project, spec.load(source, project))
    meant = [case for case in known if not name or case.name == name]
    if not meant:
        hint = nearest(name, [case.name for case in known])
        raise NbreproError(f"there is no case {name!r}", where=str(path), hint=hint)
    return project, meant
