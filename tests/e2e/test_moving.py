"""A notebook with stored outputs, as Jupyter leaves it, and real kernels."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pytest_nbrepro import baselines

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

HEAD = """\
import datetime, random, time
from IPython.display import HTML, display
class Model:
    pass
"""
SHOWN = """\
print('score: 0.5')
print(f'elapsed: {time.perf_counter()}', datetime.datetime.now(), random.random() < 2)
display(HTML('<table><tr><th>model</th><th>fit_time</th><th>score</th></tr>'
             f'<tr><td>svm</td><td>{random.random()}</td><td>0.5</td></tr></table>'))
Model()
"""
RAISES = "raise ValueError('no such fold: 3')"


@pytest.fixture
def shell(tmp_path: Path):
    environ = {k: v for k, v in os.environ.items() if not k.startswith(("NBREPRO", "PYTEST_ADDOPTS", "CI"))}
    (tmp_path / "pytest.ini").write_text("[pytest]\n")

    def run(*command: str) -> subprocess.CompletedProcess[str]:
        known = {
            "nbrepro": [sys.executable, "-c", "from pytest_nbrepro.cli import main; main()"],
            "pytest": [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--nbrepro"],
        }
        whole = [*known[command[0]], *command[1:]]
        return subprocess.run(whole, cwd=tmp_path, env=environ, capture_output=True, text=True, check=False)

    return run


def test_from_stored_outputs_to_a_baseline(shell: Any, tmp_path: Path, write_notebook: Any) -> None:
    path = write_notebook(
        tmp_path / "train.ipynb", HEAD, SHOWN, {"source": RAISES, "tags": ["raises-exception"]}
    )
    done = shell("nbrepro", "init", "train.ipynb")
    assert done.returncode == 0, done.stdout + done.stderr
    (folder,) = (tmp_path / ".nbrepro/runs").glob("2*")
    shutil.copyfile(folder / "notebook.ipynb", path)  # with its outputs, as Jupyter saves it
    before = path.read_bytes()

    done = shell("nbrepro", "accept", "--stored", "train.ipynb")

    assert done.returncode == 0, done.stdout + done.stderr
    assert "a run agrees with the outputs stored in the notebook in 4 checks" in done.stdout
    assert path.read_bytes() == before
    found = baselines.read(tmp_path / "baselines/train/default")
    assert found is not None
    assert not found.once
    assert shell("pytest").returncode == 0

    book = json.loads(before)
    book["cells"][2]["source"] = "raise ValueError('no such fold: 4')"
    path.write_text(json.dumps(book))
    done = shell("pytest")
    assert done.returncode == 1
    assert "line 1: no such fold: 3 -> 4" in done.stdout, done.stdout  # an expected error is compared


def test_what_differs_from_the_stored_outputs_is_reported(
    shell: Any, tmp_path: Path, write_notebook: Any
) -> None:
    shown = {"output_type": "stream", "name": "stdout", "text": "score: 0.6\n"}
    write_notebook(tmp_path / "train.ipynb", {"source": "print('score: 0.5')", "outputs": [shown]})

    done = shell("nbrepro", "accept", "--stored", "train.ipynb")

    assert done.returncode == 1
    assert "1 of 1 check differ from the outputs stored in the notebook: no baseline" in " ".join(
        done.stdout.split()
    )
    assert "0.6000 -> 0.5000" in done.stdout
    assert not (tmp_path / "baselines").exists()
