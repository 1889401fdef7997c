"""A project whose runs are made by hand, with the command line in it; and stand-ins for what a kernel has."""

from __future__ import annotations

import importlib
import inspect
import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from pytest_nbrepro import baselines, files, pending
from pytest_nbrepro.kernels import tracing
from pytest_nbrepro.model import Artifact, Metric, Run, RunStatus
from pytest_nbrepro.store import Store


@dataclass
class Said:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def check_json(name: str, record: dict[str, Any]) -> None:
    """Hold what a command writes with ``--json`` against what its ``--help`` says of it: the keys of the record and of its lists."""
    from pytest_nbrepro.cli import main

    command = main.get_command(click.Context(main), name)
    assert command is not None
    told = set(re.findall(r'"(\w+)"', (command.help or "").partition("JSON")[2]))
    assert record["schema"] == 1
    assert set(record) <= told, f"nbrepro {name} --help does not tell of {set(record) - told}"
    for key, value in record.items():
        for item in value if isinstance(value, list) else ():
            if isinstance(item, dict) and not _borrowed(name, key):
                assert set(item) <= told, (
                    f"nbrepro {name} --help does not tell of {set(item) - told} in {key}"
                )


def _borrowed(name: str, key: str) -> bool:
    """Tell whether the help says of a list that its items are as those of another command."""
    return (name, key) in {("accept", "pending"), ("run", "trials")}


class Bench:
    """A project whose runs and pending values are made without kernels."""

    def __init__(self, root: Path, write_notebook: Any) -> None:
        self.root = root
        self.store = Store(root / ".nbrepro")
        self.baselines = root / "baselines"
        self.write_notebook = write_notebook
        (root / "pytest.ini").write_text("[pytest]\n")
        self._count = 0

    def __call__(self, *arguments: str, answer: str | None = None) -> Said:
        """Run `nbrepro` with these arguments."""
        from pytest_nbrepro.cli import main

        separate = {"mix_stderr": False} if "mix_stderr" in inspect.signature(CliRunner).parameters else {}
        result = CliRunner(**separate).invoke(main, arguments, input=answer, prog_name="nbrepro")
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        said = Said(result.exit_code, result.stdout, result.stderr)
        if "--json" in arguments and said.out.startswith("{"):
            check_json(next(name for name in arguments if name in main.lazy), said.json)
        return said

    def notebook(self, name: str = "train.ipynb", *sources: Any, **metadata: Any) -> Path:
        metadata.setdefault("nbrepro", {})
        return self.write_notebook(
            self.root / name, *(sources or ("x = 1.0", "print(f'loss: {x / 4}')")), **metadata
        )

    def run(self, notebook: str = "train.ipynb", case: str = "default", **fields: Any) -> Run:
        """Put a run into the store; its id tells its number, each a second after the one before."""
        self._count += 1
        started = datetime(2025, 1, 1, tzinfo=UTC) + timedelta(seconds=self._count)
        run_id = fields.pop("id", f"{started:%Y%m%dT%H%M%S.%f}-{self._count:06x}")
        folder = self.store.runs / run_id
        folder.mkdir(parents=True)
        executed = fields.pop("executed", None)
        environment = fields.pop("environment", {"schema": 1, "platform": "linux-x86_64", "flags": {}})
        log = fields.pop("log", None)
        written = {
            "flags": {"x": 1.0},
            "status": RunStatus.COMPLETED,
            "started": started.isoformat(timespec="microseconds"),
            "duration": 1.5,
            "metrics": {"loss": Metric(0.25, cell=1)},
        }
        run = Run(id=run_id, folder=folder, notebook=notebook, case=case, **{**written, **fields})
        self.store.write(run)
        if executed is not None:
            files.write_json(folder / "notebook.ipynb", executed)
        if environment is not None:
            files.write_json(folder / "environment.json", environment)
        if log is not None:
            (folder / "output.log").write_text(log)
        return run

    def waiting(
        self,
        notebook: str = "train.ipynb",
        case: str = "default",
        *,
        loss: float = 0.25,
        kind: str = "new",
        store: Path | None = None,
        artifact: str | None = None,
        **changed: Any,
    ) -> pending.Pending:
        """Have values wait, for a notebook that is made where there is none."""
        if not (self.root / notebook).exists():
            self.notebook(notebook)
        folder = f"{notebook.removesuffix('.ipynb')}/{case}"
        artifacts, sources = {}, {}
        if artifact is not None:
            path = files.sha256_text(artifact)
            source = self.root / ".source" / path
            source.parent.mkdir(exist_ok=True)
            source.write_text("content")
            artifacts[artifact] = Artifact(artifact, "text", f"files/{artifact}", files.sha256(source), 7)
            sources[artifact] = source
        draft = baselines.Draft(
            metrics={"loss": Metric(loss)},
            artifacts=artifacts,
            sources=sources,
            notebook={"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5},
            environment={"schema": 1, "platform": "linux-x86_64"},
            once=False,
            fixture=False,
        )
        entry = pending.Pending(
            **{
                "case": f"{notebook}::{case}",
                "notebook": notebook,
                "folder": folder,
                "kind": kind,
                "run": "20250101T000001.000000-000001",
                "differences": ("metric loss: drift",),
                "base": baselines.fingerprint(self.baselines / folder),
                "source": pending.source_hash(self.root / notebook),
                **changed,
            }
        )
        pending.put((store or self.store.folder) / "pending", entry, draft)
        return entry

    def loss(self, folder: str = "train/default") -> float:
        """Return the metric of the baseline in a folder."""
        baseline = baselines.read(self.baselines / folder)
        assert baseline is not None
        return baseline.metrics["loss"].value

    def word(self, *obsolete: str, complete: bool = True, green: bool = True) -> None:
        """Leave the word of a session."""
        word = {"schema": 1, "complete": complete, "green": green, "obsolete": list(obsolete)}
        files.write_json(self.store.folder / "last-session.json", word)

    def tree(self, folder: str) -> list[str]:
        """Return the files in a folder."""
        root = self.root / folder
        return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())


@pytest.fixture
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave no setting of the machine's."""
    for name in [name for name in os.environ if name.startswith("NBREPRO")] + ["CI", "PYTEST_ADDOPTS"]:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clean: None, write_notebook: Any) -> Bench:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TZ", "UTC")
    return Bench(tmp_path, write_notebook)


# ---------------------------------------------------------------------------------------------------
# Cells without a kernel


class Notebook:
    """Cells that run in a namespace of their own, beside a project and a library."""

    def __init__(self, root: Path) -> None:
        self.project, self.library = root / "project", root / "project" / "venv"
        self.library.mkdir(parents=True)
        self.namespace: dict[str, Any] = {"__name__": "__main__"}
        own, foreign = (f"{self.project}{os.sep}",), (f"{self.library}{os.sep}",)
        self.tracer = tracing.Tracer(self.namespace, own, foreign)

    def cell(self, source: str, name: str = "<cell>") -> None:
        exec(compile(source, name, "exec"), self.namespace)

    def seen(self, source: str, *, through: bool = True) -> list[str | None]:
        """Run a cell that calls `look`, and return the names of the culprits' functions."""
        found: list[str | None] = []

        def look(*_: object) -> int:
            frame = self.tracer.culprit(sys._getframe(1), through_libraries=through)
            found.append(None if frame is None else frame.f_code.co_name)
            return 0

        self.namespace["look"] = look
        self.cell(source)
        return found


@pytest.fixture
def book(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Notebook:
    book = Notebook(tmp_path)
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    for place in (book.project, book.library):
        monkeypatch.syspath_prepend(place)
    return book


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Path, str, str], None]]:
    """Write modules that are gone after the test."""

    def write(folder: Path, name: str, text: str) -> None:
        (folder / f"{name}.py").write_text(text)
        importlib.invalidate_caches()
        monkeypatch.delitem(sys.modules, name, raising=False)
        monkeypatch.setitem(sys.modules, f"{name}_never", None)  # so that the state of both is put back

    before = set(sys.modules)
    yield write
    for name in set(sys.modules) - before:
        del sys.modules[name]
