"""How far two runs are apart in one thing, in every unit that a limit may have, and not only by the present limit."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path

from pytest_nbrepro import comparers
from pytest_nbrepro.comparers import numbers, outputs, series
from pytest_nbrepro.comparers.numbers import Limit
from pytest_nbrepro.model import (
    Artifact,
    ArtifactRule,
    Check,
    CheckStatus,
    Limits,
    Metric,
    MetricRule,
    Number,
)

_SHARE, _UNIT = Limits(rel=1.0, abs=0.0), Limits(rel=0.0, abs=1.0)  # what is used of them is rel, and abs
_NUMBERS = {CheckStatus.EQUAL, CheckStatus.WITHIN, CheckStatus.DRIFT}  # all else is no matter of limits
_PICTURES = {"image", "pdf"}


@dataclass(frozen=True)
class Gap:
    """The differences between two runs in one thing; 0 where there are none, infinite where no limit would do."""

    rel: float = 0.0  # the largest |difference| / |value|
    abs: float = 0.0  # the largest |difference|
    default: float = 0.0  # of the limits that hold where nothing is said, how many times
    used: float = 0.0  # of the present limits
    tile: float = 0.0  # pictures: share of the worst tile's pixels that differ
    what: str = ""  # in words, where it is more than numbers that differ

    @property
    def equal(self) -> bool:
        """Whether nothing differs that is compared."""
        return self == Gap()


def _other(what: str) -> Gap:
    inf = math.inf
    return Gap(inf, inf, inf, inf, inf, what)


def of_metrics(one: Metric | None, other: Metric | None, rule: MetricRule) -> Gap:
    """Return how far two values of a metric are apart, or its series step by step; None stands for none."""
    if one is None or other is None:
        return Gap() if one is other else _other("only some of the runs have it")
    if one.dtype != other.dtype:
        return _other(f"dtype {one.dtype} -> {other.dtype}")
    rule = replace(rule, min=None, max=None, better=None, xfail=None)
    compare = series.compare_series if rule.series else numbers.compare_metric
    present = compare(rule.pattern, one, other, rule)
    pairs = _pairs(one, other) if rule.series else [(one.value, other.value)]
    if present.status not in _NUMBERS:
        return _other(present.message)
    if not all(map(_comparable, pairs)):
        return _other("only some of the runs have NaN or infinity in it")
    return Gap(
        rel=_most(pairs, Limit("float", rel=1.0)),
        abs=_most(pairs, Limit("float", abs=1.0)),
        default=_most(pairs, numbers.resolve(Limits(), one.dtype)),
        used=_used(present),
    )


def _pairs(one: Metric, other: Metric) -> list[tuple[Number, Number]]:
    return [(old, new) for (_, old), (_, new) in zip(series.steps(one), series.steps(other), strict=True)]


def _comparable(pair: tuple[Number, Number]) -> bool:
    return numbers.used(*pair, Limit("float", abs=1.0)) == 0 or not any(map(numbers.not_finite, pair))


def _most(pairs: list[tuple[Number, Number]], limit: Limit) -> float:
    return max(numbers.used(old, new, limit) for old, new in pairs)


def of_texts(one: str, other: str, limits: Limits) -> Gap:
    """Return how far the texts of a cell are apart, masks already applied."""
    if one == other:
        return Gap()
    probes = [outputs.compare_text(one, other, tried).used for tried in (_SHARE, _UNIT, Limits(), limits)]
    rel, unit, default, used = (math.inf if value is None else value for value in probes)
    what = "" if math.isfinite(unit) else "more than numbers differs"
    return Gap(rel, unit, default, used, what=what)


def of_artifacts(
    one: Artifact | None, one_folder: Path, other: Artifact | None, other_folder: Path, rule: ArtifactRule
) -> Gap:
    """Return how far an artifact of two runs is apart; None stands for none.

    Limits of single columns are no part of a rule that is tried out, what the rule leaves out stays left out.

    Args:
        one: the artifact of one run.
        one_folder: the folder of that run.
        other: the artifact of the other.
        other_folder: the folder of that run.
        rule: limits and modes.
    """
    if one is None or other is None:
        return Gap() if one is other else _other("only some of the runs have it")

    def tried(rule: ArtifactRule) -> Check:
        return comparers.compare(one, one_folder, other, other_folder, rule)

    def limited(limits: Limits) -> float:
        return _used(tried(replace(rule, limits=limits, columns={}, numbers=limits)))

    present = tried(replace(rule, xfail=None))
    if present.status in {CheckStatus.EQUAL, CheckStatus.ASIDE} or (
        present.status is CheckStatus.WITHIN and present.used == 0
    ):
        return Gap()
    if present.status not in _NUMBERS:
        return _other(present.message or str(present.status))
    if one.kind in _PICTURES:
        share = _used(tried(replace(rule, tile=1.0)))
        return Gap(used=_used(present), tile=share) if math.isfinite(share) else _other(present.message)
    found = Gap(limited(_SHARE), limited(_UNIT), limited(Limits()), _used(present))
    return found if math.isfinite(found.abs) else replace(found, what=present.message or "it differs")


def _used(check: Check) -> float:
    return math.inf if check.used is None or math.isnan(check.used) else check.used
