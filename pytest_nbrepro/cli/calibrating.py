"""What a calibration found and proposes, as text, as JSON, and into the annotation."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_nbrepro import files
from pytest_nbrepro.calibration import Calibration, Finding, Groups, Noise, merged
from pytest_nbrepro.cli import loosening, output
from pytest_nbrepro.cli.site import Site
from pytest_nbrepro.experiment import Experiment
from pytest_nbrepro.project import Project, sidecar
from pytest_nbrepro.reports import words
from pytest_nbrepro.reports.data import Offer

Measured = tuple[Experiment, Calibration]

_HEAD = "# Made by `nbrepro calibrate`: limits are those of noise on one machine. All may be changed or left out.\n"
_ELSEWHERE = (
    "limits are those of this machine: where tests run elsewhere, measure there, too, and take the wider"
)
_WIDTH = 80
_NAME = 24  # columns beside which facts are aligned; longer names stick out
_INDENT = " " * 12


@dataclass(frozen=True)
class Told:
    """What was found of all cases, and what became of what is proposed."""

    measured: Sequence[Measured]
    offers: tuple[Offer, ...]
    target: Path  # the annotation beside the notebook
    written: Path | None  # the same, where something was written
    left: dict[Offer, str]  # what is not written, with the reason where that was tried
    seconds: float

    @property
    def runs(self) -> int:
        """How many runs were made."""
        return sum(len(experiment.runs) for experiment, _ in self.measured)


def told(measured: Sequence[Measured], path: Path, project: Project, *, write: bool, seconds: float) -> Told:
    """Gather what is proposed for all cases of a notebook, and write it where that is asked for.

    Raises:
        NbreproError: the notebook or its annotation has faults by now.
        OSError: the annotation cannot be read or written.
    """
    proposals = merged(proposal for _, found in measured for proposal in found.proposals)
    offers = tuple(Offer(proposal.path, proposal.value) for proposal in proposals)
    if not (write and offers):
        return Told(measured, offers, sidecar(path), None, dict.fromkeys(offers, ""), seconds)
    done = loosening.write(offers, path, project, _HEAD)
    return Told(measured, offers, sidecar(path), done.file, dict(done.left), seconds)


def lines(told: Told, site: Site) -> Iterator[str]:
    """Yield what was found, case by case, what is proposed, and how many runs it took."""
    for experiment, found in told.measured:
        yield from _case(experiment, found)
    target = site.short(told.target)
    done = [offer for offer in told.offers if offer not in told.left]
    if done:
        yield f"wrote into {target}:"
        yield from _pasted(done)
    for offer, reason in told.left.items():
        if reason:
            yield f"not written: {reason}"
            yield f"  to paste: {loosening.line(offer)}"
    waiting = [offer for offer, reason in told.left.items() if not reason]
    if waiting:
        yield f"proposed for {target}, where --write writes it:"
        yield from _pasted(waiting)
    if any(offer.path not in {("seed",), ("runs",)} for offer in told.offers):
        yield from _wrapped(_ELSEWHERE, "note  ", "      ")
    yield f"{output.count(told.runs, 'run')} in {words.seconds(told.seconds)}"


def _pasted(offers: Sequence[Offer]) -> list[str]:
    return [f"  {line}" for line in loosening.pasted(offers).splitlines()]


def _case(experiment: Experiment, found: Calibration) -> Iterator[str]:
    """Yield what was found of a case: what varies, each with its facts, then what does not."""
    yield from _wrapped(f"NBREPRO {experiment.case.id}", "", "  ")
    yield from _wrapped(_made(experiment.groups), "  ", "  ")
    varying = [finding for finding in found.findings if finding.noise is not Noise.NONE]
    names = [len(finding.name) for finding in varying if len(finding.name) <= _NAME]
    for finding in varying:
        yield from _finding(finding, max(names, default=0))
    calm = [f"{finding.kind} {finding.name}" for finding in found.findings if finding.noise is Noise.NONE]
    if calm:
        yield from _wrapped(", ".join(calm), "  ok      bit-identical: ", _INDENT)
    if not found.findings:
        yield "  nothing to compare: it prints nothing, shows nothing and writes nothing"


def _made(groups: Groups) -> str:
    again = len(groups.same[1:])  # the first of them is one of those with other seeds
    told = [
        (len(groups.plain), "as it is"),
        (len(groups.seeds), "with other seeds"),
        (again, "with one seed again"),
        (len(groups.threads), "with one thread"),
    ]
    count = sum(number for number, _ in told)
    return f"{output.count(count, 'run')}: " + ", ".join(f"{number} {how}" for number, how in told if number)


def _finding(finding: Finding, width: int) -> Iterator[str]:
    facts = "  ".join(filter(None, (f"{finding.noise:<14}", _spread(finding))))
    yield from _wrapped(f"{finding.name:<{width}}  {facts}", f"  {finding.kind:<7} ", _INDENT)
    for note in finding.notes:
        yield from _wrapped(note, _INDENT, _INDENT)
    if finding.blur is not None:
        note = f"a change below {finding.blur:.2g} cannot be told from the luck of the seed"
        yield from _wrapped(note, _INDENT, _INDENT)
    if finding.proposal is not None:
        yield from _wrapped(f"-> {finding.proposal.value}", _INDENT, _INDENT)


def _spread(finding: Finding) -> str:
    if finding.tile and math.isfinite(finding.tile):
        return f"worst tile {100 * finding.tile:.2g} %"
    told = {"rel": finding.rel, "abs": finding.abs}
    if finding.kind == "metric":
        told["sd"] = finding.deviation
    return ", ".join(f"{word} {value:.2g}" for word, value in told.items() if 0 < value < math.inf)


def _wrapped(text: str, first: str, others: str) -> list[str]:
    return textwrap.wrap(
        output.printable(" ".join(text.split("\n"))),
        _WIDTH,
        initial_indent=first,
        subsequent_indent=others,
        break_long_words=False,
        break_on_hyphens=False,
        drop_whitespace=True,
    ) or [first.rstrip()]


def record(told: Told, site: Site) -> dict[str, Any]:
    """Return the same as JSON (see `nbrepro calibrate --help`)."""
    return {
        "cases": [_case_record(experiment, found) for experiment, found in told.measured],
        "proposals": [_offer_record(offer) for offer in told.offers],
        "written": site.short(told.written) if told.written else None,
        "left": [{**_offer_record(offer), "reason": reason or None} for offer, reason in told.left.items()],
        "made": told.runs,
        "seconds": round(told.seconds, 3),
    }


def _offer_record(offer: Offer) -> dict[str, Any]:
    return {"path": list(offer.path), "value": offer.limits}


def _case_record(experiment: Experiment, found: Calibration) -> dict[str, Any]:
    groups, ids = experiment.groups, [run.id for run in experiment.runs]
    kinds = ("plain", "seeds", "same", "threads")
    return {
        "case": experiment.case.id,
        "runs": {kind: _picked(ids, getattr(groups, kind)) for kind in kinds},
        "findings": [_finding_record(finding) for finding in found.findings],
    }


def _picked(ids: Sequence[str], numbers: Sequence[int]) -> list[str]:
    return [ids[number] for number in numbers]


def _finding_record(finding: Finding) -> dict[str, Any]:
    numbers = {
        name: files.to_json(getattr(finding, name)) for name in ("rel", "abs", "deviation", "tile", "blur")
    }
    return {
        "kind": finding.kind,
        "name": finding.name,
        "noise": finding.noise,
        **numbers,
        "notes": list(finding.notes),
        "proposal": finding.proposal.value if finding.proposal else None,
        "open": finding.open,
    }
