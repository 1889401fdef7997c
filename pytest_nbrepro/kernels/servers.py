"""The fork servers of a process: started ahead, one for what kernels share.

Nothing heavy is imported here: servers start while the process that asks still imports what it needs.
"""

from __future__ import annotations

import contextlib
import sys
import threading
from collections import Counter
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pytest_nbrepro.kernels import preloading
from pytest_nbrepro.kernels.forked import Forked, NoServerError, Spare
from pytest_nbrepro.kernels.forking import Server

_POSSIBLE = sys.platform == "linux"
_MOST = 4  # servers at once that have imported nothing ahead, each holds some 60 MB; and as many that have
_OFTEN = 2  # kernels that share something from which on a server is worth its start
_FAILURES = 2  # after which no other server is tried
_Key = tuple[frozenset[tuple[str, str]], frozenset[str]]  # variables, libraries that are imported ahead
_NOTHING: frozenset[str] = frozenset()


class Wanted(NamedTuple):
    """What a kernel shares with others that come from the same server."""

    env: Mapping[str, str]
    modules: frozenset[str] = frozenset()  # that its notebook imports, and that may be imported ahead

    @property
    def plain(self) -> _Key:
        """What a server has that has imported nothing ahead."""
        return frozenset(self.env.items()), frozenset()

    @property
    def key(self) -> _Key:
        """What a server has whose kernels are as quick as can be, and not larger than they would be anyway."""
        return self.plain[0], preloading.libraries(self.modules)


class Servers:
    """The servers of this process, by what their kernels share; usable from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._servers: dict[_Key, Server] = {}  # the one that was last asked last
        self._asked: Counter[_Key] = Counter()
        self._failed: Counter[_Key] = Counter()
        self._coming: Counter[_Key] = Counter()
        self._more = False

    def expect(self, kernels: Sequence[Wanted], *, more: bool = False) -> None:
        """Start servers for kernels that will come, and close those of no use.

        Args:
            kernels: the next ones.
            more: others come after these.
        """
        if not _POSSIBLE:
            return
        envs = {wanted.plain: wanted.env for wanted in kernels}
        plain = Counter(wanted.plain for wanted in kernels)
        ahead = Counter(wanted.key for wanted in kernels if wanted.modules)
        with self._lock:
            self._coming, self._more = Counter(wanted.key for wanted in kernels), more
            for key in [key for key in self._servers if key not in plain and key not in ahead]:
                self._servers.pop(key).close()
            for key, count in plain.most_common(_MOST):
                if count >= _OFTEN:
                    self._server(key, envs[key])
            for key, count in ahead.most_common(_MOST):
                if count >= _OFTEN and (key[0], _NOTHING) in self._servers:
                    modules = {name for wanted in kernels if wanted.key == key for name in wanted.modules}
                    self._server(key, dict(key[0]), modules)

    def start(self, wanted: Wanted) -> None:
        """Start a server for what most kernels are likely to share."""
        if _POSSIBLE:
            with self._lock:
                self._server(wanted.plain, wanted.env)
                if wanted.modules:
                    self._server(wanted.key, wanted.env, wanted.modules)

    def fork(
        self, wanted: Wanted, command: Sequence[str], *, beside: Container[str] = (), **told: Any
    ) -> Forked | None:
        """Fork a kernel; see `Server.fork`.

        Args:
            wanted: what the kernel shares with others.
            command: the kernel's command line, had it been spawned.
            beside: the names of local modules, which win over those of libraries.
            told: the rest of what `Server.fork` is told.

        Returns:
            None where no server is worth its start.

        Raises:
            NoServerError: no kernel can be forked.
        """
        if not _POSSIBLE:
            return None
        ahead = self._ahead(wanted)
        if ahead is not None:
            try:
                if ahead.suits(beside):
                    return ahead.fork(command, **told)
            except NoServerError:  # one that has imported nothing ahead will do
                self._drop(wanted.key, ahead)
        key = wanted.plain
        with self._lock:
            self._asked[key] += 1
            if key not in self._servers and self._asked[key] < _OFTEN:
                return None
            if self._failed[key] >= _FAILURES:
                raise NoServerError(f"{_FAILURES} fork servers failed before")
            server = self._server(key, wanted.env)
        try:
            return server.fork(command, **told)
        except NoServerError:
            self._drop(key, server)
            raise

    def take(self, wanted: Wanted, beside: Container[str]) -> Spare | None:
        """Give a kernel away that waits for a notebook, where there is one like it; see `fork`."""
        server = self._suitable(wanted, beside)
        return None if server is None else server.take()

    def prepare(
        self, wanted: Wanted, beside: Container[str], arguments: Callable[[Path, Path], list[str]]
    ) -> None:
        """Have a kernel wait for the notebook after one that has just got its own, where another such one will come.

        Args:
            wanted: what the kernel shares with others.
            beside: the names of local modules, which win over those of libraries.
            arguments: see `Server.prepare`.
        """
        with self._lock:
            self._coming[wanted.key] -= 1
            last = self._coming[wanted.key] <= 0 and not self._more
        if not last and (server := self._suitable(wanted, beside)) is not None:
            server.prepare(arguments)

    def _suitable(self, wanted: Wanted, beside: Container[str]) -> Server | None:
        """Return the server that there is for a kernel."""
        ahead = self._ahead(wanted)
        with contextlib.suppress(NoServerError):
            if ahead is not None and ahead.suits(beside):
                return ahead
        with self._lock:
            return self._servers.get(wanted.plain)

    def _ahead(self, wanted: Wanted) -> Server | None:
        with self._lock:
            return self._servers.get(wanted.key) if wanted.modules else None

    def close(self) -> None:
        """End all servers, those that others have forked first."""
        with self._lock:
            for key in sorted(self._servers, key=lambda key: not key[1]):
                self._servers.pop(key).close()
            self._asked.clear()
            self._failed.clear()
            self._coming.clear()
            self._more = False

    def _drop(self, key: _Key, server: Server) -> None:
        with self._lock:
            self._failed[key] += 1
            if self._servers.get(key) is server:
                del self._servers[key]
        server.close()

    def _server(self, key: _Key, env: Mapping[str, str], modules: Iterable[str] = ()) -> Server:
        server = self._servers.pop(key, None)
        if server is None:
            server = Server(env, modules, self._servers[key[0], _NOTHING] if key[1] else None)
            while len(self._servers) >= 2 * _MOST:
                self._servers.pop(next(iter(self._servers))).close()
        self._servers[key] = server
        return server


SERVERS = Servers()
