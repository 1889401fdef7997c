import os
import shutil
import stat
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_nbrepro import leftovers, workspace
from pytest_nbrepro.leftovers import NOTHING, Leftover, Leftovers

FILES = ("a.csv", "b.csv", "deep/c.csv", "deep/d.csv")


def rewrite(path: Path) -> None:
    """Change the contents alone: size and time of modification stay."""
    status = path.stat()
    path.write_text("X" * status.st_size)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def anew(path: Path) -> None:
    text = path.read_text()
    path.unlink()
    path.write_text(text)


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def away(path: Path) -> None:
    path.unlink()
    path.symlink_to("nowhere")


DEEDS = {
    "append": lambda path: path.write_text(path.read_text() + "more"),
    "rewrite": rewrite,
    "anew": anew,
    "chmod": lambda path: path.chmod(0o755),
    "remove": lambda path: path.unlink(),
    "folder": folder,
    "away": away,
    "touch": lambda path: os.utime(path, ns=(7, 7)),
    "link": lambda path: os.link(path, path.with_suffix(".link")),
    "swap": lambda path: os.replace(path, path.with_name("b.csv")),
}


def made(base: Path) -> Path:
    root = base / "project"
    (root / "deep").mkdir(parents=True)
    (root / "side").mkdir()
    (root / "nb").mkdir()
    for name in FILES:
        path = root / "nb" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"this is {name}\n")
    (root / "nb" / "n.ipynb").write_text("{}")
    (root / "side" / "data.csv").write_text("1\n")
    (root / "nb" / "to_a").symlink_to("a.csv")
    return root


def mirrored(root: Path, work: Path, left: Leftover = NOTHING) -> workspace.Workspace:
    return workspace.stage(root, root / "nb" / "n.ipynb", work, left=left)


def seen(work: Path) -> dict[str, object]:
    """All that a notebook can see of its mirror."""
    found: dict[str, object] = {}
    for path in sorted(work.rglob("*")):
        status, name = path.lstat(), str(path.relative_to(work))
        if path.is_symlink():
            found[name] = os.readlink(path)
        elif path.is_dir():
            found[name] = stat.S_IMODE(status.st_mode)
        else:
            found[name] = (
                path.read_bytes(),
                stat.S_IMODE(status.st_mode),
                status.st_mtime_ns,
                status.st_nlink,
            )
    return found


deeds = st.lists(st.tuples(st.sampled_from(sorted(DEEDS)), st.sampled_from(FILES)), max_size=4)


@given(in_mirror=deeds, in_project=deeds, new=st.booleans())
def test_what_is_taken_over_is_what_would_be_made_anew(tmp_path_factory, in_mirror, in_project, new):
    base = tmp_path_factory.mktemp("law")
    root = made(base)
    used = mirrored(root, base / "used")
    for place, done in ((used.folder, in_mirror), (root / "nb", in_project)):
        for name, target in done:
            path = place / target
            if path.is_file() and not path.is_symlink() and not path.with_suffix(".link").exists():
                DEEDS[name](path)
    if new:
        (used.folder / "result.csv").write_text("2\n")
    after = mirrored(root, base / "after", workspace.leftover(used))
    fresh = mirrored(root, base / "fresh")
    assert seen(after.root) == seen(fresh.root)
    assert after.originals == fresh.originals
    assert after.links == fresh.links
    assert after.copies.keys() == fresh.copies.keys()
    assert workspace.written(after) == workspace.broken(after) == ()
    shutil.rmtree(base)


def test_files_are_moved_not_made(tmp_path):
    root = made(tmp_path)
    used = mirrored(root, tmp_path / "used")
    before = {name: (used.folder / name).lstat().st_ino for name in (*FILES, "to_a")}
    after = mirrored(root, tmp_path / "after", workspace.leftover(used))
    assert {name: (after.folder / name).lstat().st_ino for name in before} == before
    third = mirrored(root, tmp_path / "third", workspace.leftover(after))
    assert {name: (third.folder / name).lstat().st_ino for name in before} == before
    assert not any(path.is_file() for path in after.folder.rglob("*"))


def test_a_link_that_was_put_elsewhere_is_made_anew(tmp_path):
    root = made(tmp_path)
    used = mirrored(root, tmp_path / "used")
    link = used.folder / "to_a"
    link.unlink()
    link.symlink_to("b.csv")
    after = mirrored(root, tmp_path / "after", workspace.leftover(used))
    assert os.readlink(after.folder / "to_a") == "a.csv"
    link.unlink()
    assert not workspace.leftover(used).link("nb/to_a", "a.csv", str(tmp_path / "there"))
    assert not workspace.leftover(used).link("nb/to_a", "other", str(tmp_path / "there"))


def test_a_used_mirror_that_somebody_removed(tmp_path):
    root = made(tmp_path)
    used = mirrored(root, tmp_path / "used")
    workspace.remove(used.root)
    after = mirrored(root, tmp_path / "after", workspace.leftover(used))
    assert seen(after.root) == seen(mirrored(root, tmp_path / "fresh").root)


class Kept:
    def __init__(self) -> None:
        self.removed: list[str] = []
        self.all = Leftovers(self.removed.append)


@pytest.fixture
def kept(monkeypatch):
    monkeypatch.setattr(leftovers, "_POSSIBLE", True)
    return Kept()


def left(name: str) -> Leftover:
    return Leftover(name, {}, {})


def test_none_is_kept_where_no_run_is_expected(kept):
    assert not kept.all.expects("folder")
    kept.all.keep("folder", left("a"))
    kept.all.expect({"other"})
    assert not kept.all.expects("folder")
    kept.all.keep("folder", left("b"))
    assert kept.removed == ["a", "b"]
    assert kept.all.take("folder") is NOTHING


def test_one_is_given_away_once_to_its_folder_alone(kept):
    kept.all.expect({"one", "two"})
    assert kept.all.expects("one")
    kept.all.keep("one", left("a"))
    assert kept.all.take("two") is NOTHING
    assert kept.all.take("one") == left("a")
    assert kept.all.take("one") is NOTHING
    assert kept.removed == []


def test_a_few_are_kept_and_the_oldest_removed(kept):
    folders = [str(number) for number in range(7)]
    kept.all.expect(folders)
    for name in folders:
        kept.all.keep(name, left(name))
    assert kept.removed == ["0", "1", "2"]
    assert kept.all.take("3") == left("3")
    kept.all.close()
    assert kept.removed == ["0", "1", "2", "4", "5", "6"]
    assert not kept.all.expects("3")
    kept.all.keep("3", left("3"))
    assert kept.removed[-1] == "3"
    assert kept.all.take("3") is NOTHING


def test_none_is_kept_where_a_process_may_still_write(kept, monkeypatch):
    monkeypatch.setattr(leftovers, "_POSSIBLE", False)
    kept.all.expect({"one"})
    assert not kept.all.expects("one")
    kept.all.keep("one", left("a"))
    assert kept.removed == ["a"]


def test_threads_never_get_the_same_one(kept):
    kept.all.expect({"one"})
    for number in range(4):
        kept.all.keep("one", left(str(number)))
    got: list[Leftover] = []
    threads = [threading.Thread(target=lambda: got.append(kept.all.take("one"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(one.root for one in got) == ["", "", "", "", "0", "1", "2", "3"]
