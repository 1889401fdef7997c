"""The starting annotation: it is read without fault and says what a run found."""

from __future__ import annotations

import dataclasses
import json
import math
import re
import tempfile
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pytest_nbrepro import flags, notebook, spec, yaml12
from pytest_nbrepro.cli.starting import compose, key, value
from pytest_nbrepro.model import Artifact, ArtifactRule, Limits, Metric, MetricRule, Run, RunStatus, Spec
from pytest_nbrepro.verdict import rule_for
from tests.conftest import notebook_json

SOURCES = ("# set\nx = 1.0\nsizes = (1, 2)", "y = 1", "# two\ny = 2")


def parsed(*sources):
    return notebook.parse(json.dumps(notebook_json(*(sources or SOURCES))), Path("/there/train.ipynb"))


def a_run(metrics=(), artifacts=(), duration=1.0, name="train.ipynb"):
    metrics = metrics if isinstance(metrics, dict) else {n: Metric(0.5) for n in metrics}
    found = {n: Artifact(n, "table", f"files/{i}", "0" * 64, 1234) for i, n in enumerate(artifacts)}
    return Run("id", Path("/run"), name, "default", {}, RunStatus.COMPLETED, "now", duration, metrics, found)


def composed(run, source=None, said=None):
    source = source or parsed()
    return compose(source, run, flags.detect(source), said or Spec())


def loaded(text, source=None):
    """Return the spec that a text makes beside a notebook."""
    with tempfile.TemporaryDirectory() as folder:
        moved = dataclasses.replace(source or parsed(), path=Path(folder) / "train.ipynb")
        (Path(folder) / "train.nbrepro.yaml").write_text(text, "utf-8")
        return spec.load(moved, spec.Project(Path(folder)))


def uncommented(text, word):
    """Return the commented-out mapping `word`, read."""
    block = re.search(rf"^# {word}:\n(?:#   .*\n)+", text, re.MULTILINE)[0]
    document = yaml12.read("".join(line[2:] for line in block.splitlines(keepends=True)))
    assert not document.faults
    return document.value[word]


def test_the_whole_text():
    metrics = {
        "loss": Metric(1 / 3, cell=0, steps=((1, 1.0), (2, 1 / 3))),
        "auc": Metric(0.5, "float32"),
        "n": Metric(3, "int", cell=2),
        "half": Metric(0.5, "float16"),
    }
    assert composed(a_run(metrics, ["out.csv", "cell:ab"], 12.5)) == (
        """\
# Made by `nbrepro init` from one run of train.ipynb: all of it may be changed or left out.

# Flags, as the notebook has them. A value under `flags` holds in every case; each one under `matrix`
# makes a case of its own.
# flags:
#   x: 1.0
#   sizes: [1, 2]
# matrix:
#   x: [1.0]
# y is no flag: it is assigned several times, in cell 2 and cell 3 "two". The tag `parameters` on the
# cell that counts makes it one.

# Metrics: whole numbers are exact. Also: abs, ulp, min, max, better: higher, of: 450 with flips: 2, ignore.
metrics:
  auc: {rel: 1e-5}   # 0.5
  half: {}           # 0.5
  loss: {rel: 1e-6}  # 0.333333, cell 1 "set", last of 2
  "n": {}            # 3, cell 3 "two"

# Files and figures. By kind, also: key: [id] and order: any for tables, tile: 2% for images, numbers: {rel: 1e-6}
# for text; columns for tables, arrays and JSON; ignore.
artifacts:
  "cell:ab": {}  # table, 1.21 KiB
  out.csv: {}    # table, 1.21 KiB

# timeout: 180  # seconds; this run took 12.5 s
"""
    )


def test_nothing_found():
    text = composed(a_run(), parsed("import os"))
    assert "flags" not in text
    assert "# No metrics were found" in text
    assert "artifacts:" not in text
    assert loaded(text) == Spec()


def test_names_with_a_rule_elsewhere_are_left_out():
    said = Spec(metrics=(MetricRule("time*", ignore=True),), artifacts=(ArtifactRule("*.log", ignore=True),))
    text = composed(a_run(["time_total", "loss"], ["a.log", "b.csv"]), said=said)
    assert "time_total" not in text
    assert "a.log" not in text
    spec_ = loaded(text)
    assert [rule.pattern for rule in spec_.metrics] == ["loss"]
    assert [rule.pattern for rule in spec_.artifacts] == ["b.csv"]
    text = composed(a_run(["time_total"], ["a.log"]), said=said)
    assert "metrics" not in text.lower()
    assert loaded(text) == Spec()


@pytest.mark.parametrize(
    ("duration", "limit"), [(None, 60), (0.1, 60), (6.0, 60), (6.1, 120), (3600.0, 36000)]
)
def test_the_time_limit_leaves_room(duration, limit):
    text = composed(a_run(duration=duration))
    assert f"# timeout: {limit}  #" in text
    assert loaded(text.replace("# timeout", "timeout")).timeout == limit


# YAML cannot hold lone surrogates; notebooks and file systems hand them on all the same.
NAMES = st.lists(
    st.text(st.characters(exclude_categories=()), min_size=1, max_size=30).filter(str.strip), max_size=4
)


@given(NAMES, NAMES)
@example(
    [
        "n",
        "no",
        "null",
        "12:30",
        "1e-5",
        "<<",
        "- a",
        "a: b",
        "a #b",
        "{",
        "*x",
        "&y",
        "!z",
        "%d",
        "@q",
        "`r",
    ],
    [],
)
@example([], ["a\x85b", "a\u2028b", "\ufeff", "tab\there", '"', "\\", "'", "a\nb", "😀", "ignore", "[x]*"])
def test_it_is_read_without_fault_and_changes_no_judgement(metrics, artifacts):
    found = loaded(composed(a_run(metrics, artifacts)))
    assert sorted(rule.pattern for rule in found.metrics) == sorted(set(metrics))
    assert sorted(rule.pattern for rule in found.artifacts) == sorted(set(artifacts))
    for name in metrics:
        assert rule_for(name, found.metrics) == MetricRule(name, Limits(rel=1e-6))
    for name in artifacts:
        assert rule_for(name, found.artifacts) == ArtifactRule(name)


@pytest.mark.parametrize("name", ["x" * 1001, " ", "\u2028"])
def test_names_that_cannot_be_keys_are_left_out(name):
    short = "y" * 1000
    found = loaded(composed(a_run([name, short], [name, short])))
    assert [rule.pattern for rule in found.metrics] == [short]
    assert [rule.pattern for rule in found.artifacts] == [short]


def test_what_is_in_comments_cannot_leave_them():
    source = parsed("# a\u2028b: c\x85d: e\nx = 1.0", "print(1)")
    text = composed(a_run({"loss": Metric(0.5, cell=0)}, name="a\nmetricks: {}\r.ipynb"), source)
    assert [rule.pattern for rule in loaded(text).metrics] == ["loss"]
    assert len(max(text.splitlines(), key=len)) < 300
    assert "…" in composed(a_run(name="a" * 300))


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=("Cs",)))
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text("ab"), inner, max_size=3)
    ),
    max_leaves=8,
)


def listed(item):
    if isinstance(item, (list, tuple)):
        return [listed(one) for one in item]
    if isinstance(item, dict):
        return {name: listed(one) for name, one in item.items()}
    return item


@given(VALUES)
@example(-0.0)
@example(1e-5)
@example(1e22)
@example("12:30")
@example("010")
@example({1: "a"})
def test_values_read_back_as_they_were(flag):
    document = yaml12.read(f"flags: {{x: {value(flag)}}}\n")
    assert not document.faults
    read = document.value["flags"]["x"]
    assert repr(read) == repr(listed(flag))


def test_nan_is_nan():
    assert math.isnan(yaml12.read(f"x: {value(math.nan)}").value["x"])


@given(st.text(st.characters(exclude_categories=("Cs",)), max_size=20))
def test_keys_read_back_as_they_were(name):
    document = yaml12.read(f"{key(name)}: 1\n")
    assert not document.faults
    assert document.value == {name: 1}


def test_flags_that_yaml_has_no_word_for_are_left_out():
    source = parsed("z = 1j\nx = 1.0", "name = 'a: b'")
    text = composed(a_run(), source)
    assert uncommented(text, "flags") == {"x": 1.0, "name": "a: b"}
    assert uncommented(text, "matrix") == {"x": [1.0]}
    with pytest.raises(ValueError, match="no word"):
        value(1j)


def test_a_flag_without_a_literal_has_no_value():
    source = parsed("x: int = compute()")
    found = flags.detect(source, ["x"])
    assert "flags" not in compose(source, a_run(), found, Spec())


def test_timings_get_no_rule_since_one_would_have_them_compared():
    text = composed(a_run({"fit_time": Metric(0.25), "loss": Metric(0.5), "elapsed": Metric(3, "int")}))
    assert re.search(
        r"^  # fit_time: \{rel: 1e-6\} +# 0.25, a timing by its name: not compared without a rule$",
        text,
        re.MULTILINE,
    )
    assert {rule.pattern for rule in loaded(text).metrics} == {"loss", "elapsed"}
