"""Fork servers, seen from the process that asks: started ahead, one for each environment that kernels have.

Nothing heavy is imported here: servers start while the process that asks still imports what it needs.
"""

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
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_SERVER = Path(__file__).with_name("server.py")
_POSSIBLE = sys.platform == "linux"
_START = 60.0  # seconds for a server to start
_FORK = 15.0  # seconds for a kernel to be forked; the server answers at once
_PATIENCE = 2.0  # seconds for a server to end
_MOST = 4  # servers at once: each holds some 60 MB
_OFTEN = 2  # kernels with one environment from which on a server is worth its start
_FAILURES = 2  # after which no other server is tried
_TAIL = 2048  # bytes of what a server wrote that are quoted


_Key = frozenset[tuple[str, str]]


class NoServerError(Exception):
    """Kernels cannot be forked; the message says why."""


class Server:
    """One server; usable from any thread.

    Args:
        env: the environment that it has, and its kernels.
    """

    def __init__(self, env: Mapping[str, str]) -> None:
        self._lock = threading.Lock()
        self._fault: str | None = None
        self._ready = False
        self._socket, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - open as long as the process
        with other:
            self._popen = subprocess.Popen(
                [sys.executable, str(_SERVER), str(other.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=self._log,
                stderr=self._log,
                cwd=_SERVER.anchor,
                env=dict(env),
                pass_fds=[other.fileno()],
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._popen.pid

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
            elif told := self._socket.recv(1 << 16):
                self._fault = json.loads(told)["unfit"]
            else:
                self._fault = f"the fork server did not start: {self._said()}"
            self._ready = True
        if self._fault is not None:
            raise NoServerError(self._fault)

    def _said(self) -> str:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._popen.wait(_PATIENCE)
        size = self._log.seek(0, os.SEEK_END)
        self._log.seek(max(0, size - _TAIL))
        return self._log.read().decode("utf-8", "replace").strip() or f"exit code {self._popen.returncode}"

    def close(self) -> None:
        """End it; the kernels that it forked stay."""
        with contextlib.suppress(OSError):  # it is gone
            self._socket.shutdown(socket.SHUT_RDWR)  # who waits for it is told, too
        with self._lock:
            self._fault = self._fault or "the fork server was closed"
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


class Servers:
    """The servers of this process, by the environments that their kernels share; usable from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._servers: dict[_Key, Server] = {}  # the one that was last asked last
        self._asked: Counter[_Key] = Counter()
        self._failed: Counter[_Key] = Counter()

    def expect(self, environs: Sequence[Mapping[str, str]]) -> None:
        """Start servers for the environments that kernels will have, one of each kernel; close those of no use."""
        kinds = {frozenset(env.items()): env for env in environs}
        wanted = Counter(frozenset(env.items()) for env in environs)
        often = [kinds[key] for key, count in wanted.most_common(_MOST) if count >= _OFTEN]
        with self._lock:
            for key in [key for key in self._servers if key not in wanted]:
                self._servers.pop(key).close()
            for env in often if _POSSIBLE else ():
                self._server(env)

    def start(self, env: Mapping[str, str]) -> None:
        """Start a server for an environment that most kernels are likely to have."""
        if _POSSIBLE:
            with self._lock:
                self._server(env)

    def fork(self, common: Mapping[str, str], command: Sequence[str], **told: Any) -> Forked | None:
        """Fork a kernel; see `Server.fork`.

        Args:
            common: what the environment of the kernel shares with others.
            command: the kernel's command line, had it been spawned.
            told: the rest of what `Server.fork` is told.

        Returns:
            None where no server is worth its start.

        Raises:
            NoServerError: no kernel can be forked.
        """
        if not _POSSIBLE:
            return None
        key = frozenset(common.items())
        with self._lock:
            self._asked[key] += 1
            if key not in self._servers and self._asked[key] < _OFTEN:
                return None
            if self._failed[key] >= _FAILURES:
                raise NoServerError(f"{_FAILURES} fork servers failed before")
            server = self._server(common)
        try:
            return server.fork(command, **told)
        except NoServerError:
            with self._lock:
                self._failed[key] += 1
                if self._servers.get(key) is server:
                    del self._servers[key]
            server.close()
            raise

    def close(self) -> None:
        """End all servers."""
        with self._lock:
            while self._servers:
                self._servers.popitem()[1].close()
            self._asked.clear()
            self._failed.clear()

    def _server(self, env: Mapping[str, str]) -> Server:
        key = frozenset(env.items())
        server = self._servers.pop(key, None)
        if server is None:
            while len(self._servers) >= _MOST:
                self._servers.pop(next(iter(self._servers))).close()
            server = Server(env)
        self._servers[key] = server
        return server


SERVERS = Servers()


def _readable(link: socket.socket, seconds: float | None) -> bool:
    """Wait until something has come, or the other end is closed; False when the time is over."""
    poll = select.poll()
    poll.register(link, select.POLLIN)
    return bool(poll.poll(None if seconds is None else seconds * 1000))
