"""Mirrors of runs that are over: what a run left untouched moves into the next mirror of the same folder.

To move a file costs a tenth of making one anew, which matters where a hundred notebooks share a folder.
"""
# For a thousand files pathlib costs more than the system calls themselves.
# ruff: noqa: PTH104, PTH115, PTH116, PTH118

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from pytest_nbrepro.copying import Copy

_MOST = 4  # mirrors that are kept at once
# elsewhere a process that came of the run may still write into its mirror
_POSSIBLE = sys.platform == "linux"


@dataclass(frozen=True)
class Leftover:
    """A mirror that has been used."""

    root: str  # absolute
    copies: Mapping[str, Copy]  # by name
    links: Mapping[str, str]  # texts by name

    def copy(self, name: str, source: str, target: str) -> Copy | None:
        """Move the copy of a file to `target`; None, and nothing is moved, where it or the original was touched."""
        if name not in self.copies:
            return None
        path = os.path.join(self.root, name)
        try:
            original = os.stat(source)
            if Copy.of(original, os.lstat(path)) != self.copies[name]:
                return None
            os.rename(path, target)
            return Copy.of(original, os.lstat(target))
        except OSError:  # somebody removed it: it is made anew
            return None

    def link(self, name: str, text: str, target: str) -> bool:
        """Move a symbolic link to `target`; False, and nothing is moved, where it is another."""
        if self.links.get(name) != text:
            return False
        path = os.path.join(self.root, name)
        try:
            if os.readlink(path) != text:
                return False
            os.rename(path, target)
        except OSError:
            return False
        return True


NOTHING = Leftover("", {}, {})


class Leftovers:
    """The used mirrors of this process, by what they are mirrors of; usable from any thread.

    Args:
        remove: removes one.
    """

    def __init__(self, remove: Callable[[str], None]) -> None:
        self._remove = remove
        self._lock = threading.Lock()
        self._expected: frozenset[str] = frozenset()
        self._kept: list[tuple[str, Leftover]] = []  # the oldest first

    def expect(self, folders: Collection[str]) -> None:
        """Keep mirrors of these folders from now on."""
        if _POSSIBLE:
            with self._lock:
                self._expected = frozenset(folders)

    def expects(self, folder: str) -> bool:
        """Tell whether mirrors of a folder are kept."""
        with self._lock:
            return folder in self._expected

    def keep(self, folder: str, left: Leftover) -> None:
        """Keep a used mirror where it is, and remove the oldest of too many; where it is not expected, remove it."""
        with self._lock:
            if folder in self._expected:
                self._kept.append((folder, left))
                surplus = [self._kept.pop(0)[1] for _ in range(len(self._kept) - _MOST)]
            else:
                surplus = [left]
        for old in surplus:
            self._remove(old.root)

    def take(self, folder: str) -> Leftover:
        """Give a used mirror of a folder away, which is the caller's to remove; `NOTHING` where there is none."""
        with self._lock:
            for number, (known, left) in enumerate(self._kept):
                if known == folder:
                    del self._kept[number]
                    return left
        return NOTHING

    def close(self) -> None:
        """Remove all, and keep none any more."""
        with self._lock:
            self._expected = frozenset()
            kept, self._kept = self._kept, []
        for _, left in kept:
            self._remove(left.root)
