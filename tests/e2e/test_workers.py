"""Sessions whose notebooks run in a process of their own, several at once, with real kernels."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from environs import clean

from pytest_nbrepro.store import Store

pytestmark = pytest.mark.e2e
PATIENCE = 60.0  # seconds to wait for something that takes one or two

# Sleeps for ever, once it has said so.
SLEEPER = "import os, pathlib, time\npathlib.Path({place!r}, {name!r}).write_text(str(os.getpid()))\ntime.sleep(600)"
# Fails, once the others sleep.
FAILS = "import pathlib, time\nwhile len(list(pathlib.Path({place!r}).iterdir())) < {others}: time.sleep(0.05)\n1 / 0"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    return tmp_path


@pytest.fixture
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for the process ids of kernels."""
    return tmp_path_factory.mktemp("pids")


def start(root: Path, *arguments: str) -> subprocess.Popen[str]:
    kept = clean()
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
    return subprocess.Popen(
        command, cwd=root, env=kept, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def run(root: Path, *arguments: str) -> tuple[int, str]:
    process = start(root, *arguments)
    out, _ = process.communicate(timeout=PATIENCE * 3)
    return process.returncode, out


def wait(done, process=None):
    deadline = time.monotonic() + PATIENCE
    while not done():
        assert process is None or process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.05)


def kernels(place, count, process=None):
    wait(lambda: len([p for p in place.iterdir() if p.read_text()]) == count, process)
    return [psutil.Process(int(p.read_text())) for p in place.iterdir()]


def gone(processes):
    return not any(p.is_running() and p.status() != psutil.STATUS_ZOMBIE for p in processes)


def statuses(root):
    store = Store(root / ".nbrepro")
    found = [store.read(run_id) for run_id in store.ids()]
    return {run.notebook: str(run.status) for run in found}


def environment(root, notebook):
    store = Store(root / ".nbrepro")
    (found,) = [run for run in map(store.read, store.ids()) if run.notebook == notebook]
    return json.loads((found.folder / "environment.json").read_text())


def test_two_workers(root, write_notebook):
    """The second notebook ends long before the first, whose environment a conftest has set."""
    first = "import os, pathlib, time\nwhile not (p := pathlib.Path(os.environ['PLACE'])).exists(): time.sleep(0.02)"
    write_notebook(root / "a.ipynb", first, "import numpy\nprint('m: 1')", nbrepro={})
    second = "import os, pathlib, numpy\nprint('threads:', os.environ['OMP_NUM_THREADS'])"
    touch = "pathlib.Path(os.environ['PLACE']).touch()"
    write_notebook(root / "b.ipynb", second, touch, nbrepro={"env": {"OMP_NUM_THREADS": "3"}})
    write_notebook(root / "c.ipynb", "print('m: 1')", nbrepro={})
    (root / "conftest.py").write_text(f"import os\nos.environ['PLACE'] = {str(root.parent / 'done')!r}\n")

    code, out = run(root, "--nbrepro-workers=2", "--nbrepro-update=new", "--nbrepro-once", "-v")

    assert code == 0, out
    assert re.findall(r"^(\w)\.ipynb::default PASSED", out, re.MULTILINE) == ["a", "b", "c"]
    limited = environment(root, "a.ipynb")
    assert limited["thread_limit"] == limited["env"]["OMP_NUM_THREADS"] == limited["env"]["MKL_NUM_THREADS"]
    own = environment(root, "b.ipynb")
    assert own["thread_limit"] == own["env"]["OMP_NUM_THREADS"] == "3"
    assert "MKL_NUM_THREADS" not in own["env"]
    assert "thread_limit" not in environment(root, "c.ipynb")  # nothing there computes in threads
    kept = json.loads((root / "baselines/a/default/environment.json").read_text())
    assert kept["thread_limit"] == limited["thread_limit"]


def test_x_stops_what_runs_ahead(root, write_notebook, place):
    write_notebook(root / "a.ipynb", FAILS.format(place=str(place), others=2), nbrepro={})
    for name in ("b", "c"):
        write_notebook(root / f"{name}.ipynb", SLEEPER.format(place=str(place), name=name), nbrepro={})

    code, out = run(root, "--nbrepro-workers=3", "-x")

    assert code == 1, out
    assert "1 failed" in out
    assert "0 of 1 case reproduced in 1 run" in out
    assert sorted(path.name for path in place.iterdir()) == ["b", "c"]
    assert not any(psutil.pid_exists(int(path.read_text())) for path in place.iterdir())
    assert statuses(root) == {"a.ipynb": "failed", "b.ipynb": "interrupted", "c.ipynb": "interrupted"}


@pytest.fixture
def sleeping(root, write_notebook, place):
    """A session in the middle of two notebooks, with the processes of their kernels and the process that runs them."""
    for name in ("a", "b", "c"):
        write_notebook(root / f"{name}.ipynb", SLEEPER.format(place=str(place), name=name), nbrepro={})
    process = start(root, "--nbrepro-workers=2", "-v")
    found = kernels(place, 2, process)
    (driver,) = psutil.Process(process.pid).children()
    yield process, driver, found
    process.kill()
    process.communicate()


def test_ctrl_c_stops_all(root, sleeping):
    process, driver, others = sleeping
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 2, out
    assert gone([driver, *others])
    assert statuses(root) == {"a.ipynb": "interrupted", "b.ipynb": "interrupted"}


def test_sigkill_of_pytest_ends_all(root, sleeping):
    process, driver, others = sleeping
    process.kill()
    wait(lambda: gone([driver, *others]))
    assert statuses(root) == {"a.ipynb": "died", "b.ipynb": "died"}


def test_sigkill_of_the_process_that_runs_them(root, sleeping, place, write_notebook):
    """Those under way are lost, and say so; the next one runs in a new process."""
    process, driver, others = sleeping
    write_notebook(root / "c.ipynb", "print('m: 1')", nbrepro={})
    driver.kill()
    out, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1, out
    assert re.findall(r"^(\w)\.ipynb::default (\w+)", out, re.MULTILINE) == [
        (name, "FAILED") for name in "abc"
    ]
    assert out.count("the process that ran it ended: SIGKILL\n  hint: over the machine's memory?") == 2
    assert "no baseline yet for 1 check" in out
    wait(lambda: gone(others))
    assert statuses(root) == {"a.ipynb": "died", "b.ipynb": "died", "c.ipynb": "completed"}


HEAVY = (
    "nbclient",
    "nbformat",
    "jupyter_client",
    "zmq",
    "polars",
    "PIL",
    "nbdime",
    "numpy",
    "pydantic",
    "asyncio",
)


def test_the_process_of_pytest_imports_nothing_heavy(root, write_notebook):
    """Notebooks that pass cost it none of the libraries by which they run, or by which files are compared."""
    for name in ("a", "b"):
        write = "open('t.csv', 'w').write('a\\n1.5\\n')"
        write_notebook(root / f"{name}.ipynb", f"print('m: 0.5'); print('text 1.5'); _ = {write}", nbrepro={})
    (root / "conftest.py").write_text(
        f"""
import sys
def pytest_unconfigure():
    print("imported:", sorted({HEAVY!r} & sys.modules.keys()))
""".replace(repr(HEAVY), repr(set(HEAVY)))
    )
    lean = ("-p", "no:hypothesispytest", "-p", "no:anyio", "-p", "no:cov")
    assert run(root, "--nbrepro-update=new", "--nbrepro-once", *lean)[0] == 0
    code, out = run(root, *lean)
    assert code == 0, out
    assert "imported: []" in out


def test_without_notebooks_nothing_but_the_options_is_imported(root):
    (root / "test_it.py").write_text("def test_it(): pass\n")
    (root / "conftest.py").write_text(
        """
import sys
def pytest_unconfigure():
    print("ours:", sorted(name for name in sys.modules if name.startswith("pytest_nbrepro")))
"""
    )
    process = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider"],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    )
    names = ["", ".errors", ".options", ".plugin"]
    assert f"ours: {[f'pytest_nbrepro{name}' for name in names]}" in process.stdout
