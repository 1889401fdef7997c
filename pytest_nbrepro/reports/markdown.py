"""The summary of a report as Markdown: for GitHub's step summary, and for comments on pull requests."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from pytest_nbrepro import files
from pytest_nbrepro.comparers.base import counted
from pytest_nbrepro.reports import words
from pytest_nbrepro.reports.pages import Report
from pytest_nbrepro.reports.record import CaseStatus

_ROWS = 50  # cases that are listed
_TEXTS = 20  # cases whose whole report is in there
_ROOM = 60_000  # characters: a comment on GitHub has at most 65,536
_SIGNS = re.compile(r"([\\`*_{}\[\]<>()#+!|~@:&-])")


def summary(report: Report, room: int = _ROOM) -> str:
    """Return a summary of a report in at most so many characters.

    Nothing that a notebook, a file or a metric is called is read as Markdown or HTML.
    """
    records = [sheet["record"] for sheet in report.ordered()]
    lines = [*_head(report, records), *_table(records), *_faults(report)]
    text = "\n".join(lines) + "\n"
    failing = [record for record in records if not record["ok"] and record["text"]]
    for number, record in enumerate(failing[:_TEXTS]):
        block = "\n".join(_details(record))
        if len(text) + len(block) > room - 100:
            return f"{text}\nThe reports of {len(failing) - number} more cases are in the page.\n"
        text += block
    if len(failing) > _TEXTS:
        text += f"\nThe reports of {len(failing) - _TEXTS} more cases are in the page.\n"
    return text


def _head(report: Report, records: list[dict[str, Any]]) -> Iterator[str]:
    bad = sum(not record["ok"] for record in records)
    sign = "❌" if bad or report.obsolete or report.faults else "✅"
    yield f"### {sign} pytest-nbrepro: {words.headline(bad, len(records))}"
    yield ""
    counts = Counter(record["status"] for record in records)
    told = [f"{counts[status]} {status}" for status in map(str, CaseStatus) if counts[status]]
    took = [f"in {words.seconds(report.seconds)}"] if report.seconds is not None else []
    yield " · ".join([*told, *took])
    yield ""


def _table(records: list[dict[str, Any]]) -> Iterator[str]:
    failing = [record for record in records if not record["ok"]]
    if not failing:
        return
    yield "| case | status | worst used | what | cause |"
    yield "|---|---|---|---|---|"
    for record in failing[:_ROWS]:
        used = words.used(files.from_json(record["used"]))
        cause = record["why"]["cause"].lower() if record["why"] else ""
        cells = (record["case"], record["status"], used, record["summary"], cause)
        yield "| " + " | ".join(escaped(cell) for cell in cells) + " |"
    if len(failing) > _ROWS:
        yield f"\n… and {len(failing) - _ROWS} more"
    yield ""


def _faults(report: Report) -> Iterator[str]:
    for fault in report.faults:
        yield f"- {escaped(fault)}"
    if report.obsolete:
        yield f"- {counted(len(report.obsolete), 'obsolete baseline')}: " + ", ".join(
            map(escaped, report.obsolete)
        )
    if report.faults or report.obsolete:
        yield ""


def _details(record: Mapping[str, Any]) -> Iterator[str]:
    fence = _fence(record["text"])
    yield f"\n<details><summary>{_html(record['case'])}</summary>\n"
    yield f"{fence}text"
    yield record["text"]
    yield f"{fence}\n\n</details>\n"


def escaped(text: str) -> str:
    """Return text of which Markdown makes nothing else, in one line."""
    return _SIGNS.sub(r"\\\1", " ".join(str(text).split()))


def _html(text: str) -> str:
    return re.sub(r"[^\w ./=-]", lambda match: f"&#{ord(match[0])};", text)


def _fence(text: str) -> str:
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    return "`" * max(3, longest + 1)
