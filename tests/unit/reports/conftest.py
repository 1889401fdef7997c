"""Cases to report on."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_nbrepro.model import Baseline, Check, CheckStatus, Metric, Run, RunStatus, Verdict
from pytest_nbrepro.reports.data import CaseReport
from pytest_nbrepro.reports.pages import Report
from pytest_nbrepro.reports.record import case_record
from pytest_nbrepro.reports.sheet import bare


def check(name, status="equal", used=None, kind="metric", **fields):
    return Check(kind, name, CheckStatus(status), used, **fields)


def case(*checks, name="a.ipynb::default", status="completed", metrics=None, before=None, **fields):
    """A case with these checks, and what its metrics are and were."""
    run = Run(
        "20260101T000000.000000-abcdef",
        Path("run"),
        *name.split("::"),
        {"x": 1.0},
        RunStatus(status),
        "2026-01-01T00:00:00+00:00",
        duration=1.5,
        metrics={key: Metric(value) for key, value in (metrics or {}).items()},
        error=fields.pop("error", None),
    )
    baseline = None
    if before is not None:
        known = {key: Metric(value) for key, value in before.items()}
        baseline = Baseline(Path("baseline"), known, {}, None, fields.pop("environment", {}))
    verdict = Verdict(tuple(checks))
    return CaseReport(name, run, verdict, ".nbrepro/runs/abcdef", baseline=baseline, **fields)


@pytest.fixture
def cases():
    """The makers of checks and cases."""
    return check, case


@pytest.fixture
def make_report():
    """Make a report of cases, or of records."""

    def make(*told, **fields):
        records = [one if isinstance(one, dict) else case_record(one) for one in told]
        given = {"project": "proj", "made": "2026-01-01T00:00:00+00:00", "version": "1.2.3", **fields}
        return Report(sheets=[bare(record) for record in records], **given)

    return make
