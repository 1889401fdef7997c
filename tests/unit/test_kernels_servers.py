"""Fork servers: when there is one, what is told where none can be had, and what a forked process keeps."""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket
import sys
import uuid
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pytest_nbrepro.kernels import connection, server, servers
from pytest_nbrepro.kernels.process import Process
from pytest_nbrepro.kernels.servers import NoServerError, Server, Servers

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="kernels are forked on Linux alone")


@pytest.fixture(scope="module")
def real() -> Any:
    """A server, for tests that do not end it."""
    one = Server(connection.shared(os.environ, {}, None, None))
    yield one
    one.close()


@pytest.fixture
def fork(tmp_path: Path) -> Any:
    """Fork what fails to become a kernel, its configuration being ``config``."""

    def fork(one: Server, config: str = "") -> Process:
        path = tmp_path / "child.json"
        path.write_text(config)
        command = [sys.executable, "child.py", str(path)]
        told: dict[str, Any] = {"cwd": tmp_path, "env": {"MINE": "1"}, "memory": None}
        told["log"] = tmp_path / "log"
        return Process(tmp_path, lambda: one.fork(command, folder=tmp_path, **told))

    return fork


def test_a_kernel_that_fails_on_its_start(real: Server, fork: Any, tmp_path: Path) -> None:
    process = fork(real)
    told = process.wait()
    assert (told.reason, told.returncode) == ("ended", 1)
    assert "JSONDecodeError" in (tmp_path / "log").read_text()
    assert process.memory() == 0
    process.close()


def test_it_is_ended_often(real: Server, fork: Any) -> None:
    process = fork(real, "{}")
    process.end()
    process.end()
    process.interrupt()
    assert process.ensure_gone() == process.wait()
    process.close()


def test_a_server_that_is_gone(fork: Any) -> None:
    one = Server(connection.shared(os.environ, {}, None, None))
    process = fork(one)
    process.ensure_gone()
    process.close()
    os.kill(one.pid, signal.SIGKILL)
    os.waitid(os.P_PID, one.pid, os.WEXITED | os.WNOWAIT)
    with pytest.raises(NoServerError, match="the fork server is gone"):
        fork(one)
    one.close()
    with pytest.raises(NoServerError, match="the fork server was closed"):
        fork(one)


def test_a_server_that_does_not_start(fork: Any, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import os, sys\nsys.stderr.write('no luck\\n')\nsys.stderr.flush()\nos._exit(3)"
    )
    one = Server({**os.environ, "PYTHONPATH": str(tmp_path)})
    for _ in range(2):
        with pytest.raises(NoServerError, match="did not start: no luck"):
            fork(one)
    one.close()


def test_a_server_with_threads(fork: Any, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import threading, time\nthreading.Thread(target=time.sleep, args=(600,), daemon=True).start()"
    )
    one = Server({**os.environ, "PYTHONPATH": str(tmp_path)})
    with pytest.raises(NoServerError, match="1 threads run"):
        fork(one)
    one.close()


def test_a_server_that_hangs(fork: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(servers, "_START", 0.05)
    monkeypatch.setattr(servers, "_PATIENCE", 0.05)
    (tmp_path / "sitecustomize.py").write_text("import time; time.sleep(600)")
    one = Server({**os.environ, "PYTHONPATH": str(tmp_path)})
    with pytest.raises(NoServerError, match=r"did not start in 0\.05 s"):
        fork(one)
    one.close()


class Fake:
    """Stands in for a server; fails where its environment says so."""

    made: list[Fake]

    def __init__(self, env: Any) -> None:
        self.env, self.open = dict(env), True
        Fake.made.append(self)

    def fork(self, command: Any, **told: Any) -> Any:
        if "BAD" in self.env:
            raise NoServerError("no luck")
        return self

    def close(self) -> None:
        self.open = False


@pytest.fixture
def pool(monkeypatch: pytest.MonkeyPatch) -> Servers:
    Fake.made = []
    monkeypatch.setattr(servers, "Server", Fake)
    return Servers()


def opened() -> list[dict[str, str]]:
    return [one.env for one in Fake.made if one.open]


def test_a_server_is_worth_its_start_for_the_second_kernel(pool: Servers) -> None:
    assert pool.fork({"A": "1"}, []) is None
    assert pool.fork({"A": "2"}, []) is None
    first = pool.fork({"A": "1"}, [])
    assert first is pool.fork({"A": "1"}, []) is Fake.made[0]
    pool.close()
    assert opened() == []
    assert pool.fork({"A": "1"}, []) is None


def test_what_was_started_ahead(pool: Servers) -> None:
    pool.start({"A": "1"})
    assert pool.fork({"A": "1"}, []) is Fake.made[0]


def test_what_is_expected_often_enough(pool: Servers) -> None:
    pool.start({"A": "1"})
    pool.start({"A": "2"})
    pool.expect([{"A": "1"}, {"A": "3"}, {"A": "4"}, {"A": "4"}])
    assert opened() == [{"A": "1"}, {"A": "4"}]


def test_there_are_not_too_many(pool: Servers) -> None:
    for number in range(6):
        pool.start({"A": str(number)})
        pool.start({"A": "0"})
    assert sorted(env["A"] for env in opened()) == ["0", "3", "4", "5"]


def test_a_server_that_fails_is_replaced_once(pool: Servers) -> None:
    pool.start({"BAD": "1"})
    for number in (1, 2):
        with pytest.raises(NoServerError, match="no luck"):
            pool.fork({"BAD": "1"}, [])
        assert (len(Fake.made), opened()) == (number, [])
    with pytest.raises(NoServerError, match="2 fork servers failed before"):
        pool.fork({"BAD": "1"}, [])
    assert len(Fake.made) == 2


def test_secrets_and_identifiers_are_new() -> None:
    process = multiprocessing.current_process()
    before = process.authkey
    uuid.uuid1()
    try:
        server.renew()
        assert len(process.authkey) == len(before)
        assert process.authkey != before
        assert uuid._last_timestamp is None
    finally:
        process.authkey = before


def test_secrets_of_modules_that_are_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    before = multiprocessing.current_process().authkey
    monkeypatch.delitem(sys.modules, "multiprocessing.process")
    monkeypatch.delitem(sys.modules, "uuid")
    server.renew()
    assert multiprocessing.current_process().authkey == before


def test_files_that_are_open_are_told() -> None:
    own, other = socket.socketpair()
    with own, other:
        told = server.Server.unfit(SimpleNamespace(_asked=own))  # type: ignore[arg-type]
        assert str(other.fileno()) in told or "threads" in told


def test_what_is_open() -> None:
    own, other = socket.socketpair()
    with own, other:
        assert {own.fileno(), other.fileno()} <= set(server._descriptors())
    assert own.fileno() == -1


def test_the_end_of_a_link_that_is_late(monkeypatch: pytest.MonkeyPatch) -> None:
    own, other = socket.socketpair()
    with own, other:
        other.send(b"123\n")
        link = servers.Forked(own)
        assert link.pid == 123
        with pytest.raises(TimeoutError):
            link.wait(0.01)
        other.close()
        link.wait(0.01)
        killed: list[Any] = []
        monkeypatch.setattr(os, "kill", lambda *told: killed.append(told))
        link.kill()
        assert killed == [(123, signal.SIGKILL)]
