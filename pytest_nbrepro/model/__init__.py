"""The records that cross the rooms: frozen, picklable, without behaviour beyond their own arithmetic."""

from __future__ import annotations

from pytest_nbrepro.model.annotation import (
    FEWEST_RUNS,
    ArtifactRule,
    Case,
    Coverage,
    FlagValue,
    Limits,
    MetricRule,
    OutputsRule,
    Spec,
    Task,
)
from pytest_nbrepro.model.judgement import Check, CheckStatus, Place, Verdict, Why
from pytest_nbrepro.model.results import (
    Artifact,
    Baseline,
    CellRecord,
    Metric,
    Number,
    Picture,
    Progress,
    Run,
    RunError,
    RunStatus,
)

__all__ = [
    "FEWEST_RUNS",
    "Artifact",
    "ArtifactRule",
    "Baseline",
    "Case",
    "CellRecord",
    "Check",
    "CheckStatus",
    "Coverage",
    "FlagValue",
    "Limits",
    "Metric",
    "MetricRule",
    "Number",
    "OutputsRule",
    "Picture",
    "Place",
    "Progress",
    "Run",
    "RunError",
    "RunStatus",
    "Spec",
    "Task",
    "Verdict",
    "Why",
]
