"""Plant faults, count what the checks find, and write the section of RESULTS.md."""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import platform
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from results import write_section

from mutation import alarms, calibration, notebooks, outcomes, planting, tables
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
_SKIPPED = "`nbrepro calibrate` does not exist here: its stage was skipped."


def main() -> None:
    """Do all of it."""
    options = _options()
    originals = notebooks.every()
    possible = [
        m for name, content in originals.items() for m in planting.mutants(name, notebooks.script(content))
    ]
    mutants = planting.sample(possible, options.budget, options.seed)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place).resolve()
        project = folder / "project"
        notebooks.project(project, originals)
        with Workshop(project, folder, options.workers) as shop:
            accepted = outcomes.establish(shop, "baselines", originals)
            stages = {"default": outcomes.run_all(shop, "mutants", mutants, originals, accepted)}
            rows = [alarms.seeded(shop, originals, accepted, options.repeats)]
            rows += alarms.unseeded(shop, originals, options.repeats)
        if calibration.exists():
            found = calibration.run(project, folder, options.workers, originals, stages["default"])
            stages["after `nbrepro calibrate`"] = found
    names = ("scikit-learn", "numpy", "pandas", "matplotlib")
    head = _WORDS.format(
        planted=len(mutants),
        all=len(possible),
        notebooks=len(originals),
        seed=options.seed,
        python=platform.python_version(),
        versions=", ".join(f"{name} {importlib.metadata.version(name)}" for name in names),
    )
    write_section("Mutants", [*head.split("\n"), *_body(stages, rows)])
    _DETAILS.parent.mkdir(exist_ok=True)
    details = {name: [outcome.plain() for outcome in found] for name, found in stages.items()}
    _DETAILS.write_text(json.dumps({**details, "alarms": [vars(row) for row in rows]}, indent=1))
    print("\n".join(tables.totals(stages)), *tables.alarms(rows), f"all mutants: {_DETAILS}", sep="\n")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="mutation", description=__doc__)
    parser.add_argument("--budget", type=int, default=200, help="mutants at most (%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of the sample (%(default)s)")
    parser.add_argument(
        "--repeats", type=int, default=20, help="runs of each unchanged notebook (%(default)s)"
    )
    parser.add_argument("--workers", type=int, default=2, help="processes (%(default)s)")
    return parser.parse_args()


def _body(stages: dict[str, list[Outcome]], rows: Sequence[alarms.Row]) -> Iterator[str]:
    default = stages["default"]
    yield ""
    yield from tables.totals(stages)
    yield ""
    if not calibration.exists():
        yield _SKIPPED
    causes = Counter(outcome.why for outcome in default if outcome.status == outcomes.KILLED)
    yield f"*why* says of the killed: {', '.join(f'`{cause}` {n}' for cause, n in causes.most_common())}."
    for stage, found in stages.items():
        yield from ("", f"Not killed, {stage}:", "")
        yield from tables.alive(found)
    for title, table in (("operator", tables.by_operator), ("notebook", tables.by_notebook)):
        yield from ("", f"Default checks, by {title}:", "")
        yield from table(default)
    yield from ("", "Unchanged notebooks:", "")
    yield from tables.alarms(rows)


if __name__ == "__main__":
    main()
