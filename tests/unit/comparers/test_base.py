"""Outcomes, the guarded comparison, parts put together, rules by name."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from pytest_nbrepro.comparers import base
from pytest_nbrepro.comparers.base import Outcome
from pytest_nbrepro.errors import NbreproError, UndecodableError
from pytest_nbrepro.model import ArtifactRule, Check, CheckStatus, Limits, Place

HERE = Path()
RULE = ArtifactRule("*")


class Stub:
    """A comparer that answers, or raises, what it is told to."""

    kind = "stub"

    def __init__(self, answer, schema=None):
        self.answer, self.fault = answer, schema

    def schema(self, path):
        if self.fault:
            raise self.fault
        return {}

    def compare(self, baseline, result, rule, schema):
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer


def judged(answer, schema=None) -> Outcome:
    return base.judge(Stub(answer, schema), HERE, HERE, RULE, {})


@pytest.mark.parametrize(
    ("used", "bad", "status"),
    [
        (0.0, 0, CheckStatus.EQUAL),
        (1.0, 0, CheckStatus.WITHIN),
        (math.nextafter(1, 2), 0, CheckStatus.DRIFT),
        (math.inf, 0, CheckStatus.DRIFT),
        (math.nan, 0, CheckStatus.DRIFT),
        (0.0, 1, CheckStatus.DRIFT),
    ],
)
def test_used_and_bad_decide(used, bad, status):
    assert Outcome.judged(used, bad=bad).status is status


def test_an_outcome_is_handed_through():
    assert judged(Outcome.equal(3)) == Outcome.equal(3)
    assert not Outcome.differs("x").status.ok
    assert Outcome.structure("x").bad == 1


@pytest.mark.parametrize(
    "answer",
    [
        Outcome(CheckStatus.EQUAL, bad=1),
        Outcome(CheckStatus.WITHIN, used=1.5),
        Outcome(CheckStatus.WITHIN, used=math.nan),
    ],
)
def test_a_comparer_that_contradicts_itself_is_an_error(answer):
    assert judged(answer).status is CheckStatus.ERROR


def test_an_unreadable_result_is_a_drift_of_structure():
    outcome = judged(UndecodableError("cut short", where="result"))
    assert outcome.status is CheckStatus.STRUCTURE
    assert outcome.message == "the result is not readable: cut short"


def test_an_unreadable_baseline_is_an_error():
    outcome = judged(UndecodableError("cut short", where="baseline"))
    assert outcome.status is CheckStatus.ERROR
    assert "baseline is not readable" in outcome.message


def test_whose_fault_it_is_is_asked_where_nobody_says():
    assert judged(UndecodableError("x")).status is CheckStatus.STRUCTURE
    assert judged(UndecodableError("x"), schema=UndecodableError("y")).status is CheckStatus.ERROR


def test_what_cannot_be_compared_is_an_error_with_its_reason():
    outcome = judged(base.IncomparableError("the key is not unique"))
    assert (outcome.status, outcome.message) == (CheckStatus.ERROR, "the key is not unique")


class PanicError(BaseException):
    """As Rust's panics: no Exception."""


@pytest.mark.parametrize(
    "error", [ZeroDivisionError("oh\nno"), MemoryError(), RecursionError(), PanicError("x")]
)
def test_a_crash_is_an_error_that_names_the_exception(error):
    outcome = judged(error)
    assert outcome.status is CheckStatus.ERROR
    assert type(error).__name__ in outcome.message
    assert "\n" not in outcome.message


def test_the_end_of_the_program_is_not_caught():
    with pytest.raises(KeyboardInterrupt):
        judged(KeyboardInterrupt())


def test_reading_marks_the_side_and_lets_other_errors_pass():
    with pytest.raises(UndecodableError) as caught, base.reading("result"):
        raise UndecodableError("what", where="x.csv", hint="how")
    assert (caught.value.what, caught.value.where, caught.value.hint) == ("what", "result", "how")
    with pytest.raises(NbreproError) as other, base.reading("result"):
        raise NbreproError("else", where="there")
    assert other.value.where == "there"


def check(name, status, used=None, message="", **more) -> Check:
    bad = 0 if status.ok else 1
    return Check("column", name, status, used, "exact", message, 10, bad, **more)


def test_the_worst_part_decides_and_comes_first():
    parts = [
        check("a", CheckStatus.EQUAL, 0.0),
        check("b", CheckStatus.DRIFT, 2.0, "1 of 10 rows", worst=Place("row 3", "1", "2")),
        check("c", CheckStatus.DRIFT, 9.0, "2 of 10 rows", worst=Place("row 4", "1", "2")),
        check("d", CheckStatus.WITHIN, 0.5),
    ]
    outcome = base.combined(parts, place="{where}, column {name}")
    assert outcome.status is CheckStatus.DRIFT
    assert [p.name for p in outcome.parts] == ["c", "b", "d", "a"]
    assert (outcome.used, outcome.n, outcome.bad) == (9.0, 40, 2)
    assert outcome.worst == Place("row 4, column c", "1", "2")
    assert outcome.message == "c: 2 of 10 rows; b: 1 of 10 rows"


@pytest.mark.parametrize("status", [CheckStatus.LOST, CheckStatus.NEW])
def test_a_lost_or_new_part_is_a_drift_of_structure(status):
    outcome = base.combined([check("a", status), check("b", CheckStatus.DRIFT, math.inf)])
    assert outcome.status is CheckStatus.STRUCTURE
    assert outcome.message.startswith(f"a: {status}")


def test_an_error_in_a_part_is_an_error_of_the_whole():
    parts = [check("a", CheckStatus.STRUCTURE), check("b", CheckStatus.ERROR, message="crashed")]
    assert base.combined(parts).status is CheckStatus.ERROR


def test_many_failing_parts_are_counted():
    parts = [check(c, CheckStatus.DRIFT, 2.0, worst=Place("", "1", "2")) for c in "abcdef"]
    assert base.combined(parts, hidden=1000).message.endswith("; 1,003 more")
    assert base.combined(parts).worst == Place("a", "1", "2")


def test_no_parts_are_equal():
    assert base.combined([]).status is CheckStatus.EQUAL


def test_limits_are_those_of_the_name_then_of_the_last_pattern_then_of_the_rule():
    rule = ArtifactRule(
        "*",
        limits=Limits(rel=1.0, abs=5.0),
        columns={"x*": Limits(rel=2.0), "x1": Limits(rel=4.0), "*1": Limits(abs=3.0, ulp=2)},
        ignore_columns=("t*", "[odd]"),
    )
    assert base.limits_for("x1", rule) == Limits(rel=4.0, abs=5.0)
    assert base.limits_for("x2", rule) == Limits(rel=2.0, abs=5.0)
    assert base.limits_for("y1", rule) == Limits(rel=1.0, abs=3.0, ulp=2)
    assert base.limits_for("z", rule) == rule.limits
    assert base.ignored("time", rule)
    assert base.ignored("[odd]", rule)
    assert not base.ignored("x1", rule)


def test_suggestions_for_columns_need_one_for_each_that_fails():
    a = check("a b", CheckStatus.DRIFT, 2.0, allow="{rel: 1e-3}")
    fine = check("c", CheckStatus.EQUAL)
    assert base.allow_columns([a, fine]) == '{columns: {"a b": {rel: 1e-3}}}'
    assert base.allow_columns([a, check("b", CheckStatus.DRIFT, math.inf)]) is None
    assert base.allow_columns([fine]) is None
    assert base.allow_columns([a] * 5) is None


def test_values_are_shown_short():
    assert base.shown("x" * 1000) == repr("x" * 60 + "…")
    assert len(base.shown(list(range(1000)))) == 68
    assert base.shown(10**5000) == "<int>"
    assert base.shown(0.1) == "0.1"


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("loss", "loss"),
        ("a/b.csv", "a/b.csv"),
        ("a b", '"a b"'),
        ("true", '"true"'),
        ("1", '"1"'),
        ("*", '"*"'),
    ],
)
def test_names_are_quoted_for_yaml_where_needed(name, key):
    assert base.key(name) == key


def test_counting_words():
    assert base.counted(1, "row") == "1 row"
    assert base.counted(1000, "row") == "1,000 rows"
    assert base.counted(2, "entry", "entries") == "2 entries"
