"""Literals: read, written and compared without loss."""

import ast
import enum
import math
import sys
import warnings
from collections import OrderedDict
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_nbrepro import literals

NUMBERS = st.one_of(st.integers(), st.floats(allow_nan=False))
SCALARS = st.one_of(st.none(), st.booleans(), NUMBERS, st.text(), st.text("'\"\\\n\r\t{}%é\u2028\ud800\x00"))
KEYS = st.one_of(
    st.text(max_size=5), st.integers(), st.booleans(), st.none(), st.tuples(st.integers(), st.text())
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=4).map(tuple),
        st.dictionaries(KEYS, inner, max_size=4),
    ),
    max_leaves=12,
)


@given(VALUES)
def test_write_then_read_is_the_same(value):
    text = literals.write(value)
    assert "\n" not in text
    assert literals.same(literals.read(text), value)
    assert literals.same(literals.plain(value), value)


@given(VALUES, VALUES)
def test_same_is_what_python_prints(one, other):
    assert literals.same(one, other) == (repr(one) == repr(other))


@given(st.complex_numbers(allow_nan=False))
def test_complex_numbers_are_kept_to_the_sign_of_zero_or_refused(value):
    try:
        text = literals.write(value)
    except ValueError:
        assert 0.0 in {value.real, value.imag}
        assert repr(value).find("-0") >= 0
        return
    assert literals.same(literals.read(text), value)


@pytest.mark.parametrize(
    "text", ["2j", "-2j", "1+2j", "1-2j", "-1.5-2e5j", "0-2j", "1+0j", "0j", "-0j", "1e999j"]
)
def test_complex_literals_round_trip(text):
    value = literals.read(text)
    assert isinstance(value, complex)
    assert literals.same(literals.read(literals.write(value)), value)


@pytest.mark.skipif(
    sys.version_info >= (3, 14), reason="a float plus an imaginary number keeps the sign there"
)
def test_a_complex_number_that_no_literal_has_is_refused():
    with pytest.raises(ValueError, match="sign of its zeros"):
        literals.write(complex(-0.0, 1.0))


@pytest.mark.parametrize("value", [math.nan, [math.nan], {"a": (math.nan,)}, complex(math.nan, 1)])
def test_nan_has_no_literal(value):
    with pytest.raises(ValueError, match="NaN"):
        literals.write(value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e999", math.inf),
        ("-1e999", -math.inf),
        ("(1,)", (1,)),
        ("()", ()),
        ("{}", {}),
        ("-0.0", -0.0),
        ("'é\\n'", "é\n"),
    ],
)
def test_notation(text, value):
    assert literals.write(value) == text
    assert literals.same(literals.read(text), value)


@pytest.mark.parametrize(
    "text",
    [
        "1_0", "0x10", "1e3", "+1", "-1", "'a' \"b\"", "'''a\nb'''", "r'\\d'", "'\\d'", "True", "None", "[1, [2.0, (3,)]]",
        "{1: 'a', True: 'b'}", "1, 2", " 5 ", "(1)", "[1,\n 2]  # comment",
    ],
)  # fmt: skip
def test_literals_are_read_as_python_does(text):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = ast.literal_eval(text.strip())
    assert literals.same(literals.read(text), expected)


@pytest.mark.parametrize(
    "text",
    [
        "", "x", "1 + 2", "2 * 3", "f'{1}'", "b'a'", "{1, 2}", "set()", "...", "float(1)", "-True", "--1", "~1", "12:30", "010",
        "[x]", "[b'a']", "{**a}", "{[]: 1}", "{b'a': 1}", "a = 1", "1; 2", "(1 for i in x)", "[1, *a]", "nan", "2020-01-01",
        "2020-10-10", "\x00", "\ud800", "[" * 500, "lambda: 1", "0x" + "f" * 5000, "9" * 5000, "pass", "[0x" + "f" * 5000 + "]",
    ],
)  # fmt: skip
def test_what_is_no_literal_of_a_flag(text):
    with pytest.raises(ValueError):
        literals.read(text)


def test_values_differ_in_type_sign_and_order():
    pairs = [
        (1, 1.0),
        (1, True),
        (0.0, -0.0),
        ([1], (1,)),
        ([1], [1, 2]),
        ({1: 2, 3: 4}, {3: 4, 1: 2}),
        (0j, -0j),
        ("1", 1),
    ]
    for one, other in pairs:
        assert not literals.same(one, other)
        assert literals.same(one, one)


class Colour(enum.StrEnum):
    RED = "red"


class Level(enum.IntEnum):
    LOW = 1


class Pair(NamedTuple):
    a: int
    b: int


def test_subclasses_and_numpy_scalars_are_the_values_they_hold():
    given_ = [
        (Colour.RED, "red"), (Level.LOW, 1), (np.float64(0.1), 0.1), (np.float32(0.5), 0.5), (np.int64(3), 3), (np.bool_(1), True),
        (np.str_("a"), "a"), (np.complex128(1j), 1j), (np.array(2), 2), (Pair(1, np.int8(2)), (1, 2)),
        (OrderedDict(a=np.int8(2)), {"a": 2}), ([np.int8(2)], [2]),
    ]  # fmt: skip
    for value, expected in given_:
        assert literals.same(literals.plain(value), expected)


@pytest.mark.parametrize(
    "value", [b"a", {1}, object(), np.array([1]), np.longdouble(1), [b"a"], range(3), {"a": {1}}]
)
def test_other_values_are_refused(value):
    with pytest.raises(TypeError, match="a flag cannot be of type"):
        literals.plain(value)


def test_parsing_never_warns_and_never_raises():
    assert literals.parse_python("x = '\\d'\ny = 1if x else 2") is not None
    for source in ["x =", "\x00", "\ud800", "[" * 100_000, "-" * 100_000 + "1", "9" * 5000]:
        assert literals.parse_python(source) is None
