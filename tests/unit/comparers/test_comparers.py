"""The door to all comparers: kinds, descriptions, and a comparison that cannot pass by accident."""

from __future__ import annotations

import bz2
import dataclasses
import gzip
import io
import json
import lzma
import subprocess
import sys
import zipfile
from pathlib import Path

import h5py
import numpy as np
import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from pytest_nbrepro import comparers, files
from pytest_nbrepro.comparers import sketches
from pytest_nbrepro.comparers.base import Outcome
from pytest_nbrepro.errors import NbreproError
from pytest_nbrepro.model import Artifact, ArtifactRule, CheckStatus, Limits

EQUAL, WITHIN, DRIFT = CheckStatus.EQUAL, CheckStatus.WITHIN, CheckStatus.DRIFT
STRUCTURE, ERROR, DIFFERS = CheckStatus.STRUCTURE, CheckStatus.ERROR, CheckStatus.DIFFERS
RULE = ArtifactRule("*")
KINDS = [*comparers._CLASSES, "archive"]
SUFFIXES = [*(suffix.removeprefix(".") for suffix in comparers._KINDS), "pkl", "csv.gz", "json.xz"]


def artifact(folder: Path, name: str, content: bytes | None, **more) -> Artifact:
    """Write a file and return it described; without content only its record."""
    path = folder / name
    if content is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    digest = files.sha256(path) if path.is_file() else "0" * 64
    size = path.stat().st_size if path.is_file() else 0
    return comparers.described(Artifact(name, more.pop("kind", ""), name, digest, size, **more), folder)


@pytest.fixture
def compared(tmp_path):
    def compare(name, old, new, rule=RULE, **more):
        one, other = tmp_path / "old", tmp_path / "new"
        return comparers.compare(
            artifact(one, name, old, **more), one, artifact(other, name, new), other, rule
        )

    return compare


@pytest.fixture
def others(monkeypatch):
    """Pretend that other packages provide comparers."""

    def provide(**found):
        class Entry:
            def __init__(self, name, value):
                self.name, self.answer, self.value = name, value, f"package:{name}"

            def load(self):
                if isinstance(self.answer, Exception):
                    raise self.answer
                return self.answer

        entries = [Entry(name, value) for name, value in found.items()]
        monkeypatch.setattr(comparers.importlib.metadata, "entry_points", lambda group: entries)
        clear()

    def clear():
        comparers._others.cache_clear()
        comparers.comparer.cache_clear()

    yield provide
    monkeypatch.undo()
    clear()


# --- kinds


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a/b.csv", "table"),
        ("A.CSV", "table"),
        ("x.parquet", "table"),
        ("x.npz", "array"),
        ("x.ipynb", "json"),
        ("x.yml", "json"),
        ("README.md", "text"),
        ("x.PNG", "image"),
        ("x.svg", "markup"),
        ("x.csv.gz", "archive"),
        ("x.xlsx", "archive"),
        ("model.pkl", "opaque"),
        ("model.joblib", "opaque"),
        ("csv", "opaque"),
        (".csv", "opaque"),
        ("", "opaque"),
    ],
)
def test_kinds_by_name(name, kind):
    assert comparers.kind_of(name) == kind


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_a_comparer(kind):
    assert comparers.comparer(kind).kind == kind
    assert comparers.comparer(kind) is comparers.comparer(kind)


def test_an_unknown_kind_is_a_fault_with_a_hint():
    with pytest.raises(NbreproError, match="no comparer for 'zarr'"):
        comparers.comparer("zarr")


def test_decoders_are_imported_when_they_are_needed():
    code = (
        "import sys; from pytest_nbrepro import comparers; comparers.kind_of('a.csv'); comparers.comparer('opaque')\n"
        "print([m for m in ('polars', 'PIL', 'numpy', 'yaml') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


# --- comparers of other packages


class Lengths:
    kind = "lengths"
    patterns = ("*.len", "*.csv")

    def schema(self, path):
        return {"length": path.stat().st_size}

    def compare(self, baseline, result, rule, schema):
        return Outcome.judged(abs(result.stat().st_size - schema["length"]) / 10)


def test_other_packages_provide_comparers(others, compared):
    others(lengths=Lengths)
    assert comparers.kind_of("a.len") == "lengths"
    assert comparers.kind_of("a.csv") == "table"
    assert comparers.kind_of("a.pkl") == "opaque"
    check = compared("a.len", b"x" * 10, b"y" * 15)
    assert (check.kind, check.status, check.used) == ("lengths", WITHIN, 0.5)


def test_they_may_be_instances_and_have_no_patterns(others):
    class Bare:
        kind = "bare"

    others(bare=Bare())
    assert comparers.comparer("bare").kind == "bare"
    assert comparers.kind_of("a.bare") == "opaque"


def test_one_that_cannot_be_loaded_is_an_error_and_no_crash(others, compared, tmp_path):
    others(bad=ImportError("no zarr"))
    found = artifact(tmp_path, "a.zarr", b"x")
    assert found.kind == "opaque"
    assert "no zarr" in found.schema["undecodable"]
    check = compared("a.zarr", b"x", b"y")
    assert check.status is ERROR
    assert "no zarr" in check.message
    assert compared("a.csv", b"v\n1\n", b"v\n1\n").status is EQUAL


def test_one_that_is_gone_is_an_error(tmp_path):
    old = dataclasses.replace(artifact(tmp_path, "a.zarr", b"x"), kind="zarr")
    new = dataclasses.replace(old, sha256="2")
    check = comparers.compare(old, tmp_path, new, tmp_path, RULE)
    assert (check.status, check.message) == (ERROR, "there is no comparer for 'zarr'")


# --- descriptions


def test_descriptions(tmp_path):
    found = artifact(tmp_path, "a.csv", b"v\n1.5\n", cell=3)
    assert (found.kind, found.cell, found.schema["columns"]) == ("table", 3, [["v", "float"]])
    assert artifact(tmp_path, "cells/x.json", b"[1]").kind == "json"
    assert artifact(tmp_path, "a.csv", b"v\n1.5\n", kind="opaque").schema == {}


def test_a_file_that_cannot_be_decoded_keeps_its_kind(tmp_path):
    found = artifact(tmp_path, "a.npy", b"x")
    assert (found.kind, found.schema) == ("array", {"undecodable": "it does not begin as an npy file"})
    assert "undecodable" in artifact(tmp_path, "gone.csv", None).schema
    assert artifact(tmp_path, "a.json", b'{"a": 1, "a": 2}').schema["undecodable"].startswith("the key 'a'")


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_the_end_of_the_program_is_not_caught(tmp_path, monkeypatch, error):
    def ended(*_):
        raise error

    monkeypatch.setattr(comparers, "comparer", ended)
    with pytest.raises(error):
        artifact(tmp_path, "a.csv", b"")
    (tmp_path / "b").write_bytes(b"")
    pair = Artifact("b", "opaque", "b", files.sha256(tmp_path / "b"), 0), Artifact("b", "opaque", "b", "2", 0)
    with pytest.raises(error):
        comparers.compare(pair[0], tmp_path, pair[1], tmp_path, RULE)


# --- comparisons


def test_equal_bytes_are_equal_without_a_look(tmp_path):
    old = Artifact("a.npy", "array", "gone.npy", "same", 1, {"undecodable": "x"}, stored="hash")
    new = Artifact("a.npy", "array", "gone too.npy", "same", 1, cell=7)
    check = comparers.compare(old, tmp_path, new, tmp_path, RULE)
    assert (check.status, check.used, check.kind, check.name, check.cell) == (EQUAL, 0.0, "array", "a.npy", 7)


def test_a_check_carries_what_the_comparer_says(compared):
    check = compared("out/a b.csv", b"v\n1.0\n", b"v\n1.01\n", ArtifactRule("*", limits=Limits(rel=1e-3)))
    assert (check.kind, check.name, check.status, check.bad, check.n) == ("table", "out/a b.csv", DRIFT, 1, 1)
    assert check.allow == '"out/a b.csv": {columns: {v: {rel: 1.1e-2}}}'
    assert check.worst.where == "row 0, column v"


def test_a_baseline_that_is_only_a_hash(tmp_path):
    old = Artifact("a.csv", "table", "a.csv", "1", 1000, stored="hash")
    new = artifact(tmp_path, "a.csv", b"v\n1\n")
    check = comparers.compare(old, tmp_path, new, tmp_path, RULE)
    assert check.status is DIFFERS
    assert (
        check.message
        == "differs, can't say how much: of the baseline only the hash is kept (1,000 -> 4 bytes)"
    )


def test_files_that_are_missing_are_errors(compared):
    assert compared("a.csv", None, b"v\n1\n").message == "the baseline's file is missing: a.csv"


def test_a_result_that_is_missing_is_an_error(tmp_path):
    old = artifact(tmp_path / "old", "a.csv", b"v\n1\n")
    new = Artifact("a.csv", "table", "a.csv", "2", 4)
    check = comparers.compare(old, tmp_path / "old", new, tmp_path, RULE)
    assert (check.status, check.message) == (ERROR, "the result's file is missing: a.csv")


@pytest.mark.parametrize("name", ["a.csv", "a.png", "a.txt", "a.pkl", "a.npz"])
def test_a_pointer_of_git_lfs_is_an_error_that_says_what_to_do(compared, name):
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:abc\nsize 12\n"
    check = compared(name, pointer, b"x")
    assert (check.status, check.message) == (ERROR, "the baseline is not downloaded: git lfs pull")


def test_a_damaged_baseline_is_an_error(tmp_path):
    """Not a drift, nor, where the result has the same damage, a pass."""
    old = artifact(tmp_path / "old", "a.csv", b"v\n1.5\n")
    for content in (b"v\n2.5\n", b"v\n1"):
        new = artifact(tmp_path / "new", "a.csv", content)
        (tmp_path / "old" / "a.csv").write_bytes(content)
        check = comparers.compare(old, tmp_path / "old", new, tmp_path / "new", RULE)
        assert (check.status, check.message.split(":")[0]) == (ERROR, "the baseline's file is damaged")


def test_large_files_are_not_hashed_again(tmp_path, monkeypatch):
    old = artifact(tmp_path / "old", "a.npy", npy(np.zeros(200_000)))
    new = artifact(tmp_path / "new", "a.npy", npy(np.ones(200_000)))
    monkeypatch.setattr(files, "sha256", lambda _: pytest.fail("hashed"))
    check = comparers.compare(old, tmp_path / "old", new, tmp_path / "new", RULE)
    assert (check.status, check.bad) == (DRIFT, 200_000)


def npy(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def test_another_kind_is_a_drift_of_structure(tmp_path):
    old, new = artifact(tmp_path, "a.csv", b"v\n1\n"), artifact(tmp_path, "a.json", b"[1]")
    check = comparers.compare(old, tmp_path, new, tmp_path, RULE)
    assert (check.status, check.message) == (STRUCTURE, "kind table -> json")


def test_an_unreadable_baseline_is_an_error(compared):
    check = compared("a.npy", b"x", b"y")
    assert (check.status, check.message) == (
        ERROR,
        "the baseline is not readable: it does not begin as an npy file",
    )


def test_an_unreadable_result_is_a_drift_of_structure(compared):
    check = compared("a.json", b"[1]", b"[")
    assert check.status is STRUCTURE


def test_a_rule_that_is_none_is_an_error(compared):
    check = compared("a.csv", b"v\n1.5\n", b"v\n2.5\n", ArtifactRule("*", limits=Limits(rel=-1.0)))
    assert check.status is ERROR
    assert "rel" in check.message


@pytest.mark.parametrize("name", ["model.pkl", "model.joblib", "weights.pt", "data.bin", "noname"])
def test_what_nobody_can_read_differs(compared, name):
    check = compared(name, b"a" * 2000, b"b" * 3000)
    assert check.status is DIFFERS
    assert check.message == "differs, can't say how much (2,000 -> 3,000 bytes)"
    assert compared(name, b"aa", b"bb").message.endswith("(2 bytes on both sides)")
    assert check.used is None


def test_pickles_are_never_loaded(compared):
    bomb = b"cbuiltins\nexec\n(S'raise SystemExit'\ntR."
    assert compared("a.pkl", bomb, bomb + b" ").status is DIFFERS


# --- it is total, and does not pass by accident

GOOD = {
    "csv": b"a,b\n1,x\n2,y\n",
    "json": b'{"a": [1, 2.5]}',
    "txt": b"loss 0.5\n",
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg"><path d="M 0 1"/></svg>',
}
TENSORS = b'{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'


def _made() -> dict[str, bytes]:
    """Return a good file of each kind."""
    made = {name: io.BytesIO() for name in ("parquet", "feather", "npz", "npy", "png", "gif", "h5", "zip")}
    frame = pl.DataFrame({"a": [1.0, 2.0], "b": ["x", None]})
    frame.write_parquet(made["parquet"])
    frame.write_ipc(made["feather"])
    np.savez(made["npz"], w=np.ones(3))
    np.save(made["npy"], np.arange(3))
    Image.fromarray(np.arange(12, dtype=np.uint8).reshape(3, 4)).save(made["png"], "PNG")
    Image.fromarray(np.arange(12, dtype=np.uint8).reshape(3, 4)).save(made["gif"], "GIF")
    with h5py.File(made["h5"], "w") as file:
        file["t"] = [1.0, 2.0]
    with zipfile.ZipFile(made["zip"], "w") as archive:
        archive.writestr("a.csv", GOOD["csv"])
    packed = {
        "gz": gzip.compress(GOOD["csv"]),
        "safetensors": len(TENSORS).to_bytes(8, "little") + TENSORS + b"0000",
    }
    return {**GOOD, **packed, **{name: stream.getvalue() for name, stream in made.items()}}


MADE = _made()
BYTES = st.binary(max_size=60) | st.sampled_from(list(MADE.values()))
EXACT = ArtifactRule("*", limits=Limits(rel=0.0, abs=0.0))
# Damage to these may make the library that reads them end the process: they are cut short, as by a write that did
# not end, and not damaged inside.
FRAGILE = ["parquet", "feather", "h5"]


def total(folder: Path, suffix: str, one: bytes, other: bytes) -> None:
    """Hold two files against each other: there is a check, and it passes for equal content alone."""
    old, new = artifact(folder / "old", f"f.{suffix}", one), artifact(folder / "new", f"f.{suffix}", other)
    check = comparers.compare(old, folder / "old", new, folder / "new", RULE)
    assert check.kind == comparers.kind_of(f"f.{suffix}")
    if one == other:
        assert check.status is EQUAL
    if "undecodable" in old.schema or "undecodable" in new.schema:
        assert check.status.ok is (one == other)
    if check.status.ok:
        assert old.schema == new.schema or suffix in {"csv", "tsv", "tab"}
    exact = comparers.compare(old, folder / "old", new, folder / "new", EXACT)
    if exact.status.ok and one != other:
        assert same_content(suffix, one, other)


def same_content(suffix: str, one: bytes, other: bytes) -> bool:
    mine, theirs = content(suffix, one), content(suffix, other)
    if isinstance(mine, np.ndarray):
        return mine.shape == theirs.shape and np.abs(mine - theirs).max() <= 16  # levels, of pixels
    return mine == theirs


def content(suffix: str, data: bytes):
    """Return what a file says, read by other means than the comparers'; None where that is not simple."""
    kind = comparers.kind_of(f"f.{suffix}")
    if suffix in {"json", "geojson", "ipynb"}:
        return json.dumps(json.loads(data.decode("utf-8-sig")), sort_keys=True)
    if suffix == "npz":
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return {name: content("npy", archive.read(name)) for name in archive.namelist()}
    if suffix == "npy":
        found = np.load(io.BytesIO(data))
        return str(found.dtype), found.shape, found.tolist()
    if kind == "image":
        with Image.open(io.BytesIO(data)) as picture:
            return np.asarray(picture.convert("RGBA")).astype(int)
    if kind in {"text", "markup"} and not set(data) & {*range(32), ord("<"), ord("&"), 127} - {9, 10}:
        return data.decode("utf-8", "surrogateescape").split()
    if suffix in {"gz", "bz2", "xz"}:
        return {"gz": gzip, "bz2": bz2, "xz": lzma}[suffix].decompress(data)
    if suffix in {"parquet", "pq"}:
        return pl.read_parquet(io.BytesIO(data)).to_dict(as_series=False)
    return data if kind == "opaque" else None


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_any_bytes_give_a_check(suffix, tmp_path_factory):
    @given(BYTES, BYTES)
    @settings(max_examples=15)
    @example(b"", b"\0")
    def check(one, other):
        total(tmp_path_factory.mktemp("total"), suffix, one, other)

    check()


@pytest.mark.parametrize("suffix", [suffix for suffix in MADE if suffix not in FRAGILE])
def test_a_damaged_file_gives_a_check(suffix, tmp_path_factory):
    good = MADE[suffix]

    @given(st.integers(0, len(good) - 1), st.binary(max_size=3), st.integers(0, 3))
    @settings(max_examples=40)
    def check(index, inserted, dropped):
        damaged = good[:index] + inserted + good[index + dropped :]
        folder = tmp_path_factory.mktemp("damaged")
        total(folder, suffix, good, damaged)
        total(folder, suffix, damaged, good)

    check()


@pytest.mark.parametrize("suffix", FRAGILE)
def test_a_file_that_is_cut_short_gives_a_check(suffix, tmp_path_factory):
    good = MADE[suffix]

    @given(st.integers(0, len(good) - 1))
    @settings(max_examples=25)
    def check(size):
        folder = tmp_path_factory.mktemp("cut")
        total(folder, suffix, good, good[:size])
        total(folder, suffix, good[:size], good)

    check()


@pytest.mark.parametrize("kind", [kind for kind in sketches.KINDS if kind != "figure"])  # which are npz files
def test_any_bytes_beside_a_sketch_give_a_check(kind, tmp_path_factory):
    """A sketch of one file and any other: only equal content is equal, and broken files and sketches never pass."""
    suffix = {"array": "npz", "table": "csv", "hdf5": "h5"}.get(kind, kind)

    @given(BYTES, st.none() | st.integers(0, 400))
    @settings(max_examples=25)
    @example(MADE[suffix], None)
    def check(other, cut):
        folder = tmp_path_factory.mktemp("sketch")
        old = artifact(folder, f"old.{suffix}", MADE[suffix])
        sketches.write(folder / old.path, kind, old.schema, folder / "sketch")
        if cut is not None:
            (folder / "sketch").write_bytes((folder / "sketch").read_bytes()[:cut])
        kept = dataclasses.replace(old, path="sketch", sha256="of more than the values", stored="sketch")
        new = artifact(folder, f"new.{suffix}", other)
        found = comparers.compare(kept, folder, new, folder, RULE)
        if cut is not None:
            assert found.status is ERROR
        elif other == MADE[suffix]:
            assert found.status is EQUAL
        elif "undecodable" in new.schema or found.status is EQUAL:
            assert not found.status.ok or same_content(suffix, other, MADE[suffix])

    check()
