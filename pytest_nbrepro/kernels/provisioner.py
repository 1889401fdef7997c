"""Forked kernels for other programs: a provisioner of jupyter_client, by the entry point ``nbrepro-forkserver``.

See https://jupyter-client.readthedocs.io/en/stable/provisioning.html. What it forks is IPython's kernel as it is; a kernel of
another interpreter, or of another system than Linux, is spawned as ever. Servers live as long as the process.
"""

from __future__ import annotations

import asyncio
import atexit
import logging
import os
import shutil
import signal
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning.local_provisioner import LocalProvisioner

from pytest_nbrepro.kernels import connection
from pytest_nbrepro.kernels.forked import NoServerError
from pytest_nbrepro.kernels.forking import Server
from pytest_nbrepro.kernels.process import Process

_LAUNCH = ["-m", "ipykernel_launcher"]
_OWN = ("JPY_SESSION_NAME", "JPY_PARENT_PID")  # variables of one kernel
_log = logging.getLogger(__name__)
_servers: dict[frozenset[tuple[str, str]], Server] = {}
_lock = threading.Lock()


class ForkProvisioner(LocalProvisioner):
    """Forks kernels from a server that has imported IPython's kernel."""

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Fork a kernel, or spawn it where it cannot be forked."""
        if sys.platform == "linux" and cmd[0] == sys.executable and cmd[1:3] == _LAUNCH:
            env = {**(kwargs.get("env") or os.environ)}
            try:
                forked = await asyncio.get_running_loop().run_in_executor(
                    None, _fork, cmd, env, kwargs.get("cwd")
                )
            except (OSError, NoServerError) as error:
                _log.warning("the kernel is spawned: %s", error)
            else:
                self.process = forked  # type: ignore[assignment]
                self.pid, self.pgid, self.cwd = forked.pid, None, kwargs.get("cwd")
                return self.connection_info
        return await super().launch_kernel(cmd, **kwargs)


class Forked:
    """A forked kernel, with what jupyter_client wants of a `subprocess.Popen`."""

    stdin = stdout = stderr = None

    def __init__(self, process: Process, folder: Path) -> None:
        self.pid = process.pid
        self.returncode: int | None = None
        self._process = process
        self._folder = folder
        self._waiter = threading.Thread(target=self._follow, name="nbrepro-kernel", daemon=True)
        self._waiter.start()

    def poll(self) -> int | None:
        """Return its exit code; None while it runs."""
        return self.returncode

    def wait(self) -> int:
        """Wait for its end, and return its exit code."""
        self._waiter.join()
        return self.returncode or 0

    def send_signal(self, signum: int) -> None:
        """Interrupt it, or end it with all that came of it; its supervisor knows no other signals."""
        if signum == signal.SIGINT:
            self._process.interrupt()
        elif signum in {signal.SIGTERM, signal.SIGKILL}:
            self._process.end()

    def kill(self) -> None:
        """End it."""
        self._process.end()

    terminate = kill

    def _follow(self) -> None:
        code = self._process.wait().returncode
        self._process.close()
        shutil.rmtree(self._folder, ignore_errors=True)
        self.returncode = -signal.SIGKILL if code is None else code


def _fork(command: list[str], env: Mapping[str, str], cwd: str | None) -> Forked:
    """Fork a kernel from the server of its environment.

    Raises:
        NoServerError: the server cannot.
    """
    shared = {name: text for name, text in env.items() if name not in _OWN}
    own = {name: text for name, text in env.items() if name in _OWN}
    folder = connection.private_folder()
    server = _server(shared)

    def start() -> Any:
        return server.fork(
            command,
            cwd=Path(cwd or Path.cwd()).absolute(),
            env=own,
            folder=folder,
            log=Path(os.devnull),
            memory=None,
        )

    try:
        return Forked(Process(folder, start), folder)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _server(env: Mapping[str, str]) -> Server:
    """Return the server of an environment, started if there is none."""
    key = frozenset(env.items())
    with _lock:
        if key not in _servers:
            _servers[key] = Server(env)
            atexit.register(_servers[key].close)
        return _servers[key]
