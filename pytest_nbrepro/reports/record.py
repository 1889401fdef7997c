"""What a report tells of one case, as JSON: an entry of `cases` in `report.json`, and what the pages are made of."""

from __future__ import annotations

import dataclasses
import math
import shlex
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from pytest_nbrepro import files
from pytest_nbrepro.model import Check, CheckStatus, Metric
from pytest_nbrepro.reports import changes, words
from pytest_nbrepro.reports.data import CaseReport, used_values
from pytest_nbrepro.reports.terminal import case_text, chances, moved_text
from pytest_nbrepro.store import to_record

Record = dict[str, Any]
_ID = 6  # last letters of a run's id, by which commands find it


class CaseStatus(StrEnum):
    """What became of a case, the worst first."""

    ERROR = "error"  # it could not be run or compared
    FAILED = "failed"  # the notebook did not run to its end
    DRIFTED = "drifted"
    REFUSED = "refused"  # its values cannot become a baseline
    NEW = "new"  # it has no baseline
    EXPECTED = "expected"  # it fails as expected
    SKIPPED = "skipped"
    ACCEPTED = "accepted"  # its values become the baseline
    PASSED = "passed"

    @property
    def ok(self) -> bool:
        """Whether the test of a case that ends so passes, or does not count."""
        return self in {CaseStatus.EXPECTED, CaseStatus.SKIPPED, CaseStatus.ACCEPTED, CaseStatus.PASSED}


def case_record(report: CaseReport, environment: Mapping[str, Any] | None = None) -> Record:
    """Return a case as JSON (its keys: docs/report.md).

    Args:
        report: the case.
        environment: what is recorded of where it ran; None where that is not known.
    """
    run, verdict = to_record(report.run), report.verdict
    status = status_of(report)
    summary = report.summary
    if status is CaseStatus.ERROR and report.expected is not None:
        summary += f", though it is expected to fail: {report.expected}"
    return {
        **empty(report.case, status, summary),
        "line": report.line,
        "text": case_text(report),
        "used": files.to_json(worst_used(verdict.checks)),
        "kinds": sorted({check.kind for check in verdict.checks if not check.status.ok}),
        "why": dataclasses.asdict(report.why) if report.why else None,
        "first": report.first,
        "diff": report.diff,
        "notes": [*verdict.notes, *map(moved_text, report.moved), *chances(report)],
        "once": report.once,
        "aside": report.aside,
        "expected": report.expected,
        "checks": [check_record(check) for check in verdict.checks],
        "metrics": _metrics(report),
        "allow": [offer.text for offer in report.offers],
        "commands": _commands(report),
        "run": {
            **{key: run[key] for key in ("id", "status", "started", "duration", "peak", "flags", "error")},
            "folder": report.place,
        },
        "environment": changes.told(environment or {}),
        "changes": changes.between(report.baseline.environment, environment or {}) if report.baseline else [],
    }


def empty(case: str, status: CaseStatus, summary: str, text: str = "") -> Record:
    """Return the record of a case of which nothing but this is known."""
    notebook, _, name = case.partition("::")
    return {
        "case": case,
        "notebook": notebook,
        "name": name,
        "status": str(status),
        "ok": status.ok,
        "summary": summary,
        "line": summary,
        "text": text,
        "used": None,
        "kinds": [],
        "why": None,
        "first": None,
        "diff": "",
        "notes": [],
        "once": False,
        "aside": {},
        "expected": None,
        "checks": [],
        "metrics": {},
        "allow": [],
        "commands": None,
        "run": None,
        "environment": changes.told({}),
        "changes": [],
    }


def status_of(report: CaseReport) -> CaseStatus:
    """Return what became of a case."""
    failed = report.verdict.failed
    good = not failed and not report.refused
    if report.expected is not None:
        return CaseStatus.ERROR if good else CaseStatus.EXPECTED
    if not report.completed:
        return CaseStatus.FAILED
    if report.accepted:
        return CaseStatus.ACCEPTED
    if report.refused:
        return CaseStatus.REFUSED
    if not failed:
        return CaseStatus.PASSED
    statuses = {check.status for check in failed}
    if statuses == {CheckStatus.ERROR}:
        return CaseStatus.ERROR
    return CaseStatus.NEW if statuses == {CheckStatus.NEW} else CaseStatus.DRIFTED


def worst_used(checks: tuple[Check, ...]) -> float | None:
    """Return the most that a check used of its limit; NaN, which nothing can be said of, counts as infinite."""
    known = [check.used for check in checks if check.used is not None]
    return max(known, key=lambda used: math.inf if math.isnan(used) else used, default=None)


def check_record(check: Check) -> Record:
    """Return a check and its parts as JSON; of parts that pass only their number is told, in `n`."""
    return {
        **{field.name: getattr(check, field.name) for field in dataclasses.fields(check)},
        "status": str(check.status),
        "used": files.to_json(check.used),
        "worst": dataclasses.asdict(check.worst) if check.worst else None,
        "parts": [check_record(part) for part in check.parts if not part.status.ok],
    }


def _metrics(report: CaseReport) -> Record:
    """Return every metric that is checked, on both sides."""
    accepted = report.baseline.metrics if report.baseline else {}
    names = [check.name for check in report.verdict.checks if check.kind == "metric"]
    return {name: _sides(accepted.get(name), report.run.metrics.get(name)) for name in names}


def _sides(baseline: Metric | None, result: Metric | None) -> Record:
    one, other = (None if side is None else side.value for side in (baseline, result))
    difference = None if one is None or other is None else files.to_json(_difference(one, other))
    return {
        "baseline": files.to_json(one),
        "result": files.to_json(other),
        "difference": difference,
        "dtype": (result or baseline or Metric(0)).dtype,
        "baseline_runs": [files.to_json(value) for value in baseline.samples] if baseline else [],
        "result_runs": [files.to_json(value) for value in result.samples] if result else [],
    }


def _difference(one: float, other: float) -> float:
    """Return how far a result lies from its baseline; infinite where that is beyond the largest double."""
    try:
        return other - one
    except OverflowError:
        return math.inf if other > one else -math.inf


def _commands(report: CaseReport) -> Record:
    """Return what to type: to look deeper, to accept what waits, to run again."""
    name = shlex.quote(report.case)
    waits = report.waits and not report.accepted
    return {
        "show": f"nbrepro show {report.run.id[-_ID:]}",
        "review": f"nbrepro review {name}" if waits else None,
        "accept": f"nbrepro accept {name} -m WHY" if waits else None,
        "again": f"pytest --nbrepro {name}",
    }


def properties(report: CaseReport) -> list[tuple[str, str]]:
    """Return what dashboards show of a case, as JUnit properties: its status, the worst `used`, all metrics, every `used`."""
    used = words.used(worst_used(report.verdict.checks)).removesuffix("x")
    metrics = [(f"nbrepro.metric.{name}", repr(metric.value)) for name, metric in report.run.metrics.items()]
    return [
        ("nbrepro.status", str(status_of(report))),
        *([("nbrepro.used", used)] if used else []),
        *metrics,
        *used_values(report),
    ]
