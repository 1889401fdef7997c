"""The guard: what may be written, what may not, and what counts as read."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from pytest_nbrepro.kernels import guard as module
from pytest_nbrepro.kernels.guard import Guard

READ, WRITE, APPEND, UPDATE = (
    os.O_RDONLY,
    os.O_WRONLY | os.O_CREAT | os.O_TRUNC,
    os.O_APPEND | os.O_CREAT,
    os.O_RDWR,
)


class Tree:
    """A project whose mirror links its data and copies the notebook's folder."""

    def __init__(self, root: Path) -> None:
        self.project = root / "project"
        self.folder = self.project / ".nbrepro" / "runs" / "one"
        self.work = self.folder / "work"
        self.here = self.work / "nb"
        self.here.mkdir(parents=True)
        self.journal = root / "journal"
        (self.project / "data" / "sub").mkdir(parents=True)
        (self.project / "data" / "x.csv").write_text("x")
        (self.project / "nb").mkdir()
        (self.project / "nb" / "copied.txt").write_text("c")
        (self.here / "copied.txt").write_text("c")
        (self.work / "data").symlink_to(self.project / "data")
        (self.here / "linked.csv").symlink_to(self.project / "data" / "x.csv")
        (root / "elsewhere").mkdir()
        (root / "elsewhere" / "o.txt").write_text("o")
        self.guard = Guard(str(self.work), str(self.project), str(self.folder), str(self.journal))

    def entries(self) -> list[dict[str, Any]]:
        return (
            [json.loads(line) for line in self.journal.read_text().splitlines()]
            if self.journal.exists()
            else []
        )


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tree:
    tree = Tree(tmp_path)
    monkeypatch.chdir(tree.here)
    return tree


# event, arguments with paths relative to the notebook's folder, what the message must say
REFUSED = [
    ("open", ("../data/x.csv", "w", WRITE), "write the project's data/x.csv"),
    ("open", ("linked.csv", "r+", UPDATE), "write the project's data/x.csv"),
    ("open", ("../data/new.csv", "x", WRITE), "create the project's data/new.csv"),
    ("open", ("../data/x.csv", "a", APPEND), "write the project's data/x.csv"),
    ("open", (b"../data/x.csv", "w", WRITE), "write the project's data/x.csv"),
    ("open", (Path("../data/x.csv"), "w", WRITE), "write the project's data/x.csv"),
    ("os.rename", ("../data/x.csv", "mine.csv", -1, -1), "rename the project's data/x.csv"),
    ("os.rename", ("copied.txt", "../data/x.csv", -1, -1), "replace the project's data/x.csv"),
    ("os.rename", ("copied.txt", "../data/y.csv", -1, -1), "create the project's data/y.csv"),
    ("os.remove", ("../data/x.csv", -1), "remove the project's data/x.csv"),
    ("os.rmdir", ("../data/sub", -1), "remove the project's data/sub"),
    ("os.mkdir", ("../data/new", 0o777, -1), "create the project's data/new"),
    ("os.symlink", ("anything", "../data/new", -1), "create the project's data/new"),
    ("os.link", ("copied.txt", "../data/new", -1, -1), "create the project's data/new"),
    ("os.link", ("../data/x.csv", "second", -1, -1), "link the project's data/x.csv"),
    ("os.truncate", ("linked.csv", 0), "change the project's data/x.csv"),
    ("os.chmod", ("linked.csv", 0o600, -1), "change the project's data/x.csv"),
    ("os.chown", ("linked.csv", 0, 0, -1), "change the project's data/x.csv"),
    ("os.utime", ("linked.csv", None, None, -1), "change the project's data/x.csv"),
    ("os.setxattr", ("linked.csv", "user.a", b"", 0), "change the project's data/x.csv"),
    ("os.removexattr", ("linked.csv", "user.a"), "change the project's data/x.csv"),
]
ALLOWED = [
    ("open", ("new.txt", "w", WRITE)),
    ("open", ("copied.txt", "w", WRITE)),
    ("open", ("../../notes.txt", "w", WRITE)),  # the run's own folder
    ("open", ("../../../../../../elsewhere/o.txt", "w", WRITE)),
    ("open", ("../data/missing.csv", None, os.O_WRONLY)),  # fails by itself
    ("open", (3, "w", WRITE)),
    ("os.rename", ("linked.csv", "other.csv", -1, -1)),  # the link, not what it points to
    ("os.rename", ("missing", "../data/x.csv", -1, -1)),
    ("os.rename", (3, "x", -1, -1)),
    ("os.remove", ("linked.csv", -1)),
    ("os.remove", ("../data/missing", -1)),
    ("os.mkdir", ("../data/sub", 0o777, -1)),  # there already: `exist_ok` must work
    ("os.mkdir", ("sub", 0o777, -1)),
    ("os.chmod", (3, 0o600, -1)),
    ("os.truncate", (3, 0)),
    ("os.utime", ("../data/missing", None, None, -1)),
    ("import", ("os", None, None, None, None)),
]


@pytest.mark.parametrize(("event", "arguments", "said"), REFUSED)
def test_the_project_is_not_changed(tree: Tree, event: str, arguments: tuple[Any, ...], said: str) -> None:
    with pytest.raises(PermissionError, match="nbrepro: this run would") as caught:
        tree.guard.hook(event, arguments)
    assert said in str(caught.value)
    (entry,) = tree.entries()
    assert said in entry["refused"]


@pytest.mark.parametrize(("event", "arguments"), ALLOWED)
def test_the_rest_is_free(tree: Tree, event: str, arguments: tuple[Any, ...]) -> None:
    tree.guard.hook(event, arguments)
    assert not [entry for entry in tree.entries() if "refused" in entry]


def test_paths_relative_to_an_open_folder(tree: Tree) -> None:
    descriptor = os.open(tree.project / "data", os.O_RDONLY)
    try:
        with pytest.raises(PermissionError, match=r"remove the project's data/x\.csv"):
            tree.guard.hook("os.remove", ("x.csv", descriptor))
        tree.guard.hook("os.remove", (str(tree.here / "copied.txt"), descriptor))
    finally:
        os.close(descriptor)
    tree.guard.hook("os.remove", ("x.csv", 10**6))  # no such folder: nothing can be removed in it


def test_bytecode_of_the_project_is_refused_without_a_word(tree: Tree) -> None:
    (tree.project / "data" / "__pycache__").mkdir()
    with pytest.raises(PermissionError):
        tree.guard.hook("open", ("../data/__pycache__/m.cpython-311.pyc.123", None, WRITE))
    assert tree.entries() == []


def test_folders_of_tools_in_the_project_are_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "project"
    (home / ".cache").mkdir(parents=True)
    (home / "mpl").mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("MPLCONFIGDIR", str(home / "mpl"))
    monkeypatch.setattr(sys, "prefix", str(home / ".venv"))
    guard = Guard(str(home / "run" / "work"), str(home), str(home / "run"), str(tmp_path / "journal"))
    for name in (".cache/a", "mpl/fonts.json", ".venv/lib/new.pyc"):
        guard.hook("open", (str(home / name), "w", WRITE))
        guard.hook("open", (str(home / name), "r", READ))
    assert not (tmp_path / "journal").exists()
    with pytest.raises(PermissionError):
        guard.hook("open", (str(home / "a"), "w", WRITE))


def test_reads_are_told_once_by_the_place_they_are_known_by(tree: Tree) -> None:
    (tree.here / "__pycache__").mkdir()
    for path in ("copied.txt", "copied.txt", "../data/x.csv", "linked.csv", "/etc/hostname"):
        tree.guard.hook("open", (path, "r", READ))
    tree.guard.hook("open", (str(tree.project / "data" / "x.csv"), "r", READ))
    tree.guard.hook("open", ("__pycache__/helper.cpython-311.pyc", "rb", READ))
    tree.guard.hook("sqlite3.connect", ("base.db",))
    tree.guard.hook("sqlite3.connect", (None,))
    assert [entry["read"] for entry in tree.entries()] == [
        str(path)
        for path in (
            tree.here / "copied.txt",
            tree.work / "data" / "x.csv",
            tree.here / "linked.csv",
            tree.project / "data" / "x.csv",
            tree.here / "helper.py",
            tree.here / "base.db",
        )
    ]


def test_what_the_notebook_made_itself_is_no_input(tree: Tree) -> None:
    tree.guard.hook("open", ("made.txt", "w", WRITE))
    tree.guard.hook("os.rename", ("copied.txt", "moved.txt", -1, -1))
    for name in ("made.txt", "moved.txt"):
        tree.guard.hook("open", (name, "r", READ))
    assert tree.entries() == []


def test_its_own_journal_is_no_event(tree: Tree) -> None:
    tree.guard.hook("open", (str(tree.journal), None, WRITE))
    assert tree.entries() == []


def test_a_link_in_the_way_to_the_project(tmp_path: Path) -> None:
    tree = Tree(tmp_path)
    (tmp_path / "way").symlink_to(tree.project)
    way = tmp_path / "way"
    guard = Guard(
        str(way / ".nbrepro/runs/one/work"), str(way), str(way / ".nbrepro/runs/one"), str(tree.journal)
    )
    with pytest.raises(PermissionError):
        guard.hook("open", (str(way / "data" / "x.csv"), "w", WRITE))
    guard.hook("open", (str(way / "data" / "x.csv"), "r", READ))
    guard.hook("open", (str(way / ".nbrepro/runs/one/work/nb/new"), "w", WRITE))
    assert [next(iter(entry)) for entry in tree.entries()] == ["refused", "read"]


SCRIPT = """
import json, os, shutil, sys, tempfile
from importlib.util import module_from_spec, spec_from_file_location
spec = spec_from_file_location("guard", sys.argv[1])
module = module_from_spec(spec); spec.loader.exec_module(module)
work, project, folder, journal = sys.argv[2:]
sys.addaudithook(module.Guard(work, project, folder, journal).hook)
real = os.path.join(project, "data")
attempts = {
    "open": lambda: open("../data/x.csv", "w"),
    "os.open": lambda: os.open("../data/x.csv", os.O_RDWR),
    "path": lambda: __import__("pathlib").Path("../data/x.csv").write_text("no"),
    "append": lambda: open("linked.csv", "a"),
    "rename": lambda: os.rename("../data/x.csv", "mine"),
    "replace": lambda: os.replace("copied.txt", "../data/x.csv"),
    "remove": lambda: os.remove("../data/x.csv"),
    "rmdir": lambda: os.rmdir("../data/sub"),
    "rmtree": lambda: shutil.rmtree(real),
    "mkdir": lambda: os.mkdir("../data/new"),
    "makedirs": lambda: os.makedirs("../data/a/b"),
    "symlink": lambda: os.symlink("x", "../data/new"),
    "link": lambda: os.link("../data/x.csv", "second"),
    "truncate": lambda: os.truncate("linked.csv", 0),
    "chmod": lambda: os.chmod("linked.csv", 0o600),
    "chown": lambda: os.chown("linked.csv", os.getuid(), -1),
    "utime": lambda: os.utime("linked.csv"),
    "setxattr": lambda: os.setxattr("linked.csv", "user.a", b"1"),
    "copy": lambda: shutil.copy("copied.txt", "../data/x.csv"),
    "move": lambda: shutil.move("copied.txt", "../data/y.csv"),
    "temporary": lambda: tempfile.mkstemp(dir="../data"),
}
free = {
    "there": lambda: os.makedirs("../data/sub", exist_ok=True),
    "own": lambda: open("new.txt", "w").close(),
    "own folder": lambda: (os.makedirs("a/b"), shutil.rmtree("a")),
    "unlink a link": lambda: os.unlink("linked.csv"),
    "elsewhere": lambda: tempfile.TemporaryFile().close(),
    "copy in": lambda: shutil.copy2("../data/x.csv", "copy.csv"),
    "replace a file": lambda: os.replace("new.txt", "copied.txt"),
    "temporary": lambda: tempfile.TemporaryDirectory(dir=".").cleanup(),
}
told = {}
for name, act in [*attempts.items(), *(("free " + name, act) for name, act in free.items())]:
    try:
        act()
    except PermissionError as error:
        told[name] = "nbrepro" in str(error)
    else:
        told[name] = False
print(json.dumps(told))
"""


def test_pythons_own_calls_under_the_hook(tree: Tree) -> None:
    before = {str(p): p.is_file() and p.read_bytes() for p in sorted((tree.project / "data").rglob("*"))}
    arguments = [module.__file__, tree.work, tree.project, tree.folder, tree.journal]
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(SCRIPT), *map(str, arguments)],
        cwd=tree.here,
        capture_output=True,
        text=True,
        check=True,
    )
    told = json.loads(done.stdout)
    assert {name for name, refused in told.items() if not refused} == {
        n for n in told if n.startswith("free ")
    }
    after = {str(p): p.is_file() and p.read_bytes() for p in sorted((tree.project / "data").rglob("*"))}
    assert after == before
