"""The supervisor, run as the script it is, and the parts of it that other systems use."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from pytest_nbrepro.kernels import supervisor
from pytest_nbrepro.kernels.process import Exit, Process, Spawned

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the other systems have no /proc")

SLEEP = "import time; print('up', flush=True); time.sleep(600)"


class Started:
    """A supervisor with a kernel that is a line of Python."""

    def __init__(self, folder: Path, code: str, **config: Any) -> None:
        self.folder = folder / "private"
        self.folder.mkdir()
        path = folder / "config.json"
        path.write_text(
            json.dumps({"parent": os.getpid(), "limit": None, "folder": str(self.folder), **config})
        )
        self.process = subprocess.Popen(
            [sys.executable, supervisor.__file__, str(path), "--", sys.executable, "-c", code],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    def up(self) -> None:
        assert self.process.stdout.readline() == b"up\n"

    def say(self, command: bytes) -> None:
        self.process.stdin.write(command)
        self.process.stdin.flush()

    def end(self) -> tuple[int, dict[str, Any] | None]:
        """Wait for its end without closing its input, and return its exit code and report."""
        code = self.process.wait(60)
        self.process.stdin.close()
        self.process.stdout.close()
        self.errors = self.process.stderr.read().decode()
        self.process.stderr.close()
        report = self.folder / supervisor.EXIT
        return code, json.loads(report.read_text()) if report.exists() else None


def test_the_kernels_exit_code_is_its_own(tmp_path: Path) -> None:
    code, told = Started(tmp_path, "import sys; sys.exit(3)").end()
    assert (code, told["reason"], told["returncode"]) == (3, "ended", 3)
    assert told["peak"] > 2**20  # though it was quicker than the samples


def test_a_kernel_that_is_killed(tmp_path: Path) -> None:
    code, told = Started(tmp_path, "import os; os.kill(os.getpid(), 9)").end()
    assert (code, told["reason"], told["returncode"]) == (137, "ended", -9)


def test_an_interrupt_reaches_the_kernel_alone(tmp_path: Path) -> None:
    started = Started(tmp_path, SLEEP)
    started.up()
    started.process.send_signal(signal.SIGINT)  # ignored, and the kernel does not inherit that
    started.say(b"i")
    code, told = started.end()
    assert (code, told["reason"], told["returncode"]) == (130, "ended", -2)
    assert "KeyboardInterrupt" in started.errors


def test_the_parent_pid_is_told_to_the_kernel(tmp_path: Path) -> None:
    code = "import os, sys; sys.exit(0 if os.environ['JPY_PARENT_PID'] == str(os.getppid()) else 1)"
    assert Started(tmp_path, code).end()[0] == 0


@pytest.mark.parametrize("how", ["quit", "signal"])
def test_it_stops_when_told(tmp_path: Path, how: str) -> None:
    started = Started(tmp_path, SLEEP)
    started.up()
    if how == "quit":
        started.say(b"q")
    else:
        started.process.terminate()
    code, told = started.end()
    assert (code, told["reason"], told["returncode"]) == (137, "stopped", -9)


def test_the_end_of_its_input_means_that_the_parent_is_gone(tmp_path: Path) -> None:
    started = Started(tmp_path, SLEEP)
    started.up()
    started.process.stdin.close()
    code, told = started.end()
    assert (code, told) == (137, None)
    assert not started.folder.exists()


def test_another_parent_means_that_the_parent_is_gone(tmp_path: Path) -> None:
    started = Started(tmp_path, SLEEP, parent=1)
    assert started.end() == (137, None)
    assert not started.folder.exists()


def test_the_limit_counts_the_whole_tree(tmp_path: Path) -> None:
    hold = "b = bytearray(b'1') * (60 << 20); import time; time.sleep(600)"
    code = f"import subprocess, sys, time\nfor _ in range(3): subprocess.Popen([sys.executable, '-c', {hold!r}])\ntime.sleep(600)"
    code, told = Started(tmp_path, code, limit=150 << 20).end()
    assert (code, told["reason"]) == (137, "memory")
    assert told["peak"] > 150 << 20


def test_a_tree_below_its_limit_is_left_alone(tmp_path: Path) -> None:
    code, told = Started(tmp_path, "import time; time.sleep(0.3)", limit=2**40).end()
    assert (code, told["reason"]) == (0, "ended")


def test_a_command_that_cannot_be_run(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"parent": os.getpid(), "limit": None, "folder": str(tmp_path)}))
    done = subprocess.run(
        [sys.executable, supervisor.__file__, str(path), "--", "/nonexistent"], capture_output=True, text=True
    )
    assert done.returncode == 127
    assert "No such file or directory: '/nonexistent'" in done.stderr
    assert json.loads((tmp_path / supervisor.EXIT).read_text())["reason"] == "unstartable"


def _children() -> subprocess.Popen[bytes]:
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {SLEEP!r}])"
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"up\n"
    return process


def test_both_views_of_a_tree_agree() -> None:
    process = _children()
    try:
        by_proc, by_psutil = supervisor.ProcTree(os.getpid()), supervisor.PsutilTree(os.getpid())
        found = by_proc.update()
        assert process.pid in found
        assert len(supervisor.tree(process.pid).update()) == 1
        assert found == by_psutil.update()
        assert found == by_proc.update()  # the second look knows them already
        assert by_proc.memory() == pytest.approx(by_psutil.memory(), rel=0.2)
    finally:
        supervisor.kill(supervisor.tree(process.pid).update())
        process.stdout.close()
        process.wait()
    assert process.pid not in by_proc.update()


def test_processes_that_end_meanwhile() -> None:
    assert supervisor._parent(2**22 + 1) is None
    assert supervisor._pages(2**22 + 1) == 0
    supervisor.kill([2**22 + 1])


def test_what_other_systems_lack(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert isinstance(supervisor.tree(os.getpid()), supervisor.PsutilTree)
    supervisor._adopt_orphans()
    assert supervisor._largest() >= 0
    monkeypatch.setattr(sys, "platform", "win32")
    assert supervisor._largest() == 0
    monkeypatch.delattr(os, "killpg")
    supervisor._interrupt(os.getpid())


def test_a_system_without_waitpid(monkeypatch: pytest.MonkeyPatch) -> None:
    events: queue.SimpleQueue[tuple[str, int]] = queue.SimpleQueue()
    process = subprocess.Popen([sys.executable, "-c", "import sys; sys.exit(4)"])
    monkeypatch.setattr(os, "name", "nt")
    supervisor._reap(process, events)
    assert (events.get(), events.get()) == (("ended", 4), ("none", 0))


def test_it_gives_up_on_what_cannot_be_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "_GIVE_UP", 0.1)
    monkeypatch.setattr(supervisor, "kill", lambda pids: None)
    one = supervisor.Supervisor({"parent": 1, "limit": None, "folder": str(tmp_path)})
    one.end_all()  # nobody says that all are gone
    assert one.returncode is None


@pytest.fixture
def start(tmp_path: Path) -> Any:
    def start(code: str) -> Process:
        told = {"cwd": tmp_path, "env": os.environ, "log": tmp_path / "log", "memory": None}
        return Process(tmp_path, lambda: Spawned([sys.executable, "-c", code], folder=tmp_path, **told))

    return start


def test_a_process_can_be_ended_often(start: Any) -> None:
    process = start(SLEEP)
    process.end()
    process.end()
    process.interrupt()
    told = process.ensure_gone()
    assert (told.reason, told.returncode, told.signal) == ("stopped", -9, "SIGKILL")
    assert told == process.wait()


def test_a_supervisor_that_hangs(start: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pytest_nbrepro.kernels.process._PATIENCE", 0.1)
    process = start(SLEEP)
    kernel = tmp_path / supervisor.KERNEL
    deadline = time.monotonic() + 60
    while not (kernel.exists() and kernel.read_text()) and time.monotonic() < deadline:
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGSTOP)
    assert process.ensure_gone().reason == "lost"
    while _runs(kernel.read_text()) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not _runs(kernel.read_text())


def _runs(pid: str) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_names_of_signals() -> None:
    assert Exit("ended").signal is None
    assert Exit("ended", 0).signal is None
    assert Exit("ended", -11).signal == "SIGSEGV"
    assert Exit("ended", -40).signal == "signal 40"
