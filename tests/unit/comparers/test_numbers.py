"""Limits, `used`, metrics; the laws that every number obeys."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pytest_nbrepro.comparers import numbers
from pytest_nbrepro.comparers.numbers import Limit, compare_metric, resolve, used
from pytest_nbrepro.model import CheckStatus, Limits, Metric, MetricRule

FINITE = st.floats(allow_nan=False, allow_infinity=False)
ANY = st.floats() | st.integers() | st.complex_numbers()
LIMITS = st.builds(
    Limits,
    rel=st.none() | st.floats(0, 1e300),
    abs=st.none() | st.floats(0, 1e308),
    ulp=st.none() | st.integers(0, 1000),
)
DTYPES = st.sampled_from(["float64", "float32", "float16", "int64", "uint8", "bool", "str"])


def metric(value, dtype=None) -> Metric:
    names = {bool: "bool", int: "int", float: "float64"}
    return Metric(value, dtype or names[type(value)])


def check(old, new, dtype=None, **rule):
    limits = Limits(**{k: rule.pop(k) for k in ("rel", "abs", "ulp") if k in rule})
    return compare_metric("m", metric(old, dtype), metric(new, dtype), MetricRule("m", limits, **rule))


# --- limits


@pytest.mark.parametrize(
    ("dtype", "largest", "rel", "abs_"),
    [
        ("float64", None, 1e-6, 0.0),
        ("float32", None, 1e-5, 0.0),
        ("float16", None, 1e-3, 0.0),
        ("float64", 2000.0, 1e-6, 2e-6),
        ("float32", 2000.0, 1e-5, 2e-4),
        ("float16", 2000.0, 1e-3, 1e-5),
        ("complex64", 2000.0, 1e-5, 2e-4),
        ("longdouble", None, 1e-6, 0.0),
    ],
)
def test_defaults_of_dtypes(dtype, largest, rel, abs_):
    limit = resolve(Limits(), dtype, largest)
    assert (limit.kind, limit.rel, limit.abs, limit.ulp) == ("float", rel, pytest.approx(abs_), 0)


def test_giving_one_limit_leaves_the_others_at_their_defaults():
    assert resolve(Limits(abs=1.0), "float64", 10.0).rel == 1e-6
    assert resolve(Limits(rel=0.1), "float64", 10.0).abs == pytest.approx(1e-8)
    assert resolve(Limits(ulp=4), "float64", 10.0).rel == 1e-6


def test_integers_are_loosened_by_abs_alone_and_say_so():
    assert resolve(Limits(rel=0.5, ulp=9), "uint8") == Limit("int", unused="integers: only abs loosens")
    assert str(resolve(Limits(rel=0.5), "int")) == "exact (integers: only abs loosens)"
    assert str(resolve(Limits(abs=2), "int64")) == "abs 2"
    assert str(resolve(Limits(), "int")) == "exact"


def test_what_is_no_number_is_exact_whatever_the_rule():
    assert resolve(Limits(rel=1, abs=1, ulp=1), "bool") == numbers.EXACT


def test_a_limit_names_all_that_makes_it():
    assert str(resolve(Limits(ulp=4), "float64", 1.0)) == "rel 1e-6, abs 1e-9, ulp 4"
    assert str(resolve(Limits(rel=0, abs=0), "float64", 1.0)) == "exact"


@pytest.mark.parametrize("bad", [-1.0, math.nan, math.inf])
@pytest.mark.parametrize("name", ["rel", "abs"])
def test_limits_that_are_none_are_refused(name, bad):
    with pytest.raises(ValueError, match=name):
        resolve(Limits(**{name: bad}), "float64")


def test_the_largest_part_of_the_limit_counts_never_the_sum():
    limit = Limit("float", rel=0.1, abs=5.0)
    assert limit.at(10.0) == 5.0
    assert limit.at(100.0) == 10.0


@pytest.mark.parametrize(
    ("dtype", "spacing"), [("float64", 2**-52), ("float32", 2**-23), ("float16", 2**-10)]
)
def test_ulp_is_the_spacing_of_the_dtype(dtype, spacing):
    limit = Limit("float", ulp=4, dtype=dtype)
    assert limit.at(1.0) == 4 * spacing
    assert limit.at(-1.0) == 4 * spacing
    assert used(1.0, 1.0 + 4 * spacing, limit) == 1.0


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
@pytest.mark.parametrize("value", [0, 1e-45, 6e-8, 1e-7, 1e-3, 0.5, 1.99999, 3, 60000])
def test_spacings_are_those_of_numpy(dtype, value):
    limit = Limit("float", ulp=1, dtype=np.dtype(dtype).name)
    assert limit.at(float(dtype(value))) == float(np.spacing(dtype(value)))


# --- used


@given(ANY, LIMITS, DTYPES)
def test_a_number_uses_nothing_against_itself(value, limits, dtype):
    assert used(value, value, resolve(limits, dtype)) == 0


@given(st.floats() | st.integers(), st.floats() | st.integers(), LIMITS, DTYPES)
def test_used_is_zero_for_equal_numbers_alone(old, new, limits, dtype):
    assume(
        not (isinstance(old, int) and abs(old) > 1e300) and not (isinstance(new, int) and abs(new) > 1e300)
    )
    same = old == new or (math.isnan(old) and math.isnan(new))
    assert (used(old, new, resolve(limits, dtype)) == 0) == same


@given(FINITE, FINITE, FINITE, LIMITS, DTYPES)
def test_used_grows_with_the_difference(old, one, other, limits, dtype):
    near, far = sorted((one, other), key=lambda new: abs(new / 4 - old / 4))
    assume(abs(near / 4 - old / 4) < abs(far / 4 - old / 4))
    limit = resolve(limits, dtype)
    assert used(old, near, limit) <= used(old, far, limit)


@given(FINITE, FINITE, st.floats(0, 1e10), st.floats(0, 1e10))
def test_passing_is_the_inequality_of_the_limit(old, new, rel, abs_):
    distance, allowed = abs(new - old), max(abs_, rel * abs(old))
    assume(math.isfinite(distance) and math.isfinite(allowed))
    limit = resolve(Limits(rel=rel, abs=abs_), "float64")
    assert (used(old, new, limit) <= 1) == (distance <= allowed)


@given(ANY, ANY, st.floats(0, 1e308))
def test_an_absolute_limit_does_not_care_which_side_is_which(one, other, abs_):
    for kind in ("float", "int"):
        limit = Limit(kind, abs=abs_)
        assert used(one, other, limit) == used(other, one, limit)


@given(st.integers(), st.integers(), st.integers(0, 10**30))
def test_integers_are_compared_exactly_however_large(old, new, abs_):
    limit = Limit("int", abs=abs_)
    assert (used(old, new, limit) <= 1) == (abs(new - old) <= abs_)
    assert (used(old, new, limit) == 0) == (old == new)


def test_large_integers_do_not_round_together():
    assert used(2**53, 2**53 + 1, resolve(Limits(), "int")) == math.inf
    assert used(2**53, 2**54 + 1, Limit("int", abs=2**53)) > 1
    assert used(0, 10**400, Limit("int", abs=1)) == math.inf


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (math.nan, math.nan, 0),
        (math.nan, 1.0, math.inf),
        (1.0, math.nan, math.inf),
        (math.inf, math.inf, 0),
        (math.inf, -math.inf, math.inf),
        (math.inf, 1e308, math.inf),
        (1e308, math.inf, math.inf),
        (-0.0, 0.0, 0),
        (complex(math.nan, 1), complex(math.nan, 1), 0),
        (complex(math.nan, 1), complex(math.nan, 2), math.inf),
        (3 + 4j, 3 + 4.5j, 0.1),
    ],
)
def test_special_values(old, new, expected):
    limit = Limit("float", rel=1.0)
    assert used(old, new, limit) == expected


def test_no_limit_saves_nan():
    assert used(1.0, math.nan, Limit("float", rel=1e300, abs=1e308)) == math.inf


def test_differences_beyond_the_largest_double_are_still_numbers():
    assert used(-1.5e308, 1.5e308, Limit("float", rel=1.0)) == 2.0
    assert 0 < used(-1.5e308, 1.5e308, Limit("float", rel=1e300)) <= 1


@given(FINITE, FINITE)
def test_the_baseline_is_the_only_scale(old, new):
    assume(abs(old) > 1e-150 and abs(new) < 1e150 and abs(old) < 1e150)
    assert used(old, new, Limit("float", rel=0.5)) == pytest.approx(abs(new - old) / (0.5 * abs(old)))


# --- metrics: the false passes of other tools


def test_a_small_p_value_that_triples_fails():
    """1.2 nos. 2 and 12: an absolute default would hide it."""
    found = check(3e-9, 9e-9)
    assert found.status is CheckStatus.DRIFT
    assert found.used == pytest.approx(2e6)


def test_the_result_is_no_scale():
    """1.2 no. 9: with the arguments swapped, 1.0 -> 1.9 passes at 0.5."""
    found = check(1.0, 1.9, rel=0.5)
    assert found.status is CheckStatus.DRIFT
    assert found.used == pytest.approx(1.8)


def test_nothing_is_rounded_before_the_comparison():
    """1.2 nos. 9 and 15."""
    assert check(1.2345678, 1.2345689, rel=1e-9).status is CheckStatus.DRIFT
    assert check(0.0344999999, 0.0345000001, rel=1e-6).status is CheckStatus.WITHIN


def test_rel_does_not_make_integers_fuzzy():
    """1.2 no. 10."""
    found = check(8_000_000, 8_000_001, rel=1e-3)
    assert (found.status, found.used) == (CheckStatus.DRIFT, math.inf)
    assert found.limit == "exact (integers: only abs loosens)"


def test_integers_beyond_doubles_differ():
    """1.2 no. 13."""
    assert check(2**53, 2**53 + 1).status is CheckStatus.DRIFT


@pytest.mark.parametrize(
    ("old", "new"), [("int", "float64"), ("float64", "float32"), ("bool", "int"), ("float64", "int")]
)
def test_another_dtype_is_a_drift_of_structure(old, new):
    """1.2 nos. 3 and 11."""
    found = compare_metric("m", Metric(1, old), Metric(1, new), MetricRule("m"))
    assert found.status is CheckStatus.STRUCTURE
    assert found.message == f"dtype {old} -> {new}"
    assert found.allow is None


# --- metrics: the semantics


def test_equal_and_within():
    assert check(0.5, 0.5).status is CheckStatus.EQUAL
    found = check(0.5, 0.5 + 1e-8)
    assert found.status is CheckStatus.WITHIN
    assert found.used == pytest.approx(0.02)
    assert (found.worst.baseline, found.worst.result) == ("0.5", "0.50000001")
    assert (found.n, found.bad, found.allow) == (1, 0, None)


def test_float32_noise_passes_for_metrics_born_float32():
    old, new = 0.48046374022960663, 0.48046287894248962
    assert check(old, new, "float32").status is CheckStatus.WITHIN
    assert check(old, new).status is CheckStatus.DRIFT
    assert check(old, new, "float32").worst.baseline == "0.48046374"


def test_bools_and_nan():
    assert check(True, False, abs=1, rel=1).status is CheckStatus.DRIFT
    assert check(math.nan, math.nan).status is CheckStatus.EQUAL
    assert check(0.5, math.nan, abs=1e300).message == "new NaN"
    assert check(math.nan, 0.5).message == "NaN no longer"


def test_a_baseline_of_zero_is_exact_and_says_what_to_do():
    found = check(0.0, 1e-300)
    assert (found.status, found.used, found.allow) == (CheckStatus.DRIFT, math.inf, None)
    assert found.message == "baseline is 0: give abs"
    assert found.limit == "exact: rel 1e-6 allows 0 here"
    assert check(0.0, 0.0).limit == "exact: rel 1e-6 allows 0 here"
    assert check(0.0, 1e-3, abs=1e-2).status is CheckStatus.WITHIN
    assert check(0, 3).message == "baseline is 0: give abs"
    assert check(0.0, math.inf).message == ""
    assert check(False, True).message == ""


def test_limit_zero_is_shown_as_exact():
    assert check(1.0, 1.1, rel=0).limit == "exact"


@pytest.mark.parametrize(
    ("better", "new", "status", "message"),
    [
        ("higher", 0.95, CheckStatus.IMPROVED, "BETTER"),
        ("higher", 0.85, CheckStatus.DRIFT, "WORSE"),
        ("lower", 0.85, CheckStatus.IMPROVED, "BETTER"),
        ("lower", 0.95, CheckStatus.DRIFT, "WORSE"),
        ("lower", 0.9 + 1e-9, CheckStatus.WITHIN, ""),
        ("higher", math.inf, CheckStatus.DRIFT, ""),
        ("higher", math.nan, CheckStatus.DRIFT, "new NaN"),
    ],
)
def test_better_turns_the_better_side_into_a_pass(better, new, status, message):
    found = check(0.9, new, better=better)
    assert (found.status, found.message) == (status, message)
    assert found.bad == (0 if status.ok else 1)


@pytest.mark.parametrize(("value", "rule"), [(0.3, {"min": 0.5}), (1.1, {"max": 1}), (math.nan, {"min": 0})])
def test_the_hard_range_holds_even_for_the_baseline_itself(value, rule):
    found = check(value, value, **rule)
    assert found.status is CheckStatus.DRIFT
    assert found.message.startswith("outside ")
    assert check(0.7, 0.7, min=0.5, max=1).status is CheckStatus.EQUAL


def test_the_hard_range_names_both_ends():
    assert check(2.0, 2.0, min=0, max=1).message == "outside min 0, max 1"


# --- counted metrics


@pytest.mark.parametrize(
    ("correct", "status", "used_"),
    [
        (433, CheckStatus.EQUAL, 0),
        (431, CheckStatus.WITHIN, 1),
        (435, CheckStatus.WITHIN, 1),
        (430, CheckStatus.DRIFT, 1.5),
    ],
)
def test_flips_are_counted_as_integers(correct, status, used_):
    found = check(433 / 450, correct / 450, of=450, flips=2)
    assert (found.status, found.used, found.limit) == (status, used_, "2 of 450 may flip")


def test_flips_say_how_many_and_offer_the_nearest():
    found = check(433 / 450, 430 / 450, of=450, flips=2)
    assert found.message == "3 of 450 flipped"
    assert found.allow == "m: {of: 450, flips: 3}"
    exact = check(433 / 450, 432 / 450, of=450)
    assert (exact.used, exact.allow, exact.limit) == (math.inf, None, "exact: none of 450 may flip")


def test_flips_have_a_better_side():
    assert check(430 / 450, 440 / 450, of=450, flips=2, better="higher").status is CheckStatus.IMPROVED
    found = check(440 / 450, 430 / 450, of=450, flips=2, better="higher")
    assert found.message == "10 of 450 flipped, WORSE"


@pytest.mark.parametrize(
    ("old", "new", "side"), [(0.9622, 433 / 450, "baseline"), (433 / 450, 0.9622, "result")]
)
def test_a_rounded_count_is_an_error(old, new, side):
    found = check(old, new, of=450, flips=2)
    assert found.status is CheckStatus.ERROR
    assert side in found.message
    assert "432.99" in found.message


def test_counts_of_float32_and_of_nan():
    value = float(np.float32(433 / 450))
    assert check(value, float(np.float32(432 / 450)), "float32", of=450, flips=1).status is CheckStatus.WITHIN
    assert check(math.nan, math.nan, of=450).status is CheckStatus.EQUAL
    assert check(0.5, math.nan, of=450, flips=450).status is CheckStatus.DRIFT


@given(st.integers(1, 10**6), st.data())
def test_flips_agree_with_counting(of, data):
    old, new = data.draw(st.integers(0, of)), data.draw(st.integers(0, of))
    flips = data.draw(st.integers(0, of))
    found = check(old / of, new / of, of=of, flips=flips)
    assert found.status.ok == (abs(new - old) <= flips)


# --- suggestions


@pytest.mark.parametrize(
    ("old", "new", "rule", "allow"),
    [
        (0.9130, 0.9012, {"rel": 1e-3}, "m: {rel: 1.4e-2}"),
        (10, 13, {"abs": 1}, "m: {abs: 4}"),
        (0.0, 0.5, {"abs": 0.01}, "m: {abs: 0.55}"),
        (1.0, 1.5, {"rel": 0, "abs": 0.1}, "m: {abs: 0.55}"),
        (1.0, 2.0, {"rel": 1e-3}, None),
        (1.0, math.nan, {"rel": 1}, None),
    ],
)
def test_the_nearest_limit_is_offered_where_it_is_safe(old, new, rule, allow):
    assert check(old, new, **rule).allow == allow


@given(st.floats(1e-3, 1e3), st.floats(1e-3, 1e3), st.floats(1e-6, 1.0))
def test_an_offered_limit_passes(old, new, rel):
    offer = check(old, new, rel=rel).allow
    assume(offer)
    value = float(offer.removeprefix("m: {rel: ").removesuffix("}"))
    assert check(old, new, rel=value).status is CheckStatus.WITHIN


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0142, "1.4e-2"), (0.0996, "1e-1"), (0.25, "0.25"), (123.0, "1.2e2"), (1e-9, "1e-9"), (99.6, "100")],
)
def test_two_digits(value, text):
    assert numbers.two_digits(value) == text


def test_a_metric_that_cannot_be_compared_is_an_error():
    found = compare_metric("m", Metric(1.0), Metric(2.0), MetricRule("m", Limits(rel=-1)))
    assert found.status is CheckStatus.ERROR
    assert "rel" in found.message
    huge = compare_metric("m", Metric(10**400, "float64"), Metric(1.0), MetricRule("m"))
    assert huge.status is CheckStatus.ERROR


def test_names_are_quoted_in_suggestions():
    found = compare_metric("a b", Metric(1.0), Metric(1.01), MetricRule("a b", Limits(rel=1e-3)))
    assert found.allow == '"a b": {rel: 1.1e-2}'
