"""`nbrepro accept --stored`: the outputs that a notebook stores, once a run agrees with them, as its first baseline."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_nbrepro.baselines import Placed
from pytest_nbrepro.cli import output
from pytest_nbrepro.cli.settling import terms_for
from pytest_nbrepro.cli.site import Asked, Site
from pytest_nbrepro.errors import NbreproError
from pytest_nbrepro.pending import Pending

if TYPE_CHECKING:
    from pytest_nbrepro.assessment import Assessment
    from pytest_nbrepro.model import Case
    from pytest_nbrepro.notebook import Notebook

_HINT = "pytest --nbrepro --nbrepro-update=new makes a first baseline from two runs"


@dataclass(frozen=True)
class Taken:
    """What became of a notebook: its accepted entry and where its values went, or a report of why there is none."""

    case: str
    site: Site
    accepted: tuple[Pending, Placed] | None = None
    notes: tuple[str, ...] = ()
    refused: str = ""  # one sentence
    report: str = ""


def take(path: Path, asked: Asked, why: str) -> Taken:
    """Run a notebook once, and make the run its first baseline where it agrees with the outputs stored in it.

    Raises:
        NbreproError: the notebook has a baseline, no outputs, or no case that runs it as it is; or something cannot be
            read or written.
    """
    site = asked.of_notebook(path)
    source, case, annotated = _case(path, site)

    from pytest_nbrepro import stored
    from pytest_nbrepro.assessment import Places, assess, keep_pending
    from pytest_nbrepro.cli import running
    from pytest_nbrepro.cli.waiting import Waiting
    from pytest_nbrepro.model import RunStatus
    from pytest_nbrepro.trial import beyond_acceptance

    places = Places(site.root, site.store, site.baselines)
    with Waiting(f"running {path}") as waiting:
        run = running.run(case, site, waiting)
    own = assess(case, run, places)
    if run.status is not RunStatus.COMPLETED:
        return _refused(own, site, "")
    if faults := beyond_acceptance(own, places):
        return _refused(own, site, faults)
    found = stored.compare(case, run, source, places)
    failed, n = len(found.assessment.verdict.failed), len(found.assessment.verdict.checks)
    if failed:
        checks = output.count(n, "check")
        what = f"{failed} of {checks} differ from the outputs stored in the notebook: no baseline"
        return _refused(found.assessment, site, what)
    if not n:
        return _refused(
            own, site, "the notebook stores nothing that this run could be held against: no baseline"
        )
    keep_pending(own, places, "new", once=bool(found.alone), fixture=False)
    done = _accepted(case, site, why or f"the outputs stored in {case.notebook}")
    return Taken(case.id, site, done, tuple(_notes(n, found.alone, annotated=annotated)))


def _case(path: Path, site: Site) -> tuple[Notebook, Case, bool]:
    """Return a notebook, its case without flags, and whether it is annotated."""
    from pytest_nbrepro import baselines, notebook, spec

    source = notebook.read(path)
    if not any(cell.outputs for cell in source.code):
        raise NbreproError("the notebook stores no outputs", where=str(path), hint=_HINT)
    project = spec.load_project(site.root)
    cases = spec.expand(source, project, spec.load(source, project))
    plain = next((case for case in cases if not case.flags), None)
    if plain is None:
        what = "each of its cases gives flags: the stored outputs are those of the notebook as it is"
        raise NbreproError(what, where=str(path), hint=_HINT)
    if plain.spec.runs > 1:
        what = f"`runs: {plain.spec.runs}` needs as many runs, and the notebook stores one"
        raise NbreproError(what, where=plain.id, hint=_HINT)
    if baselines.read(site.baselines / plain.folder) is not None:
        hint = "nbrepro accept takes what waits; --stored makes first baselines alone"
        raise NbreproError("there is a baseline", where=plain.id, hint=hint)
    return source, plain, spec.annotated(path, project)


def _refused(assessment: Assessment, site: Site, what: str) -> Taken:
    from pytest_nbrepro.reports.data import case_report
    from pytest_nbrepro.reports.terminal import case_text
    from pytest_nbrepro.trial import Trial

    report = case_report(assessment, site.root, Trial(assessment, 1, refused=what or None))
    return Taken(assessment.case.id, site, refused=report.line, report=case_text(report))


def _accepted(case: Case, site: Site, why: str) -> tuple[Pending, Placed]:
    from pytest_nbrepro import pending

    root = site.store / "pending"
    entry = pending.read(root, root / case.folder / pending.RECORD)
    terms = terms_for(entry, why, None, intended=False)
    return entry, pending.accept(root, entry, site.root, site.baselines, terms).placed


def _notes(n: int, alone: tuple[str, ...], *, annotated: bool) -> list[str]:
    notes = [f"a run agrees with the outputs stored in the notebook in {output.count(n, 'check')}"]
    if alone:
        notes.append(f"from this run alone: {', '.join(alone)}")
    if not annotated:
        notes.append("it has no annotation yet: `nbrepro init` writes one, --nbrepro-all takes it without")
    return notes
