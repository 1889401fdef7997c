"""A run that somebody watches: its cells as they begin, what they print as they print it, and how it ended."""

from __future__ import annotations

import dataclasses
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import IO

import click

from pytest_nbrepro import attributes
from pytest_nbrepro.cli import asking, output, running
from pytest_nbrepro.cli.run import Wanted
from pytest_nbrepro.cli.site import Site
from pytest_nbrepro.cli.waiting import Waiting
from pytest_nbrepro.executors import here
from pytest_nbrepro.model import Progress, Run, RunStatus
from pytest_nbrepro.reports import words
from pytest_nbrepro.store import LOG

_HEADING = re.compile(rb"^--- cell \d+ ---\n", re.MULTILINE)  # of the log; ours say more
_SOURCE = 60  # characters of a cell's first line


class Watcher(Waiting):
    """Called with the progress of a run; tells cells as they begin, and what they print.

    Args:
        what: what runs.
        titles: the first line of each code cell, by its index.
        aside: tell on stderr.
    """

    def __init__(self, what: str, titles: Mapping[int, str], *, aside: bool) -> None:
        super().__init__(what)
        self._titles = titles
        self._aside = aside
        self._cell: int | None = None
        self._log: IO[bytes] | None = None
        self._fresh = True  # what was told last ended its line
        self.folder: Path | None = None  # of the run, once it has told something

    def __call__(self, progress: Progress) -> None:
        """Tell what is new."""
        if progress.log is not None:
            self.folder = progress.log.parent
        self.clear()
        self.drain(progress.log)
        if progress.cell is not None and progress.cell != self._cell:
            self._cell = progress.cell
            self._end_line()
            title = self._titles.get(progress.cell, "")
            click.echo(f"[{progress.ordinal}/{progress.cells}] {title}".rstrip(), err=self._aside)
        if self._fresh:
            super().__call__(progress)

    def drain(self, log: Path | None) -> None:
        """Tell what was printed since the last time."""
        if self._log is None and log is not None and log.exists():
            self._log = log.open("rb")
        data = _HEADING.sub(b"", self._log.read()) if self._log else b""
        if data:
            click.echo(data, nl=False, err=self._aside)
            self._fresh = data.endswith(b"\n")

    def finish(self, run: Run) -> None:
        """Tell the rest."""
        self.clear()
        self.drain(run.folder / LOG)
        self._end_line()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        super().__exit__(kind, error, trace)
        if self._log is not None:
            self._log.close()

    def clear(self) -> None:
        """Take back the line that tells how long it takes."""
        if self.terminal and self._fresh:
            super().__exit__(None, None, None)

    def _end_line(self) -> None:
        if not self._fresh:
            click.echo(err=self._aside)
            self._fresh = True


def watched(wanted: Wanted, site: Site, *, aside: bool) -> Run:
    """Make a run while somebody watches, and note what is said of it.

    Raises:
        NbreproError: there is no run.
    """
    sys.stdout.flush()
    titles = {index: _title(source) for index, source in asking.sources(wanted)}
    task = dataclasses.replace(running.task(wanted.case, site), source=wanted.source)
    with Watcher(f"running {wanted.case.notebook}", titles, aside=aside) as watcher:
        try:
            run = here().submit(task).result(watcher)
            watcher.folder = run.folder
            watcher.finish(run)
        finally:  # a run that is stopped is kept, too
            if wanted.attributes and watcher.folder is not None:
                attributes.write(watcher.folder, wanted.attributes)
    return run


def _title(source: str) -> str:
    line = next((line.strip() for line in source.splitlines() if line.strip()), "")
    return output.printable(line if len(line) <= _SOURCE else f"{line[: _SOURCE - 1]}…")


def ended(run: Run, site: Site, word: str = "") -> Iterator[str]:
    """Yield how a run ended: its status, metrics and files."""
    yield word or f"{run.status} in {words.seconds(run.duration)}: run {run.id}"
    if run.status is not RunStatus.COMPLETED and run.error is not None:
        yield output.printable(run.error.message)
        yield from (output.printable(line) for line in run.error.traceback.splitlines())
        if run.error.hint:
            yield f"hint: {run.error.hint}"
    width = max(map(len, run.metrics), default=0)
    for name, metric in run.metrics.items():
        yield f"  {output.printable(name):<{width}}  {output.number(metric)}"
    names = [name for name, artifact in run.artifacts.items() if artifact.path.startswith("files/")]
    if names:
        yield f"files in {site.short(run.folder)}: {', '.join(map(output.printable, sorted(names)))}"
