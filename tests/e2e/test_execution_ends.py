"""The ways in which a run ends, in real kernels: what is told, what is kept, and that nothing survives."""

from __future__ import annotations

import atexit
import os
import pickle
import signal
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
import uuid
from pathlib import Path
from typing import Any

import pytest

from pytest_nbrepro.execution import Control, Execution, execute
from pytest_nbrepro.model import Progress, RunStatus

pytestmark = [pytest.mark.e2e, pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")]

ROOT = Path(__file__).parents[2]

# a child with a session of its own, and an orphan: both outlive a kernel that is merely killed
SPAWN = """
import subprocess, sys
print("kept")
sleep = [sys.executable, "-c", "import time; time.sleep(600)", "{mark}"]
subprocess.Popen(sleep, start_new_session=True)
subprocess.run([sys.executable, "-c", f"import subprocess; subprocess.Popen({{sleep}}, start_new_session=True)"])
"""


@pytest.fixture
def mark() -> str:
    return f"mark-{uuid.uuid4().hex}"


def alive(mark: str) -> list[int]:
    """Return the processes that carry the mark in their command line."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit() and int(name) != os.getpid():
            try:
                command = Path("/proc", name, "cmdline").read_bytes()
            except OSError:
                continue
            if mark.encode() in command:
                found.append(int(name))
    return found


def wait_until(there: Any, seconds: float) -> bool:
    """Wait until `there()` holds, at most so long."""
    deadline = time.monotonic() + seconds
    while not (held := bool(there())) and time.monotonic() < deadline:
        time.sleep(0.05)
    return held


def kept(execution: Execution) -> str:
    return "".join(out.get("text", "") for out in execution.notebook["cells"][0]["outputs"])


def test_success_leaves_no_process(bench: Any, mark: str) -> None:
    done = bench.run(SPAWN.format(mark=mark))
    assert done.status is RunStatus.COMPLETED
    assert alive(mark) == []


def test_a_cell_that_raises(bench: Any, mark: str) -> None:
    done = bench.run(
        SPAWN.format(mark=mark), "def f():\n    raise ValueError('no luck')\nprint('so far')\nf()", "1"
    )
    assert done.status is RunStatus.FAILED
    assert (done.error.kind, done.error.cell, done.error.message) == ("cell", 1, "ValueError: no luck")
    assert "----> 2     raise ValueError('no luck')" in done.error.traceback
    assert "\x1b" not in done.error.traceback
    cells = done.notebook["cells"]
    assert [out["output_type"] for out in cells[1]["outputs"]] == ["stream", "error"]
    assert cells[2]["outputs"] == []
    assert cells[2]["execution_count"] is None
    assert "numpy" not in done.facts["modules"]  # the kernel was asked all the same
    assert alive(mark) == []


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("%notmagic", "UsageError: Line magic function `%notmagic` not found."),
        ("class A:\n    def _repr_html_(self): raise ValueError('shown')\nA()", "ValueError: shown"),
        (
            "class A:\n    def _repr_html_(self): raise ValueError('in display')\nfrom IPython.display import display\ndisplay(A())",
            "ValueError: in display",
        ),
        (
            "import threading\nt = threading.Thread(target=lambda: 1/0, name='mine'); t.start(); t.join()",
            "in thread mine: ZeroDivisionError: division by zero",
        ),
        (
            (
                "def f(): 1/0\nimport _thread\nold = _thread._count()\n_thread.start_new_thread(f, ())\n"
                "import time\nwhile _thread._count() > old: time.sleep(0.01)\ntime.sleep(0.1)"
            ),
            "in thread f: ZeroDivisionError: division by zero",
        ),
        (
            "input()",
            "StdinNotImplementedError: raw_input was called, but this frontend does not support input requests.",
        ),
        ("exit()", "the cell ended the kernel (`exit` or `quit`): those after it did not run"),
    ],
    ids=["reply", "result", "display", "thread", "raw-thread", "input", "exit"],
)
def test_failures_that_read_as_passes_elsewhere(bench: Any, source: str, message: str) -> None:
    done = bench.run(source, "'never'")
    assert done.status is RunStatus.FAILED
    told = done.error.message.replace("in thread ?", "in thread f")  # Python 3.13 does not tell the function
    assert (done.error.kind, done.error.cell, told) == ("cell", 0, message)
    assert done.notebook["cells"][1]["outputs"] == []


def test_what_is_allowed_to_fail(bench: Any) -> None:
    done = bench.run(
        (
            "import threading\nt = threading.Thread(target=lambda: 1/0); t.start(); t.join()",
            "raises-exception",
        ),
        "import sys\nt = threading.Thread(target=sys.exit); t.start(); t.join()",
        "class A:\n    def __del__(self): raise ValueError('a destructor')\nA(); None",
        "exit()",
    )
    assert (done.status, done.error) == (RunStatus.COMPLETED, None)


def test_a_kernel_killed_from_outside(bench: Any, mark: str) -> None:
    kill = "import os, signal\nprint('and this', flush=True)\nos.write(2, b'last words\\n')\nimport time; time.sleep(.1)\nos.kill(os.getpid(), signal.SIGKILL)"
    done = bench.run(SPAWN.format(mark=mark), kill)
    assert done.status is RunStatus.DIED
    assert (done.error.kind, done.error.cell, done.error.message) == (
        "died",
        1,
        "the kernel was ended by SIGKILL",
    )
    assert "memory" in done.error.hint
    assert "last words" in done.error.traceback
    assert done.notebook["cells"][1]["outputs"][0]["text"] == "and this\n"
    assert done.facts["interpreter"].startswith("CPython")
    assert alive(mark) == []


def test_a_kernel_that_ends_itself(bench: Any) -> None:
    done = bench.run("import os; os._exit(3)")
    assert done.status is RunStatus.DIED
    assert done.error.message == "the kernel ended by itself, with exit code 3"


def test_more_memory_than_allowed(bench: Any, mark: str) -> None:
    grow = "held = []\nwhile True: held.append(b'x' * (8 << 20))"
    done = bench.run(SPAWN.format(mark=mark), grow, memory=250 << 20)
    assert done.status is RunStatus.FAILED
    assert (done.error.kind, done.error.cell) == ("memory", 1)
    assert done.error.message.endswith("more than the limit of 250 MiB")
    assert done.peak > 250 << 20
    assert kept(done) == "kept\n"
    assert alive(mark) == []


def test_a_cell_that_takes_too_long(bench: Any) -> None:
    done = bench.run("print('started')\nimport time; time.sleep(600)", cell_timeout=1.0)
    assert done.status is RunStatus.TIMEOUT
    assert (done.error.kind, done.error.cell) == ("timeout", 0)
    assert done.error.message == "it took longer than its cell_timeout of 1 s"
    assert "time.sleep(600)" in done.error.traceback
    assert kept(done) == "started\n"


def test_a_cell_that_ignores_interrupts(bench: Any, mark: str) -> None:
    stubborn = "import time\nwhile True:\n    try: time.sleep(600)\n    except KeyboardInterrupt: print('no')"
    done = bench.run(SPAWN.format(mark=mark), stubborn, cell_timeout=2.0)
    assert done.status is RunStatus.TIMEOUT
    assert done.error.cell == 1
    assert done.error.traceback == ""
    assert done.notebook["cells"][1]["outputs"][0]["text"] == "no\n"
    assert alive(mark) == []


def test_a_run_that_takes_too_long(bench: Any, mark: str) -> None:
    done = bench.run(SPAWN.format(mark=mark), "import time; time.sleep(600)", timeout=5.0, cell_timeout=300)
    assert done.status is RunStatus.TIMEOUT
    assert done.error.message == "the run took longer than its timeout of 5 s"
    assert done.error.cell == 1
    assert alive(mark) == []


def test_an_expression_that_takes_too_long(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pytest_nbrepro.kernels.engine._SLACK", 0.5)
    done = bench.run("import time", cell_timeout=0.5, expressions={"slow": "time.sleep(600)"})
    assert (done.status, done.error.kind) == (RunStatus.TIMEOUT, "timeout")


def test_values_that_are_no_numbers(bench: Any) -> None:
    done = bench.run(
        ("import numpy as np\n'abc'", "metrics"),
        ("np.arange(3)", "metrics"),
        ("x = 1", "metrics"),
        "'this ran too'",
        expressions={"lost": "missing", "text": "'a'", "good": "x"},
    )
    assert (done.status, done.error.kind, done.error.cell) == (RunStatus.FAILED, "capture", 0)
    told = done.error.message.splitlines()
    assert told == [
        "a cell tagged `metrics` ends in a number or a mapping of numbers, not in the text 'abc'",
        "a cell tagged `metrics` ends in a number or a mapping of numbers, not in a value of type ndarray and shape (3,)",
        "a cell tagged `metrics` ends in a number or a mapping of numbers, not in nothing",
        "metric 'lost': 'missing' gives no number: it raised NameError: name 'missing' is not defined",
        "metric 'text': \"'a'\" gives no number: it is the text 'a'",
    ]
    assert [(v.name, v.value) for v in done.values] == [("good", 1)]
    assert done.notebook["cells"][3]["outputs"]


def test_a_notebook_that_writes_to_the_project(bench: Any) -> None:
    done = bench.run("open('../data/x.csv', 'w')")
    refused = (
        "this run would write the project's data/x.csv, and a run leaves the project as it is;"
        " below the notebook's own folder it may write"
    )
    assert (done.status, done.error.kind, done.error.cell) == (RunStatus.FAILED, "workspace", 0)
    assert done.error.message == refused
    assert "guard.py" not in done.error.traceback
    assert "open('../data/x.csv', 'w')" in done.error.traceback
    assert bench.input.read_text() == "a,b\n1,2\n"


def test_writing_to_the_project_cannot_be_swallowed(bench: Any) -> None:
    swallow = f"import os\ntry: os.remove({str(bench.input)!r})\nexcept OSError: pass"
    done = bench.run("1", swallow, "'the rest runs'")
    assert (done.status, done.error.kind, done.error.cell) == (RunStatus.FAILED, "workspace", 1)
    assert done.notebook["cells"][2]["outputs"]
    assert bench.input.exists()


def test_a_stop_from_elsewhere(bench: Any, mark: str) -> None:
    before = signal.getsignal(signal.SIGINT)
    control, held = Control(), list[int]()

    def stop(progress: Progress) -> None:
        if progress.cell == 1:
            held.append(control.memory())
            threading.Thread(target=control.stop).start()

    done = execute(bench.request(SPAWN.format(mark=mark), "import time; time.sleep(600)"), stop, control)
    assert held[0] > 2**20
    assert (done.status, done.error.kind, done.error.cell) == (RunStatus.INTERRUPTED, "interrupted", 1)
    assert kept(done) == "kept\n"
    assert '"kept\\n"' in bench.text("notebook.ipynb")
    assert signal.getsignal(signal.SIGINT) is before
    assert alive(mark) == []


def test_another_exception_in_the_waiting_thread(bench: Any, mark: str) -> None:
    def fail(progress: Progress) -> None:
        if progress.cell == 1:
            raise RuntimeError("the terminal is gone")

    with pytest.raises(RuntimeError, match="the terminal is gone"):
        execute(bench.request(SPAWN.format(mark=mark), "import time; time.sleep(600)"), fail)
    assert alive(mark) == []


def test_sigkill_of_the_process_that_runs_it(bench: Any, mark: str, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    request = bench.request(SPAWN.format(mark=mark), f"import time; time.sleep(600)  # {mark}")
    script.write_text(
        textwrap.dedent(
            f"""
            import pickle
            from pytest_nbrepro.execution import execute
            execute(pickle.loads({pickle.dumps(request)!r}))
            """
        )
    )
    env = {**os.environ, "TMPDIR": str(tmp_path), "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen([sys.executable, str(script)], env=env)
    try:
        assert wait_until(lambda: (bench.folder / "notebook.ipynb").exists() and len(alive(mark)) == 2, 60)
        kernels = descendants(process.pid)
        assert len(kernels) >= 3  # the supervisor, the kernel, a child of it
    finally:
        process.kill()
        process.wait()
    assert wait_until(lambda: not alive(mark), 5)
    assert wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in kernels), 5)
    assert wait_until(lambda: not list(tmp_path.glob("nb-*")), 5)
    assert "kept" in bench.text("notebook.ipynb")


def descendants(root: int) -> list[int]:
    found, level = [], {root}
    while level:
        level = {int(p.name) for p in Path("/proc").iterdir() if p.name.isdigit() and _parent(p) in level}
        found += level
    return found


def _parent(process: Path) -> int | None:
    try:
        return int((process / "stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return None


def test_it_works_outside_the_main_thread_and_leaves_nothing(
    bench: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    results: list[Execution] = []

    def run() -> None:
        thread = threading.Thread(target=lambda: results.append(bench.run("print(1)")))
        thread.start()
        thread.join()

    run()  # imports, and what they keep open

    def state() -> tuple[int, int, int, list[str]]:
        left = [path.name for path in tmp_path.glob("nb-*")]
        return len(os.listdir("/proc/self/fd")), threading.active_count(), atexit._ncallbacks(), left

    before = state()
    for _ in range(3):
        run()
    assert [done.status for done in results] == [RunStatus.COMPLETED] * 4
    assert state() == before


def test_the_supervisor_is_killed(bench: Any, mark: str) -> None:
    spawn = "\n".join(SPAWN.splitlines()[:-1]).format(mark=mark)  # an orphan is out of reach then
    done = bench.run(
        f"{spawn}\nimport os, signal, time\nos.kill(os.getppid(), signal.SIGKILL)\ntime.sleep(600)"
    )
    assert (done.status, done.error.kind, done.error.cell) == (RunStatus.DIED, "died", 0)
    assert done.error.message == "the process that watches over the kernel was killed"
    assert wait_until(lambda: not alive(mark), 5)


def test_a_notebook_that_takes_our_script_away(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pytest_nbrepro.kernels.session._LEAVE", 0.5)
    done = bench.run(
        ("import sys; del sys.modules['_nbrepro_kernel']; 1", "metrics"), expressions={"one": "1"}
    )
    assert (done.status, done.error.kind) == (RunStatus.FAILED, "capture")
    assert done.error.message.splitlines() == [
        (
            "a cell tagged `metrics` ends in a number or a mapping of numbers, not in what cannot be read:"
            " ModuleNotFoundError: No module named '_nbrepro_kernel'"
        ),
        "metric 'one': '1' gives no number: ModuleNotFoundError: No module named '_nbrepro_kernel'",
    ]
    assert "did not end by itself" in done.notes[-1]


def test_a_kernel_that_does_not_answer_after_a_failure(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pytest_nbrepro.kernels.session._LEAVE", 0.5)
    monkeypatch.setattr("pytest_nbrepro.kernels.engine._FACTS", 0.5)
    hang = "import sys, time\nsys.modules['_nbrepro_kernel'].finish = lambda _: time.sleep(600)\n1/0"
    done = bench.run(hang)
    assert (done.status, done.error.message) == (RunStatus.FAILED, "ZeroDivisionError: division by zero")
    assert "did not tell its facts" in done.notes[0]
    assert done.facts["interpreter"].startswith("CPython")


def test_a_kernel_that_crashes_on_its_end(bench: Any) -> None:
    crash = "import atexit, os, signal; atexit.register(lambda: os.kill(os.getpid(), signal.SIGSEGV)); None"
    done = bench.run(crash, ("1", "metrics", "skip-execution"))
    assert (done.status, done.values) == (RunStatus.COMPLETED, ())
    assert done.notes == (
        "the kernel ended with SIGSEGV after the last cell: files it had open may be incomplete",
    )


def test_a_kernel_that_dies_after_a_failure(bench: Any) -> None:
    die = "import os, sys\nsys.modules['_nbrepro_kernel'].finish = lambda _: os._exit(1)\n"
    swallow = "try: open('../data/x.csv', 'w')\nexcept OSError: pass\n"
    done = bench.run(die + swallow + "1/0")
    assert (done.status, done.error.message) == (RunStatus.FAILED, "ZeroDivisionError: division by zero")
    assert "would write the project's data/x.csv" in done.notes[0]
    assert bench.run(die).status is RunStatus.DIED


def test_a_thread_that_fails_after_the_last_cell(bench: Any) -> None:
    late = "import threading, time\ndef f():\n    threading.main_thread().join()\n    raise ValueError('late')\nthreading.Thread(target=f, name='mine').start()"
    done = bench.run(late)
    assert (done.status, done.error.kind, done.error.cell) == (RunStatus.FAILED, "cell", None)
    assert done.error.message == "in thread mine: ValueError: late"


@pytest.mark.parametrize(
    "code",
    [
        "import numpy, pandas\npandas.DataFrame({'x': numpy.arange(3)}).describe()",
        "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()",
        "from sklearn.svm import SVC\nSVC().fit([[0], [1]], [0, 1])",
    ],
    ids=["pandas", "matplotlib", "sklearn"],
)
def test_a_kernel_with_the_usual_libraries_ends_without_taking_them_apart(bench, code):
    probe = (
        "import csv, os\n"
        "class Probe:\n"
        "    def __del__(self, write=os.write, out=os.open('apart', os.O_WRONLY | os.O_CREAT)):\n"
        "        write(out, b'apart')\n"
        "csv.kept = Probe()"
    )
    assert bench.run(code, probe).status is RunStatus.COMPLETED
    assert (bench.cwd / "apart").read_text() == ""
