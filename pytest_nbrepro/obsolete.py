"""Obsolete baselines: those that no case has, and values of overlays that lie over nothing."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from pytest_nbrepro import baselines, notebook, pending, spec
from pytest_nbrepro.assessment import Places
from pytest_nbrepro.errors import NbreproError
from pytest_nbrepro.textual import notebook_at


def find(places: Places, known: Collection[str], scope: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield obsolete baselines and overlays, each with a remark for a person, or "".

    Args:
        places: where things lie.
        known: the folders of all cases that a complete session saw.
        scope: prefixes of folders that it looked at (see `baselines.folders`).

    Raises:
        NbreproError: a baseline or the project's configuration cannot be read.
    """
    unknown = []
    for folder in baselines.folders(places.baselines, scope):
        if folder not in known:
            unknown.append(folder)
            continue
        for tag, entries in baselines.lying_over_nothing(places.baselines / folder).items():
            names = ", ".join(" ".join(entry) for entry in entries)
            yield f"{folder}/{baselines.OVERLAY}/{tag}", f"the common baseline has no {names}"
    old = [folder for folder in unknown if reason_to_keep(folder, places) is None]
    moved = dict(_renamed(places, old, known))
    yield from ((folder, moved.get(folder, "")) for folder in old)


def reason_to_keep(folder: str, places: Places) -> str | None:
    """Say why a baseline may be needed though no case that ran has it; None where it is not.

    A notebook that is there, but was kept out of the collection or belongs to a test, protects its baselines.

    Raises:
        NbreproError: the baseline or the project's configuration cannot be read.
    """
    path = notebook_at(places.root, folder.rsplit("/", 1)[0])
    if not path.exists():
        return None
    if baselines.made_by_fixture(places.baselines / folder):
        return "the notebook of this test is there again"
    project = spec.load_project(places.root)
    if not spec.annotated(path, project):
        return None
    try:
        source = notebook.read(path)
        cases = spec.expand(source, project, spec.load(source, project))
    except NbreproError as error:
        return f"its notebook has a fault: {error}"
    return "a case has this baseline again" if any(case.folder == folder for case in cases) else None


def _renamed(places: Places, old: Sequence[str], known: Collection[str]) -> Iterator[tuple[str, str]]:
    """Yield old baselines whose notebook seems to have another name now: a case has the very same cells."""
    if not old:
        return
    now: dict[str, list[str]] = {}
    for folder in sorted(known):
        for root in (places.pending, places.baselines):
            if (found := _cells(root / folder)) is not None:
                now.setdefault(found, []).append(folder)
                break
    for folder in old:
        cells = _cells(places.baselines / folder)
        same = now.get(cells, []) if cells is not None else []
        if same:
            name = folder.rsplit("/", 1)[1]
            there = next((other for other in same if other.endswith(f"/{name}")), same[0])
            fresh = baselines.fingerprint(places.baselines / there) is None
            what = "git mv keeps its values" if fresh else "which has a baseline"
            yield folder, f"renamed? the same cells as {there}, {what}"


def _cells(folder: Path) -> str | None:
    with contextlib.suppress(NbreproError):  # a hint less is no fault
        return pending.source_hash(folder / baselines.NOTEBOOK)
    return None
