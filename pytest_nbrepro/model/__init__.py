"""The records that cross the rooms: frozen, picklable, without behaviour beyond their own arithmetic."""

from __future__ import annotations

from pytest_nbrepro.model.annotation import (
    FEWEST_NEW_RUNS,
    FEWEST_RUNS,
    ArtifactRule,
    Case,
    Coverage,
    FlagValue,
    Limits,
    Masking,
    MetricRule,
    OutputsRule,
    OwnMask,
    Spec,
    Task,
)
from pytest_nbrepro.model.judgement import Check, CheckStatus, Moved, Place, Verdict, Why
from pytest_nbrepro.model.results import (
    Anchor,
    Artifact,
    Baseline,
    CellRecord,
    Metric,
    Number,
    Progress,
    Run,
    RunError,
    RunStatus,
)

__all__ = [
    "FEWEST_NEW_RUNS",
    "FEWEST_RUNS",
    "Anchor",
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
    "Masking",
    "Metric",
    "MetricRule",
    "Moved",
    "Number",
    "OutputsRule",
    "OwnMask",
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
