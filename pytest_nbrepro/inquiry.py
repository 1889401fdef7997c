"""A failing case runs again, so that chance, code and environment are told apart (`--nbrepro-why`)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from pytest_nbrepro import diagnosis
from pytest_nbrepro.assessment import Assessment, Places, agree, assess
from pytest_nbrepro.model import CheckStatus, Run, RunStatus, Task, Why
from pytest_nbrepro.store import Store

_DIFFERS = "a second run of the same differs from the first"


@dataclass(frozen=True)
class Inquiry:
    """What running a failing case again told."""

    why: Why | None
    runs: int  # that were made for it


def inquire(task: Task, assessment: Assessment, places: Places, run_case: Callable[[Task], Run]) -> Inquiry:
    """Run a failing case again: the same once more, and the baseline's own source where code is not all that changed.

    Nothing is run where several runs are the rule, since chance is expected there, nor where there is no baseline.

    Raises:
        StoreError: a run cannot be kept.
    """
    why, baseline = assessment.why, assessment.baseline
    if baseline is None or task.case.spec.runs > 1:
        return Inquiry(why, 0)
    if assessment.run.status is not RunStatus.COMPLETED:
        return _failed(task, why, run_case)
    if why is None:
        return Inquiry(None, 0)
    second = agree(task.case, assessment, _noted(task, run_case(task.anew()), "the same once more"), places)
    if second.run.status is not RunStatus.COMPLETED or not second.verdict.ok:
        return Inquiry(diagnosis.with_chance(why, _DIFFERS), 1)
    exact = all(check.status is CheckStatus.EQUAL for check in second.verdict.checks)
    why = diagnosis.with_repeat(
        why, f"a second run {'is bit-identical' if exact else 'agrees within its limits'}"
    )
    changed = {one.cause for one in why.evidence if one.state == "changed"}
    if baseline.notebook is None or not {"CODE", "ENVIRONMENT"} <= changed:
        return Inquiry(why, 1)
    case = replace(task.case, flags={})  # those of the baseline are in its source
    old = replace(task, case=case, source=baseline.notebook)
    run = _noted(task, run_case(old), "the baseline's own source")
    return Inquiry(parted(why, assess(case, run, places), agree(case, assessment, run, places)), 2)


def _failed(task: Task, why: Why | None, run_case: Callable[[Task], Run]) -> Inquiry:
    """Run a case again that did not complete: now and then, or always?"""
    second = _noted(task, run_case(task.anew()), "the same once more")
    if second.status is RunStatus.COMPLETED:
        told = "it fails now and then: a second run of the same completes"
        return Inquiry(diagnosis.with_chance(why or Why("UNKNOWN", ""), told), 1)
    return Inquiry(why, 1)


def _noted(task: Task, run: Run, what: str) -> Run:
    """Say in the record of a run what it was made for."""
    run = replace(run, notes=(*run.notes, f"made to find out why: {what}"))
    Store(task.store).write(run)
    return run


def inquired(
    task: Task, assessment: Assessment, places: Places, run_case: Callable[[Task], Run]
) -> tuple[Assessment, int]:
    """Return an assessment with what running again told, and how many runs that took."""
    found = inquire(task, assessment, places, run_case)
    return replace(assessment, why=found.why), found.runs


def parted(why: Why, against_baseline: Assessment, against_today: Assessment) -> Why:
    """Part code and environment by a run of the baseline's own source in today's environment."""
    changed = {one.cause for one in why.evidence if one.state == "changed"}
    around = changed - {"CODE", "FLAGS"}
    if against_baseline.run.status is not RunStatus.COMPLETED:
        told = "the baseline's own source fails today"
        return diagnosis.parted(why, sorted(around), told)
    if against_baseline.verdict.ok:
        told = "the baseline's own source still gives what it gave"
        return diagnosis.parted(why, sorted(changed - around), told)
    if against_today.verdict.ok:
        return diagnosis.parted(why, sorted(around), "the baseline's own source gives the same today")
    told = "the baseline's own source gives neither what it gave nor what the present one gives"
    return diagnosis.parted(why, sorted(changed), told)
