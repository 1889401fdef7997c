"""What it takes to list many stored runs."""

from __future__ import annotations

from pathlib import Path

from speed import tools
from speed.measuring import Cost, cost
from speed.tools import Environments

RUNS = 10_000
_FILL = """
import sys
from pathlib import Path
from pytest_nbrepro.model import Metric, Run, RunStatus
from pytest_nbrepro.store import Store
store = Store(Path(".nbrepro"))
for n in range({runs}):
    folder = store.claim()
    metrics = {{f"m{{k}}": Metric(n / 7 + k) for k in range(5)}}
    store.write(Run(folder.name, folder, "a.ipynb", f"x={{n}}", {{"x": n}}, RunStatus.COMPLETED,
                    "2026-01-01T00:00:00.000000+00:00", 1.0, metrics))
"""


def listing(environments: Environments, folder: Path, rounds: int = 5) -> list[Cost]:
    """Return what listing costs each time, after a first one that reads all records."""
    project = folder / "project"
    project.mkdir(parents=True)
    (project / "pytest.ini").write_text("[pytest]\n")
    python, variables = environments.command(tools.OURS)[0], environments.variables(tools.OURS)
    cost([python, "-c", _FILL.format(runs=RUNS)], project, variables)
    command = [str(Path(python).with_name("nbrepro")), "runs"]
    return [cost(command, project, variables) for _ in range(rounds + 1)][1:]
