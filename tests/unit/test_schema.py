import re
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_nbrepro.schema import SpecKeys, check, known_keys
from pytest_nbrepro.sources import Fault

WHOLE = {
    "flags": {"noise": 0.0, "layers": [64, 32], "name": None},
    "cases": {"left": {"x": -1.0}, "plain": None},
    "matrix": {"x": [-1, 0, 1]},
    "metrics": {
        "loss": {"rel": 1e-3, "abs": 0, "ulp": 4},
        "accuracy": {"of": 450, "flips": 2, "better": "higher", "min": 0.9, "max": 1},
        "auc": {"value": "roc_auc_score(y_test, p)", "xfail": "bug 3"},
        "curve": {"series": True},
        "score": {"margin": {"rel": 0.01, "abs": 1e-3}},
        "time*": "ignore",
        "mentioned": None,
    },
    "artifacts": {
        "p.csv": {"rel": 1e-6, "key": ["id"], "columns": {"a*": {"abs": 1}, "t": "ignore"}, "order": "any"},
        "*.png": {"tile": "2%"},
        "*.txt": {"numbers": {"rel": 1e-3}, "xfail": "bug 4", "masks": {"timings": "off"}},
        "*.log": "ignore",
    },
    "outputs": {"rel": 1e-6, "masks": {"ansi": "on", "ids": {"regex": "run-[0-9]+", "replace": ""}}},
    "inputs": ["../data/**"],
    "seed": 7,
    "env": {"OMP_NUM_THREADS": "1", "N": 2},
    "kernel": "python3",
    "timeout": "10m",
    "cell_timeout": 60,
    "memory": "8GiB",
    "runs": 10,
    "new_runs": 5,
    "xfail": "upstream bug 123",
    "marks": ["slow"],
}


def test_a_whole_annotation_has_no_faults() -> None:
    assert check(WHOLE) == []
    assert set(WHOLE) == set(SpecKeys.model_fields)


@pytest.mark.parametrize("outputs", ["compare", "ignore", {}, {"abs": 1}])
def test_outputs(outputs: object) -> None:
    assert check({"outputs": outputs}) == []


def one(value: Mapping) -> Fault:
    [fault] = check(value)
    return fault


@pytest.mark.parametrize(
    ("value", "path", "hint"),
    [
        ({"timeuot": 3}, ("timeuot",), "did you mean 'timeout' or 'cell_timeout'?"),
        ({"metrics": {"rle": {"rle": 3}}}, ("metrics", "rle", "rle"), "did you mean 'rel'?"),
        ({"artifacts": {"a": {"tiles": 3}}}, ("artifacts", "a", "tiles"), "did you mean 'tile'?"),
        (
            {"artifacts": {"a": {"columns": {"c": {"of": 3}}}}},
            ("artifacts", "a", "columns", "c", "of"),
            "known: rel, abs, ulp",
        ),
        (
            {"artifacts": {"a": {"numbers": {"abz": 3}}}},
            ("artifacts", "a", "numbers", "abz"),
            "did you mean 'abs'?",
        ),
        ({"outputs": {"uls": 3}}, ("outputs", "uls"), "did you mean 'ulp'?"),
        ({"metrics": {"a": {"margin": {"ulp": 3}}}}, ("metrics", "a", "margin", "ulp"), "known: rel, abs"),
        (
            {"outputs": {"masks": {"ids": {"regexp": 3}}}},
            ("outputs", "masks", "ids", "regexp"),
            "did you mean 'regex'?",
        ),
    ],
)
def test_unknown_keys_name_the_nearest(value: dict, path: tuple, hint: str) -> None:
    assert one(value) == Fault(path, "unknown key", hint)


@pytest.mark.parametrize("key", ["path", "notebooks", "ignore"])
def test_keys_of_other_places_are_unknown(key: str) -> None:
    assert one({key: 1}).what == "unknown key"
    assert one({"metrics": {"a": {key: 1}}}).what == "unknown key"


@pytest.mark.parametrize(
    ("value", "path", "what"),
    [
        ({1: 2}, (1,), "unknown key, keys must be texts"),
        ({"flags": [1]}, ("flags",), "must be a mapping, is a list"),
        ({"flags": {1: 2}}, ("flags", 1), "the key itself must be a text, is the number 1"),
        ({"cases": {"a::b": {}}}, ("cases", "a::b"), "the key itself must not have '::'"),
        ({"cases": {"a": 3}}, ("cases", "a"), "must be a mapping, is the number 3"),
        ({"matrix": {"x": []}}, ("matrix", "x"), "must have at least one value, the list is empty"),
        ({"matrix": {"x": 3}}, ("matrix", "x"), "must be a list, is the number 3"),
        ({"metrics": {"a": 3}}, ("metrics", "a"), "must be a mapping such as {rel: 1e-3} or the word ignore"),
        (
            {"metrics": {"a": {"rel": "1e-3x"}}},
            ("metrics", "a", "rel"),
            "must be a number, is the text '1e-3x'",
        ),
        ({"metrics": {"a": {"abs": -1}}}, ("metrics", "a", "abs"), "must not be negative, is -1"),
        ({"metrics": {"a": {"ulp": 1.5}}}, ("metrics", "a", "ulp"), "must be a whole number"),
        ({"metrics": {"a": {"rel": None}}}, ("metrics", "a", "rel"), "must be a number, is empty"),
        ({"metrics": {"a": {"min": float("nan")}}}, ("metrics", "a", "min"), "must be a finite number"),
        ({"metrics": {"a": {"xfail": True}}}, ("metrics", "a", "xfail"), "must be a text that says why"),
        ({"artifacts": {"a": {"order": "row"}}}, ("artifacts", "a", "order"), "must be position or any"),
        ({"artifacts": {"a": {"key": "id"}}}, ("artifacts", "a", "key"), "must be a list, is the text 'id'"),
        ({"artifacts": {"a": {"key": [1]}}}, ("artifacts", "a", "key", 0), "must be a text, is the number 1"),
        (
            {"artifacts": {"a": {"numbers": "ignore"}}},
            ("artifacts", "a", "numbers"),
            "must be a mapping such as",
        ),
        (
            {"artifacts": {"a": {"columns": {"c": 3}}}},
            ("artifacts", "a", "columns", "c"),
            "must be a mapping",
        ),
        (
            {"outputs": None},
            ("outputs",),
            "must be compare, ignore or a mapping such as {rel: 1e-3}, is empty",
        ),
        ({"env": {"A": True}}, ("env", "A"), "must be a text, is true"),
        ({"marks": ["a b"]}, ("marks", 0), "must be a name of letters, digits and underscores"),
        ({"seed": -1}, ("seed",), "must be at least 0 and less than 4294967296, is -1"),
        ({"kernel": None}, ("kernel",), "must be a text, is empty"),
        ({"runs": 0}, ("runs",), "must be at least 1 and less than 1001, is 0"),
        ({"runs": 2}, ("runs",), "must be 1, or at least 5, is 2: "),
        ({"runs": 3}, ("runs",), "must be 1, or at least 5, is 3: "),
        ({"runs": True}, ("runs",), "must be a whole number, is true"),
        ({"new_runs": 2}, ("new_runs",), "must be 1, or at least 3, is 2: two runs hardly tell"),
        ({"new_runs": 1001}, ("new_runs",), "must be at least 1 and less than 1001"),
        (
            {"metrics": {"a": {"margin": 0.1}}},
            ("metrics", "a", "margin"),
            "must be a mapping such as {rel: 1e-3}",
        ),
        (
            {"metrics": {"a": {"margin": {"rel": 0}}}},
            ("metrics", "a", "margin", "rel"),
            "must be more than 0, is 0",
        ),
        ({"metrics": {"a": {"margin": {"abs": "x"}}}}, ("metrics", "a", "margin", "abs"), "must be a number"),
        (
            {"metrics": {"a": {"series": 1}}},
            ("metrics", "a", "series"),
            "must be true or false, is the number 1",
        ),
    ],
)
def test_faults_are_told_in_words(value: dict, path: tuple, what: str) -> None:
    fault = one(value)
    assert fault.path == path
    assert fault.what.startswith(what)


def test_too_few_runs_are_refused_with_the_reason() -> None:
    assert one({"runs": 3}).what.endswith("36 standard deviations wide to each side, k would be 36 at n = 3")
    assert [check({"runs": runs}) for runs in (1, 5, 1000)] == [[], [], []]


def test_hints() -> None:
    assert one({"marks": "slow"}).hint == 'write ["slow"]'
    assert one({"marks": {}}).hint is None
    assert one({"outputs": "compair"}).hint == "did you mean 'compare'?"
    assert one({"metrics": {"a": "ignor"}}).hint == "did you mean 'ignore'?"
    assert one({"env": {"A": False}}).hint == "write it in quotes"


def test_all_faults_at_once() -> None:
    faults = check(
        {
            "seed": -1,
            "metrics": {"a": {"rel": -1, "abs": "x", "rle": 1}, "b": {"of": 0}},
            "marks": ["a b", "c", "d e"],
            "what": 1,
        }
    )
    assert {fault.path for fault in faults} == {
        ("seed",),
        ("metrics", "a", "rel"),
        ("metrics", "a", "abs"),
        ("metrics", "a", "rle"),
        ("metrics", "b", "of"),
        ("marks", 0),
        ("marks", 2),
        ("what",),
    }


def test_keys_with_nothing_below_them() -> None:
    assert (
        check(
            {
                "flags": None,
                "metrics": None,
                "env": None,
                "cases": None,
                "artifacts": {"a": {"columns": None}},
            }
        )
        == []
    )
    assert check({"artifacts": {"a": {"numbers": None}}}) == []


def _paths(value: object, path: str) -> set[str]:
    """The paths of a value's keys, in the form of `known_keys`."""
    patterns = {"metrics": "<name>", "artifacts": "<name>", "columns": "<column>", "masks": "<mask>"}
    found = set()
    if isinstance(value, dict) and path not in {"flags", "cases", "matrix", "env"}:
        for key, item in value.items():
            each = patterns.get(path.rpartition(".")[2])
            below = f"{path}.{each}" if each else f"{path}.{key}".lstrip(".")
            found |= {below} | _paths(item, below)
    return found


_LIMITS = ("rel", "abs", "ulp")
_RULE = ("of", "flips", "better", "min", "max", "value", "margin", "series", "xfail")


def test_every_key_is_known_with_type_and_meaning() -> None:
    keys = known_keys()
    used = {path for path in _paths(WHOLE, "") if not path.endswith(">")}
    assert used <= set(keys)
    assert {path for path in keys if path.count(".") == 0} == set(WHOLE)
    assert {path for path in keys if re.fullmatch(r"metrics\.<name>\.\w+", path)} == {
        f"metrics.<name>.{key}" for key in [*_LIMITS, *_RULE]
    }
    assert {
        "artifacts.<name>.columns.<column>.rel",
        "artifacts.<name>.numbers.abs",
        "outputs.ulp",
        "outputs.masks.<mask>.regex",
    } <= set(keys)
    for path, key in keys.items():
        assert key.type, path
        assert key.help.endswith("."), path


_anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.floats()
    | st.sampled_from(["ignore", "compare", "", "x", "1%"]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(["rel", "abs", "of", "columns", "numbers", "masks", "regex", "a b", 1, True]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from([*SpecKeys.model_fields, "other"]), _anything, max_size=4))
def test_no_value_breaks_the_check(value: dict) -> None:
    for fault in check(value):
        assert fault.path[0] in value
        assert fault.what


@pytest.mark.parametrize(
    ("mask", "what", "hint"),
    [
        (False, "must be off, on or a mapping such as {regex: 'run-[0-9]+'}, is false", "write off"),
        ("of", "is the text 'of'", "did you mean 'off'?"),
        (["a"], "is a list", None),
        ({"regex": "(a"}, "must be a regular expression, is the text '(a': ", None),
        ({"regex": "a*"}, "must not match the empty text, the text 'a*' does", None),
        ({"regex": "^"}, "must not match the empty text", None),
        ({"regex": 3}, "must be a text, is the number 3", "write it in quotes"),
        ({"regex": "a", "replace": 3}, "must be a text, is the number 3", "write it in quotes"),
    ],
)
@pytest.mark.parametrize("above", [("outputs",), ("artifacts", "a.txt")])
def test_masks(above: tuple[str, ...], mask: object, what: str, hint: str | None) -> None:
    value: object = {"masks": {"ids": mask}}
    for key in reversed(above):
        value = {key: value}
    assert isinstance(value, dict)
    fault = one(value)
    assert fault.path[: len(above) + 2] == (*above, "masks", "ids")
    assert what in fault.what
    assert fault.hint == hint
