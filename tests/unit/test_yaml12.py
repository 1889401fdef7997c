import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_nbrepro.sources import Fault
from pytest_nbrepro.yaml12 import read


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-5", 1e-5),
        ("1e5", 1e5),
        ("+1.", 1.0),
        (".5", 0.5),
        ("-0", 0),
        ("010", 10),
        ("0o10", 8),
        ("0x1F", 31),
        ("-.inf", -math.inf),
        ("+.INF", math.inf),
        ("no", "no"),
        ("y", "y"),
        ("On", "On"),
        ("12:30", "12:30"),
        ("1_000", "1_000"),
        ("0b11", "0b11"),
        ("2024-01-01", "2024-01-01"),
        ("=", "="),
        ("nan", "nan"),
        ("True", True),
        ("FALSE", False),
        ("tRUE", "tRUE"),
        ("trueish", "trueish"),
        ("~", None),
        ("Null", None),
        ("", None),
        ("'1'", "1"),
        ('"true"', "true"),
        ("!!str 1", "1"),
        ("!!float 1", 1.0),
        ("! 1", 1),
        ("|\n 1\n", "1\n"),
        ("1e-3x", "1e-3x"),
        ("2%", "2%"),
    ],
)
def test_scalars_of_version_1_2(text: str, value: object) -> None:
    found = read(f"a: {text}")
    assert (found.value, found.faults) == ({"a": value}, [])
    assert type(found.value["a"]) is type(value)


def test_nan() -> None:
    assert math.isnan(read("[.nan]").value[0])


def test_the_merge_key_is_a_key_like_others() -> None:
    assert read("<<: {a: 1}\nb: 2").value == {"<<": {"a": 1}, "b": 2}


@pytest.mark.parametrize("text", ["", "# only a comment\n", "---\n", "~"])
def test_nothing(text: str) -> None:
    assert read(text).value is None
    assert read(text).faults == []


def test_lines_of_keys_and_items() -> None:
    text = "a: 1\nb:\n  c:\n    [1,\n     2]\n  'd e': {f: 1}\n"
    assert read(text).lines == {
        ("a",): 1,
        ("b",): 2,
        ("b", "c"): 3,
        ("b", "c", 0): 4,
        ("b", "c", 1): 5,
        ("b", "d e"): 6,
        ("b", "d e", "f"): 6,
    }


def test_aliases_are_values() -> None:
    assert read("a: &x {b: [1]}\nc: *x").value == {"a": {"b": [1]}, "c": {"b": [1]}}


def test_all_faults_are_told_and_the_rest_is_read() -> None:
    found = read("a: 1\nb: 2\na: 3\nc: !what {}\nd: !!int x\n? [1]\n: 2\n? !!int y\n: 3\ne: [1, !!float z]\n")
    assert found.value == {"a": 1, "b": 2, "e": [1]}
    assert found.faults == [
        Fault(("a",), "given twice, first in line 1", line=3),
        Fault(("c",), "unknown tag !what", line=4),
        Fault(("d",), "'x' does not fit its tag !!int", line=5),
        Fault((), "a list or mapping cannot be a key", line=6),
        Fault((), "'y' does not fit its tag !!int", line=8),
        Fault(("e", 1), "'z' does not fit its tag !!float", line=10),
    ]


def test_a_python_object_is_never_made() -> None:
    found = read("!!python/object/apply:os.getcwd []")
    assert found.value is None
    assert found.faults == [Fault((), "unknown tag !!python/object/apply:os.getcwd", line=1)]


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("a:\n\t- 1", 2, "found character '\\t'"),
        ("a: 1\n  b: 2", 2, "mapping values are not allowed here"),
        ("a: [1\nb: 2\n", 2, "while parsing a flow sequence, expected ',' or ']'"),
        ("a: 1\n---\nb: 2", 2, "found another document"),
        ("a: *x", 1, "undefined alias"),
        ("a: 1\nb: \x01", 2, "U+0001 is not allowed"),
    ],
)
def test_syntax(text: str, line: int, what: str) -> None:
    found = read(text)
    assert found.value is None
    [fault] = found.faults
    assert fault.line == line
    assert fault.what.startswith("not YAML: ")
    assert what in fault.what


def test_tabs_have_a_hint() -> None:
    assert read("a:\n\t- 1").faults[0].hint == "YAML is indented by spaces, not tabs"
    assert read("a: [").faults[0].hint is None


def test_documents_that_never_end_are_refused() -> None:
    bomb = "a0: &a0 [1,1,1,1,1,1,1,1,1,1]\n" + "".join(
        f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9)
    )
    assert "more than 20000 values" in read(bomb).faults[0].what
    assert read("a: &x [*x]").faults == [Fault(("a", 0), "an alias that holds itself", line=1)]
    assert "nested too deeply" in read("[" * 5000).faults[0].what
    assert "5000 digits" in read("a: " + "1" * 5000).faults[0].what


_text = st.text(st.characters(max_codepoint=0xFFFF, exclude_categories=["Cs"]))
_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | _text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_text, inner, max_size=4),
    max_leaves=12,
)


@given(_json)
def test_json_is_yaml(value: object) -> None:
    found = read(json.dumps(value))
    assert found.faults == []
    assert found.value == value
    assert repr(found.value) == repr(value)
