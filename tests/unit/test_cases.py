import hashlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_nbrepro.cases import case_folder, clashes, named, shared_folders, shown
from pytest_nbrepro.sources import Fault


def names(cases: dict, matrix: dict) -> list[str]:
    return [name for name, _ in named(cases, matrix)]


def test_without_cases_there_is_one() -> None:
    assert list(named({}, {})) == [("default", {})]


def test_named_cases_come_before_the_product_of_the_matrix() -> None:
    found = list(named({"left": {"x": -1.0}, "plain": None}, {"x": [-1, 0], "noise": [0.1, 1e-9]}))
    assert found == [
        ("left", {"x": -1.0}),
        ("plain", {}),
        ("x=-1,noise=0.1", {"x": -1, "noise": 0.1}),
        ("x=-1,noise=1e-09", {"x": -1, "noise": 1e-9}),
        ("x=0,noise=0.1", {"x": 0, "noise": 0.1}),
        ("x=0,noise=1e-09", {"x": 0, "noise": 1e-9}),
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (-1, "-1"),
        (0.1, "0.1"),
        (1.0, "1.0"),
        (float("nan"), "nan"),
        (True, "true"),
        (None, "null"),
        ("adam", "adam"),
        ("größe 1", "größe 1"),
        ("010", "010"),
        ([64, 32], "[64, 32]"),
        ({"a": "ü"}, '{"a": "ü"}'),
        ("1", '"1"'),
        ("true", '"true"'),
        ("inf", '"inf"'),
        ("", '""'),
        (" a", '" a"'),
        ("[x", '"[x"'),
        ('"x', '"\\"x"'),
        ("a\nb", '"a\\nb"'),
        ("a\u2028b", '"a\\u2028b"'),
        ("a:::b", '"a:\\u003a:b"'),
        (["a::b"], '["a:\\u003ab"]'),
    ],
)
def test_values_in_names(value: object, text: str) -> None:
    assert shown(value) == text


_scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
_values = _scalars | st.lists(_scalars, max_size=3)


@given(_values, _values)
def test_different_values_never_look_the_same(one: object, other: object) -> None:
    assert (shown(one) == shown(other)) == (repr(one) == repr(other))
    assert "::" not in shown(one)
    assert shown(one).isprintable()
    assert shown(one).strip() == shown(one) != ""


def test_clashes() -> None:
    assert clashes({"a": {}}, {}) == []
    assert clashes({}, {}) == []
    assert clashes({"x=1": None}, {"x": [0, 1]}) == [Fault(("matrix",), "the case 'x=1' is also in 'cases'")]
    assert clashes({}, {"x": [1, 1.0, 1]}) == [Fault(("matrix",), "the case 'x=1' is made twice")]
    many = {name: list(range(100)) for name in "abc"}
    assert clashes({}, many) == [Fault(("matrix",), "makes 1000000 cases, more than 10000")]


# ---------------------------------------------------------------------------------------------------
# Folders


@pytest.mark.parametrize(
    ("notebook", "name", "folder"),
    [
        ("train.ipynb", "default", "train/default"),
        ("a b/größe/train.v2.ipynb", "x=-1,noise=0.1", "a b/größe/train.v2/x=-1,noise=0.1"),
        ("train.ipynb", "a+b_c-d.e", "train/a+b_c-d.e"),
        (".ipynb", "default", ".ipynb/default"),
        ("a/.ipynb", "default", "a/.ipynb/default"),
        ("notes.md", "default", "notes.md/default"),
        ("train.ipynb", "a" * 60, "train/" + "a" * 60),
    ],
)
def test_folders_with_exact_slugs(notebook: str, name: str, folder: str) -> None:
    assert case_folder(notebook, name, {"x": 1}) == folder


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("a b", "a_b"),
        ("größe", "gr__e"),
        ("a/b\\c", "a_b_c"),
        ("a" * 61, "a" * 60),
        ("a" * 59 + ".b", "a" * 59),
        (".hidden", "hidden"),
        ("..", "case"),
        ("end.", "end"),
        ("", "case"),
        ("CON", "_CON"),
        ("con.txt", "_con.txt"),
        ("lpt1", "_lpt1"),
        ("files", "files"),
        ("Cells", "Cells"),
        ("overlay", "overlay"),
        ("metrics.json", "metrics.json"),
        ("notebook.ipynb", "notebook.ipynb"),
    ],
)
def test_folders_with_a_hash(name: str, slug: str) -> None:
    folder = case_folder("train.ipynb", name, {"x": 1})
    assert re.fullmatch(re.escape(f"train/{slug}--") + "[0-9a-f]{8}", folder)


def test_the_hash_is_that_of_the_flags() -> None:
    base = case_folder("t.ipynb", "a b", {"x": 1, "y": 2})
    assert base == "t/a_b--" + hashlib.sha256(b'{"x":1,"y":2}').hexdigest()[:8]
    assert case_folder("t.ipynb", "a b", {"y": 2, "x": 1}) == base
    others = [
        {},
        {"x": 1},
        {"x": 1.0, "y": 2},
        {"x": True, "y": 2},
        {"x": "1", "y": 2},
        {"x": float("nan"), "y": (1,)},
    ]
    folders = {case_folder("t.ipynb", "a b", flags) for flags in others}
    assert len(folders | {base}) == len(others) + 1


_text = st.text(st.characters(max_codepoint=0x2FF), max_size=70) | st.sampled_from(
    ["con", "nul.x", "files", "Files", "a", "A", ".", "..", "a/", "..a", "é", "e\u0301", "x" * 61, "x" * 62]
)
_flags = st.dictionaries(st.sampled_from("xyz"), _values, max_size=2)


@given(st.lists(st.tuples(_text, _flags), unique_by=lambda case: case[0], min_size=2, max_size=6))
def test_cases_share_no_folder_unless_it_is_told(found: list[tuple[str, dict]]) -> None:
    folders = [(name, case_folder("n.ipynb", name, flags)) for name, flags in found]
    distinct = {folder.casefold() for _, folder in folders}
    assert len(shared_folders(folders)) == len(folders) - len(distinct)


@given(_text, _flags)
def test_a_folder_is_one_safe_name(name: str, flags: dict) -> None:
    folder = case_folder("n.ipynb", name, flags)
    slug = folder.removeprefix("n/")
    assert re.fullmatch(r"[A-Za-z0-9=,_+-](?:[A-Za-z0-9=,._+-]{0,69}[A-Za-z0-9=,_+-])?", slug)
    assert slug.casefold() not in {"files", "cells", "overlay", "con", "nul"}
    assert slug == name or re.search("--[0-9a-f]{8}$", slug)
    assert case_folder("n.ipynb", name, dict(reversed(flags.items()))) == folder


def test_shared_folders_are_told_with_both_names() -> None:
    assert shared_folders([("a", "t/a"), ("b", "t/b")]) == []
    assert shared_folders([("a", "t/a"), ("A", "t/A"), ("b", "t/a")]) == [
        "the cases 'a' and 'A' have one folder of baselines, t/A",
        "the cases 'a' and 'b' have one folder of baselines, t/a",
    ]
    assert len(shared_folders([("1", "\u00e9/a"), ("2", "e\u0301/a")])) == 1
