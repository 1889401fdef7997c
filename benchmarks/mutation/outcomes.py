"""What becomes of each mutant."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from mutation import truth, workshop
from mutation.notebooks import Json, changed
from mutation.planting import Mutant
from mutation.workshop import Job, Judged, Workshop

CRASHED = "crashed"  # it does not run to its end: a failure, but no merit of the checks
KILLED = "killed"  # results changed, and checks fail
SURVIVED = "survived"  # results changed, and all checks pass
HIDDEN = "hidden"  # no result changed but for digits that are not printed; the checks pass
EQUIVALENT = "equivalent"  # no result changed, in any digit; the checks pass
FALSE = "false alarm"  # checks fail, and no result changed


@dataclass(frozen=True)
class Outcome:
    """What became of a mutant."""

    mutant: Mutant
    status: str
    changed: tuple[
        str, ...
    ] = ()  # results, or where it is hidden what the same notebook without rounding shows
    failed: tuple[str, ...] = ()
    passed: tuple[str, ...] = ()  # checks that pass though something differs
    why: str = ""
    error: str = ""

    def plain(self) -> dict[str, Any]:
        """Return the outcome as plain data."""
        own = {key: value for key, value in vars(self).items() if key != "mutant"}
        planted = {key: getattr(self.mutant, key) for key in ("notebook", "operator", "before", "after")}
        return planted | own


def establish(shop: Workshop, what: str, notebooks: Mapping[str, Json]) -> dict[str, Mapping[str, str]]:
    """Give notebooks their first baselines; return the results that these rest on.

    Raises:
        RuntimeError: one gets none.
    """
    first = shop.each(what, {name: (workshop.establish, (name, notebooks[name])) for name in notebooks})
    refused = {name: why for name, (why, _) in first.items() if why is not None}
    if refused:
        raise RuntimeError(f"no baseline: {refused}")
    return {name: results for name, (_, results) in first.items()}


def run_all(
    shop: Workshop,
    what: str,
    mutants: Iterable[Mutant],
    originals: Mapping[str, Json],
    accepted: Mapping[str, Mapping[str, str]],
) -> list[Outcome]:
    """Run mutants, judge them, and find out which of them changed a result.

    Args:
        shop: where notebooks run.
        what: what a person who waits is told.
        mutants: the mutants.
        originals: the notebooks without faults.
        accepted: by notebook, the results that the baseline rests on.
    """
    faulty = {
        mutant: changed(originals[mutant.notebook], {mutant.edit.cell: mutant.source}) for mutant in mutants
    }
    jobs = {mutant: (workshop.judge, (mutant.notebook, content)) for mutant, content in faulty.items()}
    found = [
        classified(mutant, judged, accepted[mutant.notebook])
        for mutant, judged in shop.each(what, jobs).items()
    ]
    silent = [outcome.mutant for outcome in found if outcome.status == EQUIVALENT]
    names = sorted({mutant.notebook for mutant in silent})
    twins: dict[Mutant | str, Job[Mapping[str, str]]] = {
        **{mutant: (workshop.unrounded, (mutant.notebook, faulty[mutant])) for mutant in silent},
        **{name: (workshop.unrounded, (name, originals[name])) for name in names},
    }
    shown = shop.each(f"{what}, all digits", twins)
    return [with_digits(outcome, shown) for outcome in found]


def classified(mutant: Mutant, judged: Judged, accepted: Mapping[str, str]) -> Outcome:
    """Return what became of a mutant by what the checks say, and by what it changed of the accepted results."""
    if not judged.completed:
        return Outcome(mutant, CRASHED, error=judged.error)
    names = tuple(truth.changes(accepted, judged.results))
    status = {(True, True): SURVIVED, (True, False): EQUIVALENT, (False, True): KILLED, (False, False): FALSE}
    return Outcome(mutant, status[judged.ok, bool(names)], names, judged.failed, judged.passed, judged.why)


def with_digits(outcome: Outcome, shown: Mapping[Any, Mapping[str, str]]) -> Outcome:
    """Return an outcome, HIDDEN in place of EQUIVALENT where digits that are not printed changed."""
    if outcome.status != EQUIVALENT:
        return outcome
    names = truth.changes(shown[outcome.mutant.notebook], shown[outcome.mutant])
    return Outcome(outcome.mutant, HIDDEN, tuple(names)) if names else outcome


def tally(outcomes: Iterable[Outcome]) -> Counter[str]:
    """Return how many there are of each status."""
    return Counter(outcome.status for outcome in outcomes)
