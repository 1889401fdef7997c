"""A fork server and the kernels that it forks, seen from the process that asks."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Container, Iterable, Mapping, Sequence
from pathlib import Path

_SERVER = Path(__file__).with_name("server.py")
_START = 60.0  # seconds for a server to start
_FORK = 15.0  # seconds for a kernel to be forked; the server answers at once
_PATIENCE = 2.0  # seconds for a server to end
_TAIL = 2048  # bytes of what a server wrote that are quoted


class NoServerError(Exception):
    """Kernels cannot be forked; the message says why."""


class Server:
    """One server; usable from any thread.

    Args:
        env: the environment that it has, and its kernels.
        modules: what it imports ahead.
        base: the server that is to fork it, which has imported nothing ahead.
    """

    def __init__(
        self, env: Mapping[str, str], modules: Iterable[str] = (), base: Server | None = None
    ) -> None:
        self._lock = threading.Lock()
        self._fault: str | None = None
        self._ready = False
        self._tops: frozenset[str] = frozenset()
        self._popen: subprocess.Popen[bytes] | None = None
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - open as long as the process
        self._socket, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with other:
            if base is None:
                self._popen = self._start(env, other)
            else:
                base._grow(sorted(modules), other)  # noqa: SLF001

    def _start(self, env: Mapping[str, str], other: socket.socket) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, str(_SERVER), str(other.fileno())],
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            cwd=_SERVER.anchor,
            env=dict(env),
            pass_fds=[other.fileno()],
            start_new_session=True,
        )

    def _grow(self, modules: list[str], other: socket.socket) -> None:
        """Let it fork a server that imports modules ahead; where it is gone, that one is gone, too."""
        with self._lock, contextlib.suppress(OSError):
            socket.send_fds(self._socket, [json.dumps({"load": modules}).encode()], [other.fileno()])

    def suits(self, beside: Container[str]) -> bool:
        """Tell whether nothing that it has imported ahead has the name of a local module.

        Raises:
            NoServerError: it cannot fork kernels.
        """
        with self._lock:
            self._await_ready()
        return not any(name in beside for name in self._tops)

    def fork(
        self,
        command: Sequence[str],
        *,
        cwd: Path,
        env: Mapping[str, str],
        folder: Path,
        log: Path,
        memory: int | None,
    ) -> Forked:
        """Fork a kernel; see `process.Spawned`.

        Args:
            command: the kernel's command line, had it been spawned.
            cwd: the folder it starts in.
            env: what its environment has besides that of the server.
            folder: a private folder for what passes between this process and the supervisor.
            log: the file that standard output and error of the process are added to.
            memory: the limit of resident memory of the whole tree, in bytes.

        Raises:
            NoServerError: the server cannot.
        """
        request = {
            "command": list(command),
            "cwd": str(cwd),
            "env": dict(env),
            "supervisor": {"parent": None, "limit": memory, "folder": str(folder)},
        }
        own, other = socket.socketpair()
        with other, log.open("ab") as stream:
            try:
                with self._lock:
                    self._await_ready()
                    socket.send_fds(
                        self._socket, [json.dumps(request).encode()], [other.fileno(), stream.fileno()]
                    )
                other.close()
                return Forked(own)
            except (OSError, NoServerError) as error:
                own.close()
                raise NoServerError(self._fault or f"the fork server is gone: {error}") from error

    def _await_ready(self) -> None:
        """Wait until it has imported what it imports.

        Raises:
            NoServerError: it cannot fork kernels.
        """
        if not self._ready and self._fault is None:
            if not _readable(self._socket, _START):
                self._fault = f"the fork server did not start in {_START:g} s"
            elif text := self._socket.recv(1 << 16):
                told = json.loads(text)
                self._fault, self._tops = told["unfit"], frozenset(told["modules"])
            else:
                self._fault = f"the fork server did not start: {self._said()}"
            self._ready = True
        if self._fault is not None:
            raise NoServerError(self._fault)

    def _said(self) -> str:
        if self._popen is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._popen.wait(_PATIENCE)
        size = self._log.seek(0, os.SEEK_END)
        self._log.seek(max(0, size - _TAIL))
        return self._log.read().decode("utf-8", "replace").strip() or "it said nothing"

    def close(self) -> None:
        """End it; the kernels that it forked stay."""
        with contextlib.suppress(OSError):  # it is gone
            self._socket.shutdown(socket.SHUT_RDWR)  # who waits for it is told, too
        with self._lock:
            self._fault = self._fault or "the fork server was closed"
            if self._popen is not None:
                try:
                    self._popen.wait(_PATIENCE)
                except subprocess.TimeoutExpired:
                    self._popen.kill()
                    self._popen.wait()
            self._socket.close()
            self._log.close()


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
        if not _readable(self._link, seconds):
            raise TimeoutError

    def close(self) -> None:
        """Forget it; once it has ended and nobody waits for that any more."""
        self._link.close()

    def kill(self) -> None:
        """Kill it."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)


def _readable(link: socket.socket, seconds: float | None) -> bool:
    """Wait until something has come, or the other end is closed; False when the time is over."""
    poll = select.poll()
    poll.register(link, select.POLLIN)
    return bool(poll.poll(None if seconds is None else seconds * 1000))
