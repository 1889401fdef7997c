"""The process between pytest and a kernel: it starts the kernel and ends it with all that came of it.

A script of the standard library alone (and psutil where there is no ``/proc``), run in a session of its
own so that a Ctrl-C in the terminal does not reach it::

    python -I supervisor.py CONFIG -- COMMAND...

`CONFIG` is a JSON file: ``parent`` (process id; null where the fork server is the parent, which may end before),
``limit`` (bytes of resident memory, or null), ``folder`` (which gets ``kernel.pid`` and ``exit.json``, and is
removed when the parent is gone).

Standard input is a pipe whose other end only the parent holds: the byte ``i`` interrupts the kernel, ``q``
ends everything, and so does the end of the file: a parent that is killed takes the kernel with it.

The fork server (`server.py`) loads this file and starts kernels itself.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Protocol

if sys.platform != "win32":
    import resource

KERNEL = "kernel.pid"
EXIT = "exit.json"
_PR_SET_CHILD_SUBREAPER = 36  # <linux/prctl.h>
_KILL = getattr(signal, "SIGKILL", signal.SIGTERM)
_GIVE_UP = 5.0  # seconds; what is still there then cannot be killed (another user's, or stuck in the kernel)
_WATCHED = 0.1  # seconds between looks at the memory when there is a limit
_SAMPLED = 0.5  # and when there is none
_STAT_PARENT = 1  # places in /proc/<pid>/stat after the command's closing parenthesis


class ProcTree:
    """The processes that came of one, by ``/proc``; each process's parent is read once."""

    def __init__(self, root: int) -> None:
        self.root = root
        self.known: set[int] = set()
        self._others: set[int] = set()

    def update(self) -> set[int]:
        """Return the process ids of all descendants that are there now."""
        listed = {int(name) for name in os.listdir("/proc") if name.isdigit()}  # noqa: PTH208
        self.known &= listed
        self._others &= listed
        fresh = {pid: _parent(pid) for pid in listed - self.known - self._others}
        while found := {pid for pid, up in fresh.items() if up == self.root or up in self.known}:
            self.known |= found
            for pid in found:
                del fresh[pid]
        self._others |= fresh.keys()
        return self.known

    def memory(self) -> int:
        """Return the bytes of resident memory that all descendants hold together."""
        page = os.sysconf("SC_PAGE_SIZE")
        return page * sum(_pages(pid) for pid in self.update())


class PsutilTree:
    """The same where there is no ``/proc``: one that left its parent is no longer found."""

    def __init__(self, root: int) -> None:
        import psutil

        self._process = psutil.Process(root)
        self._gone = psutil.Error

    def update(self) -> set[int]:
        """Return the process ids of all descendants that are there now."""
        return {child.pid for child in self._process.children(recursive=True)}

    def memory(self) -> int:
        """Return the bytes of resident memory that all descendants hold together."""
        total = 0
        for child in self._process.children(recursive=True):
            with contextlib.suppress(self._gone):
                total += child.memory_info().rss
        return total


def tree(root: int) -> ProcTree | PsutilTree:
    """Return a view of the processes that came of one."""
    return ProcTree(root) if sys.platform == "linux" else PsutilTree(root)


def kill(pids: Iterable[int]) -> None:
    """Kill processes; those that have ended, or are not ours to kill, are passed over."""
    for pid in list(pids):
        with contextlib.suppress(OSError):
            os.kill(pid, _KILL)


def _parent(pid: int) -> int | None:
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:  # it ended meanwhile
        return None
    return int(stat.rpartition(b")")[2].split()[_STAT_PARENT])


def _pages(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_bytes().split()[1])
    except OSError:
        return 0


class Kernel(Protocol):
    """A child process that is the kernel."""

    pid: int
    returncode: int | None

    def wait(self) -> int:
        """Wait for its end; asked where there is no `os.waitpid`."""


class Supervisor:
    """One kernel and what becomes of it."""

    def __init__(self, config: dict[str, Any]) -> None:
        self.parent: int | None = config["parent"]
        self.limit: int | None = config["limit"]
        self.folder = Path(config["folder"])
        self.events: queue.SimpleQueue[tuple[str, int]] = queue.SimpleQueue()
        self.tree = tree(os.getpid())
        self.peak = 0
        self.returncode: int | None = None

    def spawn(self, command: list[str]) -> int:
        """Start the kernel, and see it through; see `run`."""
        self._prepare()
        try:
            kernel = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                env={**os.environ, "JPY_PARENT_PID": str(os.getpid())},
                start_new_session=True,
            )
        except OSError as error:
            print(error, file=sys.stderr)
            self.report("unstartable")
            return 127
        return self._see_through(kernel)

    def run(self, kernel: Kernel) -> int:
        """Stay until a kernel or the parent is done, end all, and tell how it went.

        Returns:
            The kernel's exit code, 128 + n where signal n ended it.
        """
        self._prepare()
        return self._see_through(kernel)

    def _prepare(self) -> None:
        _adopt_orphans()
        # a handler, since a signal that is ignored would stay ignored in the kernel
        signal.signal(signal.SIGINT, lambda *_: None)
        signal.signal(signal.SIGTERM, lambda *_: self.events.put(("stopped", 0)))

    def _see_through(self, kernel: Kernel) -> int:
        (self.folder / KERNEL).write_text(str(kernel.pid), encoding="utf-8")
        threading.Thread(target=_obey, args=(self.events,), daemon=True).start()
        threading.Thread(target=_reap, args=(kernel, self.events), daemon=True).start()
        reason = self.watch(kernel.pid)
        self.end_all()
        self.report(reason)
        if reason == "orphaned":
            shutil.rmtree(self.folder, ignore_errors=True)
        code = self.returncode or 0
        return code if code >= 0 else 128 - code

    def watch(self, kernel: int) -> str:
        """Wait until there is a reason to end, and return it."""
        pause = _SAMPLED if self.limit is None else _WATCHED
        while True:
            try:
                event, value = self.events.get(timeout=pause)
            except queue.Empty:
                if self.parent is not None and os.getppid() != self.parent:
                    return "orphaned"
                self.peak = max(self.peak, self.tree.memory())
                if self.limit is not None and self.peak > self.limit:
                    return "memory"
                continue
            if event == "interrupt":
                _interrupt(kernel)
                continue
            if event == "ended":
                self.returncode = value
            return event

    def end_all(self) -> None:
        """Kill every process that came of this one, in rounds, until none is left."""
        if self.returncode is not None and not _has_children():
            return  # the usual end: what follows looks at every process of the machine
        deadline = time.monotonic() + _GIVE_UP
        while time.monotonic() < deadline:
            kill(tree(os.getpid()).update())
            with contextlib.suppress(queue.Empty):
                while (event := self.events.get(timeout=0.02))[0] != "none":
                    if event[0] == "ended":
                        self.returncode = event[1]
                return

    def report(self, reason: str) -> None:
        """Write how it went, whole or not at all."""
        told = {"reason": reason, "returncode": self.returncode, "peak": max(self.peak, _largest()) or None}
        partial = self.folder / f"{EXIT}.part"
        partial.write_text(json.dumps(told), encoding="utf-8")
        partial.replace(self.folder / EXIT)


def _adopt_orphans() -> None:
    """Become the parent of descendants whose own parent ends: without that, they would be lost."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _has_children() -> bool:
    """Tell whether a child is left, an adopted one too; True where that cannot be asked."""
    if not hasattr(os, "waitid"):
        return True
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


def _interrupt(kernel: int) -> None:
    """Send SIGINT to the kernel and to what shares its process group, as Jupyter does."""
    if hasattr(os, "killpg"):
        with contextlib.suppress(OSError):  # it has just ended
            os.killpg(kernel, signal.SIGINT)


def _largest() -> int:
    """Return the bytes of the largest descendant that has ended: it may have been quicker than the samples."""
    if sys.platform == "win32":
        return 0
    unit = 1 if sys.platform == "darwin" else 1024
    return unit * resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss


def _obey(events: queue.SimpleQueue[tuple[str, int]]) -> None:
    """Turn what the parent writes into events."""
    command = b""
    with contextlib.suppress(ConnectionError):  # the parent is gone, and had not read what it was told
        while (command := os.read(0, 1)) == b"i":
            events.put(("interrupt", 0))
    events.put(("stopped" if command else "orphaned", 0))


def _reap(kernel: Kernel, events: queue.SimpleQueue[tuple[str, int]]) -> None:
    """Collect every child that ends, adopted ones too, and tell of the kernel and of the last."""
    if os.name != "posix":
        events.put(("ended", kernel.wait()))
        events.put(("none", 0))
        return
    while True:
        try:
            pid, status = os.waitpid(-1, 0)
        except ChildProcessError:
            events.put(("none", 0))
            return
        if pid == kernel.pid:
            kernel.returncode = os.waitstatus_to_exitcode(status)
            events.put(("ended", kernel.returncode))


def main(arguments: list[str]) -> int:
    """Run with the arguments ``CONFIG -- COMMAND...``."""
    config = json.loads(Path(arguments[0]).read_text(encoding="utf-8"))
    return Supervisor(config).spawn(arguments[2:])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
