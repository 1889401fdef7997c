"""The conversation with a kernel: nbclient's, with our own outputs, and without what it does to a process.

Of nbclient only `async_execute_cell` is used, on a client that is connected already: setting up the kernel its
way takes over the signals of the process, leaves handlers behind when that fails, and waits 0.2 s each time.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from pathlib import Path
from queue import Empty
from typing import Any

import nbformat
import zmq
import zmq.asyncio
from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.channels import AsyncZMQSocketChannel
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError

from pytest_nbrepro.kernels.recording import Recorder

_AGAIN_CONNECT = 10  # milliseconds between attempts to reach a socket that the kernel has not bound yet
_LATE_IOPUB = 0.2  # seconds between a reply and its idle status before the kernel is asked again
_LOST = 600  # seconds between a reply and the end of its outputs after which they count as lost
_ABORTED = 50  # times a request is sent again while the kernel still drops what follows an error
_RICH = {"display_data", "execute_result", "update_display_data"}


class UnansweredError(Exception):
    """The kernel could not answer a silent request; the message says why."""


class OutputChannel(AsyncZMQSocketChannel):
    """The outputs of the kernel, with an ear for each message as it comes."""

    last = 0.0  # when the last message came, by the monotonic clock
    heard: Callable[[dict[str, Any]], None] | None = None

    async def get_msg(  # type: ignore[override]
        self,
        timeout: float | None = None,  # noqa: ASYNC109
    ) -> dict[str, Any]:
        """Return the next message; raises `queue.Empty` when none comes in `timeout` seconds."""
        message: dict[str, Any] = await super().get_msg(timeout)
        self.last = time.monotonic()
        if self.heard is not None:
            self.heard(message)
        return message


class Connection:
    """The sockets to one kernel.

    Args:
        path: the connection file.
        control: open the control channel too, for kernels that are interrupted by a message.
    """

    def __init__(self, path: Path, *, control: bool) -> None:
        self._context = zmq.asyncio.Context()
        self._context.setsockopt(zmq.RECONNECT_IVL, _AGAIN_CONNECT)
        self.client = AsyncKernelClient(
            connection_file=str(path), context=self._context, iopub_channel_class=OutputChannel
        )
        self.client.load_connection_file()
        # no stdin: `input()` raises instead of waiting for a person; no heartbeat: the supervisor watches
        self.client.start_channels(stdin=False, hb=False, control=control)

    async def ready(self) -> dict[str, Any]:
        """Wait until the kernel answers and its outputs arrive, and return what it tells of itself."""
        while True:
            request = self.client.kernel_info()
            content: dict[str, Any] = (await self.reply(request))["content"]
            if await self._idle(request):
                return content

    async def reply(self, request: str) -> dict[str, Any]:
        """Wait for the reply to a request."""
        while True:
            message: dict[str, Any] = await self.client.get_shell_msg()
            if message["parent_header"].get("msg_id") == request:
                return message

    async def ask(self, call: str) -> dict[str, Any]:
        """Call a function of the script inside the kernel, and return what it answers.

        The request is silent: no history, no execution count, no output.

        Raises:
            UnansweredError: it raised, or the kernel refuses requests.
        """
        for _ in range(_ABORTED):
            request = self.client.execute(
                "",
                silent=True,
                store_history=False,
                user_expressions={"answer": f"__import__('_nbrepro_kernel').{call}"},
                allow_stdin=False,
                stop_on_error=False,
            )
            content = (await self.reply(request))["content"]
            if content["status"] == "ok":
                answer = content["user_expressions"]["answer"]
                if answer["status"] != "ok":
                    raise UnansweredError(f"{answer['ename']}: {answer['evalue']}")
                told: dict[str, Any] = json.loads(answer["data"]["text/plain"])
                return told
            await asyncio.sleep(_AGAIN_CONNECT / 1000)  # the kernel still drops what followed a failed cell
        raise UnansweredError("the kernel aborted the request")

    def tell(self, call: str) -> None:
        """Call a function of the script inside the kernel that does not answer."""
        expressions = {"told": f"__import__('_nbrepro_kernel').{call}"}
        self.client.execute("", silent=True, store_history=False, user_expressions=expressions)

    def interrupt(self) -> None:
        """Send the kernel a message that interrupts it."""
        self.client.control_channel.send(self.client.session.msg("interrupt_request", {}))

    @property
    def last_heard(self) -> float:
        """When the last output came, by the monotonic clock."""
        last: float = self.client.iopub_channel.last
        return last

    def listen(self, heard: Callable[[dict[str, Any]], None]) -> None:
        """Have each message of the kernel's outputs told as it comes."""
        self.client.iopub_channel.heard = heard

    async def drain(self) -> None:
        """Take in the outputs that have arrived already."""
        try:
            while True:
                await self.client.get_iopub_msg(timeout=0)
        except Empty:
            return

    def close(self) -> None:
        """Close the sockets."""
        self.client.stop_channels()
        self._context.destroy(linger=0)

    async def _idle(self, request: str) -> bool:
        try:
            while True:
                message = await self.client.get_iopub_msg(timeout=_LATE_IOPUB)
                mine = message["parent_header"].get("msg_id") == request
                if mine and message["content"].get("execution_state") == "idle":
                    return True
        except Empty:
            return False


class Notebook(NotebookClient):
    """A notebook whose cells are run one by one; its outputs go through a recorder.

    Args:
        notebook: the JSON of a notebook; it is copied.
        recorder: takes the outputs.
        connection: the way to the kernel.
    """

    failed = CellExecutionError  # what `run` raises for a cell that failed
    lost = CellTimeoutError  # and for one whose outputs never came to an end

    def __init__(self, notebook: dict[str, Any], recorder: Recorder, connection: Connection) -> None:
        super().__init__(
            nbformat.from_dict(notebook),  # type: ignore[no-untyped-call]
            record_timing=False,
            raise_on_iopub_timeout=True,
            iopub_timeout=_LOST,
            on_cell_executed=self._replied,
        )
        self.kc = connection.client
        self.reply: dict[str, Any] = {}  # of the last cell that ran
        self._recorder = recorder
        self._requests: dict[str, int] = {}  # id of a request -> index of the cell it ran
        self._running: int | None = None
        self._last: int | None = None
        connection.listen(self._heard)

    async def run(self, index: int) -> None:
        """Run one cell and wait for its outputs.

        Raises:
            nbclient.exceptions.CellExecutionError: the kernel says that it failed.
            nbclient.exceptions.CellTimeoutError: its outputs never came to an end.
        """
        self.reply = {}
        self._running = self._last = index
        try:
            await self.async_execute_cell(self.nb.cells[index], index)
        finally:
            self._running = None
            self._recorder.finish(self.nb.cells[index].outputs, index)

    @property
    def error(self) -> dict[str, Any] | None:
        """What the last cell failed with: either signal counts, that of its reply or that of its outputs."""
        replies = [self.reply] if self.reply.get("status") == "error" else []
        outputs = [] if self._last is None else self.nb.cells[self._last].outputs
        errors = [*replies, *(output for output in outputs if output["output_type"] == "error")]
        # an error while a value is shown leaves the reply without one
        named = (error for error in errors if error.get("ename") != "NoneType")
        return next(named, errors[0] if errors else None)

    @property
    def wants_to_exit(self) -> bool:
        """Whether the last cell asked the kernel to end."""
        return any(payload.get("source") == "ask_exit" for payload in self.reply.get("payload", ()))

    def process_message(self, message: dict[str, Any], cell: Any, index: int) -> Any:
        """Take in a message of the running cell."""
        self._requests[message["parent_header"]["msg_id"]] = index
        content = message["content"]
        if message["msg_type"] in _RICH:
            content["data"] = self._recorder.bundle(cell.outputs, index, content["data"])
        return super().process_message(message, cell, index)

    def output(self, outs: list[Any], message: dict[str, Any], display_id: str | None, index: int) -> Any:
        """Add an output to a cell; streams are put together here."""
        if message["msg_type"] != "stream" or self.output_hook_stack[message["parent_header"].get("msg_id")]:
            return super().output(outs, message, display_id, index)
        if self.clear_before_next_output:
            outs[:] = []
            self.clear_display_id_mapping(index)
            self.clear_before_next_output = False
        self._recorder.stream(outs, index, message["content"]["name"], message["content"]["text"])
        return None

    def _replied(self, execute_reply: dict[str, Any], **_: Any) -> None:
        self.reply = execute_reply["content"]

    def _heard(self, message: dict[str, Any]) -> None:
        """Keep what a thread prints after its cell has ended, which nbclient would drop."""
        index = self._requests.get(message["parent_header"].get("msg_id", ""))
        if index is None or index == self._running or message["msg_type"] != "stream":
            return
        content = message["content"]
        outputs = self.nb.cells[index].outputs
        self._recorder.stream(outputs, index, content["name"], content["text"])
        self._recorder.finish(outputs, index)
