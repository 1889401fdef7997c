"""The start of the process that runs notebooks for another one.

`driver` starts it as a script::

    python -P serving.py SOCKET COUNT BY_MEMORY FORK THREADS

`SOCKET` is the number of its end of the wire; the others are the room it has, as numbers.
"""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path


def main(arguments: list[str]) -> None:
    """Serve until the other end is gone."""
    root = str(Path(__file__).parents[2])
    if root not in sys.path:  # the other process has found the package in a way of its own
        sys.path.append(root)
    from pytest_nbrepro import lean

    number, count, by_memory, fork, threads = map(int, arguments)
    if fork:  # its imports take as long as ours
        _start_server(threads or None)
    lean.shed()
    from pytest_nbrepro.executors.base import Room
    from pytest_nbrepro.executors.service import Service
    from pytest_nbrepro.executors.wire import Wire

    os.set_inheritable(number, False)
    Service(Wire(socket.socket(fileno=number)), Room(count, bool(by_memory))).serve()


def _start_server(threads: int | None) -> None:
    """Start the fork server for notebooks whose annotations set no environment and no seed."""
    from pytest_nbrepro.kernels import connection, servers

    servers.SERVERS.start(servers.Wanted(connection.shared(os.environ, {}, None, threads)))


if __name__ == "__main__":
    main(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # nothing is left to be done; taking all modules down would take 0.1 s
