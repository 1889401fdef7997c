"""What there is of the machine for this process: processors and free memory, within the limits of its control group.

Only groups of version 2 are asked; see https://docs.kernel.org/admin-guide/cgroup-v2.html.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

_GROUPS = Path("/sys/fs/cgroup")
_MINE = Path("/proc/self/cgroup")


def cpus() -> int:
    """Return how many processors this process may use, at least 1."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min([allowed, *_quotas()]))


def available() -> int:
    """Return how many bytes of memory can be taken without swapping."""
    import psutil

    return min([psutil.virtual_memory().available, *_left()])


def _quotas() -> Iterator[int]:
    """Yield the shares of processors that the groups grant, in whole ones."""
    for group in _groups():
        with contextlib.suppress(OSError, ValueError):  # no limit ("max"), or no such control
            quota, period = (group / "cpu.max").read_text("ascii").split()
            yield int(quota) // int(period)


def _left() -> Iterator[int]:
    """Yield what the groups' limits leave; what they hold of files can be dropped at any time."""
    for group in _groups():
        with contextlib.suppress(OSError, ValueError, KeyError):  # no limit ("max"), or no such control
            limit, used = (int((group / f"memory.{name}").read_text("ascii")) for name in ("max", "current"))
            lines = (group / "memory.stat").read_text("ascii").splitlines()
            cached = int(dict(line.split() for line in lines)["inactive_file"])
            yield max(0, limit - max(0, used - cached))


def _groups() -> Iterator[Path]:
    """Yield the control group of this process and those above it."""
    with contextlib.suppress(OSError):  # no Linux
        for line in _MINE.read_text("utf-8").splitlines():
            if line.startswith("0::"):
                group = _GROUPS / line.removeprefix("0::").lstrip("/")
                yield group
                yield from (above for above in group.parents if above.is_relative_to(_GROUPS))
