"""The runs of a statistical case: as many as a test of it compares, and as many as a baseline rests on."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from pytest_nbrepro.assessment import Assessment, Places, agree, assess
from pytest_nbrepro.comparers.numbers import out_of_range
from pytest_nbrepro.model import Case, Metric, MetricRule, Number, Run, RunStatus, Task
from pytest_nbrepro.store import Store
from pytest_nbrepro.verdict import rule_for

RunCase = Callable[[Task], Run]  # executes a task


@dataclass(frozen=True)
class Sample:
    """What executing a case several times gave."""

    assessment: (
        Assessment  # of the first run, its metrics with the values of all runs; of the culprit if refused
    )
    runs: tuple[Run, ...]  # as they came
    refused: str | None = None  # why these runs make no baseline, or no test


def repeat(task: Task, run: Run, places: Places, run_case: RunCase) -> Sample:
    """Judge a run; where the annotation asks for several new ones, make them and judge all together.

    Artifacts and texts of each run are held against the baseline. The first run's record keeps the values of all, so
    that it can be judged again; those of the others tell its id.

    Raises:
        StoreError: a run cannot be kept.
    """
    case, wanted, runs = task.case, task.case.spec.new_runs, [run]
    others = _without_metrics(case)
    first = assess(others, run, places) if wanted > 1 else None
    if first is None or not _sampled(first):
        return Sample(assess(case, run, places), (run,))
    while len(runs) < wanted:
        word = f"run {len(runs) + 1} of {wanted}"
        runs.append(
            _noted(task, run_case(task.anew()), f"{word} of one test: {run.id} has the values of all")
        )
        other = assess(others, runs[-1], places)
        if fault := _beside(first, other):
            return Sample(other, tuple(runs), f"{word} {fault}")
    together = replace(run, metrics=_together(runs, first.baseline.metrics if first.baseline else {}))
    Store(task.store).write(together)
    return Sample(assess(case, together, places), tuple(runs))


def _without_metrics(case: Case) -> Case:
    return replace(case, spec=replace(case.spec, metrics=(MetricRule("*", ignore=True),), runs=1, new_runs=1))


def _sampled(first: Assessment) -> bool:
    """Tell whether there is a baseline with which several new runs can be compared."""
    known = first.baseline.metrics.values() if first.baseline else ()
    return first.run.status is RunStatus.COMPLETED and any(metric.samples for metric in known)


def _noted(task: Task, run: Run, note: str) -> Run:
    run = replace(run, notes=(*run.notes, note))
    Store(task.store).write(run)
    return run


def _beside(first: Assessment, other: Assessment) -> str:
    """Say in what a run fails that the first one passes; nothing where that is nothing."""
    if other.run.status is not RunStatus.COMPLETED:
        return "did not complete"
    shared = {(check.kind, check.name) for check in first.verdict.failed}
    names = [f"{c.kind} {c.name}" for c in other.verdict.failed if (c.kind, c.name) not in shared]
    told = f"differs from the baseline in {', '.join(names)}, where the first run does not"
    return f"{told}: {_ONLY_METRICS}" if names else ""


def _together(runs: Sequence[Run], accepted: Mapping[str, Metric]) -> dict[str, Metric]:
    """Return the metrics of the first run with the values of all.

    One that the baseline has and some run lacks is left out, so that it is lost; one with another dtype in some run has
    that one.
    """
    found: dict[str, Metric] = {}
    for name in dict.fromkeys(name for run in runs for name in run.metrics):
        there = [run.metrics[name] for run in runs if name in run.metrics]
        if name in accepted and len(there) < len(runs):
            continue
        wanted = accepted.get(name, there[0]).dtype
        metric = next((metric for metric in there if metric.dtype != wanted), there[0])
        found[name] = replace(metric, samples=tuple(metric.value for metric in there))
    return found


_ONLY_METRICS = "with `runs`, only metrics may vary: ignore the others in the annotation, or seed them"


def sample(task: Task, first: Assessment, places: Places, run_case: RunCase, made: Sequence[Run]) -> Sample:
    """Execute a case as often as its annotation asks for a baseline.

    Metrics may vary. Artifacts and texts must agree within their limits: there is no distribution of files.

    Args:
        task: what to run.
        first: the first run, judged.
        places: where things are.
        run_case: executes a task.
        made: the runs that there are already, the first one included.

    Raises:
        StoreError: a run cannot be kept.
    """
    wanted, runs = task.case.spec.runs, [made[0]]
    if wanted == 1:
        return Sample(first, tuple(made))
    others = _without_metrics(task.case)
    while len(runs) < wanted:
        run = made[len(runs)] if len(runs) < len(made) else run_case(task.anew())
        runs.append(run)
        other = agree(others, first, run, places)
        if not other.verdict.ok:
            all_runs = (*runs, *made[len(runs) :])
            return Sample(other, all_runs, _disagreement(other, len(runs), wanted))
    all_runs = (*runs, *made[len(runs) :])
    fault = next(_faults(runs, task.case.spec.metrics), None)
    if fault is not None:
        return Sample(first, all_runs, f"{fault}: no baseline")
    metrics = {name: replace(metric, samples=_values(name, runs)) for name, metric in made[0].metrics.items()}
    return Sample(replace(first, run=replace(first.run, metrics=metrics)), all_runs)


def _values(name: str, runs: Sequence[Run]) -> tuple[Number, ...]:
    """Return the values of a metric; none where a run lacks it, which only an ignored one may."""
    found = [run.metrics[name].value for run in runs if name in run.metrics]
    return tuple(found) if len(found) == len(runs) else ()


def _disagreement(other: Assessment, number: int, wanted: int) -> str:
    if other.run.status is not RunStatus.COMPLETED:
        return f"run {number} of {wanted} did not complete: no baseline"
    names = ", ".join(f"{check.kind} {check.name}" for check in other.verdict.failed)
    return f"run {number} of {wanted} differs from the first in {names}: no baseline; {_ONLY_METRICS}"


def _faults(runs: Sequence[Run], rules: Sequence[MetricRule]) -> Iterator[str]:
    """Yield why metrics of several runs cannot be held together."""
    for name in dict.fromkeys(name for run in runs for name in run.metrics):
        rule = rule_for(name, rules) or MetricRule(name)
        if not rule.ignore:
            yield from _metric_faults(name, [run.metrics.get(name) for run in runs], rule)


def _metric_faults(name: str, found: Sequence[Metric | None], rule: MetricRule) -> Iterator[str]:
    there = [metric for metric in found if metric is not None]
    first = there[0]
    for number, metric in enumerate(found, 1):
        which = f"run {number} of {len(found)}"
        if metric is None:
            yield f"the metric {name} is missing in {which}"
        elif metric.dtype != first.dtype:
            yield f"the metric {name} is of dtype {metric.dtype} in {which}, and {first.dtype} before"
        elif outside := out_of_range(metric.value, rule):
            yield f"the metric {name} is {metric.value!r} in {which}, outside {outside}"
        elif _not_finite(metric.value) != _not_finite(first.value):
            yield f"the metric {name} is {metric.value!r} in {which}, and {first.value!r} before"


def _not_finite(value: Number) -> str:
    """Return what a value is that is no finite number; nothing for one that is."""
    return repr(value) if isinstance(value, float) and not math.isfinite(value) else ""
