"""The runs of a statistical baseline: a case executed `runs` times, and what must agree among them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from pytest_nbrepro.assessment import Assessment, Places, agree
from pytest_nbrepro.comparers.numbers import out_of_range
from pytest_nbrepro.model import Metric, MetricRule, Number, Run, RunStatus, Task
from pytest_nbrepro.verdict import rule_for


@dataclass(frozen=True)
class Sample:
    """What executing a case several times gave."""

    assessment: (
        Assessment  # of the first run, its metrics with the values of all runs; of the culprit if refused
    )
    runs: int
    refused: str | None = None  # why these runs make no baseline


def sample(task: Task, first: Assessment, places: Places, run_case: Callable[[Task], Run]) -> Sample:
    """Execute a case as often as its annotation asks, the first run included.

    Metrics may vary. Artifacts and texts must agree within their limits: there is no distribution of files.

    Raises:
        StoreError: a run cannot be kept.
    """
    wanted, runs = task.case.spec.runs, [first.run]
    if wanted == 1:
        return Sample(first, 1)
    without_metrics = replace(task.case.spec, metrics=(MetricRule("*", ignore=True),), runs=1)
    while len(runs) < wanted:
        run = run_case(task)
        runs.append(run)
        other = agree(replace(task.case, spec=without_metrics), first, run, places)
        if not other.verdict.ok:
            return Sample(other, len(runs), _disagreement(other, len(runs), wanted))
    fault = next(_faults(runs, task.case.spec.metrics), None)
    if fault is not None:
        return Sample(first, wanted, f"{fault}: no baseline")
    metrics = {
        name: replace(metric, samples=_values(name, runs)) for name, metric in first.run.metrics.items()
    }
    return Sample(replace(first, run=replace(first.run, metrics=metrics)), wanted)


def _values(name: str, runs: Sequence[Run]) -> tuple[Number, ...]:
    """Return the values of a metric; none where a run lacks it, which only an ignored one may."""
    found = [run.metrics[name].value for run in runs if name in run.metrics]
    return tuple(found) if len(found) == len(runs) else ()


def _disagreement(other: Assessment, number: int, wanted: int) -> str:
    if other.run.status is not RunStatus.COMPLETED:
        return f"run {number} of {wanted} did not complete: no baseline"
    names = ", ".join(f"{check.kind} {check.name}" for check in other.verdict.failed)
    return (
        f"run {number} of {wanted} differs from the first in {names}: no baseline; with `runs`, only metrics may "
        "vary: ignore the others in the annotation, or seed them"
    )


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
