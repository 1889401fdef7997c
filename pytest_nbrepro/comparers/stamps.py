"""What means nothing in the texts of two documents of markup: masks, and dates that are those of the runs."""

from __future__ import annotations

import re
from collections import Counter
from datetime import date
from functools import cached_property

from pytest_nbrepro import masks, moments
from pytest_nbrepro.comparers.trees import Document
from pytest_nbrepro.model import ArtifactRule

_NUMBER = re.compile(r"\s*+[+-]?\d*+\.?\d*+(?:e[+-]?\d++)?+\s*+")


class Stamps:
    """The masks of one comparison.

    A date in the result is a stamp where it is a day of the run. Which day the baseline was made is not kept: there,
    a date is one where the result does not have it at all, or where it is one of the result's own days.
    """

    def __init__(self, old: Document, new: Document, rule: ArtifactRule) -> None:
        self._old, self._new, self._rule = old, new, rule
        self.hits: Counter[str] = Counter()  # how often each mask hid something in the result

    def masked(self, old: str, new: str) -> tuple[str, str]:
        """Return two texts that differ without what means nothing; of plain numbers that is nothing."""
        if not self._rule.masks.own and _NUMBER.fullmatch(old) and _NUMBER.fullmatch(new):
            return old, new
        mine, _ = masks.mask(old, days=self._days, masking=self._rule.masks)
        theirs, hits = masks.mask(new, days=self._rule.days, masking=self._rule.masks)
        self.hits.update(hits)
        return mine, theirs

    @cached_property
    def _days(self) -> frozenset[date] | None:
        """The days on which the baseline may have been made; None where those of the result are unknown."""
        if self._rule.days is None:
            return None
        return _dates(self._old) - _dates(self._new) | self._rule.days


def _dates(document: Document) -> frozenset[date]:
    texts = (
        text for node in document.root.walk() if node.tag not in {"script", "style"} for text in node.texts
    )
    return frozenset(day for text in texts if text for day in moments.dates(text))
