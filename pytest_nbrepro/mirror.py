"""Building the mirror of a project in which a notebook runs."""
# For a thousand files pathlib costs more than the system calls themselves.
# ruff: noqa: PTH102, PTH103, PTH108, PTH110, PTH112, PTH115, PTH116, PTH117, PTH118, PTH120, PTH207

from __future__ import annotations

import glob
import os
from collections.abc import Collection, Iterable, Iterator, Sequence

from pytest_nbrepro import copying
from pytest_nbrepro.copying import Signature, signature
from pytest_nbrepro.errors import WorkspaceError
from pytest_nbrepro.leftovers import NOTHING, Leftover
from pytest_nbrepro.originals import CHATTER, Listing, join, survey
from pytest_nbrepro.tracked import Kept, kept_by_git

ENTRIES = 2_000
"""A folder beside the notebook with more entries, in all its depth, is linked as a whole."""

TOTAL = 10_000
"""So many entries are linked one by one in all; further folders are linked as a whole."""


class Mirror:
    """Builds a mirror and remembers what it put there.

    Names are paths relative to the project, with slashes; "" is the project itself.

    Args:
        project: absolute path of the project's root, without symbolic links.
        root: absolute path of the mirror, an empty folder.
        never: absolute paths that are not mirrored, whatever asks for them; the mirror's own among them.
        left: a used mirror, whose untouched files and links are taken over.
    """

    def __init__(self, project: str, root: str, never: Collection[str], left: Leftover = NOTHING) -> None:
        self.project = project
        self.root = root
        self.never = frozenset(never)
        self.copies: dict[str, copying.Copy] = {}
        self.links: dict[str, str] = {}  # their texts
        self.originals: dict[str, Signature] = {}  # of files that were copied or linked
        self.trees: dict[str, dict[str, Listing]] = {}  # of folders that were linked as a whole
        self._kept: list[str] = []  # links whose text leads to another place of the mirror
        self._linked = 0
        self._left = left

    def build(self, notebook: str, inputs: Sequence[str]) -> None:
        """Copy the folder of a notebook, link what lies beside the way to it, and the inputs.

        Raises:
            OSError: the mirror cannot be written.
            WorkspaceError: a file of the notebook's folder cannot be read, or an input is not there.
        """
        folder, _, _ = notebook.rpartition("/")
        here = ""
        for part in folder.split("/") if folder else ():
            for entry in self._wanted(here):
                if entry.name != part:
                    self._link(entry, join(here, entry.name))
            here = join(here, part)
            os.mkdir(self._target(here))
        self._copy(folder, notebook, kept_by_git(self._source(folder)))
        for pattern in inputs:
            self._input(folder, pattern, notebook)
        self._settle()

    def _source(self, name: str) -> str:
        return join(self.project, name)

    def _target(self, name: str) -> str:
        return join(self.root, name)

    def _inside(self, path: str) -> str | None:
        """Return the name of a path of the project, None for a path elsewhere."""
        if path == self.project:
            return ""
        return path.removeprefix(self.project + "/") if path.startswith(self.project + "/") else None

    def _wanted(self, name: str) -> list[os.DirEntry[str]]:
        with os.scandir(self._source(name)) as entries:
            return sorted(self._filter(entries), key=lambda entry: entry.name)

    def _filter(
        self, entries: Iterable[os.DirEntry[str]], *, everything: bool = False
    ) -> Iterator[os.DirEntry[str]]:
        for entry in entries:
            if entry.path in self.never or entry.name == ".nbrepro":
                continue
            if everything or entry.name == ".git" or not _is_chatter(entry):
                yield entry

    def _never(self, name: str) -> bool:
        parts = name.split("/")
        ends = range(1, len(parts) + 1)
        return ".nbrepro" in parts or any(self._source("/".join(parts[:end])) in self.never for end in ends)

    # ---------------------------------------------------------------------------------------------------
    # The notebook's own folder

    def _copy(self, folder: str, notebook: str, kept: Kept | None) -> None:
        """Copy what belongs to the folder; what git ignores, and repositories within, are linked."""
        waiting = [""]
        while waiting:
            here = waiting.pop()
            for entry in self._wanted(join(folder, here)):
                inner = join(here, entry.name)
                name = join(folder, inner)
                if entry.is_symlink() or entry.name == ".git":
                    self._link(entry, name)
                elif entry.is_dir() and (kept is None or inner in kept.folders):
                    os.mkdir(self._target(name))
                    waiting.append(inner)
                elif entry.is_file() and (kept is None or inner in kept.files or name == notebook):
                    self._copy_file(name, entry.path)
                else:
                    self._link(entry, name)

    def _copy_file(self, name: str, source: str, *, large: bool = False) -> None:
        target = self._target(name)
        try:
            done = self._left.copy(name, source, target) or copying.copy(source, target, large=large)
        except FileNotFoundError as error:
            if error.filename != source:
                raise
            return  # somebody's temporary file: it went while we came
        except PermissionError as error:
            if error.filename != source:
                raise
            hint = "give the user who runs pytest the right to read it, or let git ignore it"
            raise WorkspaceError("the file cannot be read", where=name, hint=hint) from error
        if done is None:
            self._link_file(name, source)
        else:
            self.originals[name], self.copies[name] = done.original, done

    # ---------------------------------------------------------------------------------------------------
    # What lies beside it

    def _link(self, entry: os.DirEntry[str], name: str, *, whole: bool = False) -> None:
        """Link a file, a folder or a link; what is nothing of these is left out."""
        if entry.name == ".git":  # not watched: a commit made meanwhile is no fault of the run
            self._put(name, entry.path, folder=entry.is_dir())
        elif entry.is_symlink():
            self._link_link(entry.path, name, whole=whole)
        elif entry.is_dir():
            self._link_folder(name, entry.path)
        elif entry.is_file():
            self._link_file(name, entry.path)

    def _link_link(self, source: str, name: str, *, whole: bool) -> None:
        """Keep a link that stays in the project; what one that leaves it leads to is an input."""
        text = os.readlink(source)
        inside = self._inside(os.path.normpath(os.path.join(os.path.dirname(source), text)))
        if inside is not None and os.path.isabs(text):
            text = os.path.relpath(self._target(inside), os.path.dirname(self._target(name)))
        if inside is not None or not os.path.exists(source):
            self._keep(name, text)
        else:
            self._link_end(name, os.path.realpath(source), whole=whole)

    def _link_end(self, name: str, source: str, *, whole: bool = False) -> None:
        if not os.path.isdir(source):
            self._link_file(name, source)
        elif whole:  # within a folder of links: could lead in circles
            self._link_whole(name, source)
        else:
            self._link_folder(name, source)

    def _keep(self, name: str, text: str) -> None:
        self._put(name, text)
        self._kept.append(name)

    def _settle(self) -> None:
        """Let the kept links whose end is not mirrored lead to the original of that end."""
        for name in self._kept:
            source, target = self._source(name), self._target(name)
            if os.path.exists(source) and not os.path.exists(target):
                if self.links.pop(name, None) is not None:
                    os.unlink(target)
                self._link_end(name, os.path.realpath(source), whole=True)

    def _link_file(self, name: str, source: str) -> None:
        try:
            self.originals[name] = signature(os.stat(source))
        except FileNotFoundError:
            return  # somebody's temporary file: it went while we came
        self._place(name, source, folder=False)

    def _link_folder(self, name: str, source: str, *, everything: bool = False) -> None:
        """Make a real folder with a link for each file, so that what a run adds stays in the mirror."""
        found = self._collect(source, everything=everything)
        if found is None:
            self._link_whole(name, source)
            return
        self._linked += len(found)
        os.mkdir(self._target(name))
        for inner, entry in found:
            if _is_folder(entry):
                os.mkdir(self._target(join(name, inner)))
            else:
                self._link(entry, join(name, inner), whole=True)

    def _collect(self, source: str, *, everything: bool) -> list[tuple[str, os.DirEntry[str]]] | None:
        """Return all entries below a folder, parents first; None where they are too many or unreadable."""
        found: list[tuple[str, os.DirEntry[str]]] = []
        waiting, most = [""], min(ENTRIES, TOTAL - self._linked)
        while waiting:
            here = waiting.pop()
            try:
                with os.scandir(join(source, here)) as entries:
                    for entry in self._filter(entries, everything=everything):
                        if len(found) == most:
                            return None
                        found.append((join(here, entry.name), entry))
                        if _is_folder(entry):
                            waiting.append(join(here, entry.name))
            except (PermissionError, FileNotFoundError):
                return None
        return found

    def _link_whole(self, name: str, source: str) -> None:
        self.trees[name] = survey(source, self.never)
        self._place(name, source, folder=True)

    def _place(self, name: str, source: str, *, folder: bool) -> None:
        """Link; copy where there are no links."""
        if self._put(name, source, folder=folder):
            return
        if not folder:
            self._copy_file(name, source, large=True)
        else:
            os.mkdir(self._target(name))
            with os.scandir(source) as entries:
                for entry in self._filter(entries):
                    if _is_folder(entry) or entry.is_file():
                        self._place(join(name, entry.name), entry.path, folder=_is_folder(entry))

    def _put(self, name: str, text: str, *, folder: bool = False) -> bool:
        """Make a symbolic link; False where there are none."""
        target = self._target(name)
        made = self._left.link(name, text, target) or copying.link(text, target, folder=folder)
        if made:
            self.links[name] = text
        return made

    # ---------------------------------------------------------------------------------------------------
    # What the annotation asks for

    def _input(self, folder: str, pattern: str, notebook: str) -> None:
        """Link what a pattern, relative to the notebook's folder, matches and is not there yet."""
        here = join(self._source(glob.escape(folder)), pattern) if not os.path.isabs(pattern) else pattern
        within = self._inside(os.path.normpath(here))
        if within is None:
            hint = "an absolute path reaches it in every run: take the pattern away, and put the path into a flag"
            raise WorkspaceError(f"the input {pattern!r} lies outside the project", where=notebook, hint=hint)
        # a folder is linked with all it holds: no need to walk through it here
        shallow = within.removesuffix("/**") if within != "**" else ""
        names = glob.glob(shallow or ".", root_dir=self.project, recursive=True)
        wanted = sorted(name for name in names if not self._never(name))
        if not wanted:
            hint = "patterns are relative to the notebook's folder"
            raise WorkspaceError(f"the input {pattern!r} matches no file", where=notebook, hint=hint)
        for name in wanted:
            self._add(name)

    def _add(self, name: str) -> None:
        target = self._target(name)
        if os.path.lexists(target):
            return
        os.makedirs(os.path.dirname(target), exist_ok=True)
        source = os.path.realpath(self._source(name))
        if os.path.isdir(source):
            self._link_folder(name, source, everything=True)
        else:
            self._link_file(name, source)


def _is_chatter(entry: os.DirEntry[str]) -> bool:
    if entry.name in CHATTER:
        return True
    return not entry.is_file(follow_symlinks=False) and os.path.lexists(f"{entry.path}/pyvenv.cfg")


def _is_folder(entry: os.DirEntry[str]) -> bool:
    return entry.is_dir(follow_symlinks=False) and entry.name != ".git"
