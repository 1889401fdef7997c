"""What a person sees who waits for a run: on a terminal a line that changes, in a log a line now and then."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Self

import click

from pytest_nbrepro.model import Progress

EVERY = 30.0  # seconds between two lines in a log
CLEAR = "\r\x1b[K"


class Waiting:
    """Called with the progress of a run; tells it on stderr."""

    def __init__(self, what: str) -> None:
        self.what = what
        self.terminal = sys.stderr.isatty()
        self._told = time.monotonic()

    def __enter__(self) -> Self:
        if self.terminal:
            click.echo(f"{CLEAR}{self.what}", nl=False, err=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.terminal:
            click.echo(CLEAR, nl=False, err=True)

    def __call__(self, progress: Progress) -> None:
        """Tell where a run is, if it is time to."""
        text = f"{self.what}: {progress.place}, {progress.seconds:.0f} s"
        if self.terminal:
            click.echo(f"{CLEAR}{text[:79]}", nl=False, err=True)
        elif time.monotonic() - self._told >= EVERY:
            self._told = time.monotonic()
            click.echo(text, err=True)
