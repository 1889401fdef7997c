"""From checked keys to a spec, and what can only be checked across several keys."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pytest_nbrepro.errors import nearest
from pytest_nbrepro.masks import MASKS
from pytest_nbrepro.model import ArtifactRule, Masking, MetricRule, OutputsRule, OwnMask, Spec
from pytest_nbrepro.schema import ArtifactKeys, MaskKeys, MetricKeys, OutputKeys, SpecKeys
from pytest_nbrepro.sources import Fault, KeyPath

_WILD = frozenset("*?[")


def across(merged: Mapping[Any, Any]) -> list[Fault]:
    """Return what is wrong between the keys of a merged annotation; single values may have faults."""
    return [*_mask_faults(merged), *_faults_of_metrics(merged)]


def _mask_faults(merged: Mapping[Any, Any]) -> Iterator[Fault]:
    """Yield what is wrong with the names of masks; a mask of one's own has a name of its own."""
    artifacts = merged.get("artifacts")
    rules = artifacts.items() if isinstance(artifacts, Mapping) else ()
    places = {("artifacts", pattern): rule for pattern, rule in rules} | {("outputs",): merged.get("outputs")}
    for path, rule in places.items():
        chosen = rule.get("masks") if isinstance(rule, Mapping) else None
        for name, value in chosen.items() if isinstance(chosen, Mapping) else ():
            place = (*path, "masks", name)
            if name in MASKS and isinstance(value, Mapping):
                yield Fault(
                    place,
                    "is a mask of nbrepro",
                    "give yours another name; the word off switches this one off",
                )
            elif name not in MASKS and value in ("off", "on"):
                yield Fault(place, "unknown mask", nearest(str(name), MASKS))
            elif isinstance(value, Mapping):
                yield from _own_faults(place, value)


def _own_faults(place: KeyPath, mask: Mapping[Any, Any]) -> Iterator[Fault]:
    """Yield what is wrong with a mask of one's own as a whole; each of its values may have faults besides."""
    if "regex" not in mask:
        yield Fault(place, "has no 'regex', which says what is hidden")
        return
    try:
        pattern = re.compile(mask["regex"])
    except (re.error, TypeError, RecursionError, OverflowError):  # told already
        return
    try:
        pattern.sub(mask.get("replace", ""), "")
    except (re.error, IndexError) as error:
        yield Fault((*place, "replace"), f"does not fit its regex: {error}")
    except TypeError:  # no text: told already
        return


def _faults_of_metrics(merged: Mapping[Any, Any]) -> list[Fault]:
    metrics = merged.get("metrics")
    known = metrics if isinstance(metrics, Mapping) else {}
    rules = [(name, rule) for name, rule in known.items() if isinstance(rule, Mapping)]
    faults = [fault for name, rule in rules for fault in _metric_faults(name, rule)]
    return [*faults, *_run_faults(merged, rules)]


def _run_faults(merged: Mapping[Any, Any], rules: Sequence[tuple[Any, Mapping[Any, Any]]]) -> Iterator[Fault]:
    """Yield what is wrong between the numbers of runs and what needs them."""
    runs, new_runs = (_number(merged.get(key)) or 1 for key in ("runs", "new_runs"))
    if new_runs > 1 and runs == 1:
        yield Fault(("new_runs",), "needs 'runs', a baseline of several runs to be compared with")
    for name, rule in rules:
        if runs > 1 and rule.get("series") is True:
            what = "does not go with 'runs': a statistical baseline holds single values"
            yield Fault(("metrics", name, "series"), what)
        if new_runs == 1 and "margin" in rule:
            what = "needs 'new_runs': one run cannot show that two means differ by less"
            yield Fault(("metrics", name, "margin"), what)


def _metric_faults(name: Any, rule: Mapping[Any, Any]) -> Iterator[Fault]:
    path = ("metrics", name)
    if "flips" in rule and "of" not in rule:
        yield Fault((*path, "flips"), "needs 'of', the number of cases that the metric is a share of")
    low, high = _number(rule.get("min")), _number(rule.get("max"))
    if low is not None and high is not None and low > high:
        last = max(("min", "max"), key=list(rule).index)
        yield Fault((*path, last), f"'min' is greater than 'max': {low} > {high}")
    if "margin" in rule and rule["margin"] in ({}, None):
        yield Fault((*path, "margin"), "needs 'rel' or 'abs'")
    if "value" in rule and not _WILD.isdisjoint(str(name)):
        yield Fault((*path, "value"), f"needs the name of one metric, {name!r} is a pattern")
    if "value" in rule and rule.get("series") is True:
        yield Fault((*path, "series"), "needs a printed metric, 'value' gives one number alone")


def _number(value: Any) -> float | None:
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def settled(merged: Mapping[Any, Any]) -> Spec:
    """Return the spec of a merged annotation that has no faults."""
    keys = SpecKeys.model_validate(merged)
    return Spec(
        flags=keys.flags,
        cases=keys.cases,
        matrix=keys.matrix,
        metrics=tuple(_metric(pattern, rule) for pattern, rule in keys.metrics.items()),
        artifacts=tuple(_artifact(pattern, rule) for pattern, rule in keys.artifacts.items()),
        outputs=_outputs(keys.outputs),
        inputs=keys.inputs,
        seed=keys.seed,
        env=keys.env,
        kernel=keys.kernel,
        timeout=keys.timeout,
        cell_timeout=keys.cell_timeout,
        memory=keys.memory,
        xfail=keys.xfail,
        marks=keys.marks,
        runs=keys.runs,
        new_runs=keys.new_runs,
    )


def _outputs(keys: OutputKeys | None) -> OutputsRule:
    if keys is None:
        return OutputsRule(ignore=True)
    return OutputsRule(limits=keys.limits(), masks=_masking(keys.masks))


def _masking(masks: Mapping[str, MaskKeys | None]) -> Masking:
    own = tuple(
        OwnMask(name, mask.regex, f"<{name}>".replace("\\", r"\\") if mask.replace is None else mask.replace)
        for name, mask in masks.items()
        if mask is not None and mask.regex is not None
    )
    return Masking(frozenset(name for name, mask in masks.items() if mask is None), own)


def _metric(pattern: str, keys: MetricKeys | None) -> MetricRule:
    if keys is None:
        return MetricRule(pattern, ignore=True)
    return MetricRule(
        pattern,
        limits=keys.limits(),
        of=keys.of,
        flips=keys.flips,
        better=keys.better,
        min=keys.min,
        max=keys.max,
        value=keys.value,
        margin=keys.margin.limits() if keys.margin else None,
        series=keys.series,
        xfail=keys.xfail,
    )


def _artifact(pattern: str, keys: ArtifactKeys | None) -> ArtifactRule:
    if keys is None:
        return ArtifactRule(pattern, ignore=True)
    columns = {name: limits.limits() for name, limits in keys.columns.items() if limits is not None}
    return ArtifactRule(
        pattern,
        limits=keys.limits(),
        columns=columns,
        ignore_columns=tuple(name for name, limits in keys.columns.items() if limits is None),
        key=keys.key,
        order=keys.order,
        tile=keys.tile,
        numbers=keys.numbers.limits() if keys.numbers else None,
        masks=_masking(keys.masks),
        xfail=keys.xfail,
    )
