"""The copy of a project in which a notebook runs: made before, looked through afterwards.

The mirror has the layout of the project, so that relative paths work. The notebook's own folder is copied;
what lies beside the way from the project's root to it is linked, file by file in real folders, so that
what a run adds there stays in the mirror.
"""
# For a thousand files pathlib costs more than the system calls themselves.
# ruff: noqa: PTH100, PTH101, PTH103, PTH108, PTH112, PTH113, PTH114, PTH115

from __future__ import annotations

import contextlib
import errno
import os
import posixpath
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pytest_nbrepro import originals
from pytest_nbrepro.copying import Copy, Signature, signature
from pytest_nbrepro.errors import WorkspaceError
from pytest_nbrepro.leftovers import NOTHING, Leftover
from pytest_nbrepro.mirror import Mirror
from pytest_nbrepro.originals import CHATTER, Listing, join


@dataclass(frozen=True)
class Workspace:
    """A mirror of a project, and what it held before the run."""

    project: Path  # absolute, without symbolic links
    root: Path  # the mirror of the project's root, absolute
    folder: Path  # the notebook's own folder in the mirror
    copies: Mapping[str, Copy] = field(repr=False)  # by name
    links: Mapping[str, str] = field(repr=False)  # by name: their texts
    originals: Mapping[str, Signature] = field(repr=False)  # by name: the project's files, copied or linked
    trees: Mapping[str, Mapping[str, Listing]] = field(repr=False)  # by name: folders linked as a whole
    never: frozenset[str] = field(repr=False)  # absolute paths that are not mirrored


@dataclass(frozen=True)
class Written:
    """A file that a run made or changed."""

    name: str  # POSIX path relative to the notebook's folder
    path: Path  # a regular file in the mirror


def stage(
    project: Path,
    notebook: Path,
    work: Path,
    *,
    inputs: Sequence[str] = (),
    skip: Sequence[Path] = (),
    left: Leftover = NOTHING,
) -> Workspace:
    """Make the mirror in which a notebook runs.

    Args:
        project: the project's root.
        notebook: the notebook, in the project.
        work: where the mirror goes; must not exist.
        inputs: patterns relative to the notebook's folder of files to link though they are left out else.
        skip: folders that are not mirrored (runs, baselines).
        left: a used mirror, whose untouched files and links are taken over.

    Raises:
        WorkspaceError: the notebook is not in the project, a file cannot be read, an input is not there, or
            the disk is full. Nothing is left of `work` then.
    """
    source, root = os.path.realpath(project), os.path.abspath(work)
    name = os.path.relpath(os.path.abspath(notebook), os.path.abspath(project))
    if name == ".." or name.startswith("../") or not os.path.isfile(notebook):
        raise WorkspaceError("the notebook is not in the project", where=str(notebook))
    never = {os.path.realpath(path) for path in (*skip, work)}
    mirror = Mirror(source, root, never, left)
    with _explained():
        os.makedirs(root)
        try:
            mirror.build(name, inputs)
        except BaseException:
            _clear(root)
            raise
    return Workspace(
        project=Path(source),
        root=Path(root),
        folder=Path(root, posixpath.dirname(name)),
        copies=mirror.copies,
        links=mirror.links,
        originals=mirror.originals,
        trees=mirror.trees,
        never=mirror.never,
    )


def written(workspace: Workspace) -> tuple[Written, ...]:
    """Return the files that the run made or wrote to, by name; a file rewritten as it was is among them.

    A link that the run made counts as the file it leads to, where that lies in the mirror.

    Raises:
        WorkspaceError: a folder of the mirror cannot be read.
    """
    real = os.path.realpath(workspace.root)
    folder = workspace.folder.relative_to(workspace.root).as_posix()
    with _explained():
        found = [
            Written(posixpath.relpath(name, folder), Path(path))
            for name, entry in _walk(str(workspace.root))
            if (path := _result(entry, name, workspace, real)) is not None
        ]
    return tuple(sorted(found, key=lambda file: file.name))


def broken(workspace: Workspace) -> tuple[str, ...]:
    """Return which of the project's own files changed since `stage`, by their paths in the project.

    Looked at are the originals of all copies and links, and what is in folders linked as a whole (up to
    `originals.WATCHED` entries of each, new ones included). A file that another living process holds open
    for writing is not the run's doing: ask when the kernel and its children have ended.
    """
    project = str(workspace.project)
    changed = {n for n, seen in workspace.originals.items() if originals.now(join(project, n)) != seen}
    for name, tree in workspace.trees.items():
        inner = originals.changes(join(project, name), tree, workspace.never)
        changed.update(join(name, path) for path in inner)
    if not changed:
        return ()
    others = originals.written_by_others({join(project, name) for name in changed})
    return tuple(sorted(name for name in changed if join(project, name) not in others))


def leftover(workspace: Workspace) -> Leftover:
    """Return a mirror as another run may take it over, once nothing of the run is left."""
    return Leftover(str(workspace.root), workspace.copies, workspace.links)


def remove(work: Path) -> None:
    """Remove a mirror, where there is one, and nothing that its links lead to.

    Raises:
        WorkspaceError: a part of it cannot be removed.
    """
    with _explained():
        _clear(str(work))


def _walk(root: str) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """Yield what is in the mirror but folders, with its name."""
    waiting = [""]
    while waiting:
        here = waiting.pop()
        with os.scandir(join(root, here)) as entries:
            for entry in entries:
                if entry.name in CHATTER:
                    continue
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(join(here, entry.name))
                else:
                    yield join(here, entry.name), entry


def _result(entry: os.DirEntry[str], name: str, workspace: Workspace, root: str) -> str | None:
    """Return the path of the regular file that the run put here, None where it did not."""
    if entry.is_symlink():
        if os.readlink(entry.path) == workspace.links.get(name):
            return None
        end = os.path.realpath(entry.path)
        return end if end.startswith(root + os.sep) and os.path.isfile(end) else None
    if not entry.is_file():
        return None
    copy = workspace.copies.get(name)
    return None if copy is not None and signature(entry.stat()) == copy.copied else entry.path


def _clear(root: str) -> None:
    if os.path.islink(root):  # put there by the run
        os.unlink(root)
    elif os.path.isdir(root):
        _open_up(root)
        shutil.rmtree(root)


def _open_up(root: str) -> None:
    """Let the owner remove what is in folders that the run made read-only."""
    waiting = [root]
    while waiting:
        here = waiting.pop()
        os.chmod(here, 0o700)
        with os.scandir(here) as entries:
            waiting.extend(entry.path for entry in entries if entry.is_dir(follow_symlinks=False))


@contextlib.contextmanager
def _explained() -> Iterator[None]:
    """Tell people what an error of the system means for them."""
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            what = "no space left for the copy of the project in which the notebook runs"
            hint = "make room, or keep the runs on another disk with --nbrepro-dir DIR"
            raise WorkspaceError(what, hint=hint) from error
        what = f"the copy of the project in which the notebook runs failed: {error.strerror}"
        raise WorkspaceError(what, where=str(error.filename)) from error
