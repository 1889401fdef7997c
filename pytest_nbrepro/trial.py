"""One case through its whole life: run, judged, run again where a first baseline needs it, kept as pending."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from pytest_nbrepro import baselines, creep, pending
from pytest_nbrepro.assessment import Assessment, Places, agree, keep_pending, unmendable
from pytest_nbrepro.errors import NbreproError
from pytest_nbrepro.inquiry import inquired
from pytest_nbrepro.model import Case, CheckStatus, Moved, Run, RunStatus, Task
from pytest_nbrepro.options import Update
from pytest_nbrepro.sampling import Sample, repeat, sample


@dataclass(frozen=True)
class Policy:
    """What may become a baseline."""

    update: Update = Update.NONE
    once: bool = False  # a first baseline may rest on one run
    fixture: bool = False  # a test function asks, not a collected notebook
    why: bool = False  # a failing case runs again, to find out why

    def accepts(self, kind: pending.Kind) -> bool:
        """Tell whether pending values of this kind are accepted at the end of the session."""
        return kind in _ACCEPTED[self.update]


_ACCEPTED: dict[Update, set[pending.Kind]] = {
    Update.NONE: set(),
    Update.NEW: {"new"},
    Update.CHANGED: {"new", "changed"},
    Update.ALL: {"new", "changed", "refresh"},
}


@dataclass(frozen=True)
class Trial:
    """What became of a case."""

    assessment: Assessment
    runs: int
    pending: pending.Kind | None = None  # what waits for a person
    accepted: bool = False  # … and is accepted at the end of the session
    refused: str | None = None  # why nothing may wait
    moved: tuple[
        Moved, ...
    ] = ()  # metrics that the acceptance takes too far from where they were meant to be

    @property
    def ok(self) -> bool:
        """Whether the case reproduces, or its new values are about to be accepted."""
        return self.refused is None and (self.assessment.verdict.ok or self.accepted)


_CHANCE = "two runs of the same notebook disagree: their values are chance, and wait for nobody"


def try_case(task: Task, places: Places, policy: Policy, run_case: Callable[[Task], Run]) -> Trial:
    """Run a case and see it through.

    Args:
        task: the case.
        places: where things of the project lie.
        policy: what may become a baseline.
        run_case: executes a task.

    Raises:
        NbreproError: the policy contradicts the annotation.
        StoreError: the run or its pending values cannot be kept.
    """
    _check_policy(task, policy)
    return settle(task, run_case(task), places, policy, run_case)


def contradiction(case: Case, policy: Policy) -> NbreproError | None:
    """Return the fault where a policy contradicts the annotation of a case, which then does not run."""
    if not policy.once or case.spec.runs == 1:
        return None
    what = f"--nbrepro-once and `runs: {case.spec.runs}` exclude each other"
    hint = "leave out one of them: a statistical baseline needs all of its runs"
    return NbreproError(what, where=case.id, hint=hint)


def _check_policy(task: Task, policy: Policy) -> None:
    if fault := contradiction(task.case, policy):
        raise fault


def settle(
    task: Task,
    run: Run,
    places: Places,
    policy: Policy,
    run_case: Callable[[Task], Run],
) -> Trial:
    """Judge a run; where the case has no baseline, run it a second time and see whether the two agree.

    A case with a statistical baseline runs as often as its annotation asks: for a test, and for a baseline whenever
    values are to wait.

    Raises:
        NbreproError: the policy contradicts the annotation.
        StoreError: another run or the pending values cannot be kept.
    """
    _check_policy(task, policy)
    case = task.case
    tested = repeat(task, run, places, run_case)
    assessment, runs = tested.assessment, len(tested.runs)
    if policy.why and not assessment.verdict.ok:
        assessment, more = inquired(task, assessment, places, run_case)
        runs += more
        if assessment.why is not None and assessment.why.by_chance:
            pending.drop(places.pending, case.folder)
            return Trial(assessment, runs, refused=_CHANCE)
    if assessment.run.status is not RunStatus.COMPLETED or _broken(assessment):
        return Trial(assessment, runs, refused=tested.refused)
    if assessment.baseline is None and assessment.verdict.checks:
        return _first(task, tested, places, policy, run_case)
    kind = _kind(assessment, policy)
    if tested.refused or kind is None:
        pending.drop(places.pending, case.folder)
        return Trial(assessment, runs, refused=tested.refused)
    if refused := beyond_acceptance(assessment, places):
        pending.drop(places.pending, case.folder)
        return Trial(assessment, runs, refused=refused)
    drawn = sample(task, assessment, places, run_case, tested.runs)
    runs += len(drawn.runs) - len(tested.runs)
    if drawn.refused:
        pending.drop(places.pending, case.folder)
        return Trial(assessment, runs, refused=drawn.refused)
    once = assessment.baseline is not None and assessment.baseline.once and runs == 1
    fixture = assessment.baseline is not None and assessment.baseline.fixture
    refresh = policy.update is Update.ALL
    keep_pending(drawn.assessment, places, kind, once=once, fixture=fixture, refresh=refresh)
    if not policy.accepts(kind):
        return Trial(assessment, runs, kind)
    return Trial(assessment, runs, kind, accepted=True, moved=_moving(assessment, places))


def _moving(assessment: Assessment, places: Places) -> tuple[Moved, ...]:
    """Return the metrics that will have crept too far once what waits is accepted."""
    case, present = assessment.case, assessment.baseline
    candidate = baselines.read(places.pending / case.folder)
    if candidate is None or present is None:
        return ()
    anchors = baselines.anchors_after(present.metrics, present.anchors, candidate.metrics, intended=False)
    return creep.moved(replace(candidate, anchors=anchors), case.spec)


def _first(
    task: Task,
    tested: Sample,
    places: Places,
    policy: Policy,
    run_case: Callable[[Task], Run],
) -> Trial:
    """Keep a first baseline as pending, once a second run agrees with the first, or all runs are made."""
    assessment = tested.assessment
    if refused := beyond_acceptance(assessment, places):
        pending.drop(places.pending, task.case.folder)
        return Trial(assessment, 1, refused=refused)
    drawn = sample(task, assessment, places, run_case, tested.runs)
    runs = len(drawn.runs)
    if drawn.refused:
        pending.drop(places.pending, task.case.folder)
        return Trial(drawn.assessment, runs, refused=drawn.refused)
    if runs == 1 and not policy.once:
        second = agree(task.case, assessment, run_case(task.anew()), places)
        runs = 2
        if not second.verdict.ok:
            pending.drop(places.pending, task.case.folder)
            return Trial(second, runs, refused=_disagreement(second))
    keep_pending(drawn.assessment, places, "new", once=policy.once, fixture=policy.fixture)
    return Trial(assessment, runs, "new", policy.accepts("new"))


def _disagreement(second: Assessment) -> str:
    if second.run.status is not RunStatus.COMPLETED:
        return "a second run of the same notebook did not complete: no baseline"
    failed, n = len(second.verdict.failed), len(second.verdict.checks)
    return f"two runs of the same notebook disagree in {failed} of {n} checks: no baseline"


def _kind(assessment: Assessment, policy: Policy) -> pending.Kind | None:
    """Return what the values of a complete run are, or None where nothing needs to wait."""
    failed = assessment.verdict.failed
    if failed:
        return "new" if all(check.status is CheckStatus.NEW for check in failed) else "changed"
    still = {CheckStatus.EQUAL, CheckStatus.ASIDE}
    moved = any(check.status not in still for check in assessment.verdict.checks)
    moved = moved or _has_more_data(assessment)
    return "refresh" if moved and policy.update is Update.ALL else None


def _has_more_data(assessment: Assessment) -> bool:
    """Tell whether a run has data behind what a cell shows that its baseline was accepted without."""
    known = assessment.baseline.artifacts if assessment.baseline else {}
    return any(
        artifact.shown is not None
        and name in known
        and known[name].shown is None
        and known[name].kind != artifact.kind
        for name, artifact in assessment.run.artifacts.items()
    )


def _broken(assessment: Assessment) -> bool:
    """Tell whether the baseline could not be read: nothing may take its place unasked."""
    return any(check.kind == "baseline" for check in assessment.verdict.checks)


def beyond_acceptance(assessment: Assessment, places: Places) -> str | None:
    """Say what fails that accepting the run's values would not mend; None where that is nothing."""
    names = [check.name for check in unmendable(assessment, places)]
    if not names:
        return None
    failed, n = len(assessment.verdict.failed), len(assessment.verdict.checks)
    return f"{failed} of {n} checks fail, and accepting values does not mend {', '.join(names)}"
