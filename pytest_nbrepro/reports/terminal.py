"""The report of a case as text for a terminal of 80 columns."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator

from pytest_nbrepro.model import Check, CheckStatus
from pytest_nbrepro.reports.data import CaseReport

WIDTH = 80
_ROWS = 8  # failing checks that are told; the others are counted
_PASSES = 3
_PARTS = 3
_TRACEBACK = 30
_HEAD = 8  # columns of a row's first word


def case_text(report: CaseReport) -> str:
    """Return the report of a case that does not reproduce, worst first."""
    lines = [f"NBREPRO {report.case}   {report.summary}"]
    lines += _failed(report) if not report.completed else _drifted(report)
    return "\n".join(line.rstrip() for line in lines)


# ---------------------------------------------------------------------------------------------------
# A run that did not end well


def _failed(report: CaseReport) -> Iterator[str]:
    error = report.run.error
    if error is None:
        return
    yield from _row("error", error.message)
    if report.failed_source:
        yield from (f"    | {line}" for line in report.failed_source.splitlines()[:_TRACEBACK])
    trace = error.traceback.splitlines()
    if len(trace) > _TRACEBACK:
        trace = [f"… {len(trace) - _TRACEBACK} lines", *trace[-_TRACEBACK:]]
    yield from (f"    {line}" for line in trace)
    if error.hint:
        yield from _row("hint", error.hint)
    yield from (line for note in report.run.notes for line in _row("note", note))
    yield from _row("kept", f"{report.place}/notebook.ipynb: what ran until then, with its outputs")


# ---------------------------------------------------------------------------------------------------
# A run that differs


def _drifted(report: CaseReport) -> Iterator[str]:
    failures = report.failures
    shown = failures[:_ROWS]
    width = min(28, max((len(check.name) for check in shown), default=0))
    for check in shown:
        yield from _check(check, width)
    if len(failures) > _ROWS:
        yield from _row("", f"+{len(failures) - _ROWS} more: nbrepro show {report.run.id}")
    for check in report.close[:_PASSES]:
        word = "IMPROVED" if check.status is CheckStatus.IMPROVED else "close"
        yield from _row("ok", f"{check.name:<{width}}  {_values(check)}   {_used(check)}   {word}")
    if report.why:
        yield from _row("why", f"{report.why.cause}: {report.why.text}")
    if report.once:
        yield from _row("note", "the baseline rests on one run alone (--nbrepro-once)")
    if report.first:
        yield from _row("first", f"{report.first} is the first whose output differs")
    if report.diff:
        yield from (f"    {line}" for line in report.diff.splitlines())
    yield from _next(report)
    yield from (line for check in shown if check.allow for line in _row("allow", check.allow))


def _next(report: CaseReport) -> Iterator[str]:
    if report.waits:
        yield from _row("next", f"nbrepro accept '{report.case}' -m WHY   |   nbrepro show {report.run.id}")
    else:
        yield from _row("next", f"nbrepro show {report.run.id}")


def _check(check: Check, width: int) -> Iterator[str]:
    facts = [_values(check), _used(check), check.limit if check.used is not None else "", check.message]
    word = {CheckStatus.LOST: "LOST", CheckStatus.NEW: "NEW", CheckStatus.ERROR: "ERROR"}.get(check.status)
    text = "   ".join(fact for fact in (word, *facts) if fact)
    yield from _row(check.kind, f"{check.name:<{width}}  {text}")
    bad = [part for part in check.parts if not part.status.ok]
    for part in bad[:_PARTS]:
        facts = [_values(part), _used(part), part.message]
        text = "   ".join(fact for fact in facts if fact)
        yield from _row("", f"{part.name}: {text}")
    if len(bad) > _PARTS:
        yield from _row("", f"+{len(bad) - _PARTS} more")


def _values(check: Check) -> str:
    """Return baseline and result at the worst place, with enough digits to differ."""
    if check.worst is None:
        return ""
    before, after = pair(check.worst.baseline, check.worst.result)
    where = f"{check.worst.where}: " if check.worst.where else ""
    return f"{where}{before} -> {after}"


def pair(before: str, after: str) -> tuple[str, str]:
    """Shorten two numbers to the fewest digits, at least 4, that tell them apart; other texts stay."""
    try:
        numbers = float(before), float(after)
    except ValueError:
        return _clipped(before), _clipped(after)
    if not all(math.isfinite(number) for number in numbers) or "." not in before + after:
        return before, after
    for digits in range(4, 18):
        short = tuple(f"{number:#.{digits}g}" for number in numbers)
        if short[0] != short[1]:
            return short[0], short[1]
    return before, after


def _clipped(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:39]}…"


def _used(check: Check) -> str:
    if check.used is None or check.status in {CheckStatus.LOST, CheckStatus.NEW}:
        return ""
    if math.isinf(check.used):
        return "exact" if check.limit != "exact" else ""
    if check.used >= 1000:
        return f"used {check.used:.1e}x".replace("e+0", "e").replace("e+", "e")
    return f"used {check.used:.3g}x"


def _row(word: str, text: str) -> Iterator[str]:
    """Yield a row: a word, then text wrapped behind it."""
    lead = f"  {word:<{_HEAD}}"
    wrapped = textwrap.wrap(
        text,
        WIDTH - len(lead),
        break_long_words=False,
        break_on_hyphens=False,
        drop_whitespace=True,
        replace_whitespace=False,
    )
    for number, line in enumerate(wrapped or [""]):
        yield (lead if number == 0 else " " * len(lead)) + line
