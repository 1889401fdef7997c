"""Whole sessions in processes of their own, with real kernels: workers, coverage, Ctrl-C, SIGKILL."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from platform import machine, system

import psutil
import pytest

from pytest_nbrepro.store import Store

pytestmark = pytest.mark.e2e
PATIENCE = 60.0  # seconds to wait for something that takes one or two


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    return tmp_path


def start(root: Path, *arguments: str) -> subprocess.Popen[str]:
    drop = ("NBREPRO", "PYTEST", "COV") if "--cov-branch" in arguments else ("NBREPRO", "PYTEST", "COV_")
    environ = {k: v for k, v in os.environ.items() if not k.startswith(drop) and k != "CI"}
    command = [sys.executable, "-m", "pytest", "--nbrepro", "-p", "no:cacheprovider", *arguments]
    return subprocess.Popen(
        command, cwd=root, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def run(root: Path, *arguments: str) -> tuple[int, str]:
    process = start(root, *arguments)
    out, _ = process.communicate(timeout=PATIENCE * 3)
    return process.returncode, out


def told(out: str) -> list[str]:
    """Return what a session tells, without what differs by workers, times and ids."""
    kept = re.search(r"={3,} FAILURES.*?(?=={3,} .* in [\d.]+s)", out, re.DOTALL)
    assert kept, out
    text = re.sub(r"nbrepro show \w+|\[gw\d\] .*", "", kept[0])
    return sorted(line for line in text.splitlines() if line.strip())


@pytest.mark.slow
def test_workers_tell_and_accept_the_same(root, write_notebook):
    for name, value in (("a", 1), ("b", 2), ("c", 3)):
        write_notebook(root / f"{name}.ipynb", f"print('m: {value}.5')", nbrepro={})

    code, out = run(root, "-n", "2", "--nbrepro-update=new", "--nbrepro-tag=cuda")
    assert code == 0, out
    recorded = [json.loads(path.read_text()) for path in (root / ".nbrepro/runs").glob("*/environment.json")]
    platform = f"{system().lower()}-{machine()}"
    assert [(one["platform"], one["tags"]) for one in recorded] == [(platform, ["cuda"])] * 6
    assert "3 baselines written (3 new, 0 changed) after 6 runs" in out
    assert len(list((root / "baselines").rglob("metrics.json"))) == 3

    write_notebook(root / "a.ipynb", "print('m: 1.6')", nbrepro={})
    (root / "c.ipynb").unlink()
    alone = run(root, "--nbrepro-report=alone")
    workers = run(root, "-n", "2", "--nbrepro-report=many")
    assert alone[0] == workers[0] == 1
    assert "1 obsolete baseline" in alone[1]
    assert told(alone[1]) == told(workers[1])
    one, many = (json.loads((root / name / "report.json").read_text()) for name in ("alone", "many"))
    assert list(one["obsolete"]) == list(many["obsolete"]) == ["c/default"]
    assert [(c["case"], c["status"], c["checks"]) for c in one["cases"]] == [
        (c["case"], c["status"], c["checks"]) for c in many["cases"]
    ]
    assert [c["status"] for c in one["cases"]] == ["drifted", "passed"]
    assert (root / "many/index.html").read_text().count("<article") == 2


def test_coverage_of_what_notebooks_import(root, write_notebook):
    (root / "lib").mkdir()
    (root / "lib/helper.py").write_text("def f(x):\n    if x:\n        return 1\n    return 2\n")
    write_notebook(root / "lib/t.ipynb", "import helper\nprint('m:', helper.f(True))", nbrepro={})

    code, out = run(
        root, "--nbrepro-update=new", "--nbrepro-once", "--cov=lib", "--cov-branch", "--cov-report=json"
    )

    assert code == 0, out
    measured = json.loads((root / "coverage.json").read_text())["files"]["lib/helper.py"]
    assert measured["executed_lines"] == [1, 2, 3]
    assert measured["missing_branches"] == [[2, 4]]


SLEEPER = """
import os, pathlib, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
pathlib.Path({place!r}).write_text(f"{{os.getpid()}} {{child.pid}}")
print("begun", flush=True)
time.sleep(600)
"""


@pytest.fixture
def sleeping(root, write_notebook, tmp_path_factory):
    """A session in the middle of a cell, with the processes of its kernel."""
    place = tmp_path_factory.mktemp("pids") / "pids"
    write_notebook(root / "t.ipynb", "print('first')", SLEEPER.format(place=str(place)), nbrepro={})
    process = start(root)
    wait(lambda: place.exists() and len(place.read_text().split()) == 2, process)
    yield process, [psutil.Process(int(pid)) for pid in place.read_text().split()]
    process.kill()
    process.communicate()


def wait(done, process=None, seconds=PATIENCE):
    deadline = time.monotonic() + seconds
    while not done():
        assert process is None or process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.05)


def only_run(root):
    store = Store(root / ".nbrepro")
    (run_id,) = store.ids()
    return store.read(run_id)


def gone(processes):
    return not any(p.is_running() and p.status() != psutil.STATUS_ZOMBIE for p in processes)


def test_sigkill_leaves_no_process_and_the_next_session_works(root, sleeping, write_notebook):
    process, others = sleeping
    process.send_signal(signal.SIGKILL)
    wait(lambda: gone(others), seconds=5)
    run_left = only_run(root)
    assert run_left.status == "died"
    assert "first" in (run_left.folder / "notebook.ipynb").read_text()

    write_notebook(root / "t.ipynb", "print('m: 1')", nbrepro={})
    assert run(root, "--nbrepro-update=new", "--nbrepro-once")[0] == 0


@pytest.mark.skipif(sys.platform != "linux", reason="none is kept elsewhere")
def test_sigkill_leaves_no_mirror_of_a_run_that_was_over(root, write_notebook, tmp_path_factory):
    place = tmp_path_factory.mktemp("pids") / "pids"
    (root / "another").mkdir()
    write_notebook(root / "another/a.ipynb", "print('m: 1')", nbrepro={})
    write_notebook(root / "t.ipynb", SLEEPER.format(place=str(place)), nbrepro={})
    process = start(root, "--nbrepro-once", "--nbrepro-update=new")
    wait(lambda: place.exists() and len(place.read_text().split()) == 2, process)
    store = Store(root / ".nbrepro")
    over, died = (store.runs / name for name in store.ids())
    assert (over / "work").exists()
    process.send_signal(signal.SIGKILL)
    process.communicate()
    wait(lambda: store.read(died.name).status == "died", seconds=5)
    assert (died / "work").exists()
    assert not (over / "work").exists()


def test_ctrl_c_stops_the_session_and_keeps_what_ran(root, sleeping):
    process, others = sleeping
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 2, out
    assert gone(others)
    kept = only_run(root)
    assert kept.status == "interrupted"
    assert "begun" in (kept.folder / "notebook.ipynb").read_text()


@pytest.mark.parametrize("arguments", [(), ("--nbrepro-workers=2",)])
def test_a_run_finds_nothing_of_those_whose_mirror_it_takes_over(root, write_notebook, arguments):
    (root / "data.csv").write_text("1\n")
    spoil = (
        "import os, pathlib\n"
        "data = pathlib.Path('data.csv')\n"
        "print('data:', data.read_text(), sorted(p for p in os.listdir() if not p.endswith('.ipynb')))\n"
        "at = data.stat()\n"
        "data.write_text('2\\n')\n"
        "os.utime(data, ns=(at.st_atime_ns, at.st_mtime_ns))\n"
        "pathlib.Path('result.txt').write_text('new')\n"
        "os.symlink('result.txt', 'link.txt')"
    )
    for name in "abcd":
        write_notebook(root / f"{name}.ipynb", spoil, nbrepro={})
    code, out = run(root, "--nbrepro-update=new", *arguments)
    assert code == 0, out
    code, out = run(root, *arguments)
    assert code == 0, out
    store = Store(root / ".nbrepro")
    logs = {(store.runs / name / "output.log").read_text() for name in store.ids()}
    assert len(logs) == 1
    assert "data: 1\n ['data.csv', 'pytest.ini']" in logs.pop()
    assert not list(store.runs.glob("*/work"))
    assert (root / "data.csv").read_text() == "1\n"
