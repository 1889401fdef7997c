"""Which tools run what, and in how many rounds; each round runs all of them in turn, in another order.

Tools whose kernels listen on TCP ports fail now and then, since another program took the port meanwhile. A tool of others
that fails is run again, and how often is told; ours may not fail.
"""

from __future__ import annotations

import dataclasses
import random
import shutil
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from speed import projects, tools
from speed.measuring import Cost, FailedError, cost
from speed.tools import Environments, Tool


@dataclass(frozen=True)
class Race:
    """Tools that do the same work; `make` writes the project, `accepted` says that ours needs baselines first."""

    name: str
    make: Callable[[Path], None]
    tools: tuple[Tool, ...]
    rounds: int
    accepted: bool = True
    extra: tuple[str, ...] = ()  # arguments that all get


_TRIES = 3  # of a tool of others, until it does not fail


def _both(folder: Path, cells: tuple[str, ...], count: int) -> None:
    projects.notebooks(folder, cells, count)
    projects.scripts(folder / "scripts", cells, count)


_PEERS = (tools.NBMAKE, tools.NBVAL, tools.PYTEST_NOTEBOOK)
RACES = (
    Race(
        "8 tiny",
        lambda folder: _both(folder, projects.TINY, 8),
        (tools.OURS, *_PEERS, tools.PAPERMILL, tools.SCRIPTS),
        5,
    ),
    Race(
        "8 science",
        lambda folder: _both(folder, projects.SCIENCE, 8),
        (tools.OURS, tools.OURS_TWO, *_PEERS, tools.NBMAKE_TWO, tools.SCRIPTS),
        5,
    ),
    Race(
        "100 tiny",
        lambda folder: projects.notebooks(folder, projects.TINY, 100),
        (tools.OURS, *_PEERS),
        3,
    ),
    Race("trivial test", projects.trivial, (tools.BARE, tools.UNUSED, tools.WITHOUT), 15, accepted=False),
    Race("1,000 x 1 MB", projects.large, (tools.OURS,), 3, accepted=False, extra=("--collect-only",)),
)
Costs = dict[str, list[Cost]]  # by the name of a tool, one a round


def run(race: Race, environments: Environments, folder: Path, rounds: int | None = None) -> Costs:
    """Run a race below a folder and return what each tool took, round by round."""
    project = folder / "project"
    race.make(project)
    if race.accepted:
        accept = [*environments.command(tools.OURS), "--nbrepro-update=new"]
        cost(accept, project, environments.variables(tools.OURS))
    found: Costs = {tool.name: [] for tool in race.tools}
    shuffle = random.Random(0)
    for number in range(rounds or race.rounds):
        order = list(race.tools)
        shuffle.shuffle(order)
        for tool in order:
            attempt = partial(_one, tool, race, environments, project, folder / f"round{number}")
            found[tool.name].append(again(attempt, 1 if tool.place in tools.HERE else _TRIES))
        print(f"{race.name}: round {number + 1} of {rounds or race.rounds}", flush=True)
    return found


def again(attempt: Callable[[], Cost], tries: int) -> Cost:
    """Return what the first attempt that does not fail took.

    Raises:
        FailedError: all of them failed.
    """
    for failed in range(tries - 1):
        try:
            return dataclasses.replace(attempt(), failed=failed)
        except FailedError as error:
            print(f"run again: {error}", flush=True)
    return dataclasses.replace(attempt(), failed=tries - 1)


def _one(tool: Tool, race: Race, environments: Environments, project: Path, copy: Path) -> Cost:
    """Run a tool on a fresh copy of the project: none finds what another one left, and only ours has baselines."""
    left = ("runs", ".pytest_cache", *(() if tool.place == tools.OURS.name else ("baselines", ".nbrepro")))
    shutil.copytree(project, copy, ignore=shutil.ignore_patterns(*left))
    folder = copy / "scripts" if tool is tools.SCRIPTS else copy
    try:
        command = [*environments.command(tool), *race.extra]
        return cost(command, folder, environments.variables(tool), ok=tool.ok)
    finally:
        shutil.rmtree(copy)


def median(values: Sequence[float]) -> float:
    """Return the median."""
    return statistics.median(values)


def ratio(costs: Costs, one: str, other: str, what: str) -> float:
    """Return the median of the ratios that two tools had in each round."""
    pairs = zip(costs[one], costs[other], strict=True)
    return statistics.median(getattr(a, what) / getattr(b, what) for a, b in pairs)
