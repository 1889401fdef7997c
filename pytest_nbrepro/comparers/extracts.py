"""Parts of long texts: what two of them share, and what a report shows of them."""

from __future__ import annotations

import re

from pytest_nbrepro.comparers.base import shortened

_SHOWN = 60  # characters of a text in a report
_LEAD = 80  # characters before a number in which its label is looked for
_BEFORE = " \t:=([{<'\"$€£¥+-~"
_BREAK = re.compile(r"[:=,;|()\[\]{}<>'\"]|\s{2,}|(?<!\w)[+-]?[0-9][\w.%]*")


def label(text: str, at: int) -> str:
    """Return the words that lead to a number: ``val loss`` for the last one of ``epoch 3, val loss: 0.5``."""
    lead = text[max(0, at - _LEAD) : at].rstrip(_BEFORE)
    return _BREAK.split(lead)[-1].strip()


def excerpts(baseline: str, result: str) -> tuple[str, str]:
    """Return both texts, cut to the surroundings of their first difference where they are long."""
    if max(len(baseline), len(result)) <= _SHOWN:
        return baseline, result
    start = max(0, common_prefix(baseline, result) - _SHOWN // 3)
    mark = "…" if start else ""
    old, new = baseline[start : start + 2 * _SHOWN], result[start : start + 2 * _SHOWN]
    return mark + shortened(old, _SHOWN), mark + shortened(new, _SHOWN)


def common_prefix(one: str, other: str) -> int:
    """Return how many characters two texts begin with alike, by halving: C does the comparing."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _common_suffix(one: str, other: str, most: int) -> int:
    low, high = 0, most
    while low < high:
        middle = (low + high + 1) // 2
        if one[len(one) - middle : len(one) - low] == other[len(other) - middle : len(other) - low]:
            low = middle
        else:
            high = middle - 1
    return low


def changed_part(one: str, other: str) -> tuple[int, int, int]:
    """Return the start, and the ends in either text, of what two texts do not share.

    Both lie beside a space, where no number is cut in two and no number's surroundings are hidden.
    """
    start = one.rfind(" ", 0, common_prefix(one, other)) + 1
    tail = _common_suffix(one, other, min(len(one), len(other)) - start)
    space = one.find(" ", len(one) - tail) if tail else -1
    tail = len(one) - space if space >= 0 else 0
    return start, len(one) - tail, len(other) - tail
