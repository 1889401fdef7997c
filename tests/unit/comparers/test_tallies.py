"""Arrays of values against their limits: the same answers as one by one, in any chunks."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from pytest_nbrepro.comparers.numbers import EXACT, Limit, resolve, used
from pytest_nbrepro.comparers.tallies import Tally, kind_of_dtype, largest, same_bytes
from pytest_nbrepro.model import CheckStatus, Limits

DTYPES = st.sampled_from(
    [
        "float64",
        "float32",
        "float16",
        ">f8",
        "longdouble",
        "complex128",
        "complex64",
        "int64",
        "int8",
        "uint8",
        "uint64",
        ">i4",
        "bool",
    ]
)
LIMITS = st.builds(
    Limits,
    rel=st.none() | st.floats(0, 10),
    abs=st.none() | st.floats(0, 1e6),
    ulp=st.none() | st.integers(0, 100),
)


@st.composite
def pairs(draw):
    """Two arrays of one dtype and size, the second often close to the first."""
    dtype = np.dtype(draw(DTYPES))
    one = draw(hnp.arrays(dtype, draw(st.integers(0, 12))))
    other = draw(hnp.arrays(dtype, one.shape))
    if dtype.kind in "fc" and draw(st.booleans()):
        with np.errstate(all="ignore"):
            other = (one * (1 + draw(st.floats(0, 1e-3)))).astype(dtype)
    keep = draw(hnp.arrays(bool, one.shape))
    return one, np.where(keep, one, other).astype(dtype)


def tallied(old, new, limit, *, step=1 << 14, blocks=1) -> Tally:
    tally = Tally(limit, step)
    start = 0
    for before, after in zip(np.array_split(old, blocks), np.array_split(new, blocks), strict=True):
        tally.add(before, after, start)
        start += before.size
    return tally


def limit_for(array, limits) -> Limit:
    kind = kind_of_dtype(array.dtype)
    return resolve(limits, kind, largest(array) if array.dtype.kind in "fc" else None)


@given(pairs(), LIMITS)
def test_arrays_and_single_numbers_agree(pair, limits):
    old, new = pair
    limit = limit_for(old, limits)
    tally = tallied(old, new, limit)
    if old.dtype == np.longdouble:
        return
    expected = [used(b, r, limit) for b, r in zip(old.tolist(), new.tolist(), strict=True)]
    assert tally.n == old.size
    assert tally.bad == sum(value > 1 for value in expected)
    assert tally.used == pytest.approx(max(expected, default=0.0), rel=1e-12, abs=0)
    if tally.used:
        assert expected[tally.at] == pytest.approx(tally.used, rel=1e-12, abs=0)


@given(pairs(), LIMITS, st.integers(1, 5), st.integers(1, 5))
def test_the_counts_do_not_depend_on_chunks(pair, limits, step, blocks):
    old, new = pair
    limit = limit_for(old, limits)
    whole, pieces = tallied(old, new, limit), tallied(old, new, limit, step=step, blocks=blocks)
    assert pieces.outcome("value", "") == whole.outcome("value", "")
    assert pieces.at == whole.at


@given(pairs(), st.floats(0, 1e6))
def test_an_absolute_limit_does_not_care_which_side_is_which(pair, abs_):
    limit = resolve(Limits(rel=0.0, abs=abs_), kind_of_dtype(pair[0].dtype), 0.0)
    one, other = tallied(*pair, limit), tallied(*reversed(pair), limit)
    assert (one.used, one.bad, one.at) == (other.used, other.bad, other.at)


@given(pairs(), LIMITS)
def test_used_is_zero_exactly_for_equal_arrays(pair, limits):
    old, new = pair
    equal = np.array_equal(old, new, equal_nan=old.dtype.kind == "f")
    if old.dtype.kind == "c":
        equal = all(
            np.array_equal(a, b, equal_nan=True) for a, b in ((old.real, new.real), (old.imag, new.imag))
        )
    assert (tallied(old, new, limit_for(old, limits)).used == 0) == equal


@given(hnp.arrays(np.float64, st.integers(1, 10)), st.integers(0, 9), st.floats(0, 1e6), st.floats(1, 1e3))
def test_used_grows_with_the_difference(old, index, change, factor):
    old = np.where(np.isfinite(old) & (np.abs(old) < 1e9), old, 1.0)
    limit = limit_for(old, Limits())
    near, far = old.copy(), old.copy()
    near[index % old.size] += change
    far[index % old.size] += change * factor
    assert tallied(old, near, limit).used <= tallied(old, far, limit).used


def test_unsigned_integers_do_not_wrap():
    """1.2 no. 7: uint8 3 -> 2 differs by 1, not by 255."""
    tally = tallied(np.uint8([3]), np.uint8([2]), Limit("int", abs=1))
    assert (tally.used, tally.bad) == (1.0, 0)
    assert tallied(np.uint8([0]), np.uint8([255]), Limit("int", abs=1)).used == 255


@pytest.mark.parametrize("dtype", ["int64", "uint64"])
def test_the_ends_of_integers_do_not_overflow(dtype):
    info = np.iinfo(dtype)
    tally = tallied(np.array([info.min], dtype), np.array([info.max], dtype), Limit("int", abs=1.0))
    assert tally.used == pytest.approx(2.0**64)


def test_large_integers_do_not_round_together():
    """1.2 no. 13: 2**53 and 2**53 + 1 are one double."""
    old, new = np.int64([2**53]), np.int64([2**53 + 1])
    assert tallied(old, new, EXACT).bad == 1
    assert tallied(old, new, Limit("int", abs=1)).bad == 0
    assert tallied(np.int64([0]), np.int64([2**53 + 1]), Limit("int", abs=float(2**53))).bad == 1
    assert tallied(np.uint64([0]), np.uint64([2**64 - 1]), Limit("int", abs=1e30)).bad == 0
    assert tallied(old, new, Limit("int", abs=0.5)).bad == 1


def test_long_doubles_keep_their_digits():
    one = np.ones(1, np.longdouble)
    tally = tallied(one, one + np.finfo(np.longdouble).eps, Limit("float"))
    assert tally.bad == 1


def test_nan_is_counted_apart():
    old = np.array([1.0, 2.0, math.nan, math.nan, 5.0])
    new = np.array([math.nan, math.nan, 3.0, math.nan, 5.0])
    outcome = tallied(old, new, limit_for(old, Limits())).outcome("row", "row 0")
    assert outcome.status is CheckStatus.DRIFT
    assert outcome.message == "3 of 5 rows, 2 new NaN, 1 lost NaN"
    assert outcome.allow is None
    assert (outcome.worst.baseline, outcome.worst.result) == ("1.0", "nan")


def test_nan_in_its_place_is_equal():
    old = np.array([math.nan, math.inf, -math.inf, -0.0])
    assert tallied(old, np.array([math.nan, math.inf, -math.inf, 0.0]), limit_for(old, Limits())).used == 0


def test_a_baseline_of_zeros_says_what_to_do():
    old = np.zeros(2)
    outcome = tallied(old, np.array([0.0, 1e-9]), limit_for(old, Limits())).outcome("row", "row 1")
    assert outcome.message == "1 of 2 rows, baseline is 0: give abs"
    for new, limits in (
        ([0.0, math.nan], Limits()),
        ([0.0, 1.0], Limits(abs=0.5)),
        ([0.0, 1.0], Limits(ulp=1)),
    ):
        assert "abs" not in tallied(old, np.array(new), limit_for(old, limits)).outcome("row", "").message


def test_not_a_time_equals_itself():
    old = np.array(["NaT", "2024-01-01"], "datetime64[s]")
    assert tallied(old, old.copy(), EXACT).used == 0
    assert tallied(old, np.array(["2024-01-01", "NaT"], "datetime64[s]"), EXACT).bad == 2


def test_texts_are_exact_and_shown_short():
    tally = tallied(np.array(["a", "b" * 100]), np.array(["a", "c"]), EXACT)
    assert (tally.bad, tally.at) == (1, 1)
    assert tally.worst == (repr("b" * 60 + "…"), "'c'")


def test_numbers_are_shown_with_the_digits_of_their_dtype():
    tally = tallied(np.float32([0.1]), np.float32([0.2]), Limit("float"))
    assert tally.worst == ("0.1", "0.2")


def test_a_limit_that_passes_is_offered():
    old, new = np.array([1.0, 100.0]), np.array([1.02, 100.0])
    outcome = tallied(old, new, Limit("float", rel=1e-3)).outcome("value", "[0]")
    assert outcome.allow == "{rel: 2.2e-2}"
    near_zero = tallied(np.array([0.0, 1.0]), np.array([0.002, 1.0]), Limit("float", rel=1e-6, abs=1e-3))
    assert near_zero.outcome("value", "[0]").allow == "{abs: 2.2e-3}"
    assert tallied(np.int64([5]), np.int64([9]), Limit("int", abs=2)).outcome("value", "").allow == "{abs: 5}"


@given(pairs(), st.floats(1e-6, 1.0))
def test_an_offered_limit_passes(pair, rel):
    old, new = pair
    limit = limit_for(old, Limits(rel=rel, abs=0.5))
    allow = tallied(old, new, limit).outcome("value", "").allow
    if allow is None or old.dtype.kind != "f":
        return
    name, value = allow.strip("{}").split(": ")
    wider = Limits(**{"rel": limit.rel, "abs": limit.abs, name: float(value)})
    assert tallied(old, new, limit_for(old, wider)).bad == 0


def test_pairs_without_values_are_told_as_such():
    tally = Tally(Limit("float", rel=1.0))
    tally.add(np.array([1.0, 2.0]), np.array([1.0, 9.0]), 5)
    tally.skip(3)
    tally.fail(2, 3, "null", "1.0", "lost null")
    assert tally.outcome("row", "row 3").message == "3 of 5 rows, 2 lost null"
    assert (tally.used, tally.at, tally.worst) == (math.inf, 3, ("null", "1.0"))
    tally.fail(1, 4, "null", "2.0", "lost null")
    assert tally.at == 3
    tally.fail(1, 1, "2.0", "null")
    assert tally.at == 1


@given(hnp.arrays(np.float64, st.integers(0, 20)))
def test_the_largest_is_finite(values):
    finite = np.abs(values[np.isfinite(values)])
    assert largest(values) == (finite.max() if finite.size else 0.0)


def test_the_largest_of_other_types():
    assert largest(np.array([3 + 4j, math.inf])) == 5.0
    assert largest(np.array([-3, 2], np.float16)) == 3.0
    assert largest(np.array([math.nan])) == 0.0


@pytest.mark.parametrize(
    ("dtype", "kind"),
    [
        (">f8", "float64"),
        ("f2", "float16"),
        ("c8", "complex64"),
        ("longdouble", "longdouble"),
        ("u1", "int64"),
        ("bool", "bool"),
        ("U3", "exact"),
        ("M8[s]", "exact"),
        ("V4", "exact"),
    ],
)
def test_kinds_of_dtypes(dtype, kind):
    assert kind_of_dtype(np.dtype(dtype)) == kind


def test_nothing_warns():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        values = np.array([0.0, math.inf, math.nan, 1e308, -1e308])
        tallied(values, values[::-1].copy(), limit_for(values, Limits(rel=10, ulp=3)))


@given(pairs())
def test_same_bytes(pair):
    old, new = pair
    assert same_bytes(old, new) == (old.tobytes() == new.tobytes())
    assert same_bytes(old, old.copy())
    if old.dtype.itemsize > 1 and old.size:
        assert not same_bytes(old, old.view(old.dtype.newbyteorder()))


def test_arrays_of_odd_layouts_have_the_same_bytes():
    square = np.arange(12, dtype="i2").reshape(3, 4)
    assert same_bytes(square.T, square.T.copy())
    assert not same_bytes(square[::2], square[1:])
    assert same_bytes(np.zeros(3, "V0"), np.zeros(3, "V0"))
    assert same_bytes(np.array(1.5), np.array(1.5))
