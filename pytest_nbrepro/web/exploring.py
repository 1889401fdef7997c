"""Flags against metrics of many runs: parallel coordinates and a scatter matrix, drawn by the page's script."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from typing import Any

from pytest_nbrepro.model import Run, RunStatus
from pytest_nbrepro.reports.words import double
from pytest_nbrepro.web.answers import Answer, Query
from pytest_nbrepro.web.choosing import choose
from pytest_nbrepro.web.viewer import Viewer

MOST = 5000  # runs that are drawn
_COLUMNS = 40


def page(viewer: Viewer, query: Query, _: str) -> Answer:
    """Return the page of the runs that are asked for."""
    chosen = choose(viewer, query, alike=True)
    ids = set(query.many("run"))
    runs = [run for run in chosen.runs if not ids or run.id in ids]
    drawn = runs[:MOST]
    return viewer.page(
        "explore.html.j2",
        title="Explore",
        script="explore.js",
        chosen=chosen,
        statuses=[status.value for status in RunStatus],
        data=json.dumps({"columns": list(_columns(drawn)), "runs": [_told(run) for run in drawn]}).replace(
            "<", "\\u003c"
        ),
        drawn=len(drawn),
        left=len(runs) - len(drawn),
    )


def _told(run: Run) -> dict[str, str]:
    return {"id": run.id, "case": f"{run.notebook}::{run.case}", "status": run.status}


def _columns(runs: Sequence[Run]) -> Iterator[dict[str, Any]]:
    """Yield flags, then metrics: those that are not the same in all runs, with a value for each run.

    A column of numbers has ``values``, null for what is none or not finite; any other has texts.
    """
    names = [("flag", name) for name in dict.fromkeys(name for run in runs for name in run.flags)]
    names += [("metric", name) for name in dict.fromkeys(name for run in runs for name in run.metrics)]
    left = _COLUMNS
    for kind, name in names:
        values = [_value(run, kind, name) for run in runs]
        if left == 0 or len({repr(value) for value in values if value is not None}) < 2:
            continue
        left -= 1
        yield {"kind": kind, "name": name, **_coded(values)}


def _value(run: Run, kind: str, name: str) -> Any:
    if kind == "flag":
        return run.flags.get(name)
    return run.metrics[name].value if name in run.metrics else None


def _coded(values: Sequence[Any]) -> dict[str, Any]:
    known = [value for value in values if value is not None]
    if all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in known):
        numbers = [None if value is None else double(value) for value in values]
        return {
            "number": True,
            "values": [n if n is not None and math.isfinite(n) else None for n in numbers],
        }
    return {"number": False, "values": [None if value is None else str(value) for value in values]}
