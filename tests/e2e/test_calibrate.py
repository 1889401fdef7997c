"""`nbrepro calibrate` with real kernels: what it writes lets noise pass and catches a change of one per cent."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

CELLS = (
    "import os, random\nscale = 1.0",
    "random_state = random.Random(3)\nprint(f'exact: {scale * random_state.random()}')",
    "print(f'loss: {scale * sum(random.random() for _ in range(50))}')",
    "noise = int.from_bytes(os.urandom(6), 'big') / 2**48\nprint(f'total: {scale * (1 + 1e-12 * noise)}')",
)


class Shell:
    """A project with one notebook, and commands in it."""

    def __init__(self, root: Path, write_notebook: Any) -> None:
        self.root = root
        self.notebook = write_notebook(root / "train.ipynb", *CELLS)
        (root / "pytest.ini").write_text("[pytest]\n")
        left_out = ("NBREPRO", "PYTEST_ADDOPTS", "CI")
        self.environ = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}

    def __call__(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *command],
            cwd=self.root,
            env=self.environ,
            capture_output=True,
            text=True,
            check=False,
        )

    def pytest(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self("-m", "pytest", "-p", "no:cacheprovider", "--nbrepro", *arguments)


def test_from_noise_to_limits_that_hold(tmp_path, write_notebook):
    shell = Shell(tmp_path, write_notebook)
    done = shell(
        "-c",
        "from pytest_nbrepro.cli import main; main()",
        "calibrate",
        "train.ipynb",
        "--runs=3",
        "--write",
        "--json",
    )
    assert done.returncode == 0, done.stdout + done.stderr
    record = json.loads(done.stdout)
    noise = {finding["name"]: finding["noise"] for finding in record["cases"][0]["findings"]}
    assert noise == {"exact": "bit-identical", "loss": "chance", "total": "rounding noise"}
    assert record["written"] == "train.nbrepro.yaml"
    written = {"/".join(proposal["path"]): proposal["value"] for proposal in record["proposals"]}
    assert set(written) == {"seed", "metrics/total"}
    limit = float(written["metrics/total"].removeprefix("{rel: ").removesuffix("}"))
    assert 3e-13 < limit < 1e-10

    first = shell.pytest("--nbrepro-update=new")
    assert first.returncode == 0, first.stdout
    assert "1 baseline written (1 new, 0 changed) after 2 runs" in first.stdout
    for _ in range(2):
        again = shell.pytest()
        assert again.returncode == 0, again.stdout

    shell.notebook.write_text(shell.notebook.read_text().replace("scale = 1.0", "scale = 1.01"))
    drifted = shell.pytest()
    assert drifted.returncode == 1
    assert "3 of 3 checks drifted" in drifted.stdout
