"""The same once `nbrepro calibrate` has said what it finds: mutants of seeded notebooks, runs of unseeded ones."""

from __future__ import annotations

import shutil
import subprocess
import sysconfig
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from mutation import alarms, outcomes
from mutation.notebooks import Json, write
from mutation.outcomes import Outcome
from mutation.workshop import Workshop
from pytest_nbrepro.cli import main

COMMAND = "calibrate"


def exists() -> bool:
    """Tell whether this version has the command."""
    return COMMAND in main.lazy


def run(
    project: Path,
    folder: Path,
    workers: int,
    notebooks: Mapping[str, Json],
    first: Sequence[Outcome],
    repeats: int,
) -> tuple[list[Outcome], alarms.Row, int]:
    """Calibrate all notebooks, and what their seeds were dropped from; accept their baselines, and judge again.

    Mutants are planted again where the command wrote something; elsewhere all stays as it was.

    Args:
        project: the project, which is copied.
        folder: where the copy goes.
        workers: how many processes.
        notebooks: the seeded notebooks, by path.
        first: what became of the mutants before.
        repeats: how often unseeded notebooks run unchanged.

    Returns:
        What became of the mutants, how the unseeded notebooks fared, and for how many of the seeded ones
        the command wrote something.
    """
    fresh = folder / "calibrated"
    shutil.copytree(project, fresh / "project")
    bare = {f"unseeded/{name}": alarms.without_seeds(notebooks[name]) for name in alarms.UNSEEDED}
    for name, notebook in bare.items():
        write(fresh / "project" / name, notebook)
    told = _calibrate(fresh / "project", [*notebooks, *bare], workers)
    told_of = {name: content for name, content in notebooks.items() if name in told}
    idle = {outcomes.CRASHED, outcomes.EQUIVALENT}
    alive = [o.mutant for o in first if o.status not in idle and o.mutant.notebook in told_of]
    with Workshop(fresh / "project", fresh, workers) as shop:
        accepted = outcomes.establish(shop, "calibrated baselines", told_of)
        found = outcomes.run_all(shop, "calibrated mutants", alive, told_of, accepted)
        row = alarms.unchanged(shop, "unseeded", "what `nbrepro calibrate` writes", bare, repeats)
    again = {outcome.mutant: outcome for outcome in found}
    return [again.get(outcome.mutant, outcome) for outcome in first], row, len(told_of)


def _calibrate(project: Path, names: Sequence[str], workers: int) -> set[str]:
    """Let the command write what it finds into the annotation of each notebook.

    Returns:
        The notebooks of which it wrote something.

    Raises:
        RuntimeError: it fails.
    """
    program = Path(sysconfig.get_path("scripts"), "nbrepro")

    def calibrate(name: str) -> bool:
        command = [str(program), COMMAND, name, "--write"]
        done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
        if done.returncode > 1:
            raise RuntimeError(f"{' '.join(command)}:\n{done.stdout}{done.stderr}")
        print(f"{COMMAND} {name}\n{done.stdout}", flush=True)
        return (project / name).with_suffix(".nbrepro.yaml").exists()

    with ThreadPoolExecutor(workers) as pool:
        wrote = list(pool.map(calibrate, names))
    return {name for name, something in zip(names, wrote, strict=True) if something}
