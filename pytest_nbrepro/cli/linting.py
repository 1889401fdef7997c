"""Limits that check nothing, that no run ever came near, and what a sketch cannot show."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from pytest_nbrepro.cli.site import Site
from pytest_nbrepro.cli.usage import unused
from pytest_nbrepro.comparers import numbers, sketches
from pytest_nbrepro.comparers.perturbing.sketches import blind_spot
from pytest_nbrepro.model import ArtifactRule, Baseline, Case, Limits, Metric, MetricRule
from pytest_nbrepro.verdict import rule_for

_WIDE = 0.1  # a `rel` from which on nothing much is checked
_WIDE_TILE = 0.5  # the same for `tile`


@dataclass(frozen=True)
class Lint:
    """What is odd about a limit, or about what is kept; `wide` limits check nothing."""

    case: str
    kind: str
    name: str
    lint: str
    wide: bool
    overlay: str = ""  # the tag of the overlay that has the value


_Told = tuple[str, str, str]


def lints(case: Case, baseline: Baseline, tag: str = "") -> Iterator[Lint]:
    """Yield limits too wide to check anything.

    Args:
        case: the case.
        baseline: its baseline, or one of its overlays.
        tag: that of the overlay.
    """
    limits = case.spec.outputs.limits
    outputs = () if tag else _wide("output", "all cells", limits)
    for kind, name, told in (*_metrics(case, baseline), *_artifacts(case, baseline), *outputs):
        yield Lint(case.id, kind, name, told, wide=True, overlay=tag)


def hints(case: Case, baseline: Baseline, site: Site) -> Iterator[Lint]:
    """Yield limits that no stored run came near, and what sketches cannot show.

    Raises:
        NbreproError: a sketch, the baseline's executed copy, or the store cannot be read.
    """
    for kind, name, told in (*unused(case, baseline, site), *_sketches(case, baseline)):
        yield Lint(case.id, kind, name, told, wide=False)


def _metrics(case: Case, baseline: Baseline) -> Iterator[_Told]:
    for name, metric in baseline.metrics.items():
        rule = rule_for(name, case.spec.metrics) or MetricRule(name)
        if rule.ignore:
            continue
        yield from _wide("metric", name, rule.limits)
        size = abs(metric.value)
        if rule.limits.abs is not None and size and rule.limits.abs >= size:
            yield "metric", name, f"abs {rule.limits.abs:g} is as large as the value"
        yield from _across(name, metric, rule)


def _across(name: str, metric: Metric, rule: MetricRule) -> Iterator[_Told]:
    """Yield a limit that reaches from one end of the hard range to the other."""
    if rule.min is None or rule.max is None or not math.isfinite(metric.value):
        return
    if rule.of is not None:
        allowed, words = rule.flips / rule.of, f"flips {rule.flips} of {rule.of}"
    else:
        limit = numbers.resolve(rule.limits, metric.dtype)
        allowed, words = limit.at(metric.value) if limit.kind == "float" else limit.abs, str(limit)
    if allowed and allowed >= rule.max - rule.min:
        yield "metric", name, f"{words} reaches across all from min {rule.min:g} to max {rule.max:g}"


def _artifacts(case: Case, baseline: Baseline) -> Iterator[_Told]:
    for name, artifact in baseline.artifacts.items():
        rule = rule_for(name, case.spec.artifacts) or ArtifactRule(name)
        if rule.ignore:
            continue
        yield from _wide(artifact.kind, name, rule.limits)
        for pattern, limits in rule.columns.items():
            yield from _wide(artifact.kind, name, limits, f"{pattern}: ")
        if rule.numbers is not None:
            yield from _wide(artifact.kind, name, rule.numbers, "numbers: ")
        if rule.tile is not None and rule.tile >= _WIDE_TILE:
            yield artifact.kind, name, f"tile {rule.tile:.0%} lets half of a picture's tile pass"


def _wide(kind: str, name: str, limits: Limits, prefix: str = "") -> Iterator[_Told]:
    if limits.rel is not None and limits.rel >= _WIDE:
        yield kind, name, f"{prefix}rel {limits.rel:g} lets a tenth or more pass"


def _sketches(case: Case, baseline: Baseline) -> Iterator[_Told]:
    for name, artifact in baseline.artifacts.items():
        rule = rule_for(name, case.spec.artifacts) or ArtifactRule(name)
        if artifact.stored == "sketch" and not rule.ignore:
            told = blind_spot(sketches.read(baseline.folder / artifact.path), rule)
            if told:
                yield artifact.kind, name, told
