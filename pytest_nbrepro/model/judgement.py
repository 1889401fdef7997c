"""What the judgement says."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from pytest_nbrepro.model.results import Number


class CheckStatus(StrEnum):
    """What one check came to."""

    EQUAL = "equal"
    WITHIN = "within"  # differs, inside its limit
    IMPROVED = "improved"  # outside its limit on the better side
    ASIDE = "aside"  # there, and not compared: its name says that it is a timing
    UNPROVEN = "unproven"  # not equal, and what the baseline keeps of it proves no drift
    DRIFT = "drift"
    STRUCTURE = "structure"  # another dtype, shape, set of columns, …
    DIFFERS = "differs"  # not the same, and nothing can say how much
    LOST = "lost"  # only the baseline has it
    NEW = "new"  # only the result has it
    ERROR = "error"  # the comparison could not be made
    XFAIL = "xfail"  # fails as expected
    XPASS = "xpass"  # was expected to fail and does not

    @property
    def ok(self) -> bool:
        """Whether a check that ends so passes."""
        return self in _PASSES


_PASSES = frozenset(
    {
        CheckStatus.EQUAL,
        CheckStatus.WITHIN,
        CheckStatus.IMPROVED,
        CheckStatus.ASIDE,
        CheckStatus.UNPROVEN,
        CheckStatus.XFAIL,
    }
)


@dataclass(frozen=True)
class Place:
    """Where two sides differ most, and what they hold there."""

    where: str  # "row 12, column score", "[3, 4]", "$.runs[2].loss", "tile at (650,100)", …
    baseline: str
    result: str


@dataclass(frozen=True)
class Check:
    """One comparison.

    `used` is ``|result - baseline| / limit``: at most 1 passes. It is None where there is no such number,
    and infinite where the limit is 0 and the values differ.
    """

    kind: str  # metric, table, array, json, text, image, markup, archive, opaque, output, run
    name: str
    status: CheckStatus
    used: float | None = None
    limit: str = "exact"  # the rule that made the limit: "rel 1e-06", "exact", "tile 2%", …
    message: str = ""  # what a person reads beside the name, without the numbers of `worst`
    n: int = 0  # values compared
    bad: int = 0  # values outside their limit
    worst: Place | None = None
    parts: tuple[Check, ...] = ()  # columns, members, paths
    cell: int | None = None
    allow: str | None = None  # the annotation that would let it pass, where that is safe to suggest
    overlay: str = ""  # the tag of the overlay that the accepted value is from


@dataclass(frozen=True)
class Moved:
    """A metric that repeated acceptances moved far from where it was last meant to be."""

    name: str
    limits: float  # how many of its limits it moved
    anchor: Number  # what it was then
    value: Number
    acceptances: int  # since then


@dataclass(frozen=True)
class Verdict:
    """All checks of one run against one baseline."""

    checks: tuple[Check, ...]
    first_cell: int | None = None  # the first cell, by index in the run's notebook, whose outputs differ
    notes: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether every check passes."""
        return all(check.status.ok for check in self.checks)

    @property
    def failed(self) -> tuple[Check, ...]:
        """The checks that do not pass."""
        return tuple(check for check in self.checks if not check.status.ok)


@dataclass(frozen=True)
class Evidence:
    """What is known of one possible cause of a failure."""

    cause: str  # CODE, FLAGS, DATA, ENVIRONMENT, CHANCE
    state: str  # same; changed; unknown: not recorded; cleared: it changed, and was shown not to matter
    text: str = ""  # what changed


@dataclass(frozen=True)
class Why:
    """What the evidence says of the cause of a failure."""

    cause: str  # CODE, FLAGS, DATA, ENVIRONMENT, CHANCE, SEVERAL, UNKNOWN
    text: str  # the evidence, one sentence
    evidence: tuple[Evidence, ...] = ()  # the table behind it

    @property
    def by_chance(self) -> bool:
        """Whether two runs of the same were seen to differ."""
        known = any(one.cause == "CHANCE" and one.state == "changed" for one in self.evidence)
        return self.cause == "CHANCE" or known
