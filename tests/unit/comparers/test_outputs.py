"""Text of cells: numbers in equal text within limits, all else exact, in linear time."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pytest_nbrepro.comparers.outputs import compare_lines, compare_text
from pytest_nbrepro.comparers.tokens import Scale
from pytest_nbrepro.model import CheckStatus, Limits, Place

EQUAL, WITHIN, DRIFT = CheckStatus.EQUAL, CheckStatus.WITHIN, CheckStatus.DRIFT
STRUCTURE = CheckStatus.STRUCTURE


def compared(baseline: str, result: str, **limits):
    return compare_text(baseline, result, Limits(**limits))


# ---------------------------------------------------------------------------------------------------
# Numbers with decimals


@pytest.mark.parametrize(
    ("baseline", "result", "status"),
    [
        ("loss: 0.48046374", "loss: 0.48046375", WITHIN),
        ("loss: 0.48046374", "loss: 0.48046474", DRIFT),
        ("loss: 0.034", "loss: 0.035", DRIFT),  # the printed precision is no tolerance
        ("p: 3e-9", "p: 9e-9", DRIFT),  # nothing is small by itself
        ("p: 3e-9", "p: 3.9e-9", DRIFT),
        ("p: 3.0000000e-9", "p: 3.0000001e-9", WITHIN),
        ("a: 63.92077245597571", "a: 63.92077245595459", WITHIN),
        ("a: -0.5", "a: 0.5", DRIFT),
        ("a: -0.5", "a:  0.5", DRIFT),
        ("a: -0.50000001", "a: -0.5", WITHIN),
        ("a: 0.0", "a: 1e-300", DRIFT),
        ("a: 0.0", "a: -0.0", WITHIN),
        ("a: 0.10", "a: 0.1", WITHIN),
        ("a: .5", "a: 0.5", WITHIN),
        ("a: 1e5", "a: 1e+05", WITHIN),
        ("a: 1E5", "a: 1e5", WITHIN),
        ("[1. 0.5]", "[0.99999999 0.5]", WITHIN),
        ("z: 1.5+2.3000000j", "z: 1.5+2.3000001j", WITHIN),
        ("z: 1.5+2.3j", "z: 1.5-2.3j", DRIFT),
        ("acc: 95.3%", "acc: 95.4%", DRIFT),
        ("(0.5000000, 1)", "(0.5000001, 1)", WITHIN),
        ("x=0.5000000;", "x=0.5000001;", WITHIN),
        ("took 1.0000000ms", "took 1.0000001ms", WITHIN),
        ("3.2kg", "3.2000000000000006kg", WITHIN),
        ("3.2kg", "3.3kg", DRIFT),
        ("3.2kg", "3.2g", DRIFT),
    ],
)
def test_decimals(baseline, result, status):
    assert compared(baseline, result).status is status


def test_limits_of_the_rule():
    assert compared("a: 100.0", "a: 100.9", rel=1e-2).status is WITHIN
    assert compared("a: 100.0", "a: 101.1", rel=1e-2).status is DRIFT
    assert compared("a: 0.0", "a: 1e-15", abs=1e-12).status is WITHIN
    assert compared("a: 1.0", "a: 1.0000000000000004", rel=0.0, ulp=2).status is WITHIN
    assert compared("a: 1.0", "a: 1.0000000000000007", rel=0.0, ulp=2).status is DRIFT


def test_the_baseline_is_the_scale():
    assert compared("a: 1.0", "a: 2.0", rel=0.6).status is DRIFT
    assert compared("a: 2.0", "a: 1.0", rel=0.6).status is WITHIN


def test_what_is_told():
    baseline = "epoch 1\nval loss: 0.5\nacc = 0.91"
    outcome = compared(baseline, "epoch 1\nval loss: 0.50001\nacc = 0.91")
    assert outcome.status is DRIFT
    assert outcome.used == pytest.approx(20)
    assert outcome.limit == "rel 1e-6"
    assert (outcome.n, outcome.bad) == (3, 1)
    assert outcome.worst == Place("line 2: val loss", "0.5", "0.50001")
    assert outcome.message == "1 of 3 lines out of limit"
    assert outcome.allow == "{rel: 2.2e-5}"
    assert compared(baseline, "epoch 1\nval loss: 0.50001\nacc = 0.91", rel=2.2e-5).status is WITHIN


def test_the_worst_number_is_named():
    outcome = compared("a 1.0 2.0\nb 3.0 4.0", "a 1.001 2.0\nb 3.0 4.4")
    assert outcome.worst == Place("line 2", "4.0", "4.4")
    assert outcome.used == pytest.approx(1e5)
    assert outcome.bad == 2
    assert outcome.allow is None


def test_within_says_how_much_is_used():
    outcome = compared("a: 1.0", "a: 1.0000005")
    assert outcome.used == pytest.approx(0.5)
    assert (outcome.bad, outcome.message, outcome.allow) == (0, "1 of 1 lines differ", None)


def test_a_baseline_of_zero_asks_for_abs():
    outcome = compared("a: 0.0", "a: 0.1")
    assert outcome.used == math.inf
    assert outcome.message.endswith("baseline is 0: give abs")


def test_values_that_round_to_different_digits_are_held_to_the_limit():
    assert compared("a: 0.034", "a: 0.035", rel=0.1).status is WITHIN


# ---------------------------------------------------------------------------------------------------
# Integers and kinds


@pytest.mark.parametrize(
    ("baseline", "result"),
    [
        ("rows: 8000000", "rows: 8000001"),
        ("rows: 8,000,000", "rows: 8,000,001"),
        ("Rows: 8000000.", "Rows: 8000001."),  # a full stop does not make it a decimal
        ("n: 8", "n: 8.0"),
        ("n: 8.0", "n: 8"),
        ("n: 8", "n: 8."),
        ("n: 8", "n: 8e0"),
        ("n: +8", "n: -8"),
        ("n: " + "1" * 5000, "n: " + "1" * 4999 + "2"),
        ("n: 0." + "1" * 500, "n: 0." + "1" * 499 + "2"),
        ("n: 1e998", "n: 1e999"),
        ("n: 1e999", "n: inf"),
    ],
)
def test_integers_are_exact_and_kinds_are_kept(baseline, result):
    outcome = compared(baseline, result, rel=1e-3)
    assert (outcome.status, outcome.used, outcome.allow) == (DRIFT, math.inf, None)


def test_only_abs_loosens_integers():
    assert compared("n: 100", "n: 102", abs=2).status is WITHIN
    outcome = compared("n: 100", "n: 103", abs=2)
    assert (outcome.status, outcome.used, outcome.limit) == (DRIFT, 1.5, "abs 2")
    assert outcome.allow == "{abs: 4}"


def test_nothing_is_suggested_for_numbers_of_two_kinds():
    outcome = compared("n: 100, x: 1.0", "n: 103, x: 9.0", abs=2)
    assert (outcome.status, outcome.allow) == (DRIFT, None)


def test_a_shorter_writing_of_the_same_integer_is_within():
    assert compared("n: 8", "n: +8").status is WITHIN
    assert compared("n: 8,000", "n: 8000").status is WITHIN


COMPLEX = [
    ("(1+2.5j)", "(1.0000000000000002+2.5j)", WITHIN),  # Python writes 1.0 as 1 there
    ("(1-1e-17j)", "(1+2e-17j)", WITHIN),  # a part that is zero up to rounding changes its sign
    ("[1.+2.j 3.-1.e-17j]", "[1.+2.j 3.+1.e-17j]", WITHIN),
    ("2.5000000j", "2.5000001j", WITHIN),
    ("(1+2j)", "(1+3j)", DRIFT),
    ("(1+2j)", "1.0", DRIFT),
    ("(nan+2j)", "(nan+2.0000001j)", DRIFT),  # NaN equals itself alone, the rest exactly
    ("(1+infj)", "(1+nanj)", DRIFT),
    ("1e999+1j", "1e998+1j", DRIFT),
    ("3+" + "1" * 400 + "j", "3+" + "1" * 399 + "2j", DRIFT),
]


@pytest.mark.parametrize(("baseline", "result", "status"), COMPLEX)
def test_a_complex_number_is_one_number(baseline, result, status):
    assert compared(baseline, result).status is status


REPRS = [  # (how programs write results, the same with one number changed by 2 of its own)
    ("array([0.1, 0.2])", "0.2"),
    ("{'acc': 0.91, 'n': [1, 2.5]}", "2.5"),
    ("acc 91.25%", "91.25"),
    ("lr 1e-05", "1e-05"),
    ("3.2 kg", "3.2"),
    ("LogisticRegression(C=0.1, max_iter=100)", "0.1"),
    ("Pipeline(steps=[('s', StandardScaler()),\n                ('m', SVC(C=2.5))])", "2.5"),
    ("(np.float64(0.5), np.float32(0.25))", "0.25"),
    ("tensor(0.1234, grad_fn=<NllLossBackward0>)", "0.1234"),
    ("Decimal('0.5')", "0.5"),
    ("0.913±0.02", "0.02"),
    ("Timedelta('0 days 00:00:01.500000')", "01.500000"),
    ("x1             0.2345      0.012     19.541      0.000       0.211       0.258", "19.541"),
    ("Prob (F-statistic):           4.00e-05", "4.00e-05"),
]


@pytest.mark.parametrize(("text", "number"), REPRS)
def test_numbers_in_what_programs_write(text, number):
    value = float(number)
    for changed, status in ((value * (1 + 1e-7), WITHIN), (value * 3, DRIFT)):
        assert compared(text, text.replace(number, repr(changed))).status is status


@pytest.mark.parametrize("text", ["Timestamp('2019-01-01 00:00:00')", "(np.int64(3), 4)", "50%", "depth=3"])
def test_dates_and_whole_numbers_in_them_are_exact(text):
    for digit in "34510":
        if digit in text:
            outcome = compared(text, text.replace(digit, "7"), rel=1e-3)
            assert outcome.status is DRIFT


BOX = "┌{0}┐\n│ score {1}│\n│ ---   {1}│\n╞{2}╡\n│ {3} │\n└{0}┘"
TABLES = [
    lambda n: f"{'score':>{len(n) + 3}}\n0  {n}\n1  {n}",
    lambda n: f"| {'score':<{len(n)}} |\n|{'-' * (len(n) + 2)}|\n| {n} |",
    lambda n: BOX.format("─" * (len(n) + 2), " " * (len(n) - 5), "═" * (len(n) + 2), n),
    lambda n: f"{'score':>{len(n)}}\n{'=' * len(n)}\n{n}",
]


@pytest.mark.parametrize("table", TABLES)
def test_tables_in_text_may_grow_with_their_numbers(table):
    assert compared(table("0.50000"), table("0.5000000000001")).status is WITHIN
    assert compared(table("0.50000"), table("0.5001000000001")).status is DRIFT
    assert compared(table("0.50000"), table("0.5000000000001").replace("score", "auc")).status is DRIFT


def test_a_drawn_line_alone_has_no_reason_to_grow():
    outcome = compared("a\n=====\n0.5", "a\n======\n0.5")
    assert (outcome.status, outcome.message) == (DRIFT, "1 of 3 lines differ, in spacing alone")


# ---------------------------------------------------------------------------------------------------
# NaN and infinity


@pytest.mark.parametrize(
    ("baseline", "result", "note"),
    [
        ("a: 0.5", "a: nan", "new NaN"),
        ("a: 5", "a: nan", "new NaN"),
        ("a: nan", "a: 0.5", "NaN no longer"),
        ("a: inf", "a: 0.5", ""),
        ("a: inf", "a: -inf", ""),
        ("a: nan", "a: inf", "NaN no longer"),
    ],
)
def test_nan_and_infinity_equal_only_themselves(baseline, result, note):
    outcome = compared(baseline, result, rel=0.5, abs=1e300)
    assert (outcome.status, outcome.used, outcome.allow) == (DRIFT, math.inf, None)
    assert note in outcome.message


@pytest.mark.parametrize("word", ["nan", "-inf", "inf", "NaN"])
def test_nan_and_infinity_beside_a_number_within_its_limit(word):
    assert compared(f"a: {word} 1.0", f"a: {word} 1.0000001").status is WITHIN


# ---------------------------------------------------------------------------------------------------
# Text


@pytest.mark.parametrize(
    ("baseline", "result"),
    [
        ("loss: 0.5", "lose: 0.5"),
        ("loss: 0.5", "loss: 0.5!"),
        ("version 1.8.0", "version 1.8.00000001"),
        ("version 1.8.0", "version 1.8.1"),
        ("at 0x7f3a", "at 0x7f3b"),
        ("#1.0000000", "#1.0000001"),
        ("x1.0000000", "x1.0000001"),
        ("took 1ms", "took 2ms"),
        ("version 1.8rc1", "version 1.9rc1"),
        ("c 0x1.8p3", "c 0x1.9p3"),
        ("infjord", "infjords"),
        ("2026.11.23", "2026.11.24"),
        ("127.0.0.1", "127.0.0.2"),
        ("np.nan", "np.inf"),
        ("1_000.0", "1_000.1"),
        ("3-5", "3+5"),
        ("a 1.0", "a 1.0 2.0"),
        ("a 1.0 2.0", "a 1.0"),
        ("a b", "ab"),
    ],
)
def test_what_is_no_number_is_exact(baseline, result):
    outcome = compared(baseline, result, rel=0.5, abs=0.5)
    assert (outcome.status, outcome.used, outcome.limit) == (DRIFT, math.inf, "exact")
    assert outcome.worst == Place("line 1", baseline, result)


def test_other_text_is_named_before_numbers():
    outcome = compared("a: 1.0\nb: yes", "a: 5.0\nb: no")
    assert outcome.worst == Place("line 2", "b: yes", "b: no")
    assert (outcome.bad, outcome.message) == (2, "2 of 2 lines differ")


def test_a_place_in_a_long_line_is_cut_to_its_surroundings():
    line = "x" * 5000
    outcome = compared(line + "A" + line, line + "B" + line)
    assert outcome.worst is not None
    assert outcome.worst.baseline.startswith("…xxx")
    assert "A" in outcome.worst.baseline
    assert "B" in outcome.worst.result
    assert len(outcome.worst.result) < 70


# ---------------------------------------------------------------------------------------------------
# Thousands


@pytest.mark.parametrize(
    ("baseline", "result", "status"),
    [
        ("sum: 1,234,567.89", "sum: 1,234,567.90", WITHIN),
        ("sum: 999,999.99", "sum: 1,000,000.00", WITHIN),
        ("sum: $1,000.0001 ", "sum: $1,000.0002 ", WITHIN),
        ("sum: -1,000.0001.", "sum: -1,000.0002.", WITHIN),
        ("1,234,567.89", "1,234,567.90", DRIFT),  # a line of CSV: 567.89 is a value of its own
        ("[1,234,567.8]", "[1,234,567.9]", DRIFT),
        ("{1,234,567.8}", "{1,234,567.9}", DRIFT),
        ("sum: 1,234,567.8,9", "sum: 1,234,567.9,9", DRIFT),
    ],
)
def test_a_comma_joins_only_what_cannot_be_a_list(baseline, result, status):
    assert compared(baseline, result).status is status


# ---------------------------------------------------------------------------------------------------
# Spaces


def test_spaces_follow_the_width_of_numbers():
    baseline = "   score\na   0.5\nb  0.25"
    result = "        score\na         0.5\nb  0.25000001"
    outcome = compared(baseline, result)
    assert (outcome.status, outcome.bad) == (WITHIN, 0)
    assert outcome.worst == Place("line 3: b", "0.25", "0.25000001")


def test_spaces_that_no_number_explains_are_a_difference():
    outcome = compared("a  0.5\nb 1", "a 0.5\nb 1")
    assert (outcome.status, outcome.worst) == (DRIFT, Place("line 1", "a  0.5", "a 0.5"))
    assert outcome.message == "1 of 2 lines differ, in spacing alone"
    both = compared("a  0.5\nb 1.0", "a 0.5\nb 2.0")
    assert (both.status, both.message, both.bad) == (DRIFT, "2 of 2 lines differ", 2)


def test_a_line_with_other_spaces_and_a_number_out_of_limit_counts_once():
    outcome = compared("a  0.5", "a 0.50001")
    assert (outcome.status, outcome.bad) == (DRIFT, 1)
    assert outcome.worst == Place("line 1: a", "0.5", "0.50001")


# ---------------------------------------------------------------------------------------------------
# Lines


def test_lost_and_new_lines():
    outcome = compared("a\nb\nc", "a\nc")
    assert (outcome.status, outcome.message) == (STRUCTURE, "1 line lost")
    assert (outcome.n, outcome.bad, outcome.worst) == (3, 1, Place("line 2", "b", ""))
    outcome = compared("a\nc", "a\nb\nc")
    assert (outcome.message, outcome.worst) == ("1 line new", Place("line 2", "", "b"))
    outcome = compared("a\nb\nc\nd", "a\nx\nd")
    assert (outcome.message, outcome.worst) == ("2 lines lost, 1 line new", Place("line 2", "b", "x"))
    outcome = compared("a", "a\n")
    assert (outcome.message, outcome.worst) == ("1 line new", Place("line 2", "", ""))


def test_a_changed_number_does_not_make_a_line_lost():
    outcome = compared("loss: 0.5\nend", "start\nloss: 0.6\nend")
    assert (outcome.message, outcome.worst) == ("1 line new", Place("line 1", "", "start"))


def test_moved_lines_are_told_apart_from_lost_ones():
    lines = [f"line {chr(97 + i)}" for i in range(10)]
    outcome = compared("\n".join(lines), "\n".join(["new", *lines[:-1]]))
    assert (outcome.status, outcome.bad) == (DRIFT, 10)
    assert outcome.message == "10 of 10 lines differ: 1 lost, 1 new, the others moved"
    outcome = compared("\n".join(lines), "\n".join(lines[::-1]))
    assert outcome.message == "10 of 10 lines differ: they only moved"


def test_without_a_scale_lines_are_exact():
    outcome = compare_lines(["a: 1.0"], ["a: 1.0000000001"], None)
    assert (outcome.status, outcome.limit) == (DRIFT, "exact")
    assert compare_lines(["a"], ["a"], None).limit == "exact"
    assert compare_lines(["1.0", "x"], ["1.5"], None).message == "2 lines lost, 1 line new"


# ---------------------------------------------------------------------------------------------------
# Laws

TEXTS = st.lists(
    st.one_of(
        st.sampled_from(
            ["loss", ": ", " ", "  ", "\n", ",", "-", "+", "e", ".", "nan", "inf", "(", ")", "1,234", "x1"]
        ),
        st.integers(-(10**12), 10**12).map(str),
        st.floats().map(repr),
        st.text(max_size=3),
    ),
    max_size=12,
).map("".join)


@given(TEXTS)
def test_equal_texts_are_equal(text):
    outcome = compared(text, text)
    assert (outcome.status, outcome.used, outcome.bad) == (EQUAL, 0.0, 0)


@given(TEXTS, st.data())
@example("nan", None)
def test_no_edit_of_one_character_is_equal(text, data):
    at = data.draw(st.integers(0, len(text))) if data else 0
    character = data.draw(st.characters()) if data else "N"
    edited = {
        text[:at] + character + text[at:],
        text[:at] + character + text[at + 1 :],
        text[:at] + text[at + 1 :],
    }
    for other in edited - {text}:
        outcome = compared(text, other)
        assert outcome.status is not EQUAL
        assert outcome.worst is not None


@given(st.floats(allow_nan=False, allow_infinity=False), st.floats(allow_nan=False, allow_infinity=False))
@example(1.0, 1.0000009999999999)
def test_a_number_passes_as_its_value_does(old, new):
    outcome = compared(f"loss: {old!r}", f"loss: {new!r}")
    distance, limit = abs(new / 2 - old / 2), 1e-6 * abs(old / 2)
    if distance < limit * 0.999 or old == new:
        assert outcome.status.ok
    elif distance > limit * 1.001:
        assert outcome.status is DRIFT


@given(TEXTS, TEXTS)
@example("1 2", "12")
@example("1,234 5", "1 5")
def test_texts_that_pass_have_the_same_words_and_as_many_numbers(one, other):
    forward, back = compared(one, other, rel=0.0, abs=0.0), compared(other, one, rel=0.0, abs=0.0)
    assert forward.status.ok == back.status.ok
    if forward.status.ok:
        letters = [re.sub(r"(?i)[0-9.,+\-e\s]|nan|inf(inity)?", "", side) for side in (one, other)]
        assert letters[0] == letters[1]


@given(st.lists(st.sampled_from(["a", "b", "0.5", "0.6"]), max_size=6), st.data())
def test_a_shared_beginning_and_end_change_nothing(words, data):
    others = data.draw(st.permutations(words))
    lead, tail = "1,000.5 x " * 3, " y 1,000.5" * 3
    plain = compared("= " + " ".join(words) + " =", "= " + " ".join(others) + " =")
    framed = compared(f"{lead}= {' '.join(words)} ={tail}", f"{lead}= {' '.join(others)} ={tail}")
    assert (plain.status, plain.used) == (framed.status, framed.used)


# ---------------------------------------------------------------------------------------------------
# Size: a quadratic step would not end here


def test_a_line_of_many_megabytes_ends():
    line = "0.123456789 " * 1_000_000
    outcome = compared(line + "1.0 " + line, line + "1.1 " + line)
    assert (outcome.status, outcome.bad) == (DRIFT, 1)
    outcome = compared("x" * 20_000_000 + "1", "x" * 20_000_000 + "2")
    assert outcome.status is DRIFT


@pytest.mark.parametrize("piece", ["1", "1.", ",123", "1e", "+", "nan", "[", " ", "1,234"])
def test_a_long_run_of_one_piece_ends(piece):
    text = piece * 100_000
    assert compared(f" {text}x", f" {text}y").status is DRIFT


def test_many_lines_all_different_end():
    old = "\n".join(f"value {i}.5 is {'abc'[i % 3]}" for i in range(20_000))
    assert compared(old, old.replace("value", "number")).bad == 20_000
    outcome = compared(old, "start\n" + old.replace(".5", ".6"))
    assert outcome.message == "1 line new"


def test_a_scale_reads_the_limits_once():
    scale = Scale.of_text(Limits(abs=1))
    assert compare_lines(["1 1.0"], ["2 2.0"], scale).status is WITHIN
