"""Notebooks on a Dask cluster and on workers with disks of their own, with real kernels."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from environs import clean

from pytest_nbrepro.model import RunStatus
from pytest_nbrepro.store import Store

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

# `cluster`: two worker processes, of which one is killed while it runs b.ipynb for the first time.
# `apart`: two processes that do not see the project.
POOLS = """
import atexit, multiprocessing, os, signal
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

MARK = Path({mark!r})

def plant():
    from pytest_nbrepro import runner
    original = runner.run_case

    def run_case(task, progress=None, control=None):
        def tell(progress):
            if progress.cell is not None and task.case.notebook == "b.ipynb" and not MARK.exists():
                MARK.touch()
                os.kill(os.getpid(), signal.SIGKILL)

        return original(task, tell, control)

    runner.run_case = run_case

def cluster():
    from distributed import Client, LocalCluster
    client = Client(LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None))
    atexit.register(client.shutdown)
    client.run(plant)
    return client.get_executor(pure=False)

def blind():
    from pytest_nbrepro.executors import errand
    errand._shared = lambda order, task: False

def local():
    from executorlib import SingleNodeExecutor
    return SingleNodeExecutor(max_workers=2)

def apart():
    return ProcessPoolExecutor(2, multiprocessing.get_context("spawn"), initializer=blind)
"""


@pytest.fixture
def root(tmp_path: Path, write_notebook) -> Path:
    root = tmp_path / "project"
    root.mkdir()
    (root / "pytest.ini").write_text("[pytest]\n")
    (root / "pools.py").write_text(POOLS.format(mark=str(tmp_path / "killed")))
    (root / "data").mkdir()
    (root / "data/x.csv").write_text("v\n0.25\n")
    for name in "abc":
        write_notebook(
            root / f"{name}.ipynb",
            "import os\nfrom pathlib import Path\nk = 1\nprint(os.getcwd())",
            "v = float(Path('data/x.csv').read_text().split()[1])\nprint(f'loss: {v * k}')",
            "Path('out.csv').write_text('a,b\\n1,2\\n');",
            nbrepro={},
        )
    return root


def search_at(root: Path, notebook: str, pool: str) -> list[dict[str, object]]:
    """Search over four values of a flag, and return the trials."""
    code = "from pytest_nbrepro.cli import main; main(prog_name='nbrepro')"
    asked = ["run", notebook, "k=[1, 2, 3, 4]", "--minimize", "loss", "--executor", pool, "--workers", "2"]
    done = subprocess.run(
        [sys.executable, "-c", code, *asked, "--yes", "--json"],
        cwd=root,
        env=clean("DASK"),
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    trials: list[dict[str, object]] = json.loads(done.stdout)["trials"]
    return trials


def pytest_at(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable,
        "-m",
        "pytest",
        "--nbrepro",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:xdist",
        *arguments,
    ]
    return subprocess.run(
        command, cwd=root, env=clean("DASK"), capture_output=True, text=True, timeout=240, check=False
    )


def test_a_worker_of_a_cluster_is_killed_and_another_place_that_sees_no_files(root: Path, tmp_path: Path):
    """First baselines through the cluster, each once though a run was lost; then elsewhere, held against these."""
    done = pytest_at(root, "--nbrepro-executor=pools:cluster", "--nbrepro-update=new")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 baselines written (3 new, 0 changed) after 6 runs" in done.stdout
    assert (tmp_path / "killed").exists()
    store = Store(root / ".nbrepro")
    runs = [store.read(name) for name in store.ids()]
    assert sorted((run.notebook, run.status) for run in runs if run.status is not RunStatus.DIED) == [
        (f"{name}.ipynb", RunStatus.COMPLETED) for name in "aabbcc"
    ]
    assert "b.ipynb" in {run.notebook for run in runs if run.status is RunStatus.DIED}

    done = pytest_at(root, "--nbrepro-executor=pools:apart")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 of 3 cases reproduced in 3 runs" in done.stdout
    new = [store.read(name) for name in store.ids() if name not in {run.id for run in runs}]
    assert len(new) == 3
    for run in new:
        assert run.metrics["loss"].value == 0.25
        assert (run.folder / run.artifacts["out.csv"].path).read_text() == "a,b\n1,2\n"
        executed = json.loads((run.folder / "notebook.ipynb").read_text())
        printed = "".join(executed["cells"][0]["outputs"][0]["text"]).strip()
        assert re.fullmatch(re.escape(str(run.folder / "work")), printed)


def test_a_search_loses_a_worker_and_no_trial(root: Path, tmp_path: Path):
    trials = search_at(root, "b.ipynb", "pools:cluster")
    assert (tmp_path / "killed").exists()
    assert sorted(trial["trial"] for trial in trials) == [1, 2, 3, 4]
    assert sorted((trial["flags"]["k"], trial["metrics"]["loss"]) for trial in trials) == [
        (k, 0.25 * k) for k in (1, 2, 3, 4)
    ]
    store = Store(root / ".nbrepro")
    runs = [store.read(name) for name in store.ids()]
    completed = [run for run in runs if run.status is RunStatus.COMPLETED]
    assert sorted(run.flags["k"] for run in completed) == [1, 2, 3, 4], "nothing is lost, nothing doubled"
    assert {run.status for run in runs} == {RunStatus.COMPLETED, RunStatus.DIED}


def test_a_search_through_the_library_that_knows_slurm(root: Path):
    pytest.importorskip("executorlib", reason="the extra slurm is not installed")
    trials = search_at(root, "a.ipynb", "pools:local")
    assert sorted(trial["metrics"]["loss"] for trial in trials) == [0.25, 0.5, 0.75, 1.0]
