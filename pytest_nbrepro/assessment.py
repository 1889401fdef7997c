"""A run held against its baseline: the verdict, the cause, the first difference, and what waits for a person."""

from __future__ import annotations

import contextlib
import json
import tempfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pytest_nbrepro import baselines, files, pending
from pytest_nbrepro.capture import Hidden
from pytest_nbrepro.comparers import sketches
from pytest_nbrepro.diagnosis import explain
from pytest_nbrepro.environment import portable
from pytest_nbrepro.errors import NbreproError, UndecodableError
from pytest_nbrepro.model import (
    Baseline,
    Case,
    Check,
    CheckStatus,
    Run,
    RunStatus,
    Verdict,
    Why,
)
from pytest_nbrepro.notebook import Notebook, parse, read
from pytest_nbrepro.store import ENVIRONMENT, EXECUTED
from pytest_nbrepro.verdict import accepted_metrics, align, judge, without_rules, without_xfail


@dataclass(frozen=True)
class Places:
    """Where things of a project lie."""

    root: Path
    store: Path
    baselines: Path

    @property
    def pending(self) -> Path:
        """The folder of values that wait."""
        return self.store / "pending"


@dataclass(frozen=True)
class Assessment:
    """A run, judged."""

    case: Case
    run: Run
    executed: Notebook | None  # None where the run ended before its first cell
    baseline: Baseline | None
    verdict: Verdict
    why: Why | None = None
    diff: str = ""  # of the first differing cell

    @property
    def first(self) -> str | None:
        """What people call the first cell that differs or failed."""
        index = self.verdict.first_cell
        return None if index is None or self.executed is None else self.executed.label(index)


def assess(case: Case, run: Run, places: Places) -> Assessment:
    """Judge a run against the baseline of its case.

    A baseline that cannot be read makes an assessment that fails and says so.
    """
    executed = _executed(run)
    try:
        baseline = baselines.read(places.baselines / case.folder)
        accepted = read(baseline.notebook) if baseline and baseline.notebook else None
    except NbreproError as error:
        check = Check("baseline", case.folder, CheckStatus.ERROR, message=_told(error))
        return Assessment(case, run, executed, None, Verdict((check,)))
    if run.status is not RunStatus.COMPLETED:
        verdict = judge(run, executed or _empty(run), None, None, case.spec, Hidden.of(run, places.root))
        return Assessment(case, run, executed, baseline, verdict)
    if executed is None:
        check = Check(
            "run", run.id, CheckStatus.ERROR, message="its executed copy is gone from the run store"
        )
        return Assessment(case, run, None, baseline, Verdict((check,)))
    verdict = judge(run, executed, baseline, accepted, case.spec, Hidden.of(run, places.root))
    why, diff = None, ""
    if not verdict.ok and baseline is not None and accepted is not None:
        why = explain(run, executed, environment_of(run), accepted, baseline.environment)
        diff = _first_diff(run, executed, accepted, verdict, places)
    return Assessment(case, run, executed, baseline, verdict, why, diff)


def agree(case: Case, first: Assessment, second: Run, places: Places) -> Assessment:
    """Judge a second run against the first one of the same case, as if that were its baseline."""
    assert first.executed is not None  # noqa: S101 - only complete runs get here
    baseline, accepted = _as_baseline(first.run, first.executed, places)
    executed = _executed(second) or _empty(second)
    spec = without_rules(case.spec, first.run)
    verdict = judge(second, executed, baseline, accepted, spec, Hidden.of(second, places.root))
    diff = "" if verdict.ok else _first_diff(second, executed, accepted, verdict, places)
    return Assessment(case, second, executed, baseline, verdict, _chance(verdict), diff)


def _chance(verdict: Verdict) -> Why | None:
    if verdict.ok:
        return None
    return Why(
        "CHANCE",
        "a second run of the same source, flags and inputs in the same environment differs from the "
        "first; where random numbers are drawn, `seed: 0` in the annotation seeds them",
    )


def unmendable(assessment: Assessment, places: Places) -> tuple[Check, ...]:
    """Return the checks that would fail still if the run's own values were its baseline.

    A value outside its hard range, a metric that the annotation names and the run has not, a check that
    passes though it is expected to fail: accepting values mends none of these.
    """
    case, run, executed = assessment.case, assessment.run, assessment.executed
    assert executed is not None  # noqa: S101 - only complete runs get here
    own, accepted = _as_baseline(run, executed, places)
    spec = replace(without_xfail(case.spec), runs=1)
    again = judge(run, executed, own, accepted, spec, Hidden.of(run, places.root))
    unexpected = [check for check in assessment.verdict.failed if check.status is CheckStatus.XPASS]
    return (*again.failed, *unexpected)


def keep_pending(
    assessment: Assessment,
    places: Places,
    kind: pending.Kind,
    *,
    once: bool,
    fixture: bool,
    refresh: bool = False,
) -> None:
    """Keep the values of an assessment for a person to accept.

    Values that pass stay as the baseline has them, unless `refresh` is set.

    Raises:
        StoreError: they cannot be kept.
    """
    case, run = assessment.case, assessment.run
    assert assessment.executed is not None  # noqa: S101 - only complete runs get here
    checks = {
        (c.kind if c.kind in {"metric", "output"} else "artifact", c.name): c
        for c in assessment.verdict.checks
    }
    values = {*(("metric", name) for name in run.metrics), *(("artifact", name) for name in run.artifacts)}
    kept = set() if refresh else {value for value, check in checks.items() if check.status.ok}
    leave = values - checks.keys()
    environment = environment_of(run)
    entry = pending.Pending(
        case=case.id,
        notebook=case.notebook,
        folder=case.folder,
        kind=kind,
        run=run.id,
        differences=tuple(f"{c.kind} {c.name}: {c.status}" for c in assessment.verdict.failed),
        base=baselines.fingerprint(places.baselines / case.folder),
        source=pending.source_hash(places.root / case.notebook),
    )
    with tempfile.TemporaryDirectory() as folder:
        draft = baselines.compose(
            replace(run, metrics=accepted_metrics(run, case.spec.metrics)),
            assessment.executed,
            {**portable(environment), "flags": environment["flags"]},
            assessment.baseline,
            kept,
            leave,
            once=once,
            fixture=fixture,
            hidden=Hidden.of(run, places.root),
            sketches=_sketches(run, kept | leave, Path(folder)),
        )
        pending.put(places.pending, entry, draft)


def _sketches(run: Run, kept: Collection[tuple[str, str]], folder: Path) -> dict[str, Path]:
    """Write what a baseline keeps of what is too large to keep; of what cannot be read, nothing."""
    taken = {artifact.path for artifact in run.artifacts.values()}
    found: dict[str, Path] = {}
    for name, artifact in run.artifacts.items():
        large = sketches.possible(artifact) and artifact.bytes > baselines.LARGEST
        if not large or ("artifact", name) in kept or f"{artifact.path}{baselines.SKETCH}" in taken:
            continue
        target = folder / str(len(found))
        with contextlib.suppress(UndecodableError):  # its hash is kept
            sketches.write(run.folder / artifact.path, target)
            found[name] = target
    return found


def environment_of(run: Run) -> Mapping[str, Any]:
    """Return the environment record of a run."""
    record: dict[str, Any] = json.loads((run.folder / ENVIRONMENT).read_text("utf-8"))
    return record


def _first_diff(run: Run, executed: Notebook, accepted: Notebook, verdict: Verdict, places: Places) -> str:
    from pytest_nbrepro import diffs  # nbdime takes seconds to import: only where something differs

    index = verdict.first_cell
    if index is None:
        return ""
    mine = baselines.slim(executed, run, Hidden.of(run, places.root))
    partner = next(
        (theirs for cell, theirs in align(executed.code, accepted.code) if cell and cell.index == index), None
    )
    if partner is None:
        return ""
    before, after = (_as_text(cell) for cell in (accepted.raw["cells"][partner.index], mine["cells"][index]))
    return diffs.cell_diff(before, after, executed.label(index))


def _as_text(cell: Mapping[str, Any]) -> dict[str, Any]:
    """Return a cell without its rich outputs, of which a baseline has the hash alone: their checks tell more."""
    return {**cell, "outputs": [o for o in cell["outputs"] if o["output_type"] == "stream"]}


def _as_baseline(run: Run, executed: Notebook, places: Places) -> tuple[Baseline, Notebook]:
    """Return a run as the baseline that accepting all of it would make, and that baseline's executed copy."""
    slimmed = baselines.slim(executed, run, Hidden.of(run, places.root))
    baseline = Baseline(run.folder, run.metrics, run.artifacts, None, {})
    return baseline, parse(files.dump_json(slimmed), run.folder / EXECUTED)


def _executed(run: Run) -> Notebook | None:
    """Return a run's executed copy; None where there is none."""
    path = run.folder / EXECUTED
    return read(path) if path.exists() else None


def _empty(run: Run) -> Notebook:
    return parse('{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}', run.folder / EXECUTED)


def _told(error: NbreproError) -> str:
    return f"{error.what} ({error.hint})" if error.hint else error.what
