"""The fork server: a process that has imported IPython's kernel and forks a kernel for each request.

A script of the standard library alone, run by the interpreter that the kernels have, with their environment::

    python server.py SOCKET

`SOCKET` is the number of one end of a pair, whose other end is in the process that asks. A request is one message
in JSON, with two descriptors: the one end of a pair of sockets for the kernel's supervisor, and the kernel's log; a third,
where the kernel is forked ahead, is the way on which it gets its notebook (see `turn.py`). What is
forked is a supervisor, which forks the kernel: so the kernel is its child, as one that is spawned, and the supervisor keeps to
`supervisor.py` from there on. It first tells its process id to its end. A kernel whose command launches ipykernel is
IPython's own, any other runs `child.py`.

Another request, ``{"load": [...]}``, forks a server that imports modules ahead (see `hidden.py`); its one descriptor is
the end of a pair for that server. A server ends when the process that asks does.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Mapping
from typing import Any

_SIBLINGS = ("child", "supervisor", "hidden", "effects", "turn")
_OF_SUPERVISORS = "resource"  # a module of theirs that a new kernel has not imported
_MOST = 3  # descriptors that come with a request
_LARGEST = 1 << 20  # bytes of a request
_LAST = 0.1  # seconds for supervisors to end whose kernels have, when nobody asks any more
_LAUNCH = ["-m", "ipykernel_launcher"]
_INLINE = "module://matplotlib_inline.backend_inline"
_TASKS = "/proc/self/task"
_OPEN = "/proc/self/fd"
# what IPython's kernel imports on its start, before a notebook's folder is one to import from
_EARLY = (
    "IPython.core.completerlib",
    "IPython.core.debugger",
    "IPython.core.logger",
    "IPython.core.oinspect",
    "IPython.extensions.storemagic",
    "ipykernel.debugger",
    "faulthandler",
    "ipykernel.ipkernel",
    "sqlite3",
    "tornado.platform.asyncio",
)


def siblings() -> tuple[Any, ...]:
    """Return the modules beside this file that are needed, kept out of `sys.modules` and of the path."""
    here = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120
    if here not in sys.path[:1]:  # in Python's safe-path mode
        sys.path.insert(0, here)
    absent = {*_SIBLINGS, _OF_SUPERVISORS} - sys.modules.keys()
    try:
        return tuple(map(importlib.import_module, _SIBLINGS))
    finally:
        sys.path.remove(here)
        for name in absent:
            sys.modules.pop(name, None)


class Server:
    """Forks kernels.

    Args:
        asked: the way to the process that asks.
    """

    def __init__(self, asked: socket.socket) -> None:
        self._asked = asked
        self._child, self._supervisor, self._ahead, self._effects, self._turn = siblings()
        self._child.__name__ = self._child.NAME
        sys.modules[self._child.NAME] = self._child
        self._hidden: Any = None
        self._child.application.load()
        with self._child.application.without_debugger():
            for name in _EARLY:
                with contextlib.suppress(ImportError):  # of another version
                    importlib.import_module(name)
        _warm()

    def serve(self) -> bool:
        """Fork a kernel for each request.

        Returns:
            True in a kernel, which is to start; False in the server, when nobody asks any more.
        """
        _freeze()
        signal.signal(signal.SIGCHLD, lambda *_: _reap())
        self._tell({"unfit": self.unfit(), "modules": []})
        while True:
            data, descriptors = b"", list[int]()
            with contextlib.suppress(ConnectionError):
                data, descriptors, _, _ = socket.recv_fds(self._asked, _LARGEST, _MOST)
            if not data:
                _reap(_LAST)
                return False
            request = json.loads(data)
            if "load" in request:
                self._grow(request["load"], descriptors)
            elif self._fork(request, *descriptors):
                return True
            for descriptor in descriptors:
                os.close(descriptor)

    def unfit(self) -> str | None:
        """Return why kernels cannot be forked from this process; None where they can."""
        if threads := _foreign_threads():
            return f"{threads} threads run in a Python that has only imported modules"
        known = {0, 1, 2, self._asked.fileno()}
        foreign = sorted(number for number in _descriptors() if number not in known)
        if foreign:
            return f"files are open in a Python that has only imported modules: {foreign}"
        return None

    def _tell(self, told: dict[str, Any]) -> None:
        with contextlib.suppress(OSError):  # nobody asks any more, which ends `serve`
            self._asked.send(json.dumps(told).encode())

    def _fork(self, request: dict[str, Any], link: int, log: int, way: int | None = None) -> bool:
        """Fork a supervisor, and from that a kernel; True in the kernel alone."""
        if os.fork():
            return False
        os.setsid()
        os.close(self._asked.detach())  # a socket that is forgotten would close what has its number by then
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.dup2(log, 1)
        os.dup2(log, 2)
        started, starting = os.pipe()
        kernel = os.fork()
        if not kernel:
            os.setsid()  # before the process id is told, since its group is what gets signals
            _become(request, way)
            if way is not None:
                self._child.turn = self._turn.Turn(way)
            renew({**sys.modules, **self._hidden.modules} if self._hidden else sys.modules)
            return True
        os.close(starting)
        os.read(started, 1)
        os.dup2(link, 0)
        _close_all()
        with contextlib.suppress(OSError):  # who asked is gone, which the supervisor finds out
            os.write(0, b"%d\n" % os.getpid())
        code = self._supervisor.Supervisor(request["supervisor"]).run(_Forked(kernel))
        with contextlib.suppress(OSError):  # who asked need not wait until this process is taken apart
            socket.socket(fileno=0).shutdown(socket.SHUT_RDWR)
        os._exit(code)

    def _grow(self, names: list[str], descriptors: list[int]) -> None:
        """Fork a server that has imported modules ahead, and be that in the new process."""
        if os.fork():
            return
        os.close(self._asked.detach())
        self._asked = socket.socket(fileno=descriptors.pop())
        self._child.ahead = self._hidden = self._ahead.Hidden()
        unset = "MPLBACKEND" not in os.environ
        os.environ.setdefault("MPLBACKEND", _INLINE)  # as IPython's kernel does before a notebook's code runs
        try:
            self._hidden.load(names)
            unfit = None
        except self._effects.UnfitError as error:
            unfit = str(error)
        if unset:
            del os.environ["MPLBACKEND"]
        _freeze()
        tops = sorted({name.partition(".")[0] for name in self._hidden.modules})
        self._tell({"unfit": unfit or self.unfit(), "modules": tops})

    def start(self) -> None:
        """Run the kernel in this process."""
        if sys.orig_argv[1:3] == _LAUNCH:
            del sys.modules[self._child.NAME]
            self._child.application.launch(sys.orig_argv[3:])
        else:
            self._child.main()


class _Forked:
    """A kernel as its supervisor has it; see `supervisor.Kernel`."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None


def _become(request: dict[str, Any], way: int | None) -> None:
    """Make this process what the kernel would be if it had been spawned, but for the way to it."""
    _close_all(but=way)
    os.chdir(request["cwd"])
    os.environ.update(request["env"])
    os.environ["JPY_PARENT_PID"] = str(os.getppid())
    sys.orig_argv = [*request["command"]]
    sys.argv = request["command"][1:]


def renew(modules: Mapping[str, Any]) -> None:
    """Let this process have secrets, identifiers and random numbers of its own; `random` sees to that itself."""
    processes = modules.get("multiprocessing.process")
    if processes is not None:
        key = processes.AuthenticationString(os.urandom(32))
        processes.current_process()._config["authkey"] = key  # noqa: SLF001
    uuid = modules.get("uuid")
    if uuid is not None:
        uuid._node = uuid._last_timestamp = None  # noqa: SLF001
    numpy = modules.get("numpy.random")
    if numpy is not None:
        numpy.seed()


def _warm() -> None:
    """Have made what every shell looks up: the patterns by which IPython reads a cell, the colours of a traceback."""
    with contextlib.suppress(Exception):  # another version, whose kernels make them themselves
        reader = importlib.import_module("IPython.core.inputtransformer2").TransformerManager()
        reader.transform_cell("f(0)\n")
        importlib.import_module("IPython.core.prefilter").PrefilterManager()
        importlib.import_module("IPython.core.completer").IPCompleter(namespace={}, global_namespace={})
        colors = importlib.import_module("IPython.core.interactiveshell").InteractiveShell.colors
        importlib.import_module("IPython.utils.PyColorize").theme_table[colors.default_value]


def _freeze() -> None:
    """Keep what there is out of all collections of garbage: half of what a small kernel does would be these."""
    absent = "gc" not in sys.modules  # as in a new kernel
    collector = importlib.import_module("gc")
    if absent:
        del sys.modules["gc"]
    collector.collect()
    collector.freeze()


def _foreign_threads() -> int:
    """Return how many threads there are that a fork does not end: linear algebra ends its own, and starts anew."""
    if not (pid := os.fork()):
        os._exit(0)
    with contextlib.suppress(ChildProcessError):  # collected when its end was told
        os.waitpid(pid, 0)
    deadline = time.monotonic() + _LAST
    while (threads := len(os.listdir(_TASKS)) - 1) and time.monotonic() < deadline:  # noqa: PTH208
        time.sleep(_LAST / 20)
    return threads


def _reap(seconds: float = 0.0) -> None:
    """Collect the supervisors that have ended, so that the time they took counts as this process's.

    Args:
        seconds: how long to wait for those that are about to end.
    """
    deadline = time.monotonic() + seconds
    with contextlib.suppress(ChildProcessError):  # none is left
        while os.waitpid(-1, os.WNOHANG)[0] or time.monotonic() < deadline:
            time.sleep(seconds / 20)


def _descriptors() -> list[int]:
    """Return what is open."""
    listed = map(int, os.listdir(_OPEN))  # noqa: PTH208  # which opens one that is closed again
    return [number for number in listed if os.path.lexists(f"{_OPEN}/{number}")]


def _close_all(but: int | None = None) -> None:
    """Close all but the standard streams, and one."""
    for number in _descriptors():
        if number > 2 and number != but:
            os.close(number)


def main(arguments: list[str]) -> None:
    """Serve, and become a kernel when one is asked for."""
    number = int(arguments[0])
    os.set_inheritable(number, False)
    server = Server(socket.socket(fileno=number))
    if server.serve():
        server.start()
    else:
        os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1:])
