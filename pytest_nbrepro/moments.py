"""Dates and times of day in text, in the notations that programs print.

Recognised are ISO 8601 with or without a time, ``20261123-165903``, ``23.11.2026``, ``11/23/2026``, the forms
with the month's English name (``Mon, 23 Nov 2026``, ``Nov 23, 2026``, C's ``Mon Nov 23 16:59:03 2026``, the
log format ``23/Nov/2026:16:59:03 +0000``), and times alone that have hours, minutes and seconds. A year, a
month, a version, ``12:30`` or a ratio alone is none of these.
"""

from __future__ import annotations

import contextlib
import functools
import re
from collections.abc import Collection, Iterator
from datetime import date

_YEAR = r"(?P<year>(?:19|20)\d\d)"
_MONTH = r"(?P<month>0[1-9]|1[0-2])"
_DAY = r"(?P<day>0[1-9]|[12]\d|3[01])"
_FREE_DAY = r"(?P<day>[12]\d|3[01]|0?[1-9])"
_FREE_MONTH = r"(?P<month>[12]\d|3[01]|0?[1-9])"  # the day, where the month comes first
_NAME = (
    r"(?P<name>Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sep(?:t(?:ember)?)?"
    r"|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)(?!\w)\.?+"
)
_WEEKDAY = r"(?:(?:Mon|Tue(?:s)?|Wed(?:nes)?|Thu(?:rs)?|Fri|Sat(?:ur)?|Sun)(?:day)?,? {1,2})?+"
_HALF = r"(?: ?[AaPp]\.?[Mm]\b)"
_CLOCK = (
    r"(?:(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:[.,]\d{1,9})?+" + _HALF + r"?+(?![\d:])"
    r"|\d:[0-5]\d:[0-5]\d" + _HALF + r"(?![\d:])"
    r"|0:[0-5]\d:[0-5]\d(?:\.\d{6})?+(?![\d:])|\d:[0-5]\d:[0-5]\d\.\d{6}(?![\d:]))"  # a `timedelta` as text
)
_SHORT = r"(?:(?:[01]\d|2[0-3]):[0-5]\d" + _HALF + r"?+|\d:[0-5]\d" + _HALF + r")(?![\d:])"
_ZONE = r"(?:Z\b|[+-](?:0\d|1[0-4]):?[0-5]\d\b| [+-]0\d[0-5]\d\b| (?:UTC|GMT|CES?T|BST|[ECMP][SD]T)\b)?+"
_AT = rf"(?:(?:T|,? |:)(?:{_CLOCK}|{_SHORT}){_ZONE})?+"

_DATES = (
    rf"(?<![\d.]){_YEAR}[-/]{_MONTH}[-/]{_DAY}(?!\d){_AT}",
    rf"(?<![\d.]){_YEAR}{_MONTH}{_DAY}[T_-](?:[01]\d|2[0-3])[0-5]\d[0-5]\d(?:\.\d{{1,6}})?+Z?+(?!\d)",
    rf"(?<![\d.-]){_DAY}[.-](?P<month>0[1-9]|[12]\d|3[01])[.-]{_YEAR}(?![.-]?\d){_AT}",
    rf"(?<![\w./]){_FREE_DAY}/{_FREE_MONTH}/{_YEAR}(?!\d){_AT}",
    rf"(?<![\w.]){_WEEKDAY}{_FREE_DAY}(?:st|nd|rd|th)?+[ /-]{_NAME},?[ /-]{_YEAR}(?!\w){_AT}",
    rf"(?<!\w){_WEEKDAY}{_NAME} {{1,2}}{_FREE_DAY}(?:st|nd|rd|th)?+,? {_YEAR}(?!\w){_AT}",
    rf"(?<!\w){_WEEKDAY}{_NAME} {{1,2}}{_FREE_DAY} {_CLOCK}{_ZONE} {_YEAR}(?!\w)",
)
_TIME = rf"(?<![\w:.,]){_CLOCK}{_ZONE}"
_MONTHS = "JanFebMarAprMayJunJulAugSepOctNovDec"

MOMENT = r"(?=[\dA-Z])(?:" + re.sub(r"\?P<\w+>", "?:", "|".join((*_DATES, _TIME))) + ")"
"""A date, with the time that follows it, or a time alone."""


@functools.cache
def _compiled() -> tuple[re.Pattern[str], tuple[re.Pattern[str], ...]]:
    """Return the patterns of any moment, and of each notation of dates: compiled when they are first needed."""
    return re.compile(MOMENT), tuple(re.compile(pattern) for pattern in _DATES)


def hide(text: str, replacement: str, days: Collection[date]) -> tuple[str, int]:
    """Replace the times alone, and the dates that may be one of `days` with the times beside them.

    Returns:
        The text and the number of replacements.
    """
    count = 0
    moment, each_date = _compiled()

    def put(match: re.Match[str]) -> str:
        nonlocal count
        found = [each for pattern in each_date if (each := pattern.fullmatch(match[0]))]
        if found and not any(_means(each, days) for each in found):
            return match[0]
        count += 1
        return replacement

    return moment.sub(put, text), count


def _means(match: re.Match[str], days: Collection[date]) -> bool:
    """Tell whether a matched date may be one of `days`, with month and day in either order."""
    year, *rest = _numbers(match)
    return any((one.year, *sorted((one.month, one.day))) == (year, *sorted(rest)) for one in days)


def _numbers(match: re.Match[str]) -> tuple[int, int, int]:
    """Return year, month and day of a matched date; the last two may be in the other order."""
    parts = match.groupdict()
    named = parts.get("name")
    month = _MONTHS.index(named[:3]) // 3 + 1 if named else int(parts["month"])
    return int(parts["year"]), month, int(parts["day"])


def dates(text: str) -> Iterator[date]:
    """Yield the dates in a text; one whose day and month may be in either order, in both."""
    moment, each_date = _compiled()
    for match in moment.finditer(text):
        for pattern in each_date:
            if (found := pattern.fullmatch(match[0])) is None:
                continue
            year, month, day = _numbers(found)
            for order in {(month, day), (day, month)}:
                with contextlib.suppress(ValueError):  # there is no such day
                    yield date(year, *order)
