"""What a report tells of one case; every formatter takes this and nothing else."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pytest_nbrepro.assessment import Assessment
from pytest_nbrepro.comparers import asides
from pytest_nbrepro.comparers.base import key
from pytest_nbrepro.diagnosis import seen
from pytest_nbrepro.model import Baseline, Check, CheckStatus, Moved, Run, RunStatus, Verdict, Why
from pytest_nbrepro.trial import Trial

CLOSE = 0.5  # passes that used more of their limit than this are told
_ORDER = (
    CheckStatus.ERROR,
    CheckStatus.LOST,
    CheckStatus.NEW,
    CheckStatus.STRUCTURE,
    CheckStatus.XPASS,
    CheckStatus.DIFFERS,
    CheckStatus.DRIFT,
)


OFFERED = 100.0  # a check that used more of its limit is no case for a wider one


@dataclass(frozen=True)
class Offer:
    """A limit that would let a check pass, or what lets runs agree: what the annotation would say at `path`."""

    path: tuple[str, ...]  # ("metrics", "auc"), ("artifacts", "a.csv"), ("outputs",), ("seed",), ("runs",)
    limits: str  # a mapping in YAML: "{rel: 1.4e-2}"; of the last two a number

    @property
    def text(self) -> str:
        """What a person reads: ``auc: {rel: 1.4e-2}``."""
        return f"{key(self.path[-1])}: {self.limits}"


def offers(failures: Sequence[Check], why: Why | None) -> tuple[Offer, ...]:
    """Return the limits that would let failing checks pass, where they are safe to suggest.

    There are none where something is lost, or where a second run differs, too: a wider limit would hide the
    first, and chance is no matter of limits. Nor for a check that used more than 100 times its limit.
    """
    if (why is not None and why.by_chance) or any(map(_loses, failures)):
        return ()
    safe = [c for c in failures if c.allow and not (c.used is not None and OFFERED < c.used < math.inf)]
    return (*_named(safe), *_outputs(safe))


def _loses(check: Check) -> bool:
    return check.status is CheckStatus.LOST or any(map(_loses, check.parts))


def _named(checks: Sequence[Check]) -> Iterator[Offer]:
    for check in checks:
        if check.kind != "output" and check.allow:
            section = "metrics" if check.kind == "metric" else "artifacts"
            yield Offer((section, check.name), check.allow.removeprefix(f"{key(check.name)}: "))


def _outputs(checks: Sequence[Check]) -> Iterator[Offer]:
    """Yield the one limit of all text, the widest that a cell needs."""
    needed: dict[str, str] = {}
    for check in checks:
        if check.kind == "output" and check.allow:
            for name, value in re.findall(r"(\w+): ([^,}]+)", check.allow):
                needed[name] = max(needed.get(name, "0"), value, key=float)
    if needed:
        yield Offer(("outputs",), "{" + ", ".join(f"{name}: {value}" for name, value in needed.items()) + "}")


@dataclass(frozen=True)
class CaseReport:
    """One case, judged."""

    case: str  # "analysis/train.ipynb::x=-1.0"
    run: Run
    verdict: Verdict
    place: str  # the run's folder as people may type it
    why: Why | None = None
    first: str | None = None  # what people call the first cell that differs or failed
    diff: str = ""  # nbdime's diff of that cell
    failed_source: str = ""  # source of the cell that failed
    refused: str | None = None  # why the values of this run can't be accepted
    waits: bool = False  # the values wait for a person
    once: bool = False  # the baseline rests on one run alone
    kept: bool = True  # there is an executed copy, as far as it got
    chance: str = ""  # what the run drew from generators that nobody seeded
    unseeded: tuple[str, ...] = ()  # the same of the run that the baseline is from
    moved: tuple[Moved, ...] = ()  # metrics that acceptances moved far from where they were meant to be
    accepted: bool = False  # the values are about to be accepted
    expected: str | None = None  # why the whole case is expected to fail
    baseline: Baseline | None = None

    @property
    def ok(self) -> bool:
        """Whether the case reproduces."""
        return self.verdict.ok

    @property
    def completed(self) -> bool:
        """Whether the notebook ran to its end."""
        return self.run.status is RunStatus.COMPLETED

    @property
    def failures(self) -> list[Check]:
        """The checks that do not pass, those without a number first, then by `used`, worst first."""
        return sorted(self.verdict.failed, key=lambda c: (_ORDER.index(c.status), -_weight(c), c.name))

    @property
    def close(self) -> list[Check]:
        """The passes that used more than half of their limit, improvements, and what is unproven; worst first."""
        passes = [
            c
            for c in self.verdict.checks
            if c.status in {CheckStatus.IMPROVED, CheckStatus.UNPROVEN}
            or (c.status.ok and c.used is not None and CLOSE < c.used < math.inf)
        ]
        return sorted(passes, key=lambda c: (-_weight(c), c.name))

    @property
    def aside(self) -> dict[str, list[str]]:
        """What is not compared, being called like timings: checks, and columns or keys in them."""
        return asides.names(self.verdict.checks)

    @property
    def line(self) -> str:
        """One line for a list of failures: the summary, and the error that ended the run."""
        error = self.run.error
        return f"{self.summary}: {error.message.splitlines()[0]}" if error and error.message else self.summary

    @property
    def offers(self) -> tuple[Offer, ...]:
        """The limits that would let failing checks pass, where they are safe to suggest."""
        return offers(self.failures, self.why)

    @property
    def summary(self) -> str:
        """One sentence."""
        if not self.completed:
            where = f" in {self.first}" if self.first else ""
            return "; ".join(filter(None, (f"{_HOW[self.run.status]}{where}", self.refused)))
        if self.refused:
            return self.refused
        failed, n = self.verdict.failed, len(self.verdict.checks)
        if not failed:
            return f"reproduces: {_checks(n)}"
        statuses = {check.status for check in failed}
        if statuses == {CheckStatus.NEW} and len(failed) == n:
            return f"no baseline yet for {_checks(n)}"
        how = "could not be made" if statuses == {CheckStatus.ERROR} else "drifted"
        return f"{len(failed)} of {_checks(n)} {how}"


_HOW = {
    RunStatus.RUNNING: "still running",
    RunStatus.COMPLETED: "completed",
    RunStatus.FAILED: "failed",
    RunStatus.TIMEOUT: "ran out of time",
    RunStatus.DIED: "died",
    RunStatus.INTERRUPTED: "was interrupted",
}


def _weight(check: Check) -> float:
    """Return what a check used, so that it sorts: NaN, which nothing can be said of, is the worst."""
    used = check.used or 0.0
    return math.inf if math.isnan(used) else used


def _checks(n: int) -> str:
    return f"{n} check" if n == 1 else f"{n} checks"


def case_report(
    assessment: Assessment, root: Path, trial: Trial | None = None, *, waits: bool = False
) -> CaseReport:
    """Return what a report tells of a judged run.

    Args:
        assessment: the judgement.
        root: the project's root.
        trial: what became of the case; None where the run is looked at later.
        waits: whether the run's values wait for a person, where there is no trial to tell.
    """
    run = assessment.run
    source = ""
    if run.error is not None and run.error.cell is not None and assessment.executed is not None:
        source = assessment.executed.cells[run.error.cell].source
    return CaseReport(
        case=assessment.case.id,
        run=run,
        verdict=assessment.verdict,
        place=os.path.relpath(run.folder, root),
        why=assessment.why,
        first=assessment.first if assessment.baseline or run.error else None,
        diff=assessment.diff,
        failed_source=source,
        refused=trial.refused if trial else None,
        waits=bool(trial and trial.pending) or waits,
        once=assessment.baseline is not None and assessment.baseline.once,
        kept=assessment.executed is not None,
        moved=assessment.moved,
        unseeded=tuple(assessment.baseline.environment.get("unseeded", ())) if assessment.baseline else (),
        chance=seen.by_chance(run, assessment.executed) if assessment.case.spec.runs == 1 else "",
        accepted=bool(trial and trial.accepted),
        expected=assessment.case.spec.xfail,
        baseline=assessment.baseline,
    )


def used_values(report: CaseReport) -> list[tuple[str, str]]:
    """Return what each check used of its limit, as JUnit properties ``nbrepro.used.<name>``."""
    return [
        (f"nbrepro.used.{check.name}", str(check.status) if check.used is None else f"{check.used:g}")
        for check in report.verdict.checks
    ]
