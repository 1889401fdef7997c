"""Plant faults, count what the checks find, and write the section of RESULTS.md."""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import platform
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from results import write_section

from mutation import alarms, calibration, notebooks, outcomes, planting, tables
from mutation.alarms import Row
from mutation.outcomes import Outcome
from mutation.workshop import Workshop

_DETAILS = notebooks.ROOT / "build" / "mutants.json"
_WORDS = """\
Made by `tox -e mutation`: {planted} of the {all} places where a fault fits, in {notebooks} notebooks (the examples without
their limits, and those of `benchmarks/mutation/notebooks`); seed {seed}, Python {python}, {versions}.

*Crashed*: the run ends with an exception; counted apart, since pytest fails without any check. *Equivalent*: text, figures,
files and metrics are the same, also when every number is shown with all of its digits. *Hidden*: only such digits differ,
which the notebook rounds away. *Killed* and *survived* changed a result. What changed is found by hashes of masked text,
pixels, and values in full precision, not by the comparers."""
_DEFAULT, _CALIBRATED = "default checks", "after `nbrepro calibrate`"
_SKIPPED = "`nbrepro calibrate` does not exist here: its stage was skipped."
_WROTE = (
    "`nbrepro calibrate --write` had something to say of {} seeded notebooks; verdicts of the others stay."
)


@dataclass(frozen=True)
class Measured:
    """All that was found."""

    possible: int  # places where a fault fits
    stages: Mapping[str, Sequence[Outcome]]  # by what the checks were told
    rows: Sequence[Row]
    calibrated: (
        int | None
    )  # notebooks for which `nbrepro calibrate` wrote something; None without the command


def main() -> None:
    """Do all of it."""
    options = _options()
    found = _measured(options)
    write_section("Mutants", _section(found, options.seed))
    _DETAILS.parent.mkdir(exist_ok=True)
    details = {name: [outcome.plain() for outcome in stage] for name, stage in found.stages.items()}
    _DETAILS.write_text(json.dumps({**details, "alarms": [vars(row) for row in found.rows]}, indent=1))
    print(*tables.totals(found.stages), *tables.alarms(found.rows), f"all mutants: {_DETAILS}", sep="\n")


def _measured(options: argparse.Namespace) -> Measured:
    originals = notebooks.every()
    scripts = {name: notebooks.script(content) for name, content in originals.items()}
    possible = [mutant for name in scripts for mutant in planting.mutants(name, scripts[name])]
    mutants = planting.sample(possible, options.budget, options.seed)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place).resolve()
        project = folder / "project"
        notebooks.project(project, originals)
        with Workshop(project, folder, options.workers) as shop:
            accepted = outcomes.establish(shop, "baselines", originals)
            stages = {_DEFAULT: outcomes.run_all(shop, "mutants", mutants, originals, accepted)}
            rows = [alarms.seeded(shop, originals, accepted, options.repeats)]
            rows += alarms.unseeded(shop, originals, options.repeats)
        if not calibration.exists():
            return Measured(len(possible), stages, rows, None)
        again, row, wrote = calibration.run(
            project, folder, options.workers, originals, stages[_DEFAULT], options.repeats
        )
    return Measured(len(possible), {**stages, _CALIBRATED: again}, [*rows, row], wrote)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="mutation", description=__doc__)
    parser.add_argument("--budget", type=int, default=200, help="mutants at most (%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of the sample (%(default)s)")
    parser.add_argument(
        "--repeats", type=int, default=20, help="runs of each unchanged notebook (%(default)s)"
    )
    parser.add_argument("--workers", type=int, default=2, help="processes (%(default)s)")
    return parser.parse_args()


def _section(found: Measured, seed: int) -> Iterator[str]:
    """Yield the section of RESULTS.md."""
    default = found.stages[_DEFAULT]
    names = ("scikit-learn", "numpy", "pandas", "matplotlib")
    head = _WORDS.format(
        planted=len(default),
        all=found.possible,
        notebooks=len(notebooks.every()),
        seed=seed,
        python=platform.python_version(),
        versions=", ".join(f"{name} {importlib.metadata.version(name)}" for name in names),
    )
    yield from (*head.split("\n"), "")
    yield from tables.totals(found.stages)
    yield ""
    yield _SKIPPED if found.calibrated is None else _WROTE.format(found.calibrated)
    causes = Counter(outcome.why for outcome in default if outcome.status == outcomes.KILLED)
    yield f"*why* says of the killed: {', '.join(f'`{cause}` {n}' for cause, n in causes.most_common())}."
    for stage, mutants in found.stages.items():
        yield from ("", f"Not killed, {stage}:", "")
        yield from tables.alive(mutants)
    for title, table in (("operator", tables.by_operator), ("notebook", tables.by_notebook)):
        yield from ("", f"{_DEFAULT.capitalize()}, by {title}:", "")
        yield from table(default)
    yield from ("", "Unchanged notebooks:", "")
    yield from tables.alarms(found.rows)


if __name__ == "__main__":
    main()
