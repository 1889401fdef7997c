"""Putting a baseline in the place of another one, whole or not at all, and deleting one."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Collection, Sequence
from pathlib import Path

from pytest_nbrepro import files
from pytest_nbrepro.baselines.drafts import Contents, write
from pytest_nbrepro.baselines.reading import MANIFEST, MARK, OVERLAY, OWN, PARTS, TEMPORARY
from pytest_nbrepro.errors import BaselineError

_OLD = "old"  # in the staged folder: what stood in the baseline's place


def exchange(tree: Contents, target: Path, tags: Collection[str] = (), *, common: bool = True) -> None:
    """Put a tree in the place of the baseline in `target`, and of the overlays with these tags.

    All is copied beside `target` first, so that a full disk leaves the old baseline as it was. Then old and new
    change places by renaming, the manifest last, under a mark that tells of a crash in between; what fails
    there is taken back.

    Args:
        tree: the files.
        target: the folder of the baseline.
        tags: of the overlays that give way; others stay as they are.
        common: whether the common baseline gives way.

    Raises:
        BaselineError: the disk is full, or the folder cannot be written; the old baseline is as it was.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        staged = Path(tempfile.mkdtemp(prefix=TEMPORARY, dir=target.parent))
    except OSError as error:
        raise _unwritable(target, error) from error
    try:
        write(tree, staged)
        (staged / _OLD).mkdir()
        target.mkdir(exist_ok=True)
        if tags:
            for folder in (staged / _OLD, target):
                (folder / OVERLAY).mkdir(exist_ok=True)
        overlays = [f"{OVERLAY}/{tag}" for tag in sorted(tags)]
        _exchange(staged, target, [*PARTS[:-1], *overlays, MANIFEST] if common else overlays)
    except OSError as error:
        raise _unwritable(target, error) from error
    finally:
        if not (target / MARK).exists():  # else the way back failed, and the old files are still in there
            shutil.rmtree(staged, ignore_errors=True)
        with contextlib.suppress(OSError):  # there is none, or there are overlays
            (target / OVERLAY).rmdir()


def _exchange(staged: Path, target: Path, names: Sequence[str]) -> None:
    """Let what is staged and what is in the baseline's place change places; on an error all goes back."""
    mark = target / MARK
    marked = mark.exists()  # by an earlier crash
    begun: list[tuple[Path, Path]] = []
    try:
        files.write_bytes(mark, b"")
        for name in names:
            for there, here in ((target / name, staged / _OLD / name), (staged / name, target / name)):
                if os.path.lexists(there):
                    begun.append((there, here))
                    os.replace(there, here)  # noqa: PTH105 - tests make it fail
        mark.unlink()
    except BaseException:
        for there, here in reversed(begun):
            if os.path.lexists(here):
                os.replace(here, there)  # noqa: PTH105
        if not marked:
            mark.unlink(missing_ok=True)
        raise


def delete(folder: Path, root: Path) -> None:
    """Delete the baseline in `folder` with its overlays, and the folders above it up to `root` that are empty then.

    Raises:
        BaselineError: a file cannot be deleted.
    """
    try:
        for name in (*OWN, MARK):
            path = folder / name
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
    except OSError as error:
        raise BaselineError(f"cannot delete this: {error.strerror or error}", where=str(folder)) from error
    with contextlib.suppress(OSError):  # not empty: something else lives there
        while folder != root:
            folder.rmdir()
            folder = folder.parent


def _unwritable(target: Path, error: OSError) -> BaselineError:
    broken = (target / MARK).exists()
    state = "it is half-written, restore it from version control" if broken else "nothing was changed"
    return BaselineError(f"cannot write this baseline: {error.strerror or error}; {state}", where=str(target))
