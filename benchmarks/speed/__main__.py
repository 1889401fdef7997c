"""Race the tools and write the section of RESULTS.md."""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from results import write_section

from speed import tools
from speed.listing import RUNS, listing
from speed.measuring import Cost
from speed.races import RACES, Costs, median, ratio, run
from speed.tools import Environments

_WORDS = """\
Made by `tox -e speed`: each tool in an environment of its own, all in turn on fresh copies of the same notebooks, in another
order each round; medians of {rounds} rounds, ratios taken within a round. Ours compares with accepted baselines, the others
only run; a tool that fails by chance, as those do whose ports others take, is run again. *tiny*: three cells, `math` alone. *science*: numpy, pandas, matplotlib, a figure and a CSV. CPU counts all processes
that came of a command. {cpus} cores, Python {python}, {versions}."""

_WHY = """\
What stands in the way, by profile (tiny notebooks, CPU; the machine's speed varies by a third from minute to minute, so seconds
of two lines do not add up). A further notebook: 0.057 s in its kernel, of which IPython's application takes 0.025 to start, a third of it to
copy pages that the kernel shares with its fork server until it writes to them, three cells 0.017, what is asked before and after them
0.006, the end 0.006; 0.006 s in its supervisor and 0.003 s in the fork server; 0.028 s in ours: the mirror, messages, the record; 0.005 s in
pytest's process, for the comparison and the report. Every command: 0.4 s in pytest's process (0.2 pytest, 0.05 the plugins of other
packages, 0.1 our imports), 0.3 s in the process that runs notebooks (nbformat 0.1, nbclient 0.07), 0.25 s in the fork server
(IPython), the last two beside each other: that alone is most of what eight tiny ones may take. To go below takes another kernel than
IPython's, or one whose shell is made before the fork, on which notebooks would then depend. Tried without gain: to copy all shared pages at once.
A science notebook's own code takes 0.7 s as a script; imports ahead save most of what these share. What is left is 0.2 s in its kernel,
0.12 of them the notebook's own (a first figure takes as long as a second one, so nothing of it could be done ahead). With 2 workers
four seconds of CPU on two cores leave no less than two of wall, and the second core has nothing to do while libraries are imported
ahead, for 0.6 s. Tried without gain: to let the first notebook import them itself meanwhile (the same wall, 0.3 s more of CPU).
The trivial test pays for plugins that come with what nbdime needs (anyio's, above all), also where ours is kept out. Each
notebook is collected by parsing it once, without its pictures; those of this race hold one of 1 MB each."""


def main() -> None:
    """Do all of it."""
    options = _options()
    place = Path(options.environments).resolve()
    environments = Environments(place)
    for tool in tools.OWN:
        environments.make(tool)
    with tempfile.TemporaryDirectory() as folder:
        found = {
            race.name: run(race, environments, Path(folder, f"race{n}"), options.rounds)
            for n, race in enumerate(RACES)
        }
        listed = listing(environments, Path(folder, "listing"))
    lines = list(_section(found, listed, environments, options.rounds))
    write_section("Speed", lines)
    print(*lines, sep="\n")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="speed", description=__doc__)
    parser.add_argument("--rounds", type=int, help="of every race, instead of its own number")
    parser.add_argument(
        "--environments", default="build/speed", help="where environments are kept (%(default)s)"
    )
    return parser.parse_args()


def _section(
    found: Mapping[str, Costs], listed: Sequence[Cost], environments: Environments, rounds: int | None
) -> Iterator[str]:
    count = str(rounds) if rounds else ", ".join(f"{race.rounds} ({race.name})" for race in RACES)
    yield from _WORDS.format(
        rounds=count,
        cpus=len(os.sched_getaffinity(0)),
        python=platform.python_version(),
        versions=", ".join(environments.versions(tool) for tool in tools.OWN if tool.name not in tools.LIGHT),
    ).split("\n")
    yield from ("", "| case | goal | measured |", "|---|---|---|")
    yield from _goals(found, listed)
    yield from ("", *_WHY.split("\n"))
    yield from (
        "",
        "| work | tool | wall s | CPU s | largest process, MB | run again |",
        "|---|---|---|---|---|---|",
    )
    for work, costs in found.items():
        for name, costs_of in costs.items():
            wall, cpu, peak = (median([getattr(c, key) for c in costs_of]) for key in ("wall", "cpu", "peak"))
            failed = sum(cost.failed for cost in costs_of) or ""
            yield f"| {work} | {name} | {wall:.2f} | {cpu:.2f} | {peak:.0f} | {failed} |"


def _goals(found: Mapping[str, Costs], listed: Sequence[Cost]) -> Iterator[str]:
    """Yield the rows of the table of goals."""
    ours, two = tools.OURS.name, tools.OURS_TWO.name
    tiny, science, many = found["8 tiny"], found["8 science"], found["100 tiny"]
    wall, cpu = (ratio(tiny, ours, tools.NBMAKE.name, what) for what in ("wall", "cpu"))
    yield f"| 8 tiny notebooks against nbmake | 0.25x wall, 0.3x CPU | {wall:.2f}x wall, {cpu:.2f}x CPU |"
    yield f"| 8 science notebooks against nbmake | 0.25x wall | {ratio(science, ours, tools.NBMAKE.name, 'wall'):.2f}x |"
    scripts = ratio(science, ours, tools.SCRIPTS.name, "wall")
    yield f"| 8 science notebooks against plain scripts of their code | 0.7x wall | {scripts:.2f}x |"
    both = ratio(science, two, tools.NBMAKE_TWO.name, "wall")
    yield f"| 8 science notebooks, 2 workers, against nbmake -n 2 | 0.25x wall | {both:.2f}x |"
    peers = {name: ratio(many, ours, name, "wall") for name in many if name != ours}
    best = max(peers, key=lambda name: peers[name])
    yield f"| 100 tiny notebooks against the best of the peers ({best}) | 0.12x wall | {peers[best]:.2f}x |"
    further = (median([c.cpu for c in many[ours]]) - median([c.cpu for c in tiny[ours]])) / 92
    yield f"| each further tiny notebook, record and comparison included | 0.1 s CPU | {further:.3f} s |"
    bare, kept_out = (
        ratio(found["trivial test"], tools.UNUSED.name, other.name, "cpu")
        for other in (tools.BARE, tools.WITHOUT)
    )
    unused = f"{bare:.3f}x CPU of pytest alone, {kept_out:.3f}x of the same packages with `-p no:nbrepro`"
    yield f"| one trivial test, plugin installed and not used | 1.03x | {unused} |"
    collected = found["1,000 x 1 MB"][ours]
    seconds, peak = (median([getattr(c, key) for c in collected]) for key in ("wall", "peak"))
    yield f"| collecting 1,000 notebooks of 1 MB | 3 s, 150 MB | {seconds:.2f} s, {peak:.0f} MB |"
    yield f"| listing {RUNS:,} runs | 0.5 s | {median([c.wall for c in listed]):.2f} s |"


if __name__ == "__main__":
    main()
