"""The parts of a run that real kernels rarely show: early stops, lost replies, folders that cannot be written."""

from __future__ import annotations

import asyncio
from pathlib import Path
from queue import Empty
from typing import Any

import pytest

from pytest_nbrepro import execution
from pytest_nbrepro.errors import StoreError
from pytest_nbrepro.execution import Control, Request, execute
from pytest_nbrepro.kernels import cells
from pytest_nbrepro.kernels.client import Connection, Notebook, UnansweredError
from pytest_nbrepro.kernels.connection import connect
from pytest_nbrepro.kernels.engine import Engine
from pytest_nbrepro.kernels.faults import Halt
from pytest_nbrepro.kernels.process import Exit
from pytest_nbrepro.kernels.recording import Recorder
from pytest_nbrepro.kernels.session import Session, cancel
from pytest_nbrepro.kernels.specs import OWN
from pytest_nbrepro.model import Progress, RunStatus

CELL = {"cell_type": "code", "source": ["x = 1\n", "x"], "outputs": [{"output_type": "error"}]}


@pytest.fixture
def request_(tmp_path: Path) -> Request:
    """A run whose kernel cannot even start: its folder is missing."""
    return Request(
        notebook={
            "cells": [CELL, {"cell_type": "markdown", "source": "a"}],
            "nbformat": 4,
            "nbformat_minor": 2,
        },
        path=tmp_path / "n.ipynb",
        cwd=tmp_path / "missing",
        work=tmp_path / "work",
        project=tmp_path,
        folder=tmp_path,
        kernel=None,
        language="python",
        recorded_kernel=None,
        env={},
        seed=None,
        timeout=None,
        cell_timeout=None,
        memory=None,
        expressions={},
        coverage=None,
    )


def test_older_notebooks_are_completed(request_: Request) -> None:
    done = execute(request_)
    assert done.notebook["cells"] == [
        {"cell_type": "code", "source": "x = 1\nx", "outputs": [], "execution_count": None, "metadata": {}},
        {"cell_type": "markdown", "source": "a", "metadata": {}},
    ]
    assert done.notebook["metadata"] == {}
    assert (done.status, done.error.kind, done.peak) == (RunStatus.DIED, "kernel", None)


def test_a_stop_before_the_start(request_: Request) -> None:
    engine = Engine(request_)
    engine.stop()
    engine.main()
    done = engine.result()
    assert (done.status, done.error.kind, done.error.cell) == (RunStatus.INTERRUPTED, "interrupted", None)
    engine.stop()  # and after its end


def test_a_folder_that_cannot_be_written(request_: Request, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Engine, "_write", full)
    with pytest.raises(StoreError, match="No space left on device"):
        execute(request_)


def test_our_own_mistakes_are_raised(request_: Request, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Engine, "_write", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        execute(request_)


def test_a_stop_that_was_asked_for_before(request_: Request) -> None:
    control = Control()
    control.stop()
    done = execute(request_, None, control)
    assert (done.status, done.error.kind) == (RunStatus.INTERRUPTED, "interrupted")
    control.stop()  # and after its end
    assert control.memory() == 0


def test_waiting_without_anybody_who_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    class Reports:
        def __init__(self, *items: Any) -> None:
            self.items = list(items)

        def get(self, timeout: float) -> Any:
            item = self.items.pop(0)
            if item is Empty:
                raise Empty
            return item

    progress = Progress(1, 1, 2, 5.0)
    execution._follow(Reports(Empty, progress, Empty, None), None)
    seen: list[Any] = []
    execution._follow(Reports(Empty, progress, Empty, None), seen.append)
    assert seen[0] == progress
    assert (seen[1].cell, seen[1].seconds >= 5.0, len(seen)) == (1, True, 2)


def test_names_of_bare_numbers() -> None:
    for source, name in [
        ("x = 1\nloss", "loss"),
        ("model.score_", "model.score_"),
        ("größe  # in metres\n\n# done\n", "größe"),
        ("f(x)", "cell:c3"),
        ("True", "cell:c3"),
        ("if x:\n    y", "cell:c3"),
        ("'\\d'", "cell:c3"),
        ("x = 1", "cell:c3"),
        ("", "cell:c3"),
        ("%time x", "cell:c3"),
    ]:
        assert cells.own_name({"source": source}, 3) == name
    assert cells.own_name({"source": "1", "id": "abc"}, 3) == "cell:abc"


def test_outputs_that_never_end(request_: Request) -> None:
    class Lost:
        lost, failed, error = TimeoutError, ValueError, None

        async def run(self, index: int) -> None:
            raise TimeoutError

    async def run() -> None:
        session = Session(request_, OWN)
        await Engine(request_)._limited(session, Lost(), 0)

    with pytest.raises(Halt, match="outputs were lost") as caught:
        asyncio.run(run())
    assert caught.value.error.kind == "capture"


class Shell:
    """The client of a kernel that answers from a list."""

    def __init__(self, *replies: dict[str, Any]) -> None:
        self.replies = list(replies)
        self.asked: list[str] = []

    def execute(self, code: str, **options: Any) -> str:
        self.asked.append(options["user_expressions"]["answer"])
        return f"request {len(self.asked)}"

    async def get_shell_msg(self) -> dict[str, Any]:
        content = self.replies.pop(0)
        parent = content.pop("parent", f"request {len(self.asked)}")
        return {"parent_header": {"msg_id": parent}, "content": content}

    async def get_iopub_msg(self, timeout: float) -> dict[str, Any]:  # noqa: ASYNC109
        if not self.replies:
            raise Empty
        return await self.get_shell_msg()


@pytest.fixture
def connected(tmp_path: Path) -> Any:
    """Return a function that makes a connection to nobody, whose client is the one given."""

    def connected(client: Any, act: Any) -> Any:
        async def run() -> Any:
            connection = Connection(connect(tmp_path, sockets=True), control=False)
            real, connection.client = connection.client, client
            try:
                return await act(connection)
            finally:
                connection.client = real
                connection.close()

        return asyncio.run(run())

    return connected


OK = {"status": "ok", "user_expressions": {"answer": {"status": "ok", "data": {"text/plain": '{"a": 1}'}}}}
WRONG = {"status": "ok", "user_expressions": {"answer": {"status": "error", "ename": "E", "evalue": "v"}}}


def test_a_request_is_sent_again_while_the_kernel_aborts(connected: Any) -> None:
    shell = Shell({"status": "aborted"}, {"parent": "another", "status": "ok"}, {"status": "aborted"}, OK)
    assert connected(shell, lambda connection: connection.ask("value()")) == {"a": 1}
    assert shell.asked == ["__import__('_nbrepro_kernel').value()"] * 3


def test_requests_that_are_not_answered(connected: Any) -> None:
    with pytest.raises(UnansweredError, match="E: v"):
        connected(Shell(WRONG), lambda connection: connection.ask("value()"))
    shell = Shell(*({"status": "aborted"} for _ in range(100)))
    with pytest.raises(UnansweredError, match="aborted"):
        connected(shell, lambda connection: connection.ask("value()"))


def test_ready_means_that_outputs_arrive(connected: Any) -> None:
    """The first idle status is missed, as before a subscription; the kernel is asked again."""

    class Deaf(Shell):
        rounds = 0

        def kernel_info(self) -> str:
            self.rounds += 1
            self.asked.append("info")
            self.replies = [{"round": self.rounds}]
            if self.rounds == 2:
                self.replies += [{"parent": "other", "execution_state": "idle"}, {"execution_state": "busy"}]
                self.replies += [{"execution_state": "idle"}]
            return f"request {self.rounds}"

    assert connected(Deaf(), lambda connection: connection.ready()) == {"round": 2}


def test_what_comes_late_stays_with_its_cell(tmp_path: Path, connected: Any) -> None:
    def message(request: str, kind: str, **content: Any) -> dict[str, Any]:
        return {"parent_header": {"msg_id": request}, "msg_type": kind, "content": content, "header": {}}

    async def act(connection: Connection) -> list[Any]:
        recorder = Recorder(tmp_path / "log", 1000, {0: 1, 1: 2})
        raw = [{"cell_type": "code", "source": "", "metadata": {}, "outputs": []} for _ in range(2)]
        notebook = Notebook({"cells": raw, "metadata": {}}, recorder, connection)
        notebook.clear_before_next_output = False  # nbclient sets it when a cell starts
        first = notebook.nb.cells[0]
        notebook.process_message(message("a", "stream", name="stdout", text="in time\n"), first, 0)
        notebook._running = 1
        for late in (
            message("a", "stream", name="stdout", text="late\n"),
            message("a", "status", execution_state="idle"),
            message("unknown", "stream", name="stdout", text="not ours"),
        ):
            notebook._heard(late)
        recorder.close()
        return [out["text"] for out in first.outputs]

    class Client:
        iopub_channel = type("Channel", (), {})()

    assert connected(Client(), act) == ["in time\nlate\n"]


@pytest.mark.parametrize("speaks", [True, False])
def test_what_a_kernel_sent_before_it_went_still_arrives(request_: Request, speaks: bool) -> None:
    async def run() -> bool:
        session = Session(request_, OWN)
        session._gone.set_result(Exit("ended", -9))
        session.connection = type("Connection", (), {"last_heard": 0.0})()

        async def words() -> None:
            for _ in range(5):
                await asyncio.sleep(0)
            if not speaks:
                await asyncio.Event().wait()

        task = asyncio.ensure_future(words())
        try:
            return await session._wait(task, None)
        finally:
            await cancel(task)

    assert asyncio.run(run()) is speaks
