"""Stand-ins for what a kernel has: cells in a namespace of their own, beside a project and a library."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pytest_nbrepro.kernels import tracing


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
