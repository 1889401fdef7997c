"""What the templates are filled with: sheets in words, drawings and addresses."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pytest_nbrepro import files
from pytest_nbrepro.model import Run
from pytest_nbrepro.reports import strips, words
from pytest_nbrepro.reports.history import values_of
from pytest_nbrepro.reports.record import CaseStatus
from pytest_nbrepro.reports.sheet import Sheet
from pytest_nbrepro.reports.shelf import Notebook, Shelf
from pytest_nbrepro.reports.terminal import pair

_PARTS = 60  # parts of a check that are listed
_STATUSES = list(CaseStatus)

View = dict[str, Any]


@dataclass
class Report:
    """All that one report tells."""

    sheets: Sequence[Sheet]
    project: str  # what the project's folder is called
    made: str  # ISO 8601, UTC
    version: str
    seconds: float | None = None  # that the session took
    obsolete: Mapping[str, str] = field(default_factory=dict)
    faults: Sequence[str] = ()
    history: Mapping[str, Sequence[Run]] = field(default_factory=dict)  # the stored runs of each case

    def ordered(self) -> list[Sheet]:
        """Return the sheets, the worst first."""
        return sorted(self.sheets, key=lambda sheet: _rank(sheet["record"]))


def _rank(record: Mapping[str, Any]) -> tuple[bool, int, float, str]:
    """Return the key by which cases are sorted: those that fail first, then by what they used, the worst first."""
    used = _used(record)
    weight = -1.0 if used is None else math.inf if math.isnan(used) else used
    status = _STATUSES.index(CaseStatus(record["status"]))
    return record["ok"], status if used is None or not record["ok"] else 0, -weight, record["case"]


def _used(record: Mapping[str, Any]) -> float | None:
    used: float | None = files.from_json(record["used"])
    return used


class Pages:
    """Makes the views of a report."""

    def __init__(self, report: Report, shelf: Shelf) -> None:
        self.report = report
        self.shelf = shelf

    def view(self) -> View:
        """Return what the whole page is filled with."""
        sheets = self.report.ordered()
        cases = [self.case(sheet, number) for number, sheet in enumerate(sheets, 1)]
        counts = Counter(case["status"] for case in cases)
        return {
            "project": self.report.project,
            "made": self.report.made,
            "version": self.report.version,
            "seconds": self.report.seconds,
            "cases": cases,
            "bad": sum(not case["ok"] for case in cases),
            "counts": [(str(status), counts[status]) for status in _STATUSES if counts[status]],
            "kinds": sorted({kind for case in cases for kind in case["kinds"]}),
            "strip": strips.strip(_dots(sheets)),
            "changes": _changes(sheets),
            "environment": next(
                (s["record"]["environment"] for s in sheets if s["record"]["environment"]), {}
            ),
            "obsolete": self.report.obsolete,
            "faults": self.report.faults,
        }

    def case(self, sheet: Sheet, number: int) -> View:
        """Return what the section of a case is filled with."""
        record = sheet["record"]
        used = _used(record)
        known = {(exhibit["kind"], exhibit["name"]): exhibit for exhibit in sheet["exhibits"]}
        checks = [
            self._check(check, known.get((check["kind"], check["name"])), f"{number}-{i}")
            for i, check in enumerate(record["checks"])
            if check["kind"] != "metric"
        ]
        checks.sort(key=lambda check: (check["ok"], -(check["weight"])))
        return {
            **record,
            "number": number,
            "used": words.used(used),
            "bar": None if used is None else strips.bar(used),
            "metrics": self._metrics(record),
            "failing": [check for check in checks if not check["ok"] and check["kind"] != "output"],
            "outputs": [check for check in checks if not check["ok"] and check["kind"] == "output"],
            "passing": [check for check in checks if check["ok"]],
            "cells": sheet["cells"],
            "notebook": self._notebook(sheet),
            "files": list(self._files(sheet)),
        }

    # -- checks -------------------------------------------------------------------------------------

    def _check(self, check: Mapping[str, Any], exhibit: Mapping[str, Any] | None, anchor: str) -> View:
        used = files.from_json(check["used"])
        bad = [part for part in _leaves(check) if not _passes(part)]
        return {
            **_row(check),
            "anchor": anchor,
            "ok": _passes(check),
            "weight": 0.0 if used is None else math.inf if math.isnan(used) else used,
            "bar": None if used is None else strips.bar(used),
            "parts": [_row(part) for part in bad[:_PARTS]],
            "more": max(0, len(bad) - _PARTS),
            "cell": check["cell"],
            "allow": check["allow"],
            "pictures": self._pictures(exhibit) if exhibit else None,
            "table": exhibit["table"] if exhibit else None,
            "text": exhibit["text"] if exhibit else None,
            "fault": exhibit["fault"] if exhibit else "",
        }

    def _pictures(self, exhibit: Mapping[str, Any]) -> View | None:
        paths = exhibit["pictures"]
        if paths is None:
            return None
        sides = {side: Path(path) if path else None for side, path in paths.items()}
        old, new = sides["baseline"], sides["result"]
        if old and new and old.read_bytes() == new.read_bytes():
            old = None
        heat = exhibit["heat"]
        return {
            "baseline": self.shelf.picture(old) if old else None,
            "result": self.shelf.picture(new) if new else None,
            "same": old is None and sides["baseline"] is not None,
            "heat": heat if heat and heat["tiles"] else None,
            "size": (heat["width"], heat["height"]) if heat else None,
        }

    def _metrics(self, record: Mapping[str, Any]) -> list[View]:
        runs = self.report.history.get(record["case"], ())
        rows = []
        for check in (check for check in record["checks"] if check["kind"] == "metric"):
            sides = record["metrics"][check["name"]]
            one, other = files.from_json(sides["baseline"]), files.from_json(sides["result"])
            before, after = _pair(one, other)
            used = files.from_json(check["used"])
            rows.append(
                {
                    **_row(check),
                    "ok": _passes(check),
                    "baseline": before,
                    "result": after,
                    "exact": f"{one!r} -> {other!r}",
                    "difference": _signed(files.from_json(sides["difference"])),
                    "bar": None if used is None else strips.bar(used),
                    "spark": strips.spark(values_of(runs, check["name"]), one),
                    "cloud": _cloud(sides),
                    "weight": -1.0 if used is None else math.inf if math.isnan(used) else used,
                }
            )
        return sorted(rows, key=lambda row: (row["ok"], -row["weight"], row["name"]))

    # -- the notebook and files ---------------------------------------------------------------------

    def _notebook(self, sheet: Sheet) -> Notebook | None:
        """Return the executed notebook, of cases that fail."""
        record, path = sheet["record"], sheet["notebook"]
        if path is None or record["ok"]:
            return None
        return self.shelf.notebook(Path(path), f"Executed notebook of {record['case']}")

    def _files(self, sheet: Sheet) -> Iterator[View]:
        """Yield what can be downloaded, of cases that fail."""
        if sheet["record"]["ok"]:
            return
        if sheet["notebook"]:
            yield self._file("executed notebook", "", Path(sheet["notebook"]))
        if sheet["log"] and Path(sheet["log"]).stat().st_size:
            yield self._file("output of the cells", "", Path(sheet["log"]))
        failing = {(c["kind"], c["name"]) for c in sheet["record"]["checks"] if not _passes(c)}
        for exhibit in sheet["exhibits"]:
            if (exhibit["kind"], exhibit["name"]) in failing:
                for side, path in exhibit["files"].items():
                    if path:
                        yield self._file(exhibit["name"], side, Path(path))

    def _file(self, name: str, side: str, path: Path) -> View:
        return {
            "name": name,
            "side": side,
            "saved": f"{side}-{path.name}" if side else path.name,
            "size": path.stat().st_size,
            "address": self.shelf.file(path),
        }


# ---------------------------------------------------------------------------------------------------
# Words


def _passes(check: Mapping[str, Any]) -> bool:
    return check["status"] in {"equal", "within", "improved", "aside", "unproven", "xfail"}


def _row(check: Mapping[str, Any]) -> View:
    worst = check["worst"]
    before, after = pair(worst["baseline"], worst["result"]) if worst else ("", "")
    return {
        "kind": check["kind"],
        "name": check["name"],
        "status": check["status"],
        "used": words.used(files.from_json(check["used"])),
        "limit": check["limit"],
        "message": check["message"],
        "where": worst["where"] if worst else "",
        "before": before,
        "after": after,
        "overlay": check["overlay"],
    }


def _leaves(check: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the parts of a check that have none themselves."""
    for part in check["parts"]:
        if part["parts"]:
            yield from _leaves(part)
        else:
            yield part


def _pair(one: Any, other: Any) -> tuple[str, str]:
    if one is None or other is None:
        return tuple("" if value is None else _number(value) for value in (one, other))  # type: ignore[return-value]
    return _number(one), _number(other)


def _number(value: Any) -> str:
    """Return a number in full where it is short, else in twelve digits."""
    text = repr(value)
    return text if len(text) <= 14 or not isinstance(value, float) else f"{value:.12g}"


def _cloud(sides: Mapping[str, Any]) -> strips.Cloud | None:
    """Draw the runs of a statistical baseline beside the new ones."""
    if sides["result"] is None:
        return None
    new = sides["result_runs"] or [sides["result"]]
    return strips.cloud(
        *([files.from_json(value) for value in runs] for runs in (sides["baseline_runs"], new))
    )


def _signed(value: Any) -> str:
    if value is None or value == 0:
        return "" if value is None else "0"
    return f"{value:+.3g}"


def _dots(sheets: Sequence[Sheet]) -> Iterator[tuple[float, bool, str, int]]:
    for number, sheet in enumerate(sheets, 1):
        record = sheet["record"]
        for check in record["checks"]:
            used = files.from_json(check["used"])
            if used is not None:
                title = f"{record['case']}: {check['kind']} {check['name']} used {words.used(used)}"
                yield used, _passes(check), title, number


def _changes(sheets: Sequence[Sheet]) -> list[View]:
    """Return what changed in the environment since the baselines, and in how many cases."""
    found = Counter(
        (change["name"], change["before"], change["after"])
        for sheet in sheets
        for change in sheet["record"]["changes"]
    )
    return [
        {"name": name, "before": before, "after": after, "cases": count}
        for (name, before, after), count in sorted(found.items(), key=lambda item: (-item[1], item[0]))
    ]
