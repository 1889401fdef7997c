"""The same mutants once `nbrepro calibrate` has set the limits."""

from __future__ import annotations

import shutil
import subprocess
import sysconfig
from collections.abc import Mapping, Sequence
from pathlib import Path

from mutation import outcomes
from mutation.notebooks import Json
from mutation.outcomes import Outcome
from mutation.workshop import Workshop
from pytest_nbrepro.cli import main

COMMAND = "calibrate"


def exists() -> bool:
    """Tell whether this version has the command."""
    return COMMAND in main.lazy


def calibrate(project: Path, notebooks: Mapping[str, Json]) -> None:
    """Let the command write what it finds into the annotation of each notebook.

    Raises:
        RuntimeError: it fails.
    """
    program = Path(sysconfig.get_path("scripts"), "nbrepro")
    for number, name in enumerate(notebooks, 1):
        command = [str(program), "--root", str(project), COMMAND, name, "--write"]
        done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
        if done.returncode > 1:
            raise RuntimeError(f"{' '.join(command)}:\n{done.stdout}{done.stderr}")
        print(f"{COMMAND}: {number} of {len(notebooks)}", flush=True)


def run(
    project: Path, folder: Path, workers: int, notebooks: Mapping[str, Json], first: Sequence[Outcome]
) -> list[Outcome]:
    """Calibrate, accept baselines anew, and plant the mutants that ran and changed something once more.

    Returns:
        An outcome for each of the first ones.
    """
    fresh = folder / "calibrated"
    shutil.copytree(project, fresh / "project")
    calibrate(fresh / "project", notebooks)
    alive = [o.mutant for o in first if o.status not in {outcomes.CRASHED, outcomes.EQUIVALENT}]
    with Workshop(fresh / "project", fresh, workers) as shop:
        accepted = outcomes.establish(shop, "calibrated baselines", notebooks)
        again = {
            o.mutant: o for o in outcomes.run_all(shop, "calibrated mutants", alive, notebooks, accepted)
        }
    return [again.get(outcome.mutant, outcome) for outcome in first]
