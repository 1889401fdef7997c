"""Durations, sizes and verdicts as people say them."""

from __future__ import annotations

import math


def seconds(value: float | None) -> str:
    """Return a duration as people say it."""
    if value is None:
        return ""
    if value < 100:
        return f"{value:.3g} s" if value >= 0.01 else f"{value * 1000:.2g} ms"
    minutes, rest = divmod(round(value), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s"


def size(count: int) -> str:
    """Return a number of bytes as people say it."""
    if count < 1024:
        return f"{count} B"
    value = float(count)
    for unit in ("KiB", "MiB", "GiB"):
        value /= 1024
        if value < 1024:
            return f"{value:.3g} {unit}"
    return f"{value / 1024:.3g} TiB"


def headline(bad: int, total: int) -> str:
    """Return the verdict in one sentence."""
    if not total:
        return "no case ran"
    if bad:
        return (
            f"{bad} of {total} case{'' if total == 1 else 's'} {'does' if bad == 1 else 'do'} not reproduce"
        )
    return f"all {total} cases are fine" if total > 1 else "the case is fine"


def times(used: float) -> str:
    """Return a number of limits in three digits."""
    return f"{used:.3g}" if used < 1000 else f"{used:.1e}".replace("e+0", "e").replace("e+", "e")


def used(value: float | None) -> str:
    """Return what was used of a limit; "" where there is no such number."""
    if value is None:
        return ""
    return f"{times(value)}x" if math.isfinite(value) else "∞" if value > 0 else "NaN"


def double(value: float) -> float:
    """Return a number as a double; a whole number beyond them is infinite."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf
