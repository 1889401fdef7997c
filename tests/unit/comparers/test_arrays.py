"""npy and npz: the false passes of other tools, structure, memory order, pickles, broken files, memory."""

from __future__ import annotations

import io
import math
import struct
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from pytest_nbrepro.comparers import base, npy
from pytest_nbrepro.comparers.arrays import ArrayComparer
from pytest_nbrepro.errors import UndecodableError
from pytest_nbrepro.model import ArtifactRule, CheckStatus, Limits

EQUAL, WITHIN, DRIFT = CheckStatus.EQUAL, CheckStatus.WITHIN, CheckStatus.DRIFT
STRUCTURE, ERROR = CheckStatus.STRUCTURE, CheckStatus.ERROR
ARRAYS = ArrayComparer()


def npy_bytes(array, **options) -> bytes:
    stream = io.BytesIO()
    np.lib.format.write_array(stream, np.asanyarray(array), **options)
    return stream.getvalue()


def raw(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def zipped(members, compression=zipfile.ZIP_STORED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return stream.getvalue()


@pytest.fixture
def compared(tmp_path):
    """Compare two arrays, two mappings of arrays, or two contents."""

    def compare(old, new, rule=None, comparer=ARRAYS, suffix=None, **more):
        suffix = suffix or ("npz" if isinstance(old, dict) else "npy")
        paths = tmp_path / f"old.{suffix}", tmp_path / f"new.{suffix}"
        for path, content in zip(paths, (old, new), strict=True):
            if isinstance(content, bytes):
                path.write_bytes(content)
            elif isinstance(content, dict):
                np.savez(path, **content)
            else:
                path.write_bytes(npy_bytes(content))
        return base.judge(comparer, *paths, rule or ArtifactRule("*", **more), {})

    return compare


# --- the false passes of research/baselines.md, section 1.2


def test_a_member_that_disappears_is_lost(compared):
    """No. 1."""
    outcome = compared({"a": np.ones(2), "b": np.ones(2)}, {"a": np.ones(2)})
    assert (outcome.status, outcome.message) == (STRUCTURE, "b: member lost")
    assert compared({"a": np.ones(2)}, {"a": np.ones(2), "b": np.ones(2)}).message == "b: member new"


def test_a_small_value_that_triples_fails(compared):
    """Nos. 2 and 12."""
    outcome = compared(np.array([3e-9]), np.array([9e-9]))
    assert outcome.status is DRIFT
    assert outcome.worst == base.Place("[0]", "3e-09", "9e-09")


@pytest.mark.parametrize(
    ("old", "new"),
    [("int64", "float64"), ("float64", "float32"), ("bool", "int8"), ("U1", "U2"), ("M8[s]", "M8[ms]")],
)
def test_another_dtype_fails(compared, old, new):
    """Nos. 3 and 11."""
    outcome = compared(np.ones(2).astype("i8").astype(old), np.ones(2).astype("i8").astype(new))
    assert outcome.status is STRUCTURE
    assert outcome.message.startswith("dtype ")


def test_unsigned_integers_do_not_wrap(compared):
    """No. 7."""
    assert compared(np.uint8([3]), np.uint8([2]), limits=Limits(abs=1)).used == 1


def test_the_result_is_no_scale(compared):
    """No. 9."""
    assert compared(np.array([1.0]), np.array([1.9]), limits=Limits(rel=0.5)).used == pytest.approx(1.8)


def test_rel_does_not_make_integers_fuzzy(compared):
    """Nos. 10 and 11."""
    outcome = compared(np.array([8_000_000]), np.array([8_000_001]), limits=Limits(rel=1e-3))
    assert (outcome.status, outcome.limit) == (DRIFT, "exact (integers: only abs loosens)")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (np.array([]), np.array([5.0])),
        (np.zeros((3, 1)), np.zeros((1, 3))),
        (np.zeros(3), np.zeros(())),
        (np.zeros(3), np.zeros(1)),
    ],
)
def test_nothing_broadcasts(compared, old, new):
    """No. 13."""
    outcome = compared(old, new)
    assert outcome.status is STRUCTURE
    assert outcome.message == f"shape {old.shape} -> {new.shape}"


def test_large_integers_do_not_round_together(compared):
    """No. 13."""
    assert compared(np.array([2**53]), np.array([2**53 + 1])).status is DRIFT


def test_an_element_in_the_middle_is_not_hidden(compared):
    """No. 14: what the display of 2000 elements leaves out."""
    old = np.zeros(2000)
    new = old.copy()
    new[1000] = 99
    outcome = compared(old, new)
    assert (outcome.bad, outcome.n, outcome.message) == (
        1,
        2000,
        "1 of 2,000 values, baseline is 0: give abs",
    )
    assert outcome.worst.where == "[1000]"


# --- values and places


def test_places_are_indexes(compared):
    old = np.arange(24.0).reshape(2, 3, 4)
    new = old.copy()
    new[1, 0, 2] += 1
    assert compared(old, new).worst == base.Place("[1, 0, 2]", "14.0", "15.0")
    assert compared({"w": old, "v": old}, {"w": new, "v": old}).worst.where == "w[1, 0, 2]"
    assert compared(np.array(1.0), np.array(2.0)).worst.where == ""
    assert compared({"s": np.array(1.0)}, {"s": np.array(2.0)}).worst.where == "s"


def test_the_scale_is_the_largest_value_of_the_whole_array(compared):
    """It lies in a block that is equal and comes last."""
    old = np.array([0.0] * 1000 + [1e6])
    new = old.copy()
    new[0] = 5e-4
    outcome = compared(old, new, comparer=ArrayComparer(block=64))
    assert outcome.status is WITHIN
    assert outcome.used == pytest.approx(0.5)
    assert compared(old, new, limits=Limits(abs=1e-4)).status is DRIFT


def test_nan_in_its_place(compared):
    old = np.array([1.0, math.nan, math.inf])
    assert compared(old, np.array([1.0 + 1e-9, math.nan, math.inf])).status is WITHIN
    outcome = compared(old, np.array([math.nan, math.nan, math.nan]))
    assert outcome.message == "2 of 3 values, 2 new NaN"


@pytest.mark.parametrize(
    ("dtype", "old", "new", "status"),
    [
        ("f4", 1.0, 1.000005, WITHIN),
        ("f4", 1.0, 1.00005, DRIFT),
        ("f2", 1.0, 1.001, WITHIN),
        ("c16", 1 + 1j, 1 + 1.0000001j, WITHIN),
        ("c8", 1 + 1j, 1 + 1.1j, DRIFT),
        ("U5", "a", "b", DRIFT),
        ("S5", b"a", b"b", DRIFT),
        ("M8[s]", "2024-01-01", "2024-01-02", DRIFT),
        ("m8[s]", 1, 2, DRIFT),
        ("bool", True, False, DRIFT),
        ("V2", b"a\0", b"a\1", DRIFT),
    ],
)
def test_values_of_every_type(compared, dtype, old, new, status):
    arrays = [np.array([value, value], dtype) for value in (old, old, new)]
    arrays[2][0] = arrays[0][0]
    assert compared(arrays[0], arrays[2]).status is status
    assert compared(arrays[0], arrays[1]).status is EQUAL


def test_byte_order_is_no_part_of_the_contract(compared):
    assert compared(np.array([1.0, 2.0], "<f8"), np.array([1.0, 2.0], ">f8")).status is EQUAL
    assert compared(np.array([1.0, 2.0], ">f8"), np.array([1.0, 3.0], "<f8")).worst.where == "[1]"


def test_equal_bytes_in_another_byte_order_are_other_values(compared):
    old = np.array([1.0, 2.0], "<f8")
    outcome = compared(old, old.view(">f8"))
    assert (outcome.status, outcome.bad) == (DRIFT, 2)
    records_ = np.array([(1, 2.0)], [("a", "<i4"), ("b", "<f8")])
    assert compared(records_, records_.view([("a", ">i4"), ("b", "<f8")])).bad == 1


# --- memory order


@pytest.mark.parametrize("suffix", ["npy", "npz"])
def test_memory_order_is_no_part_of_the_contract(compared, suffix):
    old = np.arange(60.0).reshape(3, 4, 5)
    new = np.asfortranarray(old)
    changed = new.copy(order="F")
    changed[2, 1, 3] = -1.0
    small = ArrayComparer(block=40)
    for one, other, where in (
        (old, new, None),
        (old, changed, "[2, 1, 3]"),
        (new, changed, "[2, 1, 3]"),
        (changed, old, "[2, 1, 3]"),
    ):
        pair = ({"m": one}, {"m": other}) if suffix == "npz" else (one, other)
        outcome = compared(*pair, comparer=small)
        assert outcome.status is (DRIFT if where else EQUAL)
        assert outcome.n == 60
        if where:
            assert outcome.worst.where == (f"m{where}" if suffix == "npz" else where)


def test_empty_arrays_of_two_orders(compared):
    header = npy_bytes(np.zeros((0, 3), order="F"))
    assert b"'fortran_order': False" in header
    turned = header.replace(b"'fortran_order': False", b"'fortran_order': True ")
    assert compared(header, turned, suffix="npy").status is EQUAL


# --- structured dtypes

RECORD = np.dtype([("id", "i4"), ("pos", "f8", (2,)), ("sub", [("name", "U4"), ("w", "f4")])])


def records() -> np.ndarray:
    array = np.zeros(3, RECORD)
    array["id"], array["pos"], array["sub"]["w"] = [1, 2, 3], [[1, 2], [3, 4], [5, 6]], 0.5
    return array


@pytest.mark.parametrize(
    ("change", "where"),
    [
        (lambda a: a["id"].__setitem__(1, 9), "[1].id"),
        (lambda a: a["pos"].__setitem__((2, 1), 9), "[2][1].pos"),
        (lambda a: a["sub"]["name"].__setitem__(0, "x"), "[0].sub.name"),
        (lambda a: a["sub"]["w"].__setitem__(2, 7), "[2].sub.w"),
    ],
)
def test_structured_dtypes_go_field_by_field(compared, change, where):
    old, new = records(), records()
    change(new)
    outcome = compared(old, new, comparer=ArrayComparer(block=100))
    assert outcome.status is DRIFT
    assert outcome.worst.where == where
    assert outcome.n == 3 + 6 + 3 + 3
    assert outcome.bad == 1


def test_structured_dtypes_have_tolerances(compared):
    old, new = records(), records()
    new["pos"][0, 0] *= 1 + 1e-9
    assert compared(old, new).status is WITHIN
    other = old.astype([("id", "i4"), ("pos", "f8", (2,)), ("sub", [("name", "U4"), ("v", "f4")])])
    assert compared(old, other).status is STRUCTURE


def test_padding_between_fields_is_not_compared(compared):
    dtype = np.dtype([("a", "i1"), ("b", "f8")], align=True)
    old = np.zeros(2, dtype)
    new = old.copy()
    new.view(np.uint8)[3] = 7
    assert old.tobytes() != new.tobytes()
    assert compared(old, new).status is EQUAL


@pytest.mark.parametrize("dtype", ["V0", "U0", "S0", [("a", "V0")], []])
def test_values_of_no_bytes(compared, dtype):
    array = np.zeros(3, np.dtype(dtype))
    assert compared(npy_bytes(array), npy_bytes(array, version=(2, 0)), suffix="npy").status is EQUAL


def test_fields_of_no_bytes_are_left_out(compared):
    old = np.zeros(2, [("a", "U0"), ("b", "f8")])
    new = old.copy()
    new["b"] = 1
    assert [part.name for part in compared(old, new).parts] == ["b"]


# --- rules


def test_limits_and_leaving_out_go_by_member(compared):
    rule = ArtifactRule("*", columns={"w*": Limits(rel=0.5)}, ignore_columns=("t*",))
    old, new = {"w1": np.ones(2), "t": np.ones(2)}, {"w1": np.full(2, 1.4), "t2": np.ones(3)}
    outcome = compared(old, new, rule=rule)
    assert outcome.status is WITHIN
    assert [part.name for part in outcome.parts] == ["w1"]


def test_a_limit_is_offered(compared):
    old, new = np.array([1.0, 2.0]), np.array([1.01, 2.0])
    limits = Limits(rel=1e-3)
    assert compared(old, new, limits=limits).allow == "{rel: 1.1e-2}"
    assert compared({"w": old}, {"w": new}, limits=limits).allow == "{columns: {w: {rel: 1.1e-2}}}"
    assert compared(old, np.array([math.nan, 2.0]), limits=limits).allow is None


def test_every_bad_member_is_told(compared):
    old = {name: np.ones(3) for name in "abc"}
    new = {"a": np.ones(3), "b": np.full(3, 2.0), "c": np.ones(3, "f4")}
    outcome = compared(old, new)
    assert outcome.message == "c: dtype float64 -> float32; b: 3 of 3 values"
    assert [part.name for part in outcome.parts] == ["c", "b", "a"]


# --- pickles


class Bomb:
    def __reduce__(self):
        return (pytest.fail, ("a pickle was loaded",))


def test_pickles_are_never_loaded(compared, tmp_path):
    old, new = np.array([Bomb(), 1], object), np.array([Bomb(), 2], object)
    pickles = [{"o": array, "n": np.array([value])} for array, value in ((old, 1), (new, 1), (old, 2))]
    outcome = compared(pickles[0], pickles[1])
    assert outcome.status is ERROR
    assert outcome.message == "o: it holds Python objects as a pickle, which is never loaded"
    assert compared(pickles[0], pickles[2]).message == "n: 1 of 1 value"
    assert compared({"o": np.ones(2)}, {"o": old}).message == "o: dtype float64 -> object"
    assert ARRAYS.schema(tmp_path / "old.npz")["members"]["o"] == {"dtype": "float64", "shape": [2]}


def test_an_object_array_alone_is_an_error(compared):
    assert compared(np.array([Bomb()]), np.array([Bomb(), 2], object)).status is STRUCTURE
    assert compared(np.array([Bomb()]), np.array([1], object)).status is ERROR


# --- files


def test_schemas(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((2, 3), "f4"))
    assert ARRAYS.schema(tmp_path / "a.npy") == {"format": "npy", "dtype": "float32", "shape": [2, 3]}
    raw(tmp_path, "b.npz", zipped([("a.npy", npy_bytes([1])), ("note.txt", b"hello")]))
    assert ARRAYS.schema(tmp_path / "b.npz") == {
        "format": "npz",
        "members": {"a": {"dtype": "int64", "shape": [1]}, "note.txt": {"bytes": 5}},
    }


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
def test_versions_of_the_format(compared, version):
    array = np.array([1.0, 2.0])
    assert compared(npy_bytes(array), npy_bytes(array, version=version), suffix="npy").status is EQUAL


def test_names_of_fields_beyond_latin(compared):
    old = np.zeros(2, [("größe", "f8"), ("大", "f8")])
    new = old.copy()
    new["大"][1] = 1
    with pytest.warns(UserWarning, match=r"format 3\.0"):
        outcome = compared(old, new)
    assert outcome.worst.where == "[1].大"


def test_the_compression_of_members_does_not_matter(compared):
    old = zipped([("a.npy", npy_bytes([1.0]))])
    assert (
        compared(old, zipped([("a.npy", npy_bytes([1.0]))], zipfile.ZIP_DEFLATED), suffix="npz").status
        is EQUAL
    )
    assert (
        compared(old, zipped([("a.npy", npy_bytes([2.0]))], zipfile.ZIP_LZMA), suffix="npz").status is DRIFT
    )


def test_members_that_are_no_arrays(compared):
    old = zipped([("a.txt", b"hello" * 100), ("b.npy", npy_bytes([1]))])
    assert (
        compared(old, zipped([("a.txt", b"hello" * 100), ("b.npy", npy_bytes([2]))]), suffix="npz").bad == 1
    )
    other = compared(old, zipped([("a.txt", b"hello" * 99), ("b.npy", npy_bytes([1]))]), suffix="npz")
    assert (other.status, other.message) == (CheckStatus.DIFFERS, "a.txt: differs, can't say how much")
    text = compared(old, zipped([("a.txt", npy_bytes([1])), ("b.npy", npy_bytes([1]))]), suffix="npz")
    assert (text.status, text.message) == (STRUCTURE, "a.txt: an array on one side only")


def test_what_follows_an_array_counts_too(compared):
    """np.save can append arrays to one file; numpy reads the first alone."""
    one = npy_bytes([1.0])
    old, new = one + npy_bytes([2.0]), one + npy_bytes([3.0])
    assert compared(old, new, suffix="npy").status is STRUCTURE
    assert compared(one, one + b"\0", suffix="npy").message == "the bytes after the array differ"


GOOD = npy_bytes(np.arange(100.0))


def header(text: str) -> bytes:
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode("latin-1")


BROKEN = {
    "empty": b"",
    "text": b"hello",
    "magic": b"\x93NUMPY",
    "cut in the header": GOOD[:30],
    "cut in the values": GOOD[:-1],
    "version": b"\x93NUMPY\x09\x00" + GOOD[8:],
    "minor version": b"\x93NUMPY\x01\x01" + GOOD[8:],
    "no literal": header("__import__('os')"),
    "no mapping": header("[1]"),
    "no keys": header("{'descr': '<f8'}"),
    "negative": header("{'descr': '<f8', 'fortran_order': False, 'shape': (-1,)}"),
    "no shape": header("{'descr': '<f8', 'fortran_order': False, 'shape': 3}"),
    "truth": header("{'descr': '<f8', 'fortran_order': False, 'shape': (True,)}"),
    "endless": header("{'descr': '<f8', 'fortran_order': False, 'shape': (10000000000000,)}"),
    "no dtype": header("{'descr': '<x8', 'fortran_order': False, 'shape': (1,)}"),
    "nested": header("(" * 500),
    "long": b"\x93NUMPY\x02\x00" + struct.pack("<I", 1 << 30),
}


@pytest.mark.parametrize("fault", list(BROKEN))
def test_a_broken_result_is_a_drift_of_structure(compared, tmp_path, fault):
    outcome = compared(GOOD, BROKEN[fault], suffix="npy")
    assert outcome.status is STRUCTURE
    assert outcome.message.startswith("the result is not readable: ")
    with pytest.raises(UndecodableError):
        ARRAYS.schema(tmp_path / "new.npy")
    swapped = compared(BROKEN[fault], GOOD, suffix="npy")
    assert swapped.status is ERROR
    assert swapped.message.startswith("the baseline is not readable: ")


def damaged() -> bytes:
    content = bytearray(zipped([("a.npy", npy_bytes(np.arange(100.0)))]))
    content[300] ^= 1
    return bytes(content)


def encrypted() -> bytes:
    content = bytearray(zipped([("a.npy", GOOD)]))
    content[content.rindex(b"PK\x01\x02") + 8] |= 1
    return bytes(content)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"PK",
        zipped([("a.npy", GOOD)])[:-10],
        damaged(),
        encrypted(),
        zipped([("a.npy", GOOD), ("a", GOOD)]),
    ],
)
def test_a_broken_archive_is_never_a_pass(compared, content):
    good = zipped([("a.npy", GOOD)])
    for rule in (ArtifactRule("*"), ArtifactRule("*", limits=Limits(abs=1e300))):
        assert compared(good, content, suffix="npz", rule=rule).status is STRUCTURE
        assert compared(content, good, suffix="npz", rule=rule).status is ERROR


def test_a_member_that_is_cut_short(compared):
    good, short = zipped([("a.npy", GOOD)]), zipped([("a.npy", GOOD[:-8])])
    assert "ends before its last value" in compared(good, short, suffix="npz").message


def test_a_file_that_shrinks_while_it_is_read(tmp_path):
    path = raw(tmp_path, "a.npy", npy_bytes(np.zeros(100_000)))
    with npy.sources(path, "result") as found, found[""].open() as reader:
        path.write_bytes(GOOD[:200])
        with pytest.raises(UndecodableError, match="ends before"):
            reader.read(800_000)


def test_another_format_is_a_drift_of_structure(tmp_path):
    old, new = raw(tmp_path, "a.npy", GOOD), raw(tmp_path, "a.npz", zipped([("a.npy", GOOD)]))
    assert base.judge(ARRAYS, old, new, ArtifactRule("*"), {}).message == "format npy -> npz"


# --- laws


@given(
    hnp.arrays(
        st.sampled_from(["f8", "f4", "i8", "u1", "c8", "bool"]), hnp.array_shapes(max_dims=3, max_side=4)
    ),
    st.data(),
    st.integers(1, 40),
)
def test_the_outcome_does_not_depend_on_blocks_or_order(tmp_path_factory, old, data, block):
    new = old.copy()
    for index in data.draw(st.lists(st.integers(0, old.size - 1), max_size=3)):
        new.reshape(-1)[index] = data.draw(hnp.arrays(old.dtype, 1))[0]
    folder = tmp_path_factory.mktemp("laws")
    paths = raw(folder, "a.npy", npy_bytes(old)), raw(folder, "b.npy", npy_bytes(new))
    turned = raw(folder, "c.npy", npy_bytes(np.asfortranarray(new)))
    whole = base.judge(ARRAYS, *paths, ArtifactRule("*"), {})
    small = ArrayComparer(block)
    assert base.judge(small, *paths, ArtifactRule("*"), {}) == whole
    other = base.judge(small, paths[0], turned, ArtifactRule("*"), {})
    assert (other.status, other.used, other.bad) == (whole.status, whole.used, whole.bad)
    assert (whole.status is EQUAL) == np.array_equal(old, new, equal_nan=old.dtype.kind in "fc")


@given(st.binary(max_size=100), st.binary(max_size=100), st.sampled_from(["npy", "npz"]))
def test_any_bytes_give_an_outcome_and_never_a_pass(tmp_path_factory, one, other, suffix):
    folder = tmp_path_factory.mktemp("bytes")
    paths = raw(folder, f"a.{suffix}", one), raw(folder, f"b.{suffix}", other)
    assert base.judge(ARRAYS, *paths, ArtifactRule("*"), {}).status.ok is False


@given(st.integers(0, len(GOOD) - 1), st.integers(0, 255))
def test_one_changed_byte_is_never_equal(tmp_path_factory, index, byte):
    folder = tmp_path_factory.mktemp("byte")
    content = bytearray(GOOD)
    content[index] = byte
    paths = raw(folder, "a.npy", GOOD), raw(folder, "b.npy", bytes(content))
    outcome = base.judge(ARRAYS, *paths, ArtifactRule("*", limits=Limits(rel=0, abs=0)), {})
    if outcome.status.ok:
        assert np.array_equal(np.load(paths[0]), np.load(paths[1]))


def test_large_arrays_do_not_fill_the_memory(tmp_path):
    """64 MB on each side, in either order, in less than half of one side."""
    array = np.random.default_rng(0).normal(size=(1000, 8000))
    paths = [tmp_path / name for name in ("a.npz", "b.npz", "c.npz")]
    np.savez(paths[0], w=array)
    array *= 1 + 1e-12
    np.savez(paths[1], w=array)
    np.savez(paths[2], w=np.asfortranarray(array))
    del array
    for other in paths[1:]:
        tracemalloc.start()
        try:
            outcome = ARRAYS.compare(paths[0], other, ArtifactRule("*"), {})
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert outcome.status is WITHIN
        assert peak < 30 << 20
