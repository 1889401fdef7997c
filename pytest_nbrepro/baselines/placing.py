"""Accepting: where each value goes, the common baseline or an overlay; all of them at once, or none."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pytest_nbrepro import files
from pytest_nbrepro.baselines.anchors import anchors_after, with_anchors
from pytest_nbrepro.baselines.drafts import Contents, Draft, contents, drafted
from pytest_nbrepro.baselines.installing import exchange
from pytest_nbrepro.baselines.layers import Entry, copy_of, merged, read_overlays, stored_text, values_of
from pytest_nbrepro.baselines.overlaying import Held, composed, held_by, trimmed
from pytest_nbrepro.baselines.partial import Change, Key, all_but, changes, labels, partly
from pytest_nbrepro.baselines.reading import ENVIRONMENT, OVERLAY, SCHEMA, fingerprint, own_files, read
from pytest_nbrepro.errors import BaselineError
from pytest_nbrepro.model import Baseline

COMMON = ""  # stands for the common baseline where a tag stands for an overlay


@dataclass(frozen=True)
class Terms:
    """How values are accepted.

    `why` is the reason, "" for none; `overlay` the tag of the overlay that takes them in; `intended` says that they
    are meant as a change, so that their anchors begin anew; `taken` are the keys of the changes that are accepted,
    None for all.
    """

    why: str = ""
    overlay: str = COMMON
    intended: bool = False
    taken: frozenset[Key] | None = None


@dataclass(frozen=True)
class Placed:
    """What becomes of accepted values: keys by the tag of their overlay, or `COMMON`."""

    written: Mapping[str, tuple[Key, ...]] = field(default_factory=dict)
    dropped: Mapping[str, tuple[Key, ...]] = field(default_factory=dict)  # the common baseline says the same


@dataclass(frozen=True)
class Plan:
    """An acceptance about to be carried out; `whole` where nothing is left to accept."""

    tree: Contents
    tags: frozenset[str]  # of the overlays that are written anew, or are gone
    placed: Placed
    whole: bool


def plan(candidate: Baseline, target: Path, tags: Sequence[str], terms: Terms) -> Plan:
    """Accept values of a candidate, each in the place asked for, or in the overlay above it that has the value now.

    Elsewhere such a value would count for nothing. What an overlay says as the common baseline does is dropped,
    unless another overlay says something of it, too.

    Args:
        candidate: what waits.
        target: the folder of the baseline.
        tags: those that apply to the candidate's run, the most specific last.
        terms: how.

    Raises:
        BaselineError: an overlay cannot take such values, or what is there cannot be read.
    """
    common = read(target) if fingerprint(target) is not None else None  # a first one may be half-written
    overlays = read_overlays(target)
    _check(terms.overlay, common, tags)
    present = None
    if common is not None:
        present = merged(common, {tag: overlays[tag] for tag in tags if tag in overlays})
    case = _Case(candidate, common, present, labels(candidate, present or candidate))
    found = changes(candidate, present)
    taken = [change for change in found if terms.taken is None or change.key in terms.taken]
    homes = {change.key: case.home(change, tags, terms.overlay) for change in taken}
    whole = len(taken) == len(found)

    base = case.base([key for key, home in homes.items() if home == COMMON], homes, terms, whole=whole)
    held = _held(case, homes, tags, overlays)
    held, dropped = trimmed(held, values_of(base) if isinstance(base, Baseline) else drafted(base))
    tree = _tree(base, common, terms)
    for tag, entries in held.items():
        before = overlays.get(tag)
        host = candidate if before is None or (whole and tag in homes.values()) else before
        layer = composed(entries, before, host.environment)
        of_it = _tree(layer, before, terms if tag in homes.values() else Terms())
        tree |= {f"{OVERLAY}/{tag}/{path}": file for path, file in of_it.items()}
    gone = {tag: tuple(map(case.key, entries)) for tag, entries in dropped.items()}
    return Plan(tree, frozenset({*overlays, *held}), Placed(_written(homes, gone), gone), whole)


def _held(
    case: _Case, homes: Mapping[Key, str], tags: Sequence[str], overlays: Mapping[str, Baseline]
) -> dict[str, dict[Entry, Held]]:
    """Return what overlays hold once changes are in their places.

    What is new or lost is a matter of the common baseline: what overlays that apply say of it would hide that.
    """
    held = held_by(overlays)
    for key, home in homes.items():
        entry = case.entry(key)
        if home != COMMON:
            held.setdefault(home, {})[entry] = Held(case.new[entry], case.candidate)
            continue
        for tag in tags:
            held.get(tag, {}).pop(entry, None)
    return held


def _written(homes: Mapping[Key, str], gone: Mapping[str, Sequence[Key]]) -> dict[str, tuple[Key, ...]]:
    """Return what was written into which place, without what was dropped at once."""
    written: dict[str, tuple[Key, ...]] = {}
    for key, home in homes.items():
        if key not in gone.get(home, ()):
            written[home] = (*written.get(home, ()), key)
    return written


def _check(tag: str, common: Baseline | None, tags: Sequence[str]) -> None:
    if tag == COMMON:
        return
    if tag not in tags:
        what = f"the run that waits does not have the tag {tag!r}; it has: {', '.join(tags) or 'none'}"
        raise BaselineError(what, hint=f"run it again with --nbrepro-tag {tag}")
    if common is None:
        what = "an overlay lies over a common baseline, and there is none yet"
        raise BaselineError(what, hint="accept these values without an overlay")


@dataclass
class _Case:
    """A candidate, and what is accepted where its run was made."""

    candidate: Baseline
    common: Baseline | None
    present: Baseline | None
    names: Mapping[str, str]  # of code cells, by id

    def __post_init__(self) -> None:
        self.new = values_of(self.candidate)
        self.old = values_of(self.common) if self.common is not None else {}
        sides = [side for side in (self.candidate, self.present) if side is not None]
        books = [book for book in map(copy_of, sides) if book is not None]
        printing = {cell.id for book in books for cell in book.code if stored_text(cell)}
        self.ids = {self.names[cell]: cell for cell in sorted(self.names, key=printing.__contains__)}

    def entry(self, key: Key) -> Entry:
        kind, name = key
        return kind, self.ids[name] if kind == "output" else name

    def key(self, entry: Entry) -> Key:
        kind, name = entry
        return kind, self.names.get(name, name) if kind == "output" else name

    def home(self, change: Change, tags: Sequence[str], asked: str) -> str:
        """Return where a change goes: the most specific of the place asked for and the one that decides now."""
        entry = self.entry(change.key)
        decides = self.present.origins.get(entry, COMMON) if self.present is not None else COMMON
        if entry in self.old and entry in self.new:
            return max(decides, asked, key=[COMMON, *tags].index)
        if asked == COMMON:
            return COMMON
        word = "new" if entry in self.new else "lost"
        what = (
            f"{' '.join(change.key)} is {word}: an overlay only says otherwise what the common baseline says"
        )
        hint = "accept this value without an overlay, or ignore it in the annotation"
        raise BaselineError(what, hint=hint)

    def base(
        self, mine: Collection[Key], taken: Collection[Key], terms: Terms, *, whole: bool
    ) -> Draft | Baseline:
        """Return the common baseline that takes in these changes; where there are none it stays as it is."""
        if self.common is None:
            return self.candidate if whole else partly(self.candidate, None, mine)
        if not mine and (taken or terms.overlay != COMMON):
            return self.common
        if not whole:
            return partly(self.candidate, self.common, mine)
        origins = self.present.origins if self.present is not None else {}
        kept = [self.key(entry) for entry in origins if entry in self.new]
        return all_but(self.candidate, self.common, kept) if kept else self.candidate


def _tree(layer: Draft | Baseline, before: Baseline | None, terms: Terms) -> dict[str, Path | str]:
    """Return the files of the common baseline or an overlay; its environment record says why, and has the anchors."""
    tree: dict[str, Path | str] = {}
    if isinstance(layer, Draft):
        tree |= contents(layer)
    else:
        tree |= {path: layer.folder / path for path in own_files(layer.folder)}
    if layer is before:
        return tree
    known, old = (before.anchors, before.metrics) if before is not None else ({}, {})
    moved = anchors_after(old, known, layer.metrics, intended=terms.intended)
    record: dict[str, Any] = with_anchors(layer.environment, moved)
    record |= {"accepted": terms.why} if terms.why else {}
    if record != layer.environment:
        tree[ENVIRONMENT] = files.dump_json({"schema": SCHEMA, **record})
    return tree


def lying_over_nothing(folder: Path) -> dict[str, list[Entry]]:
    """Return the values of overlays that the common baseline in `folder` has no more, by tag.

    Raises:
        NbreproError: one of them cannot be read.
    """
    overlays = read_overlays(folder)
    common = read(folder) if overlays else None
    known = values_of(common) if common is not None else {}
    found = {
        tag: [entry for entry in values_of(side) if entry not in known] for tag, side in overlays.items()
    }
    return {tag: entries for tag, entries in found.items() if entries}


def forget(folder: Path, tag: str) -> None:
    """Leave out of an overlay the values that the common baseline in `folder` has no more.

    Raises:
        NbreproError: it cannot be read or written; nothing was changed.
    """
    common, overlay = read(folder), read_overlays(folder, [tag])[tag]
    known = values_of(common) if common is not None else {}
    held = {entry: one for entry, one in held_by({tag: overlay})[tag].items() if entry in known}
    layer = composed(held, overlay, overlay.environment)
    tree = {f"{OVERLAY}/{tag}/{path}": file for path, file in _tree(layer, overlay, Terms()).items()}
    exchange(tree if held else {}, folder, [tag], common=False)
