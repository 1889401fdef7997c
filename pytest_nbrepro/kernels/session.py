"""A kernel from its start to its end, for the event loop of one run."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import threading
import time
from collections.abc import Container, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pytest_nbrepro.kernels import connection, covering, faults, preloading, threads
from pytest_nbrepro.kernels.forked import CONFIG, NoServerError, Spare
from pytest_nbrepro.kernels.process import Exit, Link, Process, Spawned
from pytest_nbrepro.kernels.request import Request
from pytest_nbrepro.kernels.servers import SERVERS, Wanted
from pytest_nbrepro.kernels.showing import KEPT
from pytest_nbrepro.kernels.specs import OWN, Kernel

if TYPE_CHECKING:
    from pytest_nbrepro.kernels.client import Connection

T = TypeVar("T")

_ATTEMPTS = 2
_START = 60.0  # seconds for a kernel to answer
_LEAVE = 5.0  # seconds for a kernel to end by itself, as Jupyter gives it
_QUIET = 0.1  # seconds without output after which a kernel that is gone has said all
_QUIET_LONGEST = 2.0


class Session:
    """One kernel; usable only in the loop it was made in, but for `stop`.

    Args:
        request: the run.
        kernel: what to start.

    Raises:
        OSError: there is no place for a private folder.
    """

    def __init__(self, request: Request, kernel: Kernel) -> None:
        self.kernel = kernel
        self.connection: Connection
        self.cell: int | None = None  # the index of the cell that runs, for what is told of the end
        self.log = request.folder / "kernel.log"
        outer = request.environ
        extra = {**kernel.environment(outer), **request.env}
        extra |= threads.divided(request.threads, {**outer, **extra})
        root = None if kernel.ipython else request.work
        self._extra = extra
        self._forkable = request.fork and kernel is OWN
        self._request = request
        self._spare = self._taken()
        self.folder = connection.private_folder() if self._spare is None else self._spare.folder
        self.journal = self.folder / "journal"
        self.measured = self.folder / "coverage"
        self._env, self.chosen = connection.environment(outer, extra, self.folder, request.seed, root)
        self.thread_limit = threads.limit(self._env)
        self._bytecode = "PYTHONDONTWRITEBYTECODE" not in {**outer, **extra}
        self.notes: list[str] = []
        self._loop = asyncio.get_running_loop()
        self._deadline = None if request.timeout is None else time.monotonic() + request.timeout
        self._stopped: asyncio.Future[None] = self._loop.create_future()
        self._gone: asyncio.Future[Exit] = self._loop.create_future()
        self._fork = self._forkable  # the first time; then it is spawned
        self._lock = threading.Lock()  # between `stop` and starting
        self._stopping = False
        self._process: Process | None = None
        self._watcher: threading.Thread | None = None
        self._connected = False
        self._exit: Exit | None = None

    async def open(self) -> dict[str, Any]:
        """Start the kernel and return what it tells of itself.

        A kernel that dies before it has answered is started once more: where it has TCP ports, another
        process may have taken one, and one that waited may have been killed meanwhile, or its supervisor.

        Raises:
            Halt: it did not start.
        """
        why = ""
        for _ in range(_ATTEMPTS):
            self._launch()
            # imported while the kernel starts: it takes as long
            from pytest_nbrepro.kernels.client import Connection

            self.connection = Connection(self._path, control=not self.kernel.ipython)
            self._connected = True
            ready = asyncio.ensure_future(self.connection.ready())
            try:
                left = self.left(_START)
                done = await self._wait(ready, left)
                if done:
                    self._prepare()
                    return ready.result()
                why = f"no answer in {left:g} s"
                if not self._gone.done():
                    break
                gone = self._gone.result()
                why = f"it ended with {gone.signal or f'exit code {gone.returncode}'}"
                if gone.reason not in {"ended", "lost"}:
                    why = gone.reason
                    break
            finally:
                await cancel(ready)
            self._disconnect()
        raise faults.not_started(why, self.kernel.name, self.log)

    async def until(self, task: asyncio.Future[Any], seconds: float | None) -> bool:
        """Wait for a task; False when the time is over, and the task goes on.

        Raises:
            Halt: the kernel is gone, or the run was stopped.
        """
        done = await self._wait(task, seconds)
        if not done and self._gone.done():
            raise faults.died(self._gone.result(), self.cell, self._request.memory, self.log)
        return done

    async def within(self, work: Coroutine[Any, Any, T], seconds: float | None) -> T:
        """Return the result of `work`.

        Raises:
            TimeoutError: the time is over; `work` is cancelled.
            Halt: the kernel is gone, or the run was stopped.
        """
        task = asyncio.ensure_future(work)
        try:
            if not await self.until(task, seconds):
                raise TimeoutError
            return task.result()
        finally:
            await cancel(task)

    def left(self, seconds: float | None) -> float | None:
        """Return the shorter of a limit and what is left of the run's time."""
        if self._deadline is None:
            return seconds
        rest = max(0.0, self._deadline - time.monotonic())
        return rest if seconds is None else min(rest, seconds)

    def interrupt(self) -> None:
        """Interrupt the cell that runs."""
        if self.kernel.message_interrupt:
            self.connection.interrupt()
        elif self._process is not None:
            self._process.interrupt()

    def memory(self) -> int:
        """Return the bytes of resident memory that the kernel and its processes hold. From any thread."""
        return 0 if self._process is None else self._process.memory()

    def stop(self) -> None:
        """Kill the kernel at once and end every wait. From any thread."""
        with self._lock:
            self._stopping = True
            if self._process is not None:
                self._process.end()
        with contextlib.suppress(RuntimeError):  # the loop has ended: there is no wait left
            self._loop.call_soon_threadsafe(self._set_stopped)

    async def leave(self) -> Exit | None:
        """Have the kernel end by itself, so that files which the notebook left open are written out.

        Returns:
            How it ended; None if it did not.
        """
        await self.connection.drain()
        if self.kernel.ipython:
            self.connection.tell("leave()")
        else:
            self.connection.client.shutdown()
        ends: set[asyncio.Future[Any]] = {self._gone, self._stopped}
        await asyncio.wait(ends, timeout=_LEAVE, return_when=asyncio.FIRST_COMPLETED)
        return self._gone.result() if self._gone.done() else None

    def close(self) -> Exit | None:
        """Kill what is left, close everything, and return how the kernel ended, if it ever started."""
        self._disconnect()
        if self._spare is not None:  # the run was stopped before it began
            self._spare.end()
        if not self.log.exists() or self.log.stat().st_size:
            return self._exit
        self.log.unlink()
        return self._exit

    def _launch(self) -> None:
        (self.folder / CONFIG).write_text(json.dumps(self._told()), encoding="utf-8")
        with self._lock:
            if self._stopping:
                raise faults.interrupted(None)
            self._gone = self._loop.create_future()
            try:
                self._process = self._waited() or self._new()
            except OSError as error:
                raise faults.not_started(str(error), self.kernel.name, self.log) from error
        self._watcher = threading.Thread(target=self._watch, args=(self._process, self._gone), daemon=True)
        self._watcher.start()

    def _new(self) -> Process:
        """Start a kernel."""
        Process.forget(self.folder)
        self._path = connection.connect(self.folder, sockets=self.kernel.ipython)
        command = self.kernel.arguments(self._path, self.folder / CONFIG)
        return Process(self.folder, lambda: self._started(command))

    def _taken(self) -> Spare | None:
        """Take a kernel that waits for a notebook, where there is one that is as this one's would be."""
        # one that knows no notebook yet has its folders from us, and no limit
        own = any(name in self._extra for name in connection.FRESH)
        if not self._forkable or own or self._request.memory is not None:
            return None
        try:
            return SERVERS.take(self._wanted, self._beside)
        except OSError:  # the notebook's folder cannot be read: told when a kernel is to start in it
            return None

    def _waited(self) -> Process | None:
        """Let the kernel begin that has waited for this notebook, where there is one; once."""
        spare, self._spare = self._spare, None
        if spare is None:
            return None
        try:
            process = Process(self.folder, lambda: spare.begin(self._request.cwd, self.log))
        except NoServerError:  # a new one will do
            return None
        self._path, self._fork = spare.connection, False
        return process

    def _prepare(self) -> None:
        """Have a kernel wait for the next notebook, while this one runs."""
        if self._forkable:
            SERVERS.prepare(self._wanted, self._beside, self.kernel.arguments)

    @functools.cached_property
    def _wanted(self) -> Wanted:
        code = [cell["source"] for cell in self._request.notebook["cells"] if cell["cell_type"] == "code"]
        # threads are divided by now
        common = connection.shared(self._request.environ, self._extra, self._request.seed, None)
        return Wanted(common, preloading.needs(map("".join, code), self._folders))

    @functools.cached_property
    def _beside(self) -> Container[str]:
        return preloading.beside(self._folders)

    @property
    def _folders(self) -> set[Path]:
        return {self._request.cwd, self._request.work}

    def _started(self, command: list[str]) -> Link:
        """Start the kernel's supervisor: by a fork server where there is one, the first time."""
        request = self._request
        fork, self._fork = self._fork, False
        if fork:
            try:
                forked = SERVERS.fork(
                    self._wanted,
                    command,
                    beside=self._beside,
                    cwd=request.cwd,
                    env={name: self._env[name] for name in connection.FRESH},
                    folder=self.folder,
                    log=self.log,
                    memory=request.memory,
                )
                if forked is not None:
                    return forked
            except NoServerError as error:
                self.notes.append(f"its kernel was spawned, since none could be forked: {error}")
        return Spawned(
            command,
            cwd=request.cwd,
            env=self._env,
            folder=self.folder,
            log=self.log,
            memory=request.memory,
        )

    def _told(self) -> dict[str, Any]:
        """Return the configuration of the script inside the kernel."""
        request, coverage = self._request, self._request.coverage
        return {
            "work": str(request.work),
            "root": str(request.work),
            "project": str(request.project),
            "folder": str(request.folder),
            "journal": str(self.journal),
            "kept": str(request.folder / KEPT),
            "seed": request.seed,
            "forced": dict(request.forced),
            "bytecode": self._bytecode,
            "coverage": None
            if coverage is None
            else {
                "config_file": coverage.config_file,
                "source": covering.sources(coverage.source, request.work, request.project),
                "branch": coverage.branch,
                "data_file": str(self.measured),
            },
        }

    def _watch(self, process: Process, gone: asyncio.Future[Exit]) -> None:
        self._loop.call_soon_threadsafe(gone.set_result, process.wait())

    def _set_stopped(self) -> None:
        if not self._stopped.done():
            self._stopped.set_result(None)

    async def _wait(self, task: asyncio.Future[Any], seconds: float | None) -> bool:
        """Wait until the task is done, the kernel gone, the run stopped or the time over."""
        waiting = {task, self._gone, self._stopped}
        await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        if self._stopped.done():
            raise faults.interrupted(self.cell)
        if self._gone.done() and not task.done():
            await self._last_words(task)
        return task.done()

    async def _last_words(self, task: asyncio.Future[Any]) -> None:
        """Let what the kernel had sent before it went arrive."""
        start = time.monotonic()
        while not task.done() and time.monotonic() - start < _QUIET_LONGEST:
            await asyncio.wait({task}, timeout=_QUIET / 5)
            if time.monotonic() - max(start, self.connection.last_heard) > _QUIET:
                return

    def _disconnect(self) -> None:
        """End the kernel that was started, if one was, and close the sockets to it."""
        if self._process is not None and self._watcher is not None:
            self._exit = self._process.ensure_gone()
            self._watcher.join()
            self._process.close()
            self._process = None
        if self._connected:
            self.connection.close()
            self._connected = False


async def cancel(task: asyncio.Future[Any]) -> None:
    """Cancel a task and wait until it has ended, however it does; nothing where it has already."""
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
