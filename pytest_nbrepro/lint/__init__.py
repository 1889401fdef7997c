"""What of a notebook will not reproduce, told from its text alone: nothing runs.

A rule is a function from `Subject` to places, listed once in `RULES`. A line with ``# nbrepro: noqa=ID`` keeps the
rules that it names quiet there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from pytest_nbrepro.lint import chance, defined, order, places, requirements, surroundings
from pytest_nbrepro.lint.base import Place, Subject, quiet, subject_of

__all__ = ["RULES", "Finding", "Rule", "Subject", "lint", "subject_of"]


@dataclass(frozen=True)
class Rule:
    """One rule: what it looks for, and how to mend what it finds."""

    find: Callable[[Subject], Iterable[Place]]
    about: str
    hint: str


@dataclass(frozen=True)
class Finding(Place):
    """A place, and the name of the rule that found it."""

    rule: str


RULES: Mapping[str, Rule] = {
    "NBR001": Rule(
        order.out_of_order,
        "stored outputs whose cells did not run from top to bottom, once each",
        "restart the kernel and run all cells",
    ),
    "NBR002": Rule(
        defined.undefined,
        "names that no cell above has defined",
        "move the cell that defines it up, or write it again",
    ),
    "NBR003": Rule(
        chance.unseeded,
        "random numbers without a seed",
        "give a seed, or set `seed` in the annotation where that reaches it",
    ),
    "NBR004": Rule(
        surroundings.clock,
        "the time of day",
        "make it a flag, so that a run can be repeated",
    ),
    "NBR005": Rule(
        surroundings.network,
        "the network",
        "keep the data in the project, or compare only what does not depend on them",
    ),
    "NBR006": Rule(
        places.absolute,
        "absolute paths, which are not there on other machines",
        "write it relative to the notebook, or make it a flag",
    ),
    "NBR007": Rule(
        places.missing,
        "files that it reads and that are not in the project",
        "add the file to the project",
    ),
    "NBR008": Rule(
        requirements.undeclared,
        "imports that no declared dependency provides",
        "declare it in pyproject.toml or requirements.txt",
    ),
}


def lint(subject: Subject) -> list[Finding]:
    """Return what the rules find in a notebook, by cell and line; a notebook in another language has nothing."""
    found = [
        Finding(place.cell, place.line, place.end, place.text, name)
        for name, rule in RULES.items()
        for place in rule.find(subject)
        if not quiet(subject, place, name)
    ]
    return sorted(found, key=lambda finding: (finding.cell, finding.line, finding.rule))
