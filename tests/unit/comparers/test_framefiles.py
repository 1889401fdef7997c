"""Data frames that cells showed, held against each other: a drift in any row, dtype or label is told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from pytest_nbrepro.comparers import framefiles, sketches
from pytest_nbrepro.comparers.base import Outcome, judge
from pytest_nbrepro.comparers.tables import TableComparer
from pytest_nbrepro.errors import UndecodableError
from pytest_nbrepro.kernels import tabling
from pytest_nbrepro.model import ArtifactRule, CheckStatus, Limits

DRIFT, STRUCTURE, EQUAL, WITHIN = (
    CheckStatus.DRIFT,
    CheckStatus.STRUCTURE,
    CheckStatus.EQUAL,
    CheckStatus.WITHIN,
)


@pytest.fixture
def compared(tmp_path: Path) -> Any:
    """Compare two frames."""
    numbers = iter(range(1000))

    def written(obj: Any) -> Path:
        path = tmp_path / f"{next(numbers)}.frame"
        tabling.write(obj, str(path))
        return path

    def compare(old: Any, new: Any, **rule: Any) -> Outcome:
        one, other = written(old), written(new)
        comparer = TableComparer()
        return judge(comparer, one, other, ArtifactRule("*", **rule), comparer.schema(one))

    return compare


def hundred(**changes: Any) -> pd.DataFrame:
    frame = pd.DataFrame({"id": range(100), "score": np.linspace(0.0, 1.0, 100), "name": ["x"] * 100})
    for name, value in changes.items():
        frame.loc[50, name] = value
    return frame


def test_a_row_that_no_repr_shows(compared):
    before, after = hundred(score=0.913), hundred(score=0.1)
    assert repr(before) == repr(after)
    outcome = compared(before, after)
    assert outcome.status is DRIFT
    assert (outcome.worst.where, outcome.worst.baseline, outcome.worst.result) == (
        "row 50, column score",
        "0.913",
        "0.1",
    )


@pytest.mark.parametrize("library", [pd, pl])
def test_equal_frames_and_rounding_noise(compared, library):
    frame = library.DataFrame({"a": [1.0, 2.0], "b": ["x", "y"]})
    assert compared(frame, frame).status is EQUAL
    noisy = library.DataFrame({"a": [1.0, 2.0 + 1e-12], "b": ["x", "y"]})
    assert compared(frame, noisy).status is WITHIN


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"id": "float64"}, "id: dtype int64 -> float64"),
        ({"score": "float32"}, "score: dtype float64 -> float32"),
        ({"name": "category"}, "name: dtype str -> category"),
        ({"id": "Int64"}, "id: dtype int64 -> Int64"),
    ],
)
def test_dtypes_are_part_of_the_contract(compared, change, message):
    outcome = compared(hundred(), hundred().astype(change))
    assert (outcome.status, outcome.message) == (STRUCTURE, message)


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (hundred().rename(columns={"id": "key"}), "id: column lost; key: column new"),
        (hundred()[:99], "rows: 100 -> 99"),
        (hundred().set_axis([0, 1, 2], axis=1), "columns ['str'] -> ['int']"),
        (hundred().set_index("id", drop=False), "id#2: column new"),
        (pl.DataFrame({"id": range(100)}), "library 'pandas' -> 'polars'"),
        (hundred()["score"], "form 'DataFrame' -> 'Series'"),
    ],
)
def test_so_is_what_else_makes_a_frame(compared, other, message):
    outcome = compared(hundred(), other)
    assert outcome.status is STRUCTURE
    told = [part.message for part in outcome.parts]
    assert message in outcome.message or any(message in text for text in told)


def test_rules_hold_as_for_files(compared):
    before, after = hundred(), hundred(score=0.6, name="y")
    assert compared(before, after, ignore_columns=("score", "name")).status is EQUAL
    assert compared(before, after, ignore_columns=("name",), limits=Limits(abs=0.2)).status is WITHIN
    assert compared(before, before[::-1], key=("id",)).status is STRUCTURE  # the index is another
    assert compared(before, before[::-1].reset_index(drop=True), key=("id",)).status is EQUAL
    assert (
        compared(before, after, ignore_columns=("name",), key=("id",)).worst.where
        == "row id=50, column score"
    )


def mixed(*cells: Any) -> pd.DataFrame:
    return pd.DataFrame({"a": pd.Series(cells, dtype=object)})


def test_floats_among_other_values_have_limits_and_nothing_else_has(compared):
    old = mixed(1, "0.5", 0.5, [0.25, 3], None)
    noisy = compared(old, mixed(1, "0.5", 0.5 + 1e-12, [0.25 + 1e-12, 3], None))
    assert noisy.status is WITHIN
    off = compared(old, mixed(1, "0.5", 0.5, [0.26, 3], None))
    assert (off.status, off.worst.where, off.worst.result) == (DRIFT, "row 3, column a", "0.26")
    for other in (
        mixed(2, "0.5", 0.5, [0.25, 3], None),
        mixed(1, "0.6", 0.5, [0.25, 3], None),
        mixed(1, 0.5, 0.5, [0.25, 3], None),
        mixed(1, "0.5", 0.5, [0.25, 4], None),
        mixed(1, "0.5", 0.5, [0.25, 3], 0.0),
    ):
        outcome = compared(old, other, limits=Limits(rel=10.0, abs=10.0))
        assert (outcome.status, outcome.bad) == (DRIFT, 1)
    assert compared(mixed("a", "b"), mixed("a", 1)).message == "a: dtype str -> object"
    missing = compared(mixed(None, None), mixed(None, 1))
    assert missing.message == "a: texts alone -> values of several types"


def test_half_precision_has_its_own_limit(compared):
    old = pd.Series(np.array([1.0], "float16"))
    assert compared(old, pd.Series(np.array([1.001], "float16"))).status is WITHIN
    assert compared(old.astype("float32"), pd.Series(np.array([1.001], "float32"))).status is DRIFT


def test_the_schema_tells_columns_and_rows(tmp_path):
    tabling.write(hundred(), str(tmp_path / "a.frame"))
    assert TableComparer().schema(tmp_path / "a.frame") == {
        "format": "frame",
        "columns": [["id", "int64"], ["score", "float64"], ["name", "str"]],
        "rows": 100,
    }


HEAD = {"columns": [["a", "int64", "int"]], "index": 0, "rows": 1, "labels": {}}


@pytest.mark.parametrize(
    ("head", "body"),
    [
        ("no JSON", "1\n"),
        ("[]", "1\n"),
        (json.dumps({**HEAD, "labels": None}), "1\n"),
        (json.dumps({**HEAD, "columns": [["a", "int64"]]}), "1\n"),
        (json.dumps({**HEAD, "columns": [["a", "int64", "what"]]}), "1\n"),
        (json.dumps({**HEAD, "rows": "x"}), "1\n"),
        (json.dumps(HEAD), "1\n2\n"),
        (json.dumps(HEAD), "x\n"),
        (json.dumps(HEAD), "1,2\n"),
        (json.dumps(HEAD), ""),
        (json.dumps({**HEAD, "columns": [["a", "str", "text"]]}), "\\1\n"),
    ],
)
def test_what_is_no_such_file(tmp_path, head, body):
    path = tmp_path / "a.frame"
    path.write_text(f"{head}\n{body}")
    with pytest.raises(UndecodableError):
        framefiles.read(path)


def test_of_a_large_frame_only_the_hash_is_kept(tmp_path):
    path = tmp_path / "a.frame"
    tabling.write(hundred(), str(path))
    with pytest.raises(UndecodableError, match="only the hash"):
        sketches.write(path, "table", TableComparer().schema(path), tmp_path / "a.sketch.npz")


def test_splitting_and_writing_are_inverse(tmp_path):
    tabling.write(
        pd.DataFrame({"a": [1, 2], "b": ["\\N", None], "c": [[1.5], "x"]}), str(tmp_path / "a.frame")
    )
    head, texts = framefiles.split(tmp_path / "a.frame")
    framefiles.write(head, texts, tmp_path / "b.frame")
    assert framefiles.read(tmp_path / "b.frame").frame.equals(framefiles.read(tmp_path / "a.frame").frame)
    framefiles.write(head, texts.drop("b")[:1], tmp_path / "b.frame")
    assert framefiles.read(tmp_path / "b.frame").frame.to_dict(as_series=False) == {"a": [1], "c": ["[≈1.5]"]}
