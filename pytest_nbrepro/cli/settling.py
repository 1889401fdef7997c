"""What an acceptance is told to do, where it put things, and how far metrics have crept."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from pytest_nbrepro import baselines
from pytest_nbrepro.baselines import COMMON, Key, Placed, Terms
from pytest_nbrepro.cli import output
from pytest_nbrepro.cli.site import Site
from pytest_nbrepro.errors import NbreproError, StoreError
from pytest_nbrepro.pending import Pending

_SHOWN = 3


def terms_for(entry: Pending, why: str, overlay: str | None, *, intended: bool) -> Terms:
    """Return how an entry is accepted.

    Args:
        entry: what waits.
        why: the reason.
        overlay: None for none, a tag, or "" for the platform of the entry's run.
        intended: whether the change is meant as one.

    Raises:
        StoreError: the entry tells no platform.
    """
    if overlay is None:
        return Terms(why, intended=intended)
    tag = overlay or next(iter(entry.tags), "")
    if not tag:
        hint = f"run it again: pytest --nbrepro {entry.notebook}"
        raise StoreError("the run that waits tells no platform", where=entry.case, hint=hint)
    return Terms(why, tag, intended)


def places(placed: Placed) -> str:
    """Return in words where accepted values went; "" where all are in the common baseline."""
    told = [f"{_place(tag)}: {_names(keys)}" for tag, keys in placed.written.items()]
    if set(placed.written) <= {COMMON}:
        told = []
    told += [
        f"dropped from {_place(tag)}, as in the common baseline: {_names(k)}"
        for tag, k in placed.dropped.items()
    ]
    return "; ".join(told)


def _place(tag: str) -> str:
    return f"overlay {tag}" if tag else "common"


def _names(keys: Sequence[Key]) -> str:
    more = [f"+{len(keys) - _SHOWN} more"] if len(keys) > _SHOWN else []
    return output.printable(", ".join([*(" ".join(key) for key in keys[:_SHOWN]), *more]))


def crept(entry: Pending, site: Site) -> Iterator[str]:
    """Yield which metrics of a baseline that was just written have crept away from where they were meant to be."""
    from pytest_nbrepro import creep, notebook, spec
    from pytest_nbrepro.reports.terminal import moved_text

    try:
        baseline = baselines.read_merged(site.baselines / entry.folder, entry.tags)
        source = notebook.read(site.root / entry.notebook)
        found = spec.load(source, spec.load_project(site.root))
    except NbreproError as error:
        yield f"{entry.case}: how far its metrics moved cannot be told: {error}"
        return
    for moved in creep.moved(baseline, found) if baseline is not None else ():
        yield output.printable(f"{entry.case}: {moved_text(moved)}")


def anchored(names: Sequence[str], site: Site, leave: Collection[str]) -> list[str]:
    """Return the folders of baselines that hold anchors and that names select, but for some.

    Args:
        names: cases, notebooks with or without suffix, or folders above them.
        site: the project.
        leave: folders of baselines whose values wait: accepting these says more.

    Raises:
        BaselineError: a baseline cannot be read.
    """
    folders = [folder for folder in baselines.folders(site.baselines) if folder not in leave]
    chosen = [folder for folder in folders if any(selects(name, folder) for name in names)]
    return [folder for folder in chosen if baselines.drifted(site.baselines / folder)]


def selects(name: str, folder: str) -> bool:
    """Tell whether a name stands for the case whose baseline is in `folder`, among others."""
    path, _, case = name.partition("::")
    stem = path.removesuffix(".ipynb")
    if case:
        return folder == f"{stem}/{case}" or folder.startswith(f"{stem}/{case}--")
    return f"{folder}/".startswith(f"{stem}/")
