"""HDF5 and NetCDF4: xarray's blind spots, structure, attributes, links, odd types, memory."""

from __future__ import annotations

import hashlib
import math
import sys
import tracemalloc
import zipfile

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_nbrepro import comparers
from pytest_nbrepro.comparers import base, boxes, hdf5, hdf5nodes
from pytest_nbrepro.comparers.base import IncomparableError
from pytest_nbrepro.comparers.hdf5 import Hdf5Comparer
from pytest_nbrepro.errors import UndecodableError
from pytest_nbrepro.model import Artifact, ArtifactRule, CheckStatus, Limits

EQUAL, WITHIN, DRIFT = CheckStatus.EQUAL, CheckStatus.WITHIN, CheckStatus.DRIFT
STRUCTURE, ERROR = CheckStatus.STRUCTURE, CheckStatus.ERROR
HDF5 = Hdf5Comparer()


def data(values, **attributes):
    """Return a writer of one dataset named ``t``."""

    def write(file):
        file["t"] = values
        file["t"].attrs.update(attributes)

    return write


def written(path, write):
    with h5py.File(path, "w") as file:
        write(file)
    return path


@pytest.fixture
def compared(tmp_path):
    def compare(old, new, rule=None, comparer=HDF5, **more):
        paths = (written(tmp_path / f"{side}.h5", write) for side, write in (("old", old), ("new", new)))
        return base.judge(comparer, *paths, rule or ArtifactRule("*", **more), {})

    return compare


# --- what xarray.testing.assert_allclose lets pass (research/baselines.md, section 1.2, no. 11 and 12)


def test_another_float_fails(compared):
    outcome = compared(data(np.ones(3)), data(np.ones(3, "f4")))
    assert (outcome.status, outcome.message) == (STRUCTURE, "t: dtype float64 -> float32")


def test_another_unit_fails(compared):
    outcome = compared(data(np.ones(3), units="K"), data(np.ones(3), units="C"))
    assert outcome.status is DRIFT
    assert outcome.worst == base.Place("t@units", "'K'", "'C'")


def test_an_added_unit_fails(compared):
    outcome = compared(data(np.ones(3)), data(np.ones(3), units="K"))
    assert (outcome.status, outcome.message) == (STRUCTURE, "t@units: attribute new")
    assert compared(data(1, units="K"), data(1)).message == "t@units: attribute lost"


def test_rel_does_not_make_integers_fuzzy(compared):
    outcome = compared(data([8_000_000]), data([8_000_001]), limits=Limits(rel=1e-3))
    assert outcome.status is DRIFT
    assert outcome.worst == base.Place("t[0]", "8000000", "8000001")


def test_a_small_value_that_triples_fails(compared):
    assert compared(data([3e-9]), data([9e-9])).status is DRIFT


# --- values


def test_noise_is_within_and_told(compared):
    old = np.linspace(1, 2, 60).reshape(3, 4, 5)
    new = old.copy()
    new[2, 1, 3] *= 1 + 5e-7
    outcome = compared(data(old), data(new), comparer=Hdf5Comparer(block=64))
    assert outcome.status is WITHIN
    assert outcome.used == pytest.approx(0.5)
    assert outcome.worst.where == "t[2, 1, 3]"
    assert outcome.n == 1 + 60
    new[0, 0, 0] = 9
    outcome = compared(data(old), data(new), comparer=Hdf5Comparer(block=64))
    assert (outcome.status, outcome.worst.where, outcome.bad) == (DRIFT, "t[0, 0, 0]", 1)


def test_the_limits_of_a_column_hold_for_its_dataset(compared):
    rule = ArtifactRule("*", columns={"t": Limits(abs=2.0)})
    assert compared(data([1.0]), data([2.0]), rule).used == 0.5
    assert compared(data([1.0]), data([1.0 + 2e-6])).allow == "{columns: {t: {rel: 2.2e-6}}}"


def test_the_smallest_values_have_the_scale_of_the_largest(compared):
    assert compared(data([0.0, 1.0]), data([5e-10, 1.0])).status is WITHIN
    assert compared(data([0.0, 1.0]), data([5e-10, 1.0]), limits=Limits(abs=0.0)).status is DRIFT


def test_nan_equals_nan_alone(compared):
    assert compared(data([np.nan, 1]), data([np.nan, 1.0 + 1e-9])).status is WITHIN
    assert "1 new NaN" in compared(data([1.0]), data([np.nan])).message


def test_scalars_and_empty_ones(compared):
    assert compared(data(1.0), data(1.5)).worst.where == "t"
    assert compared(data(np.zeros((0, 3))), data(np.zeros((0, 3)))).status is EQUAL
    empty = data(h5py.Empty("f8"))
    assert compared(empty, empty).status is EQUAL
    assert "shape None -> []" in compared(empty, data(1.0)).message


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (["a", "b"], ["a", "c"]),
        (np.array([b"a", b"bc"]), np.array([b"a", b"bd"])),
        (np.array([(1, 2.0)], "i4,f8"), np.array([(1, 3.0)], "i4,f8")),
        (np.array([b"\1\2"], "V2"), np.array([b"\1\3"], "V2")),
        (np.array([True]), np.array([False])),
        (np.array([1 + 2j]), np.array([1 + 3j])),
    ],
)
def test_other_types(compared, old, new):
    assert compared(data(old), data(new)).status is DRIFT
    outcome = compared(lambda f: (data(old)(f), data(1)(f.create_group("g"))), data(old))
    assert outcome.message.startswith("g: group lost; g/t: dataset lost")


def test_a_text_is_told_as_text(compared):
    outcome = compared(data(["a", "b"]), data(["a", "c"]))
    assert outcome.worst == base.Place("t[1]", "'b'", "'c'")
    assert outcome.message == "t: 1 of 2 values"


def test_records_are_compared_field_by_field(compared):
    dtype = [("id", "i8"), ("xy", "f8", 2)]
    old, new = np.zeros(3, dtype), np.zeros(3, dtype)
    new["xy"][1, 1] = 1
    outcome = compared(data(old), data(new))
    assert outcome.worst == base.Place("t[1][1].xy", "0.0", "1.0")
    assert "xy: 1 of 6 values" in outcome.message


def ragged(rows, base_type="f8"):
    def write(file):
        made = file.create_dataset("t", (len(rows),), h5py.vlen_dtype(base_type))
        for i, row in enumerate(rows):
            made[i] = row

    return write


def test_ragged_rows_are_equal_or_not(compared):
    assert compared(ragged([[1, np.nan], [2]]), ragged([[1, np.nan], [2]])).status is EQUAL
    for other in ([[1, np.nan], [3]], [[1, np.nan], [2, 2]]):
        outcome = compared(ragged([[1, np.nan], [2]]), ragged(other))
        assert (outcome.status, outcome.worst.where) == (DRIFT, "t[1]")
    assert "vlen float64 -> vlen int64" in compared(ragged([[1]]), ragged([[1]], "i8")).message


def test_records_with_texts_and_rows_of_records(compared):
    dtype = np.dtype([("name", h5py.string_dtype()), ("n", "i4")])

    def write(name, n):
        return data(np.array([(name, n)], dtype))

    assert compared(write("a", 1), write("a", 1)).status is EQUAL
    assert compared(write("a", 1), write("b", 1)).worst == base.Place("t[0].name", "'a'", "'b'")
    assert compared(write("a", 1), write("a", 2)).worst == base.Place("t[0].n", "1", "2")
    pair = np.dtype([("x", "f8")])
    rows = [ragged([np.array([(x,)], pair)], pair) for x in (1.0, 2.0)]
    assert compared(rows[0], rows[0]).status is EQUAL
    assert compared(*rows).status is DRIFT


# --- structure


@pytest.mark.parametrize(
    ("old", "new"), [("i1", "i8"), ("i2", "i8"), ("u8", "i8"), ("S2", "S3"), ("f2", "f4")]
)
def test_other_dtypes_fail(compared, old, new):
    assert compared(data(np.zeros(2, old)), data(np.zeros(2, new))).status is STRUCTURE


def test_byte_order_chunks_and_compression_mean_nothing(compared):
    def packed(file):
        file.create_dataset("t", data=np.arange(6.0).reshape(2, 3), chunks=(1, 2), compression="gzip")

    assert compared(data(np.arange(6.0, dtype=">f8").reshape(2, 3)), packed).status is EQUAL
    assert compared(packed, data(np.arange(6.0).reshape(2, 3) + 1)).bad == 6


@pytest.mark.parametrize("chunks", [None, (2,)])
def test_equal_bytes_in_another_byte_order_are_other_values(compared, chunks):
    def of(values):
        return lambda file: file.create_dataset("t", data=values, chunks=chunks)

    values = np.array([1.0, 2.0, 3.0], "<f8")
    assert compared(of(values), of(values.view(">f8"))).status is DRIFT
    assert compared(of(values), of(values.astype(">f8"))).status is EQUAL


def chunked(values, **more):
    return lambda file: file.create_dataset(
        "t", data=values, **{"chunks": (7, 5), "compression": "gzip", **more}
    )


def test_chunks_with_equal_bytes_are_not_decoded(compared, monkeypatch):
    values = np.arange(600.0).reshape(30, 20)
    other = values.copy()
    other[29, 19] += 1
    boxed = []
    monkeypatch.setattr(hdf5, "read", lambda found, box: boxed.append(box) or hdf5nodes.read(found, box))
    comparer = Hdf5Comparer(block=7 * 5 * 8)
    found = compared(chunked(values), chunked(other), comparer=comparer, limits=Limits(abs=0.0))
    assert (found.status, found.bad, found.n) == (DRIFT, 1, 601)
    assert found.worst.where == "t[29, 19]"
    assert len(boxed) == 2
    boxed.clear()
    assert compared(chunked(values), chunked(values, compression_opts=1), comparer=comparer).status is EQUAL
    assert len(boxed) == 2 * 5 * 4


def test_chunks_that_were_never_written_are_decoded(compared):
    def write(*rows):
        def partly(file):
            found = file.create_dataset("t", (30, 20), "f8", chunks=(7, 5), fillvalue=2.0)
            for row in rows:
                found[row] = 1.0

        return partly

    assert compared(write(0, 29), write(29, 0)).status is EQUAL
    found = compared(write(0), write(0, 29))
    assert (found.status, found.bad) == (DRIFT, 20)


@pytest.mark.parametrize("shape", [(3, 1), (1, 3), ()])
def test_nothing_broadcasts(compared, shape):
    assert "shape [3] -> " in compared(data(np.ones(3)), data(np.ones(shape))).message


def test_another_fill_value_fails(compared):
    def filled(value):
        return lambda file: file.create_dataset("t", (2,), "f8", fillvalue=value)

    assert compared(filled(0.0), filled(-1.0)).message == "t: fill value 0.0 -> -1.0"
    assert compared(filled(np.nan), filled(np.nan)).status is EQUAL


def test_a_dataset_that_became_a_group_fails(compared):
    assert compared(data(1), lambda f: f.create_group("t")).message == "t: dataset -> group"


def test_values_that_were_never_written_are_not_read(compared):
    def endless(file):
        file.create_dataset("t", (1 << 60,), "f8", chunks=(1 << 20,))

    assert compared(endless, endless).status is EQUAL


def enum(members, *values):
    return lambda f: f.create_dataset("t", data=np.array(values, "i1"), dtype=h5py.enum_dtype(members, "i1"))


def test_types_of_their_own(compared):
    assert compared(enum({"a": 0}, 0), enum({"b": 0}, 0)).status is STRUCTURE
    assert compared(enum({"a": 0, "b": 1}, 0), enum({"a": 0, "b": 1}, 1)).status is DRIFT

    def named(dtype):
        return lambda file: file.__setitem__("t", np.dtype(dtype))

    assert compared(named("f8"), named("f8")).status is EQUAL
    assert compared(named("f8"), named("f4")).message == "t: dtype float64 -> float32"
    lists = np.dtype([("x", "f8", (2, 2))])
    assert "{x: float64[2, 2]}" in compared(data(np.zeros(1, lists)), data(1)).message


# --- dimensions and attributes


def scaled(*names, label=""):
    def write(file):
        file["t"] = np.zeros((2, 2))
        for axis, name in enumerate(names):
            file[name] = np.arange(2.0)
            file[name].make_scale(name)
            file["t"].dims[axis].attach_scale(file[name])
        file["t"].dims[0].label = label

    return write


def test_dimensions_are_part_of_the_contract(compared):
    assert compared(scaled("x", "y"), scaled("x", "y")).status is EQUAL
    assert "dims ['x', 'y'] -> ['y', 'x']" in compared(scaled("x", "y"), scaled("y", "x")).message
    assert "dims ['x', ''] -> ['row x', '']" in compared(scaled("x"), scaled("x", label="row")).message


def test_when_it_was_written_means_nothing(compared):
    def dated(day):
        return lambda f: f.attrs.update(
            {"history": day, "date_created": day, "_NCProperties": day, "title": "x"}
        )

    assert compared(dated("monday"), dated("tuesday")).status is EQUAL


def test_attributes_are_compared_like_values(compared):
    assert compared(data(1, scale=1.0), data(1, scale=1.0 + 5e-7)).status is WITHIN
    assert "dtype float64 -> float32" in compared(data(1, scale=1.0), data(1, scale=np.float32(1))).message
    assert "shape (2,) -> (3,)" in compared(data(1, a=[1, 2]), data(1, a=[1, 2, 3])).message
    assert compared(data(1, a=np.bytes_("K")), data(1, a=np.bytes_("degC"))).status is DRIFT
    assert compared(data(1, a=h5py.Empty("f8")), data(1, a=h5py.Empty("f8"))).status is EQUAL
    assert "on one side only" in compared(data(1, a=h5py.Empty("f8")), data(1, a=1.0)).message
    assert compared(data(1, a=np.zeros(0)), data(1, a=np.zeros(0))).status is EQUAL
    outcome = compared(lambda f: f.attrs.update(a=1), lambda f: f.attrs.update(a=2))
    assert outcome.worst == base.Place("@a", "1", "2")


@pytest.mark.parametrize("pattern", ["g", "g/*", "g/t", "g/t@units", "*@units"])
def test_what_is_left_out(compared, pattern):
    def write(unit):
        return lambda file: data(1, units=unit)(file.create_group("g"))

    assert compared(write("K"), write("C")).status is DRIFT
    assert compared(write("K"), write("C"), ignore_columns=(pattern,)).status is EQUAL


# --- links


def test_soft_links_are_compared_and_not_followed(compared):
    def link(target):
        return lambda f: f.__setitem__("l", h5py.SoftLink(target))

    assert compared(link("/a"), link("/a")).status is EQUAL
    assert compared(link("/a"), link("/b")).message == "l: target /a -> /b"


def test_external_links_are_never_followed(compared, tmp_path):
    written(tmp_path / "far.h5", data(1))

    def link(file, path="t"):
        file["l"] = h5py.ExternalLink("far.h5", path)
        file["s"] = h5py.SoftLink("/l")

    outcome = compared(link, link)
    assert outcome.status is ERROR
    assert outcome.message == "l: it leads to another file, which is never read: far.h5"
    assert "target far.h5:t -> far.h5:u" in compared(link, lambda f: link(f, "u")).message
    assert compared(link, link, ignore_columns=("l",)).status is EQUAL


def test_values_in_other_files_are_never_read(compared, tmp_path):
    (tmp_path / "raw.bin").write_bytes(bytes(16))

    def outside(file):
        file.create_dataset("t", (2,), "f8", external=[("raw.bin", 0, 16)])

    assert "never read: raw.bin" in compared(outside, outside).message

    def virtual(source):
        def write(file):
            file["a"] = np.arange(2.0)
            layout = h5py.VirtualLayout((2,), "f8")
            layout[:] = h5py.VirtualSource(source or file.filename, "a", (2,))
            file.create_virtual_dataset("t", layout)

        return write

    assert "never read: far.h5" in compared(virtual("far.h5"), virtual("far.h5")).message
    assert compared(virtual("."), virtual(".")).status is EQUAL


def test_cycles_and_second_names_are_told_once(compared):
    def write(file):
        file["g/loop"] = file["/"]
        file["a"] = np.arange(2.0)
        file["b"] = file["a"]

    outcome = compared(write, write)
    assert outcome.status is EQUAL
    assert [p.kind for p in outcome.parts].count("hard link") == 2
    assert (
        "hard link -> dataset"
        in compared(write, lambda f: (write(f), f.pop("b"), f.update(b=f["a"][:]))).message
    )


def test_references_are_compared_by_what_they_lead_to(compared):
    def write(name):
        def inner(file):
            file["a"] = file["b"] = 1
            file.create_dataset("t", (2,), h5py.ref_dtype)[0] = file[name].ref
            file["a"].attrs["to"] = file[name].ref

        return inner

    assert compared(write("a"), write("a")).status is EQUAL
    outcome = compared(write("a"), write("b"))
    assert {p.name for p in outcome.parts if not p.status.ok} == {"t", "a@to"}


def test_regions_are_not_compared(compared):
    def write(file):
        file["a"] = np.arange(4)
        file.create_dataset("t", (1,), h5py.regionref_dtype)[0] = file["a"].regionref[1:3]

    outcome = compared(write, write)
    assert (outcome.status, outcome.message) == (ERROR, "it holds objects of type RegionReference")


# --- what cannot be read


def test_what_is_no_hdf5(tmp_path):
    good = written(tmp_path / "good.h5", data(1))
    bad = tmp_path / "bad.h5"
    bad.write_bytes(b"no")
    with pytest.raises(UndecodableError):
        HDF5.schema(bad)
    assert base.judge(HDF5, good, bad, ArtifactRule("*"), {}).message.startswith("the result is not readable")
    assert base.judge(HDF5, bad, good, ArtifactRule("*"), {}).message.startswith(
        "the baseline is not readable"
    )
    bad.write_bytes(b"CDF\1")
    with pytest.raises(UndecodableError, match="classic format"):
        HDF5.schema(bad)


def test_a_type_without_a_word_is_no_crash(tmp_path):
    path = tmp_path / "times.h5"
    with h5py.File(path, "w") as file:
        space = h5py.h5s.create_simple((2,))
        h5py.h5d.create(file.id, b"t", h5py.h5t.UNIX_D32LE, space)
    with pytest.raises(UndecodableError):
        HDF5.schema(path)


def test_a_damaged_chunk_is_told(tmp_path):
    old, new = (
        written(
            tmp_path / name,
            lambda f: f.create_dataset("t", data=np.full(1000, 1.5), chunks=(1000,), fletcher32=True),
        )
        for name in ("old.h5", "new.h5")
    )
    content = bytearray(new.read_bytes())
    content[content.rindex(np.full(4, 1.5).tobytes())] ^= 1
    new.write_bytes(content)
    outcome = base.judge(HDF5, old, new, ArtifactRule("*"), {})
    assert outcome.message.startswith("the result is not readable")
    assert base.judge(HDF5, new, old, ArtifactRule("*"), {}).status is ERROR


def artifact(path):
    content = path.read_bytes()
    return Artifact(path.name, "", path.name, hashlib.sha256(content).hexdigest(), len(content))


def test_without_the_extra_it_is_an_error_that_says_so(tmp_path, monkeypatch):
    old, new = (written(tmp_path / f"{n}.h5", data(n)) for n in (1, 2))
    before = comparers.described(artifact(old), tmp_path)
    assert before.schema["objects"]["t"] == {
        "kind": "dataset",
        "dtype": "int64",
        "shape": [],
        "dims": [],
        "fill value": "0",
    }
    monkeypatch.setitem(sys.modules, "h5py", None)
    after = comparers.described(artifact(new), tmp_path)
    assert "pytest-nbrepro[hdf5]" in after.schema["undecodable"]
    check = comparers.compare(before, tmp_path, after, tmp_path, ArtifactRule("*"))
    assert check.status is ERROR
    assert "pytest-nbrepro[hdf5]" in check.message
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.write(old, "1.h5")
        archive.writestr("a.txt", "x")
    members = comparers.described(artifact(tmp_path / "a.zip"), tmp_path).schema["members"]
    assert "pytest-nbrepro[hdf5]" in members["1.h5"]["schema"]["undecodable"]
    assert members["a.txt"]["schema"] == {"encoding": "utf-8"}


@pytest.mark.parametrize("name", ["a.h5", "a.hdf5", "A.NC", "a.nc4", "a.he5"])
def test_files_of_this_kind(name):
    assert comparers.kind_of(name) == "hdf5"
    assert comparers.comparer("hdf5").kind == "hdf5"


def test_the_schema_tells_attributes_and_links(tmp_path):
    path = written(tmp_path / "a.h5", lambda f: (data(1, units="K")(f), f.update(l=h5py.SoftLink("/t"))))
    objects = HDF5.schema(path)["objects"]
    assert objects["/"] == {"kind": "group"}
    assert objects["t"]["attributes"] == ["units"]
    assert objects["l"] == {"kind": "soft link", "target": "/t"}


def test_memory_stays_that_of_a_block(tmp_path):
    old, new = (written(tmp_path / f"{n}.h5", data(np.full(4_000_000, 1.0 + n * 1e-8))) for n in (0, 1))
    tracemalloc.start()
    try:
        outcome = base.judge(HDF5, old, new, ArtifactRule("*"), {})
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert outcome.status is WITHIN
    assert peak < 16 << 20  # a side has 32 MB


# --- boxes


@given(
    st.lists(st.integers(0, 7), max_size=4),
    st.integers(1, 64),
    st.lists(st.integers(1, 9), min_size=4, max_size=4),
    st.booleans(),
)
def test_boxes_cover_an_array_once(shape, block, chunks, chunked):
    count = np.zeros(shape, int)
    for box in boxes.boxes(shape, 1, chunks[: len(shape)] if chunked else None, block):
        count[tuple(slice(a, a + n) for a, n in zip(box.start, box.shape, strict=True))] += 1
        if not chunked:
            assert box.count <= block
            first = box.index(0)
            last = box.index(box.count - 1)
            where = np.arange(math.prod(shape)).reshape(shape)
            assert where[tuple(last)] - where[tuple(first)] == box.count - 1  # one piece in the file
    assert (count == 1).all()


def test_objects_of_unknown_kinds_are_refused():
    with pytest.raises(IncomparableError):
        boxes.alike({}, {})
    assert boxes.alike(math.nan, math.nan)
    assert not boxes.alike(np.zeros(2), np.zeros(2, "f4"))
