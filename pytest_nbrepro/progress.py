"""Telling what runs: on a terminal behind the line that pytest writes, in a log a line now and then."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

import pytest

from pytest_nbrepro.model import Case, Progress

QUIET = 2.0  # seconds before a terminal tells anything
EVERY = 30.0  # seconds between two lines in a log
_SAVE, _RESTORE, _CLEAR = "\x1b7", "\x1b8", "\x1b[K"


class Ticker:
    """Called with the progress of a run; tells it and counts the seconds.

    Args:
        config: pytest's.
        case: what runs.
        others: tells how many other cases run besides.
    """

    def __init__(self, config: pytest.Config, case: Case, others: Callable[[], int]) -> None:
        self.case = case
        self.others = others
        self.seconds = 0.0
        self.reporter: Any = config.pluginmanager.getplugin("terminalreporter")
        self.terminal = bool(self.reporter and self.reporter.isatty)
        self._begun = self._told = time.monotonic()
        self._shown = False

    def __enter__(self) -> Self:
        self._begun = self._told = time.monotonic()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.seconds = time.monotonic() - self._begun
        if self._shown and self.terminal:
            self.reporter.write(_CLEAR, flush=True)

    def __call__(self, progress: Progress) -> None:
        """Tell where a run is, if it is time to."""
        if self.reporter is None:
            return
        now = time.monotonic()
        if self.terminal:
            if now - self._begun >= QUIET:
                text = f" {progress.place}, {progress.seconds:.0f} s{self._beside()}"
                self.reporter.write(f"{_SAVE}{text[:48]}{_CLEAR}{_RESTORE}", flush=True)
                self._shown = True
        elif now - self._told >= EVERY:
            self._told = now
            self.reporter.write_line(
                f"nbrepro: {self.case.id} at {progress.place}, after {progress.seconds:.0f} s{self._beside()}"
            )

    def _beside(self) -> str:
        others = self.others()
        return f", {others} more run" if others else ""
