"""All that a page tells of one case, as plain data: its record, and what people look at of each check."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from pytest_nbrepro import differences
from pytest_nbrepro.assessment import Assessment, Places, environment_of
from pytest_nbrepro.comparers import sides
from pytest_nbrepro.comparers.base import told
from pytest_nbrepro.files import inside
from pytest_nbrepro.model import Artifact, ArtifactRule, Check, RunStatus
from pytest_nbrepro.reports.data import CaseReport
from pytest_nbrepro.reports.record import Record, case_record
from pytest_nbrepro.store import ENVIRONMENT, EXECUTED, LOG
from pytest_nbrepro.verdict import rule_for

Sheet = dict[str, Any]
"""``record``, ``exhibits`` (one for each check of an artifact), ``cells`` (which differ, or None), ``notebook`` and
``log`` (paths, or None): JSON, so that it crosses processes. Paths are absolute, and lead into the run or the baseline."""

PICTURES = frozenset({".png", ".jpg", ".jpeg", ".gif", ".webp", ".svg"})  # that browsers show
_DECODED = PICTURES - {".svg"}
_TEXTS = frozenset({"text", "markup"})  # of others the places are told
_LINES = 1500  # of a text that are compared: finding differences is quadratic
_SHOWN = 120  # lines of a difference
_LONGEST = 400  # characters of a line
_LARGEST = 4 << 20  # bytes of a text that is compared line by line


def sheet(report: CaseReport, assessment: Assessment, places: Places) -> Sheet:
    """Return all that a page tells of a judged run."""
    run = report.run
    environment = environment_of(run) if (run.folder / ENVIRONMENT).exists() else None
    record = case_record(report, environment)
    cells, fault = (None, "") if report.verdict.ok else _cells(assessment, places)
    if fault:
        record["notes"].append(f"the notebook cannot be compared cell by cell: {fault}")
    return {
        "record": record,
        "exhibits": [_exhibit(check, assessment) for check in report.verdict.checks if _is_artifact(check)],
        "cells": cells,
        "notebook": inside(run.folder, EXECUTED),
        "log": inside(run.folder, LOG),
    }


def bare(record: Record) -> Sheet:
    """Return the sheet of a case of which there is nothing but a record."""
    return {"record": record, "exhibits": [], "cells": None, "notebook": None, "log": None}


def _is_artifact(check: Check) -> bool:
    return check.kind not in {"metric", "output", "run", "baseline"}


def _cells(assessment: Assessment, places: Places) -> tuple[dict[str, Any] | None, str]:
    """Return which cells differ, None where there is nothing to compare; and why that cannot be said."""
    if assessment.run.status is not RunStatus.COMPLETED:
        return None, ""
    try:
        return _plain(differences.cell_differences(assessment, places)), ""
    except BaseException as error:  # noqa: BLE001 - `told` raises again what ends the program
        return None, told(error)


def _plain(value: Any) -> Any:
    """Return a record as JSON: tuples as lists."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


# ---------------------------------------------------------------------------------------------------
# One check


@dataclasses.dataclass(frozen=True)
class _Side:
    """An artifact on one side."""

    artifact: Artifact
    folder: Path

    def file(self) -> Path | None:
        """Return the file itself; None where only a sketch or a hash is kept, or where it is gone."""
        path = inside(self.folder, self.artifact.path) if self.artifact.stored == "file" else None
        return Path(path) if path else None

    def picture(self) -> Path | None:
        """Return what a browser can show of it."""
        shown = self.artifact.shown
        for path in ([shown.path] if shown else []) + [self.artifact.path]:
            if PurePosixPath(path).suffix.lower() in PICTURES and (shown or self.artifact.stored == "file"):
                found = inside(self.folder, path)
                return Path(found) if found else None
        return None


def _exhibit(check: Check, assessment: Assessment) -> dict[str, Any]:
    """Return what people look at of a check."""
    baseline, run = assessment.baseline, assessment.run
    wanted = baseline.artifacts.get(check.name) if baseline else None
    result = run.artifacts.get(check.name)
    old = _Side(wanted, baseline.folder_of(check.name)) if baseline and wanted else None
    new = _Side(result, run.folder) if result else None
    found: dict[str, Any] = {
        "kind": check.kind,
        "name": check.name,
        "pictures": _pictures(old, new),
        "files": {
            "baseline": _path(old.file() if old else None),
            "result": _path(new.file() if new else None),
        },
        "heat": None,
        "table": None,
        "text": None,
        "fault": "",
    }
    if not check.status.ok and old is not None and new is not None:
        rule = rule_for(check.name, assessment.case.spec.artifacts) or ArtifactRule(check.name)
        try:
            found |= _difference(check, old, new, rule)
        except BaseException as error:  # noqa: BLE001 - `told` raises again what ends the program
            found["fault"] = told(error)
    return found


def _path(path: Path | None) -> str | None:
    return str(path) if path else None


def _pictures(old: _Side | None, new: _Side | None) -> dict[str, str | None] | None:
    found = {
        "baseline": _path(old.picture() if old else None),
        "result": _path(new.picture() if new else None),
    }
    return found if any(found.values()) else None


def _difference(check: Check, old: _Side, new: _Side, rule: ArtifactRule) -> Iterator[tuple[str, Any]]:
    """Yield how two files differ, in the way that suits their kind."""
    seen = old.picture(), new.picture()
    if seen[0] and seen[1] and all(path.suffix.lower() in _DECODED for path in seen if path):
        from pytest_nbrepro.comparers.heat import heat

        yield "heat", _plain(heat(seen[0], seen[1]))
    chosen = sides.chosen(old.artifact, new.artifact)
    one, other = _Side(chosen.baseline, old.folder).file(), _Side(chosen.result, new.folder).file()
    if one is None or other is None:
        return
    if check.kind == "table" and chosen.baseline.kind == "table":
        from pytest_nbrepro.comparers.excerpts import excerpt

        failing = [part.name for part in check.parts if not part.status.ok]
        yield "table", _plain(excerpt(one, other, rule, chosen.baseline.schema, failing))
    if check.kind in _TEXTS and one.suffix.lower() not in PICTURES:
        yield "text", _text(one, other, rule)


# ---------------------------------------------------------------------------------------------------
# Texts


def _text(old: Path, new: Path, rule: ArtifactRule) -> list[str] | None:
    """Return the lines in which two texts differ, masks applied, as a unified diff without its head."""
    from pytest_nbrepro import masks
    from pytest_nbrepro.comparers.text import read

    if max(path.stat().st_size for path in (old, new)) > _LARGEST:
        return None
    one, other = (
        masks.mask(masks.terminal_text(read(path)[0]), masking=rule.masks)[0].split("\n")
        for path in (old, new)
    )
    start = next((i for i, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]), 0)
    start = max(0, start - 3)
    lines = list(
        difflib.unified_diff(one[start : start + _LINES], other[start : start + _LINES], lineterm="", n=2)
    )
    told_ = [_numbered(line, start) for line in lines[2:]]
    cut = [line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…" for line in told_[:_SHOWN]]
    return [*cut, f"… {len(told_) - _SHOWN} more lines"] if len(told_) > _SHOWN else cut


def _numbered(line: str, start: int) -> str:
    """Return a line of a diff; its places count from the beginning of the file."""
    if not line.startswith("@@ "):
        return line
    numbers = [f"{part[0]}{int(part[1:].split(',')[0]) + start}" for part in line.split()[1:3]]
    return f"@@ line {numbers[0][1:]} -> line {numbers[1][1:]} @@"
