"""Sketches of safetensors files."""

from __future__ import annotations

import json

import numpy as np
import pytest

from pytest_nbrepro.comparers import sketches
from pytest_nbrepro.comparers.base import judge
from pytest_nbrepro.comparers.safetensors import SafetensorsComparer
from pytest_nbrepro.model import ArtifactRule, CheckStatus, Limits

EQUAL, UNPROVEN, DRIFT = CheckStatus.EQUAL, CheckStatus.UNPROVEN, CheckStatus.DRIFT
STRUCTURE = CheckStatus.STRUCTURE
WORDS = {"f8": "F64", "f4": "F32", "i8": "I64", "b1": "BOOL", "u2": "BF16", "u1": "F8_E4M3"}
W = np.random.default_rng(1).normal(size=(100, 70))
HALF = (W.astype("f4").view("u4") >> 16).astype("u2")


def file(path, metadata=None, **arrays):
    header = {"__metadata__": metadata} if metadata else {}
    content = b""
    for name, array in arrays.items():
        begin, content = len(content), content + array.tobytes()
        span = [begin, len(content)]
        header[name] = {"dtype": WORDS[array.dtype.str[1:]], "shape": list(array.shape), "data_offsets": span}
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + content)
    return path


@pytest.fixture
def compare(tmp_path):
    def compare(old, new, rule=None, **limits):
        rule = rule or ArtifactRule("*", Limits(**limits))
        one, other = file(tmp_path / "old.safetensors", **old), file(tmp_path / "new.safetensors", **new)
        schema = SafetensorsComparer().schema(one)
        sketches.write(one, "safetensors", schema, tmp_path / "sketch")
        found = sketches.compare(tmp_path / "sketch", other, "safetensors", rule, schema)
        truth = judge(SafetensorsComparer(), one, other, rule, schema)
        assert truth.status.ok or found.status in {truth.status, UNPROVEN}
        return found

    return compare


def changed(values, by):
    other = values.copy()
    other[3, 5] += by
    return other


def test_tensors(compare):
    old = {"w": W, "n": np.arange(9)}
    assert compare(old, {"n": np.arange(9), "w": W}).status is EQUAL
    assert compare(old, {**old, "w": W * (1 + 1e-12)}).status is UNPROVEN
    found = compare(old, {**old, "w": changed(W, 1.0)})
    assert (found.status, found.parts[0].name, found.bad) == (DRIFT, "w", 1)
    start, stop = map(int, found.parts[0].worst.where.strip("[]").split(":"))
    assert start <= 3 * 70 + 5 < stop
    assert compare(old, {"w": W}).parts[0].message == "tensor lost"
    assert compare(old, {**old, "w": W.astype("f4")}).message == "w: dtype F64 -> F32"
    assert compare(old, {**old, "w": W.reshape(70, 100)}).status is STRUCTURE
    assert compare(old, {**old, "n": np.arange(9) + 1}).status is DRIFT


def test_bfloat16_is_summed_to_its_own_limits(compare):
    near, far = HALF.copy(), HALF.copy()
    near ^= 1  # the last of 7 binary digits: at most 1.6e-2
    far[3, 5] ^= 0x4000
    assert compare({"w": HALF}, {"w": near}).status is UNPROVEN
    assert compare({"w": HALF}, {"w": far}).status is DRIFT
    assert compare({"w": HALF}, {"w": near}, rel=1e-4).status is DRIFT


def test_floats_of_8_bits_are_exact(compare):
    small = np.arange(200, dtype="u1")
    assert compare({"w": small}, {"w": small[::-1].copy()}).status is DRIFT


def test_metadata(compare):
    old, new = {"metadata": {"a": "x"}, "w": W}, {"metadata": {"a": "y"}, "w": W}
    assert compare(old, new).message == "__metadata__: other metadata"
    assert compare(old, {"w": W}).status is STRUCTURE
    assert compare(old, new, ArtifactRule("*", ignore_columns=("__metadata__",))).status is EQUAL
