"""Inside the kernel: refuses to change the project and tells which of its files are read.

Loaded by `child.py` from its own folder, by path, in any Python from 3.9 on: the standard library alone.

It sees what Python itself opens, renames and removes. Files that an extension library opens by itself, and
other processes, escape it; the workspace finds changed inputs after the run.
"""

from __future__ import annotations

import errno
import json
import os
import sys
import tempfile
from collections.abc import Callable, Sequence

# ruff: noqa: PTH100, PTH111, PTH115, PTH117, PTH118, PTH119, PTH120
# (an audit hook is called too often for path objects)

_Changes = Sequence[tuple[str, str]]  # real path, what would happen to it
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_BYTECODE = "__pycache__"


class Guard:
    """An audit hook (see `sys.addaudithook`).

    Args:
        work: the mirror in which the notebook runs.
        project: the real tree, which stays as it is.
        folder: the run's own folder, below which all is allowed; `work` lies in it.
        journal: the file to which what happened is added, one JSON object a line.
    """

    def __init__(self, work: str, project: str, folder: str, journal: str) -> None:
        self.work = os.path.realpath(work)
        self.project = os.path.realpath(project)
        self.folder = os.path.realpath(folder)
        self.journal = journal
        # the same places as Python may spell them
        self._mirrors = _prefixes(work, self.work)
        self._readable = self._mirrors + _prefixes(project, self.project)
        self._exempt = tuple(d + os.sep for d in _tool_folders() if d.startswith(self.project + os.sep))
        self._seen: set[str] = set()
        self._made: set[str] = set()
        self._checks: dict[str, Callable[..., _Changes]] = {
            "open": self._open,
            "sqlite3.connect": self._connect,
            "os.rename": self._rename,
            "os.remove": self._remove,
            "os.rmdir": self._remove,
            "os.mkdir": self._mkdir,
            "os.symlink": self._symlink,
            "os.link": self._link,
            "os.truncate": self._change,
            "os.chmod": self._chmod,
            "os.chown": self._chown,
            "os.utime": self._utime,
            "os.setxattr": self._change,
            "os.removexattr": self._change,
        }

    @property
    def places(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Beginnings of paths in the project and its mirror, and of those in tools' folders below these."""
        return self._readable, self._exempt

    def listen(self, events: dict[str, Callable[..., _Changes]]) -> None:
        """Have more events looked at: by name, what is called with their arguments."""
        self._checks.update(events)

    def hook(self, event: str, arguments: tuple[object, ...]) -> None:
        """Look at one audit event; nearly all are none of ours, so this is quick.

        Raises:
            PermissionError: it would change the project.
        """
        check = self._checks.get(event)
        if check is None:
            return
        for target, verb in check(*arguments):
            refusal = self._refusal(target, verb)
            if refusal is not None:
                raise PermissionError(errno.EACCES, refusal)

    def note(self, **entry: object) -> None:
        """Add a line to the journal; opened each time, so that nothing the notebook closes can hurt it."""
        line = json.dumps(entry) + "\n"
        descriptor = os.open(self.journal, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(descriptor, line.encode())
        finally:
            os.close(descriptor)

    # the events, each with the arguments that Python's table of audit events gives

    def _open(self, path: object, _mode: object, flags: int) -> _Changes:
        name = _name(path)
        if name is None or name == self.journal:
            return []
        if not flags & _WRITING:
            self._read(name)
            return []
        if name.startswith(self._mirrors):
            self._made.add(name)
        target = os.path.realpath(name)
        if os.path.lexists(target):
            return [(target, "write")]
        return [(target, "create")] if flags & os.O_CREAT else []

    def _connect(self, database: object) -> _Changes:
        name = _name(database)
        if name is not None:
            self._read(name)
        return []

    def _rename(self, old: object, new: object, old_fd: int, new_fd: int) -> _Changes:
        source, target = _entry(old, old_fd), _entry(new, new_fd)
        if source is None or target is None or not os.path.lexists(source):
            return []
        self._made.add(target)
        return [(source, "rename"), (target, "replace" if os.path.lexists(target) else "create")]

    def _remove(self, path: object, folder_fd: int) -> _Changes:
        return _existing(_entry(path, folder_fd), "remove")

    def _mkdir(self, path: object, _mode: int, folder_fd: int) -> _Changes:
        return _missing(_entry(path, folder_fd))

    def _symlink(self, _source: object, target: object, folder_fd: int) -> _Changes:
        return _missing(_entry(target, folder_fd))

    def _link(self, source: object, target: object, source_fd: int, target_fd: int) -> _Changes:
        # a second name would let a later write through
        return [*_missing(_entry(target, target_fd)), *_existing(_target(source, source_fd), "link")]

    def _change(self, path: object, *_: object) -> _Changes:
        return _existing(_target(path, -1), "change")

    def _chmod(self, path: object, _mode: int, folder_fd: int) -> _Changes:
        return _existing(_target(path, folder_fd), "change")

    def _chown(self, path: object, _user: int, _group: int, folder_fd: int) -> _Changes:
        return _existing(_target(path, folder_fd), "change")

    def _utime(self, path: object, _times: object, _nanoseconds: object, folder_fd: int) -> _Changes:
        return _existing(_target(path, folder_fd), "change")

    # what they come to

    def _refusal(self, target: str, verb: str) -> str | None:
        """Return why this must not happen, and write it down; None where it may."""
        if not target.startswith(self.project + os.sep) or target.startswith(self.folder + os.sep):
            return None
        if target.startswith(self._exempt):
            return None
        name = os.path.relpath(target, self.project).replace(os.sep, "/")
        text = (
            f"nbrepro: this run would {verb} the project's {name}, and a run leaves the project as it is;"
            " below the notebook's own folder it may write"
        )
        if _BYTECODE not in name.split("/"):  # Python and numba do without it and say nothing
            self.note(refused=text)
        return text

    def _read(self, name: str) -> None:
        if name in self._seen or not name.startswith(self._readable) or name.startswith(self._exempt):
            return
        self._seen.add(name)
        if name in self._made:
            return
        parent, last = os.path.split(name)
        if os.path.basename(parent) == _BYTECODE:  # stands for the source it was made of
            name = os.path.join(os.path.dirname(parent), last.partition(".")[0] + ".py")
        self.note(read=name)


def _existing(target: str | None, verb: str) -> _Changes:
    """Return what changes something that is there; where nothing is, the call fails by itself."""
    return [(target, verb)] if target is not None and os.path.lexists(target) else []


def _missing(target: str | None) -> _Changes:
    """Return what makes something new; where it is already, the call fails by itself."""
    return [] if target is None or os.path.lexists(target) else [(target, "create")]


def _prefixes(*folders: str) -> tuple[str, ...]:
    return tuple({os.path.abspath(folder) + os.sep for folder in folders})


def _tool_folders() -> set[str]:
    """Return folders of tools that may lie in a project: the environment, caches, temporary files."""
    home = os.path.expanduser("~")
    folders = [sys.prefix, sys.base_prefix, tempfile.gettempdir()]
    folders += [os.path.join(home, name) for name in (".cache", ".config", ".local", ".ipython", ".jupyter")]
    named = ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "MPLCONFIGDIR")
    folders += [os.environ[name] for name in named if os.environ.get(name)]
    return {os.path.realpath(folder) for folder in folders}


def _name(path: object, folder_fd: int = -1) -> str | None:
    """Return the absolute path, links in it kept; None for an open file's number and what else is no path."""
    try:
        text = os.fsdecode(path)  # type: ignore[arg-type]
    except TypeError:
        return None
    if folder_fd >= 0 and not os.path.isabs(text):
        base = _folder(folder_fd)
        return None if base is None else os.path.normpath(os.path.join(base, text))
    return os.path.abspath(text)


def _folder(descriptor: int) -> str | None:
    """Return the path of an open folder where the system tells it."""
    try:
        return os.readlink(f"/proc/self/fd/{descriptor}")
    except OSError:
        return None


def _entry(path: object, folder_fd: int) -> str | None:
    """Return the real place of a directory entry: a link itself, not what it points to."""
    name = _name(path, folder_fd)
    if name is None:
        return None
    parent, last = os.path.split(name)
    return os.path.join(os.path.realpath(parent), last)


def _target(path: object, folder_fd: int) -> str | None:
    """Return the real place of what a path leads to."""
    name = _name(path, folder_fd)
    return None if name is None else os.path.realpath(name)
