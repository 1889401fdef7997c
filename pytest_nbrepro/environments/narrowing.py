"""The smallest set of changes that makes something fail.

All changes together fail, none does not. The first prefix that fails is found by halving: its last change is needed.
With that one taken for granted the prefix before it is halved again, until what was taken fails by itself. For one
culprit among n changes that takes about log2(n) + 1 trials. The method is QuickXplain's for a single order of changes
(Junker 2004, "QuickXplain: preferred explanations and relaxations for over-constrained problems").
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from math import ceil, log2
from typing import Generic, TypeVar

T = TypeVar("T", bound=Hashable)


@dataclass(frozen=True)
class Narrowed(Generic[T]):
    """What was found.

    `culprits` fail together; without one of them, or without `unsure` of trials that could not be made, they do not.
    """

    culprits: tuple[T, ...]
    trials: int
    unsure: tuple[frozenset[T], ...] = ()  # sets that could not be tried, and count as not failing


def narrow(changes: Sequence[T], fails: Callable[[frozenset[T]], bool | None]) -> Narrowed[T]:
    """Return the smallest set of changes that fails.

    Args:
        changes: all of them; known to fail together.
        fails: tries a set of changes; None where that cannot be done. Never called twice with one set, nor with none
            or all of them.
    """
    known: dict[frozenset[T], bool | None] = {frozenset(): False, frozenset(changes): True}
    trials = 0

    def failing(some: frozenset[T]) -> bool:
        nonlocal trials
        if some not in known:
            trials += 1
            known[some] = fails(some)
        return known[some] is True

    culprits: list[T] = []
    left = list(changes)
    while not failing(frozenset(culprits)):
        passing, failed = 0, len(left)  # lengths of prefixes
        while failed - passing > 1:
            middle = (passing + failed) // 2
            if failing(frozenset((*left[:middle], *culprits))):
                failed = middle
            else:
                passing = middle
        culprits.append(left[failed - 1])
        left = left[: failed - 1]
    unsure = tuple(some for some, verdict in known.items() if verdict is None)
    return Narrowed(tuple(reversed(culprits)), trials, unsure)


def expected(changes: int) -> int:
    """Return how many trials one culprit among so many changes takes at most."""
    return ceil(log2(changes)) + 1 if changes > 1 else 0
