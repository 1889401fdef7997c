"""What GitHub shows of a session."""

from __future__ import annotations

from pytest_nbrepro.model import Why
from pytest_nbrepro.reports.github import MOST, commands
from pytest_nbrepro.reports.record import CaseStatus, case_record, empty


def test_one_for_each_case_that_fails(cases):
    check, case = cases
    bad = case_record(case(check("a", "drift", 2.0), why=Why("CODE", "source changed")))
    told = list(commands([bad, case_record(case())], "sub/"))
    assert told == [
        "::error file=sub/a.ipynb,title=a.ipynb%3A%3Adefault::1 of 1 check drifted; CODE: source changed"
    ]


def test_no_name_gives_another_command():
    record = empty("a,b%::x\n::error::owned.ipynb::c", CaseStatus.ERROR, "bad\n::error::owned")
    (told,) = commands([record])
    assert told == (
        "::error file=a%2Cb%25,title=a%2Cb%25%3A%3Ax%0A%3A%3Aerror%3A%3Aowned.ipynb%3A%3Ac::bad%0A::error::owned"
    )


def test_no_more_than_github_takes():
    records = [empty(f"{i}.ipynb::x", CaseStatus.ERROR, "odd") for i in range(MOST + 5)]
    assert len(list(commands(records))) == MOST
