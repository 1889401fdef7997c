"""Changes of files of which a baseline keeps a sketch: there are no values to change, but the sums tell enough."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from pytest_nbrepro.comparers import asides
from pytest_nbrepro.comparers.base import counted, ignored, limits_for
from pytest_nbrepro.comparers.perturbing.values import SHARE
from pytest_nbrepro.comparers.sketches import proofs
from pytest_nbrepro.comparers.sketches.blocks import Sketch
from pytest_nbrepro.model import ArtifactRule, Limits


def changes(kept: Mapping[str, Sketch], rule: ArtifactRule, kind: str) -> Iterator[tuple[str, bool]]:
    """Yield changes of one number of a column or array, and whether it would be noticed wherever it is made.

    The number is one of the mean size of its block: 0.1 % of that, of integers 1.
    """
    for name, sketch in kept.items():
        if not sketch.about.summed or not sketch.about.count or ignored(name, rule):
            continue
        limits = limits_for(name, rule) if name else rule.limits
        what, noticed = _integer(sketch, limits) if sketch.sums.dtype.kind == "u" else _float(sketch, limits)
        if kind == "table" and sketch.sums.dtype.kind == "f" and asides.is_set_aside(name, rule):
            what, noticed = "one value +0.1 %, being called like a timing", False
        yield f"{name}: {what}" if name else what, noticed


def blind_spot(kept: Mapping[str, Sketch], rule: ArtifactRule) -> str:
    """Say what of a file no check of its sketch can notice; nothing where all of it is exact."""
    summed = [
        one.about for name, one in kept.items() if not ignored(name, rule) and one.sums.dtype.kind == "f"
    ]
    summed = [about for about in summed if about.summed and about.count]
    if not summed:
        return ""
    names = ", ".join(about.name for about in summed[:3]) + (", …" if len(summed) > 3 else "")
    most = max(min(about.per, about.count) for about in summed)
    told = f"kept as a sketch, sums of {counted(most, 'value')}: errors that cancel in a sum are not noticed"
    return f"{told} ({names})" if names else told


def _float(sketch: Sketch, limits: Limits) -> tuple[str, bool]:
    filled = sketch.sizes > 0
    if not filled.any():
        return "one value +0.1 %", True
    mean = sketch.sizes / sketch.about.lengths
    other = replace(
        sketch,
        about=replace(sketch.about, digest="another"),
        sums=sketch.sums + SHARE * mean,
        sizes=sketch.sizes + SHARE * mean,
    )
    seen = proofs.compare(sketch, other, limits, proofs.INDEXES).bad
    if seen == filled.sum():
        return "one value +0.1 %", True
    share = float(np.max(proofs.least(sketch, limits)[filled] / mean[filled]))
    blocks = counted(int(filled.sum()), "block")
    return f"one value +0.1 % in {filled.sum() - seen:,} of {blocks}; one of +{share:.1%} is noticed", False


def _integer(sketch: Sketch, limits: Limits) -> tuple[str, bool]:
    other = replace(sketch, about=replace(sketch.about, digest="another"), sums=sketch.sums + np.uint64(1))
    if not proofs.compare(sketch, other, limits, proofs.INDEXES).status.ok:
        return "one value +1", True
    return f"one value +1; one of +{proofs.least(sketch, limits).max():,.0f} is noticed", False
