"""Kernels that are forked are as those that are spawned, but that they start sooner."""

from __future__ import annotations

import json
import os
import shutil
import sys
from typing import Any

import pytest

from pytest_nbrepro import execution
from pytest_nbrepro.execution import Execution
from pytest_nbrepro.kernels import connection, servers
from pytest_nbrepro.model import RunStatus

pytestmark = [
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
state = {
    "modules": sorted(sys.modules),
    "argv": [os.path.basename(text) for text in sys.argv][:2],
    "orig_argv": [os.path.basename(text) for text in sys.orig_argv][:2],
    "path": [text for text in sys.path if not text.endswith("/work")],
    "hooks": [str(type(one)) for one in sys.meta_path],
    "flags": repr(sys.flags),
    "main": [sorted(vars(sys.modules["__main__"]).keys() & {"__file__", "__spec__", "__name__", "__doc__"}), __name__],
    "files": sorted(opened(number) for number in map(int, os.listdir("/proc/self/fd"))),
    "streams": [kind(0), kind(1), kind(2), str(sys.__stdin__), str(sys.__stdout__), str(sys.__stderr__)],
    "signals": {name: str(signal.getsignal(number)).partition(" at ")[0] for name, number in signal.__dict__.items() if name.startswith("SIG") and not name.startswith("SIG_") and isinstance(number, int)},
    "masks": {name: status[name] for name in ("SigBlk", "SigIgn", "SigCgt", "NoNewPrivs", "Cpus_allowed_list")},
    "threads": sorted(type(one).__name__ for one in threading.enumerate()),
    "session": [os.getsid(0) == os.getpid(), os.getpgid(0) == os.getpid(), os.environ["JPY_PARENT_PID"] == str(os.getppid())],
    "environ": {name: text for name, text in os.environ.items() if name not in {"IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR", "JPY_PARENT_PID"}},
    "locale": [locale.getlocale(), time.tzname, locale.setlocale(locale.LC_ALL)],
    "filters": [repr(one) for one in warnings.filters],
    "gc": [gc.isenabled(), gc.get_threshold(), gc.get_freeze_count()],
    "limits": [sys.getrecursionlimit(), sys.getswitchinterval(), sys.dont_write_bytecode],
    "umask": os.umask(0o22),
    "excepthook": [sys.excepthook.__qualname__, threading.excepthook.__qualname__, sys.unraisablehook.__qualname__],
    "atexit": atexit._ncallbacks(),
}
json.dump(state, open("state.json", "w"))
"""
# each line draws from something that no two kernels may share
DRAWS = r"""
import json, multiprocessing, random, secrets, tempfile, uuid
draws = {
    "random": random.random(),
    "uuid1": str(uuid.uuid1()),
    "uuid4": str(uuid.uuid4()),
    "secrets": secrets.token_hex(8),
    "tempfile": tempfile.mktemp(),
    "authkey": multiprocessing.current_process().authkey.hex(),
    "system": random.SystemRandom().random(),
}
import numpy
draws |= {"numpy": numpy.random.random(), "numpy new": numpy.random.default_rng().random()}
json.dump(draws, open("draws.json", "w"))
"""


@pytest.fixture(scope="module", autouse=True)
def _server() -> Any:
    """Have a server for the environment of this process."""
    servers.SERVERS.start(connection.shared(os.environ, {}, None, None))
    yield
    execution.release()


class Both:
    """Runs the same cells in a forked kernel and in a spawned one."""

    def __init__(self, bench: Any) -> None:
        self.bench = bench

    def run(self, *cells: Any, fork: bool, **changes: Any) -> Execution:
        for path in self.bench.folder.iterdir():
            if path.name != "work":
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        done: Execution = self.bench.run(*cells, fork=fork, env={}, **changes)
        return done

    def told(self, name: str) -> Any:
        return json.loads((self.bench.cwd / name).read_text())


@pytest.fixture
def both(bench: Any) -> Both:
    return Both(bench)


def test_what_a_notebook_sees_of_its_process(both: Both) -> None:
    seen = []
    for fork in (True, False):
        done = both.run(STATE, fork=fork)
        assert (done.status, done.notes) == (RunStatus.COMPLETED, ())
        seen.append(both.told("state.json"))
    forked, spawned = seen
    for name in spawned:
        assert forked[name] == spawned[name], name


def test_no_two_kernels_draw_the_same(both: Both) -> None:
    drawn = []
    for _ in range(3):
        assert both.run(DRAWS, fork=True).status is RunStatus.COMPLETED
        drawn.append(both.told("draws.json"))
    for name in drawn[0]:
        assert len({one[name] for one in drawn}) == 3, name
