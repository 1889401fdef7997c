"""The list of runs, kept up to date while some of them run."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from pytest_nbrepro import attributes
from pytest_nbrepro.errors import StoreError
from pytest_nbrepro.model import Run, RunStatus
from pytest_nbrepro.reports import words
from pytest_nbrepro.store import LOG
from pytest_nbrepro.web.answers import Answer, Query
from pytest_nbrepro.web.choosing import Chosen, choose
from pytest_nbrepro.web.logs import running_cell
from pytest_nbrepro.web.viewer import Viewer

_PAGE = 50  # runs on one
_COLUMNS = 12  # flags and metrics that have columns of their own
_SHOWN = 4  # of them that are told in one cell otherwise


def page(viewer: Viewer, query: Query, _: str) -> Answer:
    """Return the list of runs; its table alone where `part` is asked for."""
    chosen = choose(viewer, query)
    number = int(query.one("page")) if query.one("page").isascii() and query.one("page").isdigit() else 1
    last = max(1, -(-len(chosen.runs) // _PAGE))
    number = min(max(number, 1), last)
    start = (number - 1) * _PAGE
    shown = chosen.runs[start : start + _PAGE]
    view = {
        **_table(shown),
        "chosen": chosen,
        "first": start + 1,
        "last": start + len(shown),
        "page": number,
        "pages": last,
        "faults": list(viewer.catalogue.faults.values()),
        "live": f"{viewer.base}?{'&'.join(filter(None, (chosen.query, f'page={number}', 'part=table')))}",
    }
    if query.one("part"):
        return Answer(viewer.part("table.html.j2", **view))
    statuses = [status.value for status in RunStatus]
    return viewer.page("runs.html.j2", title="Runs", statuses=statuses, orders=_orders(chosen), **view)


def _orders(chosen: Chosen) -> list[tuple[str, str]]:
    """Return what runs can be sorted by, and what that is called."""
    found = [("", "newest first"), ("started", "oldest first"), ("-seconds", "longest first")]
    for name in chosen.names:
        found += [(name, f"{name}, least first"), (f"-{name}", f"{name}, largest first")]
    return found


def _table(runs: Sequence[Run]) -> dict[str, Any]:
    """Return the rows, with columns for flags and metrics where all are of one notebook and there are few."""
    flags = list(dict.fromkeys(name for run in runs for name in run.flags))
    metrics = list(dict.fromkeys(name for run in runs for name in run.metrics))
    own = len({run.notebook for run in runs}) == 1 and len(flags) + len(metrics) <= _COLUMNS
    return {
        "rows": [_row(run) for run in runs],
        "flags": flags if own else [],
        "metrics": metrics if own else [],
        "own": own,
    }


def _row(run: Run) -> dict[str, Any]:
    try:
        said, fault = attributes.read(run.folder), ""
    except StoreError as error:
        said, fault = attributes.NONE, str(error)
    flags = {name: short(value) for name, value in run.flags.items()}
    metrics = {name: short(metric.value) for name, metric in run.metrics.items()}
    return {
        "run": run,
        "said": said,
        "fault": fault,
        "took": took(run),
        "flags": flags,
        "metrics": metrics,
        "some_flags": list(flags.items())[:_SHOWN],
        "some_metrics": list(metrics.items())[:_SHOWN],
        "more": max(0, len(flags) - _SHOWN) + max(0, len(metrics) - _SHOWN),
    }


def took(run: Run) -> str:
    """Return how long a run took, or where it is."""
    if run.status is not RunStatus.RUNNING:
        return words.seconds(run.duration)
    since = (datetime.now(UTC) - datetime.fromisoformat(run.started)).total_seconds()
    cell = running_cell(run.folder / LOG)
    where = f", cell {cell}" if cell is not None else ""
    return f"{words.seconds(max(0, round(since)))} so far{where}"


def short(value: Any) -> str:
    """Return a value as a table shows it."""
    return f"{value:.6g}" if isinstance(value, float) else str(value)
