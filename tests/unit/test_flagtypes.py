"""What flags take: by annotation, by literal, from people and from objects."""

import ast
import math
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_nbrepro import literals
from pytest_nbrepro.errors import FlagError
from pytest_nbrepro.flagtypes import Flag, convert, parse_value, types_of


def flag(source, *, known=True):
    """Make the flag of an assignment such as ``x: float = 1``."""
    node = ast.parse(source).body[0]
    value = literals.value_of(node.value) if known else None
    types = types_of(getattr(node, "annotation", None), value, known=known)
    return Flag("x", value, 0, 1, (0, 0), types, known)


def refused(source, value, *, typed=False):
    with pytest.raises(FlagError) as caught:
        (parse_value if typed else convert)(*((value, flag(source)) if typed else (flag(source), value)))
    assert caught.value.where == "flag x"
    return caught.value


TYPES = [
    ("x = 1", "int"),
    ("x = True", "bool"),
    ("x = 1.0", "float"),
    ("x = 1j", "complex"),
    ("x = 'a'", "str"),
    ("x = [1]", "list"),
    ("x = ()", "tuple"),
    ("x = {}", "dict"),
    ("x = None", ""),
    ("x: None = None", ""),
    ("x: float = 1", "float"),
    ("x: complex = 1", "complex"),
    ("x: int = 1.5", "int float"),
    ("x: int = True", "int bool"),
    ("x: str = 1", "int str"),
    ("x: 'float' = 1", "float"),
    ("x: 'np.ndarray | None' = 1", "None int"),
    ("x: '' = 1", "int"),
    ("x: 'a; b' = 1", "int"),
    ("x: 'a = 1' = 1", "int"),
    ("x: '(' = 1", "int"),
    ("x: int | None = 1", "None int"),
    ("x: Optional[float] = 1", "None float"),
    ("x: typing.Optional[float] = None", "None float"),
    ("x: Union[int, str] = 1", "int str"),
    ("x: 'int | None' = None", "None int"),
    ("x: int = None", "None int"),
    ("x: Foo | None = None", ""),
    ("x: Foo | None = 3", "None int"),
    ("x: Foo = 3", "int"),
    ("x: Any = 3", ""),
    ("x: object = None", ""),
    ("x: list[int] = (1, 2)", "list"),
    ("x: list[int] = [1, 2]", "list"),
    ("x: List[int] = []", "list"),
    ("x: Sequence[int] = [1, 2]", "list tuple"),
    ("x: Tuple[int, ...] = (1,)", "tuple"),
    ("x: Mapping[str, int] = {}", "dict"),
    ("x: Final = 3", "int"),
    ("x: Final[float] = 3", "float"),
    ("x: Annotated[float, 'm'] = 3", "float"),
    ("x: Literal['a', 'b'] = 'a'", "str"),
    ("x: a[0][1] = 3", "int"),
    ("x: f() = 3", "int"),
]


@pytest.mark.parametrize(("source", "types"), TYPES)
def test_types_come_from_the_annotation_and_the_literal(source, types):
    assert " ".join(flag(source).types) == types


@pytest.mark.parametrize(
    ("source", "types"),
    [("x = f()", ""), ("x: int = f()", "int"), ("x: Foo = f()", ""), ("x: int | None = f()", "None int")],
)
def test_types_of_a_flag_without_a_known_value(source, types):
    assert " ".join(flag(source, known=False).types) == types


def test_a_flag_travels_to_a_worker():
    assert pickle.loads(pickle.dumps(flag("x: int = 1"))) == flag("x: int = 1")


# ---------------------------------------------------------------------------------------------------
# Objects


@pytest.mark.parametrize(
    ("source", "value", "expected"),
    [
        ("x = 1.0", 2, 2.0),
        ("x = 1.0", np.float32(0.5), 0.5),
        ("x = 1.0", -math.inf, -math.inf),
        ("x = 1", np.int64(7), 7),
        ("x = 1j", 2, 2 + 0j),
        ("x = 1j", 2.5, 2.5 + 0j),
        ("x = (1, 2)", [3, 4], (3, 4)),
        ("x = [1, 2]", (3, 4), [3, 4]),
        ("x = []", [[1], (2,)], [[1], (2,)]),
        ("x = None", [1], [1]),
        ("x = None", None, None),
        ("x: int | None = 1", None, None),
        ("x: float | None = 1.0", 2, 2.0),
        ("x: int | float = 1", 2, 2),
        ("x = 'a'", "12:30", "12:30"),
        ("x = True", False, False),
        ("x = {}", {"a": (1,)}, {"a": (1,)}),
    ],
)
def test_values_are_taken_in_the_flags_type(source, value, expected):
    assert literals.same(convert(flag(source), value), expected)


@pytest.mark.parametrize(
    ("source", "value", "what"),
    [
        ("x = 1", True, "True cannot be taken: the flag takes int, not bool"),
        ("x = True", 1, "1 cannot be taken: the flag takes bool, not int"),
        ("x = 1.0", True, "takes float, not bool"),
        ("x = 1", 1.0, "takes int, not float"),
        ("x = 1", "1", "'1' cannot be taken: the flag takes int, not str"),
        ("x = 'a'", 1, "takes str, not int"),
        ("x = 1", None, "takes int, not None"),
        ("x: int | None = 1", "a", "takes None or int, not str"),
        ("x = [1]", 1, "takes list, not int"),
        ("x = 1.0", 2**53 + 1, "no float is exactly that"),
        ("x = 1.0", 10**400, "too large"),
        ("x = 1.0", math.nan, "no literal is NaN"),
        ("x = None", [math.nan], "no literal is NaN"),
        ("x = 1j", 2**53 + 1, "no complex is exactly that"),
        ("x = 'a'", b"a", "cannot be of type bytes"),
        ("x = None", {1, 2}, "cannot be of type set"),
        ("x = [1]", np.zeros(2), "cannot be of type ndarray"),
    ],
)
def test_other_values_are_refused(source, value, what):
    assert what in refused(source, value).what


def test_a_refusal_says_what_helps():
    assert "x: float = …" in refused("x = 1", 0.5).hint
    assert "[64, 32]" in refused("x = [1]", 64).hint
    assert refused("x = 'a'", 1).hint is None
    assert refused("x: int | str = 1", 1.5).hint is None


def test_values_that_cannot_even_be_shown_are_refused():
    endless: list[object] = []
    endless.append(endless)
    assert "[[...]] cannot be taken" in refused("x = [1]", endless).what
    assert "a value of type int cannot be taken" in refused("x = 1", 10**5000).what
    assert len(refused("x = 1", "a" * 1000).what) < 120


# ---------------------------------------------------------------------------------------------------
# Typed text


@pytest.mark.parametrize(
    ("source", "text", "expected"),
    [
        ("x = 'a'", "12:30", "12:30"),
        ("x = 'a'", "010", "010"),
        ("x = 'a'", "1_0", "1_0"),
        ("x = 'a'", "yes", "yes"),
        ("x = 'a'", "2020-01-01", "2020-01-01"),
        ("x = 'a'", "", ""),
        ("x = 'a'", "'b'", "'b'"),
        ("x = 'a'", "None", "None"),
        ("x = 'a'", " # c\n", " # c\n"),
        ("x = 'a'", "a: b", "a: b"),
        ("x = 'a'", "-abc", "-abc"),
        ("x = 'a'", "nan", "nan"),
        ("x: str | None = 'a'", "None", None),
        ("x: str | None = 'a'", "none", "none"),
        ("x = 1.0", "1", 1.0),
        ("x = 1.0", "1e-5", 1e-5),
        ("x = 1.0", " -.5 ", -0.5),
        ("x = 1.0", "-0", -0.0),
        ("x = 1.0", "inf", math.inf),
        ("x = 1.0", "0x10", 16.0),
        ("x: float = 1", "3", 3.0),
        ("x = 1", "010", 10),
        ("x = 1", "1_0", 10),
        ("x = 1", "-7", -7),
        ("x = 1", "0x10", 16),
        *[("x = True", text, True) for text in ("true", "True", "TRUE", "1", "yes", " Yes ")],
        *[("x = True", text, False) for text in ("false", "False", "0", "no", "No")],
        ("x = [1]", "[64, 32]", [64, 32]),
        ("x = [1]", "64, 32", [64, 32]),
        ("x = [1]", "[]", []),
        ("x = (1,)", "[64, 32]", (64, 32)),
        ("x = {}", "{'a': [1]}", {"a": [1]}),
        ("x = 1j", "1+2j", 1 + 2j),
        ("x = 1j", "3", 3 + 0j),
        ("x: int | str = 1", "3", 3),
        ("x: int | str = 1", "three", "three"),
        ("x: int | bool = 1", "1", 1),
        ("x: int | bool = 1", "true", True),
        ("x = None", "1", 1),
        ("x = None", "[1, 'a']", [1, "a"]),
        ("x = None", "None", None),
        ("x = None", "'a'", "a"),
        ("x = None", "12:30", "12:30"),
        ("x = None", "2020-10-10", "2020-10-10"),
        ("x = None", "010", "010"),
        ("x = None", "true", "true"),
    ],
)
def test_text_is_read_by_the_flags_type(source, text, expected):
    assert literals.same(parse_value(text, flag(source)), expected)


@pytest.mark.parametrize(
    ("source", "text", "what"),
    [
        ("x = True", "maybe", "'maybe' cannot be taken: the flag takes bool, not str"),
        ("x = True", "2", "takes bool, not int"),
        ("x = True", "", "takes bool, not str"),
        ("x = 1", "1.5", "takes int, not float"),
        ("x = 1", "abc", "takes int, not str"),
        ("x = 1", "1e3", "takes int, not float"),
        ("x = 1", "True", "takes int, not bool"),
        ("x = 1.0", "nan", "no literal is NaN"),
        ("x = 1.0", "None", "takes float, not None"),
        ("x = [1]", "64", "takes list, not int"),
        ("x = [1]", "{'a': 1}", "takes list, not dict"),
        ("x = [1]", "a", "takes list, not str"),
        ("x = {}", "[1]", "takes dict, not list"),
        ("x = (1,)", "{1, 2}", "takes tuple, not str"),
    ],
)
def test_text_that_the_flag_cannot_take(source, text, what):
    assert what in refused(source, text, typed=True).what


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1", 1),
        ("1.0", 1.0),
        ("[64, 32]", [64, 32]),
        ("True", True),
        ("yes", "yes"),
        ("12:30", "12:30"),
        ("nan", "nan"),
        ("", ""),
    ],
)
def test_text_without_a_flag(text, expected):
    assert literals.same(parse_value(text, None), expected)


@given(st.text())
def test_any_text_is_itself_for_a_text_flag(text):
    assert parse_value(text, flag("x = 'a'")) == text


@given(
    st.one_of(st.integers(), st.floats(allow_nan=False), st.booleans(), st.lists(st.integers()), st.text())
)
def test_what_python_shows_is_read_back(value):
    source = f"x = {literals.write(value)}"
    text = value if isinstance(value, str) else repr(value)
    assert literals.same(parse_value(text, flag(source)), value)
