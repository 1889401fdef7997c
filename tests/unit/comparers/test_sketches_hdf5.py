"""Sketches of HDF5 files: datasets, attributes, and what else the schema says."""

from __future__ import annotations

import math

import h5py
import numpy as np
import pytest

from pytest_nbrepro.comparers import sketches
from pytest_nbrepro.comparers.base import judge
from pytest_nbrepro.comparers.hdf5 import Hdf5Comparer
from pytest_nbrepro.comparers.sketches import hdf5
from pytest_nbrepro.errors import UndecodableError
from pytest_nbrepro.model import ArtifactRule, CheckStatus, Limits

EQUAL, UNPROVEN, DRIFT = CheckStatus.EQUAL, CheckStatus.UNPROVEN, CheckStatus.DRIFT
STRUCTURE, DIFFERS, ERROR = CheckStatus.STRUCTURE, CheckStatus.DIFFERS, CheckStatus.ERROR
NOISE = np.random.default_rng(1).normal(size=(60, 40, 10))


def file(path, **more):
    """Write a file; a function among `more` changes it at the end."""
    change = more.pop("change", lambda file: None)
    with h5py.File(path, "w") as found:
        found.attrs["title"] = "a run"
        group = found.create_group("g")
        data = group.create_dataset("t", data=NOISE, **more)
        data.attrs.update(
            {"units": "K", "scale": np.array([1.0, 2.0]), "history": str(path), "empty": h5py.Empty("f8")}
        )
        group["n"] = np.arange(5000)
        group["names"] = [f"name {i}" for i in range(300)]
        group["none"] = h5py.Empty("f8")
        group["scalar"] = 0.5
        group.create_dataset("unwritten", (10**9,), "f4")
        found["soft"] = h5py.SoftLink("/g/t")
        change(found)
    return path


@pytest.fixture
def compare(tmp_path):
    def compare(old, new, rule=None, **limits):
        rule = rule or ArtifactRule("*", Limits(**limits))
        one, other = file(tmp_path / "old.h5", **old), file(tmp_path / "new.h5", **new)
        schema = Hdf5Comparer().schema(one)
        sketches.write(one, "hdf5", schema, tmp_path / "sketch")
        found = sketches.compare(tmp_path / "sketch", other, "hdf5", rule, schema)
        truth = judge(Hdf5Comparer(), one, other, rule, schema)
        assert truth.status.ok or found.status in {truth.status, DIFFERS, UNPROVEN}
        return found

    return compare


def put(path, value):
    def change(file):
        owner, _, key = path.partition("@")
        if key:
            file[owner].attrs[key] = value
        elif isinstance(value, tuple):
            file[owner][value[0]] = value[1]
        else:
            file.pop(owner, None)
            file[owner] = value

    return {"change": change}


@pytest.mark.parametrize(
    "layout",
    [{}, {"chunks": (7, 40, 10)}, {"chunks": (7, 9, 3), "compression": "gzip"}, {"chunks": (60, 1, 1)}],
)
def test_chunks_and_compression_mean_nothing(compare, layout):
    found = compare({}, layout)
    assert found.status is EQUAL
    found = compare({}, {**layout, **put("g/t", ((3, 2, 1), 9.0))})
    assert (found.status, found.parts[0].name) == (DRIFT, "g/t")
    start, stop = map(int, found.parts[0].worst.where.strip("[]").split(":"))
    assert start <= np.ravel_multi_index((3, 2, 1), NOISE.shape) < stop


def test_noise_is_unproven(compare):
    found = compare({}, put("g/t", (..., NOISE * (1 + 1e-12))))
    assert (found.status, found.used) == (UNPROVEN, None)
    assert found.message.startswith("no drift proven in 1 of ")


@pytest.mark.parametrize(
    ("change", "status", "name"),
    [
        (put("g/n", (3, 7)), DRIFT, "g/n"),
        (put("g/names", (3, "other")), DRIFT, "g/names"),
        (put("g/scalar", 0.6), DRIFT, "g/scalar"),
        (put("g/scalar", np.float32(0.5)), STRUCTURE, "g/scalar"),
        (put("g/none", 1.0), STRUCTURE, "g/none"),
        (put("g/unwritten", (5, 1.0)), DIFFERS, "g/unwritten"),
        (put("g/t@units", "C"), DRIFT, "g/t@units"),
        (put("g/t@scale", np.array([1.0, 2.5])), DRIFT, "g/t@scale"),
        (put("g/t@scale", np.array([1.0])), STRUCTURE, "g/t@scale"),
        (put("g/t@empty", 1.0), DIFFERS, "g/t@empty"),
        (put("g/t@more", 1.0), STRUCTURE, "g/t@more"),
        (put("g@title", "x"), STRUCTURE, "g@title"),
        (put("/@title", "another"), DRIFT, "@title"),
        ({"change": lambda file: file.pop("g/n")}, STRUCTURE, "g/n"),
        (put("g/new", 1.0), STRUCTURE, "g/new"),
        (put("soft", h5py.SoftLink("/g/n")), STRUCTURE, "soft"),
        (put("soft", h5py.ExternalLink("other.h5", "/x")), STRUCTURE, "soft"),
    ],
)
def test_what_differs_is_named(compare, change, status, name):
    found = compare({}, change)
    assert (found.status, found.parts[0].name) == (status, name)


def test_attributes_are_kept_as_they_are(compare):
    """There are so few of them that each is a block: its sum is its value."""
    found = compare({}, put("g/t@scale", np.array([1.0, 2.0 + 1e-5])))
    assert (found.status, found.used) == (DRIFT, pytest.approx(5.0, rel=1e-2))
    assert compare({}, put("g/t@scale", np.array([1.0, 2.0 + 1e-5])), rel=1e-5).status is UNPROVEN


def test_values_that_were_never_written_are_not_read(compare):
    def change(file):
        del file["g/t"]
        file["g"].create_dataset("t", NOISE.shape, "f8").attrs.update({"units": "K", "scale": [1.0, 2.0]})

    found = compare({}, {"change": change}, ArtifactRule("*", ignore_columns=("*@*",)))
    assert (found.status, found.parts[0].name) == (DIFFERS, "g/t")


def test_what_is_left_out(compare):
    change = put("g/t@units", "C")
    for pattern in ("g/t@units", "g/t", "g", "*@units"):
        assert compare({}, change, ArtifactRule("*", ignore_columns=(pattern,))).status is EQUAL


def test_texts_of_fixed_length_and_ragged_rows(compare):
    def change(value, last):
        def write(file):
            file["fixed"] = np.array([b"a", value])
            kind = h5py.vlen_dtype(np.float64)
            rows = file.create_dataset("rows", (2,), kind)
            rows[0], rows[1] = [1.0, -0.0], [last]
            file["record"] = np.array([(1, 2.0)], "i4,f8")
            file["fixed"].attrs["code"] = np.array([value])

        return {"change": write}

    assert compare(change(b"b", math.nan), change(b"b", math.nan)).status is EQUAL
    found = {part.name: part.status for part in compare(change(b"b", 1.0), change(b"c", 2.0)).parts}
    assert (found["fixed"], found["rows"], found["fixed@code"]) == (DRIFT, DRIFT, DRIFT)


def test_values_of_other_files_are_never_read(compare, tmp_path):
    for outside in (h5py.ExternalLink("other.h5", "/x"), h5py.SoftLink("/g/n")):
        path = file(tmp_path / "a.h5", **put("link", outside))
        if isinstance(outside, h5py.SoftLink):
            sketches.write(path, "hdf5", {}, tmp_path / "sketch")
            continue
        with pytest.raises(UndecodableError, match="other file"):
            sketches.write(path, "hdf5", {}, tmp_path / "sketch")


def test_regions_have_no_bytes(tmp_path):
    def change(file):
        file["region"] = file["g/n"].regionref[0:3]

    with pytest.raises(UndecodableError):
        sketches.write(file(tmp_path / "a.h5", change=change), "hdf5", {}, tmp_path / "sketch")


def test_a_dataset_that_would_fill_the_memory_has_no_sums(compare, monkeypatch):
    monkeypatch.setattr(hdf5, "_MOST", 1 << 12)
    found = compare({"chunks": (60, 1, 1)}, {"chunks": (60, 1, 1), **put("g/t", (..., NOISE * (1 + 1e-12)))})
    assert (found.status, found.parts[0].name) == (DIFFERS, "g/t")
    assert "only the hash is kept" in found.message


def test_what_is_no_file(compare, tmp_path):
    compare({}, {})
    schema = Hdf5Comparer().schema(tmp_path / "old.h5")
    (tmp_path / "new.h5").write_bytes(b"no")
    rule = ArtifactRule("*")
    assert (
        sketches.compare(tmp_path / "sketch", tmp_path / "new.h5", "hdf5", rule, schema).status is STRUCTURE
    )
