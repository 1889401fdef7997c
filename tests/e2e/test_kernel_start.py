"""Kernels that are forked are as those that are spawned, but that they start sooner."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import pickle
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from pytest_nbrepro import execution, notebook, runner, spec
from pytest_nbrepro.execution import Execution
from pytest_nbrepro.kernels import connection, preloading, servers, supervisor
from pytest_nbrepro.kernels.forked import Spare
from pytest_nbrepro.kernels.servers import Wanted
from pytest_nbrepro.model import Run, RunStatus, Task
from pytest_nbrepro.store import ENVIRONMENT

pytestmark = [
    pytest.mark.slow,
    pytest.mark.e2e,
    pytest.mark.skipif(sys.platform != "linux", reason="kernels are forked on Linux alone"),
]

# what of a process a notebook can see; each value must be the same, or have the same meaning
STATE = r"""
import atexit, gc, json, locale, os, signal, stat, sys, threading, time, warnings
def kind(number):
    mode = os.fstat(number).st_mode
    return "file" if stat.S_ISREG(mode) else "socket" if stat.S_ISSOCK(mode) else "pipe" if stat.S_ISFIFO(mode) else os.readlink(f"/proc/self/fd/{number}")
def opened(number):
    try:
        return kind(number)
    except OSError:
        return "gone"
status = dict(line.split(":\t", 1) for line in open("/proc/self/status").read().splitlines())
S = vars(sys)  # to name what is in it would keep libraries from being imported ahead
state = {
    "modules": sorted(S["modules"]),
    "argv": [os.path.basename(text) for text in sys.argv][:2],
    "orig_argv": [os.path.basename(text) for text in sys.orig_argv][:2],
    "path": [text for text in S["path"] if not text.endswith("/work")],
    "ahead": [type(one).__name__ for one in S["meta_path"]].count("Hidden"),
    "finders": [str(one).partition(" at ")[0] for one in S["meta_path"] if type(one).__name__ != "Hidden"],
    "flags": repr(sys.flags),
    "main": [sorted(vars(S["modules"]["__main__"]).keys() & {"__file__", "__spec__", "__name__", "__doc__"}), __name__],
    "files": sorted(opened(number) for number in map(int, os.listdir("/proc/self/fd"))),
    "streams": [kind(0), kind(1), kind(2), str(sys.__stdin__), str(sys.__stdout__), str(sys.__stderr__)],
    "signals": {name: str(signal.getsignal(number)).partition(" at ")[0] for name, number in signal.__dict__.items() if name.startswith("SIG") and not name.startswith("SIG_") and isinstance(number, int)},
    "masks": {name: status[name] for name in ("SigBlk", "SigIgn", "SigCgt", "NoNewPrivs", "Cpus_allowed_list")},
    "threads": sorted(type(one).__name__ for one in threading.enumerate()),
    "session": [os.getsid(0) == os.getpid(), os.getpgid(0) == os.getpid(), os.environ["JPY_PARENT_PID"] == str(os.getppid())],
    "environ": {name: text for name, text in os.environ.items() if name not in {"IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR", "JPY_PARENT_PID"}},
    "locale": [locale.getlocale(), time.tzname, locale.setlocale(locale.LC_ALL)],
    "filters": [repr(one) for one in warnings.filters],
    "gc": [gc.isenabled(), gc.get_threshold()],
    "limits": [sys.getrecursionlimit(), sys.getswitchinterval(), sys.dont_write_bytecode],
    "umask": os.umask(0o22),
    "excepthook": [sys.excepthook.__qualname__, threading.excepthook.__qualname__, sys.unraisablehook.__qualname__],
}
json.dump(state, open("state.json", "w"))
"""
# each line draws from something that no two kernels may share
DRAWS = r"""
import json, multiprocessing, random, secrets, sys, tempfile, uuid
draws = {
    "random": random.random(),
    "uuid1": str(uuid.uuid1()),
    "uuid4": str(uuid.uuid4()),
    "secrets": secrets.token_hex(8),
    "tempfile": tempfile.mktemp(),
    "ahead": [type(one).__name__ for one in vars(sys)["meta_path"]].count("Hidden"),
    "authkey": multiprocessing.current_process().authkey.hex(),
    "system": random.SystemRandom().random(),
}
import numpy
draws |= {"numpy": numpy.random.random(), "numpy new": numpy.random.default_rng().random()}
json.dump(draws, open("draws.json", "w"))
"""


ROOT = Path(__file__).parents[2]
ENVIRON = {**os.environ}  # in which libraries that this process imports later set variables of theirs
# what notebooks do that could go another way in a kernel that has been something else before
AWKWARD: dict[str, list[Any]] = {
    "variables": [
        "import os\nos.environ['OMP_NUM_THREADS'] = '1'\nos.environ['OPENBLAS_NUM_THREADS'] = '1'",
        "import numpy as np, threadpoolctl\nprint([pool['num_threads'] for pool in threadpoolctl.threadpool_info()])",
        "import time\nos.environ['TZ'] = 'Asia/Tokyo'\ntime.tzset()\nprint(time.tzname, time.localtime(0).tm_hour)",
    ],
    "backend": [
        "import sys\nprint([name in sys.modules for name in ('numpy', 'pandas', 'matplotlib', 'scipy')])",
        "import matplotlib\nmatplotlib.use('svg')\nimport matplotlib.pyplot as plt\nprint(plt.get_backend())",
        "fig, ax = plt.subplots()\nax.plot([1, 2, 4])\nfig.savefig('out.png')\nfig",
    ],
    "inline": [
        "import os\nprint(os.environ['MPLBACKEND'])\nimport matplotlib.pyplot as plt\nplt.plot([1, 3, 2]); plt.show()",
        "import pandas as pd\nframe = pd.DataFrame({'a': [1, 2], 'b': ['x', 'y']})\nframe.to_csv('out.csv')\nframe",
    ],
    "shadow": [
        "open('statistics_of_mine.py', 'w').write('x = 7')\nimport statistics_of_mine\nprint(statistics_of_mine.x)",
        "import helper, numbers\nprint(helper.VALUE, numbers.__file__.rpartition('/')[2])",
    ],
    "processes": [
        "import multiprocessing, os, subprocess, sys\nwith multiprocessing.get_context('fork').Pool(2) as pool: print(pool.map(abs, [-1, 2]))",
        "print(subprocess.run([sys.executable, '-c', 'import sys; print(len(sys.argv), sys.stdin.read())'], capture_output=True, text=True).stdout)",
        "!echo from a shell",
        "os.write(1, b'by the descriptor\\n'); None",
        "import signal\nprint(signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT).__name__)",
    ],
    "kept": [
        "stream = open('left-open.txt', 'w')\nprint(stream.write('written out at the end'))",
        "import atexit\natexit.register(lambda: open('at-exit.txt', 'w').write('too')); None",
        "import warnings\nwarnings.warn('seen', DeprecationWarning)",
        "import logging\nlogging.warning('told'); print(logging.getLogger().handlers)",
    ],
    "seeded": [
        "import random\nimport numpy as np\nprint(random.random(), np.random.rand(), hash('text'), list({'a', 'b', 'c', 'd'}))",
    ],
    "fails": ["import sys\nprint('so far')", "1 / 0"],
    "exits": ["import sys\nsys.exit(3)"],
}


EXAMPLES = sorted(path.relative_to(ROOT).as_posix() for path in ROOT.glob("examples/**/*.ipynb"))
NAMES = [*EXAMPLES, *(f"awkward/{name}.ipynb" for name in AWKWARD)]
LIBRARIES = (
    "import numpy, pandas\nimport matplotlib.pyplot\nfrom sklearn.linear_model import LinearRegression"
)


@pytest.fixture(scope="module", autouse=True)
def _servers(project: Path) -> Any:
    """Have servers for all that comes."""
    tasks = [task_of(project, name) for name in NAMES]
    runner.expect([*tasks, *tasks])
    servers.SERVERS._more = True  # so each kernel that begins leaves one that waits
    for code in (DRAWS, LIBRARIES):
        wanted = Wanted(connection.shared(ENVIRON, {}, None, None), preloading.needs([code], []))
        assert wanted.modules
        servers.SERVERS.start(wanted)
    yield
    execution.release()


WAYS = ("forked", "waited", "spawned")  # of which a kernel is started: anew, ahead, by no server


def begin(way: str) -> bool:
    """See to it that the next kernel that is forked has not waited, or tell whether it has."""
    if way == "forked":
        for server in servers.SERVERS._servers.values():
            if (spare := server.take()) is not None:
                spare.drop()
    return bool(waiting())


def waiting() -> list[Spare]:
    return [server._spare for server in servers.SERVERS._servers.values() if server._spare is not None]


def processes() -> tuple[int, int]:
    """Return the process ids of the one kernel that waits: its supervisor's and its own."""
    (spare,) = waiting()
    above = int(spare._link.recv(64, socket.MSG_PEEK))
    assert wait_until(supervisor.tree(above).update)
    (kernel,) = supervisor.tree(above).update()
    return above, kernel


class Both:
    """Runs the same cells in a forked kernel and in a spawned one."""

    def __init__(self, bench: Any) -> None:
        self.bench = bench

    def run(self, *cells: Any, fork: bool, **changes: Any) -> Execution:
        for path in self.bench.folder.iterdir():
            if path.name != "work":
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        done: Execution = self.bench.run(*cells, fork=fork, **{"env": {}, "environ": ENVIRON, **changes})
        return done

    def told(self, name: str) -> Any:
        return json.loads((self.bench.cwd / name).read_text())


@pytest.fixture
def both(bench: Any) -> Both:
    return Both(bench)


@pytest.mark.parametrize("before", ["", LIBRARIES], ids=["plain", "libraries"])
def test_what_a_notebook_sees_of_its_process(both: Both, before: str) -> None:
    seen = []
    for way in WAYS:
        assert begin(way) == (way != "forked")
        done = both.run(before, STATE, fork=way != "spawned")
        assert (done.status, done.notes) == (RunStatus.COMPLETED, ())
        seen.append(both.told("state.json"))
    assert [one.pop("ahead") for one in seen] == [int(bool(before)), int(bool(before)), 0]
    for name in seen[0]:
        assert seen[0][name] == seen[1][name] == seen[2][name], name


def test_where_a_shell_begins(both: Both) -> None:
    cell = "import os\nprint(_dh, get_ipython().starting_dir, os.getcwd())\n%cd -q ..\n%cd -q -\nprint(os.getcwd())"
    told = []
    for way in WAYS:
        assert begin(way) == (way != "forked")
        done = both.run(cell, fork=way != "spawned")
        told.append([output["text"] for output in done.notebook["cells"][0]["outputs"]])
    assert told[0] == told[1] == told[2]


def test_a_log_is_written_to_by_one_that_has_waited(both: Both) -> None:
    begin("forked")
    for _ in range(2):
        done = both.run(
            "import os, sys\nos.write(sys.stdout._original_stdstream_copy, b'by a library')\nos.abort()",
            fork=True,
        )
        assert done.status is RunStatus.DIED
        assert "by a library" in (both.bench.folder / "kernel.log").read_text()


@pytest.mark.parametrize("dead", ["kernel", "supervisor", "both"])
def test_one_that_waited_and_is_gone_is_no_fault(both: Both, dead: str) -> None:
    begin("forked")
    for _ in range(2):
        done = both.run("print('fine')", fork=True)
        assert (done.status, done.notes) == (RunStatus.COMPLETED, ())
        above, kernel = processes()
        for pid in {"kernel": [kernel], "supervisor": [above], "both": [above, kernel]}[dead]:
            with contextlib.suppress(ProcessLookupError):  # the other's end was its own
                os.kill(pid, signal.SIGKILL)
            assert wait_until(lambda pid=pid: not running(pid))
    begin("forked")


def test_a_supervisor_that_is_killed_while_one_that_waited_runs(both: Both) -> None:
    begin("forked")
    both.run("1", fork=True)
    above, kernel = processes()
    done = both.run(f"import os, time\nos.kill({above}, 9)\ntime.sleep(600)", fork=True)
    assert done.status is RunStatus.DIED
    assert wait_until(lambda: not running(kernel))


@pytest.mark.parametrize("name", ["memory", "env"])
def test_what_one_that_waits_could_not_be(both: Both, tmp_path: Path, name: str) -> None:
    begin("forked")
    assert both.run("1", fork=True).status is RunStatus.COMPLETED
    before = waiting()
    changes = {"memory": 2**31, "env": {"IPYTHONDIR": str(tmp_path)}}
    assert both.run("1", fork=True, **{name: changes[name]}).status is RunStatus.COMPLETED
    assert before
    assert set(before) <= set(waiting())


def test_no_two_kernels_draw_the_same(both: Both) -> None:
    drawn = []
    for _ in range(3):
        assert both.run(DRAWS, fork=True).status is RunStatus.COMPLETED
        drawn.append(both.told("draws.json"))
    assert [one.pop("ahead") for one in drawn] == [1, 1, 1]
    for name in drawn[0]:
        assert len({one[name] for one in drawn}) == 3, name


def test_nor_by_torch(both: Both) -> None:
    pytest.importorskip("torch")
    cell = "import json, torch\njson.dump(torch.rand(4).tolist(), open('draws.json', 'w'))"
    drawn = []
    for _ in range(3):
        assert both.run(cell, fork=True).status is RunStatus.COMPLETED
        drawn.append(both.told("draws.json"))
    assert drawn[0] != drawn[1] != drawn[2] != drawn[0]


def record(run: Run) -> dict[str, Any]:
    """Return all that is kept of a run but when it was and how long it took."""
    timeless = {"id": "", "folder": Path(), "started": "", "duration": 0.0, "peak": None}
    cells = tuple(dataclasses.replace(cell, seconds=None) for cell in run.cells)
    text = repr(dataclasses.replace(run, **timeless, cells=cells))
    executed = notebook.read(run.folder / "notebook.ipynb")
    outputs = [
        re.sub(r"ipykernel_\d+", "ipykernel", json.dumps(cell.outputs).replace(run.id, "ID"))
        for cell in executed.code
    ]
    environment = json.loads((run.folder / ENVIRONMENT).read_text())
    return {"run": text.replace(run.id, "ID"), "outputs": outputs, "environment": environment}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with the examples and the awkward notebooks."""
    from tests.conftest import notebook_json

    root = tmp_path_factory.mktemp("both")
    shutil.copytree(ROOT / "examples", root / "examples", ignore=shutil.ignore_patterns("results", "summary"))
    shutil.copy(ROOT / "pyproject.toml", root)
    folder = root / "awkward"
    folder.mkdir()
    (folder / "helper.py").write_text("VALUE = 42")
    for name, cells in AWKWARD.items():
        metadata = {"nbrepro": {"seed": 7} if name == "seeded" else {}}
        (folder / f"{name}.ipynb").write_text(json.dumps(notebook_json(*cells, **metadata)))
    return root


def task_of(project: Path, name: str) -> Task:
    read, declared = notebook.read(project / name), spec.load_project(project)
    case = spec.expand(read, declared, spec.load(read, declared))[0]
    return Task(case, project, project / ".nbrepro", project / "baselines", environ=ENVIRON, fork=True)


@pytest.mark.parametrize("name", NAMES)
def test_a_forked_run_is_as_a_spawned_one(project: Path, name: str) -> None:
    task = task_of(project, name)
    made = []
    for way in WAYS:
        assert begin(way) == (way != "forked")
        made.append(record(runner.run_case(task.anew() if way == "spawned" else task)))
    for part in made[0]:
        assert made[0][part] == made[1][part] == made[2][part], part
    assert "could be forked" not in made[0]["run"]


SLEEP = "print('kept')\nimport time; time.sleep(600)"
SCRIPT = """
import os, pickle, threading
from pytest_nbrepro.execution import execute
from pytest_nbrepro.kernels import connection, preloading, servers, supervisor
from pytest_nbrepro.kernels.servers import Wanted
request = pickle.loads({request!r})
wanted = servers.Wanted(connection.shared(request.environ, {{}}, None, None))
servers.SERVERS.expect([wanted, wanted])
execute(request, print)
"""


@pytest.mark.parametrize("dead", ["server", "nothing else"])
def test_sigkill_of_the_process_that_asks(bench: Any, tmp_path: Path, dead: str) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT.format(request=pickle.dumps(bench.request(SLEEP, env={}))))
    env = {**os.environ, "TMPDIR": str(tmp_path), "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen([sys.executable, str(script)], env=env, stdout=subprocess.DEVNULL)
    try:
        assert wait_until(lambda: "kept" in text(bench.folder / "notebook.ipynb"))
        # one that waits besides, and the supervisor of each
        assert wait_until(lambda: len(supervisor.tree(process.pid).update()) == 5)
        server, *kernel = sorted(supervisor.tree(process.pid).update())
        if dead == "server":
            os.kill(server, signal.SIGKILL)
            assert wait_until(lambda: not running(server))
            assert all(map(running, kernel))
    finally:
        process.kill()
        process.wait()
    assert wait_until(lambda: not any(map(running, (server, *kernel))))
    assert wait_until(lambda: not list(tmp_path.glob("nb-*")))


def text(path: Path) -> str:
    return path.read_text() if path.exists() else ""


def running(pid: int) -> bool:
    return text(Path(f"/proc/{pid}/stat")).rpartition(")")[2].split()[:1] not in ([], ["Z"])


def wait_until(there: Any) -> bool:
    deadline = time.monotonic() + 60
    while not (held := bool(there())) and time.monotonic() < deadline:
        time.sleep(0.02)
    return held
