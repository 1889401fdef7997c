"""What a person is shown of values that wait: the report of their run, what would change, and the whole diff."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from pytest_nbrepro import baselines
from pytest_nbrepro.assessment import Assessment
from pytest_nbrepro.baselines import Change
from pytest_nbrepro.cli import output, shown
from pytest_nbrepro.cli.show import judge
from pytest_nbrepro.cli.site import Site
from pytest_nbrepro.errors import StoreError
from pytest_nbrepro.model import Artifact, Baseline, Metric
from pytest_nbrepro.pending import Pending
from pytest_nbrepro.reports.data import Offer
from pytest_nbrepro.reports.terminal import case_text
from pytest_nbrepro.store import Store

_TEXTS = {"text", "json", "markup"}  # kinds of files that are shown line by line
_LINES = 2000  # of a file that is shown line by line: finding differences is quadratic
_SHOWN = 200  # lines of such a diff
_BRIEF = 12  # lines of a cell's text, where a single entry is asked for


@dataclass(frozen=True)
class Card:
    """What is shown of one entry."""

    text: str
    assessment: Assessment | None = None  # None where its run is not in the store, or cannot be judged
    offers: tuple[Offer, ...] = ()


def card_of(entry: Pending, site: Site, root: Path) -> Card:
    """Return the report of the run that waits, against the present baseline.

    Where the run is not in the store, it is the differences that the record lists.
    """
    from pytest_nbrepro.reports.data import case_report

    try:
        judged = judge(Store(root.parent).read(entry.run), site)
        reason = judged.reason
    except StoreError as error:
        return Card(_listed(entry, error.what))
    if judged.assessment is None:
        return Card(_listed(entry, reason))
    report = case_report(judged.assessment, site.root)
    return Card(case_text(report), judged.assessment, report.offers)


def _listed(entry: Pending, reason: str) -> str:
    lines = [
        f"NBREPRO {entry.case}   {output.count(len(entry.differences), 'difference')}",
        *(f"  {line}" for line in entry.differences),
        f"  note    its run {entry.run} cannot be shown: {reason}",
    ]
    return output.printable("\n".join(lines))


def changes_of(entry: Pending, site: Site, root: Path) -> list[Change]:
    """Return what accepting an entry would change.

    Raises:
        NbreproError: the baseline or the values that wait cannot be read.
    """
    candidate, present = sides(entry, site, root)
    return baselines.changes(candidate, present)


def sides(entry: Pending, site: Site, root: Path) -> tuple[Baseline, Baseline | None]:
    """Return the values that wait, and what is accepted where their run was made.

    Raises:
        NbreproError: one of them cannot be read.
    """
    candidate = baselines.read(root / entry.folder)
    if candidate is None:
        raise StoreError("the values that wait are gone", where=entry.case)
    return candidate, baselines.read_merged(site.baselines / entry.folder, entry.tags)


def told(value: Metric | Artifact | str | None) -> str | None:
    """Return one side of a change in words."""
    if isinstance(value, Metric):
        return (
            f"{value.value!r}"
            if value.dtype in {"float64", "int", "bool"}
            else f"{value.value!r} {value.dtype}"
        )
    if isinstance(value, Artifact):
        return f"{value.kind}, {value.bytes:,} bytes, sha256 {value.sha256[:8]}"
    return value


def brief(change: Change) -> Iterator[str]:
    """Yield the lines in which a single change is asked for."""
    kind, name = change.key
    before, after = told(change.before), told(change.after)
    if kind != "output":
        yield output.printable(f"  {kind:<8}  {name}  {before or 'none'} -> {after or 'none'}")
        return
    yield output.printable(f"  {kind:<8}  {name}")
    lines = list(_unified(before or "", after or "", 0))
    yield from (f"    {line}" for line in lines[:_BRIEF])
    if len(lines) > _BRIEF:
        yield f"    … {len(lines) - _BRIEF} more lines: d shows them"


def _unified(before: str, after: str, context: int) -> Iterator[str]:
    """Yield how two texts differ, line by line, without the head of such a diff."""
    old, new = before.splitlines(), after.splitlines()
    if max(len(old), len(new)) > _LINES:
        yield f"{len(old):,} -> {len(new):,} lines, too many to be shown line by line"
        return
    lines = list(difflib.unified_diff(old, new, n=context, lineterm=""))[2:]
    yield from (output.printable(line) for line in lines if not line.startswith("@@"))


def whole_diff(entry: Pending, card: Card, site: Site, root: Path) -> Iterator[str]:
    """Yield every check and all that differs: values, cells with their sources, and files of text.

    Raises:
        NbreproError: the baseline or the values that wait cannot be read.
    """
    candidate, present = sides(entry, site, root)
    if card.assessment is not None:
        yield from map(output.printable, shown.verdict_lines(replace(card.assessment, diff="")))
    for change in baselines.changes(candidate, present):
        if change.key[0] != "output":
            yield from brief(change)
            yield from _file_diff(change, candidate, present)
    yield from _cell_diffs(candidate, present)


def _file_diff(change: Change, candidate: Baseline, present: Baseline | None) -> Iterator[str]:
    before, after = change.before, change.after
    if not isinstance(before, Artifact) or not isinstance(after, Artifact) or present is None:
        return
    if {before.stored, after.stored} != {"file"} or after.kind not in _TEXTS:
        return
    old = (present.folder_of(before.name) / before.path).read_bytes()
    new = (candidate.folder / after.path).read_bytes()
    lines = list(_unified(old.decode("utf-8", "replace"), new.decode("utf-8", "replace"), 1))
    yield from (f"    {line}" for line in lines[:_SHOWN])
    if len(lines) > _SHOWN:
        yield f"    … {len(lines) - _SHOWN} more lines"


def _cell_diffs(candidate: Baseline, present: Baseline | None) -> Iterator[str]:
    """Yield nbdime's diff of every cell that both sides have and that differs."""
    old, new = baselines.copy_of(present) if present else None, baselines.copy_of(candidate)
    if old is None or new is None:
        return
    from pytest_nbrepro import diffs  # nbdime takes seconds to import

    cells = {cell.id: cell.index for cell in old.cells}
    for cell in new.code:
        before = old.raw["cells"][cells[cell.id]] if cell.id in cells else None
        after = new.raw["cells"][cell.index]
        if before is not None and before != after:
            yield from map(
                output.printable, diffs.cell_diff(before, after, new.label(cell.index)).splitlines()
            )
