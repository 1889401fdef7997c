import json
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_nbrepro.sources import Fault, Source, dotted, json_lines, merge, nearest_line, origin, toml_lines


def test_a_fault_is_told_in_one_line() -> None:
    source = Source("a.toml", {}, ("tool",), lambda: {("tool",): 2, ("tool", "x"): 4})
    assert source.tell(Fault(("x", "y"), "is\nwrong", "mend it")) == "a.toml:4: tool.x.y: is wrong, mend it"
    assert source.tell(Fault(("z",), "is wrong")) == "a.toml:2: tool.z: is wrong"
    assert source.tell(Fault(("z",), "is wrong", line=9)) == "a.toml:9: tool.z: is wrong"
    assert Source("a.yaml", {}).tell(Fault((), "is wrong")) == "a.yaml: is wrong"


def test_paths_as_people_read_them() -> None:
    assert dotted(("metrics", "loss", "rel")) == "metrics.loss.rel"
    assert dotted(("artifacts", "a b.csv", "key", 0)) == 'artifacts."a b.csv".key[0]'
    assert dotted(("größe", True)) == '"größe".True'


def test_the_closest_line_above_stands_for_a_key_without_one() -> None:
    assert nearest_line({("a",): 3}, ("a", "b", "c")) == 3
    assert nearest_line({("a",): 3}, ("b",)) is None


def test_the_origin_of_a_key_is_the_last_source_that_has_it() -> None:
    one, two = Source("one", {"a": {"b": 1, "c": 2}}), Source("two", {"a": {"b": 3}})
    assert origin([one, two], ("a", "b")) is two
    assert origin([one, two], ("a", "c")) is one
    assert origin([one, two], ("a", "b", "deeper")) is two
    assert origin([one, two], ("nowhere",)) is two
    with pytest.raises(ValueError, match="no sources"):
        origin([], ("a",))


# ---------------------------------------------------------------------------------------------------
# Merging


def test_named_things_merge_by_name() -> None:
    merged = merge(
        [
            {"flags": {"a": {"x": 1}, "b": 2}, "env": {"A": "1"}, "cases": {"one": {"p": 1, "q": 2}}},
            {"flags": {"a": {"y": 2}}, "env": {"B": "2"}, "cases": {"one": {"p": 3}, "two": {}}},
        ]
    )
    assert merged == {
        "flags": {"a": {"y": 2}, "b": 2},
        "env": {"A": "1", "B": "2"},
        "cases": {"one": {"p": 3}, "two": {}},
    }


def test_rules_merge_key_by_key_and_the_latest_stand_last() -> None:
    merged = merge(
        [
            {"metrics": {"loss": {"rel": 1e-3}, "l*": "ignore", "auc": {"rel": 1}}},
            {"metrics": {"loss": {"abs": 1}, "l*": {"rel": 2}, "auc": "ignore"}},
            {"metrics": {"loss": None}},
        ]
    )
    assert list(merged["metrics"].items()) == [
        ("l*", {"rel": 2}),
        ("auc", "ignore"),
        ("loss", {"rel": 1e-3, "abs": 1}),
    ]


def test_columns_of_one_artifact_merge_too() -> None:
    one = {"artifacts": {"a.csv": {"key": ["id"], "columns": {"x": {"rel": 1}, "t": "ignore"}}}}
    two = {"artifacts": {"a.csv": {"key": ["n"], "columns": {"x": {"abs": 2}}}}}
    assert merge([one, two]) == {
        "artifacts": {"a.csv": {"key": ["n"], "columns": {"t": "ignore", "x": {"rel": 1, "abs": 2}}}}
    }


def test_scalars_and_lists_are_replaced() -> None:
    merged = merge([{"seed": 1, "marks": ["a"], "outputs": {"rel": 1}}, {"seed": 2, "marks": ["b"]}])
    assert merged == {"seed": 2, "marks": ["b"], "outputs": {"rel": 1}}
    assert merge([{"outputs": {"rel": 1}}, {"outputs": {"abs": 2}}]) == {"outputs": {"rel": 1, "abs": 2}}
    assert merge([{"outputs": {"rel": 1}}, {"outputs": "compare"}]) == {"outputs": "compare"}
    assert merge([{"outputs": "ignore"}, {"outputs": {"rel": 1}}]) == {"outputs": {"rel": 1}}


def test_a_key_with_nothing_below_it_takes_nothing_away() -> None:
    assert merge([{"flags": {"a": 1}, "metrics": {"x": {}}}, {"flags": None, "metrics": None}]) == {
        "flags": {"a": 1},
        "metrics": {"x": {}},
    }
    assert merge([{"cases": None}]) == {"cases": {}}


_rules = st.dictionaries(
    st.sampled_from("abc"),
    st.just("ignore") | st.dictionaries(st.sampled_from(["rel", "abs", "min"]), st.integers(0, 3)),
)
_annotations = st.fixed_dictionaries(
    {}, optional={"metrics": _rules, "flags": st.dictionaries(st.sampled_from("xyz"), st.integers())}
)


@given(_annotations, _annotations)
def test_what_the_later_one_says_holds(one: dict, two: dict) -> None:
    before = repr((one, two))
    merged = merge([one, two])
    for key, section in two.items():
        for name, value in section.items():
            found = merged[key][name]
            assert found == value or value.items() <= found.items()
    assert merge([one]) == one
    assert merge([merged, two]) == merged
    assert repr((one, two)) == before


# ---------------------------------------------------------------------------------------------------
# Lines

_keys = st.text(max_size=6) | st.sampled_from(["a", "b", '"', "\\", "{", "a: [", "é"])
_trees = st.recursive(
    st.integers() | st.text(max_size=8) | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_keys, inner, max_size=3),
    max_leaves=10,
)


def _paths(value: object, path: tuple) -> list[tuple]:
    if isinstance(value, dict):
        return [p for key, item in value.items() for p in [(*path, key), *_paths(item, (*path, key))]]
    if isinstance(value, list):
        return [p for index, item in enumerate(value) for p in _paths(item, (*path, index))]
    return []


@given(_trees)
def test_json_lines_of_all_keys(tree: object) -> None:
    text = json.dumps(
        {"metadata": {"other": tree, "nbrepro": tree}, "cells": [tree]}, indent=1, ensure_ascii=False
    )
    below = ("metadata", "nbrepro")
    lines = json_lines(text, below)
    assert list(lines) == [below, *_paths(tree, below)]
    rows = text.split("\n")
    for path, line in lines.items():
        assert rows[line - 1].lstrip().startswith(json.dumps(path[-1], ensure_ascii=False) + ": ")
    assert sorted(lines.values()) == list(lines.values())


def test_toml_lines() -> None:
    text = """\
[project]
name = "x"
seed = 3

[tool.nbrepro]  # ours
seed = 1
metrics = { loss = { rel = 1 } }
artifacts."a b.csv".rel = 2
'lit.eral' = 1
"back\\e" = 1

[ tool . nbrepro . "env" ]
A = "1"

[[tool.nbrepro.notebooks]]
path = "a"

[tool.nbrepro.notebooks.flags]
x = 1
[[tool.nbrepro.notebooks]]
path = "b"
notebooks = [
  "x = 1",
]
"""
    base = ("tool", "nbrepro")
    lines = toml_lines(text)
    assert lines == {
        ("project",): 1,
        ("project", "name"): 2,
        ("project", "seed"): 3,
        base: 5,
        (*base, "seed"): 6,
        (*base, "metrics"): 7,
        (*base, "artifacts", "a b.csv", "rel"): 8,
        (*base, "lit.eral"): 9,
        (*base, '"back\\e"'): 10,
        (*base, "env"): 12,
        (*base, "env", "A"): 13,
        (*base, "notebooks", 0): 15,
        (*base, "notebooks", 0, "path"): 16,
        (*base, "notebooks", 0, "flags"): 18,
        (*base, "notebooks", 0, "flags", "x"): 19,
        (*base, "notebooks", 1): 20,
        (*base, "notebooks", 1, "path"): 21,
        (*base, "notebooks", 1, "notebooks"): 22,
    }


@given(st.lists(st.sampled_from(["a", "b", "c d", "e.f"]), unique=True, min_size=1), st.integers(0, 5))
def test_toml_lines_of_any_table(keys: list[str], blank: int) -> None:
    rows = ["# [t]"] * blank + ["[t]"] + [f"{json.dumps(key)} = {n}" for n, key in enumerate(keys)]
    text = "\r\n".join(rows)
    assert tomllib.loads(text)["t"] == {key: n for n, key in enumerate(keys)}
    lines = toml_lines(text)
    assert [lines["t", key] for key in keys] == [blank + 2 + n for n in range(len(keys))]
