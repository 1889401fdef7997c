import datetime as dt
import math
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_nbrepro import readers
from pytest_nbrepro.readers import Wrong


def fails(reader, value) -> tuple[str, str | None]:
    with pytest.raises(Wrong) as caught:
        reader(value)
    return str(caught.value), caught.value.hint


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "empty"),
        (True, "true"),
        (False, "false"),
        (3, "the number 3"),
        (1.5, "the number 1.5"),
        (10**60, "the number of many digits"),
        ("1e-3x", "the text '1e-3x'"),
        ("a" * 60, "the text '" + "a" * 39 + "…'"),
        ([1], "a list"),
        ({}, "a mapping"),
        (dt.date(2026, 1, 1), "a date"),
    ],
)
def test_described(value: object, words: str) -> None:
    assert readers.described(value) == words


def test_numbers() -> None:
    assert readers.number(-2) == -2.0
    assert type(readers.number(3)) is float
    assert fails(readers.number, "1e-3x") == ("must be a number, is the text '1e-3x'", None)
    assert fails(readers.number, "1e-3") == (
        "must be a number, is the text '1e-3'",
        "write it without quotes",
    )
    assert fails(readers.number, True) == ("must be a number, is true", None)
    assert fails(readers.number, None) == ("must be a number, is empty", None)
    assert fails(readers.number, math.nan)[0] == "must be a finite number, is the number nan"
    assert fails(readers.number, -math.inf)[0] == "must be a finite number, is the number -inf"
    assert fails(readers.number, 10**400)[0] == "must be a finite number, is the number of many digits"


def test_tolerances() -> None:
    assert readers.tolerance(0) == 0.0
    assert fails(readers.tolerance, -1e-3)[0] == "must not be negative, is -0.001"


def test_whole_numbers() -> None:
    seed = readers.whole(0, 2**32)
    assert seed(0) == 0
    assert seed(2**32 - 1) == 2**32 - 1
    assert fails(seed, 2**32)[0] == "must be at least 0 and less than 4294967296, is 4294967296"
    assert fails(seed, -1)[0] == "must be at least 0 and less than 4294967296, is -1"
    assert fails(readers.whole(1), 0)[0] == "must be at least 1, is 0"
    assert fails(seed, 1.0)[0] == "must be a whole number, is the number 1.0"
    assert fails(seed, False)[0] == "must be a whole number, is false"
    assert fails(seed, "7") == ("must be a whole number, is the text '7'", "write it without quotes")


@pytest.mark.parametrize(
    ("value", "part"), [("2%", 0.02), (" 0.5 % ", 0.005), (0.02, 0.02), (0, 0), ("100%", 1)]
)
def test_shares(value: object, part: float) -> None:
    assert readers.share(value) == pytest.approx(part, rel=1e-15, abs=0)


def test_what_is_no_share() -> None:
    assert fails(readers.share, 2) == ("must be from 0 to 1, or from 0% to 100%, is 2", "did you mean 2%?")
    assert fails(readers.share, "101%") == ("must be from 0 to 1, or from 0% to 100%, is 101%", None)
    assert fails(readers.share, -0.1)[1] is None
    assert fails(readers.share, "2") == (
        "must be a share such as 2% or 0.02, is the text '2'",
        "write it without quotes",
    )
    assert fails(readers.share, "2s") == ("must be a share such as 2% or 0.02, is the text '2s'", None)
    assert fails(readers.share, True)[0] == "must be a share such as 2% or 0.02, is true"


@pytest.mark.parametrize(
    ("value", "time"), [(600, 600), (0.5, 0.5), ("90s", 90), ("10m", 600), ("2h", 7200), ("1.5 h", 5400)]
)
def test_times(value: object, time: float) -> None:
    assert readers.seconds(value) == time


@pytest.mark.parametrize("value", ["12:30", "10", "10 min", "2d", "-3s", "", True, None, [1]])
def test_what_is_no_time(value: object) -> None:
    what, _ = fails(readers.seconds, value)
    assert what == f"must be seconds, or a time such as 90s, 10m or 2h, is {readers.described(value)}"


@pytest.mark.parametrize("value", [0, -1, "0s", "9" * 400 + "h"])
def test_times_that_cannot_pass(value: object) -> None:
    assert fails(readers.seconds, value)[0].startswith("must be longer than 0 seconds and finite, is ")


@pytest.mark.parametrize(
    ("value", "size"),
    [
        ("8GiB", 8 * 2**30),
        ("512MB", 512 * 10**6),
        ("1.5 KiB", 1536),
        ("7B", 7),
        (1024, 1024),
        (8e9, 8 * 10**9),
    ],
)
def test_sizes(value: object, size: int) -> None:
    assert readers.size(value) == size
    assert type(readers.size(value)) is int


def test_what_is_no_size() -> None:
    must = "must be bytes, or a size such as 512MB or 8GiB, is the text "
    assert fails(readers.size, "8gib") == (f"{must}'8gib'", "write 8GiB")
    assert fails(readers.size, "8 G") == (f"{must}'8 G'", None)
    assert fails(readers.size, "8") == (f"{must}'8'", "write it without quotes")
    assert fails(readers.size, "a lot") == (f"{must}'a lot'", None)
    assert fails(readers.size, True)[0] == "must be bytes, or a size such as 512MB or 8GiB, is true"
    for value in (0, -5, "0B", 2**63):
        assert fails(readers.size, value)[0] == f"must be at least one byte and less than 2**63, is {value}"
    assert fails(readers.size, math.inf)[0] == "must be a finite number, is the number inf"


def test_texts() -> None:
    assert readers.text("a") == "a"
    assert fails(readers.text, 3) == ("must be a text, is the number 3", "write it in quotes")
    assert fails(readers.text, ["a"]) == ("must be a text, is a list", None)
    assert fails(readers.text, " ")[0] == "must not be empty"
    assert readers.reason("bug 3") == "bug 3"
    assert fails(readers.reason, True) == ("must be a text that says why, is true", None)


def test_choices() -> None:
    better = readers.choice("higher", "lower")
    assert better("lower") == "lower"
    assert fails(better, "hihger") == (
        "must be higher or lower, is the text 'hihger'",
        "did you mean 'higher'?",
    )
    assert fails(better, "up") == ("must be higher or lower, is the text 'up'", None)
    assert fails(better, [1]) == ("must be higher or lower, is a list", None)


def test_marks() -> None:
    assert readers.mark("slow") == "slow"
    assert "letters, digits and underscores" in fails(readers.mark, "not ok")[0]


def test_expressions() -> None:
    assert readers.expression(" f(x)['a'] ") == "f(x)['a']"
    assert readers.expression("max(\n 1, 2)") == "max(\n 1, 2)"
    what = "must be a Python expression, is the text 'x = 1': "
    assert fails(readers.expression, "x = 1")[0].startswith(what)
    assert "null bytes" in fails(readers.expression, "1\0")[0]
    assert fails(readers.expression, "-" * 200_000 + "1")[0].startswith("must be a Python expression")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert readers.expression(r"'\d'") == r"'\d'"


def test_environment_variables() -> None:
    assert readers.variable("1") == "1"
    assert readers.variable("") == ""
    assert readers.variable(4) == "4"
    assert fails(readers.variable, True) == ("must be a text, is true", "write it in quotes")
    assert fails(readers.variable, 0.1) == ("must be a text, is the number 0.1", "write it in quotes")
    assert fails(readers.variable, None) == ("must be a text or a whole number, is empty", None)
    assert fails(readers.variable, "a\0")[0] == "must not have a NUL character in it"
    assert readers.variable_name("A_B") == "A_B"
    assert "'=' or NUL" in fails(readers.variable_name, "A=B")[0]
    assert "'=' or NUL" in fails(readers.variable_name, "A\0")[0]


def test_names_of_cases() -> None:
    assert readers.case_name("x=1, größer") == "x=1, größer"
    for name in ("a::b", "a\nb", " a", "a\x07"):
        assert "as the name of a case" in fails(readers.case_name, name)[0]
    assert fails(readers.case_name, 2024) == ("must be a text, is the number 2024", "write it in quotes")


_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(_values)
def test_values_of_flags_stay_as_they_are(value: object) -> None:
    assert repr(readers.flag_value(value)) == repr(value)


def test_what_is_no_value_of_a_flag() -> None:
    what, hint = fails(readers.flag_value, [{"a": dt.date(2026, 1, 1)}])
    assert what == "must be a number, text, boolean, null, list or mapping, is a date"
    assert hint == "write it in quotes"
    deep: object = 1
    for _ in range(101):
        deep = [deep]
    assert "nested" in fails(readers.flag_value, deep)[0]
