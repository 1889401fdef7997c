"""What a report tells of a case: in which order, and in one sentence."""

import dataclasses
import math
from pathlib import Path

import pytest

from pytest_nbrepro.comparers.base import key
from pytest_nbrepro.model import Check, CheckStatus, Run, RunError, RunStatus, Verdict, Why
from pytest_nbrepro.reports.data import CaseReport, offers, used_values


def check(name, status="equal", used=None, **fields):
    return Check("metric", name, CheckStatus(status), used, **fields)


def report(*checks, status="completed", **fields):
    run = Run(
        "1", Path("run"), "a.ipynb", "default", {}, RunStatus(status), "", error=fields.pop("error", None)
    )
    return CaseReport("a.ipynb::default", run, Verdict(tuple(checks)), ".nbrepro/runs/1", **fields)


def names(checks):
    return [one.name for one in checks]


class TestOrder:
    def test_what_has_no_number_comes_first_then_the_worst(self):
        statuses = [
            "drift",
            "differs",
            "xpass",
            "structure",
            "new",
            "lost",
            "error",
            "equal",
            "within",
            "xfail",
        ]
        told = report(*(check(status, status, 3.0 if status == "drift" else None) for status in statuses))
        assert names(told.failures) == ["error", "lost", "new", "structure", "xpass", "differs", "drift"]

    def test_more_of_the_limit_comes_first_and_nan_is_the_worst(self):
        used = {"a": 2.0, "b": math.inf, "c": math.nan, "d": 1e9, "e": None, "f": 2.0}
        told = report(*(check(name, "drift", value) for name, value in reversed(used.items())))
        assert names(told.failures) == ["b", "c", "d", "a", "f", "e"]

    def test_passes_that_used_more_than_half_and_improvements_are_close(self):
        told = report(
            check("half", "within", 0.5),
            check("more", "within", 0.6),
            check("most", "within", 1.0),
            check("better", "improved", 7.0),
            check("far better", "improved", math.inf),
            check("none", "equal", 0.0),
            check("unknown", "equal"),
            check("expected", "xfail", math.inf),
            check("nan", "xfail", math.nan),
            check("failed", "drift", 2.0),
        )
        assert names(told.close) == ["far better", "better", "most", "more"]


class TestSummary:
    @pytest.mark.parametrize(
        ("statuses", "text"),
        [
            (["equal"], "reproduces: 1 check"),
            (["equal", "within", "improved", "xfail"], "reproduces: 4 checks"),
            ([], "reproduces: 0 checks"),
            (["new", "new"], "no baseline yet for 2 checks"),
            (["new", "equal"], "1 of 2 checks drifted"),
            (["new", "lost"], "2 of 2 checks drifted"),
            (["drift", "error", "equal"], "2 of 3 checks drifted"),
            (["error"], "1 of 1 check could not be made"),
        ],
    )
    def test_of_a_run_that_was_judged(self, statuses, text):
        told = report(*(check(str(n), status) for n, status in enumerate(statuses)))
        assert told.summary == text
        assert told.ok == text.startswith("reproduces")

    @pytest.mark.parametrize(
        ("status", "text"),
        [
            ("running", "still running"),
            ("failed", "failed"),
            ("timeout", "ran out of time"),
            ("died", "died"),
            ("interrupted", "was interrupted"),
        ],
    )
    def test_of_a_run_that_did_not_end_well(self, status, text):
        error = RunError("cell", "no")
        assert report(status=status, error=error).summary == text
        assert report(status=status, error=error, first='cell 3 "fit"').summary == f'{text} in cell 3 "fit"'
        assert not report(status=status).completed

    def test_of_values_that_no_baseline_can_be_made_of(self):
        told = report(check("a", "drift"), refused="two runs disagree: no baseline")
        assert told.summary == "two runs disagree: no baseline"

    def test_there_are_words_for_every_status(self):
        for status in RunStatus:
            assert report(status=status).summary


class TestUsed:
    def test_every_check_says_what_it_used_or_how_it_ended(self):
        told = report(
            check("a", "within", 0.123456789),
            check("b", "lost"),
            check("c", "drift", math.inf),
            check("d", "equal", 0.0),
        )
        assert used_values(told) == [
            ("nbrepro.used.a", "0.123457"),
            ("nbrepro.used.b", "lost"),
            ("nbrepro.used.c", "inf"),
            ("nbrepro.used.d", "0"),
        ]


def test_a_report_says_nothing_that_was_not_asked():
    told = report()
    assert dataclasses.asdict(told)["why"] is None
    assert (told.first, told.diff, told.refused, told.waits, told.once) == (None, "", None, False, False)


class TestOffers:
    """Limits are suggested only where they are safe."""

    def check(
        self, name="auc", allow="{rel: 1.4e-2}", used=12.9, kind="metric", status=CheckStatus.DRIFT, **fields
    ):
        told = allow if kind == "output" else f"{key(name)}: {allow}"
        return Check(kind, name, status, used, allow=told, **fields)

    def test_by_what_they_are(self):
        found = offers(
            [
                self.check(),
                self.check("a b.csv", "{columns: {score: {abs: 2}}}", kind="table"),
                self.check("cell 1", "{rel: 1.1e-5}", kind="output"),
                self.check("cell 2", "{rel: 3e-5}", kind="output"),
                self.check("cell 3", "{abs: 2}", kind="output"),
                Check("metric", "loss", CheckStatus.DRIFT, 200.0),
            ],
            None,
        )
        assert [(o.path, o.limits) for o in found] == [
            (("metrics", "auc"), "{rel: 1.4e-2}"),
            (("artifacts", "a b.csv"), "{columns: {score: {abs: 2}}}"),
            (("outputs",), "{rel: 3e-5, abs: 2}"),
        ]
        assert [o.text for o in found][1:] == [
            '"a b.csv": {columns: {score: {abs: 2}}}',
            "outputs: {rel: 3e-5, abs: 2}",
        ]

    @pytest.mark.parametrize("used", [100.5, 1e7])
    def test_not_where_too_much_was_used(self, used):
        assert offers([self.check(used=used)], None) == ()

    @pytest.mark.parametrize("used", [None, math.inf, 100.0])
    def test_where_the_comparer_alone_can_tell(self, used):
        assert len(offers([self.check(used=used)], None)) == 1

    def test_not_where_anything_is_lost(self):
        lost = Check("metric", "loss", CheckStatus.LOST)
        assert offers([self.check(), lost], None) == ()
        whole = Check("table", "a.csv", CheckStatus.STRUCTURE, parts=(lost,))
        assert offers([self.check(), whole], None) == ()

    def test_not_where_a_second_run_differs(self):
        assert offers([self.check()], Why("CHANCE", "")) == ()
        assert len(offers([self.check()], Why("ENVIRONMENT", ""))) == 1
