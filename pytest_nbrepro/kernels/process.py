"""A kernel's process tree, seen from pytest: started and ended through its supervisor."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

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


class Link(Protocol):
    """The way to a supervisor, and what is known of it."""

    @property
    def pid(self) -> int:
        """The supervisor's process id."""

    def write(self, command: bytes) -> None:
        """Tell it something.

        Raises:
            OSError: it has ended.
        """

    def hang_up(self) -> None:
        """Tell it nothing any more, which ends it; once."""

    def wait(self, seconds: float | None) -> int | None:
        """Wait for its end; the exit code where that is known.

        Raises:
            TimeoutError: it did not end.
        """

    def kill(self) -> None:
        """Kill it."""

    def close(self) -> None:
        """Forget it; once it has ended and nobody waits for that any more."""


class Process:
    """A kernel with all that came of it; none of it outlives this process or `end`.

    Args:
        folder: a private folder for what passes between this process and the supervisor; the supervisor
            removes it when this process vanishes.
        start: starts the supervisor, or begins with one that has been started.

    Raises:
        OSError: not even the supervisor could be started.
    """

    def __init__(self, folder: Path, start: Callable[[], Link]) -> None:
        self._exit, self._kernel = folder / supervisor.EXIT, folder / supervisor.KERNEL
        self._link = start()
        self._lock = threading.Lock()
        self._ending = self._ended = False

    @staticmethod
    def forget(folder: Path) -> None:
        """Remove what an earlier one left in a folder that is used again."""
        for name in (supervisor.EXIT, supervisor.KERNEL):
            (folder / name).unlink(missing_ok=True)

    @property
    def pid(self) -> int:
        """The supervisor's process id."""
        return self._link.pid

    def memory(self) -> int:
        """Return the bytes of resident memory that the kernel and what came of it hold now."""
        return 0 if self._ended else supervisor.tree(self.pid).memory()

    def interrupt(self) -> None:
        """Send the kernel a SIGINT."""
        self._say(b"i")

    def end(self) -> None:
        """Have everything killed, without waiting for it. From any thread, any number of times."""
        self._say(b"q", last=True)

    def wait(self) -> Exit:
        """Return how it ended, once it has; `end` makes that soon."""
        code = self._link.wait(None)
        self._ended = True
        self.end()
        if not self._exit.exists():
            self._kill_kernel()
            return Exit("lost", code)
        told = json.loads(self._exit.read_text(encoding="utf-8"))
        return Exit(told["reason"], told["returncode"], told["peak"])

    def ensure_gone(self) -> Exit:
        """End everything and wait for it; the supervisor itself is killed if it hangs."""
        self.end()
        try:
            self._link.wait(_PATIENCE)
        except TimeoutError:
            supervisor.kill(supervisor.tree(self.pid).update())
            self._link.kill()
        return self.wait()

    def close(self) -> None:
        """Forget it; once it is gone and nobody waits for that any more."""
        self._link.close()

    def _kill_kernel(self) -> None:
        """Kill the kernel and what came of it, where the supervisor was killed before it could."""
        if self._kernel.exists() and (pid := int(self._kernel.read_text("utf-8") or 0)):
            supervisor.kill([*supervisor.tree(pid).update(), pid])

    def _say(self, command: bytes, *, last: bool = False) -> None:
        with self._lock:
            if self._ending:
                return
            with contextlib.suppress(OSError):  # the supervisor has ended already
                self._link.write(command)
            if last:
                self._ending = True
                self._link.hang_up()


class Spawned:
    """A supervisor that is started as a script, and spawns the kernel.

    Args:
        command: the kernel's command line.
        cwd: the folder it starts in.
        env: its whole environment.
        folder: a private folder for what passes between this process and the supervisor.
        log: the file that standard output and error of the process are added to.
        memory: the limit of resident memory of the whole tree, in bytes.
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
        assert self._popen.stdin is not None  # noqa: S101 - it was asked for
        self._pipe = self._popen.stdin
        self.pid = self._popen.pid
        self.kill = self._popen.kill
        self.hang_up = self._pipe.close

    def write(self, command: bytes) -> None:
        """Tell it something."""
        self._pipe.write(command)

    def close(self) -> None:
        """Forget it; nothing is open any more."""

    def wait(self, seconds: float | None) -> int:
        """Wait for its end."""
        try:
            return self._popen.wait(seconds)
        except subprocess.TimeoutExpired:
            raise TimeoutError from None
