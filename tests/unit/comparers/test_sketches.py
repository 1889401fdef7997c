"""Sketches of large arrays: they prove drifts, and never one that is none."""

from __future__ import annotations

import math
import zipfile
from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from pytest_nbrepro.comparers import sketches
from pytest_nbrepro.comparers.arrays import ArrayComparer
from pytest_nbrepro.comparers.base import judge
from pytest_nbrepro.comparers.sketches import arrays, blocks
from pytest_nbrepro.model import ArtifactRule, CheckStatus, Limits

N = 50_000  # blocks of 16


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
    sketches.write(save(folder / "old", old), "array", {}, folder / "old.sketch.npz")
    rule = rule or ArtifactRule("*", Limits(**limits))
    return sketches.compare(folder / "old.sketch.npz", save(folder / "new", new), "array", rule, {})


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
    assert found.message == "no drift proven: 3,125 sums agree, of the baseline no more is kept"
    assert found.status.ok


def test_a_block_that_differs_proves_a_drift_and_tells_where(compare):
    found = compare(noise(), changed(noise(), 30_000, 1e-3))
    assert (found.status, found.bad) == (CheckStatus.DRIFT, 1)
    assert found.worst.where == "[30000:30016]"
    assert 1 < found.used < 1e-3 / 1e-9
    assert found.message == "1 of 3,125 blocks prove a drift (flat indexes)"
    assert compare(noise(), changed(noise(), 30_000, 1e-3), abs=1e-3).status is CheckStatus.UNPROVEN


def test_the_last_block_is_shorter(compare):
    assert compare(noise(N + 5), changed(noise(N + 5), N + 4, 1.0)).worst.where == f"[{N}:{N + 5}]"


def test_a_block_longer_than_what_is_read_at_once(compare, tmp_path, monkeypatch):
    monkeypatch.setattr(blocks, "BLOCKS", 3)
    monkeypatch.setattr(arrays, "BLOCK", 1 << 12)
    assert compare(noise(), noise()).status is CheckStatus.EQUAL
    found = compare(noise(), changed(noise(), 20_000, 1.0))
    assert (found.worst.where, found.message[:6]) == ("[16667:33334]", "1 of 3")
    assert (found.worst.baseline, found.worst.result) == ("sum -132.273", "sum -131.273")
    values = noise()[16667:33334]
    kept = sketches.read(tmp_path / "old.sketch.npz")[""]
    assert kept.sums[1] == pytest.approx(values.sum(), abs=1e-12 * np.abs(values).sum())


def test_sums_are_told_in_as_many_digits_as_part_them(compare):
    found = compare(np.array([1.0, 2.0]), np.array([1.0, 2.0 + 1e-7]), rel=0.0, abs=1e-9)
    assert (found.worst.baseline, found.worst.result) == ("sum 3", "sum 3.0000000999999998")
    found = compare(np.array([-3, 1]), np.array([-3, 2]))
    assert (found.worst.baseline, found.worst.result) == ("sum -2", "sum -1")


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_counted(compare, bad):
    one, other = noise(), noise()
    one[5] = other[5] = bad
    assert compare(one, other * (1 + 1e-12)).status is CheckStatus.UNPROVEN
    found = compare(noise(), other)
    assert (found.status, found.used, found.worst.where) == (CheckStatus.DRIFT, math.inf, "[0:16]")
    other[5] = 0 if math.isnan(bad) else -bad
    assert compare(one, other).status is CheckStatus.DRIFT


def test_integers_are_exact(compare):
    values = np.arange(N)
    found = compare(values, changed(values, 100, 1))
    assert (found.status, found.used, found.worst.where) == (CheckStatus.DRIFT, math.inf, "[96:112]")
    swapped = values.copy()
    swapped[[0, 1]] = swapped[[1, 0]]
    found = compare(values, swapped)
    assert (found.status, found.message) == (
        CheckStatus.DRIFT,
        "values differ, and only their sums are kept: nothing tells where",
    )
    assert compare(values, swapped, abs=1).status is CheckStatus.UNPROVEN
    assert compare(values, changed(values, 100, 100), abs=1).used == pytest.approx(100 / 16)
    large = np.full(N, 2**63 - 1)
    assert compare(large, changed(large, 7, -1)).worst.where == "[0:16]"


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


@pytest.mark.parametrize(
    "values", [noise() + 1j, np.array([(1, 2.0)], "i4,f8"), noise().astype(np.longdouble)]
)
def test_of_others_the_hash_is_kept(compare, values):
    assert compare(values, values).status is CheckStatus.EQUAL
    other = values[::-1].copy() if len(values) > 1 else np.array([(1, 3.0)], "i4,f8")
    found = compare(values, other)
    assert (found.status, found.message) == (
        CheckStatus.DIFFERS,
        "differs, can't say how much: of the baseline only the hash is kept",
    )


@pytest.mark.parametrize(
    "values",
    [
        np.arange(N) % 7 == 0,
        np.array([f"name {i}" for i in range(N)]),
        np.datetime64("2026-01-01") + np.arange(N),
    ],
)
def test_what_is_no_number_has_hashes_of_blocks(compare, values):
    assert compare(values, values.copy()).status is CheckStatus.EQUAL
    other = values.copy()
    other[[200, 201, N - 1]] = other[0]
    found = compare(values, other)
    assert (found.status, found.used, found.bad) == (CheckStatus.DRIFT, math.inf, 2)
    start, stop = map(int, found.worst.where.strip("[]").split(":"))
    assert start <= 200 < stop
    assert found.worst.baseline.startswith("hash ")


def test_what_follows_an_array_counts_too(tmp_path):
    path = save(tmp_path / "old", noise())
    sketches.write(path, "array", {}, tmp_path / "sketch")
    other = tmp_path / "new.npy"
    other.write_bytes(path.read_bytes() + b"more")
    found = sketches.compare(tmp_path / "sketch", other, "array", ArtifactRule("*"), {})
    assert (found.status, found.message) == (CheckStatus.STRUCTURE, "the bytes after the values differ")


def test_members_that_are_no_arrays(tmp_path):
    def saved(name, content):
        save(tmp_path / name, {"a": noise()})
        with zipfile.ZipFile(tmp_path / f"{name}.npz", "a") as archive:
            archive.writestr("about.txt", content)
        return tmp_path / f"{name}.npz"

    sketches.write(saved("old", "x"), "array", {}, tmp_path / "sketch")
    statuses = [
        sketches.compare(tmp_path / "sketch", saved(content, content), "array", ArtifactRule("*"), {}).status
        for content in ("x", "y")
    ]
    assert statuses == [CheckStatus.EQUAL, CheckStatus.DIFFERS]


def test_a_file_of_many_arrays_has_a_small_sketch(tmp_path):
    path = save(
        tmp_path / "old", {"one": noise(10), "last": noise()} | {f"a{k}": noise(2000) for k in range(50)}
    )
    sketches.write(path, "array", {}, tmp_path / "sketch")
    assert (tmp_path / "sketch").stat().st_size < path.stat().st_size / 3
    made = sketches.read(tmp_path / "sketch")
    assert (made["one"].about.per, made["one"].about.blocks) == (1, 10)
    assert made["last"].about.per > made["a1"].about.per / 2 > 1


@given(
    st.dictionaries(st.text("abc", max_size=3), st.integers(0, 10_000_000), max_size=40),
    st.integers(0, 1 << 30),
)
def test_small_arrays_leave_their_share_to_large_ones(counts, size):
    per = blocks.shared_out(counts, size)
    made = {name: -(-counts[name] // per[name]) for name in counts}
    assert sum(made.values()) <= max(min(1 << 16, size // 128), len(counts))
    assert all(number <= blocks.BLOCKS for number in made.values())
    if len(counts) == 1 and size >= 8 * sum(counts.values()) >= 1 << 20:
        assert sum(made.values()) > blocks.BLOCKS / 2


def test_members(compare):
    old = {"a": noise(), "b": noise(3)}
    assert "c: member new" in compare(old, {**old, "c": noise(3)}).message
    found = compare(old, {"a": noise() + 1})
    assert (found.status, found.parts[0].name) == (CheckStatus.STRUCTURE, "b")
    rule = ArtifactRule("*", ignore_columns=("b",), columns={"a": Limits(abs=2.0)})
    assert compare(old, {"a": noise() + 1}, rule).status is CheckStatus.UNPROVEN
    drift = compare(old, {**old, "a": changed(noise(), 0, 1.0)})
    assert (drift.status, drift.worst.where) == (CheckStatus.DRIFT, "a[0:16]")


def test_an_empty_array(compare):
    assert compare(np.zeros((0, 3)), np.zeros((0, 3))).status is CheckStatus.EQUAL


def test_what_cannot_be_read_never_passes(tmp_path, compare):
    compare(noise(), noise())
    (tmp_path / "new.npy").write_bytes(b"no array")
    found = sketches.compare(
        tmp_path / "old.sketch.npz", tmp_path / "new.npy", "array", ArtifactRule("*"), {}
    )
    assert found.status is CheckStatus.STRUCTURE
    data = (tmp_path / "old.sketch.npz").read_bytes()
    for content in (b"", b"no", data[:-50], np.zeros(3).tobytes()):
        (tmp_path / "old.sketch.npz").write_bytes(content)
        found = sketches.compare(
            tmp_path / "old.sketch.npz", save(tmp_path / "new", noise()), "array", ArtifactRule("*"), {}
        )
        assert found.status is CheckStatus.ERROR


def test_sketches_are_small_and_the_same_each_time(tmp_path):
    path = save(tmp_path / "a", noise(500_000))
    sketches.write(path, "array", {}, tmp_path / "one")
    sketches.write(path, "array", {}, tmp_path / "two")
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
    with mock.patch.object(blocks, "BLOCKS", data.draw(st.integers(1, 8))):
        found = compared(folder, values, other, **limits)
    if truth.status.ok:
        assert found.status.ok
    if not found.status.ok:
        assert not truth.status.ok
    if found.status is CheckStatus.DRIFT and truth.used is not None:
        assert found.used <= truth.used * (1 + 1e-9) or found.used == math.nextafter(1, 2)
