"""Whether the files that a run only borrowed are still what they were."""
# For a thousand files pathlib costs more than the system calls themselves.
# ruff: noqa: PTH112, PTH115, PTH116, PTH123, PTH207, PTH208

from __future__ import annotations

import glob
import itertools
import os
import stat
from collections import deque
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from pytest_nbrepro.copying import Signature, signature

WATCHED = 20_000
"""Entries of one folder linked as a whole that are remembered; beyond it a change goes unnoticed."""

CHATTER = frozenset(
    {
        *(".git", ".nbrepro", ".tox", ".nox", ".venv", ".idea", ".vscode", ".DS_Store", ".ipynb_checkpoints"),
        *(".hypothesis", ".mypy_cache", ".pytest_cache", ".ruff_cache", "__pycache__", "node_modules"),
    }
)
"""Names of what tools write for themselves: neither an input of a notebook nor a result of it."""


@dataclass(frozen=True)
class Listing:
    """What one folder held: signatures of its files and links, None for a folder."""

    names: Mapping[str, Signature | None]
    complete: bool  # whether all of the folder is in `names`


def survey(folder: str, never: Collection[str] = ()) -> dict[str, Listing]:
    """Return what a folder and the folders below it hold, breadth first, up to `WATCHED` entries.

    Args:
        folder: where to start.
        never: absolute paths that are left out.

    Returns:
        By path relative to `folder`, "" for itself. Folders that cannot be read are left out.
    """
    found: dict[str, Listing] = {}
    waiting, left = deque([""]), WATCHED
    while waiting and left > 0:
        here = waiting.popleft()
        try:
            listing = _list(join(folder, here), never, left)
        except OSError:  # what this process cannot read, the kernel cannot either
            continue
        found[here] = listing
        left -= len(listing.names)
        waiting.extend(join(here, name) for name, seen in listing.names.items() if seen is None)
    return found


def _list(folder: str, never: Collection[str], most: int) -> Listing:
    names: dict[str, Signature | None] = {}
    with os.scandir(folder) as entries:
        wanted = (e for e in entries if e.name not in CHATTER and e.path not in never)
        for entry in itertools.islice(wanted, most):
            is_folder = entry.is_dir(follow_symlinks=False)
            names[entry.name] = None if is_folder else signature(entry.stat(follow_symlinks=False))
        complete = next(wanted, None) is None
    return Listing(names, complete)


def changes(folder: str, before: Mapping[str, Listing], never: Collection[str] = ()) -> Iterator[str]:
    """Yield the paths, relative to `folder`, of what was changed, removed or added since `survey`."""
    for here, listing in before.items():
        path = join(folder, here)
        for name, seen in listing.names.items():
            if now(join(path, name), follow=False) != seen:
                yield join(here, name)
        if listing.complete and os.path.isdir(path):
            for name in set(os.listdir(path)) - set(listing.names) - CHATTER:
                if join(path, name) not in never:
                    yield join(here, name)


def now(path: str, *, follow: bool = True) -> Signature | str | None:
    """Return a file's signature; None for a folder, and "gone" where there is nothing."""
    try:
        status = os.stat(path, follow_symlinks=follow)
    except OSError:
        return "gone"
    return None if stat.S_ISDIR(status.st_mode) else signature(status)


def written_by_others(paths: Collection[str]) -> frozenset[str]:
    """Return those of `paths` that a living process holds open for writing (Linux; elsewhere none).

    Asked once the kernel and its children have ended, these are files that somebody else writes: the log
    that pytest's own output goes to, above all.
    """
    real = {path: os.path.realpath(path) for path in paths}
    wanted, held = set(real.values()), set()
    for descriptor in glob.iglob("/proc/[0-9]*/fd/*"):
        try:
            target = os.readlink(descriptor)
            if target in wanted and _writes(descriptor):
                held.add(target)
        except OSError:  # the process has ended, or is not ours to look at
            continue
    return frozenset(path for path, end in real.items() if end in held)


def _writes(descriptor: str) -> bool:
    with open(descriptor.replace("/fd/", "/fdinfo/"), encoding="ascii") as info:
        flags = next(line.split()[1] for line in info if line.startswith("flags:"))
    return int(flags, 8) & os.O_ACCMODE != os.O_RDONLY


def join(folder: str, name: str) -> str:
    """Join two parts of a path with a slash; either may be ""."""
    return f"{folder}/{name}" if folder and name else folder or name
