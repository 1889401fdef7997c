"""One run, from the choice of its kernel to knowing that nothing of it is left.

The engine works in a thread with an event loop of its own, so the process keeps its signals.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import queue
import shutil
import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pytest_nbrepro import files
from pytest_nbrepro.errors import StoreError
from pytest_nbrepro.kernels import covering, faults, specs
from pytest_nbrepro.kernels.cells import completed, own_name, plain, tags
from pytest_nbrepro.kernels.faults import Halt
from pytest_nbrepro.kernels.journal import Journal, project_files, relative
from pytest_nbrepro.kernels.process import Exit
from pytest_nbrepro.kernels.recording import Recorder, Saver
from pytest_nbrepro.kernels.request import Execution, Request, Value
from pytest_nbrepro.kernels.session import Session, cancel
from pytest_nbrepro.model import Progress, RunError, RunStatus

if TYPE_CHECKING:
    from pytest_nbrepro.kernels.client import Notebook

_GRACE = 2.0  # seconds for a cell to end after an interrupt
_SLACK = 5.0  # seconds that asking may take beyond a cell's limit, which is for the notebook's own code
_FACTS = 30.0  # seconds for a kernel whose cell failed to tell its facts
_AUTOSAVE = 1.0  # seconds between looks whether a cell that runs has put out something
_ALLOWED = "raises-exception"
_METRICS = "metrics"


class Engine:
    """Runs one notebook; `main` in a thread of its own, everything public from any thread.

    Args:
        request: what to run.

    Raises:
        KernelError: the kernel is not installed.
    """

    def __init__(self, request: Request) -> None:
        self.progress: queue.SimpleQueue[Progress | None] = queue.SimpleQueue()  # None: the end
        self._request = request
        self._kernel = specs.choose(request.kernel, request.language, request.recorded_kernel, request.python)
        self._notebook: dict[str, Any] = completed(request.notebook)
        self._code = [i for i, cell in enumerate(self._notebook["cells"]) if cell["cell_type"] == "code"]
        self._ordinals = {index: number for number, index in enumerate(self._code, 1)}
        self._recorder = Recorder(request.folder / "output.log", request.output_cap, self._ordinals)
        self._saver = Saver(self._write)
        self._start = time.monotonic()
        self._seconds: dict[int, float] = {}
        self._values: list[Value] = []
        self._lacking: list[RunError] = []
        self._notes: list[str] = []
        self._facts: dict[str, Any] = {}
        self._lock = threading.Lock()
        self._session: Session | None = None
        self._stopping = False
        self._result: Execution | BaseException | None = None

    def main(self) -> None:
        """Run the notebook, keep the result or what was raised, and tell that it is over."""
        try:
            self._result = asyncio.run(self._run())
        except OSError as error:
            self._result = StoreError(f"the run cannot be kept: {error}", where=str(self._request.folder))
        except BaseException as error:  # noqa: BLE001  # raised again by `result`, in the thread that waits
            self._result = error
        finally:
            self._recorder.close()
            self.progress.put(None)

    def stop(self) -> None:
        """Kill the kernel and end the run as interrupted."""
        with self._lock:
            self._stopping = True
            session = self._session
        if session is not None:
            session.stop()

    def memory(self) -> int:
        """Return the bytes of resident memory that the kernel and its processes hold now."""
        session = self._session
        return 0 if session is None else session.memory()

    def result(self) -> Execution:
        """Return what the run gave, after `main` has ended, or raise what it raised."""
        if isinstance(self._result, BaseException):
            raise self._result
        assert self._result is not None  # noqa: S101  # `main` sets it, whatever happens
        return self._result

    async def _run(self) -> Execution:
        with self._lock:
            self._session = session = Session(self._request, self._kernel)
        try:
            if self._stopping:
                session.stop()
            journal = Journal(session.journal)
            halt: Halt | None = None
            try:
                halt = await self._work(session, journal)
            except Halt as early:
                halt = early
            finally:
                exit_ = session.close()
            journal.update(session.cell)
            for late in journal.take_threads():  # while the last facts were asked, or while the kernel ended
                halt = halt or faults.thread_failed(late.thread, late.error, late.traceback, None)
            self._saver.save()
            return self._execution(session, journal, halt, exit_)
        finally:
            # a process that cannot be killed may still hold it
            shutil.rmtree(session.folder, ignore_errors=True)

    async def _work(self, session: Session, journal: Journal) -> Halt | None:
        """Run all cells and ask the kernel what only it knows; return why it ended early, if it did.

        Raises:
            Halt: it ended so that the kernel cannot be asked.
        """
        self._tell(None, 0.0)
        told = await session.open()
        from pytest_nbrepro.kernels.client import Notebook

        notebook = Notebook(self._notebook, self._recorder, session.connection)
        self._notebook = notebook.nb
        self._notebook["metadata"]["language_info"] = told.get("language_info", {})
        autosave = asyncio.ensure_future(self._autosave(session))
        halt = None
        try:
            for index in self._code:
                await self._cell(session, notebook, journal, index)
            notebook.set_widgets_metadata()
        except Halt as early:
            if not early.alive:
                raise
            halt = early
        finally:
            await cancel(autosave)
        try:
            await self._finish(session, complete=halt is None)
        except Halt as late:
            if halt is None or late.status is RunStatus.INTERRUPTED:
                raise
            return halt  # the kernel has died over a cell that failed: that comes first
        left = await session.leave()
        if left is None or left.returncode:
            how = "did not end by itself" if left is None else f"ended with {left.signal or left.returncode}"
            self._notes.append(f"the kernel {how} after the last cell: files it had open may be incomplete")
        return halt

    async def _cell(self, session: Session, notebook: Notebook, journal: Journal, index: int) -> None:
        """Run one cell.

        Raises:
            Halt: the run ends with it.
        """
        session.cell = index
        start = time.monotonic()
        self._tell(index, start - self._start)
        allowed = _ALLOWED in tags(notebook.nb.cells[index])
        try:
            await self._limited(session, notebook, index)
        finally:
            self._seconds[index] = time.monotonic() - start
            journal.update(index)
        if notebook.error is not None and not allowed:
            raise faults.cell_failed(notebook.error, index)
        for thread in journal.take_threads():
            if not allowed:
                raise faults.thread_failed(thread.thread, thread.error, thread.traceback, index)
        if notebook.reply and _METRICS in tags(notebook.nb.cells[index]):
            await self._capture(session, index)
        if notebook.wants_to_exit and index != self._code[-1]:
            raise faults.left_early(index)
        self._saver.maybe()

    def _tell(self, cell: int | None, seconds: float) -> None:
        """Tell who waits where the run is."""
        number = 0 if cell is None else self._ordinals[cell]
        self.progress.put(
            Progress(cell, number, len(self._code), seconds, self._request.folder / "output.log")
        )

    async def _limited(self, session: Session, notebook: Notebook, index: int) -> None:
        """Run one cell within its limits of time; that it fails is left to the caller."""
        own = self._request.cell_timeout
        limit = session.left(own)
        task = asyncio.ensure_future(notebook.run(index))
        try:
            if await session.until(task, limit):
                with contextlib.suppress(notebook.failed):
                    task.result()
                return
            if own is None or limit != own:
                raise faults.too_long(self._request.timeout or 0.0, index, whole=True)
            session.interrupt()
            ended = await session.until(task, session.left(_GRACE))
            traceback = "\n".join((notebook.error or {}).get("traceback", ())) if ended else ""
            raise faults.too_long(own, index, whole=False, traceback=faults.plain(traceback))
        except notebook.lost:
            raise faults.lost_output(index) from None
        finally:
            await cancel(task)

    async def _capture(self, session: Session, index: int) -> None:
        """Take the numbers that a cell tagged `metrics` ended in."""
        from pytest_nbrepro.kernels.client import UnansweredError

        told: dict[str, Any] = {"error": f"a value of a {self._kernel.name} kernel"}
        if self._kernel.ipython:
            try:
                told = await self._asked(session, "value()", index)
            except UnansweredError as error:
                told = {"error": f"what cannot be read: {error}"}
        if "error" in told:
            message = (
                f"a cell tagged `metrics` ends in a number or a mapping of numbers, not in {told['error']}"
            )
            self._lacking.append(RunError("capture", message, index))
            return
        own = own_name(self._notebook["cells"][index], index)
        self._values += [Value(name or own, v, dtype, index) for name, (v, dtype) in told["values"].items()]

    async def _finish(self, session: Session, *, complete: bool) -> None:
        """Have the expressions evaluated, the coverage saved and the facts told."""
        wanted = dict(self._request.expressions) if complete else {}
        told: dict[str, Any] = {"results": {}, "facts": {}}
        why = f"a {self._kernel.name} kernel evaluates no expressions"
        if self._kernel.ipython:
            from pytest_nbrepro.kernels.client import UnansweredError

            session.cell = None if complete else session.cell
            try:
                call = f"finish({json.dumps(wanted)!r})"
                if complete:
                    told = await self._asked(session, call, None)
                else:
                    told = await session.within(session.connection.ask(call), session.left(_FACTS))
            except UnansweredError as error:
                why = str(error)
            except TimeoutError:
                self._notes.append("the kernel did not tell its facts after the cell that failed")
        self._facts = told["facts"]
        for name, text in wanted.items():
            result = told["results"].get(name, {"error": why})
            if "error" in result:
                message = f"metric {name!r}: {text!r} gives no number: {result['error']}"
                self._lacking.append(RunError("capture", message))
                continue
            for inner, (value, dtype) in result["values"].items():
                self._values.append(Value(f"{name}.{inner}" if inner else name, value, dtype, None))

    async def _asked(self, session: Session, call: str, index: int | None) -> dict[str, Any]:
        """Ask the kernel, within the limits of a cell, since the notebook's own code may run."""
        own = self._request.cell_timeout
        allowed = None if own is None else own + _SLACK
        limit = session.left(allowed)
        try:
            return await session.within(session.connection.ask(call), limit)
        except TimeoutError:
            whole = allowed is None or limit != allowed
            seconds = self._request.timeout if whole else own
            raise faults.too_long(seconds or 0.0, index, whole=whole) from None

    async def _autosave(self, session: Session) -> None:
        """Keep what a long cell puts out while it runs."""
        while True:
            await asyncio.sleep(_AUTOSAVE)
            if self._recorder.changed and session.cell is not None:
                self._recorder.join(session.cell)
                with contextlib.suppress(OSError):  # the last save meets it again, and tells
                    self._saver.maybe()

    def _write(self, lasting: bool) -> None:
        import nbformat.v4

        self._recorder.changed = False
        node = nbformat.from_dict(self._notebook)  # type: ignore[no-untyped-call]
        text = nbformat.v4.writes_json(node)  # type: ignore[no-untyped-call]
        files.write_text(self._request.folder / "notebook.ipynb", text + "\n", lasting=lasting)

    def _execution(
        self, session: Session, journal: Journal, halt: Halt | None, exit_: Exit | None
    ) -> Execution:
        request = self._request
        status, error = (RunStatus.COMPLETED, None) if halt is None else (halt.status, halt.error)
        status, error = faults.outcome(status, error, journal.refused, self._lacking)
        if request.coverage is not None:
            covering.publish(session.measured, request.coverage.data_file, request.work, request.project)
        note = specs.note(request.kernel, request.language, request.recorded_kernel)
        refused = [] if error is not None and error.kind == "workspace" else journal.refused
        return Execution(
            status=status,
            error=error,
            notebook=plain(self._notebook),
            seconds=self._seconds,
            values=tuple(self._values),
            facts=self._told(session, journal),
            read=project_files(journal.reads, request.work, request.project),
            notes=(
                *filter(None, [note]),
                *self._spilled(),
                *refused,
                *session.notes,
                *self._notes,
                *journal.notes,
            ),
            peak=None if exit_ is None else exit_.peak,
            seen=tuple(journal.seen),
            prints=journal.prints,
        )

    def _told(self, session: Session, journal: Journal) -> dict[str, Any]:
        """Return the facts; the notebook's own modules are told by their place in the project."""
        request = self._request

        def place(path: str) -> str:
            inside = relative(path, request.work, request.project)
            return path if inside is None else inside

        facts = {**journal.facts, **self._facts, "env": session.chosen, "seed": request.seed}
        if facts.get("modules", True):  # without any, nothing computes in threads; other kernels do not tell
            facts["thread_limit"] = session.thread_limit
        if "modules" in facts:
            facts["modules"] = {name: place(path) for name, path in facts["modules"].items()}
        return facts

    def _spilled(self) -> Iterator[str]:
        cap = faults.size(self._request.output_cap)
        for index in sorted(self._recorder.spilled):
            yield f"cell {self._ordinals[index]} put out more than {cap}: all of it is in output.log"
