"""How commands write: tables, JSON, times, sizes and numbers. No colours, so that logs and `NO_COLOR` need no care."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import click

from pytest_nbrepro import files
from pytest_nbrepro.model import Metric

SCHEMA = 1  # of every JSON record that a command writes
_GAP = "  "


def table(head: Sequence[str], rows: Sequence[Sequence[str]], *, indent: str = "") -> Iterator[str]:
    """Yield a table's lines: columns are as wide as they need, the last one is cut at a terminal's edge."""
    flat = [[" ".join(cell.split()) for cell in row] for row in (head, *rows)]
    widths = [max(map(len, column)) for column in zip(*flat, strict=True)]
    edge = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    for row in flat:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        yield _clipped((indent + _GAP.join(cells)).rstrip(), edge)


def _clipped(line: str, edge: int | None) -> str:
    return line if edge is None or len(line) <= edge else f"{line[: max(edge - 1, 0)]}…"


def write_lines(lines: Iterator[str], *, err: bool = False) -> None:
    """Write lines to stdout, or stderr, at once: thousands of flushes take longer than what they show."""
    if text := "".join(f"{line}\n" for line in lines):
        click.echo(text, nl=False, err=err)


def write_json(record: Mapping[str, Any]) -> None:
    """Write a record to stdout, its schema with it; what JSON has no word for must be tagged (`files.to_json`)."""
    click.echo(files.dump_json({"schema": SCHEMA, **record}, indent=2), nl=False)


def local_time(stamp: str) -> str:
    """Return a time in ISO 8601 as this machine's clock shows it; the text itself where it is none."""
    try:
        return datetime.fromisoformat(stamp).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    except ValueError:
        return stamp


def number(metric: Metric) -> str:
    """Return a metric's value in at most six digits; whole numbers whole."""
    return f"{metric.value:.6g}" if isinstance(metric.value, float) else str(metric.value)


def count(number: int, word: str) -> str:
    """Return a number of things."""
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def printable(text: str) -> str:
    """Return a text in which nothing but the ends of its lines can move a terminal's cursor."""
    return "".join(c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode() for c in text)
