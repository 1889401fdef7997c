"""One long, good notebook in a real kernel, looked at from all sides."""

from __future__ import annotations

import json
import os
import sys
import threading
from typing import Any

import pytest

from pytest_nbrepro.execution import Execution, execute
from pytest_nbrepro.model import Progress, RunStatus

pytestmark = pytest.mark.e2e

LOOK = """
import json, os, sys, random
print(json.dumps({
    "argv": sys.argv[1:2], "name": __name__, "names": sorted(n for n in dir() if "nbrepro" in n.lower()),
    "visible": sorted(k for k in globals() if not k.startswith("_")),
    "path": sys.path, "cwd": os.getcwd(), "draw": random.random(), "debugger": "debugpy" in sys.modules,
    "env": {k: os.environ.get(k) for k in (
        "PYTEST_CURRENT_TEST", "PYTHONSTARTUP", "MPLBACKEND", "PYTHONWARNINGS", "PYTHONHASHSEED", "EXTRA",
        "IPYTHONDIR", "COVERAGE_FILE")},
    "history": get_ipython().history_manager.hist_file,
}))
"""

CELLS = [
    LOOK,
    (
        "import numpy as np\nloss = np.float32(0.1)\n{'loss': loss, 'deep': {'n': np.int64(3), 'ok': True}}",
        "metrics",
    ),
    ("accuracy = 0.75\naccuracy", "metrics"),
    ("accuracy / 2", "metrics"),
    "[In[-3:], sorted(Out), len(Out), __]",
    "import helper, shared\nhelper.f(1), shared.where",
    "open('../data/x.csv').read()",
    "with open('out.txt', 'w') as f: f.write('mine')\nopen('out.txt').read()",
    "print('out'); import sys; print('err', file=sys.stderr); print('again', end='')",
    "import os; os.write(1, b'from below\\n'); os.system('echo from a shell')",
    "from IPython.display import display, HTML\nh = display(HTML('<b>1</b>'), display_id=True)",
    "h.update(HTML('<b>2</b>'))",
    "np.random.random()",
    ("1/0", "raises-exception"),
    ("1/0", "skip-execution"),
    "",
    "import time\nprint(1)\nfrom IPython.display import clear_output\nclear_output(wait=True)\nprint(2)",
    "unclosed = open('late.txt', 'w'); _ = unclosed.write('written when Python ends')",
]


@pytest.fixture(scope="module")
def progress() -> list[Progress]:
    return []


@pytest.fixture(scope="module")
def done(shared_bench: Any, progress: list[Progress]) -> Execution:
    bench = shared_bench
    (bench.cwd / "helper.py").write_text("def f(x):\n    if x:\n        return 1\n    return 2\n")
    (bench.real / "helper.py").write_text((bench.cwd / "helper.py").read_text())
    (bench.project / "shared.py").write_text("where = 'root'\n")
    (bench.work / "shared.py").symlink_to(bench.project / "shared.py")
    (bench.project / "helper.py").write_text("raise AssertionError('the notebook has its own')\n")
    (bench.work / "helper.py").symlink_to(bench.project / "helper.py")
    startup = bench.project / "startup.py"
    startup.write_text("from_startup = 1\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONSTARTUP", str(startup))
        patch.setenv("MPLBACKEND", "agg")
        patch.setenv("PYTHONSAFEPATH", "1")
        patch.setenv("PYTHONWARNINGS", "error")
        patch.setenv("COVERAGE_FILE", "elsewhere")
        patch.delenv("PYTHONHASHSEED", raising=False)
        request = bench.request(
            *CELLS,
            seed=7,
            env={"EXTRA": "yes"},
            recorded_kernel="my-env",
            expressions={"half": "loss * np.float32(0.5)", "many": "{'a': 1, 'b': 2.5}"},
        )
        return execute(request, progress.append)


def output(done: Execution, index: int) -> Any:
    """Return the text of a cell's last output."""
    last = done.notebook["cells"][index]["outputs"][-1]
    return last.get("text") or last["data"]["text/plain"]


@pytest.fixture
def looked(done: Execution) -> dict[str, Any]:
    return json.loads(output(done, 0))


def test_it_completes_and_counts_like_jupyter(done: Execution) -> None:
    assert (done.status, done.error) == (RunStatus.COMPLETED, None)
    counts = [cell["execution_count"] for cell in done.notebook["cells"]]
    assert counts == [*range(1, 15), None, None, 15, 16]
    assert set(done.seconds) == set(range(len(CELLS)))
    assert done.peak is not None
    assert done.peak > 10 * 2**20


def test_the_namespace_is_that_of_jupyter(looked: dict[str, Any]) -> None:
    assert looked["names"] == []
    visible = {"In", "Out", "exit", "get_ipython", "json", "open", "os", "quit", "random", "sys"}
    assert set(looked["visible"]) == visible
    assert looked["name"] == "__main__"
    assert looked["argv"] == ["-f"]
    assert looked["history"] == ":memory:"
    assert not looked["debugger"]


def test_the_environment_is_clean_and_told(looked: dict[str, Any], done: Execution) -> None:
    env = looked["env"]
    assert env["PYTEST_CURRENT_TEST"] is env["PYTHONSTARTUP"] is env["PYTHONWARNINGS"] is None
    assert env["COVERAGE_FILE"] is None
    assert env["MPLBACKEND"].endswith("backend_inline")
    assert env["EXTRA"] == "yes"
    assert env["PYTHONHASHSEED"] == "7"
    assert not os.path.exists(env["IPYTHONDIR"])
    told = done.facts["env"]
    assert told["EXTRA"] == "yes"
    assert told["PYTHONHASHSEED"] == "7"
    assert told["IPYTHONDIR"] == "<fresh>"
    assert told["PYTHONSTARTUP"] == told["MPLBACKEND"] == "<unset>"


def test_the_notebooks_folder_comes_before_the_root(
    looked: dict[str, Any], done: Execution, shared_bench: Any
) -> None:
    path = looked["path"]
    assert path.index("") + 1 == path.index(str(shared_bench.work))
    assert not [entry for entry in path if entry.endswith("kernels")]
    assert looked["cwd"] == str(shared_bench.cwd)
    assert output(done, 5) == "(1, 'root')"


def test_metrics_keep_their_precision_and_type(done: Execution) -> None:
    found = [(v.name, v.value, v.dtype, v.cell) for v in done.values]
    assert found == [
        ("loss", 0.10000000149011612, "float32", 1),
        ("deep.n", 3, "int", 1),
        ("deep.ok", True, "bool", 1),
        ("accuracy", 0.75, "float64", 2),
        ("cell:id3", 0.375, "float64", 3),
        ("half", 0.05000000074505806, "float32", None),
        ("many.a", 1, "int", None),
        ("many.b", 2.5, "float64", None),
    ]


def test_asking_leaves_no_trace_in_the_history(done: Execution) -> None:
    text = output(done, 4)
    assert text.startswith("[['accuracy = 0.75\\naccuracy'")
    assert "'accuracy / 2'" in text
    assert "[2, 3, 4]" in text
    assert text.endswith("0.75]")  # __ is the value before the last


def test_what_is_read_is_known(done: Execution) -> None:
    assert done.read == ("analysis/helper.py", "data/x.csv", "shared.py")


def test_facts_tell_what_the_notebook_brought_in(done: Execution) -> None:
    modules = done.facts["modules"]
    assert {"numpy", "helper", "shared"} <= set(modules)
    assert modules["helper"] == "analysis/helper.py"
    assert "IPython" not in modules
    assert "json" not in modules
    assert done.facts["interpreter"] == f"CPython {sys.version.split()[0]}"
    assert done.facts["executable"] == sys.executable
    assert done.facts["seed"] == 7
    assert done.facts["blas"]["name"]


def test_a_seed_holds_for_python_and_numpy(looked: dict[str, Any], done: Execution) -> None:
    import random

    import numpy as np

    assert looked["draw"] == random.Random(7).random()
    assert (
        float(output(done, 12).removeprefix("np.float64(").rstrip(")")) == np.random.RandomState(7).random()
    )


def test_streams_are_put_together_and_logged(done: Execution, shared_bench: Any) -> None:
    streams = [(out["name"], out["text"]) for out in done.notebook["cells"][8]["outputs"]]
    assert sorted(streams) in (
        [("stderr", "err\n"), ("stdout", "out\nagain")],
        [("stderr", "err\n"), ("stdout", "again"), ("stdout", "out\n")],
    )
    below = "".join(out["text"] for out in done.notebook["cells"][9]["outputs"] if "text" in out)
    assert "from below" in below
    assert "from a shell" in below
    log = shared_bench.text("output.log")
    assert "--- cell 9 ---\n" in log
    assert "from a shell" in log


def test_updates_and_clearing_reach_the_outputs(done: Execution) -> None:
    cells = done.notebook["cells"]
    assert cells[10]["outputs"][0]["data"]["text/html"] == "<b>2</b>"
    assert [out["text"] for out in cells[16]["outputs"]] == ["2\n"]


def test_tags_of_nbclient_hold(done: Execution) -> None:
    cells = done.notebook["cells"]
    assert cells[13]["outputs"][0]["ename"] == "ZeroDivisionError"
    assert cells[14]["outputs"] == []


def test_the_copy_on_disk_is_the_copy_returned(done: Execution, shared_bench: Any) -> None:
    import nbformat

    on_disk = nbformat.read(shared_bench.folder / "notebook.ipynb", as_version=4)
    nbformat.validate(on_disk)
    assert on_disk == done.notebook
    assert type(done.notebook["cells"][0]["outputs"][0]) is dict
    assert "execution" not in done.notebook["cells"][0]["metadata"]
    assert done.notebook["metadata"]["language_info"]["name"] == "python"


def test_files_left_open_are_written_out(done: Execution, shared_bench: Any) -> None:
    assert (shared_bench.cwd / "late.txt").read_text() == "written when Python ends"


def test_progress_names_each_cell(done: Execution, progress: list[Progress]) -> None:
    assert progress[0].cell is None
    steps = list(dict.fromkeys((p.cell, p.ordinal) for p in progress[1:] if p.cell is not None))
    assert steps == [(index, index + 1) for index in range(len(CELLS))]
    assert {p.cells for p in progress} == {len(CELLS)}
    assert [p.seconds for p in progress] == sorted(p.seconds for p in progress)


def test_a_kernel_that_is_not_installed_is_told(done: Execution) -> None:
    assert done.notes == (
        "the notebook names kernel 'my-env', which is not installed; it ran in the Python that runs pytest",
    )


def test_nothing_of_it_is_left(done: Execution, shared_bench: Any) -> None:
    left = {path.name for path in shared_bench.folder.iterdir()}
    assert left == {
        "notebook.ipynb",
        "output.log",
        "kernel.log",
        "work",
    }  # ipykernel echoes what came from below
    assert not [thread for thread in threading.enumerate() if thread.name == "nbrepro"]
    cached = [
        path for path in shared_bench.project.rglob("__pycache__") if shared_bench.work not in path.parents
    ]
    assert not cached  # in the mirror Python may keep bytecode
