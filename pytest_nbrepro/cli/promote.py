"""`nbrepro promote`: a run becomes a case of the annotation, and its values that case's baseline."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pytest_nbrepro import files
from pytest_nbrepro.cli.show import resolve
from pytest_nbrepro.cli.site import Asked, Site
from pytest_nbrepro.errors import NbreproError, SpecError
from pytest_nbrepro.model import FlagValue, Run, RunStatus
from pytest_nbrepro.project import sidecar
from pytest_nbrepro.store import Store

if TYPE_CHECKING:
    from pytest_nbrepro.model import Case
    from pytest_nbrepro.notebook import Notebook
    from pytest_nbrepro.spec import Project
    from pytest_nbrepro.trial import Trial

_DIFFERS = 1
_DEFAULT = "default"


@click.command("promote")
@click.argument("run", metavar="RUN")
@click.option("--as", "name", required=True, metavar="NAME", help="The name of the case.")
@click.option("-m", "--message", "why", default="", metavar="WHY", help="Why these values are right.")
@click.pass_obj
def command(asked: Asked, run: str, name: str, why: str) -> None:
    """Make a run a test: a case NAME with its flags in STEM.nbrepro.yaml, and its values the baseline of that case.

    RUN is a run's id, its beginning or end, or `last`. The notebook runs once more with these flags, as every first baseline
    needs; where the two runs disagree, the exit code is 1, nothing is accepted, and the annotation stays as it was.
    """
    site = asked.site()
    found = resolve(Store(site.store), run)
    if found.status is not RunStatus.COMPLETED:
        raise NbreproError(
            f"only a run that completed can be a baseline, this one is {found.status}", where=found.id
        )
    path = site.root / found.notebook
    if not path.exists():
        raise NbreproError("the notebook is gone", where=found.notebook)
    target = sidecar(path)
    before = target.read_text("utf-8") if target.exists() else None
    case = _annotated(found, path, target, name, site)
    kept = False
    try:
        kept = _accepted(found, case, site, why)
    finally:
        if not kept:
            _put_back(target, before)
    if not kept:
        raise click.exceptions.Exit(_DIFFERS)


def _annotated(run: Run, path: Path, target: Path, name: str, site: Site) -> Case:
    """Write the case into the annotation beside the notebook, and return it.

    Raises:
        NbreproError: there is such a case, or the annotation cannot be edited so that it has this one.
    """
    from pytest_nbrepro import notebook, spec

    source, project = notebook.read(path), spec.load_project(site.root)
    known = spec.expand(source, project, spec.load(source, project))
    if name in {case.name for case in known if case.spec.cases or name != _DEFAULT}:
        raise SpecError(f"there is a case {name!r}", where=run.notebook, hint="choose another name")
    given = _given(run, source, known[0])
    before = target.read_text("utf-8") if target.exists() else ""
    files.write_text(target, _edited(before, name, given, target, keep_default=_has_default(known, site)))
    try:
        case = _found(source, project, name)
    except NbreproError:
        _put_back(target, before or None)
        raise
    return case


def _found(source: Notebook, project: Project, name: str) -> Case:
    from pytest_nbrepro import spec

    for case in spec.expand(source, project, spec.load(source, project)):
        if case.name == name:
            return case
    raise SpecError(f"the annotation does not give the case {name!r}", where=str(source.path))


def _given(run: Run, source: Notebook, like: Case) -> Mapping[str, FlagValue]:
    """Return the flags of a run that the notebook and its annotation have otherwise."""
    from pytest_nbrepro import flags, literals

    found = flags.detect(source, {*like.spec.flags, *run.flags})
    own = flags.effective(found, like.spec.flags)
    gone = [name for name in run.flags if name not in found.found]
    if gone:
        raise NbreproError(f"the notebook has no flag {gone[0]!r} any more", where=run.notebook)
    return {
        name: value
        for name, value in run.flags.items()
        if name not in own or not literals.same(own[name], value)
    }


def _has_default(known: tuple[Case, ...], site: Site) -> bool:
    """Tell whether the case without flags has a baseline, which a first named case would leave without a case."""
    from pytest_nbrepro import baselines

    alone = len(known) == 1 and not known[0].spec.cases and not known[0].spec.matrix
    return alone and baselines.read(site.baselines / known[0].folder) is not None


def _edited(text: str, name: str, given: Mapping[str, FlagValue], target: Path, *, keep_default: bool) -> str:
    from pytest_nbrepro.cli.annotating import with_value
    from pytest_nbrepro.cli.starting import key, value

    try:
        flags = ", ".join(f"{key(flag)}: {value(one)}" for flag, one in given.items())
    except ValueError as error:
        raise SpecError(f"an annotation cannot hold these flags: {error}", where=str(target)) from error
    edited: str | None = text
    if keep_default:
        edited = with_value(text, ("cases", _DEFAULT), "null")
    if edited is not None:
        edited = with_value(edited, ("cases", name), f"{{{flags}}}" if flags else "null")
    if edited is None:
        raise SpecError(
            "the annotation cannot be edited so that it has this case",
            where=str(target),
            hint=f"write it by hand:\ncases:\n  {key(name)}: {{{flags}}}",
        )
    return edited


def _put_back(target: Path, before: str | None) -> None:
    if before is None:
        target.unlink(missing_ok=True)
    else:
        files.write_text(target, before)


def _accepted(run: Run, case: Case, site: Site, why: str) -> bool:
    """Run the case once more; where both runs agree, accept the values of the first. Tell what happened."""
    from pytest_nbrepro import pending
    from pytest_nbrepro.assessment import Places
    from pytest_nbrepro.cli import running
    from pytest_nbrepro.cli.settling import terms_for
    from pytest_nbrepro.cli.waiting import Waiting
    from pytest_nbrepro.executors import here
    from pytest_nbrepro.model import Task
    from pytest_nbrepro.options import Update
    from pytest_nbrepro.trial import Policy, settle

    places = Places(site.root, site.store, site.baselines)
    with Waiting(f"running {case.id} once more") as waiting:

        def again(task: Task) -> Run:
            return here().submit(task).result(waiting)

        task = running.task(case, site)
        trial = settle(task, dataclasses.replace(run, case=case.name), places, Policy(Update.NEW), again)
    if trial.pending != "new":
        _tell_refused(trial, site)
        return False
    (entry,) = [one for one in pending.entries(places.pending) if one.folder == case.folder]
    pending.accept(
        places.pending,
        entry,
        site.root,
        places.baselines,
        terms_for(entry, why or f"promoted from run {run.id}", None, intended=False),
    )
    click.echo(f"{case.id} has a baseline: run {run.id}, with which a second run agrees")
    return True


def _tell_refused(trial: Trial, site: Site) -> None:
    from pytest_nbrepro.reports.data import case_report
    from pytest_nbrepro.reports.terminal import case_text

    click.echo(case_text(case_report(trial.assessment, site.root, trial)))
