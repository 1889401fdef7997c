"""The command line and pytest together, with real kernels: from no annotation to a baseline, and to its end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.e2e

CODE = "import pathlib\nprint(f'loss: {x / 4}')\n_ = pathlib.Path('out.csv').write_text('a,b\\n1,2.5\\n')\nx"


class Shell:
    """A project in a folder, and commands in it."""

    def __init__(self, root: Path, write_notebook: Any) -> None:
        self.root = root
        self.write_notebook = write_notebook
        left_out = ("NBREPRO", "PYTEST_ADDOPTS", "CI")
        self.environ = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}

    def __call__(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, cwd=self.root, env=self.environ, capture_output=True, text=True, check=False
        )

    def nbrepro(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self(sys.executable, "-c", "from pytest_nbrepro.cli import main; main()", *arguments)

    def pytest(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self(sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--nbrepro", *arguments)

    def notebook(self, name: str, *sources: str) -> Path:
        return self.write_notebook(self.root / name, *sources)


@pytest.fixture
def shell(tmp_path: Path, write_notebook: Any) -> Shell:
    (tmp_path / "pytest.ini").write_text("[pytest]\nnbrepro_baselines = accepted values\n")
    return Shell(tmp_path, write_notebook)


def test_the_life_of_a_baseline(shell):
    shell.notebook("sub/train.ipynb", "# set\nx = 1.0", CODE)
    shell.notebook("old.ipynb", "print('n: 1')")
    (shell.root / "old.nbrepro.yaml").touch()

    begun = shell.nbrepro("init", "sub/train.ipynb")
    assert begun.returncode == 0, begun.stderr
    assert "next  pytest --nbrepro sub/train.ipynb --nbrepro-update=new\n" in begun.stdout
    text = (shell.root / "sub/train.nbrepro.yaml").read_text()
    assert "  loss: {rel: 1e-6}  # 0.25, cell 2\n" in text
    assert "  out.csv: {}  # table, 10 B\n" in text

    first = shell.pytest("--nbrepro-update=new")
    assert first.returncode == 0, first.stdout
    assert shell.nbrepro("show", "last").returncode == 0

    shell.notebook("sub/train.ipynb", "# set\nx = 2.0", CODE)
    drifted = shell.pytest("sub/train.ipynb")
    assert drifted.returncode == 1
    shown = shell.nbrepro("show", "last", "--json")
    assert shown.returncode == 1, shown.stderr
    failed = {
        check["name"] for check in json.loads(shown.stdout)["verdict"]["checks"] if check["status"] == "drift"
    }
    assert "loss" in failed
    assert "out.csv" not in failed

    accepted = shell.nbrepro("accept", "sub/train.ipynb", "-m", "x is 2 now")
    assert accepted.returncode == 0, accepted.stderr
    record = json.loads((shell.root / "accepted values/sub/train/default/environment.json").read_text())
    assert record["accepted"] == "x is 2 now"

    (shell.root / "old.ipynb").unlink()
    (shell.root / "old.nbrepro.yaml").unlink()
    assert (
        shell.nbrepro("prune", "--yes").returncode == 2
    )  # the last session ran one notebook alone, and failed
    obsolete = shell.pytest()
    assert obsolete.returncode == 1, obsolete.stdout
    assert "nbrepro prune" in obsolete.stdout
    pruned = shell.nbrepro("prune", "--yes")
    assert pruned.returncode == 0, pruned.stderr
    assert not (shell.root / "accepted values/old").exists()
    assert shell.pytest().returncode == 0

    runs = json.loads(shell.nbrepro("runs", "--notebook", "sub/train.ipynb", "--json").stdout)["runs"]
    assert [run["metrics"]["loss"] for run in runs][:3] == [0.5, 0.5, 0.5]
    assert runs[-1]["metrics"]["loss"] == 0.25


def test_a_notebook_that_fails_gets_pytest_s_report(shell):
    shell.notebook("bad.ipynb", "x = 1", "# divide\n1 / 0")
    begun = shell.nbrepro("init", "bad.ipynb")
    assert begun.returncode == 1, begun.stderr
    assert not list(shell.root.glob("*.yaml"))
    tested = shell.pytest("bad.ipynb")
    assert tested.returncode == 1

    def report(text: str) -> list[str]:
        lines = [line for line in text.splitlines() if ".nbrepro/runs/" not in line]
        start = next(n for n, line in enumerate(lines) if line.startswith("NBREPRO bad.ipynb"))
        return lines[start : start + 8]

    assert report(begun.stdout) == report(tested.stdout)[: len(report(begun.stdout))]
    assert "ZeroDivisionError: division by zero" in begun.stdout
    assert "    | 1 / 0" in begun.stdout
