"""What differs between two runs that agree: hidden by masks, not compared, or passed over."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pytest_nbrepro.capture import Hidden
from pytest_nbrepro.comparers import asides
from pytest_nbrepro.displays import joined
from pytest_nbrepro.interventions.answer import Finding
from pytest_nbrepro.model import Run, Verdict
from pytest_nbrepro.notebook import Cell, Notebook

_MIMES = ("text/plain", "text/html")


def findings(
    runs: tuple[Run, Run], books: tuple[Notebook, Notebook], verdict: Verdict, hidden: Hidden
) -> list[Finding]:
    """Return what differs from run to run though the runs agree, and errors that a passing notebook shows.

    Args:
        runs: two runs of one notebook.
        books: their executed copies.
        verdict: the second held against the first.
        hidden: what means nothing in the text of the second.
    """
    masked: dict[str, list[str]] = {}
    for one, other in zip(books[0].code, books[1].code, strict=False):
        for name, where in _masked(one, other, hidden):
            masked.setdefault(name, []).append(f"{books[1].label(other.index)}{where}")
    found = [
        Finding(
            name, f"{name} differ from run to run, and are not compared", "aside", tuple(dict.fromkeys(cells))
        )
        for name, cells in masked.items()
    ]
    timed = asides.names(verdict.checks)
    if timed and not any(one.name == "timings" for one in found):
        names = [f"{name}: {', '.join(below)}" if below else name for name, below in timed.items()]
        found.append(Finding("timings", f"timings by name are not compared: {'; '.join(names)}", "aside"))
    return [*found, *_bytes(*runs, verdict), *_errors(books[1])]


def _masked(one: Cell, other: Cell, hidden: Hidden) -> Iterator[tuple[str, str]]:
    """Yield the masks that hide a difference between the outputs of two cells, and where."""
    for where, mine, theirs in _texts(one, other):
        if mine != theirs:
            names = hidden.apply(theirs)[1]
            yield from ((name, where) for name in names)
            if where and not names:
                yield "standard error", where


def _texts(one: Cell, other: Cell) -> Iterator[tuple[str, str, str]]:
    for stream, where in (("stdout", ""), ("stderr", " (stderr)")):
        yield where, _stream(one, stream), _stream(other, stream)
    for mime in _MIMES:
        yield "", _shown(one, mime), _shown(other, mime)


def _stream(cell: Cell, name: str) -> str:
    return "".join(joined(out.get("text", "")) for out in cell.outputs if out.get("name") == name)


def _shown(cell: Cell, mime: str) -> str:
    data: list[Any] = [out.get("data", {}) for out in cell.outputs]
    return "\n".join(joined(bundle[mime]) for bundle in data if mime in bundle)


def _bytes(first: Run, second: Run, verdict: Verdict) -> Iterator[Finding]:
    """Yield files whose bytes differ though all that is compared of them is equal."""
    passing = {check.name for check in verdict.checks if check.status.ok}
    for name, artifact in second.artifacts.items():
        other = first.artifacts.get(name)
        if other is not None and other.sha256 != artifact.sha256 and name in passing:
            text = f"{name} differs in bytes from run to run, such as the time of its making, and not in what it says"
            yield Finding("file bytes", text, "aside")


def _errors(notebook: Notebook) -> Iterator[Finding]:
    """Yield the cells that show an error though the run completed."""
    for cell in notebook.code:
        errors = [out for out in cell.outputs if out.get("output_type") == "error"]
        if errors and "raises-exception" not in cell.tags:
            text = f"the run completes with an error among its outputs: {errors[0].get('ename')}"
            yield Finding("error", text, "shown", (notebook.label(cell.index),), "the cell mended")
