"""How far a command is that takes many steps: a bar, and an estimate of the time that is left."""

from __future__ import annotations

import time

from pytest_nbrepro.reports import words

_WIDTH = 12


class Steps:
    """Counts steps.

    Args:
        name: what one step is.
        most: how many there are, at most.
        about: that number is a bound, and fewer may do.
    """

    def __init__(self, name: str, most: int, *, about: bool = False) -> None:
        self._name = name
        self._most = max(1, most)
        self._about = "about " if about else ""
        self._since = time.monotonic()
        self._begun = 0

    def begin(self) -> None:
        """Note that a step begins, and so that the one before it has ended."""
        self._begun += 1

    @property
    def done(self) -> int:
        """How many steps have ended."""
        return max(0, self._begun - 1)

    @property
    def left(self) -> float | None:
        """Seconds that the rest takes, if it takes as long as what was done; None before anything was."""
        if not self.done:
            return None
        return (time.monotonic() - self._since) / self.done * max(0, self._most - self.done)

    def __str__(self) -> str:
        filled = min(_WIDTH, _WIDTH * self.done // self._most)
        bar = f"[{'#' * filled}{'.' * (_WIDTH - filled)}]"
        number = min(max(1, self._begun), self._most)
        left = "" if self.left is None else f", about {words.seconds(self.left)} left"
        return f"{bar} {self._name} {number} of {self._about}{self._most}{left}"
