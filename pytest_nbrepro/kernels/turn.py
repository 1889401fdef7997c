"""Inside a kernel that was forked ahead: it waits for its notebook, and then is where and what it would be otherwise.

Loaded by `server.py` from its own folder, by path. What IPython has initialised by then knows of a notebook the folder that
it begins in, and the log of its process: both are set right.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import time
from pathlib import Path
from typing import Any

_LARGEST = 1 << 16  # bytes of a message
_LONGEST = 5.0  # seconds for a supervisor to end a kernel that has no notebook
_OPEN = "/proc/self/fd"


class Turn:
    """The wait of a kernel, whose standard streams are files yet.

    Args:
        way: the descriptor of a socket, whose other end tells the notebook's folder, and hands over the log.
    """

    def __init__(self, way: int) -> None:
        self._way = socket.socket(fileno=way)
        self._log = os.fstat(2)

    def wait(self, shell: Any) -> None:
        """Wait for the notebook, and move to its folder with the shell; where none will come, the process ends."""
        with self._way:
            data, logs, _, _ = socket.recv_fds(self._way, _LARGEST, 1)
        if not data:
            time.sleep(_LONGEST)  # its supervisor ends it, and removes its folder
            os._exit(0)
        os.chdir(json.loads(data)["cwd"])
        for number in map(int, os.listdir(_OPEN)):  # noqa: PTH208
            with contextlib.suppress(OSError):  # the one that listed them is closed
                if os.path.samestat(os.fstat(number), self._log):
                    os.dup2(logs[0], number, os.get_inheritable(number))
        os.close(logs[0])
        shell.starting_dir = os.getcwd()  # noqa: PTH109 - a string, as IPython has it
        with contextlib.suppress(AttributeError):  # of another version
            shell.history_manager.dir_hist[:] = [Path.cwd()]
