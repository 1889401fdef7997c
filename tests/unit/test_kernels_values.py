"""Which values are numbers, and what they were born as."""

from __future__ import annotations

import datetime as dt
import enum
import math
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_nbrepro.kernels.values import NotANumberError, flattened, number


class Color(enum.IntEnum):
    RED = 3


class Torch:
    """A scalar as torch has it: a dtype without a name, a shape that is a tuple of its own kind."""

    shape = ()

    def __init__(self, dtype: str, value: Any) -> None:
        self.dtype = type("dtype", (), {"__str__": lambda _: f"torch.{dtype}"})()
        self.value = value

    def item(self) -> Any:
        return self.value


@pytest.mark.parametrize(
    ("value", "plain", "dtype"),
    [
        (True, True, "bool"),
        (2, 2, "int"),
        (Color.RED, 3, "int"),
        (2.5, 2.5, "float64"),
        (np.bool_(True), True, "bool"),
        (np.int8(3), 3, "int"),
        (np.uint64(2**63), 2**63, "int"),
        (np.float64(0.1), 0.1, "float64"),
        (np.float32(0.1), float(np.float32(0.1)), "float32"),
        (np.float16(0.1), float(np.float16(0.1)), "float16"),
        (np.longdouble(0.5), 0.5, "float64"),
        (np.array(2.5, dtype="f4"), 2.5, "float32"),
        (Torch("float32", 1.5), 1.5, "float32"),
        (Torch("bfloat16", 1.5), 1.5, "float16"),
        (Torch("int64", 7), 7, "int"),
        (math.inf, math.inf, "float64"),
    ],
)
def test_numbers(value: Any, plain: Any, dtype: str) -> None:
    found = number(value)
    assert found == (plain, dtype)
    assert type(found[0]) is type(plain)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "nothing"),
        ("abc", "the text 'abc'"),
        ("x" * 50, f"a text that starts '{'x' * 40}'"),
        (1j, "a value of type complex"),
        (Decimal(1), "a value of type Decimal"),
        ([1.0], "a value of type list"),
        (np.arange(3), r"a value of type ndarray and shape \(3,\)"),
        (np.ones(1), r"a value of type ndarray and shape \(1,\)"),
        (np.complex64(1), r"a value of type complex64 and shape \(\)"),
        (np.datetime64("2020-01-01"), "a value of type datetime64"),
        (np.timedelta64(1, "ns"), "a value of type timedelta64"),
        (np.str_("abc"), "the text"),
        (dt.date(2020, 1, 1), "a value of type date"),
        (10**2000, "an integer of thousands of digits"),
        ({}, "an empty mapping"),
        ({"a": 1, "b": None}, "a mapping in which 'b' is nothing"),
        ({"a": {"b": "c"}}, "a mapping in which 'a.b' is the text 'c'"),
        ({"a.b": 1, "a": {"b": 2}}, "a mapping with two values for 'a.b'"),
        ({1: 1, "1": 2}, "a mapping with two values for '1'"),
    ],
)
def test_what_is_no_number_is_named(value: Any, said: str) -> None:
    with pytest.raises(NotANumberError, match=said):
        flattened(value)


def test_nested_mappings_are_flattened() -> None:
    value = {"a": 1, "b": MappingProxyType({"c": 2.5, "d": {"e": np.float32(1)}}), 7: False}
    assert flattened(value) == {
        "a": [1, "int"],
        "b.c": [2.5, "float64"],
        "b.d.e": [1.0, "float32"],
        "7": [False, "bool"],
    }
    assert flattened(3) == {"": [3, "int"]}


names = st.text(st.characters(exclude_characters="."), min_size=1)
numbers = st.one_of(st.booleans(), st.integers(-(2**70), 2**70), st.floats(allow_nan=False))
trees = st.recursive(
    st.dictionaries(names, numbers, min_size=1),
    lambda inner: st.dictionaries(names, st.one_of(numbers, inner), min_size=1),
)


def leaves(tree: dict[str, Any], path: tuple[str, ...] = ()) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, item in tree.items():
        found |= leaves(item, (*path, name)) if isinstance(item, dict) else {".".join((*path, name)): item}
    return found


@given(trees)
def test_no_number_of_a_mapping_is_lost(tree: dict[str, Any]) -> None:
    assert {name: value for name, (value, _) in flattened(tree).items()} == leaves(tree)
