"""Where pages find their pictures and files."""

from __future__ import annotations

import base64

import pytest

from pytest_nbrepro.reports.shelf import FolderShelf


@pytest.fixture
def source(tmp_path):
    def write(name, content=b"x" * 100):
        path = tmp_path / "source" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        return path

    return write


def test_pictures_are_in_the_page_while_there_is_room(tmp_path, source):
    shelf = FolderShelf(tmp_path / "out", room=150)
    first, second = source("a.png"), source("b.SVG", b"y" * 100)
    assert shelf.picture(first) == f"data:image/png;base64,{base64.b64encode(b'x' * 100).decode()}"
    beside = shelf.picture(second)
    assert beside.startswith("files/")
    assert beside.endswith(".svg")
    assert (tmp_path / "out" / beside).read_bytes() == b"y" * 100
    assert shelf.picture(source("a.txt")) is None


def test_files_lie_beside_under_names_that_mean_nothing(tmp_path, source):
    shelf = FolderShelf(tmp_path / "out")
    address = shelf.file(source("a b;$(x)&<é>.csv"))
    assert address.startswith("files/")
    assert address.endswith("-a_b_x_.csv")
    assert (tmp_path / "out" / address).exists()
    assert shelf.file(source("a b;$(x)&<é>.csv")) == address
    assert len(shelf.names) == 1


def test_large_files_are_not_copied(tmp_path, source):
    path = source("big.bin", b"")
    with path.open("wb") as stream:
        stream.truncate((20 << 20) + 1)
    assert FolderShelf(tmp_path / "out").file(path) is None
    assert not (tmp_path / "out").exists()


def test_files_are_copied_while_there_is_room(tmp_path, source, monkeypatch):
    monkeypatch.setattr("pytest_nbrepro.reports.shelf._COPIES", 150)
    shelf = FolderShelf(tmp_path / "out", room=0)
    picture = shelf.picture(source("a.png", b"p" * 500))
    assert shelf.file(source("b.png", b"p" * 500)) == picture, "a picture that is there already takes no room"
    kept = [shelf.file(source(name, name.encode() * 20)) for name in ("a.csv", "b.csv", "c.csv")]
    assert kept[2] is None
    assert None not in kept[:2]
    assert shelf.file(source("a.csv", b"a.csv" * 20)) == kept[0], "it is there already"
    assert sum(path.stat().st_size for path in (tmp_path / "out/files").iterdir()) == 700


def test_what_is_no_longer_needed_is_swept_and_nothing_else(tmp_path, source):
    old = FolderShelf(tmp_path / "out")
    old.file(source("a.csv"))
    kept = old.file(source("b.csv", b"b"))
    (tmp_path / "precious").write_text("mine")
    new = FolderShelf(tmp_path / "out")
    new.file(source("b.csv", b"b"))
    new.sweep([*old.names, "../precious", "../../precious"])
    assert [p.name for p in (tmp_path / "out/files").iterdir()] == [kept.removeprefix("files/")]
    assert (tmp_path / "precious").exists()
