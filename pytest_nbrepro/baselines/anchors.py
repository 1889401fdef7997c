"""Anchors: what a metric was when it was last meant to change, however often other values were accepted since."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pytest_nbrepro import files
from pytest_nbrepro.baselines.partial import essence
from pytest_nbrepro.baselines.reading import ANCHORS, ENVIRONMENT, SCHEMA, overlay_folders, read
from pytest_nbrepro.model import Anchor, Metric, Number


def anchors_after(
    before: Mapping[str, Metric],
    anchors: Mapping[str, Anchor],
    accepted: Mapping[str, Metric],
    *,
    intended: bool,
) -> dict[str, Anchor]:
    """Return the anchors after an acceptance: of the metrics that moved from them.

    A metric that is new, of another dtype, not finite, no number, or back at its anchor is its own.

    Args:
        before: the metrics until then.
        anchors: the anchors until then.
        accepted: the metrics from now on.
        intended: the change is meant as one, so that changed metrics begin anew.
    """
    found: dict[str, Anchor] = {}
    for name, metric in accepted.items():
        old = before.get(name)
        if old is None or old.dtype != metric.dtype or metric.dtype == "bool":
            continue
        known = anchors.get(name)
        if essence(old) == essence(metric):
            found |= {name: known} if known else {}
        elif not intended:
            anchor = known or Anchor(centre(old), 0)
            if _finite(anchor.value) and _finite(centre(metric)) and anchor.value != centre(metric):
                found[name] = Anchor(anchor.value, anchor.acceptances + 1)
    return found


def centre(metric: Metric) -> Number:
    """Return the one number that stands for a metric: of a statistical baseline the mean of its runs."""
    if not metric.samples:
        return metric.value
    try:
        return statistics.fmean(metric.samples)
    except OverflowError:  # an integer beyond the largest double
        return math.nan


def _finite(value: Number) -> bool:
    return not isinstance(value, float) or math.isfinite(value)


def with_anchors(environment: Mapping[str, Any], anchors: Mapping[str, Anchor]) -> dict[str, Any]:
    """Return an environment record that holds these anchors and no others."""
    record = {name: value for name, value in environment.items() if name != ANCHORS}
    told = {
        name: {"acceptances": anchor.acceptances, "value": files.to_json(anchor.value)}
        for name, anchor in anchors.items()
    }
    return {**record, ANCHORS: told} if told else record


def drifted(folder: Path) -> list[Path]:
    """Return the folders of the baseline in `folder`, and of its overlays, that hold anchors.

    Raises:
        BaselineError: one of them cannot be read.
    """
    there = [folder, *overlay_folders(folder).values()]
    return [place for place in there if (side := read(place)) is not None and side.anchors]


def settle(folder: Path, why: str) -> None:
    """Let the anchors of the baseline in `folder` and of its overlays begin anew: its values are meant.

    Args:
        folder: of the baseline.
        why: the reason, which the environment records keep as `accepted`.

    Raises:
        BaselineError: it cannot be read.
        OSError: it cannot be written.
    """
    for place in drifted(folder):
        side = read(place)
        assert side is not None  # noqa: S101 - it holds anchors
        record = with_anchors(side.environment, {})
        files.write_json(place / ENVIRONMENT, {"schema": SCHEMA, **record, "accepted": why})
