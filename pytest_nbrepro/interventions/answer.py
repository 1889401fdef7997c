"""What experiments with a case have told: the answer to why."""

from __future__ import annotations

from dataclasses import dataclass, replace

from pytest_nbrepro.assessment import Assessment
from pytest_nbrepro.model import Run, Why


@dataclass(frozen=True)
class Finding:
    """One thing that a case depends on, or that differs from run to run and is set aside.

    `proof` is ``shown`` where an experiment showed it to move results; ``seen`` where it was only seen to happen;
    ``aside`` where it differs and is not compared.
    """

    name: str  # that of an intervention; "folder", "error" or a mask's
    text: str  # what depends on it, or what differs, in words
    proof: str
    cells: tuple[str, ...] = ()  # where, in words
    mend: str = ""  # the annotation or line of code that mends it


@dataclass(frozen=True)
class Answer:
    """Why a case does not reproduce, or what it depends on although it does."""

    case: str
    cause: str  # CHANCE, CODE, FLAGS, DATA, ENVIRONMENT, SEVERAL, UNKNOWN; NONE where nothing differs
    text: str
    findings: tuple[Finding, ...] = ()
    why: Why | None = None  # the evidence since the baseline
    first: str | None = None  # the first cell whose output differs
    variable: str | None = None  # the first variable that differs, and after which cell
    runs: tuple[Run, ...] = ()
    assessment: Assessment | None = None  # of the first run, against the baseline

    @property
    def reproduces(self) -> bool:
        """Whether nothing differs: neither from run to run nor from the baseline."""
        return self.cause == "NONE"

    def also(self, *findings: Finding) -> Answer:
        """Return the answer with more that was found, each thing once."""
        known = {one.name for one in self.findings}
        return replace(self, findings=(*self.findings, *(one for one in findings if one.name not in known)))
