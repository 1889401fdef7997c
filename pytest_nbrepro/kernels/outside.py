"""Inside the kernel: what cells ask of the world outside of the run: lists of files, other machines.

Loaded by `child.py` from its own folder, by path, in any Python from 3.9 on: the standard library alone.
"""

from __future__ import annotations

import errno
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_nbrepro.kernels.tracing import Tracer


class Outside:
    """Notes audit events (see `sys.addaudithook`); each method is called by the hook, which the system calls.

    Args:
        tracer: tells whose code it is.
        note: called with what was seen and where, in words, once for each cell and kind.
        blocked: other machines are out of reach for the notebook.
    """

    def __init__(self, tracer: Tracer, note: Callable[[str, str], None], *, blocked: bool = False) -> None:
        self.events: dict[str, Callable[..., Any]] = {
            "os.listdir": self._list,
            "os.scandir": self._list,
            "socket.connect": self._connect,
            "socket.getaddrinfo": self._resolve,
        }
        self._tracer = tracer
        self._note = note
        self._blocked = blocked
        self._told: set[str] = set()

    def begin(self) -> None:
        """Begin a cell."""
        self._told.clear()

    def _list(self, *_: object) -> tuple[()]:
        """Note that the notebook's own code lists a folder: the system gives no order, and sorting cannot be seen."""
        if "listing" not in self._told:
            culprit = self._tracer.culprit(sys._getframe(2), through_libraries=False)  # noqa: SLF001
            if culprit is not None:
                self._told.add("listing")
                self._note("listing", self._tracer.place(culprit))
        return ()

    def _connect(self, _socket: object, address: object) -> tuple[()]:
        return self._reach(address[0]) if isinstance(address, tuple) and address else ()

    def _resolve(self, host: object, *_: object) -> tuple[()]:
        return self._reach(host)

    def _reach(self, host: object) -> tuple[()]:
        """Note that something that a cell does reaches for another machine, the first of a cell.

        Raises:
            OSError: machines are out of reach.
        """
        if "network" in self._told and not self._blocked:
            return ()
        culprit = self._tracer.beneath(sys._getframe(3))  # noqa: SLF001
        if culprit is None:
            return ()
        if "network" not in self._told:
            self._told.add("network")
            name = host.decode("ascii", "replace") if isinstance(host, bytes) else str(host)
            self._note("network", f"{self._tracer.place(culprit)}: {name}")
        if self._blocked:
            raise OSError(errno.ENETUNREACH, "nbrepro: the network is blocked in this experiment")
        return ()
