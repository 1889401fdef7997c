import contextlib
import errno
import os
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_nbrepro import copying, mirror, originals, tracked, workspace
from pytest_nbrepro.errors import WorkspaceError
from pytest_nbrepro.workspace import broken, leftover, remove, stage, written


class Tree:
    """A project to stage: analysis/train.ipynb below a root, and whatever a test adds.

    With `again` each mirror takes over what it can of another one.
    """

    def __init__(self, base: Path, *, again: bool = False) -> None:
        self.root = base / "project"
        self.base = base
        self.again = again
        self.add("analysis/train.ipynb", "{}")
        self.runs = 0

    def add(self, name, content="content\n"):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        os.utime(path, ns=(10**18, 10**18 + 7))  # long ago: every write shows
        return path

    def link(self, name, target):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(target)
        return path

    def git(self, *arguments):
        subprocess.run(["git", *arguments], cwd=self.root, check=True, capture_output=True)

    def repository(self):
        self.git("init", "-q")
        self.git("config", "user.name", "Somebody")
        self.git("config", "user.email", "somebody@example.org")
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "start")

    def stage(self, notebook="analysis/train.ipynb", **how):
        self.runs += 1
        path, work = self.root / notebook, self.base / f"run{self.runs}" / "work"
        if not self.again:
            return stage(self.root, path, work, **how)
        left = leftover(stage(self.root, path, self.base / f"run{self.runs}" / "before", **how))
        mirrored = stage(self.root, path, work, **how, left=left)
        remove(Path(left.root))
        return mirrored

    def state(self):
        """All that must stay as it is: names, kinds, contents, times, modes."""
        return {
            str(path.relative_to(self.root)): (
                os.readlink(path) if path.is_symlink() else path.read_bytes() if path.is_file() else None,
                path.lstat().st_mtime_ns,
                path.lstat().st_mode,
            )
            for path in self.root.rglob("*")
        }


@pytest.fixture(params=[False, True], ids=["anew", "taken over"])
def tree(tmp_path, monkeypatch, request):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))  # tests may run inside a repository
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    return Tree(tmp_path, again=request.param)


def names(space):
    return [file.name for file in written(space)]


def is_copy(space, name):
    path = space.root / name
    return path.is_file() and not path.is_symlink()


# ---------------------------------------------------------------------------------------------------
# Staging


def test_own_folder_is_copied_and_siblings_are_linked(tree):
    tree.add("analysis/helper.py", "x = 1\n")
    tree.add("analysis/sub/deep/more.txt")
    tree.add("data/a/b.csv", "1,2\n")
    tree.add("setup.cfg")
    before = tree.state()
    space = tree.stage()
    assert (space.project, space.root) == (tree.root, tree.base / "run1" / "work")
    assert space.folder == space.root / "analysis"
    for name in ("analysis/helper.py", "analysis/sub/deep/more.txt", "analysis/train.ipynb"):
        assert is_copy(space, name)
        assert (space.root / name).read_bytes() == (tree.root / name).read_bytes()
    for name in ("data/a/b.csv", "setup.cfg"):
        assert (space.root / name).readlink() == tree.root / name
    for name in ("data", "data/a"):
        assert not (space.root / name).is_symlink()
    assert (space.folder / "../data/a/b.csv").read_text() == "1,2\n"
    assert written(space) == ()
    assert broken(space) == ()
    remove(space.root)
    assert not space.root.exists()
    assert tree.state() == before


def test_copies_keep_times_and_modes_and_can_be_written(tree):
    script = tree.add("analysis/run.sh", "#!/bin/sh\n")
    script.chmod(0o755)
    locked = tree.add("analysis/locked.csv")
    locked.chmod(0o444)
    old = os.umask(0o077)
    try:
        space = tree.stage()
    finally:
        os.umask(old)
    for name, mode in (("run.sh", 0o755), ("locked.csv", 0o644)):
        status = (space.folder / name).stat()
        assert stat.S_IMODE(status.st_mode) == mode
        assert status.st_mtime_ns == 10**18 + 7
    assert written(space) == ()


def test_notebook_at_the_root(tree):
    tree.add("top.ipynb", "{}")
    tree.add("data/x.csv")
    space = tree.stage("top.ipynb")
    assert space.folder == space.root
    assert is_copy(space, "top.ipynb")
    assert is_copy(space, "data/x.csv")
    (space.root / "data" / "new.csv").write_text("new")
    (space.root / "out.csv").write_text("new")
    assert names(space) == ["data/new.csv", "out.csv"]


def test_deep_notebook_links_siblings_on_every_level(tree):
    tree.add("a/b/c/deep.ipynb", "{}")
    tree.add("a/one.txt")
    tree.add("a/b/two.txt")
    space = tree.stage("a/b/c/deep.ipynb")
    assert (space.folder / "../../one.txt").read_text() == "content\n"
    assert (space.folder / "../two.txt").read_text() == "content\n"
    assert is_copy(space, "a/b/c/deep.ipynb")
    assert (space.root / "analysis/train.ipynb").is_symlink()
    for place in ("deep.txt", "../b.txt", "../../../root.txt"):
        (space.folder / place).write_text("new")
    assert names(space) == ["../../../root.txt", "../b.txt", "deep.txt"]


CHATTER = [
    *(
        ".nbrepro/runs/1/run.json",
        "__pycache__/m.pyc",
        "node_modules/p/index.js",
        ".ipynb_checkpoints/t.ipynb",
    ),
    *("env/pyvenv.cfg", "env/lib/x.py", ".tox/py311/x"),
]


@pytest.mark.parametrize("where", ["", "analysis/", "lib/", "analysis/sub/", "lib/sub/"])
def test_what_tools_leave_behind_is_not_mirrored(tree, where):
    for name in CHATTER:
        tree.add(where + name)
    tree.add(where + "wanted.txt")
    space = tree.stage()
    assert (space.root / where / "wanted.txt").exists()
    assert {path.name for path in (space.root / where).iterdir()} <= {"wanted.txt", "analysis", "train.ipynb"}


def test_skipped_folders_and_the_mirror_itself_are_not_mirrored(tree):
    tree.add("baselines/x/metrics.json")
    tree.add("analysis/store/y")
    tree.add("lib/keep.txt")
    work = tree.root / "lib" / "run" / "work"
    skip = [tree.root / "baselines", tree.root / "analysis" / "store"]
    space = stage(tree.root, tree.root / "analysis/train.ipynb", work, skip=skip)
    assert not (space.root / "baselines").exists()
    assert not (space.root / "analysis/store").exists()
    assert list((space.root / "lib/run").iterdir()) == []
    assert (space.root / "lib/keep.txt").exists()


def test_git_is_one_link_at_the_root_and_beside(tree):
    tree.add("top.ipynb", "{}")
    tree.repository()
    for notebook in ("top.ipynb", "analysis/train.ipynb"):
        space = tree.stage(notebook)
        assert (space.root / ".git").readlink() == tree.root / ".git"
        tree.git("commit", "-q", "--allow-empty", "-m", "meanwhile")
        assert broken(space) == ()
        assert written(space) == ()


def test_ignored_data_are_linked_and_the_rest_is_copied(tree):
    tree.add(".gitignore", "data/\n*.bin\n")
    tree.add("analysis/tracked.txt")
    tree.add("analysis/deleted.txt")
    tree.repository()
    (tree.root / "analysis/deleted.txt").unlink()
    tree.add("analysis/untracked.txt")
    tree.add("analysis/data/x/input.csv", "1\n")
    tree.add("analysis/model.bin")
    tree.add("analysis/mixed/untracked.txt")
    tree.add("analysis/mixed/model.bin")
    (tree.root / "analysis/empty").mkdir()
    space = tree.stage()
    for name in ("tracked.txt", "untracked.txt", "train.ipynb", "mixed/untracked.txt"):
        assert is_copy(space, f"analysis/{name}")
    for name in ("data/x/input.csv", "model.bin", "mixed/model.bin"):
        assert (space.folder / name).readlink() == tree.root / "analysis" / name
    assert (space.folder / "empty").is_dir()
    assert not (space.folder / "deleted.txt").exists()
    (space.folder / "data/x/output.csv").write_text("new")
    assert names(space) == ["data/x/output.csv"]
    assert broken(space) == ()


def test_ignored_data_of_a_notebook_at_the_root_are_linked(tree):
    tree.add(".gitignore", "data/\n")
    tree.add("top.ipynb", "{}")
    tree.add("data/input.csv")
    tree.repository()
    space = tree.stage("top.ipynb")
    assert (space.root / "data/input.csv").is_symlink()
    assert is_copy(space, "analysis/train.ipynb")


def test_repository_within_is_linked(tree):
    tree.repository()
    inner = tree.add("analysis/vendor/code.py")
    subprocess.run(["git", "init", "-q"], cwd=inner.parent, check=True)
    space = tree.stage()
    assert (space.folder / "vendor/code.py").is_symlink()
    assert (space.folder / "vendor/.git").is_symlink()


def test_folder_that_git_ignores_is_copied_whole(tree):
    tree.add(".gitignore", "analysis/\n")
    tree.add("analysis/helper.py")
    tree.repository()
    assert is_copy(tree.stage(), "analysis/helper.py")


def test_ignored_notebook_is_copied(tree):
    tree.add(".gitignore", "train.ipynb\n")
    tree.add("analysis/helper.py")
    tree.repository()
    assert is_copy(tree.stage(), "analysis/train.ipynb")


def test_the_variables_of_a_git_hook_do_not_mislead(tree, monkeypatch):
    tree.add(".gitignore", "*.bin\n")
    tree.add("analysis/model.bin")
    tree.repository()
    monkeypatch.setenv("GIT_DIR", ".git")
    monkeypatch.setenv("GIT_INDEX_FILE", ".git/index")
    assert (tree.stage().folder / "model.bin").is_symlink()


@pytest.mark.parametrize("fault", [FileNotFoundError("git"), subprocess.TimeoutExpired("git", 1)])
def test_without_git_all_is_copied(tree, monkeypatch, fault):
    tree.add(".gitignore", "*.bin\n")
    tree.add("analysis/model.bin")
    tree.repository()

    def fail(*args, **kwargs):
        raise fault

    monkeypatch.setattr(tracked.subprocess, "run", fail)
    assert is_copy(tree.stage(), "analysis/model.bin")


STRANGE = [
    "with space.txt",
    "ünïcode-数据.txt",
    "n" * 200,
    "new\nline.txt",
    "[glob]*?.txt",
    "-dash",
    "\udcff.bin",
]


@pytest.mark.parametrize("versioned", [False, True])
def test_strange_names(tree, versioned):
    folder = "my [analysis] ü\n" + "x" * 180
    tree.add(f"{folder}/nb.ipynb", "{}")
    for name in STRANGE:
        for place in (folder, f"{folder}/{name}.d", "data"):
            (tree.root / place).mkdir(exist_ok=True)
            (tree.root / place / name).write_text(ascii(name))
    if versioned:
        tree.repository()
    space = tree.stage(f"{folder}/nb.ipynb", inputs=["../data/*space*", "with*"])
    for name in STRANGE:
        assert is_copy(space, f"{folder}/{name}")
        assert is_copy(space, f"{folder}/{name}.d/{name}")
        assert (space.folder / "../data" / name).read_text() == ascii(name)
        (space.folder / name).write_text("changed")
    assert names(space) == sorted(STRANGE)
    assert broken(space) == ()


def test_project_reached_through_a_link(tree):
    for name in ("data/x.csv", "baselines/x", "store/x", "lib/x.py"):
        tree.add(name)
    alias = tree.base / "alias"
    alias.symlink_to(tree.root)
    tree.link("analysis/lib", tree.root / "lib")
    skip = [tree.root / "baselines", alias / "store"]
    space = stage(alias, alias / "analysis/train.ipynb", alias / "data/work", skip=skip)
    assert sorted(path.name for path in space.root.iterdir()) == ["analysis", "data", "lib"]
    assert [path.name for path in (space.root / "data").iterdir()] == ["x.csv"]
    assert is_copy(space, "analysis/train.ipynb")
    assert os.readlink(space.folder / "lib") == "../lib"
    (space.folder / "new.txt").write_text("new")
    (space.folder / "latest").symlink_to("new.txt")
    assert names(space) == ["latest", "new.txt"]
    assert broken(space) == ()


def test_relative_paths_are_taken_from_the_current_folder(tree, monkeypatch):
    tree.add("data/x.csv")
    monkeypatch.chdir(tree.root)
    space = stage(Path(), Path("analysis/train.ipynb"), Path(".nbrepro/work"))
    assert space.root == tree.root / ".nbrepro/work"
    assert (space.root / "data/x.csv").read_text() == "content\n"
    assert not (space.root / ".nbrepro").exists()


# ---------------------------------------------------------------------------------------------------
# Large files and folders


def test_large_file_is_linked(tree, monkeypatch):
    monkeypatch.setattr(copying, "LARGE", 10)
    monkeypatch.setattr(copying, "_clone", lambda reading, writing: False)
    big = tree.add("analysis/big.npy", b"x" * 11)
    tree.add("analysis/small.npy", b"x" * 10)
    space = tree.stage()
    assert (space.folder / "big.npy").readlink() == big
    assert is_copy(space, "analysis/small.npy")
    (space.folder / "big.npy").write_bytes(b"y" * 11)
    assert broken(space) == ("analysis/big.npy",)
    assert written(space) == ()


def test_large_file_is_cloned_where_the_file_system_can(tree, monkeypatch):
    fcntl = pytest.importorskip("fcntl")
    monkeypatch.setattr(copying, "LARGE", 10)

    def clone(writing, request, reading):
        assert request == 0x40049409
        os.write(writing, os.read(reading, 100))

    monkeypatch.setattr(fcntl, "ioctl", clone)
    tree.add("analysis/big.npy", b"x" * 11)
    space = tree.stage()
    assert is_copy(space, "analysis/big.npy")
    assert (space.folder / "big.npy").read_bytes() == b"x" * 11
    assert written(space) == ()


def test_clone_is_tried_for_real(tmp_path, monkeypatch):
    monkeypatch.setattr(copying, "LARGE", 10)
    (tmp_path / "big").write_bytes(b"x" * 11)
    done = copying.copy(str(tmp_path / "big"), str(tmp_path / "copy"))
    assert (done is None) == (not (tmp_path / "copy").exists())
    if done:
        assert (tmp_path / "copy").read_bytes() == b"x" * 11


@pytest.mark.parametrize("how", ["missing", "refused", "stops"])
def test_copying_without_the_help_of_the_system(tree, monkeypatch, how):
    content = os.urandom(3_000_000)
    tree.add("analysis/some.bin", content)

    def refuse(*args):
        raise OSError(errno.EXDEV, "other device")

    if how == "missing":
        monkeypatch.delattr(os, "copy_file_range", raising=False)
    elif how == "refused":
        monkeypatch.setattr(os, "copy_file_range", refuse, raising=False)
    else:
        monkeypatch.setattr(os, "copy_file_range", lambda *args: 0, raising=False)
    space = tree.stage()
    assert (space.folder / "some.bin").read_bytes() == content
    assert written(space) == ()


def test_large_folder_is_one_link(tree, monkeypatch):
    monkeypatch.setattr(mirror, "ENTRIES", 5)
    for number in range(5):
        tree.add(f"small/{number}.csv")
        tree.add(f"large/sub/{number}.csv")
    space = tree.stage()
    assert not (space.root / "small").is_symlink()
    assert (space.root / "large").readlink() == tree.root / "large"
    assert broken(space) == ()
    (space.root / "large/sub/3.csv").write_text("changed")
    (space.root / "large/new.csv").write_text("new")
    (space.root / "large/sub/newer").mkdir()
    (space.root / "large/sub/4.csv").unlink()
    (space.root / "large/__pycache__").mkdir()
    assert broken(space) == ("large/new.csv", "large/sub/3.csv", "large/sub/4.csv", "large/sub/newer")
    assert written(space) == ()


def test_links_are_limited_in_all(tree, monkeypatch):
    monkeypatch.setattr(mirror, "TOTAL", 5)
    for name in ("one", "three", "two"):
        for number in range(3):
            tree.add(f"{name}/{number}.csv")
    space = tree.stage()
    assert [(space.root / name).is_symlink() for name in ("one", "three", "two")] == [False, True, True]
    remove(space.root)
    assert (tree.root / "two/2.csv").exists()


def test_watching_is_limited(tree, monkeypatch):
    monkeypatch.setattr(mirror, "ENTRIES", 3)
    monkeypatch.setattr(originals, "WATCHED", 3)
    for number in range(5):
        tree.add(f"large/{number}.csv")
    (tree.root / "large/sub").mkdir()
    space = tree.stage()
    tree.add("large/new.csv")
    assert broken(space) == ()  # not everything was seen: what is new cannot be told
    for path in (tree.root / "large").glob("?.csv"):
        path.write_text("changed")
    assert 2 <= len(broken(space)) <= 3


def test_removed_large_folder_is_broken(tree, monkeypatch):
    monkeypatch.setattr(mirror, "ENTRIES", 0)
    tree.add("large/sub/x.csv")
    space = tree.stage()
    (tree.root / "large/sub/x.csv").unlink()
    (tree.root / "large/sub").rmdir()
    assert broken(space) == ("large/sub", "large/sub/x.csv")


def test_skipped_folder_in_a_large_one_is_not_watched(tree, monkeypatch):
    monkeypatch.setattr(mirror, "ENTRIES", 0)
    tree.add("lib/x.csv")
    tree.add("lib/store/y")
    tree.add("lib/later/z")
    space = tree.stage(skip=[tree.root / "lib/store", tree.root / "lib/second"])
    tree.add("lib/store/new")
    tree.add("lib/second/new")
    assert broken(space) == ()
    tree.add("lib/third/new")
    assert broken(space) == ("lib/third",)


# ---------------------------------------------------------------------------------------------------
# Symbolic links


def test_links_that_stay_inside_are_kept(tree):
    tree.add("analysis/real.txt")
    tree.add("data/2024/x.csv")
    tree.link("analysis/relative", "real.txt")
    tree.link("analysis/up", "../data/2024")
    tree.link("analysis/absolute", tree.root / "analysis/real.txt")
    tree.link("analysis/top", tree.root)
    tree.link("data/latest", "2024")
    space = tree.stage()
    assert os.readlink(space.folder / "relative") == "real.txt"
    assert os.readlink(space.folder / "absolute") == "real.txt"
    assert os.readlink(space.folder / "top") == ".."
    assert os.readlink(space.folder / "up") == "../data/2024"
    assert os.readlink(space.root / "data/latest") == "2024"
    (space.folder / "absolute").write_text("changed")
    (space.folder / "up/new.csv").write_text("new")
    (space.root / "data/latest/newer.csv").write_text("new")
    assert names(space) == ["../data/2024/new.csv", "../data/2024/newer.csv", "real.txt"]
    assert broken(space) == ()


def test_links_that_leave_the_project_lead_to_inputs(tree):
    outside = tree.base / "outside"
    (outside / "sub").mkdir(parents=True)
    (outside / "x.csv").write_text("1")
    (outside / "sub/y.csv").write_text("2")
    (outside / "circle").symlink_to(outside)
    for place in ("analysis", "."):
        tree.link(f"{place}/file", outside / "x.csv")
        tree.link(f"{place}/folder", "../" * (1 if place == "." else 2) + "outside")
    space = tree.stage()
    for folder in (space.folder, space.root):
        assert (folder / "file").read_text() == "1"
        assert (folder / "folder/sub/y.csv").read_text() == "2"
        assert not (folder / "folder").is_symlink()
        assert (folder / "folder/circle").readlink() == outside
    (space.folder / "folder/new.csv").write_text("new")
    assert names(space) == ["folder/new.csv"]
    assert not (outside / "new.csv").exists()
    assert broken(space) == ()
    (outside / "sub/y.csv").write_text("22")
    assert "analysis/folder/sub/y.csv" in broken(space)


def test_loops_and_dangling_links(tree):
    tree.link("analysis/loop", "loop")
    tree.link("analysis/ping", "pong")
    tree.link("analysis/pong", "ping")
    tree.link("analysis/nowhere", "/nowhere/at/all")
    tree.link("analysis/self", ".")
    tree.link("lib/parent", "..")
    space = tree.stage()
    for name in ("analysis/loop", "analysis/ping", "analysis/nowhere", "analysis/self", "lib/parent"):
        assert os.readlink(space.root / name) == os.readlink(tree.root / name)
    assert written(space) == ()
    assert broken(space) == ()
    remove(space.root)
    assert (tree.root / "analysis/train.ipynb").exists()


def test_links_to_what_is_not_mirrored_lead_to_the_original(tree):
    tree.add("baselines/x/metrics.json")
    tree.link("analysis/accepted", "../baselines/x")
    tree.link("analysis/one", "../baselines/x/metrics.json")
    space = tree.stage(skip=[tree.root / "baselines"])
    assert (space.folder / "accepted/metrics.json").read_text() == "content\n"
    assert (space.folder / "one").read_text() == "content\n"
    (space.folder / "accepted/metrics.json").write_text("changed")
    assert broken(space) == ("analysis/accepted/metrics.json", "analysis/one")


def test_without_symbolic_links_all_is_copied(tree, monkeypatch):
    tree.add("data/sub/x.csv")
    tree.add("data/.tox/y")
    tree.add("large/1/x.csv")
    tree.add("large/2/x.csv")
    tree.add("setup.cfg")
    tree.add("baselines/x")
    tree.add(".git/HEAD")
    tree.link("analysis/alias", "train.ipynb")
    tree.link("analysis/accepted", "../baselines")
    tree.link("large/circle", ".")
    monkeypatch.setattr(mirror, "ENTRIES", 3)

    def refuse(*args, **kwargs):
        raise OSError(errno.EPERM, "not here")

    monkeypatch.setattr(os, "symlink", refuse)
    space = tree.stage(skip=[tree.root / "baselines"])
    copied = {str(p.relative_to(space.root)) for p in space.root.rglob("*") if p.is_file()}
    wanted = {"data/sub/x.csv", "large/1/x.csv", "large/2/x.csv", "setup.cfg", "analysis/train.ipynb"}
    assert copied == wanted | {"analysis/alias", "analysis/accepted/x"}
    assert not [path for path in space.root.rglob("*") if path.is_symlink()]
    assert written(space) == ()
    (space.root / "setup.cfg").write_text("changed")
    assert names(space) == ["../setup.cfg"]
    assert broken(space) == ()


def test_a_link_that_cannot_be_made_for_another_reason_is_told(tree, monkeypatch):
    tree.add("setup.cfg")

    def refuse(source, target, **kwargs):
        raise OSError(errno.EIO, "broken disk", source, None, target)

    monkeypatch.setattr(os, "symlink", refuse)
    with pytest.raises(WorkspaceError, match="broken disk"):
        tree.stage()
    assert not (tree.base / "run1/work").exists()


# ---------------------------------------------------------------------------------------------------
# Inputs


def test_inputs_are_linked_though_left_out(tree):
    tree.add("node_modules/topo/world.json", "{}")
    tree.add("node_modules/topo/node_modules/more.json", "{}")
    tree.add("node_modules/topo/.nbrepro/run.json", "{}")
    tree.add("lib/.tox/report.txt")
    tree.add("data/env/pyvenv.cfg")
    tree.add("data/env/lib/x.py")
    tree.add("data/x.csv")
    inputs = [
        "../node_modules/**",
        "../lib/.tox/*.txt",
        str(tree.root / "data/env"),
        "../data/x.csv",
        "**",
        "..",
    ]
    space = tree.stage(inputs=inputs)
    assert not (space.root / "node_modules/topo/.nbrepro").exists()
    topo = ("node_modules/topo/world.json", "node_modules/topo/node_modules/more.json")
    for name in (*topo, "lib/.tox/report.txt", "data/env/lib/x.py"):
        assert (space.root / name).readlink() == tree.root / name
        assert (space.root / name).read_text() == (tree.root / name).read_text()
    assert written(space) == ()
    tree.add("lib/.tox/report.txt", "changed")
    assert broken(space) == ("lib/.tox/report.txt",)


@pytest.mark.parametrize("pattern", ["../nothing/*.csv", "none.csv", "../baselines/**", "../.nbrepro/**"])
def test_input_that_is_not_there(tree, pattern):
    tree.add("baselines/x")
    tree.add(".nbrepro/runs/1/run.json")
    with pytest.raises(WorkspaceError, match="matches no file") as fault:
        tree.stage(inputs=[pattern], skip=[tree.root / "baselines"])
    assert repr(pattern) in str(fault.value)
    assert not (tree.base / "run1/work").exists()


@pytest.mark.parametrize("pattern", ["../../x.csv", "/etc/hosts", "../../project-two/x.csv", "../.."])
def test_input_outside_the_project(tree, pattern):
    with pytest.raises(WorkspaceError, match="outside the project") as fault:
        tree.stage(inputs=[pattern])
    assert "absolute path" in str(fault.value)


# ---------------------------------------------------------------------------------------------------
# Faults


def test_notebook_elsewhere(tree):
    other = tree.base / "other.ipynb"
    other.write_text("{}")
    for notebook in (other, tree.root / "analysis/missing.ipynb"):
        with pytest.raises(WorkspaceError, match="not in the project"):
            stage(tree.root, notebook, tree.base / "work")
    assert not (tree.base / "work").exists()


def test_folder_whose_name_starts_with_dots(tree):
    tree.add("..odd/nb.ipynb", "{}")
    assert is_copy(tree.stage("..odd/nb.ipynb"), "..odd/nb.ipynb")


def test_workspace_that_exists_stays_as_it_is(tree):
    work = tree.base / "work"
    work.mkdir()
    (work / "precious").write_text("x")
    with pytest.raises(WorkspaceError, match="File exists"):
        stage(tree.root, tree.root / "analysis/train.ipynb", work)
    assert (work / "precious").exists()


def refuse_opening(monkeypatch, path, number):
    real = os.open

    def fail(name, *args, **kwargs):
        if str(name) == str(path):
            raise OSError(number, os.strerror(number), name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(os, "open", fail)


def test_unreadable_file_of_the_notebooks_folder(tree, monkeypatch):
    secret = tree.add("analysis/secret.txt")
    refuse_opening(monkeypatch, secret, errno.EACCES)
    with pytest.raises(WorkspaceError, match="cannot be read") as fault:
        tree.stage()
    assert fault.value.where == "analysis/secret.txt"
    assert fault.value.hint is not None
    assert not (tree.base / "run1/work").exists()


def test_unreadable_things_elsewhere_do_not_matter(tree, monkeypatch):
    secret = tree.add("data/secret.txt")
    tree.add("locked/x.csv")
    refuse_opening(monkeypatch, secret, errno.EACCES)
    real = os.scandir

    def fail(path):
        if str(path) == str(tree.root / "locked"):
            raise PermissionError(errno.EACCES, "locked", path)
        return real(path)

    monkeypatch.setattr(os, "scandir", fail)
    space = tree.stage()
    assert (space.root / "data/secret.txt").is_symlink()
    assert (space.root / "locked").is_symlink()


@pytest.mark.parametrize("name", ["analysis/going.tmp", "going.tmp"])
def test_file_that_goes_while_it_is_staged(tree, monkeypatch, name):
    going = tree.add(name)
    real = mirror.Mirror._wanted

    def vanish(self, folder):
        entries = real(self, folder)
        if folder == os.path.dirname(name):
            going.unlink(missing_ok=True)
        return entries

    monkeypatch.setattr(mirror.Mirror, "_wanted", vanish)
    space = tree.stage()
    assert not os.path.lexists(space.root / name)
    assert broken(space) == ()


@pytest.mark.parametrize("number", [errno.EACCES, errno.ENOENT])
def test_mirror_that_cannot_be_written_is_told(tree, monkeypatch, number):
    tree.again = False  # nothing is opened where all is moved
    refuse_opening(monkeypatch, tree.base / "run1/work/analysis/train.ipynb", number)
    with pytest.raises(WorkspaceError, match=os.strerror(number)) as fault:
        tree.stage()
    assert "run1" in str(fault.value.where)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_full_disk_while_staging(tree, monkeypatch, number):
    tree.add("analysis/a.txt")
    tree.add("analysis/z.txt")
    before = tree.state()
    calls = []

    def full(reading, writing, count):
        calls.append(count)
        if len(calls) > 1:
            raise OSError(number, os.strerror(number))
        os.write(writing, os.read(reading, count))
        return count

    monkeypatch.setattr(os, "copy_file_range", full, raising=False)
    with pytest.raises(WorkspaceError, match="no space left") as fault:
        tree.stage()
    assert len(calls) == 2
    assert "--nbrepro-dir" in fault.value.hint
    assert not (tree.base / "run1/work").exists()
    assert tree.state() == before


def test_an_interrupt_while_staging_leaves_nothing(tree, monkeypatch):
    def stop(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(mirror.Mirror, "_settle", stop)
    with pytest.raises(KeyboardInterrupt):
        tree.stage()
    assert not (tree.base / "run1/work").exists()


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="needs the rights of Unix")
def test_read_only_project(tree):
    tree.add("data/x.csv")
    tree.add("analysis/sub/y.csv")
    everything = [tree.root, *tree.root.rglob("*")]
    for path in everything:
        path.chmod(path.stat().st_mode & ~0o222)
    try:
        space = tree.stage()
        (space.folder / "sub/y.csv").write_text("changed")
        (space.root / "data/new.csv").write_text("new")
        (space.folder / "new.csv").write_text("new")
        assert names(space) == ["../data/new.csv", "new.csv", "sub/y.csv"]
        assert all(path.stat().st_mode & 0o200 for path in space.folder.rglob("*"))
        remove(space.root)
    finally:
        for path in everything:
            path.chmod(path.stat().st_mode | 0o200)


# ---------------------------------------------------------------------------------------------------
# After the run


def test_new_changed_and_rewritten_files_are_written(tree):
    tree.add("analysis/same.txt")
    tree.add("analysis/changed.txt")
    tree.add("analysis/rewritten.txt")
    tree.add("analysis/replaced.txt")
    tree.add("analysis/deleted.txt")
    tree.add("data/linked.csv")
    space = tree.stage()
    folder = space.folder
    (folder / "changed.txt").write_text("other")
    (folder / "rewritten.txt").write_text("content\n")
    (folder / "new.txt").write_text("")
    os.replace(folder / "new.txt", folder / "replaced.txt")
    (folder / "deleted.txt").unlink()
    (folder / "figures/deep").mkdir(parents=True)
    (folder / "figures/deep/f.png").write_bytes(b"")
    (folder / "../data/linked.csv").unlink()
    (folder / "../data/linked.csv").write_text("a file of its own")
    found = written(space)
    wanted = ["../data/linked.csv", "changed.txt", "figures/deep/f.png", "replaced.txt", "rewritten.txt"]
    assert [file.name for file in found] == wanted
    assert found[0].path.read_text() == "a file of its own"
    assert all(file.path.is_file() for file in found)
    assert broken(space) == ()


def test_chatter_and_special_files_are_no_results(tree):
    space = tree.stage()
    for name in ("__pycache__", ".ipynb_checkpoints", ".pytest_cache", "sub/__pycache__"):
        (space.folder / name).mkdir(parents=True)
        (space.folder / name / "x").write_text("")
    os.mkfifo(space.folder / "fifo")
    with contextlib.chdir(space.folder), contextlib.closing(socket.socket(socket.AF_UNIX)) as door:
        door.bind("socket")
    assert written(space) == ()


def test_special_files_of_the_project_are_left_out(tree):
    os.mkfifo(tree.root / "analysis/fifo")
    os.mkfifo(tree.root / "fifo")
    space = tree.stage()
    assert not (space.folder / "fifo").exists()
    assert not (space.root / "fifo").exists()


def test_links_made_by_the_run(tree):
    data = tree.add("data/x.csv")
    tree.add("analysis/table.csv", "1")
    tree.link("analysis/alias", "train.ipynb")
    (tree.base / "work-beside").mkdir()
    space = tree.stage()
    folder = space.folder
    (folder / "out").mkdir()
    (folder / "out/result.txt").write_text("r")
    links = {
        "inside": "out/result.txt",
        "to-staged": "table.csv",
        "to-folder": "out",
        "to-input": "../data/x.csv",
        "to-original": data,
        "to-etc": "/etc/hostname",
        "dangling": "nothing",
        "circle": "circle",
    }
    for name, target in links.items():
        (folder / name).symlink_to(target)
    (folder / "alias").unlink()
    (folder / "alias").symlink_to("table.csv")
    found = {file.name: file.path for file in written(space)}
    assert sorted(found) == ["alias", "inside", "out/result.txt", "to-staged"]
    assert found["inside"].read_text() == "r"
    assert not found["inside"].is_symlink()
    assert found["alias"].read_text() == "1"


def test_folder_replaced_by_a_link_is_not_followed(tree):
    tree.add("analysis/sub/x.csv")
    space = tree.stage()
    (space.folder / "sub/x.csv").unlink()
    (space.folder / "sub").rmdir()
    (space.folder / "sub").symlink_to(tree.root)
    assert written(space) == ()
    remove(space.root)
    assert (tree.root / "analysis/sub/x.csv").exists()


def test_folder_that_cannot_be_read_is_told(tree, monkeypatch):
    space = tree.stage()
    hidden = space.folder / "hidden"
    hidden.mkdir()
    real = os.scandir

    def fail(path):
        if str(path) == str(hidden):
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return real(path)

    monkeypatch.setattr(os, "scandir", fail)
    with pytest.raises(WorkspaceError, match="Permission denied") as fault:
        written(space)
    assert fault.value.where == str(hidden)


def write_through_a_link(tree, space):
    (space.folder / "../data/x.csv").write_text("broken")
    return "data/x.csv"


def write_in_place(tree, space):
    (space.folder / "../data/x.csv").write_text("CONTENT\n")  # as long as before
    return "data/x.csv"


def write_by_absolute_path(tree, space):
    (tree.root / "analysis/helper.py").write_text("broken")
    return "analysis/helper.py"


def write_the_notebook(tree, space):
    (tree.root / "analysis/train.ipynb").write_text("[]")
    return "analysis/train.ipynb"


def replace_an_original(tree, space):
    (tree.root / "data/new").write_text("content\n")
    os.utime(tree.root / "data/new", ns=(10**18, 10**18 + 7))
    os.replace(tree.root / "data/new", tree.root / "data/x.csv")  # same size, same time
    return "data/x.csv"


def delete_an_original(tree, space):
    (tree.root / "data/x.csv").unlink()
    return "data/x.csv"


@pytest.mark.parametrize(
    "write",
    [
        write_through_a_link,
        write_in_place,
        write_by_absolute_path,
        write_the_notebook,
        replace_an_original,
        delete_an_original,
    ],
)
def test_a_run_that_breaks_out_is_named(tree, write):
    tree.add("data/x.csv")
    tree.add("data/y.csv")
    tree.add("analysis/helper.py")
    space = tree.stage()
    assert broken(space) == ()
    name = write(tree, space)
    assert broken(space) == (name,)


def test_log_that_somebody_else_writes_is_not_the_runs_doing(tree):
    log = tree.add("session.log")
    held = tree.add("reading.csv")
    tree.link("analysis/log", log)
    space = tree.stage()
    with log.open("a") as stream, held.open() as reader:
        stream.write("a line of pytest's own output\n")
        stream.flush()
        held.write_text("changed")
        assert reader.read()
        excused = () if sys.platform == "linux" else ("session.log",)
        assert broken(space) == ("reading.csv", *excused)
    assert broken(space) == ("reading.csv", "session.log")


def test_process_that_ends_while_it_is_looked_at(tree, monkeypatch):
    space = tree.stage()
    (tree.root / "analysis/train.ipynb").write_text("[]")
    monkeypatch.setattr(originals.glob, "iglob", lambda pattern: iter(["/proc/0/fd/0"]))
    assert broken(space) == ("analysis/train.ipynb",)


# ---------------------------------------------------------------------------------------------------
# Removal


def test_removal_follows_no_link_and_opens_what_is_closed(tree):
    outside = tree.base / "outside"
    outside.mkdir(mode=0o750)
    (outside / "precious").write_text("x")
    tree.add("data/x.csv")
    space = tree.stage()
    closed = space.folder / "closed/inner"
    closed.mkdir(parents=True)
    (closed / "x").write_text("")
    (closed / "link").symlink_to(outside)
    closed.chmod(0o500)
    closed.parent.chmod(0o000)
    before = tree.state()
    remove(space.root)
    assert not space.root.exists()
    assert (outside / "precious").exists()
    assert stat.S_IMODE(outside.stat().st_mode) == 0o750
    assert tree.state() == before
    remove(space.root)  # nothing to do


def test_removal_opens_folders_first(tree, monkeypatch):
    space = tree.stage()
    (space.folder / "closed").mkdir(mode=0o500)
    modes = []

    def note(root):
        modes.append(stat.S_IMODE((space.folder / "closed").stat().st_mode))

    monkeypatch.setattr(workspace.shutil, "rmtree", note)
    remove(space.root)
    assert modes == [0o700]


def test_mirror_replaced_by_a_link_is_unlinked(tree):
    space = tree.stage()
    space.root.rename(tree.base / "moved")
    space.root.symlink_to(tree.root)
    remove(space.root)
    assert not os.path.lexists(space.root)
    assert (tree.root / "analysis/train.ipynb").exists()


def test_removal_that_fails_is_told(tree, monkeypatch):
    space = tree.stage()

    def fail(root):
        raise OSError(errno.EBUSY, "busy", root)

    monkeypatch.setattr(workspace.shutil, "rmtree", fail)
    with pytest.raises(WorkspaceError, match="busy"):
        remove(space.root)
