"""How much of the limits that an annotation sets the runs of a case ever used."""

from __future__ import annotations

import contextlib
import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pytest_nbrepro import baselines, notebook, verdict
from pytest_nbrepro.assessment import environment_of
from pytest_nbrepro.capture import Hidden
from pytest_nbrepro.cli.site import Site
from pytest_nbrepro.comparers.base import merged, pattern_for
from pytest_nbrepro.comparers.numbers import resolve, short
from pytest_nbrepro.errors import NbreproError
from pytest_nbrepro.index import Index
from pytest_nbrepro.model import (
    ArtifactRule,
    Baseline,
    Case,
    Check,
    CheckStatus,
    Limits,
    MetricRule,
    Run,
    RunStatus,
)
from pytest_nbrepro.store import EXECUTED, Store

FEWEST, MOST = 5, 20
"""Runs that a word about a limit rests on at least; of more, the newest ones."""
_LITTLE = 0.01  # of a limit
_COLUMNS = frozenset(
    {"column", "member", "dataset", "attribute", "group", "tensor"}
)  # parts that have limits by name
_NO_LIMITS = Limits()
_COMPARED = frozenset({CheckStatus.EQUAL, CheckStatus.WITHIN})


@dataclass(frozen=True)
class _Set:
    """A limit that an annotation sets: on a metric, an artifact, some of its columns, or the text of cells."""

    kind: str
    name: str
    limits: Limits = _NO_LIMITS
    pattern: str | None = None  # of columns
    flips: int = 0
    tile: float = 0.0
    floor: float = 0.0  # the default of `rel`: a tighter one is never suggested
    rule: ArtifactRule | None = None  # that of an artifact


def unused(case: Case, baseline: Baseline, site: Site) -> Iterator[tuple[str, str, str]]:
    """Yield the limits of which the stored runs never used more than a hundredth: kind, name, and what to say.

    Raises:
        NbreproError: the store or the baseline's executed copy cannot be read.
    """
    wanted = list(_sets(case, baseline))
    if not wanted:
        return
    found: dict[int, list[float]] = defaultdict(list)
    for run in _runs(case, Store(site.store)):
        try:
            checks = _checks(case, run, site)
        except (
            NbreproError,
            OSError,
            ValueError,
        ):  # it is being deleted, or was never whole: it says nothing
            continue
        for number, each in enumerate(wanted):
            used = _used(each, checks)
            if used is not None:
                found[number].append(used)
    for number, each in enumerate(wanted):
        used_by = found[number]
        told = _told(each, max(used_by), len(used_by)) if len(used_by) >= FEWEST else ""
        if told:
            yield each.kind, each.name, told


def _runs(case: Case, store: Store) -> list[Run]:
    """Return the newest completed runs of a case; records that cannot be read are left out."""
    index, found = Index(store), []
    for run_id in reversed(store.ids()):
        with contextlib.suppress(NbreproError):
            run = index.read(run_id)
            wanted = (case.notebook, case.name, RunStatus.COMPLETED)
            if run is not None and (run.notebook, run.case, run.status) == wanted:
                found.append(store.read(run_id))
        if len(found) == MOST:
            break
    index.save()
    return found


def _checks(case: Case, run: Run, site: Site) -> Sequence[Check]:
    """Judge a run against what is accepted where it was made."""
    tags = baselines.tags_of(environment_of(run))
    baseline = baselines.read_merged(site.baselines / case.folder, tags)
    accepted = baselines.copy_of(baseline) if baseline is not None else None
    hidden = Hidden.of(run, site.root, case.spec.outputs.masks)
    executed = notebook.read(run.folder / EXECUTED)
    return verdict.judge(run, executed, baseline, accepted, case.spec, hidden).checks


# ---------------------------------------------------------------------------------------------------
# Which limits there are


def _sets(case: Case, baseline: Baseline) -> Iterator[_Set]:
    for name, metric in baseline.metrics.items():
        rule = verdict.rule_for(name, case.spec.metrics) or MetricRule(name)
        if rule.ignore or rule.xfail or metric.samples:
            continue
        floor = resolve(Limits(), metric.dtype).rel
        if rule.of is not None:
            yield from [_Set("metric", name, flips=rule.flips)] if rule.flips else []
        elif _is_set(rule.limits, floor):
            yield _Set("metric", name, rule.limits, floor=floor)
    floor = resolve(Limits(), "float64").rel
    for name, artifact in baseline.artifacts.items():
        found = verdict.rule_for(name, case.spec.artifacts) or ArtifactRule(name)
        if not found.ignore and not found.xfail:
            yield from _of_artifact(artifact.kind, name, found, floor)
    if not case.spec.outputs.ignore and _is_set(case.spec.outputs.limits, floor):
        yield _Set("output", "all cells", case.spec.outputs.limits, floor=floor)


def _of_artifact(kind: str, name: str, rule: ArtifactRule, floor: float) -> Iterator[_Set]:
    if kind in {"image", "pdf"}:
        yield from [_Set(kind, name, tile=rule.tile)] if rule.tile else []
        return
    if kind == "text":
        yield from [_Set(kind, name, rule.numbers)] if rule.numbers and _is_set(rule.numbers, 0.0) else []
        return
    for pattern, limits in ((None, rule.limits), *rule.columns.items()):
        if _is_set(limits, floor):
            known = merged(limits, rule.limits)
            yield _Set(kind, name, known, pattern, floor=floor, rule=rule)


def _is_set(limits: Limits, floor: float) -> bool:
    """Tell whether limits are looser than what holds without them."""
    return bool(limits.abs) or (limits.rel is not None and limits.rel > floor)


# ---------------------------------------------------------------------------------------------------
# How much of them was used


def _used(each: _Set, checks: Sequence[Check]) -> float | None:
    """Return how much of a limit one run used, infinity where a check failed; None where it does not say."""
    if each.kind == "output":
        mine = [check for check in checks if check.kind == "output"]
    else:
        mine = [check for check in checks if (check.kind, check.name) == (each.kind, each.name)]
    if each.rule is not None and mine and mine[0].used != 0:
        by_column = mine[0].parts and all(part.kind in _COLUMNS for part in mine[0].parts)
        if by_column:
            mine = [part for part in mine[0].parts if pattern_for(part.name, each.rule) == each.pattern]
        elif each.rule.columns:
            return None
    return max((_share(check) for check in mine), default=None)


def _share(check: Check) -> float:
    return check.used if check.used is not None and check.status in _COMPARED else math.inf


def _told(each: _Set, most: float, runs: int) -> str:
    """Return what to say of a limit that was used so much at most; nothing where it was needed."""
    if most > _LITTLE:
        return ""
    words = f"{each.pattern}: " if each.pattern else ""
    words += _words(each, 1.0)
    if most == 0:
        return f"{words} was never used in {runs} runs: {'0' if each.flips or each.tile else 'the default'} would do"
    factor = 10.0 ** math.ceil(math.log10(2 * most))
    return f"{words} was never used above {100 * most:.2g} % in {runs} runs: {_words(each, factor)} would do"


def _words(each: _Set, factor: float) -> str:
    """Return a limit, or that share of it, as an annotation has it."""
    if each.flips:
        return f"flips {math.ceil(factor * each.flips)}"
    if each.tile:
        return f"tile {short(100 * factor * each.tile)}%"
    rel, abs_ = each.limits.rel, each.limits.abs
    words = [f"rel {short(max(factor * rel, min(rel, each.floor)))}"] if rel else []
    return ", ".join([*words, f"abs {short(factor * abs_)}"] if abs_ else words)
