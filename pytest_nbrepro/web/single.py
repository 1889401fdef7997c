"""All of one run: its verdict, what it gave, its notebook; while it runs, what it prints."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from pytest_nbrepro import __version__, attributes, files
from pytest_nbrepro.cli import entries
from pytest_nbrepro.cli.report import sheet_of
from pytest_nbrepro.errors import NbreproError
from pytest_nbrepro.exports import figures as exported
from pytest_nbrepro.files import inside
from pytest_nbrepro.model import Run, RunStatus
from pytest_nbrepro.notebook import Notebook, read
from pytest_nbrepro.reports import words
from pytest_nbrepro.reports.pages import Pages, Report
from pytest_nbrepro.reports.sheet import PICTURES
from pytest_nbrepro.store import EXECUTED, LOG
from pytest_nbrepro.store import environment as recorded
from pytest_nbrepro.web.answers import TEXT, Answer, Query
from pytest_nbrepro.web.curves import charts
from pytest_nbrepro.web.listing import took
from pytest_nbrepro.web.logs import tail
from pytest_nbrepro.web.viewer import Viewer

_PACKAGES = "distributions"


def page(viewer: Viewer, query: Query, run_id: str) -> Answer:
    """Return the page of a run; of one that still runs its changing part alone where `part` is asked for."""
    run = viewer.store.read(_known(viewer, run_id))
    view: dict[str, Any] = {"run": run, "took": took(run), "said": attributes.read(run.folder)}
    view["log"], view["whole"] = tail(run.folder / LOG)
    title = f"{run.notebook}::{run.case}"
    if run.status is RunStatus.RUNNING:
        if query.one("part"):
            return Answer(viewer.part("running.html.j2", **view))
        live = f"{viewer.base}runs/{run.id}?part=running"
        return viewer.page("run.html.j2", title=title, live=live, verdict=None, **view)
    if query.one("part"):  # it has ended since: the whole page tells more
        return Answer(viewer.part("running.html.j2", **view))
    return viewer.page("run.html.j2", title=title, live="", **view, **_ended(viewer, run))


def log(viewer: Viewer, _: Query, run_id: str) -> Answer:
    """Return all that the cells printed."""
    run = viewer.store.read(_known(viewer, run_id))
    path = inside(run.folder, LOG)
    return Answer(run.folder / LOG if path else "", kind=TEXT)


def notebook(viewer: Viewer, _: Query, key: str) -> Answer:
    """Return an executed notebook as a page that does nothing."""
    from pytest_nbrepro.reports import notebooks

    path = viewer.shelf.find(key)
    if path is None:
        return viewer.fault("There is no such notebook here.", 404)
    try:
        body = notebooks.page(path, "Executed notebook")
    except Exception as error:  # noqa: BLE001 - whatever an odd notebook makes of a library, the page says so
        return viewer.fault(f"This notebook cannot be shown: {type(error).__name__}: {error}", 422)
    return Answer(body, policy=f"{notebooks.POLICY}; sandbox")


def _known(viewer: Viewer, run_id: str) -> str:
    """Return the id of a run that is there; "" where there is none, so that no path is made of other words."""
    return run_id if run_id in viewer.store.ids() else ""


def _ended(viewer: Viewer, run: Run) -> dict[str, Any]:
    site = viewer.site
    waiting = entries.look(site.store / "pending").entries
    entry = next((one for one in waiting if one.run == run.id), None)
    judged = {**sheet_of(run, site, waits=entry is not None), "notebook": None, "log": None}
    case = judged["record"]["case"]
    made = datetime.now(UTC).isoformat(timespec="seconds")
    report = Report(
        [judged], site.root.name, made, __version__, history={case: viewer.catalogue.history(run)}
    )
    executed = _executed(run)
    path = inside(run.folder, EXECUTED)
    before = viewer.catalogue.before(run)
    verdict = Pages(report, viewer.shelf).case(judged, 1)
    shown = {check["name"] for check in verdict["failing"]}
    return {
        "verdict": verdict,
        "entry": entry,
        "before": before.id if before else None,
        "charts": list(charts({"": run})),
        "figures": [(name, address) for name, address in figures(viewer, run) if name not in shown],
        "cells": list(_cells(run, executed)),
        "notebook": viewer.shelf.notebook(run.folder / EXECUTED, "") if path else None,
        "files": list(_files(viewer, run)),
        "facts": environment(run),
    }


def _executed(run: Run) -> Notebook | None:
    try:
        return read(run.folder / EXECUTED)
    except NbreproError:  # the notebook's own section says why
        return None


def figures(viewer: Viewer, run: Run) -> Iterator[tuple[str, str]]:
    """Yield what a browser can show of a run's artifacts: names and addresses."""
    for name, path in exported.figures(run, PICTURES):
        if address := viewer.shelf.picture(path):
            yield name, address


def _files(viewer: Viewer, run: Run) -> Iterator[dict[str, Any]]:
    """Yield the files of a run, to be saved."""
    for name, path in files.below(run.folder):
        yield {"name": name, "size": path.stat().st_size, "address": viewer.shelf.file(path)}


def _cells(run: Run, executed: Notebook | None) -> Iterator[dict[str, Any]]:
    ran = [(cell.index, cell.seconds) for cell in run.cells if cell.seconds is not None]
    longest = max((seconds for _, seconds in ran), default=0.0) or 1.0
    for index, seconds in ran:
        known = executed is not None and index < len(executed.cells)
        label = (
            executed.label(index) if executed is not None and known else f"the cell at position {index + 1}"
        )
        yield {"label": label, "took": words.seconds(seconds), "share": round(100 * seconds / longest, 1)}


def environment(run: Run) -> dict[str, str]:
    """Return where a run was made, in words."""
    record = recorded(run.folder) or {}
    facts = {
        name: str(value)
        for name, value in record.items()
        if isinstance(value, (str, int, float)) and name != "schema"
    }
    if record.get("git"):
        facts["git"] = f"{record['git']['commit']}{', with changes' if record['git']['dirty'] else ''}"
    packages = record.get(_PACKAGES) or {}
    if packages:
        facts["packages"] = ", ".join(f"{name} {version}" for name, version in packages.items())
    return facts
