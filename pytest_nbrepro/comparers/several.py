"""Several checks of one metric, of its steps or of its runs: which of them is the worst."""

from __future__ import annotations

import math
from collections.abc import Sequence

from pytest_nbrepro.model import Check, CheckStatus

_ORDER = (
    CheckStatus.ERROR,
    CheckStatus.STRUCTURE,
    CheckStatus.DRIFT,
    CheckStatus.IMPROVED,
    CheckStatus.WITHIN,
    CheckStatus.EQUAL,
)


def worst(checks: Sequence[Check]) -> Check:
    """Return the check that went worst, the first of these."""
    return min(checks, key=lambda check: (_ORDER.index(check.status), -weight(check)))


def weight(check: Check) -> float:
    """Return what a check used, so that it sorts: where there is no number, or NaN, no limit is enough."""
    used = check.used if check.used is not None else math.inf
    return math.inf if math.isnan(used) else used
