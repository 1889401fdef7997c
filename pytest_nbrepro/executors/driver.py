"""Runs in a process of our own, which keeps what they import out of the process that asks.

This end has no thread that stays: a process in which people's tests run may be forked at any time.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pytest_nbrepro.errors import DriverError
from pytest_nbrepro.executors.base import LOOK, Following, Handle, Room, never_began
from pytest_nbrepro.executors.wire import Wire, undisturbed
from pytest_nbrepro.model import Progress, Task

_SERVING = Path(__file__).with_name("serving.py")
_LEFT_OUT = {"PYTHONWARNINGS", "PYTHONINSPECT", "PYTHONSTARTUP"}  # meant for the user's own Python
_STOPPED = 30.0  # seconds for runs to end after they were stopped; a disk may hang
_PATIENCE = 15.0  # seconds for the process to end
_TAIL = 4096  # bytes of what it wrote that are quoted


class Driver:
    """An executor in a process of its own, started when it is first needed; see `base.Executor`.

    The process ends with this one, however this one ends. When it ends by itself, the runs under way are lost;
    those that had not begun, and all that come later, get a new process.
    """

    def __init__(self, room: Room) -> None:
        self._room = room
        self._lock = threading.RLock()
        self._hearing = threading.Lock()  # held by the one thread that waits for news
        self._child: _Child | None = None
        self._expected: Sequence[Task] = ()
        self._handles: dict[int, _Remote] = {}  # by number, those whose runs have not ended
        self._numbers = itertools.count(1)

    @property
    def running(self) -> int:
        """How many runs are under way, as far as this end has heard."""
        return sum(handle.began for handle in self._handles.values())

    def expect(self, tasks: Sequence[Task]) -> None:
        """Make ready for tasks that will come."""
        self._expected = tasks
        with contextlib.suppress(DriverError):  # whoever has a task to run is told
            self.say("expect", tasks)

    def submit(self, task: Task) -> Handle:
        """Take a task."""
        handle = _Remote(self, next(self._numbers), task)
        undisturbed(lambda: self._ask(handle))
        return handle

    def stop(self) -> None:
        """Stop all that runs or waits, and wait until it has ended."""
        for handle in reversed(tuple(self._handles.values())):  # the last first, lest it gets a free place
            handle.stop()
        deadline = time.monotonic() + _STOPPED
        while self._handles:
            self.hear(next(iter(self._handles.values())))
            if time.monotonic() > deadline and self._child is not None:
                self._child.kill()

    def close(self) -> None:
        """Stop all, and let go of everything."""
        try:
            self.stop()
        finally:
            undisturbed(self._release)

    def say(self, *message: Any) -> None:
        """Send a message; where the process is gone, what it had not begun goes to a new one.

        Raises:
            DriverError: the process could not be started.
        """
        undisturbed(lambda: self._say(*message))

    def hear(self, handle: _Remote) -> None:
        """Wait until the process tells something, unless what the handle waits for is there."""
        with self._hearing:
            child = self._child
            if handle.outcome is None and child is not None and child.wire.wait(LOOK):
                undisturbed(lambda: self._receive(child))

    def _receive(self, child: _Child) -> None:
        with self._lock:
            if child is not self._child:  # found lost meanwhile, by one who had something to say
                return
            try:
                child.wire.receive(self._take)
            except EOFError:
                self._lost()

    def _release(self) -> None:
        with self._lock:
            child, self._child, self._expected = self._child, None, ()
        if child is not None:
            child.wire.end()
            child.wait()
            child.close()

    def _say(self, *message: Any) -> None:
        with self._lock:
            try:
                if self._child is None:
                    self._child = _Child(self._room)
                    if message[0] != "expect":
                        self._child.wire.send(("expect", self._expected))
                self._child.wire.send(message)
            except OSError:
                self._lost()

    def _ask(self, handle: _Remote) -> None:
        with self._lock:
            self._handles[handle.number] = handle
            try:
                self._say("run", handle.number, handle.task, handle.preferred)
            except DriverError as error:
                handle.outcome = error
                self._handles.pop(handle.number, None)

    def _take(self, message: tuple[Any, ...]) -> None:
        assert self._child is not None  # noqa: S101 - it has just told something
        self._child.began = True
        word, number, news = message
        handle = self._handles.get(number)
        if handle is None:
            return
        if word == "began":
            handle.began = True
        elif word == "progress":
            handle.progress = news
        else:
            handle.outcome = news
            del self._handles[number]

    def _lost(self) -> None:
        """Tell the handles that the process is gone, and send again what it had not begun."""
        child = self._child
        assert child is not None  # noqa: S101 - it is what was lost
        child.wait()
        with contextlib.suppress(EOFError):
            while True:  # the news that it sent before
                child.wire.receive(self._take)
        child.close()
        self._child = None
        left, self._handles = self._handles, {}
        for handle in left.values():
            if handle.began or not child.began:
                handle.outcome = child.fault(handle.task)
            elif handle.stopping:
                handle.outcome = never_began(handle.task)
            else:
                self._ask(handle)


class _Remote(Following):
    """A handle on a run in the other process."""

    def __init__(self, driver: Driver, number: int, task: Task) -> None:
        super().__init__()
        self.number = number
        self.task = task
        self.began = self.preferred = self.stopping = False
        self.progress: Progress | None = None
        self._driver = driver

    def stop(self) -> None:
        """Have the run end as interrupted."""
        if self.outcome is None and not self.stopping:
            self.stopping = True
            self._driver.say("stop", self.number)

    def _stop_all(self) -> None:
        self._driver.stop()

    def _prefer(self) -> None:
        if self.outcome is None:
            self.preferred = True
            self._driver.say("prefer", self.number)

    def _news(self) -> Progress | None:
        self.progress = None
        self._driver.hear(self)
        return self.progress


class _Child:
    """The process and the way to it.

    Raises:
        DriverError: it could not be started.
    """

    def __init__(self, room: Room) -> None:
        self.began = False  # it has told something
        own, other = socket.socketpair()
        self.wire = Wire(own)
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - open as long as the process
        self._said = b""
        arguments = [other.fileno(), room.count, int(room.by_memory), int(room.fork), room.threads or 0]
        command = [sys.executable, "-P", str(_SERVING), *map(str, arguments)]
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=self._log,
                stderr=self._log,
                env={name: text for name, text in os.environ.items() if name not in _LEFT_OUT},
                pass_fds=[other.fileno()],
                start_new_session=True,  # a Ctrl-C in the terminal is this end's business
            )
        except OSError as error:
            self.wire.close()
            self._log.close()
            what = f"the process that runs notebooks could not be started: {error}"
            raise DriverError(what, where=sys.executable) from error
        finally:
            other.close()

    def wait(self) -> None:
        """Wait until the process has ended, and end it if it does not."""
        try:
            self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self.kill()
            self._process.wait()

    def kill(self) -> None:
        """Kill the process; its kernels end with it."""
        self._process.kill()

    def close(self) -> None:
        """Close the wire and the log, and keep the last of what the process wrote."""
        self.wire.close()
        size = self._log.seek(0, os.SEEK_END)
        self._log.seek(max(0, size - _TAIL))
        self._said = self._log.read()
        self._log.close()

    def fault(self, task: Task) -> DriverError:
        """Return what is told of a task that was lost with the process."""
        what = (
            "the process that ran it ended" if self.began else "the process that runs notebooks did not start"
        )
        code = self._process.returncode
        how = _signal(-code) if code < 0 else f"exit code {code}"
        said = f"\n{text}" if (text := self._said.decode("utf-8", "replace").strip()) else ""
        hint = None
        if code == -signal.SIGKILL:
            hint = "over the machine's memory? the system's log tells; fewer --nbrepro-workers need less"
        return DriverError(f"{what}: {how}{said}", where=task.case.id, hint=hint)


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # a real-time signal
        return f"signal {number}"
