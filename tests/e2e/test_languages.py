"""A notebook in another language, with a real kernel of it."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from environs import clean

from pytest_nbrepro.store import Store

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


def test_flags_of_a_notebook_in_bash(tmp_path, write_notebook):
    pytest.importorskip("bash_kernel", reason="bash_kernel is not installed")
    pytest.importorskip("papermill", reason="the extra papermill is not installed")
    spec = tmp_path / "jupyter/kernels/bash/kernel.json"
    spec.parent.mkdir(parents=True)
    argv = [sys.executable, "-m", "bash_kernel", "-f", "{connection_file}"]
    spec.write_text(json.dumps({"argv": argv, "display_name": "Bash", "language": "bash"}))
    root = tmp_path / "project"
    write_notebook(
        root / "sum.ipynb",
        {"source": "x=1\nname='nobody'", "tags": ["parameters"]},
        'echo "sum: $((x + 40))"\necho "hello $name"',
        kernelspec={"name": "bash", "display_name": "Bash", "language": "bash"},
        language_info={"name": "bash"},
    )
    (root / "pytest.ini").write_text("[pytest]\n")
    (root / "sum.nbrepro.yaml").write_text("cases:\n  two: {x: 2, name: it's me}\n  one: {}\n")
    kept = clean()

    def check(*options):
        return subprocess.run(
            [sys.executable, "-m", "pytest", "--nbrepro", "-p", "no:cacheprovider", *options],
            cwd=root, env={**kept, "JUPYTER_PATH": str(tmp_path / "jupyter")}, capture_output=True, text=True, check=False,
        )  # fmt: skip

    done = check("--nbrepro-update=new")
    assert done.returncode == 0, done.stdout + done.stderr
    runs = [Store(root / ".nbrepro").read(name) for name in Store(root / ".nbrepro").ids()]
    assert {(run.case, run.metrics["sum"].value) for run in runs} == {("two", 42), ("one", 41)}
    assert {run.case: dict(run.flags) for run in runs} == {"two": {"x": 2, "name": "it's me"}, "one": {}}
    assert (
        "hello it's me"
        in next(run for run in runs if run.case == "two").folder.joinpath("output.log").read_text()
    )
    (root / "sum.nbrepro.yaml").write_text("cases:\n  two: {x: 3, name: it's me}\n  one: {}\n")
    done = check()
    assert done.returncode == 1
    assert "sum" in done.stdout
