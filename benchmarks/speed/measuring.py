"""One command, measured with all that comes of it: wall time, CPU time, peak memory of its largest process."""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER of linux/prctl.h
_LATE = 20.0  # seconds for processes that the command left behind


@dataclass(frozen=True)
class Cost:
    """What a command took."""

    wall: float  # seconds until it ended
    cpu: float  # seconds of it and all processes that came of it, also those that outlived it
    peak: float  # MB, the largest of them all
    failed: int = 0  # how often it was run again, after it had failed


class FailedError(RuntimeError):
    """A command failed."""


def adopt() -> None:
    """Let processes whose parents are gone become children of this one, so that their time is counted."""
    ctypes.CDLL(None, use_errno=True).prctl(_SUBREAPER, 1, 0, 0, 0)


def cost(command: Sequence[str], folder: Path, env: Mapping[str, str], *, ok: Sequence[int] = (0,)) -> Cost:
    """Run a command in a process of its own that only measures it.

    Raises:
        FailedError: it ends with something else than `ok`.
    """
    with (folder.parent / f"{folder.name}.log").open("w+") as log:
        read, write = os.pipe()
        pid = os.fork()
        if pid == 0:  # a process of its own: counts of children are never set back
            os.close(read)
            os.write(write, _measured(command, folder, env, log.fileno()).encode())
            os._exit(0)
        os.close(write)
        with os.fdopen(read) as told:
            text = told.read()
        os.waitpid(pid, 0)
        code, wall, cpu, peak = text.split()
        if int(code) not in ok:
            log.seek(0)
            raise FailedError(f"{' '.join(command)} ended with {code}:\n{log.read()[-4000:]}")
    return Cost(float(wall), float(cpu), float(peak))


def _measured(command: Sequence[str], folder: Path, env: Mapping[str, str], log: int) -> str:
    adopt()
    start = time.perf_counter()
    done = subprocess.run(
        command, cwd=folder, env=dict(env), stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=False
    )
    wall = time.perf_counter() - start
    deadline = time.monotonic() + _LATE
    with contextlib.suppress(ChildProcessError):
        while time.monotonic() < deadline:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                time.sleep(0.01)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return f"{done.returncode} {wall} {used.ru_utime + used.ru_stime} {used.ru_maxrss / 1024}"
