"""What is set aside: values that are known by their name to be timings, unless a rule names them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from pytest_nbrepro import timings
from pytest_nbrepro.comparers.base import Outcome
from pytest_nbrepro.model import ArtifactRule, Check, CheckStatus, Place

REASON = "a timing by its name, not compared"
_KEY = re.compile(r"""(?:^|\.)(?P<plain>[^.\[\]]+)(?:\[\d+\])*$|\["(?P<quoted>[^"]+)"\](?:\[\d+\])*$""")


def is_set_aside(name: str, rule: ArtifactRule) -> bool:
    """Tell whether the values of a column are none to compare: it is called like a timing, and no rule names it."""
    return timings.is_timing(name) and name not in rule.key and not timings.named(name, rule.columns)


def key_of(path: str) -> str:
    """Return the last name of a path: ``fit_time`` of ``$.runs[3].fit_time[0]``; nothing where it has none."""
    match = _KEY.search(path.removeprefix("$"))
    return (match["plain"] or match["quoted"]) if match else ""


def outcome(n: int, worst: Place | None) -> Outcome:
    """Return the outcome for values that are there, of the right type, and not compared."""
    return Outcome(CheckStatus.ASIDE, message=REASON, n=n, worst=worst)


def names(checks: Iterable[Check]) -> dict[str, list[str]]:
    """Return what is set aside, by the names of the checks: the names of their parts, none where it is all."""
    found = {}
    for check in checks:
        below = list(dict.fromkeys(_below(check)))
        if below or check.status is CheckStatus.ASIDE:
            found[check.name] = below
    return found


def _below(check: Check) -> Iterator[str]:
    for part in check.parts:
        if part.status is CheckStatus.ASIDE and not part.parts:
            yield part.name
        yield from _below(part)
