"""What belongs to a folder, by what git tracks or does not ignore."""

# ruff: noqa: PTH118, PTH120

from __future__ import annotations

import os
import posixpath
import subprocess
from dataclasses import dataclass

_SECONDS = 60
_LOCAL = {"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR"}


@dataclass(frozen=True)
class Kept:
    """What git tracks or does not ignore below a folder, as paths relative to it."""

    files: frozenset[str]  # a submodule or a repository within counts as a file
    folders: frozenset[str]


def in_repository(folder: str) -> bool:
    """Tell whether git could find a repository from a folder on: to ask git itself takes some milliseconds."""
    here = os.path.realpath(folder)
    while not os.path.lexists(os.path.join(here, ".git")):
        here, below = os.path.dirname(here), here
        if here == below:
            return False
    return True


def kept_by_git(folder: str) -> Kept | None:
    """Ask git, in one call, what belongs to a folder.

    Returns:
        None outside a work tree, without git, and for a folder that git ignores: then all of it counts.
    """
    if not in_repository(folder):
        return None
    # a hook of git sets these for its own repository, relative to another folder than ours
    environ = {name: value for name, value in os.environ.items() if name not in _LOCAL}
    listing = ["ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", "."]
    try:
        done = subprocess.run(
            ["git", "--no-optional-locks", "-C", folder, *listing],
            capture_output=True,
            env=environ,
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    files = frozenset(os.fsdecode(done.stdout).split("\0")) - {""}
    if done.returncode != 0 or not files:
        return None
    folders: set[str] = set()
    for file in files:
        parent = posixpath.dirname(file.rstrip("/"))
        while parent and parent not in folders:
            folders.add(parent)
            parent = posixpath.dirname(parent)
    return Kept(files, frozenset(folders))
