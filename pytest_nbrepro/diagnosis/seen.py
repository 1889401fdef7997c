"""What a run was seen to do that another may do otherwise, in words."""

from __future__ import annotations

from collections.abc import Iterable

from pytest_nbrepro.model import Run, Seen
from pytest_nbrepro.notebook import Notebook

DRAWS = {
    "random": "draws from the generator of `random`, which nobody seeded",
    "numpy": "draws from numpy's global generator, which nobody seeded",
    "torch": "draws from torch's generator, which nobody seeded",
    "fresh random": "draws from a `random.Random` that was given no seed",
    "fresh numpy": "makes a generator of numpy without a seed",
    "entropy": "takes random bytes from the system",
    "uuid": "makes a UUID",
}
_OTHERS = {"listing": "lists a folder", "network": "uses the network"}
_MOST = 3


def draws(run: Run) -> list[Seen]:
    """Return what a run drew by chance."""
    return [seen for seen in run.seen if seen.kind in DRAWS]


def told(seen: Seen, notebook: Notebook) -> str:
    """Return what was seen: ``cell 3 "fit" (line 2) draws from ...``."""
    place = f" ({seen.where})" if seen.where else ""
    return f"{notebook.label(seen.cell)}{place} {(DRAWS | _OTHERS)[seen.kind]}"


def by_chance(run: Run, notebook: Notebook | None) -> str:
    """Say what a run drew by chance, in one sentence; nothing where it drew nothing."""
    found = draws(run) if notebook is not None else []
    texts = [told(seen, notebook) for seen in found[:_MOST] if notebook is not None]
    return "; ".join([*texts, *_more(found)])


def _more(found: Iterable[Seen]) -> list[str]:
    more = len(list(found)) - _MOST
    return [f"{more} more like these"] if more > 0 else []
