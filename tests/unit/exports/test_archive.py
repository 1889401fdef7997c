"""Runs as a zip file that another machine takes in."""

from __future__ import annotations

import io
import json
import zipfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_nbrepro import attributes, files
from pytest_nbrepro.errors import StoreError
from pytest_nbrepro.exports import archive
from pytest_nbrepro.store import Store


@pytest.fixture
def other(tmp_path):
    return Store(tmp_path / "elsewhere")


@pytest.fixture
def packed(bench, tmp_path):
    """Pack runs into a file."""

    def pack(*runs):
        path = tmp_path / "runs.zip"
        with path.open("wb") as target:
            archive.pack(bench.store, runs, target)
        return path

    return pack


@pytest.fixture
def changed(tmp_path):
    """Write an archive anew, with members or manifest entries that are others."""

    def change(path, members=(), manifest=None):
        out = tmp_path / "changed.zip"
        with zipfile.ZipFile(path) as old, zipfile.ZipFile(out, "w") as new:
            told = json.loads(old.read(archive.MANIFEST))
            content = {name: old.read(name) for name in old.namelist()} | dict(members)
            told["files"] |= manifest or {}
            content[archive.MANIFEST] = json.dumps(told).encode()
            for name, data in content.items():
                if data is not None:
                    new.writestr(name, data)
        return out

    return change


def tree(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def test_a_run_arrives_as_it_was(packed, rich, other):
    run = rich()
    attributes.write(run.folder, attributes.Attributes("best", ("paper",), "for figure 3"))
    arrived = archive.take(packed(run), other)
    assert (arrived.taken, arrived.known) == ([run.id], [])
    assert tree(other.runs / run.id) == tree(run.folder)
    taken = other.read(run.id)
    assert (taken.metrics, taken.artifacts, taken.flags) == (run.metrics, run.artifacts, run.flags)
    assert attributes.read(taken.folder).label == "best"
    assert [path.name for path in other.folder.iterdir() if path.name != ".gitignore"] == ["runs"]


def test_what_is_there_stays(packed, rich, other):
    run = rich()
    path = packed(run)
    archive.take(path, other)
    attributes.write(other.runs / run.id, attributes.Attributes("mine"))
    arrived = archive.take(path, other)
    assert (arrived.taken, arrived.known) == ([], [run.id])
    assert attributes.read(other.runs / run.id).label == "mine"


def test_another_run_of_that_id(packed, rich, other):
    run = rich()
    path = packed(run)
    (other.runs / run.id).mkdir(parents=True)
    (other.runs / run.id / "run.json").write_text("{}")
    with pytest.raises(StoreError, match="another run of that id"):
        archive.take(path, other)


def test_the_search_comes_along(bench, packed, rich, other):
    batch = "20250101T000000.000000-abcdef"
    run = rich()
    attributes.write(run.folder, attributes.Attributes(batch=batch, trial=1))
    files.write_json(bench.store.folder / f"batches/{batch}.json", {"schema": 1})
    archive.take(packed(run), other)
    assert json.loads((other.folder / f"batches/{batch}.json").read_text()) == {"schema": 1}


def test_the_same_runs_make_the_same_archive(bench, rich):
    run = rich()
    one, two = io.BytesIO(), io.BytesIO()
    archive.pack(bench.store, [run], one)
    archive.pack(bench.store, [run], two)
    assert one.getvalue() == two.getvalue()


def test_links_and_mirrors_stay_behind(packed, rich, other, tmp_path):
    run = rich()
    (tmp_path / "secret").write_text("secret")
    (run.folder / "files/link.txt").symlink_to(tmp_path / "secret")
    (run.folder / "work").mkdir()
    (run.folder / "work/data.csv").write_text("1")
    archive.take(packed(run), other)
    assert not {"files/link.txt", "work/data.csv"} & set(tree(other.runs / run.id))


def test_a_run_that_still_runs(bench, running):
    with pytest.raises(StoreError, match="still runs"):
        archive.pack(bench.store, [running()], io.BytesIO())


@pytest.mark.parametrize(
    "name",
    [
        "../x", "runs/../../x", "/etc/x", "runs/{id}/../../../x", "runs/{id}/a//b", "runs/{id}/a\\..\\b",
        "runs/x/run.json", "runs/{id}", "batches/../x.json", "elsewhere.txt", "runs/{id}/./a",
    ],
)  # fmt: skip
def test_nothing_leads_out_of_the_store(packed, changed, rich, other, name, tmp_path):
    run = rich()
    name = name.format(id=run.id)
    before = {path for path in tmp_path.rglob("*") if other.folder not in path.parents}
    path = changed(packed(run), {name: b"x"}, {name: {"sha256": files.sha256_text("x"), "bytes": 1}})
    with pytest.raises(StoreError, match="belongs to no run"):
        archive.take(path, other)
    after = {path for path in tmp_path.rglob("*") if other.folder not in path.parents}
    assert {one.name for one in after - before} <= {"runs.zip", "changed.zip", other.folder.name}
    assert not other.runs.exists() or not list(other.runs.iterdir())


def test_members_that_the_manifest_does_not_name_are_left_out(packed, changed, rich, other):
    run = rich()
    archive.take(changed(packed(run), {f"runs/{run.id}/more.txt": b"x"}), other)
    assert "more.txt" not in tree(other.runs / run.id)


@pytest.mark.parametrize("data", [b"loss", b"", b"a longer text than was packed", None])
def test_a_damaged_file(packed, changed, rich, other, data):
    run = rich()
    path = changed(packed(run), {f"runs/{run.id}/files/rows.csv": data})
    with pytest.raises(StoreError, match=r"damaged|missing"):
        archive.take(path, other)
    assert not list(other.runs.iterdir()), "a run arrives whole, or not at all"


def test_a_record_of_another_run(packed, changed, rich, other):
    one, two = rich(), rich()
    record = (two.folder / "run.json").read_bytes()
    told = {"sha256": files.sha256(two.folder / "run.json"), "bytes": len(record)}
    name = f"runs/{one.id}/run.json"
    with pytest.raises(StoreError, match="another run's"):
        archive.take(changed(packed(one), {name: record}, {name: told}), other)


@pytest.mark.parametrize("notebook", ["../../x.ipynb", "/etc/x.ipynb", "a\\..\\x.ipynb"])
def test_a_notebook_outside_of_a_project(bench, packed, other, notebook):
    with pytest.raises(StoreError, match="outside of a project"):
        archive.take(packed(bench.run(notebook)), other)


def test_no_archive(tmp_path, other):
    path = tmp_path / "a.zip"
    path.write_bytes(b"PK no zip")
    with pytest.raises(StoreError, match="no archive of runs"):
        archive.take(path, other)
    with zipfile.ZipFile(path, "w") as empty:
        empty.writestr("readme", "hello")
    with pytest.raises(StoreError, match="cannot be read"):
        archive.take(path, other)


def test_half_an_archive(packed, rich, other):
    path = packed(rich())
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(StoreError, match="not all of it"):
        archive.take(path, other)


def test_a_newer_form(packed, changed, rich, other, tmp_path):
    path = packed(rich())
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(tmp_path / "new.zip", "w") as new:
        told = json.loads(old.read(archive.MANIFEST))
        new.writestr(archive.MANIFEST, json.dumps({**told, "schema": 2}))
    with pytest.raises(StoreError, match="update pytest-nbrepro"):
        archive.take(tmp_path / "new.zip", other)


@pytest.fixture
def whole(packed, rich):
    """A run, and the bytes of its archive."""
    run = rich()
    return run, packed(run).read_bytes()


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    places=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(1, 255)), min_size=1, max_size=4)
)
def test_any_damage_is_told_and_nothing_of_a_damaged_run_stays(whole, tmp_path_factory, places):
    run, content = whole
    damaged = bytearray(content)
    for share, change in places:
        damaged[int(share * len(damaged))] ^= change
    folder = tmp_path_factory.mktemp("damaged")
    (folder / "runs.zip").write_bytes(damaged)
    other = Store(folder / "store")
    try:
        archive.take(folder / "runs.zip", other)
    except StoreError:
        assert not other.runs.exists() or not list(other.runs.iterdir())
    else:
        assert tree(other.runs / run.id) == tree(run.folder), "the damage is where it does not matter"
