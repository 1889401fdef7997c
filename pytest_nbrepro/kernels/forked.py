"""The kernels that a fork server forks, seen from the process that asks: for a notebook, and ahead of one."""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import signal
import socket
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pytest_nbrepro.kernels import connection

CONFIG = "child.json"  # in a kernel's private folder: what it reads before its notebook
_FORK = 15.0  # seconds for a kernel to be forked; the server answers at once
_PATIENCE = 2.0  # seconds for one that is not needed to end


class NoServerError(Exception):
    """Kernels cannot be forked; the message says why."""


def request(
    command: Sequence[str], *, cwd: Path, env: Mapping[str, str], folder: Path, memory: int | None
) -> dict[str, Any]:
    """Return what a fork server is asked for a kernel; see `forking.Server.fork`."""
    return {
        "command": list(command),
        "cwd": str(cwd),
        "env": dict(env),
        "supervisor": {"parent": None, "limit": memory, "folder": str(folder)},
    }


class Forked:
    """A supervisor that a server has forked, and that forks the kernel; see `process.Link`.

    Args:
        link: the way to it; its other end closes when it ends.

    Raises:
        NoServerError: it was not forked.
    """

    def __init__(self, link: socket.socket) -> None:
        self._link = link
        link.settimeout(_FORK)
        told = b""
        while not told.endswith(b"\n"):
            part = link.recv(64)
            if not part:
                raise NoServerError("the fork server forked no kernel")
            told += part
        link.settimeout(None)
        self.pid = int(told)

    def write(self, command: bytes) -> None:
        """Tell it something."""
        self._link.sendall(command)

    def hang_up(self) -> None:
        """Tell it nothing any more."""
        self._link.shutdown(socket.SHUT_WR)

    def wait(self, seconds: float | None) -> None:
        """Wait for its end."""
        if not readable(self._link, seconds):
            raise TimeoutError

    def close(self) -> None:
        """Forget it; once it has ended and nobody waits for that any more."""
        self._link.close()

    def kill(self) -> None:
        """Kill it."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)


class Spare:
    """A kernel that was forked ahead and waits for its notebook, with a private folder of its own.

    Args:
        ask: asks a server for a supervisor with a kernel.
        arguments: see `Server.prepare`.

    Raises:
        OSError: there is no place for its folder.
        NoServerError: the server cannot be asked.
    """

    def __init__(
        self, ask: Callable[..., socket.socket], arguments: Callable[[Path, Path], list[str]]
    ) -> None:
        self.folder = connection.private_folder()
        with contextlib.ExitStack() as undo:
            undo.callback(shutil.rmtree, self.folder, ignore_errors=True)
            self.connection = connection.connect(self.folder, sockets=True)
            self._log = self.folder / "kernel.log"
            command, env = arguments(self.connection, self.folder / CONFIG), connection.fresh(self.folder)
            asked = request(command, cwd=self.folder, env=env, folder=self.folder, memory=None)
            self._way, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            undo.callback(self._way.close)
            with other, self._log.open("ab") as stream:
                self._link = ask(asked, stream.fileno(), other.fileno())
            undo.pop_all()

    def begin(self, cwd: Path, log: Path) -> Forked:
        """Give it its notebook, whose configuration is written by then; its folder is the caller's in any case.

        Args:
            cwd: the folder it starts in.
            log: the file that standard output and error of the process are added to.

        Raises:
            NoServerError: it is gone.
        """
        try:
            forked = self._supervisor()
            with self._way, log.open("ab") as stream:
                stream.write(self._log.read_bytes())
                stream.flush()
                told = json.dumps({"cwd": str(cwd)}).encode()
                socket.send_fds(self._way, [told], [stream.fileno()])
        except (OSError, NoServerError) as error:
            self.end()
            raise NoServerError(f"the kernel that waited is gone: {error}") from error
        return forked

    def _supervisor(self) -> Forked:
        """Return its supervisor.

        Raises:
            NoServerError: that has ended; all that it ever tells besides is its process id.
        """
        forked = Forked(self._link)
        if readable(self._link, 0.0):
            raise NoServerError("its supervisor has ended")
        return forked

    def drop(self) -> None:
        """End it, and remove its folder."""
        self.end()
        shutil.rmtree(self.folder, ignore_errors=True)

    def end(self) -> None:
        """End it; its folder stays."""
        self._way.close()
        with contextlib.suppress(OSError):  # it has ended already
            self._link.sendall(b"q")
            while readable(self._link, _PATIENCE) and self._link.recv(64):
                pass
        self._link.close()


def readable(link: socket.socket, seconds: float | None) -> bool:
    """Wait until something has come, or the other end is closed; False when the time is over."""
    poll = select.poll()
    poll.register(link, select.POLLIN)
    return bool(poll.poll(None if seconds is None else seconds * 1000))
