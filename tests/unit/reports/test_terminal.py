"""The report in a terminal of 80 columns: the layout, the order, and nothing that breaks either."""

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_nbrepro.model import Check, CheckStatus, Evidence, Place, Run, RunError, RunStatus, Verdict, Why
from pytest_nbrepro.reports.data import CaseReport
from pytest_nbrepro.reports.terminal import case_text, pair

ID = "20261123T180000.000000-abcdef"


def report(*checks, case="a.ipynb::default", status="completed", error=None, notes=(), **fields):
    run = Run(ID, Path("run"), "a.ipynb", "default", {}, RunStatus(status), "", error=error, notes=notes)
    return CaseReport(case, run, Verdict(tuple(checks)), f".nbrepro/runs/{ID}", **fields)


def lines(*checks, **fields):
    return case_text(report(*checks, **fields)).splitlines()


def check(kind, name, status="drift", used=None, limit="exact", message="", worst=None, **fields):
    return Check(
        kind,
        name,
        CheckStatus(status),
        used,
        limit,
        message,
        worst=Place(*worst) if worst else None,
        **fields,
    )


def drift(name="loss", **fields):
    return check("metric", name, "drift", 2.0, "rel 1e-6", worst=("", "1.5", "2.5"), **fields)


class TestLayout:
    def test_it_is_that_of_the_design(self):
        told = case_text(
            report(
                check("metric", "loss", "within", 0.83, "rel 1e-6", worst=("", "0.5", "0.50001")),
                check(
                    "metric",
                    "auc",
                    "drift",
                    12.9,
                    "rel 0.001",
                    "WORSE",
                    ("", "0.913", "0.9012"),
                    allow="auc: {rel: 1.4e-2}",
                ),
                check(
                    "table",
                    "preds.parquet",
                    "drift",
                    1.2e7,
                    "rel 1e-6",
                    "score: 1 of 9 rows",
                    ("row 7", "0.1", "0.2"),
                ),
                check("text", "more.txt", "new", message="12 bytes have no baseline"),
                case="analysis/train.ipynb::x=-1.0",
                why=Why(
                    "ENVIRONMENT",
                    "source, flags, inputs same; scikit-learn 1.8.0 -> 1.9.1; a second run is bit-identical",
                ),
                first='cell 17 "fit model"',
                diff='## modified cell 17 "fit model"/outputs/0/text:\n-  a\n\n+  b',
                waits=True,
                once=True,
            )
        )
        assert (
            told
            == """\
NBREPRO analysis/train.ipynb::x=-1.0   3 of 4 checks drifted
  text    more.txt       NEW   12 bytes have no baseline
  table   preds.parquet  row 7: 0.1000 -> 0.2000   used 1.2e7x   rel 1e-6
            score: 1 of 9 rows
  metric  auc            0.9130 -> 0.9012   used 12.9x   rel 0.001   WORSE
  ok      loss           0.50000 -> 0.50001   used 0.83x   close
  why     ENVIRONMENT: source, flags, inputs same; scikit-learn 1.8.0 -> 1.9.1;
          a second run is bit-identical
  note    the baseline rests on one run alone (--nbrepro-once, accept --stored)
  first   cell 17 "fit model" is the first whose output differs
    ## modified cell 17 "fit model"/outputs/0/text:
    -  a

    +  b
  next    nbrepro review 'analysis/train.ipynb::x=-1.0'
          nbrepro show abcdef
  allow   auc: {rel: 1.4e-2}"""
        )

    def test_no_limit_is_suggested_where_something_is_lost(self):
        told = lines(
            drift(allow="loss: {rel: 1e-3}"), check("text", "gone.txt", "lost", message="the baseline has it")
        )
        assert "  text    gone.txt  LOST   the baseline has it" in told
        assert not any(line.startswith("  allow") for line in told)

    def test_the_limit_of_text_is_told_with_its_key(self):
        told = lines(check("output", "cell 1", "drift", 2.0, "rel 1e-06", allow="{rel: 2.2e-6}"))
        assert told[-1] == "  allow   outputs: {rel: 2.2e-6}"

    def test_a_passing_case_is_short(self):
        assert lines(check("metric", "a", "equal", 0.0)) == [
            "NBREPRO a.ipynb::default   reproduces: 1 check",
            "  next    nbrepro show abcdef",
        ]

    def test_two_short_commands_share_a_line(self):
        assert (
            lines(drift(), waits=True, case="a::b")[-1]
            == "  next    nbrepro review 'a::b'   |   nbrepro show abcdef"
        )

    def test_a_case_with_odd_letters_can_be_pasted(self):
        assert (
            lines(drift(), waits=True, case="it's $1.ipynb::x")[-1].split("   |")[0]
            == "  next    nbrepro review 'it'\"'\"'s $1.ipynb::x'"
        )

    def test_a_kind_of_eight_letters_stands_apart_from_the_name(self):
        assert (
            lines(check("baseline", "a/b", "error", message="half-written"))[1]
            == "  baseline a/b  ERROR   half-written"
        )

    def test_an_improvement_is_a_pass_that_is_told(self):
        told = lines(check("metric", "auc", "improved", 1.5, "rel 1e-6", "BETTER", ("", "0.9", "0.99")))
        assert told[1] == "  ok      auc  0.9000 -> 0.9900   used 1.5x   IMPROVED"

    def test_a_long_title_takes_two_lines(self):
        told = lines(
            case="n" * 70 + ".ipynb::default",
            refused="two runs of the same notebook disagree in 2 of 3 checks: no baseline",
        )
        assert told[:2] == [
            f"NBREPRO {'n' * 70}.ipynb::default",
            "  two runs of the same notebook disagree in 2 of 3 checks: no baseline",
        ]


class TestRows:
    def test_the_worst_eight_are_told_and_the_others_counted(self):
        told = lines(*(check("metric", f"m{n}", "drift", float(n + 2)) for n in range(11)))
        assert [line.split()[1] for line in told[1:9]] == [f"m{n}" for n in range(10, 2, -1)]
        assert told[9] == "          +3 more: nbrepro show abcdef"

    def test_three_passes_are_told(self):
        told = lines(*(check("metric", f"m{n}", "within", 0.9) for n in range(5)))
        assert sum(line.startswith("  ok") for line in told) == 3

    def test_a_long_name_sticks_out_and_moves_no_other(self):
        told = lines(
            check("text", "short", "lost"),
            check("text", "l" * 30, "lost"),
            check("text", "x" * 75, "lost", message="gone"),
        )
        assert told[1:] == [
            f"  text    {'l' * 30}  LOST",
            "  text    short  LOST",
            f"  text    {'x' * 75}",
            "            LOST   gone",
            "  next    nbrepro show abcdef",
        ]

    def test_several_parts_are_told_one_by_one(self):
        parts = tuple(check("column", name, "drift", 3.0, worst=("row 1", "1.0", "2.0")) for name in "abcde")
        parts += (check("column", "fine", "equal"), check("column", "gone", "lost", message="lost"))
        told = lines(check("table", "t.csv", "drift", 3.0, "rel 1e-6", "a, b, … are out", parts=parts))
        assert told[1:6] == [
            "  table   t.csv  used 3x   rel 1e-6   a, b, … are out",
            "          a:  row 1: 1.000 -> 2.000   used 3x",
            "          b:  row 1: 1.000 -> 2.000   used 3x",
            "          c:  row 1: 1.000 -> 2.000   used 3x",
            "          +3 more",
        ]

    def test_one_part_is_told_by_the_whole_and_one_without_values_by_its_message(self):
        one = (check("column", "a", "drift", 3.0, worst=("row 1", "1", "2")),)
        lost = tuple(check("column", name, "lost") for name in "ab")
        assert len(lines(check("table", "t.csv", parts=one), check("table", "u.csv", parts=lost))) == 4

    @pytest.mark.parametrize(
        ("used", "limit", "told"),
        [
            (None, "exact", "1.500 -> 2.500"),
            (math.inf, "exact", "1.500 -> 2.500   exact"),
            (math.inf, "rel 1e-6", "1.500 -> 2.500   rel 1e-6"),
            (math.nan, "rel 1e-6", "1.500 -> 2.500   rel 1e-6"),
            (12.94, "rel 1e-6", "1.500 -> 2.500   used 12.9x   rel 1e-6"),
            (999.4, "r", "1.500 -> 2.500   used 999x   r"),
            (1234.0, "r", "1.500 -> 2.500   used 1.2e3x   r"),
            (1.5e123, "r", "1.500 -> 2.500   used 1.5e123x   r"),
        ],
    )
    def test_what_was_used_of_which_limit(self, used, limit, told):
        assert (
            lines(check("metric", "a", "drift", used, limit, worst=("", "1.5", "2.5")))[1]
            == f"  metric  a  {told}"
        )

    def test_spaces_inside_texts_survive(self):
        told = lines(drift(), why=Why("CODE", "a   b" + " word" * 20))
        assert told[2].startswith("  why     CODE: a   b word")

    def test_lines_of_a_text_stay_lines(self):
        told = lines(status="failed", error=RunError("memory", "one\n\ntwo " + "w " * 40, hint="h"))
        assert told[1:4] == ["  error   one", "", "          two " + "w " * 32 + "w"]


class TestFailures:
    def test_source_traceback_hint_notes_and_place_are_told(self):
        error = RunError("cell", "ValueError: no", 3, "Traceback\n  line 1\nValueError: no", "look at it")
        told = lines(
            status="failed",
            error=error,
            first='cell 2 "fit"',
            failed_source="x = 1\n\tfit(x)",
            notes=("note 1",),
        )
        assert told == [
            'NBREPRO a.ipynb::default   failed in cell 2 "fit"',
            "  error   ValueError: no",
            "    | x = 1",
            "    |         fit(x)",
            "    Traceback",
            "      line 1",
            "    ValueError: no",
            "  hint    look at it",
            "  note    note 1",
            f"  kept    .nbrepro/runs/{ID}/notebook.ipynb: what ran",
            "          until then, with its outputs",
        ]

    def test_of_long_ones_the_telling_end_is_shown(self):
        trace = "\n".join(f"frame {n}" for n in range(50))
        source = "\n".join(f"line{n}" for n in range(50))
        told = lines(
            status="died",
            error=RunError("died", "gone", 0, trace),
            failed_source=source,
            notes=tuple("abcdefg"),
        )
        assert told[31:35] == ["    | line29", "    | … 20 more", "    … 20 lines", "    frame 20"]
        assert "    frame 49" in told
        assert [line for line in told if line.startswith("  note")][-2:] == [
            "  note    d",
            "  note    … 3 more",
        ]

    def test_a_run_without_a_word_why_tells_what_the_verdict_says(self):
        told = lines(check("run", "died", "error", message="it left no word why"), status="died")
        assert told[:2] == ["NBREPRO a.ipynb::default   died", "  error   it left no word why"]


class TestPairs:
    @pytest.mark.parametrize(
        ("before", "after", "told"),
        [
            ("0.913", "0.9012", ("0.9130", "0.9012")),
            ("0.12345678", "0.12345679", ("0.12345678", "0.12345679")),
            ("123456.75", "123458.25", ("123457", "123458")),
            ("123456.75", "123457.25", ("123456.8", "123457.2")),
            ("0.1", "0.10", ("0.1", "0.10")),
            ("3", "4", ("3", "4")),
            ("1e-05", "2e-05", ("1e-05", "2e-05")),
            ("nan", "1.0", ("nan", "1.0")),
            ("1.0", "-inf", ("1.0", "-inf")),
            ("'a'", "1.0", ("'a'", "1.0")),
            ("1" * 60, "2.0", ("1.111e+59", "2.000")),
            ("1" * 400, "2" * 400, ("1" * 39 + "…", "2" * 39 + "…")),
            ("w" * 41, "w" * 40, ("w" * 39 + "…", "w" * 40)),
            ("", "x", ("", "x")),
        ],
    )
    def test_numbers_get_the_digits_that_tell_them_apart(self, before, after, told):
        assert pair(before, after) == told

    @given(st.floats(allow_nan=False, allow_infinity=False), st.floats(allow_nan=False, allow_infinity=False))
    def test_numbers_that_differ_look_different(self, one, other):
        short = pair(repr(one), repr(other))
        assert (short[0] != short[1]) == (repr(one) != repr(other))


WORDS = st.lists(st.sampled_from(["a", "word", "100.0", "->", "  ", "<b>"]), max_size=40).map(" ".join)
ANY = (
    st.text(max_size=30)
    | WORDS
    | st.sampled_from(["\x1b[31mred", "\r\n", "a\tb", "\ud800", "ü漢", "x" * 200])
)
USED = st.none() | st.floats(0) | st.just(math.nan)


def checks(parts):
    return st.builds(
        Check,
        kind=st.sampled_from(["metric", "table", "baseline", "third-party-kind", ""]),
        name=ANY,
        status=st.sampled_from(CheckStatus),
        used=USED,
        limit=ANY,
        message=ANY,
        worst=st.none() | st.builds(Place, ANY, ANY | st.floats().map(str), ANY | st.floats().map(str)),
        parts=parts,
        allow=st.none() | ANY,
    )


REPORTS = st.builds(
    report,
    checks(st.lists(checks(st.just(())), max_size=5).map(tuple)),
    checks(st.just(())),
    case=ANY,
    status=st.sampled_from(RunStatus),
    error=st.none() | st.builds(RunError, ANY, ANY, st.none(), ANY, st.none() | ANY),
    notes=st.lists(ANY, max_size=6).map(tuple),
    why=st.none() | st.builds(Why, ANY, ANY),
    first=st.none() | ANY,
    diff=ANY,
    failed_source=ANY,
    refused=st.none() | ANY,
    waits=st.booleans(),
    once=st.booleans(),
)


class TestAnything:
    @given(REPORTS)
    def test_it_never_fails_and_moves_no_cursor(self, told):
        text = case_text(told)
        text.encode("utf-8")
        assert all(line.isprintable() for line in text.split("\n"))
        assert text.startswith("NBREPRO")

    @given(REPORTS)
    def test_no_line_is_wider_than_80_but_for_what_cannot_be_broken(self, told):
        for number, line in enumerate(case_text(told).split("\n")):
            unbreakable = (
                number == 0 or "nbrepro review" in line or max(map(len, line.split()), default=0) > 60
            )
            assert len(line) <= 80 or unbreakable


def test_what_is_set_aside_is_one_row():
    timed = [check("metric", name, "aside") for name in ("fit_time", "elapsed")]
    parts = tuple(check("column", f"t{n}", "aside") for n in range(6))
    told = lines(drift(), *timed, check("table", "cv.csv", "equal", parts=parts))
    assert told[2:4] == [
        "  aside   fit_time; elapsed; cv.csv: t0, t1, t2, t3 and 2 more   (timings by",
        "          name; a rule that names one compares it)",
    ]
    assert not any("aside" in line for line in lines(drift()))


class TestWhy:
    CHANGED = (
        Evidence("CODE", "changed", "source changed: cell 1"),
        Evidence("CHANCE", "changed", "it differs"),
    )

    def test_a_line_for_each_of_several_causes(self):
        told = lines(drift(), why=Why("SEVERAL", "CODE and CHANCE changed", self.CHANGED))
        assert told[2:5] == [
            "  why     SEVERAL: CODE and CHANCE changed",
            "          CODE        source changed: cell 1",
            "          CHANCE      it differs",
        ]

    def test_one_cause_needs_no_table(self):
        told = lines(drift(), why=Why("CODE", "source changed: cell 1", self.CHANGED[:1]))
        assert told[2:3] == ["  why     CODE: source changed: cell 1"]
        assert not told[3].startswith("          CODE")

    @pytest.mark.parametrize(("cause", "offered"), [("CHANCE", True), ("UNKNOWN", True), ("CODE", False)])
    def test_experiments_are_offered_where_they_tell_more(self, cause, offered):
        told = "\n".join(lines(drift(), why=Why(cause, "x")))
        assert ("nbrepro why 'a.ipynb::default'" in told) is offered

    def test_what_may_be_chance_is_noted(self):
        told = " ".join(" ".join(lines(drift(), chance="cell 1 draws", unseeded=("cell 2 drew",))).split())
        assert "note the baseline's values may be chance: cell 2 drew" in told
        assert "note what agrees may agree by chance: cell 1 draws" in told

    def test_once_is_enough(self):
        told = " ".join(lines(drift(), chance="cell 1 draws", why=Why("CHANCE", "cell 1 draws")))
        assert told.count("cell 1 draws") == 1

    def test_a_run_that_failed_has_a_cause_too(self):
        told = lines(
            status="failed", error=RunError("cell", "TypeError: 3", 0), why=Why("ENVIRONMENT", "x 1 -> 2")
        )
        assert "  why     ENVIRONMENT: x 1 -> 2" in told
