"""What a report tells of a case, as JSON."""

from __future__ import annotations

import json
import math
import re
from importlib.resources import files as resources
from pathlib import Path

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_nbrepro import files
from pytest_nbrepro.model import CheckStatus, Metric, Place, RunError, Why
from pytest_nbrepro.reports.record import CaseStatus, case_record, empty, worst_used
from pytest_nbrepro.reports.writing import data

SCHEMA = json.loads((resources("pytest_nbrepro.reports") / "report.schema.json").read_text())
PAGE = (Path(__file__).parents[3] / "docs/report.md").read_text()


def valid(report, **beside):
    """Check a report's data against the schema, after the way through JSON."""
    written = json.loads(files.dump_json(data(report, **beside)))
    jsonschema.Draft202012Validator(SCHEMA).validate(written)
    return written


class TestStatus:
    @pytest.mark.parametrize(
        ("statuses", "fields", "expected"),
        [
            (["equal", "within"], {}, "passed"),
            ([], {}, "passed"),
            (["drift", "equal"], {}, "drifted"),
            (["drift", "error"], {}, "drifted"),
            (["error"], {}, "error"),
            (["new", "new"], {}, "new"),
            (["new", "lost"], {}, "drifted"),
            (["new"], {"accepted": True}, "accepted"),
            (["new"], {"refused": "two runs disagree"}, "refused"),
            (["equal"], {"refused": "odd"}, "refused"),
            (["drift"], {"expected": "bug 1"}, "expected"),
            (["equal"], {"expected": "bug 1"}, "error"),
            (["error"], {"status": "timeout"}, "failed"),
            (["error"], {"status": "timeout", "expected": "bug 1"}, "expected"),
        ],
    )
    def test_what_becomes_of_a_case(self, cases, statuses, fields, expected):
        check, case = cases
        record = case_record(case(*(check(f"c{i}", s) for i, s in enumerate(statuses)), **fields))
        assert record["status"] == expected
        assert record["ok"] == (expected in {"passed", "accepted", "expected"})

    def test_what_passes_against_expectation_says_so(self, cases):
        _, case = cases
        assert case_record(case(expected="bug 1"))["summary"].endswith("though it is expected to fail: bug 1")


class TestUsed:
    def test_the_worst_counts_and_nan_counts_as_infinite(self, cases):
        check, _ = cases
        assert worst_used((check("a"), check("b", used=0.5), check("c", used=3.0))) == 3.0
        assert worst_used((check("a", used=math.inf), check("b", used=3.0))) == math.inf
        assert math.isnan(worst_used((check("a", used=1e99), check("b", used=math.nan))))
        assert worst_used((check("a"),)) is None


class TestMetrics:
    def test_both_sides_and_their_difference(self, cases):
        check, case = cases
        record = case_record(
            case(
                check("loss", "drift", 3.0),
                check("gone", "lost"),
                check("born", "new"),
                metrics={"loss": 2.5, "born": 1},
                before={"loss": 2.0, "gone": 7},
            )
        )
        sides = {name: (m["baseline"], m["result"], m["difference"]) for name, m in record["metrics"].items()}
        assert sides == {"loss": (2.0, 2.5, 0.5), "gone": (7, None, None), "born": (None, 1, None)}

    def test_whole_numbers_beyond_doubles_keep_their_difference(self, cases, make_report):
        check, case = cases
        report = make_report(
            case(check("n", "drift", math.inf), metrics={"n": 10**400}, before={"n": 10**400 - 3})
        )
        assert valid(report, beside=[])["cases"][0]["metrics"]["n"]["difference"] == 3
        odd = make_report(case(check("n", "drift", math.inf), metrics={"n": 10**400}, before={"n": 0.5}))
        told = valid(odd, beside=[])["cases"][0]["metrics"]["n"]
        assert told["difference"] == {"$float": "Infinity"}


class TestCommands:
    def test_what_waits_can_be_accepted(self, cases):
        check, case = cases
        commands = case_record(case(check("a", "drift", 2.0), name="a b.ipynb::x='1'", waits=True))[
            "commands"
        ]
        assert commands["show"] == "nbrepro show abcdef"
        assert commands["accept"] == """nbrepro accept 'a b.ipynb::x='"'"'1'"'"'' -m WHY"""
        assert commands["again"].startswith("pytest --nbrepro 'a b.ipynb::")

    def test_nothing_else_can(self, cases):
        _, case = cases
        for fields in ({}, {"waits": True, "accepted": True}):
            commands = case_record(case(**fields))["commands"]
            assert commands["review"] is commands["accept"] is None


class TestSchema:
    def test_every_status_is_in_it(self):
        assert set(SCHEMA["$defs"]["status"]["enum"]) == set(map(str, CaseStatus))
        assert set(SCHEMA["$defs"]["check"]["properties"]["status"]["enum"]) == set(map(str, CheckStatus))

    def test_every_key_is_in_the_documentation(self):
        def keys(part):
            if isinstance(part, dict):
                yield from part.get("properties", {})
                for below in part.values():
                    yield from keys(below)

        told = set(re.findall(r"`([a-z_]+)`", PAGE.partition("## report.json")[2]))
        technical = {"$float", "kind", "message", "traceback", "hint", "id"}
        assert set(keys(SCHEMA)) - technical <= told
        assert all(f"`{status}`" in PAGE for status in CaseStatus)

    def test_a_full_report_is_valid(self, cases, make_report):
        check, case = cases
        drift = check(
            "auc",
            "drift",
            12.9,
            limit="rel 1e-3",
            worst=Place("", "0.9130", "0.9012"),
            parts=(check("p", "drift", math.inf),),
            allow="auc: {rel: 1.4e-2}",
            cell=3,
        )
        failed = case(
            check("cell", "error", kind="run"),
            name="b.ipynb::x=1",
            status="failed",
            error=RunError("cell", "ZeroDivisionError", 2, "trace", "divide less"),
        )
        full = case(
            drift,
            metrics={"auc": math.nan},
            before={"auc": 0.913},
            environment={"distributions": {"numpy": "1"}, "platform": "linux"},
            why=Why("CODE", "source changed"),
            waits=True,
            first="cell 3",
            diff="- a",
        )
        report = make_report(
            full,
            failed,
            empty("c.ipynb::d", CaseStatus.SKIPPED, "not now"),
            obsolete={"old/default": ""},
            faults=["odd"],
            seconds=3.2,
        )
        written = valid(report, beside=["abc-x.csv"])
        assert [one["case"] for one in written["cases"]] == ["b.ipynb::x=1", "a.ipynb::default", "c.ipynb::d"]
        assert not written["ok"]
        assert written["counts"] == {"failed": 1, "drifted": 1, "skipped": 1}
        assert written["files"] == ["files/abc-x.csv"]

    @given(
        used=st.floats(),
        value=st.floats() | st.integers() | st.booleans(),
        name=st.text(),
        status=st.sampled_from(list(CheckStatus)),
    )
    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
    def test_whatever_a_run_gives(self, cases, make_report, used, value, name, status):
        check, case = cases
        valid(
            make_report(case(check(name, status, used), metrics={name: value}, before={name: 1.0})), beside=[]
        )


def test_statistical_runs_are_told(cases):
    import dataclasses

    check, case = cases
    one = case(check("a", "drift", 2.0), metrics={"a": 1.0}, before={"a": 1.0})
    run = dataclasses.replace(one.run, metrics={"a": Metric(1.0, samples=(1.0, math.nan))})
    record = case_record(dataclasses.replace(one, run=run))
    assert record["metrics"]["a"]["result_runs"] == [1.0, {"$float": "NaN"}]
