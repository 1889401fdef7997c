"""A fork server, seen from the process that asks."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pytest_nbrepro.kernels import forked
from pytest_nbrepro.kernels.forked import Forked, NoServerError, Spare, readable

_SERVER = Path(__file__).with_name("server.py")
_START = 60.0  # seconds for a server to start
_PATIENCE = 2.0  # seconds for a server to end
_TAIL = 2048  # bytes of what a server wrote that are quoted


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
        self._lock = threading.RLock()
        self._fault: str | None = None
        self._ready = False
        self._tops: frozenset[str] = frozenset()
        self._popen: subprocess.Popen[bytes] | None = None
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - open as long as the process
        self._spare: Spare | None = None
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
        request = forked.request(command, cwd=cwd, env=env, folder=folder, memory=memory)
        with log.open("ab") as stream:
            own = self._ask(request, stream.fileno())
        try:
            return Forked(own)
        except (OSError, NoServerError) as error:
            own.close()
            raise NoServerError(self._fault or f"the fork server is gone: {error}") from error

    def _ask(self, request: Mapping[str, Any], *descriptors: int) -> socket.socket:
        """Ask for a supervisor with a kernel, and return the way to it.

        Raises:
            NoServerError: the server cannot be asked.
        """
        own, other = socket.socketpair()
        with other:
            try:
                with self._lock:
                    self._await_ready()
                    socket.send_fds(
                        self._socket, [json.dumps(request).encode()], [other.fileno(), *descriptors]
                    )
            except (OSError, NoServerError) as error:
                own.close()
                raise NoServerError(self._fault or f"the fork server is gone: {error}") from error
        return own

    def prepare(self, arguments: Callable[[Path, Path], list[str]]) -> None:
        """Have a kernel forked for a notebook to come, unless one waits already.

        Args:
            arguments: returns the kernel's command line, for a connection file and a configuration.
        """
        with self._lock:
            if self._spare is None and self._fault is None:
                with contextlib.suppress(OSError, NoServerError):  # who asks for a kernel is told
                    self._spare = Spare(self._ask, arguments)

    def take(self) -> Spare | None:
        """Give the kernel away that waits for a notebook, if there is one."""
        with self._lock:
            spare, self._spare = self._spare, None
        return spare

    def _await_ready(self) -> None:
        """Wait until it has imported what it imports.

        Raises:
            NoServerError: it cannot fork kernels.
        """
        if not self._ready and self._fault is None:
            if not readable(self._socket, _START):
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
        """End it; the kernels that it forked stay, but for one that waits for a notebook."""
        if (spare := self.take()) is not None:
            spare.drop()
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
