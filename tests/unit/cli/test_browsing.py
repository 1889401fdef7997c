"""`nbrepro compare` on a terminal, with keys."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import sys
import termios
import time

import pytest

pyte = pytest.importorskip("pyte", reason="pyte, a terminal to look at, is not installed")
PATIENCE = 30  # seconds
WIDTH, HEIGHT = 90, 14
UP, DOWN, RIGHT, LEFT = (f"\x1b[{letter}" for letter in "ABCD")


class Terminal:
    """A terminal in which `nbrepro` runs."""

    def __init__(self, arguments, folder):
        self.screen = pyte.Screen(WIDTH, HEIGHT)
        self._stream = pyte.ByteStream(self.screen)
        self.pid, self.fd = pty.fork()
        if self.pid == 0:  # pragma: no cover - another process
            os.chdir(folder)
            os.environ["TERM"] = "linux"
            code = "from pytest_nbrepro.cli import main; main(prog_name='nbrepro')"
            os.execv(sys.executable, [sys.executable, "-c", code, *arguments])
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", HEIGHT, WIDTH, 0, 0))

    @property
    def text(self):
        return "\n".join(line.rstrip() for line in self.screen.display)

    def see(self, wanted):
        """Read until a text is on the screen."""
        deadline = time.monotonic() + PATIENCE
        while wanted not in self.text:
            assert time.monotonic() < deadline, f"{wanted!r} is not in\n{self.text}"
            if not select.select([self.fd], [], [], 0.1)[0]:
                continue
            try:
                self._stream.feed(os.read(self.fd, 1 << 16))
            except OSError:  # it has ended
                assert wanted in self.text, self.text
        return self.text

    def press(self, keys):
        os.write(self.fd, keys.encode())

    def back(self):
        """Go back to the table."""
        self.press("q")
        return self.see("q quit")

    def close(self):
        """Return its exit code."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if select.select([self.fd], [], [], 0.1)[0]:
                try:
                    if not os.read(self.fd, 1 << 16):
                        break
                except OSError:
                    break
        os.close(self.fd)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


@pytest.fixture
def terminal(bench):
    """Start `nbrepro` in a terminal."""
    for x in (3.0, 1.0, 2.0):
        bench.run(flags={"x": x})
    started = []

    def start(*arguments):
        started.append(Terminal(arguments, bench.root))
        return started[-1]

    yield start
    for one in started:
        try:
            os.kill(one.pid, 9)
            os.waitpid(one.pid, 0)
        except (ProcessLookupError, ChildProcessError):
            continue


def column(text, place):
    return [line.split()[place] for line in text.splitlines()[1:4]]


def test_sort_open_compare_and_quit(terminal):
    seen = terminal("compare")
    text = seen.see("q quit")
    assert column(text, 4) == ["2", "1", "3"], "the newest run comes first"
    seen.press(f"{RIGHT}{RIGHT}{RIGHT}s")
    assert column(seen.see("x ▲"), 4) == ["1", "2", "3"]
    seen.press("s")
    assert column(seen.see("x ▼"), 4) == ["3", "2", "1"]
    seen.press("g\r")
    text = seen.see("q back")
    assert "status    completed in 1.5 s" in text
    assert "x = 3.0" in text
    seen.back()
    seen.press(f" {DOWN}d")
    text = seen.see("q back")
    assert "x  3 -> 2" in text
    seen.back()
    seen.press("q")
    assert seen.close() == 0


def test_columns_and_keys(terminal):
    seen = terminal("compare", "--all")
    assert "loss" in seen.see("q quit")
    seen.press("c")
    seen.see("[x] x")
    seen.press("G ")
    seen.see("[ ] loss")
    assert "loss" not in seen.back().splitlines()[0]
    seen.press("?")
    seen.see("choose columns")
    seen.back()
    seen.press("\x03")
    assert seen.close() == 0


def test_plain(terminal):
    seen = terminal("compare", "--plain")
    text = seen.see("the same in all")
    assert "RUN" in text
    assert seen.close() == 0
