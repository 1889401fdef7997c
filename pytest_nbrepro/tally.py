"""What became of all cases of a session: acceptance, obsolete baselines, the last words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pytest

from pytest_nbrepro import baselines, files, obsolete, pending
from pytest_nbrepro.assessment import Places
from pytest_nbrepro.errors import NbreproError
from pytest_nbrepro.options import Update

LAST = "last-session.json"  # in the run store: what `nbrepro prune` goes by
_FILTERS = ("keyword", "markexpr", "lf", "ignore", "ignore_glob", "deselect")


@dataclass(frozen=True)
class Record:
    """What became of one case, as plain data."""

    case: str
    folder: str
    ok: bool
    runs: int
    pending: str
    accepted: bool
    seconds: float
    notes: list[str] = field(default_factory=list)  # what to know where its values are accepted
    sheet: str = ""  # what a report tells of it, as JSON, where one is to be written

    def plain(self) -> dict[str, Any]:
        """Return the record as a dictionary."""
        return asdict(self)


@dataclass
class Selection:
    """Which cases a session looked at, and whether those were all that there are."""

    folders: list[str] = field(default_factory=list)
    deselected: int = 0
    broken: int = 0  # notebooks that could not be collected
    complete: bool = True
    scope: list[str] = field(default_factory=list)  # prefixes below the folder of baselines

    def plain(self) -> dict[str, Any]:
        """Return the selection as a dictionary."""
        return asdict(self)

    def merge(self, other: Selection) -> None:
        """Take what another process selected; all of them collect the same."""
        self.folders = sorted({*self.folders, *other.folders})
        self.deselected = max(self.deselected, other.deselected)
        self.broken = max(self.broken, other.broken)
        self.complete &= other.complete

    def narrow(self, config: pytest.Config) -> None:
        """Set the scope from what the command line asked for."""
        filtered = any(config.getoption(name, None) for name in _FILTERS)
        self.complete &= not (self.deselected or self.broken or filtered)
        for argument in config.args:
            name, _, case = argument.partition("::")
            path = Path(config.invocation_params.dir, name)
            if case or not path.is_relative_to(config.rootpath):
                continue
            relative = path.relative_to(config.rootpath).as_posix()
            self.scope.append("" if relative == "." else relative.removesuffix(".ipynb"))


class Tally:
    """Counts cases and closes the session."""

    def __init__(self, places: Places, update: Update) -> None:
        self.places = places
        self.update = update
        self.records: list[Record] = []
        self.selection = Selection()
        self.skipped: set[str] = set()  # folders of cases that were not to run: these protect their baselines
        self.obsolete: dict[str, str] = {}  # to a remark for a person
        self.written: list[Record] = []
        self.faults: list[str] = []

    def add(self, record: Record) -> None:
        """Count a case."""
        self.records.append(record)

    @property
    def failed(self) -> bool:
        """Whether the session fails for something that no single test stands for."""
        return bool(self.obsolete or self.faults)

    def close(self, *, interrupted: bool, green: bool) -> None:
        """Accept what may be accepted, look for obsolete baselines, and leave word for `nbrepro prune`."""
        if not interrupted:
            self._accept()
        ran = {record.folder for record in self.records} | self.skipped
        complete = self.selection.complete and not interrupted and set(self.selection.folders) <= ran
        try:
            if complete:
                known = ran | set(self.selection.folders)
                self.obsolete = dict(obsolete.find(self.places, known, self.selection.scope))
            self._leave_word(complete=complete, green=green and not self.faults)
        except (NbreproError, OSError) as error:
            self.faults.append(str(error))

    def _accept(self) -> None:
        accepted = {record.folder: record for record in self.records if record.accepted}
        for folder, record in accepted.items():
            try:
                entry = pending.read(self.places.pending, self.places.pending / folder / pending.RECORD)
                places = self.places
                pending.accept(places.pending, entry, places.root, places.baselines, baselines.Terms())
            except NbreproError as error:
                self.faults.append(f"not accepted: {error}")
            else:
                self.written.append(record)

    def _leave_word(self, *, complete: bool, green: bool) -> None:
        """Say what this session saw, where it ran notebooks at all."""
        if not self.places.store.is_dir():
            return
        word = {"schema": 1, "complete": complete, "green": green, "obsolete": list(self.obsolete)}
        files.write_json(self.places.store / LAST, word)

    def lines(self) -> Iterator[str]:
        """Yield the last words, none where no notebook ran and all is well."""
        if self.records:
            yield self._counts()
        if self.written:
            new = sum(record.pending == "new" for record in self.written)
            runs = sum(record.runs for record in self.written)
            yield (
                f"{_count(len(self.written), 'baseline')} written ({new} new, {len(self.written) - new} changed) "
                f"after {_count(runs, 'run')}: review them with git diff"
            )
        yield from (f"note: {record.case}: {text}" for record in self.written for text in record.notes)
        waiting = [record for record in self.records if record.pending and not record.accepted]
        if waiting:
            yield f"{_count(len(waiting), 'case')} with values that wait: nbrepro review"
        yield from self.faults
        if self.obsolete:
            yield f"{_count(len(self.obsolete), 'obsolete baseline')} (to be deleted by nbrepro prune):"
            for folder, remark in self.obsolete.items():
                yield f"  {folder}"
                if remark:
                    yield f"    {remark}"

    def _counts(self) -> str:
        accepted = sum(record.accepted for record in self.records)
        ok = sum(record.ok for record in self.records) - accepted
        runs = _count(sum(record.runs for record in self.records), "run")
        told = f"{ok} of {_count(len(self.records), 'case')} reproduced in {runs}"
        return f"{told}, {accepted} with new values" if accepted else told


def read_word(store: Path) -> dict[str, Any] | None:
    """Return what the last session left, None where there is nothing to go by."""
    try:
        word: Any = json.loads((store / LAST).read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return word if isinstance(word, dict) and word.get("schema") == 1 else None


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
