"""What a person types for a search."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_nbrepro.errors import FlagError
from pytest_nbrepro.flags import Flag
from pytest_nbrepro.sweep.reading import domain
from pytest_nbrepro.sweep.space import Choice, Range


def flag(*types):
    return Flag(name="x", value=None, cell=0, line=1, span=(0, 1), types=types)


FLOAT, INT, TEXT, LIST = flag("float"), flag("int"), flag("str"), flag("list")


@pytest.mark.parametrize(
    ("text", "kind", "found"),
    [
        ("[-2.0:2.0]", FLOAT, Range(-2.0, 2.0)),
        ("[ 1 : 9 ]", INT, Range(1, 9, whole=True)),
        ("[1:9]", None, Range(1, 9)),
        ("[1:9]", TEXT, None),
        ("[-1, 0, 1]", FLOAT, Choice((-1.0, 0.0, 1.0), grid=True)),
        ("[-1, 0, 1]", LIST, None),
        ("[1, 1.0]", FLOAT, Choice((1.0,), grid=True)),
        ("grid([1], [2, 3])", LIST, Choice(([1], [2, 3]), grid=True)),
        ("choice('a', 'b')", TEXT, Choice(("a", "b"))),
        ("grid(True, False)", flag("bool"), Choice((True, False), grid=True)),
        ("uniform(0, 1)", FLOAT, Range(0, 1)),
        ("uniform(0, 1)", TEXT, None),
        ("loguniform(1e-4, 1)", FLOAT, Range(1e-4, 1, log=True)),
        ("linspace(0, 1, 3)", FLOAT, Choice((0.0, 0.5, 1.0), grid=True)),
        ("linspace(1, 9, 3)", INT, Choice((1, 5, 9), grid=True)),
        ("1.5", FLOAT, None),
        ("adam", TEXT, None),
        ("other(1)", TEXT, None),
        ("[not a list", TEXT, None),
        ("[1, 2", FLOAT, None),
    ],
)
def test_what_is_meant(text, kind, found):
    assert domain("x", text, kind) == found


@pytest.mark.parametrize(
    ("text", "kind", "told"),
    [
        ("[a:2]", FLOAT, "a range has two numbers"),
        ("[2:1]", FLOAT, "from a smaller to a larger"),
        ("[nan:1]", FLOAT, "from a smaller to a larger"),
        ("[0:1]", flag("bool"), "a range is of numbers: the flag takes bool"),
        ("[0.5:2]", INT, "whole numbers"),
        ("loguniform(0, 1)", FLOAT, "begins above 0"),
        ("uniform(1)", FLOAT, "a lowest and a highest number, not 1 values"),
        ("linspace(0, 1)", FLOAT, "and how many"),
        ("linspace(0, 1, 1)", FLOAT, "and how many"),
        ("grid()", FLOAT, "1 to 10,000 values, not 0"),
        ("grid('a')", FLOAT, "cannot be taken"),
        ("grid(a)", FLOAT, "cannot be read"),
        ("grid(1", FLOAT, "cannot be read"),
        ("grid(a=1)", FLOAT, "cannot be read"),
    ],
)
def test_what_cannot_be(text, kind, told):
    with pytest.raises(FlagError) as caught:
        domain("x", text, kind)
    assert told in str(caught.value)


def test_logarithms_are_evenly_spaced():
    found = domain("x", "logspace(1, 100, 3)", FLOAT)
    assert found.values == pytest.approx((1.0, 10.0, 100.0))


RANGES = st.builds(
    lambda low, span, whole, log: (
        Range(abs(low) + 1, abs(low) + 1 + span, whole, log) if log else Range(low, low + span, whole)
    ),
    st.integers(-1000, 1000),
    st.integers(0, 1000),
    st.booleans(),
    st.booleans(),
)


@given(RANGES, st.floats(0, 1))
def test_shares_lie_in_their_range_and_come_back(span, share):
    number = span.at(share)
    assert span.low <= number <= span.high
    assert isinstance(number, int) or not span.whole
    if not span.whole and span.high > span.low:
        assert math.isclose(span.share(number), share, abs_tol=1e-9)
    assert 0 <= span.share(number) <= 1 + 1e-12
