"""What `nbrepro why` found out, as text and as JSON."""

from __future__ import annotations

import dataclasses
import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

from pytest_nbrepro.cli import output
from pytest_nbrepro.interventions import Answer, Finding
from pytest_nbrepro.reports import words

_WIDTH = 80
_INDENT = " " * 10
_NOTES = {"shown": "", "seen": "seen, not shown to matter: ", "aside": ""}


def lines(answers: Sequence[Answer], seconds: float) -> Iterator[str]:
    """Yield what was found of each case, and how many runs it took."""
    for answer in answers:
        yield from _case(answer)
    count = sum(len(answer.runs) for answer in answers)
    yield f"{output.count(count, 'run')} in {words.seconds(seconds)}"


def _case(answer: Answer) -> Iterator[str]:
    yield f"NBREPRO {output.printable(answer.case)}"
    cause = "" if answer.reproduces else f"{answer.cause}: "
    yield from _row("why", f"{cause}{answer.text}")
    changed = [one for one in answer.why.evidence if one.state == "changed"] if answer.why else []
    for one in changed if len(changed) > 1 else ():
        yield from _row("", f"{one.cause:<11} {one.text}")
    for finding in answer.findings:
        yield from _finding(finding)
    if answer.first:
        yield from _row("first", f"{answer.first} is the first whose output differs")
    if answer.variable:
        yield from _row("earlier", answer.variable)


def _finding(finding: Finding) -> Iterator[str]:
    if finding.proof == "aside":
        where = f" ({', '.join(finding.cells)})" if finding.cells else ""
        yield from _row("aside", f"{finding.text}{where}")
        return
    yield from _row(finding.name, f"{_NOTES[finding.proof]}{finding.text}")
    if finding.cells:
        yield from _row("", f"in {', '.join(finding.cells)}")
    if finding.mend:
        yield from _row("", f"-> {finding.mend}")


def _row(word: str, text: str) -> list[str]:
    lead = f"  {word:<7} " if len(word) <= 7 else f"  {word} "
    return textwrap.wrap(
        output.printable(" ".join(text.split())),
        _WIDTH,
        initial_indent=lead,
        subsequent_indent=_INDENT,
        break_long_words=False,
        break_on_hyphens=False,
    )


def record(answers: Sequence[Answer], seconds: float) -> dict[str, Any]:
    """Return the same as JSON (see `nbrepro why --help`)."""
    return {
        "cases": [_record(answer) for answer in answers],
        "made": sum(len(answer.runs) for answer in answers),
        "seconds": round(seconds, 3),
    }


def _record(answer: Answer) -> dict[str, Any]:
    return {
        "case": answer.case,
        "cause": answer.cause,
        "text": answer.text,
        "findings": [dataclasses.asdict(finding) for finding in answer.findings],
        "evidence": [dataclasses.asdict(one) for one in answer.why.evidence] if answer.why else [],
        "first": answer.first,
        "variable": answer.variable,
        "runs": [run.id for run in answer.runs],
    }
