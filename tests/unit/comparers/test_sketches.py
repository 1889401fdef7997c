"""Sketches of large arrays: they prove drifts, and never one that is none."""

from __future__ import annotations

import math
from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from pytest_nbrepro.comparers import sketches
from pytest_nbrepro.comparers.arrays import ArrayComparer
from pytest_nbrepro.comparers.base import judge
from pytest_nbrepro.model import ArtifactRule, CheckStatus, Limits

N = 50_000  # blocks of 13


@pytest.fixture
def compare(tmp_path):
    return lambda old, new, rule=None, **limits: compared(tmp_path, old, new, rule, **limits)


def save(path, data):
    path = path.with_suffix(".npz" if isinstance(data, dict) else ".npy")
    if isinstance(data, dict):
        np.savez(path, **data)
    else:
        np.save(path, data)
    return path


def compared(folder, old, new, rule=None, **limits):
    sketches.write(save(folder / "old", old), folder / "old.sketch.npz")
    rule = rule or ArtifactRule("*", Limits(**limits))
    return sketches.compare(folder / "old.sketch.npz", save(folder / "new", new), rule)


def noise(n=N, dtype="float64"):
    return np.random.default_rng(1).normal(size=n).astype(dtype)


def changed(values, index, by):
    other = values.copy()
    other[index] += by
    return other


def test_equal_arrays_are_equal_whatever_wraps_them(compare):
    assert compare(noise(), noise()).status is CheckStatus.EQUAL
    assert compare(noise(), noise().astype(">f8")).status is CheckStatus.EQUAL
    found = compare({"a": noise(), "b": noise(3)}, {"b": noise(3), "a": noise()})
    assert (found.status, found.n) == (CheckStatus.EQUAL, N + 3)


def test_noise_within_limits_is_unproven(compare):
    found = compare(noise(), noise() * (1 + 1e-12))
    assert (found.status, found.used, found.bad) == (CheckStatus.UNPROVEN, None, 0)
    assert found.message == "no drift proven: 3,847 sums agree, of the baseline no more is kept"
    assert found.status.ok


def test_a_block_that_differs_proves_a_drift_and_tells_where(compare):
    found = compare(noise(), changed(noise(), 30_000, 1e-3))
    assert (found.status, found.bad) == (CheckStatus.DRIFT, 1)
    assert found.worst.where == "[29991:30004]"
    assert 1 < found.used < 1e-3 / 1e-9
    assert found.message == "1 of 3,847 blocks prove a drift (flat indexes)"
    assert compare(noise(), changed(noise(), 30_000, 1e-3), abs=1e-3).status is CheckStatus.UNPROVEN


def test_the_last_block_is_shorter(compare):
    assert compare(noise(), changed(noise(), N - 1, 1.0)).worst.where == f"[{3846 * 13}:{N}]"


def test_a_block_longer_than_what_is_read_at_once(compare, monkeypatch):
    monkeypatch.setattr(sketches, "BLOCKS", 3)
    monkeypatch.setattr(sketches, "BLOCK", 1 << 12)
    assert compare(noise(), noise()).status is CheckStatus.EQUAL
    found = compare(noise(), changed(noise(), 20_000, 1.0))
    assert (found.worst.where, found.message[:6]) == ("[16667:33334]", "1 of 3")
    whole = np.abs(noise()[16667:33334]).sum()
    assert float(found.worst.baseline.split()[1]) == pytest.approx(
        noise()[16667:33334].sum(), abs=1e-12 * whole
    )


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_counted(compare, bad):
    one, other = noise(), noise()
    one[5] = other[5] = bad
    assert compare(one, other * (1 + 1e-12)).status is CheckStatus.UNPROVEN
    found = compare(noise(), other)
    assert (found.status, found.used, found.worst.where) == (CheckStatus.DRIFT, math.inf, "[0:13]")
    other[5] = 0 if math.isnan(bad) else -bad
    assert compare(one, other).status is CheckStatus.DRIFT


def test_integers_are_exact(compare):
    values = np.arange(N)
    found = compare(values, changed(values, 100, 1))
    assert (found.status, found.used, found.worst.where) == (CheckStatus.DRIFT, math.inf, "[91:104]")
    swapped = values.copy()
    swapped[[0, 1]] = swapped[[1, 0]]
    found = compare(values, swapped)
    assert (found.status, found.message) == (
        CheckStatus.DRIFT,
        "values differ, and only their sums are kept: nothing tells where",
    )
    assert compare(values, swapped, abs=1).status is CheckStatus.UNPROVEN
    assert compare(values, changed(values, 100, 100), abs=1).used == pytest.approx(100 / 13)
    large = np.full(N, 2**63 - 1)
    assert compare(large, changed(large, 7, -1)).worst.where == "[0:13]"
    truths = values % 2 == 0
    assert compare(truths, ~truths).status is CheckStatus.DRIFT


def test_memory_order_is_no_part_of_the_contract(compare):
    square = noise(40_000).reshape(200, 200)
    found = compare(square, np.asfortranarray(square))
    assert found.status is CheckStatus.UNPROVEN
    assert compare(square, np.asfortranarray(square + 1)).worst.where == "[0:40000]"
    integers = np.arange(40_000).reshape(200, 200)
    assert compare(integers, np.asfortranarray(integers)).status is CheckStatus.UNPROVEN


@pytest.mark.parametrize(
    ("new", "message"),
    [
        (noise(dtype="float32"), "dtype float64 -> float32"),
        (noise(N - 1), f"shape ({N},) -> ({N - 1},)"),
        (noise().reshape(2, -1), f"shape ({N},) -> (2, {N // 2})"),
    ],
)
def test_structure(compare, new, message):
    found = compare(noise(), new)
    assert (found.status, found.message) == (CheckStatus.STRUCTURE, message)


@pytest.mark.parametrize("values", [noise() + 1j, np.array(["a", "b"]), np.array([(1, 2.0)], "i4,f8")])
def test_of_others_the_hash_is_kept(compare, values):
    assert compare(values, values).status is CheckStatus.EQUAL
    other = values[::-1].copy() if len(values) > 1 else np.array([(1, 3.0)], "i4,f8")
    assert compare(values, other).status is CheckStatus.DIFFERS


def test_members(compare):
    old = {"a": noise(), "b": noise(3)}
    assert "c: member new" in compare(old, {**old, "c": noise(3)}).message
    found = compare(old, {"a": noise() + 1})
    assert (found.status, found.parts[0].name) == (CheckStatus.STRUCTURE, "b")
    rule = ArtifactRule("*", ignore_columns=("b",), columns={"a": Limits(abs=2.0)})
    assert compare(old, {"a": noise() + 1}, rule).status is CheckStatus.UNPROVEN
    drift = compare(old, {**old, "a": changed(noise(), 0, 1.0)})
    assert (drift.status, drift.worst.where) == (CheckStatus.DRIFT, "a[0:13]")


def test_an_empty_array(compare):
    assert compare(np.zeros((0, 3)), np.zeros((0, 3))).status is CheckStatus.EQUAL


def test_what_cannot_be_read_never_passes(tmp_path, compare):
    compare(noise(), noise())
    (tmp_path / "new.npy").write_bytes(b"no array")
    found = sketches.compare(tmp_path / "old.sketch.npz", tmp_path / "new.npy", ArtifactRule("*"))
    assert found.status is CheckStatus.STRUCTURE
    data = (tmp_path / "old.sketch.npz").read_bytes()
    for content in (b"", b"no", data[:-50], np.zeros(3).tobytes()):
        (tmp_path / "old.sketch.npz").write_bytes(content)
        found = sketches.compare(
            tmp_path / "old.sketch.npz", save(tmp_path / "new", noise()), ArtifactRule("*")
        )
        assert found.status is CheckStatus.ERROR


def test_sketches_are_small_and_the_same_each_time(tmp_path):
    path = save(tmp_path / "a", noise(500_000))
    sketches.write(path, tmp_path / "one")
    sketches.write(path, tmp_path / "two")
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    assert (tmp_path / "one").stat().st_size < 80_000


VALUES = hnp.arrays(
    st.sampled_from(["<f8", "<f4", "<f2", "<i8", "|u1"]),
    st.integers(0, 60),
    elements={"allow_subnormal": False},
)


@given(VALUES, st.data(), st.floats(0, 2), st.floats(0, 1e6), st.integers(0, 4))
def test_no_false_alarm(tmp_path_factory, values, data, rel, abs_, ulp):
    """Whatever the comparer of whole files passes, no sketch of it proves a drift."""
    folder = tmp_path_factory.getbasetemp()
    other = values.copy()
    with np.errstate(all="ignore"):
        for index in data.draw(
            st.lists(st.integers(0, max(len(values) - 1, 0)), max_size=20 if len(values) else 0)
        ):
            share = data.draw(st.floats(-1, 1))
            step = share * max(abs_, rel * abs(float(values[index])))
            if math.isfinite(float(values[index]) + step) and values.dtype.kind == "f":
                other[index] = float(values[index]) + step
            elif values.dtype.kind != "f":
                other[index] = values[index] ^ data.draw(st.integers(0, 3))
    limits = {"rel": rel, "abs": abs_, "ulp": ulp}
    old, new = save(folder / "old", values), save(folder / "new", other)
    truth = judge(ArrayComparer(), old, new, ArtifactRule("*", Limits(**limits)), {})
    with mock.patch.object(sketches, "BLOCKS", data.draw(st.integers(1, 8))):
        found = compared(folder, values, other, **limits)
    if truth.status.ok:
        assert found.status.ok
    if not found.status.ok:
        assert not truth.status.ok
    if found.status is CheckStatus.DRIFT and truth.used is not None:
        assert found.used <= truth.used * (1 + 1e-9) or found.used == math.nextafter(1, 2)
