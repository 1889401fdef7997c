"""Fixtures of all tests: notebooks made in place, and a stand-in for kernels where none is needed."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import io
import json
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import Queue
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import settings

from pytest_nbrepro.kernels import child
from pytest_nbrepro.kernels.showing import KEPT, MARK, Keeper

settings.register_profile("default", deadline=None, max_examples=60)
settings.register_profile(
    "ci", deadline=None, max_examples=60, derandomize=True, database=None
)  # red by no chance
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


def notebook_json(*sources: str | dict[str, Any], **metadata: Any) -> dict[str, Any]:
    """Return a notebook; a source is code, or a whole cell."""
    cells = []
    for number, source in enumerate(sources):
        cell = dict(source) if isinstance(source, dict) else {"source": source}
        cell = {"cell_type": "code", "id": f"id{number}", "metadata": {}, **cell}
        if "tags" in cell:
            cell["metadata"] = {"tags": cell.pop("tags")}
        if cell["cell_type"] == "code":
            cell = {"outputs": [], "execution_count": None, **cell}
        cells.append(cell)
    return {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


@pytest.fixture
def write_notebook() -> Callable[..., Path]:
    """Write a notebook: ``write_notebook(path, "x = 1", {"source": "x", "tags": ["metrics"]}, nbrepro={})``."""

    def write(path: Path, *sources: str | dict[str, Any], **metadata: Any) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(notebook_json(*sources, **metadata)))
        return path

    return write


def lay_out(
    folder: Path, name: str, version: str, *, record: str = "", top_level: Any = None, metadata: str = ""
) -> str:
    """Lay out what an installation of a distribution leaves, and return the folder for `sys.path`."""
    info = folder / f"{name}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(metadata or f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (info / "RECORD").write_text(record)
    if top_level is not None:
        (info / "top_level.txt").write_text(top_level)
    return str(folder)


@pytest.fixture
def installed() -> Callable[..., str]:
    """Lay out an installation: ``installed(folder, "pkg", "1.0", top_level="pkg")``."""
    return lay_out


class FakeKernel:
    """Runs cells in this process, as far as plugin tests need: stdout, files, last values, errors, figures.

    Cells see how many `runs` there were, the `distributions` that they imported (by name, the version; any error is about
    these), and the `seed` and `env` of theirs, and what is `forced`; `show(png)` shows a PNG, `show(png, figure)`
    one of a figure. Data behind what is shown are kept as in a kernel. `before` is called before each execution; an
    exception it raises is the run's. Of several at once, one runs its cells at a time. A KeyboardInterrupt in a cell
    is a Ctrl-C for the process.
    """

    def __init__(self) -> None:
        self.runs = 0
        self.before: Callable[..., None] | None = None
        self.platform: str | None = None  # that of this machine
        self.distributions: dict[str, str] = {}
        self.seen: list[tuple[str, int, str]] = []  # what every run was seen to do
        self._lock = threading.Lock()

    def execute(self, request: Any, progress: Any = None, control: Any = None) -> Any:
        with self._lock:
            self.runs += 1
        if self.before is not None:
            self.before()
        with self._lock:
            return self._execute(request, control)

    def _execute(self, request: Any, control: Any) -> Any:
        from pytest_nbrepro.model import RunError, RunStatus

        notebook = request.notebook
        status, error, seconds, values = RunStatus.COMPLETED, None, {}, []
        namespace: dict[str, Any] = {"runs": self.runs, "seed": request.seed, "env": request.env}
        namespace |= {"distributions": self.distributions, "forced": request.forced}
        keeper = Keeper(str(request.folder / KEPT), child.sibling)
        for index, cell in enumerate(notebook["cells"]):
            if cell["cell_type"] != "code":
                continue
            outputs: list[dict[str, Any]] = []
            namespace["show"] = _shower(outputs, keeper)
            seconds[index] = 0.01
            try:
                with _inside(request.cwd, outputs):
                    last = _run(cell["source"], namespace)
            except KeyboardInterrupt:
                stopped = threading.Event()
                with control.of(SimpleNamespace(stop=stopped.set)):
                    os.kill(os.getpid(), signal.SIGINT)
                    assert stopped.wait(60)
                error = RunError("interrupted", "the run was interrupted", index)
                return self._done(request, notebook, RunStatus.INTERRUPTED, error, seconds, ())
            except Exception as caught:  # noqa: BLE001
                message = f"{type(caught).__name__}: {caught}"
                status, error = RunStatus.FAILED, RunError("cell", message, index, f"{message} here")
                cell["outputs"] = outputs
                break
            if last is not None:
                data = {"text/plain": repr(last)}
                if hasattr(last, "_repr_html_"):
                    data["text/html"] = last._repr_html_()
                shown = {"data": data, "metadata": _marked(keeper, last, data), "execution_count": 1}
                outputs.append({"output_type": "execute_result", **shown})
            cell["outputs"] = outputs
            if "metrics" in cell["metadata"].get("tags", ()):
                values += [_value(name, value, index) for name, value in (last or {}).items()]
        if status is RunStatus.COMPLETED:
            values += [
                _value(name, eval(code, namespace), None) for name, code in request.expressions.items()
            ]
        return self._done(request, notebook, status, error, seconds, tuple(values))

    def _done(self, request, notebook, status, error, seconds, values):
        from pytest_nbrepro.execution import Execution
        from pytest_nbrepro.model import Seen

        (request.folder / "notebook.ipynb").write_text(json.dumps(notebook))
        (request.folder / "output.log").write_text("")
        site = request.folder / "site"
        for name, version in self.distributions.items():
            lay_out(site, name, version, top_level=name)
        facts = {"implementation": "cpython", "python": "3.11.0", "path": [str(site)]}
        facts["modules"] = {name: f"/site/{name}.py" for name in self.distributions}
        facts["direct"] = list(self.distributions)
        facts |= {"blamed": list(self.distributions)} if error else {}
        return Execution(
            status=status,
            error=error,
            notebook=notebook,
            seconds=seconds,
            values=values,
            facts={**facts, **({"platform": self.platform} if self.platform else {})},
            read=(),
            notes=(),
            peak=None,
            seen=tuple(Seen(*seen) for seen in self.seen),
        )


def _value(name: str, value: Any, cell: int | None) -> Any:
    from pytest_nbrepro.execution import Value

    return Value(name, value, "int" if isinstance(value, int) else "float64", cell)


def _run(source: str, namespace: dict[str, Any]) -> Any:
    import ast

    tree = ast.parse(source)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "cell", "exec"), namespace)
    return eval(compile(ast.Expression(last.value), "cell", "eval"), namespace) if last else None


def _shower(outputs: list[dict[str, Any]], keeper: Keeper) -> Callable[..., None]:
    def show(png: bytes, figure: Any = None) -> None:
        data = {"image/png": base64.b64encode(png).decode(), "text/plain": "<Figure>"}
        shown = {"data": data, "metadata": _marked(keeper, figure, data)}
        outputs.append({"output_type": "display_data", **shown})

    return show


def _marked(keeper: Keeper, shown: Any, data: dict[str, Any]) -> dict[str, Any]:
    mark = keeper.mark(shown, data)
    return {} if mark is None else {MARK: mark}


@contextlib.contextmanager
def _inside(folder: Path, outputs: list[dict[str, Any]]) -> Iterator[None]:
    here, text = os.getcwd(), io.StringIO()
    os.chdir(folder)
    try:
        with contextlib.redirect_stdout(text):
            yield
    finally:
        os.chdir(here)
        if text.getvalue():
            outputs.insert(0, {"output_type": "stream", "name": "stdout", "text": text.getvalue()})


@pytest.fixture
def fake_kernel(monkeypatch: pytest.MonkeyPatch) -> FakeKernel:
    """Let notebooks run in this process instead of kernels, in tests that run pytest in process."""
    from pytest_nbrepro import execution

    kernel = FakeKernel()
    monkeypatch.setattr(execution, "execute", kernel.execute)
    return kernel


@pytest.fixture
def in_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let notebooks run in the process of pytest instead of one of their own."""
    from pytest_nbrepro import executors

    monkeypatch.setattr(executors, "apart", executors.here)


@pytest.fixture
def project(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, write_notebook: Any, in_process: None
) -> ProjectKit:
    """A project in a folder of its own, and pytest run in it."""
    for name in [name for name in os.environ if name.startswith(("NBREPRO", "GITHUB_"))] + ["CI"]:
        monkeypatch.delenv(name, raising=False)
    return ProjectKit(pytester, write_notebook)


class ProjectKit:
    """A project in a temporary folder."""

    def __init__(self, pytester: pytest.Pytester, write_notebook: Any) -> None:
        self.pytester = pytester
        self.root = pytester.path
        self.write_notebook = write_notebook
        (self.root / "pytest.ini").write_text("[pytest]\n")

    def notebook(self, name: str, *sources: Any, **metadata: Any) -> Path:
        """Write an annotated notebook."""
        metadata.setdefault("nbrepro", {})
        return self.write_notebook(self.root / name, *sources, **metadata)

    def write(self, name: str, text: str | bytes) -> Path:
        """Write a file."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def run(self, *arguments: str) -> pytest.RunResult:
        """Run `pytest --nbrepro` in this process."""
        return self.pytester.runpytest_inprocess("--nbrepro", "-p", "no:xdist", "-W", "default", *arguments)

    def accept(self, *arguments: str) -> pytest.RunResult:
        """Run, and accept what differs."""
        result = self.run("--nbrepro-update=changed", *arguments)
        assert result.ret == 0, result.outlines
        return result

    def runs(self) -> list[Any]:
        """Return the runs in the store, oldest first."""
        from pytest_nbrepro.store import Store

        store = Store(self.root / ".nbrepro")
        return [store.read(run_id) for run_id in store.ids()]

    def tree(self, *left_out: str) -> dict[str, bytes]:
        """Return every file of the project by name, without runs."""
        out = {".nbrepro", ".pytest_cache", "__pycache__", *left_out}
        return {
            path.relative_to(self.root).as_posix(): path.read_bytes()
            for path in sorted(self.root.rglob("*"))
            if path.is_file() and not out & set(path.relative_to(self.root).parts)
        }


@pytest.fixture(scope="session")
def serving() -> Callable[[Path], contextlib.AbstractContextManager[str]]:
    """Serve the viewer of a project: ``with serving(root) as address`` has the address of its first page."""
    return _served


@contextlib.contextmanager
def _served(root: Path) -> Iterator[str]:
    from pytest_nbrepro.cli.site import Asked
    from pytest_nbrepro.web import server
    from pytest_nbrepro.web.viewer import Viewer

    ready: Queue[tuple[str, Callable[[], None]]] = Queue()

    async def serve() -> None:
        end = asyncio.Event()
        viewer = Viewer(Asked(root, {}).site(), "token")
        with ThreadPoolExecutor(1) as workers:
            made = server.made(viewer, workers)
            listening = socket.create_server((server.ADDRESS, 0))
            listening.setblocking(False)
            made.add_socket(listening)
            loop = asyncio.get_running_loop()
            address = f"http://{server.ADDRESS}:{listening.getsockname()[1]}{viewer.base}"
            ready.put((address, lambda: loop.call_soon_threadsafe(end.set)))
            await end.wait()
            made.stop()
            await made.close_all_connections()

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    address, stop = ready.get(timeout=20)
    yield address
    stop()
    thread.join()
