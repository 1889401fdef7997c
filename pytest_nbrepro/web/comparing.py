"""Runs side by side: flags, metrics, curves, figures, files and environments."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pytest_nbrepro import attributes, files
from pytest_nbrepro.cli.pairing import Pair
from pytest_nbrepro.errors import StoreError
from pytest_nbrepro.model import Check, Run
from pytest_nbrepro.reports import words
from pytest_nbrepro.reports.words import double
from pytest_nbrepro.store import EXECUTED
from pytest_nbrepro.web.answers import Answer, Query
from pytest_nbrepro.web.curves import charts
from pytest_nbrepro.web.listing import short, took
from pytest_nbrepro.web.single import figures
from pytest_nbrepro.web.viewer import Viewer

MOST = 12  # runs on one page
Checks = Mapping[tuple[str, str], Check]


def page(viewer: Viewer, query: Query, _: str) -> Answer:
    """Return the page of two runs or more; the first is what others are held against."""
    wanted = list(dict.fromkeys(query.many("run")))
    if not 2 <= len(wanted) <= MOST:
        return viewer.fault(f"Choose from 2 to {MOST} runs to compare, not {len(wanted)}.", 400)
    known = set(viewer.store.ids())
    for run_id in wanted:
        if run_id not in known:
            raise StoreError(f"there is no run {run_id}", where=viewer.site.short(viewer.store.runs))
    runs = [viewer.store.read(run_id) for run_id in wanted]
    pairs = [Pair(runs[0], run, viewer.site) for run in runs[1:]]
    checks: list[Checks] = [{}, *(pair.checks for pair in pairs)]
    names = {f"{run.id[-6:]}": run for run in runs}
    return viewer.page(
        "compare.html.j2",
        title=f"{len(runs)} runs",
        runs=[_head(run) for run in runs],
        flags=list(_flags(runs)),
        metrics=list(_metrics(runs, checks)),
        charts=list(charts(names)),
        figures=list(_figures(viewer, runs)),
        files=list(_files(runs, checks)),
        changes=[(run.id[-6:], _changes(pair)) for run, pair in zip(runs[1:], pairs, strict=True)],
    )


def _head(run: Run) -> dict[str, Any]:
    return {
        "run": run,
        "short": run.id[-6:],
        "took": took(run),
        "said": attributes.read(run.folder),
        "executed": (run.folder / EXECUTED).exists(),
    }


def _row(name: str, texts: Sequence[str], remarks: Sequence[str], bad: Sequence[bool]) -> dict[str, Any]:
    """Return a row of a table: a cell for each run, and whether all say the same."""
    cells = [
        {"text": text, "remark": remark, "bad": wrong, "other": text != texts[0]}
        for text, remark, wrong in zip(texts, remarks, bad, strict=True)
    ]
    return {"name": name, "cells": cells, "same": not any(cell["other"] or cell["remark"] for cell in cells)}


def _flags(runs: Sequence[Run]) -> Iterator[dict[str, Any]]:
    for name in dict.fromkeys(name for run in runs for name in run.flags):
        texts = [repr(run.flags[name]) if name in run.flags else "" for run in runs]
        yield _row(name, texts, [""] * len(runs), [False] * len(runs))


def _metrics(runs: Sequence[Run], checks: Sequence[Checks]) -> Iterator[dict[str, Any]]:
    for name in dict.fromkeys(name for run in runs for name in run.metrics):
        found = [run.metrics[name].value if name in run.metrics else None for run in runs]
        told = [check.get(("metric", name)) for check in checks]
        remarks = [_difference(found[0], value, check) for value, check in zip(found, told, strict=True)]
        remarks[0] = ""
        bad = [check is not None and not check.status.ok for check in told]
        row = _row(name, ["" if value is None else short(value) for value in found], remarks, bad)
        row["same"] = len({repr(files.to_json(value)) for value in found}) == 1
        yield row


def _difference(first: Any, value: Any, check: Check | None) -> str:
    """Return how far a value is from the first run's, and how much of its limit that is."""
    if first is None or value is None:
        return ""
    gap = double(value) - double(first)
    used = words.used(check.used) if check is not None and check.used else ""
    return ", ".join(filter(None, (f"{gap:+.3g}" if gap else "", f"used {used}" if used else "")))


def _files(runs: Sequence[Run], checks: Sequence[Checks]) -> Iterator[dict[str, Any]]:
    for name in sorted({name for run in runs for name in run.artifacts}):
        found = [run.artifacts.get(name) for run in runs]
        told = [check.get(("artifact", name)) for check in checks]
        texts = ["" if one is None else f"{words.size(one.bytes)}, {one.sha256[:8]}" for one in found]
        remarks = [
            "" if check is None or not check.used else f"used {words.used(check.used)}" for check in told
        ]
        bad = [check is not None and not check.status.ok for check in told]
        yield _row(name, texts, remarks, bad)


def _figures(viewer: Viewer, runs: Sequence[Run]) -> Iterator[dict[str, Any]]:
    """Yield pictures by name; of two runs also as what can be laid one over the other."""
    known = [dict(figures(viewer, run)) for run in runs]
    for number, name in enumerate(dict.fromkeys(name for pictures in known for name in pictures)):
        shown = [
            {"short": run.id[-6:], "address": pictures.get(name)}
            for run, pictures in zip(runs, known, strict=True)
        ]
        addresses = [one["address"] for one in shown]
        both = len(runs) == 2 and all(addresses)
        yield {
            "name": name,
            "anchor": f"figure-{number}",
            "shown": shown,
            "pictures": {"baseline": addresses[0], "result": addresses[1], "heat": None, "size": None}
            if both
            else None,
        }


def _changes(pair: Pair) -> list[tuple[str, str]]:
    """Return what is other in the environment of the second run."""
    return [(change.name, change.message) for change in pair.changes(("env",))]
