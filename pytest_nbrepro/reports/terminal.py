"""The report of a case as text for a terminal of 80 columns."""

from __future__ import annotations

import math
import shlex
import textwrap
from collections.abc import Iterable, Iterator, Sequence

from pytest_nbrepro.model import Check, CheckStatus, Moved
from pytest_nbrepro.reports import words
from pytest_nbrepro.reports.data import CaseReport

WIDTH = 80
_ROWS = 8  # failing checks that are told; the others are counted
_PASSES = 3
_PARTS = 3
_ASIDE = 4
_NOTES = 4
_BLOCK = 30  # lines of a source or a traceback
_NAME = 24  # columns of a name beside which facts are aligned; longer ones stick out
_LONGEST = 40  # characters of a value
_ID = 6  # last letters of a run's id, by which commands find it
_CAUSE = 11  # columns of a cause
_LEAD = 10  # columns before a row's text
_DEEPER = " " * (_LEAD + 2)  # before what does not fit into a row's first line
_WORDS = {CheckStatus.LOST: "LOST", CheckStatus.NEW: "NEW", CheckStatus.ERROR: "ERROR"}
_PASS_WORDS = {CheckStatus.IMPROVED: "IMPROVED", CheckStatus.UNPROVEN: "no drift proven"}


def case_text(report: CaseReport) -> str:
    """Return the report of a case, worst first.

    Lines have at most 80 columns, unless a name, a path or a command is longer.
    """
    lines = [*_title(report), *(_failed(report) if not report.completed else _judged(report))]
    return "\n".join(line.rstrip() for line in lines)


def _title(report: CaseReport) -> Iterator[str]:
    name, summary = f"NBREPRO {_plain(report.case)}", " ".join(_plain(report.summary).split())
    if len(name) + len(summary) + 3 <= WIDTH:
        yield f"{name}   {summary}"
    else:
        yield name
        yield from _wrapped(summary, "  ", "  ")


# ---------------------------------------------------------------------------------------------------
# A run that did not end well


def _failed(report: CaseReport) -> Iterator[str]:
    error = report.run.error
    if error is None:
        yield from _rows("error", (check.message for check in report.verdict.checks))
    else:
        yield from _row("error", error.message)
        yield from _block(_first(report.failed_source.splitlines(), _BLOCK), "    | ")
        trace = error.traceback.splitlines()
        more = len(trace) - _BLOCK
        yield from _block([f"… {more} lines", *trace[-_BLOCK:]] if more > 0 else trace, "    ")
        if error.hint:
            yield from _row("hint", error.hint)
    yield from _why(report)
    yield from _rows("note", _first(report.run.notes, _NOTES))
    if report.kept:
        yield from _row("kept", f"{report.place}/notebook.ipynb: what ran until then, with its outputs")


# ---------------------------------------------------------------------------------------------------
# A run that was judged


def _judged(report: CaseReport) -> Iterator[str]:
    failures = report.failures
    shown = failures[:_ROWS]
    width = max((len(check.name) for check in shown if len(check.name) <= _NAME), default=0)
    for check in shown:
        yield from _check(check, width)
    if len(failures) > _ROWS:
        yield from _row("", f"+{len(failures) - _ROWS} more: {_show(report)}")
    for check in report.close[:_PASSES]:
        word = _PASS_WORDS.get(check.status, "close")
        yield from _facts("ok", f"{_plain(check.name):<{width}}", [_values(check), _used(check), word])
    if report.aside:
        told = [f"{name}: {_listed(below)}" if below else name for name, below in report.aside.items()]
        yield from _row(
            "aside", f"{_listed(told, '; ')}   (timings by name; a rule that names one compares it)"
        )
    yield from _why(report)
    yield from _rows("note", _first([moved_text(moved) for moved in report.moved], _NOTES))
    if report.once:
        yield from _row("note", "the baseline rests on one run alone (--nbrepro-once, accept --stored)")
    yield from _rows("note", chances(report))
    if report.first:
        yield from _row("first", f"{report.first} is the first whose output differs")
    yield from _block(report.diff.splitlines(), "    ", cut=True)
    yield from _commands(report)
    for offer in report.offers[:_ROWS]:
        yield from _row("allow", offer.text)


def _why(report: CaseReport) -> Iterator[str]:
    """Yield the cause, and where there are several what is known of each."""
    if report.why is None:
        return
    yield from _row("why", f"{report.why.cause}: {report.why.text}")
    changed = [one for one in report.why.evidence if one.state == "changed"]
    for one in changed if len(changed) > 1 else ():
        yield from _row("", f"{one.cause:<{_CAUSE}} {one.text}")


def chances(report: CaseReport) -> list[str]:
    """Return what may have been chance, in words, where the cause does not say so, too."""
    told = []
    if report.unseeded and report.unseeded[0] != report.chance:
        told.append(f"the baseline's values may be chance: {report.unseeded[0]}")
    if report.chance and not (report.why is not None and report.why.by_chance):
        told.append(by_chance(report.chance))
    return told


def by_chance(drawn: str) -> str:
    """Say what may have agreed by chance, since a run drew from a generator that nobody seeded."""
    return f"what agrees may agree by chance: {drawn}"


def moved_text(moved: Moved) -> str:
    """Return how far a metric has crept, in words."""
    before, after = pair(f"{moved.anchor!r}", f"{moved.value!r}")
    return (
        f"{moved.name} has moved {words.times(moved.limits)} limits since it was meant to change: {before} -> {after}, "
        f"by {moved.acceptances} acceptances"
    )


def _listed(names: Sequence[str], mark: str = ", ") -> str:
    more = len(names) - _ASIDE
    return mark.join(names[:_ASIDE]) + (f" and {more} more" if more > 0 else "")


def _commands(report: CaseReport) -> Iterator[str]:
    quoted = shlex.quote(report.case)
    name = quoted if quoted != report.case else f"'{report.case}'"
    commands = [f"nbrepro review {name}"] if report.waits else []
    if report.why is not None and (report.why.by_chance or report.why.cause == "UNKNOWN"):
        commands.append(f"nbrepro why {name}")  # experiments tell more than what is recorded
    commands.append(_show(report))
    line = "   |   ".join(commands)
    for number, told in enumerate([line] if _LEAD + len(line) <= WIDTH else commands):
        yield _lead("" if number else "next") + _plain(told)


def _show(report: CaseReport) -> str:
    return f"nbrepro show {report.run.id[-_ID:]}"


def _check(check: Check, width: int) -> Iterator[str]:
    """Yield the rows of a failing check; of its parts only where there are several, else it tells theirs."""
    limit = check.limit if check.used is not None else ""
    overlay = f"overlay {check.overlay}" if check.overlay else ""
    facts = [_WORDS.get(check.status, ""), _values(check), _used(check), limit, overlay, check.message]
    yield from _facts(check.kind, f"{_plain(check.name):<{width}}", facts)
    bad = [part for part in check.parts if not part.status.ok]
    if len(bad) < 2:
        return
    for part in bad[:_PARTS]:
        if part.worst is not None:
            yield from _facts("", f"{_plain(part.name)}:", [_values(part), _used(part)])
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
    """Shorten two numbers to the fewest digits, at least 4, that tell them apart, and texts to 40 characters."""
    try:
        numbers = float(before), float(after)
    except ValueError:
        numbers = math.nan, math.nan
    if all(math.isfinite(number) for number in numbers) and "." in before + after:
        for digits in range(4, 18):
            one, other = (f"{number:#.{digits}g}".rstrip(".") for number in numbers)
            if one != other:
                return one, other
    return _clipped(before), _clipped(after)


def _clipped(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _used(check: Check) -> str:
    """Return how much of its limit a check used; nothing where no limit would be enough."""
    if check.used is None or not math.isfinite(check.used):
        return ""
    return f"used {words.times(check.used)}x"


# ---------------------------------------------------------------------------------------------------
# Lines


def _lead(word: str) -> str:
    """Return what stands before a row's text."""
    return f"  {word:<{_LEAD - 3}} "


def _row(word: str, text: str) -> Iterator[str]:
    """Yield a row: a word, then text wrapped behind it; a line of the text stays a line."""
    lead = _lead(word)
    for line in text.splitlines() or [""]:
        yield from _wrapped(_plain(line), lead, " " * _LEAD)
        lead = " " * _LEAD


def _rows(word: str, texts: Iterable[str]) -> Iterator[str]:
    for text in texts:
        yield from _row(word, text)


def _facts(word: str, name: str, facts: Iterable[str]) -> Iterator[str]:
    """Yield a row of facts behind a name; one that does not fit into the line any more begins the next."""
    lead, line, gap = _lead(word), name, "  "
    for fact in filter(None, map(_plain, facts)):
        if len(lead) + len(line) + len(gap) + len(fact) > WIDTH:
            yield from _wrapped(line, lead, _DEEPER)
            lead, line = _DEEPER, fact
        else:
            line += gap + fact
        gap = "   "
    yield from _wrapped(line, lead, _DEEPER)


def _block(lines: Iterable[str], lead: str, *, cut: bool = False) -> Iterator[str]:
    """Yield lines as they are, indented; those that are too long go on below, cut anywhere if need be."""
    for line in lines:
        yield from _wrapped(_plain(line.expandtabs()), lead, f"{lead}  ", cut=cut)


def _wrapped(line: str, first: str, others: str, *, cut: bool = False) -> list[str]:
    if len(first) + len(line) <= WIDTH:
        return [first + line]
    return textwrap.wrap(
        line,
        WIDTH,
        initial_indent=first,
        subsequent_indent=others,
        break_long_words=cut,
        break_on_hyphens=False,
        expand_tabs=False,
        replace_whitespace=False,
    )


def _plain(text: str) -> str:
    """Return text of one line in which nothing can move a terminal's cursor, or fail to be written."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _first(lines: Sequence[str], number: int) -> list[str]:
    """Return the first lines, and how many there are more."""
    more = len(lines) - number
    return [*lines[:number], f"… {more} more"] if more > 0 else list(lines)
