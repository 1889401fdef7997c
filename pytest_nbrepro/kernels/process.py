"""A kernel's process tree, seen from pytest: started and ended through its supervisor."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pytest_nbrepro.kernels import supervisor

_PATIENCE = 15.0  # seconds for the supervisor to end; it gives up on what cannot be killed long before


@dataclass(frozen=True)
class Exit:
    """How a kernel's process tree ended.

    `reason` is ``ended`` (the kernel's own doing, or somebody else's), ``stopped`` (ours), ``memory``,
    ``unstartable``, or ``lost`` where the supervisor itself was killed.
    """

    reason: str
    returncode: int | None = None
    peak: int | None = None  # bytes, resident, of the whole tree

    @property
    def signal(self) -> str | None:
        """The name of the signal that ended the kernel, if one did."""
        if self.returncode is None or self.returncode >= 0:
            return None
        try:
            return signal.Signals(-self.returncode).name
        except ValueError:  # a real-time signal
            return f"signal {-self.returncode}"


class Process:
    """A kernel with all that came of it; none of it outlives this process or `end`.

    Args:
        command: the kernel's command line.
        cwd: the folder it starts in.
        env: its whole environment.
        folder: a private folder for what passes between this process and the supervisor; the supervisor
            removes it when this process vanishes.
        log: the file that standard output and error of the process are added to.
        memory: the limit of resident memory of the whole tree, in bytes.

    Raises:
        OSError: not even the supervisor could be started.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        cwd: Path,
        env: Mapping[str, str],
        folder: Path,
        log: Path,
        memory: int | None,
    ) -> None:
        self._exit, self._kernel = folder / supervisor.EXIT, folder / supervisor.KERNEL
        self._exit.unlink(missing_ok=True)
        self._kernel.unlink(missing_ok=True)
        config = folder / "supervisor.json"
        told = {"parent": os.getpid(), "limit": memory, "folder": str(folder)}
        config.write_text(json.dumps(told), encoding="utf-8")
        # where there is /proc it needs nothing of site-packages, and starts twice as fast without them
        flags = ["-I", "-S"] if sys.platform == "linux" else ["-I"]
        with log.open("ab") as stream:
            self._popen = subprocess.Popen(
                [sys.executable, *flags, supervisor.__file__, str(config), "--", *command],
                stdin=subprocess.PIPE,
                stdout=stream,
                stderr=stream,
                cwd=cwd,
                env=dict(env),
                start_new_session=True,
                bufsize=0,
            )
        self._lock = threading.Lock()

    @property
    def pid(self) -> int:
        """The supervisor's process id."""
        return self._popen.pid

    def memory(self) -> int:
        """Return the bytes of resident memory that the kernel and what came of it hold now."""
        return 0 if self._popen.returncode is not None else supervisor.tree(self.pid).memory()

    def interrupt(self) -> None:
        """Send the kernel a SIGINT."""
        self._say(b"i")

    def end(self) -> None:
        """Have everything killed, without waiting for it. From any thread, any number of times."""
        self._say(b"q", close=True)

    def wait(self) -> Exit:
        """Return how it ended, once it has; `end` makes that soon."""
        self._popen.wait()
        self.end()
        if not self._exit.exists():
            self._kill_kernel()
            return Exit("lost", self._popen.returncode)
        told = json.loads(self._exit.read_text(encoding="utf-8"))
        return Exit(told["reason"], told["returncode"], told["peak"])

    def ensure_gone(self) -> Exit:
        """End everything and wait for it; the supervisor itself is killed if it hangs."""
        self.end()
        try:
            self._popen.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            supervisor.kill(supervisor.tree(self.pid).update())
            self._popen.kill()
        return self.wait()

    def _kill_kernel(self) -> None:
        """Kill the kernel and what came of it, where the supervisor was killed before it could."""
        if self._kernel.exists() and (pid := int(self._kernel.read_text("utf-8") or 0)):
            supervisor.kill([*supervisor.tree(pid).update(), pid])

    def _say(self, command: bytes, *, close: bool = False) -> None:
        pipe = self._popen.stdin
        with self._lock:
            if pipe is None or pipe.closed:
                return
            with contextlib.suppress(OSError):  # the supervisor has ended already
                pipe.write(command)
            if close:
                pipe.close()
