"""A run and its verdict, as text and as JSON."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping
from typing import Any

from pytest_nbrepro import files
from pytest_nbrepro.assessment import Assessment
from pytest_nbrepro.cli import output
from pytest_nbrepro.cli.site import Site
from pytest_nbrepro.diagnosis import seen
from pytest_nbrepro.errors import NbreproError
from pytest_nbrepro.model import Check, CheckStatus, Run
from pytest_nbrepro.notebook import Notebook, read
from pytest_nbrepro.reports import words
from pytest_nbrepro.reports.data import CaseReport
from pytest_nbrepro.reports.terminal import moved_text, pair
from pytest_nbrepro.store import EXECUTED, to_record

_LEAD = 10  # columns of a line's first word
_PACKAGES = 6  # a line


def record(
    run: Run, environment: Mapping[str, Any] | None, assessment: Assessment | None, reason: str, site: Site
) -> dict[str, Any]:
    """Return a run as JSON (see `nbrepro show --help`)."""
    return {
        "run": {**to_record(run), "folder": site.short(run.folder)},
        "environment": environment,
        "verdict": _verdict_record(assessment) if assessment else None,
        "unjudged": reason or None,
    }


def _verdict_record(assessment: Assessment) -> dict[str, Any]:
    verdict, why = assessment.verdict, assessment.why
    return {
        "ok": verdict.ok,
        "case": assessment.case.id,
        "first": assessment.first,
        "why": dataclasses.asdict(why) if why else None,
        "diff": assessment.diff,
        "notes": [*verdict.notes, *map(moved_text, assessment.moved)],
        "checks": [_check_record(check) for check in verdict.checks],
    }


def _check_record(check: Check) -> dict[str, Any]:
    fields = {field.name: getattr(check, field.name) for field in dataclasses.fields(check)}
    worst = dataclasses.asdict(check.worst) if check.worst else None
    used = files.to_json(check.used)
    return {**fields, "used": used, "worst": worst, "parts": [_check_record(part) for part in check.parts]}


# ---------------------------------------------------------------------------------------------------
# Text


def lines(
    run: Run, environment: Mapping[str, Any] | None, assessment: Assessment | None, reason: str, site: Site
) -> Iterator[str]:
    """Yield a run's lines: how it went, what it gave, where it ran, and the verdict."""
    executed, fault = _executed(run)
    yield from _head(run, site)
    yield from _error(run, executed)
    if fault:
        yield _line("notebook", fault)
    yield from _gave(run, executed)
    if environment is not None:
        yield from _environment(environment)
    yield ""
    if assessment is None:
        yield _line("verdict", f"none: {reason}")
    else:
        yield from verdict_lines(assessment)


def _executed(run: Run) -> tuple[Notebook | None, str]:
    """Return the executed copy, None where the run ended before it was written, and what is wrong with it."""
    if not (run.folder / EXECUTED).exists():
        return None, ""
    try:
        return read(run.folder / EXECUTED), ""
    except NbreproError as error:
        return None, str(error)


def _line(word: str, text: str) -> str:
    first, *rest = text.split("\n")
    return "\n".join([f"{word:<{_LEAD}}{first}", *(f"{'':<{_LEAD}}{line}" for line in rest)]).rstrip()


def _head(run: Run, site: Site) -> Iterator[str]:
    yield _line("run", run.id)
    yield _line("case", f"{run.notebook}::{run.case}")
    took = f" in {words.seconds(run.duration)}" if run.duration is not None else ""
    yield _line("status", f"{run.status}{took}, begun {output.local_time(run.started)}")
    yield _line("folder", site.short(run.folder))
    if run.peak is not None:
        yield _line("memory", f"{words.size(run.peak)} at most")
    if run.flags:
        yield _line("flags", "\n".join(f"{name} = {value!r}" for name, value in run.flags.items()))
    if run.notes:
        yield _line("notes", "\n".join(run.notes))


def _error(run: Run, executed: Notebook | None) -> Iterator[str]:
    if run.error is None:
        return
    where = f" in {_label(executed, run.error.cell)}" if run.error.cell is not None else ""
    yield _line("error", f"{run.error.kind}{where}: {run.error.message}")
    if run.error.hint:
        yield _line("hint", run.error.hint)
    yield from (f"    {line}" for line in run.error.traceback.splitlines())


def _label(executed: Notebook | None, cell: int | None) -> str:
    if cell is None:
        return ""
    known = executed is not None and cell < len(executed.cells)
    return executed.label(cell) if executed is not None and known else f"the cell at position {cell + 1}"


def _gave(run: Run, executed: Notebook | None) -> Iterator[str]:
    if run.metrics:
        yield "\nmetrics"
        rows = [(n, str(m.value), m.dtype, _label(executed, m.cell)) for n, m in sorted(run.metrics.items())]
        yield from output.table(("NAME", "VALUE", "DTYPE", "CELL"), rows, indent="  ")
    if run.artifacts:
        yield "\nartifacts"
        rows = [(n, a.kind, words.size(a.bytes), a.path) for n, a in sorted(run.artifacts.items())]
        yield from output.table(("NAME", "KIND", "SIZE", "PATH"), rows, indent="  ")
    if run.seen and executed is not None:
        yield "\nseen, and may come out otherwise in another run"
        yield from (f"  {seen.told(one, executed)}" for one in run.seen)
    ran = [cell for cell in run.cells if cell.seconds is not None]
    if ran:
        yield "\ncells"
        rows = [(words.seconds(cell.seconds), _label(executed, cell.index)) for cell in ran]  # type: ignore[misc]
        yield from output.table(("TOOK", "CELL"), rows, indent="  ")


def _environment(environment: Mapping[str, Any]) -> Iterator[str]:
    facts = {
        name: str(value)
        for name, value in environment.items()
        if name != "schema" and isinstance(value, (str, int, float))
    }
    if environment.get("git"):
        git = environment["git"]
        facts["git"] = f"{git['commit']}{', with changes' if git['dirty'] else ''}"
    rows = list(facts.items())
    rows += _listed("inputs", list(environment.get("inputs") or ()), 1)
    rows += _listed("tags", list(environment.get("tags") or ()), _PACKAGES)
    packages = (environment.get("distributions") or {}).items()
    rows += _listed("packages", [f"{name} {version}" for name, version in packages], _PACKAGES)
    yield "\nenvironment"
    yield from output.table(("NAME", "VALUE"), rows, indent="  ")


def _listed(word: str, texts: list[str], number: int) -> list[tuple[str, str]]:
    """Return rows that hold `number` texts each."""
    starts = range(0, len(texts), number)
    return [(word if start == 0 else "", ", ".join(texts[start : start + number])) for start in starts]


# ---------------------------------------------------------------------------------------------------
# The verdict


def verdict_lines(assessment: Assessment) -> Iterator[str]:
    """Yield the verdict: every check, the cause, and the first difference."""
    verdict = assessment.verdict
    report = CaseReport(assessment.case.id, assessment.run, verdict, place="", first=assessment.first)
    yield _line("verdict", report.summary)
    if assessment.baseline is not None and assessment.baseline.once:
        yield _line("note", "the baseline rests on one run alone (--nbrepro-once, accept --stored)")
    yield from (_line("note", moved_text(moved)) for moved in assessment.moved)
    if verdict.checks:
        head = ("STATUS", "KIND", "NAME", "USED", "LIMIT", "")
        yield from output.table(head, list(_rows(verdict.checks)), indent="  ")
    if assessment.why:
        yield _line("why", f"{assessment.why.cause}: {assessment.why.text}")
        table = [one for one in assessment.why.evidence if one.text]
        yield from (
            _line("", f"{one.cause:<11} {one.state:<7} {one.text}") for one in table if len(table) > 1
        )
    if assessment.first:
        yield _line("first", f"{assessment.first} is the first that differs or failed")
    if assessment.diff:
        yield from (f"    {line}" for line in assessment.diff.splitlines())


def _rows(checks: tuple[Check, ...], depth: int = 0) -> Iterator[tuple[str, ...]]:
    for check in checks:
        told = [_values(check), check.message]
        name = f"{'· ' * depth}{check.name}"
        limit = f"{check.limit}, overlay {check.overlay}" if check.overlay else check.limit
        yield check.status, check.kind, name, _used(check), limit, "; ".join(filter(None, told))
        told_parts = [part for part in check.parts if not part.status.ok or part.status is CheckStatus.ASIDE]
        yield from _rows(tuple(told_parts), depth + 1)


def _values(check: Check) -> str:
    if check.worst is None or check.status is CheckStatus.EQUAL:
        return ""
    before, after = pair(check.worst.baseline, check.worst.result)
    return f"{check.worst.where}: {before} -> {after}" if check.worst.where else f"{before} -> {after}"


def _used(check: Check) -> str:
    if check.used is None:
        return ""
    return "∞" if math.isinf(check.used) else f"{check.used:.3g}x"
