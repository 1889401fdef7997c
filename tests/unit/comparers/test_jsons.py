"""JSON, JSON Lines and YAML: types, paths, rules by path, what parsers gloss over, broken files."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_nbrepro.comparers import base, walks
from pytest_nbrepro.comparers.jsons import JsonComparer
from pytest_nbrepro.errors import UndecodableError
from pytest_nbrepro.model import ArtifactRule, CheckStatus, Limits, Place

EQUAL, WITHIN, DRIFT = CheckStatus.EQUAL, CheckStatus.WITHIN, CheckStatus.DRIFT
STRUCTURE, ERROR = CheckStatus.STRUCTURE, CheckStatus.ERROR
JSONS = JsonComparer()


def written(path: Path, content) -> Path:
    if not isinstance(content, (str, bytes)):
        content = json.dumps(content)
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass"))
    return path


@pytest.fixture
def compared(tmp_path):
    """Compare two contents: JSON values, or texts as they are."""

    def compare(old, new, suffix="json", rule=None, **more):
        paths = written(tmp_path / f"old.{suffix}", old), written(tmp_path / f"new.{suffix}", new)
        return base.judge(JSONS, *paths, rule or ArtifactRule("*", **more), {})

    return compare


# --- the false passes of research/baselines.md, section 1.2


def test_a_key_that_disappears_is_lost(compared):
    """No. 1."""
    outcome = compared({"loss": 0.1, "auc": 0.9}, {"loss": 0.1})
    assert (outcome.status, outcome.message) == (STRUCTURE, "$.auc: key lost")
    assert outcome.parts[0].status is CheckStatus.LOST
    assert compared({"a": {}}, {"a": {"b": 1}}).message == "$.a.b: key new"


def test_a_small_value_that_triples_fails(compared):
    """Nos. 2 and 12."""
    outcome = compared({"p": [1.0, 3e-9]}, {"p": [1.0, 9e-9]})
    assert outcome.status is DRIFT
    assert outcome.worst == Place("$.p[1]", "3e-09", "9e-09")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (1, 1.0, "type int -> float"),
        (True, 1, "type bool -> int"),
        (0.5, None, "type float -> null"),
        ("1", 1, "type string -> int"),
        ([], {}, "type array -> object"),
    ],
)
def test_another_type_is_a_drift_of_structure(compared, old, new, message):
    """No. 3."""
    for a, b in (({"v": old}, {"v": new}), ([old], [new]), ([[], old], [[], new])):
        outcome = compared(a, b)
        assert outcome.status is STRUCTURE
        assert outcome.message.endswith(message)
        assert outcome.allow is None


def test_rel_does_not_make_integers_fuzzy(compared):
    """No. 10."""
    outcome = compared([8_000_000], [8_000_001], limits=Limits(rel=1e-3))
    assert (outcome.status, outcome.limit) == (DRIFT, "exact (integers: only abs loosens)")
    assert compared([8_000_000], [8_000_001], limits=Limits(abs=1)).status is WITHIN


def test_empty_against_full_fails(compared):
    """No. 13."""
    outcome = compared({"v": []}, {"v": [5.0]})
    assert (outcome.status, outcome.message) == (STRUCTURE, "$.v: length 0 -> 1")


def test_large_integers_do_not_round_together(compared):
    """No. 13."""
    assert compared([2**53], [2**53 + 1]).status is DRIFT
    assert compared([10**400], [10**400 + 1], limits=Limits(abs=1)).status is WITHIN


def test_yaml_of_the_old_kind_is_read_alike_on_both_sides(compared):
    """No. 17: `1e-5` is text there, compared as text."""
    assert compared("a: 1e-5\nb: no\n", "b: no\na: 1e-5 # c\n", suffix="yaml").status is EQUAL
    assert compared("a: 1e-5\n", "a: 2e-5\n", suffix="yaml", limits=Limits(rel=9)).status is DRIFT
    assert compared("a: 1.0e-5\n", "a: 1.0000001e-5\n", suffix="yaml").status is WITHIN


# --- values


def test_noise_passes_and_the_worst_is_told(compared):
    old = {"runs": [{"loss": 0.5}, {"loss": 0.25}], "n": 3}
    new = {"n": 3, "runs": [{"loss": 0.5 + 1e-9}, {"loss": 0.25 + 2e-9}]}
    outcome = compared(old, new)
    assert outcome.status is WITHIN
    assert outcome.used == pytest.approx(8e-3)
    assert outcome.worst.where == "$.runs[1].loss"
    assert (outcome.n, outcome.bad, outcome.limit) == (3, 0, "rel 1e-6")


def test_bad_values_are_counted_and_the_worst_is_first(compared):
    old = {"runs": [{"loss": float(i)} for i in range(1, 101)]}
    new = {"runs": [{"loss": i * (1 + i * 1e-6)} for i in range(1, 101)]}
    outcome = compared(old, new)
    assert outcome.status is DRIFT
    assert outcome.message == "99 of 100 values"
    assert (outcome.n, outcome.bad, len(outcome.parts)) == (100, 99, 20)
    assert outcome.worst.where == "$.runs[99].loss"
    assert [part.name for part in outcome.parts[:2]] == ["$.runs[99].loss", "$.runs[98].loss"]


def test_of_very_many_bad_values_the_worst_are_kept(compared):
    old, new = [1.0] * 5000, [1.0 + (i % 4999) for i in range(5000)]
    outcome = compared(old, new)
    assert (outcome.bad, len(outcome.parts)) == (4998, 20)
    assert outcome.worst.where == "$[4998]"
    assert compared(["a"] * 5000 + [1], ["b"] * 5000 + [1.0]).message.startswith("$[5000]: type int -> float")
    assert compared([1] * 5000, [1.0] * 5000).message.endswith("; 4,997 more")


def test_nan_infinity_and_zero(compared):
    text = '{"a": NaN, "b": Infinity, "c": -0.0}'
    assert compared(text, '{"a": NaN, "b": Infinity, "c": 0.0}').status is EQUAL
    outcome = compared([1.0, 2.0, 0.0], "[NaN, NaN, 1e-300]")
    assert outcome.message == "3 of 3 values, 2 new NaN, baseline is 0: give abs"
    assert compared("[Infinity]", "[-Infinity]", limits=Limits(rel=9, abs=9)).status is DRIFT
    assert compared("[1.5]", "[Infinity]", limits=Limits(rel=9, abs=9)).used == math.inf


def test_a_change_of_text_is_told_short(compared):
    outcome = compared({"t": "a" * 500}, {"t": "b" * 500})
    assert outcome.worst == Place("$.t", repr("a" * 60 + "…"), repr("b" * 60 + "…"))


def test_ulp_counts(compared):
    rule = ArtifactRule("*", limits=Limits(rel=0, ulp=2))
    assert compared([1.0], [1.0 + 2**-51], rule=rule).used == 1
    assert compared([1.0], [1.0 + 2**-50], rule=rule).status is DRIFT


# --- paths


def test_paths_of_odd_keys(compared):
    old = {"a b": {"": [{"x.y": 1}]}, "ok": {"0": 2}}
    new = {"a b": {"": [{"x.y": 2}]}, "ok": {"0": 3}}
    assert {part.name for part in compared(old, new).parts} == {'$["a b"][""][0]["x.y"]', '$.ok["0"]'}


@pytest.mark.parametrize(
    ("pattern", "passes"),
    [
        ("runs[*].loss", True),
        ("$.runs[*].loss", True),
        ("runs[0].loss", True),
        ("runs", True),
        ("runs[*]", True),
        ("**.loss", True),
        ("**", True),
        ("*", True),
        ("r*s[*].l*", True),
        ("runs[1].loss", False),
        ("runs.*.loss", False),
        ("loss", False),
        ("*.loss", False),
        ("runs[*].los", False),
        ("runs[.].loss", False),
    ],
)
def test_patterns_of_paths(compared, pattern, passes):
    old, new = {"runs": [{"loss": 1.0}]}, {"runs": [{"loss": 1.4}]}
    assert compared(old, new, columns={pattern: Limits(rel=0.5)}).status.ok is passes
    assert compared(old, new, ignore_columns=(pattern,)).status.ok is passes


def test_the_last_matching_pattern_wins_and_holds_below(compared):
    old, new = {"a": {"b": [1.0], "c": 1.0}}, {"a": {"b": [1.4], "c": 1.04}}
    loose, tight = Limits(rel=0.5), Limits(rel=0.1)
    assert compared(old, new, columns={"**": loose}).status is WITHIN
    assert compared(old, new, columns={"**": tight, "a.b": loose}).status is DRIFT
    assert compared(old, new, columns={"a": tight, "a.b": loose, "a.b[*]": loose}).status is WITHIN
    assert compared(old, new, columns={"**": loose, "a.b[0]": tight}).status is DRIFT


def test_what_is_left_out_may_come_and_go(compared):
    rule = ArtifactRule("*", ignore_columns=("time", "**.date"))
    old = {"time": 1, "runs": [{"v": 1.5}]}
    new = {"time": "x", "date": 2, "runs": [{"v": 1.5, "date": 3}]}
    assert compared(old, new, rule=rule).status is EQUAL
    assert compared(new, old, rule=rule).status is EQUAL
    assert compared(old, {"time": 1, "runs": []}, rule=rule).status is STRUCTURE


# --- suggestions


def test_limits_by_pattern_are_offered(compared):
    old = {"runs": [{"loss": 1.0}, {"loss": 1.0}], "auc": 1.0}
    new = {"runs": [{"loss": 1.01}, {"loss": 1.02}], "auc": 1.005}
    outcome = compared(old, new, limits=Limits(rel=1e-3))
    assert outcome.allow == '{columns: {"runs[*].loss": {rel: 2.2e-2}, auc: {rel: 5.5e-3}}}'
    rule = ArtifactRule("*", limits=Limits(rel=1e-3), columns={"runs[*].loss": Limits(rel=2.2e-2)})
    assert compared(old, new, rule=rule).allow == "{columns: {auc: {rel: 5.5e-3}}}"


@pytest.mark.parametrize(
    "new", [{"a": 1.01, "b": "y"}, {"a": 9.0, "b": "x"}, {"a": math.nan, "b": "x"}, {"a": 1.01}]
)
def test_nothing_is_offered_where_it_is_not_safe(compared, new):
    assert compared({"a": 1.0, "b": "x"}, new, limits=Limits(rel=1e-3)).allow is None


# --- JSON Lines and YAML


def test_json_lines(compared):
    outcome = compared('{"a": 1.5}\n\n{"a": 2.5}\n', '{"a": 1.5}\n{"a": 9.5}\n', suffix="jsonl")
    assert outcome.worst.where == "$[1].a"
    assert compared('{"a":1}\n', '{"a": 1}\n{"a": 1}\n', suffix="ndjson").status is STRUCTURE


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("a: 1\n", "{a: 1}\n"),
        ("a: &x [1.5]\nb: *x\n", "a: [1.5]\nb: [1.5]\n"),
        ("a: 2024-01-01\n", "a:  2024-01-01\n"),
        ("x: !!set {a, b}\n", "x: !!set {b, a}\n"),
        ("x: !!pairs [a: 1]\n", "x: !!pairs [{a: 1}]\n"),
        ("a: {b: 1}\nc: {<<: {b: 1}, b: 2}\n", "a: {b: 1}\nc: {b: 2}\n"),
        ("a: 1\n---\nb: .nan\n", "---\na: 1\n---\nb: .NaN\n"),
        ("", "# nothing\n"),
    ],
)
def test_spellings_of_one_yaml_are_equal(compared, old, new):
    assert compared(old, new, suffix="yml").status is EQUAL


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("a: 2024-01-01\n", "a: 2024-01-02\n", "1 of 1 value"),
        ("1: a\n", "true: a\n", "$[1]: key lost; $[True]: key new"),
        ("1: a\n", "1.0: a\n", "$[1]: key lost; $[1.0]: key new"),
        ("x: !!set {a, b}\n", "x: !!set {a}\n", "$.x.b: key lost"),
        ("x: !!pairs [a: 1]\n", "x: !!pairs [a: 2]\n", "1 of 2 values"),
        ("a: 1\n---\nb: 1\n", "a: 1\n", "$: type array -> object"),
        ("a: 2024-01-01\n", "a: 2024-01-01 10:00:00\n", "$.a: type date -> datetime"),
    ],
)
def test_yaml_that_differs(compared, old, new, message):
    outcome = compared(old, new, suffix="yaml")
    assert not outcome.status.ok
    assert outcome.message == message


# --- what parsers gloss over, and broken files


@pytest.mark.parametrize(
    ("suffix", "text"), [("json", '{"a": 1, "a": 2}'), ("yaml", "a: 1\na: 2\n"), ("yaml", "1: a\ntrue: b\n")]
)
def test_a_key_that_occurs_twice_is_an_error(compared, suffix, text):
    for old, new in ((text, '{"a": 2}'), ('{"a": 2}', text)):
        outcome = compared(old, new, suffix=suffix)
        assert outcome.status is ERROR
        assert "occurs twice" in outcome.message


@pytest.mark.parametrize(("suffix", "depth"), [("json", 1_000_000), ("yaml", 100_000), ("yaml", 300)])
def test_deep_nesting_is_an_error_and_no_crash(compared, suffix, depth):
    deep = "[" * depth + "]" * depth
    outcome = compared(deep, "[1]", suffix=suffix)
    assert outcome.status is ERROR
    assert outcome.message == "it is nested too deeply"


@pytest.mark.parametrize("suffix", ["json", "yaml"])
def test_deep_nesting_on_both_sides_is_an_error(compared, suffix):
    old, new = ("[" * 5000 + value + "]" * 5000 for value in "12")
    assert compared(old, new, suffix=suffix).status is ERROR


def test_nesting_that_the_parser_takes_and_the_comparison_not(compared, monkeypatch):
    def endless(*_):
        raise RecursionError

    monkeypatch.setattr(walks._Walk, "_sequence", endless)
    assert compared("[1]", "[2]").message == "it is nested too deeply"


def test_yaml_that_contains_itself_is_an_error(compared):
    assert compared("a: &a [*a]\n", "a: &b [*b] #\n", suffix="yaml").status is ERROR


def test_yaml_that_explodes_is_an_error(compared, monkeypatch):
    monkeypatch.setattr(walks, "_CONTAINERS", 10_000)
    laughs = "a0: &a0 [1, 1]\n" + "".join(
        f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 30)
    )
    outcome = compared(laughs, laughs + "#\n", suffix="yaml")
    assert outcome.status is ERROR
    assert "more than 10,000" in outcome.message


BROKEN = [
    ("json", ""),
    ("json", "{"),
    ("json", "{'a': 1}"),
    ("json", b"\xff\xfe"),
    ("json", "1" * 5000),
    ("jsonl", "{}\n{\n"),
    ("yaml", "a: [\n"),
    ("yaml", "\0"),
    ("yaml", "a: !!python/object:os.system x\n"),
    ("yaml", "a: 2024-99-99\n"),
    ("yaml", "{}: 1\n"),
    ("yaml", "a: !!timestamp x\n"),
    ("yaml", "a: !!int ''\n"),
    ("yaml", "a: !!bool x\n"),
]


@pytest.mark.parametrize(("suffix", "content"), BROKEN)
def test_a_broken_file_is_never_a_pass(compared, tmp_path, suffix, content):
    outcome = compared("[1]", content, suffix=suffix)
    assert outcome.status is STRUCTURE
    assert outcome.message.startswith("the result is not readable: not readable as ")
    assert compared(content, "[1]", suffix=suffix).status is ERROR
    with pytest.raises(UndecodableError):
        JSONS.schema(tmp_path / f"old.{suffix}")


def test_a_byte_order_mark_is_nothing(compared):
    assert compared("[1]", "\ufeff[1]").status is EQUAL


def test_schemas_and_formats(tmp_path):
    assert JSONS.schema(written(tmp_path / "a.json", {"a": 1})) == {"format": "json", "type": "object"}
    assert JSONS.schema(written(tmp_path / "a.NDJSON", "1\n2\n")) == {"format": "jsonl", "type": "array"}
    assert JSONS.schema(written(tmp_path / "a.yml", "2024-01-01")) == {"format": "yaml", "type": "date"}
    paths = tmp_path / "a.json", tmp_path / "a.yml"
    assert base.judge(JSONS, *paths, ArtifactRule("*"), {}).message == "format json -> yaml"


# --- laws

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=2), inner, max_size=4),
    max_leaves=12,
)
RULES = st.sampled_from([ArtifactRule("*"), ArtifactRule("*", columns={"**": Limits()})])


def same(old, new) -> bool:
    """Equality as it should be: types count, NaN equals NaN."""
    if type(old) is not type(new):
        return False
    if isinstance(old, dict):
        return old.keys() == new.keys() and all(same(old[k], new[k]) for k in old)
    if isinstance(old, list):
        return len(old) == len(new) and all(map(same, old, new))
    return old == new or (isinstance(old, float) and math.isnan(old) and math.isnan(new))


@given(VALUES, VALUES, RULES)
def test_equal_is_what_is_equal(tmp_path_factory, old, new, rule):
    folder = tmp_path_factory.mktemp("laws")
    paths = written(folder / "a.json", json.dumps(old)), written(folder / "b.json", json.dumps(new, indent=1))
    outcome = base.judge(JSONS, *paths, rule, {})
    assert (outcome.status is EQUAL) == same(old, new)
    if same(old, new):
        assert outcome.used == 0


@given(st.lists(st.floats(0.1, 10), min_size=1), st.integers(0, 99), st.floats(1, 2), st.floats(1, 2))
def test_used_grows_with_the_difference(tmp_path_factory, values, index, one, other):
    folder = tmp_path_factory.mktemp("laws")
    near, far = sorted((one, other))
    used = []
    for name, factor in (("near", near), ("far", far)):
        changed = [*values]
        changed[index % len(values)] *= factor
        paths = written(folder / "a.json", values), written(folder / f"{name}.json", changed)
        used.append(base.judge(JSONS, *paths, ArtifactRule("*"), {}).used)
    assert used[0] <= used[1]


@given(st.binary(max_size=40), st.binary(max_size=40), st.sampled_from(["json", "jsonl", "yaml"]))
def test_any_bytes_give_an_outcome(tmp_path_factory, one, other, suffix):
    folder = tmp_path_factory.mktemp("bytes")
    paths = written(folder / f"a.{suffix}", one), written(folder / f"b.{suffix}", other)
    outcome = base.judge(JSONS, *paths, ArtifactRule("*"), {})
    if outcome.status.ok:
        from pytest_nbrepro.comparers import documents

        assert repr(documents.read(paths[0])) == repr(documents.read(paths[1]))


def test_a_pattern_with_the_dollar_of_the_root(compared):
    assert compared(1.0, 1.4, columns={"$": Limits(rel=0.5)}).status is WITHIN
    assert compared(1.0, 1.4, limits=Limits(rel=0.1)).allow == '{columns: {"": {rel: 0.44}}}'
    assert compared(1.0, 1.4, columns={"": Limits(rel=0.44)}).status is WITHIN


# --- timings, by the names of keys


def test_a_key_called_like_a_timing_is_set_aside_and_told(compared):
    old = {"accuracy": 0.9, "fit_time": 0.5, "runs": [{"wall time (s)": 1.5}, {"wall time (s)": 2.5}]}
    new = {"accuracy": 0.9, "fit_time": 0.6, "runs": [{"wall time (s)": 1.6}, {"wall time (s)": 2.6}]}
    outcome = compared(old, new)
    assert (outcome.status, outcome.n, outcome.bad) == (EQUAL, 4, 0)
    assert [(part.name, part.status) for part in outcome.parts] == [
        ("fit_time", CheckStatus.ASIDE),
        ('runs[*]["wall time (s)"]', CheckStatus.ASIDE),
    ]
    outcome = compared(old, {**new, "accuracy": 0.8})
    assert (outcome.status, outcome.message) == (DRIFT, "1 of 4 values")
    assert [part.name for part in outcome.parts] == ["$.accuracy", "fit_time", 'runs[*]["wall time (s)"]']


@pytest.mark.parametrize("pattern", ["fit_time", "*_time", "**fit*"])
def test_a_rule_that_names_it_brings_it_back(compared, pattern):
    assert compared({"fit_time": 0.5}, {"fit_time": 0.6}, columns={pattern: Limits(rel=1e-3)}).status is DRIFT


def test_a_rule_for_everything_does_not(compared):
    found = compared({"fit_time": 0.5, "n": 1}, {"fit_time": 0.6, "n": 1}, columns={"**": Limits(rel=1e-3)})
    assert found.status is EQUAL


@pytest.mark.parametrize(
    ("old", "new"), [(5, 6), (0.5, math.nan), (0.5, 1), (0.5, None), ([0.5], [0.5, 0.6]), ("0.5", "0.6")]
)
def test_presence_and_type_still_count(compared, old, new):
    outcome = compared({"elapsed": old, "n": 1}, {"elapsed": new, "n": 1})
    assert outcome.bad
    assert compared({"elapsed": 0.5, "n": 1}, {"n": 1}).status is STRUCTURE


def test_a_document_of_nothing_else_is_set_aside_as_a_whole(compared):
    outcome = compared({"elapsed": [0.5, 1.5]}, {"elapsed": [0.6, 1.6]})
    assert outcome.status is CheckStatus.ASIDE
    assert outcome.worst == Place("$.elapsed[0]", "0.5", "0.6")
    assert compared([0.5], [0.6]).status is DRIFT
