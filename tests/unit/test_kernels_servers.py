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

from pytest_nbrepro.kernels import connection, forking, server, servers
from pytest_nbrepro.kernels.forked import NoServerError
from pytest_nbrepro.kernels.forking import Server
from pytest_nbrepro.kernels.process import Process
from pytest_nbrepro.kernels.servers import Servers, Wanted
from pytest_nbrepro.kernels.specs import OWN

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
    os.kill(one._popen.pid, signal.SIGKILL)
    os.waitid(os.P_PID, one._popen.pid, os.WEXITED | os.WNOWAIT)
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
    monkeypatch.setattr(forking, "_START", 0.05)
    monkeypatch.setattr(forking, "_PATIENCE", 0.05)
    (tmp_path / "sitecustomize.py").write_text("import time; time.sleep(600)")
    one = Server({**os.environ, "PYTHONPATH": str(tmp_path)})
    with pytest.raises(NoServerError, match=r"did not start in 0\.05 s"):
        fork(one)
    one.close()


class Fake:
    """Stands in for a server; fails where its environment says so."""

    made: list[Fake]

    def __init__(self, env: Any, modules: Any = (), base: Any = None) -> None:
        self.env, self.modules, self.base, self.open = dict(env), set(modules), base, True
        Fake.made.append(self)

    def suits(self, beside: Any) -> bool:
        return not self.modules & set(beside)

    def fork(self, command: Any, **told: Any) -> Any:
        if "BAD" in self.env or "bad" in self.modules:
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


def kernel(number: int = 1, *modules: str) -> Wanted:
    return Wanted({"A": str(number)}, frozenset(modules))


BAD = Wanted({"BAD": "1"})


def test_a_server_is_worth_its_start_for_the_second_kernel(pool: Servers) -> None:
    assert pool.fork(kernel(1), []) is None
    assert pool.fork(kernel(2), []) is None
    first = pool.fork(kernel(1), [])
    assert first is pool.fork(kernel(1), []) is Fake.made[0]
    pool.close()
    assert opened() == []
    assert pool.fork(kernel(1), []) is None


def test_what_was_started_ahead(pool: Servers) -> None:
    pool.start(kernel(1))
    assert pool.fork(kernel(1), []) is Fake.made[0]


def test_what_is_expected_often_enough(pool: Servers) -> None:
    pool.start(kernel(1))
    pool.start(kernel(2))
    pool.expect([kernel(1), kernel(3), kernel(4), kernel(4)])
    assert opened() == [{"A": "1"}, {"A": "4"}]


def test_libraries_are_imported_ahead_where_kernels_share_them(pool: Servers) -> None:
    pool.expect([kernel(1, "np", "np.fft"), kernel(1, "np"), kernel(1, "pd"), kernel(1)])
    plain, ahead = Fake.made
    assert (plain.modules, ahead.modules, ahead.base) == (set(), {"np", "np.fft"}, plain)
    assert pool.fork(kernel(1, "np"), []) is ahead
    assert pool.fork(kernel(1, "np"), [], beside={"np"}) is plain  # a local module of that name
    assert pool.fork(kernel(1, "pd"), []) is plain
    assert pool.fork(kernel(1), []) is plain
    pool.close()
    assert opened() == []


def test_libraries_that_cannot_be_imported_ahead(pool: Servers) -> None:
    pool.start(kernel(1, "bad"))
    plain, ahead = Fake.made
    assert pool.fork(kernel(1, "bad"), []) is plain
    assert (plain.open, ahead.open) == (True, False)


def test_there_are_not_too_many(pool: Servers) -> None:
    for number in range(10):
        pool.start(kernel(number))
        pool.start(kernel(0))
    assert sorted(env["A"] for env in opened()) == ["0", "3", "4", "5", "6", "7", "8", "9"]


def test_a_server_that_fails_is_replaced_once(pool: Servers) -> None:
    pool.start(BAD)
    for number in (1, 2):
        with pytest.raises(NoServerError, match="no luck"):
            pool.fork(BAD, [])
        assert (len(Fake.made), opened()) == (number, [])
    with pytest.raises(NoServerError, match="2 fork servers failed before"):
        pool.fork(BAD, [])
    assert len(Fake.made) == 2


def test_other_systems_have_none(pool: Servers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(servers, "_POSSIBLE", False)
    pool.start(kernel())
    pool.expect([kernel(), kernel()])
    assert [pool.fork(kernel(), []) for _ in range(3)] == [None] * 3
    assert Fake.made == []


def test_secrets_and_identifiers_are_new() -> None:
    process = multiprocessing.current_process()
    before = process.authkey
    uuid.uuid1()
    try:
        server.renew(sys.modules)
        assert len(process.authkey) == len(before)
        assert process.authkey != before
        assert uuid._last_timestamp is None
    finally:
        process.authkey = before


def test_the_global_generator_of_numpy_is_seeded_anew() -> None:
    numpy = pytest.importorskip("numpy")
    state = numpy.random.get_state()
    try:
        drawn = set()
        for _ in range(2):
            numpy.random.seed(1)
            server.renew({"numpy.random": numpy.random})
            drawn.add(numpy.random.random())
        assert len(drawn) == 2
    finally:
        numpy.random.set_state(state)


def test_files_that_are_open_are_told() -> None:
    own, other = socket.socketpair()
    with own, other:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(server, "_foreign_threads", lambda: 0)
            told = server.Server.unfit(SimpleNamespace(_asked=own))
        assert str(other.fileno()) in told


def test_what_is_open() -> None:
    own, other = socket.socketpair()
    with own, other:
        assert {own.fileno(), other.fileno()} <= set(server._descriptors())
    assert own.fileno() == -1


def test_the_end_of_a_link_that_is_late(monkeypatch: pytest.MonkeyPatch) -> None:
    own, other = socket.socketpair()
    with own, other:
        other.send(b"123\n")
        link = forking.Forked(own)
        assert link.pid == 123
        with pytest.raises(TimeoutError):
            link.wait(0.01)
        other.close()
        link.wait(0.01)
        killed: list[Any] = []
        monkeypatch.setattr(os, "kill", lambda *told: killed.append(told))
        link.kill()
        assert killed == [(123, signal.SIGKILL)]


class Preparing:
    """A server that is only asked to have kernels wait."""

    def __init__(self) -> None:
        self.prepared = 0
        self.waiting: Any = object()

    def prepare(self, _: Any) -> None:
        self.prepared += 1

    def take(self) -> Any:
        return self.waiting

    def suits(self, beside: Any) -> bool:
        return not beside

    def close(self) -> None:
        pass


@pytest.mark.parametrize(("coming", "more", "prepared"), [(3, False, 2), (0, False, 0), (0, True, 3)])
def test_a_kernel_waits_only_where_another_notebook_will_come(coming: int, more: bool, prepared: int) -> None:
    wanted, all_, one = Wanted({"A": "1"}), Servers(), Preparing()
    all_._servers[wanted.plain] = one  # type: ignore[assignment]
    all_.expect([wanted] * coming, more=more)
    all_._servers[wanted.plain] = one  # type: ignore[assignment]
    for _ in range(3):
        all_.prepare(wanted, (), lambda *_: [])
    assert one.prepared == prepared


def test_one_that_waits_has_imported_nothing_that_is_shadowed() -> None:
    wanted, all_, plain, ahead = Wanted({}, frozenset({"numpy"})), Servers(), Preparing(), Preparing()
    all_._servers = {wanted.plain: plain, wanted.key: ahead}  # type: ignore[dict-item]
    assert all_.take(wanted, ()) is ahead.waiting
    assert all_.take(wanted, ("numpy",)) is plain.waiting
    assert all_.take(Wanted({"other": "1"}), ()) is None


def test_what_waits_ends_with_its_server(tmp_path: Path) -> None:
    one = Server(connection.shared(os.environ, {}, None, None))
    one.prepare(OWN.arguments)
    first = one._spare
    one.prepare(OWN.arguments)
    assert first is one._spare is not None
    above = int(first._link.recv(64, socket.MSG_PEEK))
    one.close()
    assert not first.folder.exists()
    with pytest.raises(ProcessLookupError):
        os.kill(above, 0)
    one.prepare(OWN.arguments)
    assert one.take() is None
    with pytest.raises(NoServerError, match="the kernel that waited is gone"):
        first.begin(tmp_path, tmp_path / "log")
