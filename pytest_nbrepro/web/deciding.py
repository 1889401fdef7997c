"""What waits: looked at, accepted or rejected, by the rules of `nbrepro review`."""

from __future__ import annotations

import json
import shlex
from dataclasses import asdict, replace
from typing import Any

from pytest_nbrepro import files, pending
from pytest_nbrepro.baselines import Change, Terms
from pytest_nbrepro.cli import entries
from pytest_nbrepro.cli.accept import commit_message
from pytest_nbrepro.cli.cards import changes_of, told
from pytest_nbrepro.cli.report import sheet_of
from pytest_nbrepro.cli.settling import crept, places, terms_for
from pytest_nbrepro.errors import NbreproError, StoreError
from pytest_nbrepro.pending import Pending
from pytest_nbrepro.reports.pages import Pages, Report
from pytest_nbrepro.web.answers import Answer, Query
from pytest_nbrepro.web.viewer import Viewer

_LONGEST = 2000  # characters of a value that are shown


def page(viewer: Viewer, _: Query, __: str) -> Answer:
    """Return the list of what waits, and what was decided here."""
    waiting = entries.look(viewer.site.store / "pending")
    return viewer.page(
        "waiting.html.j2",
        title="Waiting",
        entries=waiting.entries,
        faults=list(waiting.faults.values()),
        done=viewer.done,
        commit=_commit(viewer),
    )


def _commit(viewer: Viewer) -> str:
    """Return the command that keeps what was accepted; "" where nothing was."""
    if not viewer.accepted:
        return ""
    cases = list(dict.fromkeys(case for case, _ in viewer.accepted))
    where = shlex.quote(viewer.site.short(viewer.site.baselines))
    return f"git add {where} && git commit -m {shlex.quote(commit_message(cases, viewer.accepted[-1][1]))}"


def entry(viewer: Viewer, _: Query, folder: str) -> Answer:
    """Return the page of one entry: its report, what would change, and a form."""
    found = _find(viewer, folder)
    if found is None:
        return viewer.fault("This waits no more.", 404)
    return _entry(viewer, found)


def _entry(viewer: Viewer, found: Pending, fault: str = "", status: int = 200, why: str = "") -> Answer:
    site, root = viewer.site, viewer.site.store / "pending"
    verdict, reason = None, ""
    try:
        judged = sheet_of(viewer.store.read(found.run), site, waits=True)
        verdict = Pages(Report([judged], site.root.name, "", ""), viewer.shelf).case(judged, 1)
    except StoreError as error:
        reason = f"its run {found.run} cannot be shown: {error.what}"
    changes = changes_of(found, site, root)
    return viewer.page(
        "decide.html.j2",
        title=found.case,
        status=status,
        entry=found,
        stamp=_stamp(found),
        verdict=verdict,
        reason=reason,
        changes=list(map(_change, changes)),
        fault=fault,
        why=why,
    )


def decide(viewer: Viewer, query: Query, folder: str) -> Answer:
    """Accept or reject an entry, and return to the list; what could not be done is told on the entry's page."""
    found = _find(viewer, folder)
    if found is None:
        return viewer.fault("This waits no more: it was decided elsewhere, or its case ran again.", 409)
    if query.one("stamp") != _stamp(found):
        return _entry(viewer, found, "This changed since you opened it: look at it again.", 409)
    try:
        if query.one("do") == "reject":
            pending.drop(viewer.site.store / "pending", found.folder)
            viewer.done.append(f"rejected {found.case}")
            return Answer(location=f"{viewer.base}pending", status=303)
        return _accept(viewer, query, found)
    except (NbreproError, OSError) as error:
        return _entry(viewer, found, str(error), 409, query.one("why"))


def _accept(viewer: Viewer, query: Query, found: Pending) -> Answer:
    why = query.one("why")
    if not why:
        return _entry(viewer, found, "Say why the new values are right.", 400)
    known = {
        _key(change): change.key for change in changes_of(found, viewer.site, viewer.site.store / "pending")
    }
    taken = [known[key] for key in query.many("key") if key in known]
    if not taken:
        return _entry(viewer, found, "Choose at least one value to accept.", 400, why)
    terms = _terms(found, query, why)
    if len(taken) < len(known):
        terms = replace(terms, taken=frozenset(taken))
    done = pending.accept(
        viewer.site.store / "pending", found, viewer.site.root, viewer.site.baselines, terms
    )
    where = places(done.placed)
    some = f"{len(taken)} of {len(known)} values of " if done.left else ""
    viewer.done.append(f"accepted {some}{found.case}{f' ({where})' if where else ''}")
    viewer.done += [f"note: {note}" for note in crept(found, viewer.site)]
    viewer.accepted.append((found.case, why))
    return Answer(location=f"{viewer.base}pending{f'/{found.folder}' if done.left else ''}", status=303)


def _terms(found: Pending, query: Query, why: str) -> Terms:
    how = query.one("how")
    overlay = how.removeprefix("overlay:") if how.startswith("overlay:") else None
    if overlay is not None and overlay not in found.tags:
        raise StoreError(f"the run that waits has no tag {overlay!r}", where=found.case)
    return terms_for(found, why, overlay, intended=how == "intended")


def _find(viewer: Viewer, folder: str) -> Pending | None:
    """Return the entry of a baseline's folder; no path is made of what was asked."""
    waiting = entries.look(viewer.site.store / "pending")
    return next((one for one in waiting.entries if one.folder == folder), None)


def _stamp(found: Pending) -> str:
    """Return what is the same as long as an entry is."""
    return files.sha256_text(json.dumps(asdict(found), sort_keys=True))[:24]


def _key(change: Change) -> str:
    return " ".join(change.key)


def _change(change: Change) -> dict[str, Any]:
    before, after = (told(value) for value in (change.before, change.after))
    return {
        "key": _key(change),
        "kind": change.key[0],
        "name": change.key[1],
        "before": _cut(before),
        "after": _cut(after),
    }


def _cut(text: str | None) -> str | None:
    return text if text is None or len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
