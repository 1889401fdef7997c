"""A run held against its baseline: the verdict, the cause, the first difference, and what waits for a person."""

from __future__ import annotations

import contextlib
import json
import tempfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pytest_nbrepro import baselines, creep, files, pending
from pytest_nbrepro.capture import Hidden
from pytest_nbrepro.diagnosis import explain, explain_failure, seen
from pytest_nbrepro.environment import portable
from pytest_nbrepro.errors import NbreproError, UndecodableError
from pytest_nbrepro.model import (
    Baseline,
    Case,
    Check,
    CheckStatus,
    Moved,
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
    moved: tuple[Moved, ...] = ()  # accepted metrics that crept away from their anchor

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
        baseline = _accepted(case, run, places)
        accepted = baselines.copy_of(baseline) if baseline else None
    except NbreproError as error:
        check = Check("baseline", case.folder, CheckStatus.ERROR, message=_told(error))
        return Assessment(case, run, executed, None, Verdict((check,)))
    if run.status is not RunStatus.COMPLETED:
        verdict = judge(run, executed or _empty(run), None, None, case.spec, hidden_of(case, run, places))
        why = _why_failed(run, executed, baseline, accepted)
        return Assessment(case, run, executed, baseline, verdict, why)
    if executed is None:
        check = Check(
            "run", run.id, CheckStatus.ERROR, message="its executed copy is gone from the run store"
        )
        return Assessment(case, run, None, baseline, Verdict((check,)))
    hidden = hidden_of(case, run, places)
    verdict = judge(run, executed, baseline, accepted, case.spec, hidden)
    why, diff = None, ""
    if not verdict.ok and baseline is not None and accepted is not None:
        why = explain(run, executed, environment_of(run), accepted, _environment_before(baseline, verdict))
        diff = first_diff(run, executed, accepted, verdict, hidden)
    moved = creep.moved(baseline, case.spec) if baseline is not None else ()
    return Assessment(case, run, executed, baseline, verdict, why, diff, moved)


def _why_failed(
    run: Run, executed: Notebook | None, baseline: Baseline | None, accepted: Notebook | None
) -> Why | None:
    """Say what changed since the baseline where a run failed; None where that cannot be said."""
    recorded = (run.folder / ENVIRONMENT).exists()
    if executed is None or baseline is None or accepted is None or not recorded:
        return None
    return explain_failure(run, executed, environment_of(run), accepted, baseline.environment)


def _accepted(case: Case, run: Run, places: Places) -> Baseline | None:
    """Read what is accepted of a case where a run was made."""
    folder = places.baselines / case.folder
    judged = run.status is RunStatus.COMPLETED and (folder / baselines.OVERLAY).is_dir()
    return baselines.read_merged(folder, baselines.tags_of(environment_of(run)) if judged else ())


def _environment_before(baseline: Baseline, verdict: Verdict) -> Mapping[str, Any]:
    """Return the environment that the values which fail were accepted in; of several the most specific."""
    tags = {check.overlay for check in verdict.failed}
    layers = [layer for tag, layer in baseline.layers.items() if tag in tags]
    return layers[-1].environment if layers else baseline.environment


def agree(case: Case, first: Assessment, second: Run, places: Places) -> Assessment:
    """Judge a second run against the first one of the same case, as if that were its baseline."""
    assert first.executed is not None  # noqa: S101 - only complete runs get here
    baseline, accepted = _as_baseline(first.run, first.executed, hidden_of(case, first.run, places))
    executed = _executed(second) or _empty(second)
    spec = without_rules(case.spec, first.run)
    hidden = hidden_of(case, second, places)
    verdict = judge(second, executed, baseline, accepted, spec, hidden)
    diff = "" if verdict.ok else first_diff(second, executed, accepted, verdict, hidden)
    return Assessment(case, second, executed, baseline, verdict, _chance(verdict, second, executed), diff)


def _chance(verdict: Verdict, second: Run, executed: Notebook) -> Why | None:
    if verdict.ok:
        return None
    told = "a second run of the same source, flags and inputs in the same environment differs from the first"
    drawn = seen.by_chance(second, executed) or "nothing was seen that draws random numbers"
    return Why("CHANCE", f"{told}; {drawn}; `seed: 0` in the annotation seeds global generators")


def unmendable(assessment: Assessment, places: Places) -> tuple[Check, ...]:
    """Return the checks that would fail still if the run's own values were its baseline.

    A value outside its hard range, a metric that the annotation names and the run has not, a check that
    passes though it is expected to fail: accepting values mends none of these.
    """
    case, run, executed = assessment.case, assessment.run, assessment.executed
    assert executed is not None  # noqa: S101 - only complete runs get here
    hidden = hidden_of(case, run, places)
    own, accepted = _as_baseline(run, executed, hidden)
    spec = replace(without_xfail(case.spec), runs=1)
    again = judge(run, executed, own, accepted, spec, hidden)
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

    Values that pass stay as the baseline has them, unless `refresh` is set. Those that fail against an overlay, and
    pass against what lies below it, become that again.

    Raises:
        StoreError: they cannot be kept.
    """
    case, run = assessment.case, assessment.run
    assert assessment.executed is not None  # noqa: S101 - only complete runs get here
    checks = {_key(check): check for check in assessment.verdict.checks}
    values = {*(("metric", name) for name in run.metrics), *(("artifact", name) for name in run.artifacts)}
    kept = {
        value
        for value, check in checks.items()
        if (check.status is CheckStatus.ASIDE if refresh else check.status.ok)
    }
    baseline, fallen = (assessment.baseline, set()) if refresh else _fallen_back(assessment, places)
    kept |= fallen
    leave = values - checks.keys()
    environment = environment_of(run)
    tags = baselines.tags_of(environment)
    entry = pending.Pending(
        case=case.id,
        notebook=case.notebook,
        folder=case.folder,
        kind=kind,
        run=run.id,
        differences=tuple(f"{c.kind} {c.name}: {c.status}" for c in assessment.verdict.failed),
        base=baselines.fingerprint(places.baselines / case.folder, tags),
        source=pending.source_hash(places.root / case.notebook),
        tags=tags,
    )
    with tempfile.TemporaryDirectory() as folder:
        draft = baselines.compose(
            replace(run, metrics=accepted_metrics(run, case.spec.metrics)),
            assessment.executed,
            {**portable(environment), "flags": environment["flags"], **_unseeded(assessment)},
            baseline,
            kept,
            leave,
            once=once,
            fixture=fixture,
            hidden=hidden_of(case, run, places),
            sketches=_sketches(run, kept | leave, Path(folder)),
        )
        pending.put(places.pending, entry, draft)


def _unseeded(assessment: Assessment) -> dict[str, list[str]]:
    """Return what a baseline says where its run drew by chance: that it may agree by luck alone."""
    executed = assessment.executed
    assert executed is not None  # noqa: S101 - only complete runs get here
    found = [seen.told(one, executed) for one in seen.draws(assessment.run)]
    return {"unseeded": found} if found else {}


def _fallen_back(assessment: Assessment, places: Places) -> tuple[Baseline | None, set[baselines.Key]]:
    """Leave out of the accepted values what overlays say in vain: what lies below them would pass.

    Returns:
        The accepted values without these; and their keys.
    """
    baseline, executed, run = assessment.baseline, assessment.executed, assessment.run
    failing = {_entry(check, executed) for check in assessment.verdict.failed if check.overlay}
    if baseline is None or executed is None or not failing:
        return baseline, set()
    common = baselines.read(baseline.folder)
    assert common is not None  # noqa: S101 - it was judged against
    below = baselines.merged(common, baseline.layers, failing)
    spec, hidden = assessment.case.spec, hidden_of(assessment.case, run, places)
    again = judge(run, executed, below, baselines.copy_of(below), spec, hidden)
    passing = {_entry(check, executed): _key(check) for check in again.checks if check.status.ok}
    found = {entry: key for entry, key in passing.items() if entry in failing}
    return baselines.merged(common, baseline.layers, found), set(found.values())


def _key(check: Check) -> baselines.Key:
    """Return what a check is about, as changes of a baseline are named."""
    return check.kind if check.kind in {"metric", "output"} else "artifact", check.name


def _entry(check: Check, executed: Notebook | None) -> baselines.Entry:
    """Return what a check is about, as the values of a baseline are named."""
    kind, name = _key(check)
    if kind == "output" and executed is not None and check.cell is not None:
        return kind, executed.cells[check.cell].id
    return kind, name


def _sketches(run: Run, kept: Collection[tuple[str, str]], folder: Path) -> dict[str, Path]:
    """Write what a baseline keeps of files that are too large to keep; of what cannot be read, nothing."""
    from pytest_nbrepro.comparers import sketches  # numpy: only where values are kept

    taken = {artifact.path for artifact in run.artifacts.values()}
    found: dict[str, Path] = {}
    for name, artifact in run.artifacts.items():
        large = artifact.kind in sketches.KINDS and artifact.bytes > baselines.LARGEST
        if (
            not large
            or "undecodable" in artifact.schema
            or ("artifact", name) in kept
            or f"{artifact.path}{baselines.SKETCH}" in taken
        ):
            continue
        target = folder / str(len(found))
        with contextlib.suppress(UndecodableError):  # its hash is kept
            sketches.write(run.folder / artifact.path, artifact.kind, artifact.schema, target)
            found[name] = target
    return found


def environment_of(run: Run) -> Mapping[str, Any]:
    """Return the environment record of a run."""
    record: dict[str, Any] = json.loads((run.folder / ENVIRONMENT).read_text("utf-8"))
    return record


def hidden_of(case: Case, run: Run, places: Places) -> Hidden:
    """Return what means nothing in the text of a run."""
    return Hidden.of(run, places.root, case.spec.outputs.masks)


def first_diff(run: Run, executed: Notebook, accepted: Notebook, verdict: Verdict, hidden: Hidden) -> str:
    """Return nbdime's diff of the first cell that differs; nothing where there is none to compare it with."""
    from pytest_nbrepro import diffs  # nbdime takes seconds to import: only where something differs

    index = verdict.first_cell
    if index is None:
        return ""
    mine = baselines.slim(executed, run, hidden)
    partner = next(
        (theirs for cell, theirs in align(executed.code, accepted.code) if cell and cell.index == index), None
    )
    if partner is None:
        return ""
    before, after = (
        diffs.without_rich(cell) for cell in (accepted.raw["cells"][partner.index], mine["cells"][index])
    )
    return diffs.cell_diff(before, after, executed.label(index))


def _as_baseline(run: Run, executed: Notebook, hidden: Hidden) -> tuple[Baseline, Notebook]:
    """Return a run as the baseline that accepting all of it would make, and that baseline's executed copy."""
    slimmed = baselines.slim(executed, run, hidden)
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
