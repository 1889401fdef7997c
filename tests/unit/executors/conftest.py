"""Tasks whose runs are made by hand: none of them needs a kernel."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from pytest_nbrepro import runner
from pytest_nbrepro.model import Case, Progress, Run, RunStatus, Spec, Task

PATIENCE = 60.0


@pytest.fixture
def task(tmp_path):
    """Make a task: ``task("a")`` runs the notebook ``a.ipynb``."""

    def make(name: str = "a", **fields) -> Task:
        case = Case(f"{name}.ipynb", "default", {}, Spec(), f"{name}/default")
        return Task(case, tmp_path, tmp_path / ".nbrepro", tmp_path / "baselines", **fields)

    return make


class Theatre:
    """Stands in for `run_case`: runs begin, and end when the test lets them."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.begun: list[str] = []
        self.most = 0
        self.released: set[str] = set()
        self.kept: set[str] = set()  # those that go on when their kernels are gone, until they are let go
        self.outcomes: dict[str, BaseException] = {}
        self.now = 0

    def run_case(self, task, progress=None, control=None):
        name = task.case.notebook.removesuffix(".ipynb")
        stopped = threading.Event()
        with self.changed:
            self.begun.append(name)
            self.now += 1
            self.most = max(self.most, self.now)
            self.changed.notify_all()
        progress(Progress(0, 1, 2, 0.0))
        with control.of(Held(self, stopped)), self.changed:
            assert self.changed.wait_for(lambda: name in self.released or stopped.is_set(), PATIENCE)
            self.now -= 1
        with self.changed:
            assert self.changed.wait_for(lambda: name not in self.kept, PATIENCE)
        if name in self.outcomes:
            raise self.outcomes[name]
        status = RunStatus.INTERRUPTED if stopped.is_set() else RunStatus.COMPLETED
        return Run(name, Path(name), task.case.notebook, "default", {}, status, "", peak=100)

    def let(self, *names: str) -> None:
        """Let runs end."""
        with self.changed:
            self.released |= set(names)
            self.changed.notify_all()

    def let_go(self, *names: str) -> None:
        """Let runs end whose kernels are gone."""
        with self.changed:
            self.kept -= set(names)
            self.changed.notify_all()

    def await_begun(self, *names: str) -> None:
        """Wait until these runs, and no others, have begun, in this order."""
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.begun) >= len(names), PATIENCE), self.begun
        assert self.begun == list(names)


class Held:
    """What a control holds: it can be stopped, and holds memory."""

    def __init__(self, theatre: Theatre, stopped: threading.Event) -> None:
        self.theatre, self.stopped = theatre, stopped

    def stop(self) -> None:
        self.stopped.set()
        with self.theatre.changed:
            self.theatre.changed.notify_all()

    def memory(self) -> int:
        return 30


@pytest.fixture
def theatre(monkeypatch):
    stage = Theatre()
    monkeypatch.setattr(runner, "run_case", stage.run_case)
    return stage
