"""The judgement of one run against its baseline: every metric, artifact and cell output, once."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import TypeVar

from pytest_nbrepro import capture, comparers, displays, masks, timings
from pytest_nbrepro.baselines import stored_text
from pytest_nbrepro.comparers import asides, equivalence, intervals, numbers, outputs, series
from pytest_nbrepro.comparers.base import part
from pytest_nbrepro.model import (
    Artifact,
    ArtifactRule,
    Baseline,
    Check,
    CheckStatus,
    Masking,
    Metric,
    MetricRule,
    Run,
    RunStatus,
    Spec,
    Verdict,
)
from pytest_nbrepro.notebook import Cell, Notebook

_Rule = TypeVar("_Rule", MetricRule, ArtifactRule)
_WILD = frozenset("*?[")
NOTHING = "ran, nothing to check"
_SILENT = f"{NOTHING}: it prints nothing, shows nothing and writes nothing"
_TIMED = f"{NOTHING}: all that it gives is set aside, being timings by their names"


def judge(
    run: Run,
    executed: Notebook,
    baseline: Baseline | None,
    accepted: Notebook | None,
    spec: Spec,
    hidden: capture.Hidden,
) -> Verdict:
    """Judge a run.

    Args:
        run: the run.
        executed: its executed copy.
        baseline: the accepted values; None where there are none yet: then everything is new.
        accepted: the baseline's executed copy.
        spec: the annotation.
        hidden: what means nothing in the text of this run.
    """
    if run.status is not RunStatus.COMPLETED:
        message = run.error.message if run.error else "it did not end well, and left no word why"
        cell = run.error.cell if run.error else None
        check = Check("run", str(run.status), CheckStatus.ERROR, message=message, cell=cell)
        return Verdict((check,), first_cell=cell, notes=run.notes)
    checks = [
        *_metrics(run, baseline, spec),
        *_artifacts(run, baseline, spec, hidden),
        *_outputs(run, executed, baseline, accepted, spec, hidden),
    ]
    notes = run.notes
    if all(check.status is CheckStatus.ASIDE for check in checks):
        notes = (*notes, _TIMED if checks else _SILENT)
    return Verdict(tuple(checks), _first_cell(checks), notes)


def rule_for(name: str, rules: Sequence[_Rule]) -> _Rule | None:
    """Return the rule for a name: the one that names it, else the last whose pattern matches."""
    exact = [rule for rule in rules if rule.pattern == name]
    matching = exact or [rule for rule in rules if fnmatchcase(name, rule.pattern)]
    return matching[-1] if matching else None


def accepted_metrics(run: Run, rules: Sequence[MetricRule]) -> dict[str, Metric]:
    """Return the metrics of a run as a baseline keeps them: their steps only where these are compared."""
    wanted = {name: rule_for(name, rules) for name in run.metrics}
    series = {name for name, rule in wanted.items() if rule is not None and rule.series}
    return {
        name: metric if name in series else dataclasses.replace(metric, steps=())
        for name, metric in run.metrics.items()
    }


def without_xfail(spec: Spec) -> Spec:
    """Return a spec in which no check is expected to fail."""
    metrics = tuple(dataclasses.replace(rule, xfail=None) for rule in spec.metrics)
    artifacts = tuple(dataclasses.replace(rule, xfail=None) for rule in spec.artifacts)
    return dataclasses.replace(spec, metrics=metrics, artifacts=artifacts)


def without_rules(spec: Spec, run: Run) -> Spec:
    """Return a spec that only holds two runs against each other: its limits, not what it demands of a run."""
    spec = without_xfail(spec)
    lost = set(_declared(spec.metrics)) - run.metrics.keys()
    gone = set(_declared(spec.artifacts)) - run.artifacts.keys()
    metrics = tuple(
        dataclasses.replace(rule, min=None, max=None) for rule in spec.metrics if rule.pattern not in lost
    )
    artifacts = tuple(rule for rule in spec.artifacts if rule.pattern not in gone)
    return dataclasses.replace(spec, metrics=metrics, artifacts=artifacts)


def _declared(rules: Sequence[_Rule]) -> list[str]:
    """Return the names that rules name outright; a run must have them."""
    return [rule.pattern for rule in rules if not rule.ignore and not _WILD & set(rule.pattern)]


def _metrics(run: Run, baseline: Baseline | None, spec: Spec) -> Iterator[Check]:
    rules = spec.metrics
    accepted = baseline.metrics if baseline else {}
    alpha = alpha_for(accepted, rules, run.metrics)
    for name in _names(run.metrics, accepted, rules):
        rule = rule_for(name, rules) or MetricRule(name)
        if rule.ignore:
            continue
        result, wanted = run.metrics.get(name), accepted.get(name)
        if result is None:
            check = _lost("metric", name, known=wanted is not None, flag=name in run.flags)
            yield dataclasses.replace(check, overlay=_tag(baseline, "metric", name))
        elif wanted is None:
            message = f"{result.value!r} has no baseline"
            if is_set_aside(name, result, rules):
                message += f"; {asides.REASON}"
            yield Check("metric", name, CheckStatus.NEW, message=message, cell=result.cell)
        else:
            check = compare_metric(name, wanted, result, spec, alpha)
            tag = _tag(baseline, "metric", name)
            yield _expected(dataclasses.replace(check, cell=result.cell, overlay=tag), rule.xfail)


def alpha_for(
    accepted: Mapping[str, Metric], rules: Sequence[MetricRule], results: Mapping[str, Metric]
) -> float:
    """Return the chance of a false alarm that each value may have that is held against an interval."""
    return intervals.share(sum(_statistical(accepted, rules, results)))


def _statistical(
    accepted: Mapping[str, Metric], rules: Sequence[MetricRule], results: Mapping[str, Metric]
) -> Iterator[int]:
    """Yield for each metric that is held against an interval how many values of it are."""
    for name, wanted in accepted.items():
        rule = rule_for(name, rules) or MetricRule(name)
        varies = rule.margin is None and intervals.varies(wanted)
        if not rule.ignore and varies and not is_set_aside(name, wanted, rules):
            yield max(len(results[name].samples) if name in results else 0, 1)


def is_set_aside(name: str, metric: Metric, rules: Sequence[MetricRule]) -> bool:
    """Tell whether a metric is none to compare: a float that is called like a timing, which no rule names."""
    timed = metric.dtype.startswith("float") and timings.is_timing(name)
    return timed and not timings.named(name, [rule.pattern for rule in rules])


def _moved(check: Check, wanted: Metric, result: Metric, rule: MetricRule) -> bool:
    """Tell whether a metric is another number, in the range that it may have."""
    finite = math.isfinite(wanted.value) and math.isfinite(result.value)
    return check.status is CheckStatus.DRIFT and finite and not numbers.out_of_range(result.value, rule)


def compare_metric(name: str, wanted: Metric, result: Metric, spec: Spec, alpha: float) -> Check:
    """Compare a metric in the way that the annotation asks for, or set it aside; never raises.

    Args:
        name: of the metric.
        wanted: the accepted one.
        result: that of the run.
        spec: the annotation.
        alpha: see `alpha_for`.
    """
    rule = rule_for(name, spec.metrics) or MetricRule(name)
    check = _compared(name, wanted, result, rule, spec.runs, alpha)
    if _moved(check, wanted, result, rule) and is_set_aside(name, wanted, spec.metrics):
        return part("metric", name, asides.outcome(1, check.worst))
    return check


def _compared(name: str, wanted: Metric, result: Metric, rule: MetricRule, runs: int, alpha: float) -> Check:
    """Compare a metric in the way that the annotation asks for."""
    if rule.series:
        return series.compare_series(name, wanted, result, rule)
    if runs == 1:
        return numbers.compare_metric(name, wanted, result, rule)
    if not wanted.samples:
        message = f"the baseline holds one run, the annotation asks for {runs}: accept it again"
        return Check("metric", name, CheckStatus.STRUCTURE, message=message, n=1, bad=1)
    if rule.margin is not None:
        return equivalence.compare_equivalent(name, wanted, result, rule, rule.margin)
    return intervals.compare_sampled(name, wanted, result, rule, alpha)


def _artifacts(run: Run, baseline: Baseline | None, spec: Spec, hidden: capture.Hidden) -> Iterator[Check]:
    accepted = baseline.artifacts if baseline else {}
    for name in _names(run.artifacts, accepted, spec.artifacts):
        rule = rule_for(name, spec.artifacts) or ArtifactRule(name)
        if rule.ignore:
            continue
        result, wanted = run.artifacts.get(name), accepted.get(name)
        if result is None:
            kind = wanted.kind if wanted else "artifact"
            check = _lost(kind, name, known=wanted is not None, cell=_cell_of(name, run))
            yield dataclasses.replace(check, overlay=_tag(baseline, "artifact", name))
        elif baseline is None or wanted is None:
            message = f"{result.bytes:,} bytes have no baseline"
            if "undecodable" in result.schema:
                message += f", and cannot be read: {result.schema['undecodable']}"
            yield Check(result.kind, name, CheckStatus.NEW, message=message, cell=result.cell)
        else:
            rule = dataclasses.replace(with_masks(rule, result, hidden.masks), days=hidden.days)
            check = comparers.compare(wanted, baseline.folder_of(name), result, run.folder, rule)
            tag = _tag(baseline, "artifact", name)
            yield _expected(dataclasses.replace(check, cell=result.cell, overlay=tag), rule.xfail)


def _tag(baseline: Baseline | None, kind: str, name: str) -> str:
    """Return the tag of the overlay that an accepted value is from, "" for the common baseline."""
    return baseline.origins.get((kind, name), "") if baseline is not None else ""


def with_masks(rule: ArtifactRule, artifact: Artifact, outputs: Masking) -> ArtifactRule:
    """Return the rule for an artifact with the masks of `outputs` too, where a cell shows it; what is off is off."""
    if artifact.cell is None:
        return rule
    own = rule.masks
    return dataclasses.replace(rule, masks=Masking(outputs.off | own.off, (*outputs.own, *own.own)))


def _names(
    present: Mapping[str, object], accepted: Mapping[str, object], rules: Sequence[_Rule]
) -> list[str]:
    return list(dict.fromkeys([*accepted, *present, *_declared(rules)]))


def _cell_of(name: str, run: Run) -> int | None:
    """Return the cell that would have shown a rich output named by its cell's id."""
    cell_id = name.removeprefix("cell:").split("#", maxsplit=1)[0]
    return next((cell.index for cell in run.cells if cell.id == cell_id), None)


def _lost(kind: str, name: str, *, known: bool, cell: int | None = None, flag: bool = False) -> Check:
    message = (
        "the baseline has it, this run does not" if known else "the annotation names it, the run has none"
    )
    if flag:
        message += ": it is a flag of the notebook, and a printed flag is no metric"
    return Check(kind, name, CheckStatus.LOST, message=message, cell=cell)


def _expected(check: Check, reason: str | None) -> Check:
    """Turn a check that is expected to fail round; strict: one that does not fail, fails."""
    if reason is None:
        return check
    status = CheckStatus.XPASS if check.status.ok else CheckStatus.XFAIL
    word = "passes, though expected to fail" if check.status.ok else "fails as expected"
    return dataclasses.replace(check, status=status, message=f"{word}: {reason}")


# ---------------------------------------------------------------------------------------------------
# Cell outputs


def _outputs(
    run: Run,
    executed: Notebook,
    baseline: Baseline | None,
    accepted: Notebook | None,
    spec: Spec,
    hidden: capture.Hidden,
) -> Iterator[Check]:
    if spec.outputs.ignore:
        return
    if baseline is not None and accepted is None:
        message = "the baseline has no executed copy: accept the case again"
        yield Check("output", "all cells", CheckStatus.ERROR, message=message)
        return
    for mine, theirs in align(executed.code, accepted.code if accepted else ()):
        if mine is not None and capture.IGNORE_TAG in mine.tags:
            continue
        result, hits = capture.cell_text(mine, run.metrics, hidden) if mine else ("", {})
        wanted = hidden.apply(stored_text(theirs))[0] if theirs else ""  # by masks that are new, too
        index = mine.index if mine else None
        name = executed.label(mine.index) if mine else _their_label(theirs, accepted)
        if not result and not wanted:
            continue
        tag = _tag(baseline, "output", theirs.id) if theirs else ""
        check = _text(name, wanted, result, hits, spec)
        why = displays.untaken(mine) if mine else []
        message = "; ".join(filter(None, [*why, check.message]))
        yield dataclasses.replace(check, cell=index, overlay=tag, message=message)


def _text(name: str, wanted: str, result: str, hits: Mapping[str, int], spec: Spec) -> Check:
    """Return the check for the text of a cell, at least one side of which is not empty."""
    if not wanted:
        return Check("output", name, CheckStatus.NEW, message=_with(_extract(result), hits))
    if not result:
        return Check("output", name, CheckStatus.LOST, message=_extract(wanted))
    outcome = outputs.compare_text(wanted, result, spec.outputs.limits)
    allow = f"outputs: {outcome.allow}" if outcome.allow else None
    return dataclasses.replace(
        part("output", name, outcome), allow=allow, message=_with(outcome.message, hits)
    )


def align(mine: Sequence[Cell], theirs: Sequence[Cell]) -> list[tuple[Cell | None, Cell | None]]:
    """Pair the code cells of two notebooks: by id, then by equal source; the others stay alone.

    Returns:
        Pairs in the order of `mine`; cells that only `theirs` has come last.
    """
    by_id = {cell.id: cell for cell in theirs}
    taken = {cell.id for cell in mine if cell.id in by_id}
    by_source: dict[str, list[Cell]] = {}
    for cell in theirs:
        if cell.id not in taken:
            by_source.setdefault(cell.source, []).append(cell)
    pairs: list[tuple[Cell | None, Cell | None]] = []
    for cell in mine:
        partner = by_id.get(cell.id)
        if partner is None and by_source.get(cell.source):
            partner = by_source[cell.source].pop(0)
            taken.add(partner.id)
        pairs.append((cell, partner))
    return pairs + [(None, cell) for cell in theirs if cell.id not in taken]


def _their_label(cell: Cell | None, accepted: Notebook | None) -> str:
    return f"{accepted.label(cell.index)} of the baseline" if cell and accepted else ""


def _with(message: str, hits: Mapping[str, int]) -> str:
    """Return a message and, behind it, what masks hid."""
    return "; ".join(filter(None, (message, masks.told(hits))))


def _extract(text: str) -> str:
    line = text.strip().splitlines()[0] if text.strip() else ""
    return repr(line if len(line) <= 60 else line[:59] + "…")


def _first_cell(checks: Sequence[Check]) -> int | None:
    cells = [check.cell for check in checks if not check.status.ok and check.cell is not None]
    return min(cells, default=None)
