"""Which kernel runs, and what is told of one that does not, with kernelspecs in a folder of the test's own."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from pytest_nbrepro.errors import KernelError
from pytest_nbrepro.model import Coverage, RunStatus

pytestmark = pytest.mark.e2e

# IPython's kernel, started so that nothing of ours knows it: as a stranger, over TCP
STRANGER = (
    "import sys; from ipykernel.kernelapp import launch_new_instance; launch_new_instance(sys.argv[1:])"
)


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Install a kernelspec: ``install(name, argv, **more)``."""
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))

    def install(name: str, argv: list[str], **more: Any) -> None:
        folder = tmp_path / "jupyter" / "kernels" / name
        folder.mkdir(parents=True)
        spec = {"argv": argv, "display_name": name, "language": "python", **more}
        (folder / "kernel.json").write_text(json.dumps(spec))

    return install


def test_a_stale_kernelspec_never_wins(bench: Any, install: Any) -> None:
    install("python3", ["/nonexistent/python", "-m", "ipykernel_launcher", "-f", "{connection_file}"])
    done = bench.run("import sys; print(sys.executable)", recorded_kernel="python3", kernel="python3")
    assert done.notebook["cells"][0]["outputs"][0]["text"].strip() == sys.executable


def test_a_kernel_that_is_not_installed(bench: Any, install: Any) -> None:
    install("mine", ["x"])
    with pytest.raises(KernelError, match="kernel 'other' is not installed") as caught:
        bench.run("1", kernel="other")
    assert caught.value.hint.startswith("installed: mine, python3")


def test_a_kernel_of_a_strange_kind(bench: Any, install: Any) -> None:
    (bench.work / "inroot.py").touch()
    install(
        "stranger", [sys.executable, "-c", STRANGER, "-f", "{connection_file}"], env={"SAID": "in the spec"}
    )
    done = bench.run(
        "import os, inroot\nprint(os.environ['SAID'])",
        ("1", "metrics"),
        "f = open('late.txt', 'w'); f.write('all of it'); None",
        kernel="stranger",
        expressions={"two": "1 + 1"},
        seed=3,
    )
    assert done.notebook["cells"][0]["outputs"][0]["text"] == "in the spec\n"
    assert done.status is RunStatus.FAILED
    assert done.error.message.splitlines() == [
        "a cell tagged `metrics` ends in a number or a mapping of numbers, not in a value of a stranger kernel",
        "metric 'two': '1 + 1' gives no number: a stranger kernel evaluates no expressions",
    ]
    assert (bench.cwd / "late.txt").read_text() == "all of it"
    assert (done.facts["env"]["SAID"], done.facts["seed"]) == ("in the spec", 3)


def test_a_kernel_interrupted_by_message(bench: Any, install: Any) -> None:
    argv = [sys.executable, "-c", STRANGER, "-f", "{connection_file}"]
    install("stranger", argv, interrupt_mode="message")
    done = bench.run("import time; time.sleep(600)", kernel="stranger", cell_timeout=0.5)
    assert done.status is RunStatus.TIMEOUT
    assert "KeyboardInterrupt" in done.error.traceback


def test_a_kernel_that_dies_on_its_start(bench: Any, install: Any) -> None:
    install("dying", [sys.executable, "-c", "import sys; sys.exit('no luck with ipykernel')"])
    done = bench.run("1", kernel="dying")
    assert (done.status, done.error.kind, done.error.cell) == (RunStatus.DIED, "kernel", None)
    assert done.error.message == "kernel 'dying' did not start: it ended with exit code 1"
    assert done.error.traceback.count("no luck") == 2  # it was started once more
    assert "ipykernel" in done.error.hint
    assert done.notebook["cells"][0]["outputs"] == []
    assert json.loads(bench.text("notebook.ipynb"))["cells"][0]["outputs"] == []


def test_a_kernel_that_starts_the_second_time(bench: Any, install: Any, tmp_path: Path) -> None:
    first = tmp_path / "first"
    script = f"import os, sys\nif not os.path.exists({str(first)!r}): open({str(first)!r}, 'w'); sys.exit('taken')\n{STRANGER}"
    install("second", [sys.executable, "-c", script, "-f", "{connection_file}"])
    done = bench.run("print(1)", kernel="second")
    assert (done.status, done.error) == (RunStatus.COMPLETED, None)


def test_a_kernel_that_cannot_be_run(bench: Any, install: Any) -> None:
    install("absent", ["/nonexistent/kernel"])
    done = bench.run("1", kernel="absent")
    assert (done.status, done.error.kind) == (RunStatus.DIED, "kernel")
    assert "No such file or directory: '/nonexistent/kernel'" in done.error.traceback


def test_a_folder_that_is_not_there(bench: Any) -> None:
    done = bench.run("1", cwd=bench.cwd / "missing")
    assert (done.status, done.error.kind) == (RunStatus.DIED, "kernel")
    assert "missing" in done.error.message


def test_a_kernel_that_never_answers(bench: Any, install: Any) -> None:
    install("silent", [sys.executable, "-c", "import time; time.sleep(600)"])
    done = bench.run("1", kernel="silent", timeout=1.0)
    assert (done.status, done.error.kind) == (RunStatus.DIED, "kernel")
    assert done.error.message.startswith("kernel 'silent' did not start: no answer in ")


@pytest.mark.parametrize("branch", [True, False])
def test_coverage_is_told_of_the_real_tree(bench: Any, tmp_path: Path, branch: bool) -> None:
    from coverage import CoverageData

    code = "def f(x):\n    if x:\n        return 1\n    return 2\n"
    for folder in (bench.real, bench.cwd):
        (folder / "copied.py").write_text(code)
    (bench.project / "package").mkdir()
    (bench.project / "package" / "linked.py").write_text(code)
    (bench.work / "package").symlink_to(bench.project / "package")
    target = tmp_path / "coverage" / ".coverage"
    target.parent.mkdir()
    wanted = Coverage(None, (str(bench.project),), branch, str(target))
    done = bench.run("import copied\nfrom package import linked\ncopied.f(1), linked.f(0)", coverage=wanted)
    assert (done.status, done.notes) == (RunStatus.COMPLETED, ())
    (written,) = target.parent.iterdir()
    assert written.name.startswith(".coverage.")
    data = CoverageData(str(written))
    data.read()
    copied, linked = str(bench.real / "copied.py"), str(bench.project / "package" / "linked.py")
    assert data.measured_files() == {copied, linked}
    assert sorted(data.lines(copied)) == [1, 2, 3]
    assert sorted(data.lines(linked)) == [1, 2, 4]
    assert data.has_arcs() is branch
    data.close()
