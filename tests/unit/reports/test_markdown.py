"""The summary of a report as Markdown."""

from __future__ import annotations

import re

from pytest_nbrepro.model import Why
from pytest_nbrepro.reports.markdown import summary
from pytest_nbrepro.reports.record import CaseStatus, empty

EVIL = "a`|<img src=x onerror=alert(1)>[x](javascript:alert(1))\n# *b*.ipynb::@all"


def test_what_fails_is_listed_with_its_report(cases, make_report):
    check, case = cases
    told = summary(
        make_report(
            case(check("auc", "drift", 12.94), why=Why("CODE", "source changed")),
            case(check("ok"), name="b.ipynb::default"),
            seconds=12.3,
            obsolete={"old/default": ""},
            faults=["not accepted: odd"],
        )
    )
    assert told.startswith(
        "### ❌ pytest-nbrepro: 1 of 2 cases does not reproduce\n\n1 drifted · 1 passed · in 12.3 s"
    )
    assert r"| a.ipynb\:\:default | drifted | 12.9x | 1 of 1 check drifted | code |" in told
    assert "NBREPRO a.ipynb::default" in told
    assert "b.ipynb" not in told
    assert "1 obsolete baseline: old/default" in told
    assert r"not accepted\: odd" in told


def test_a_green_one_is_short(cases, make_report):
    _, case = cases
    assert summary(make_report(case())).splitlines() == [
        "### ✅ pytest-nbrepro: the case is fine",
        "",
        "1 passed",
        "",
    ]


def test_names_are_no_markdown_and_no_html(make_report):
    record = empty(EVIL, CaseStatus.ERROR, EVIL, "```\n</details><script>")
    told = summary(make_report(record))
    table, _, details = told.partition("<details>")
    row = next(line for line in table.splitlines() if line.startswith("| a"))
    assert not re.search(r"(?<!\\)[<>\[\]*`#@]", row)
    assert len(re.findall(r"(?<!\\)\|", row)) == 6
    head, _, body = details.partition("</summary>")
    assert "<img" not in head
    assert body.strip().startswith("````text\n")  # the fence is longer than what is in it


def test_it_fits_into_a_comment(make_report):
    records = [empty(f"{i}.ipynb::x", CaseStatus.ERROR, "odd", "x" * 9000) for i in range(30)]
    told = summary(make_report(*records))
    assert len(told) < 65_536
    assert "more cases are in the page" in told
    many = summary(make_report(*(empty(f"{i}.ipynb::x", CaseStatus.ERROR, "odd", "") for i in range(80))))
    assert "… and 30 more" in many


def test_no_more_than_twenty_reports(make_report):
    records = [empty(f"{i}.ipynb::x", CaseStatus.ERROR, "odd", "short") for i in range(23)]
    assert "The reports of 3 more cases" in summary(make_report(*records))
