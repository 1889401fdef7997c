"""The article behind this project, step by step, on today's Python: experiments with one notebook, and a test of the best.

Run it as ``python docs/article.py``; it works in a temporary folder, shows each command, and asserts what comes of it.
"""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

EXAMPLES = Path(__file__).parents[1] / "examples"
TRIALS = 20


class Shell:
    """Types commands in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        scripts = Path(sys.executable).parent
        own = {name: text for name, text in os.environ.items() if not name.startswith(("NBREPRO", "PYTEST"))}
        self._environ = {**own, "PATH": f"{scripts}{os.pathsep}{own['PATH']}"}
        self._environ.pop("CI", None)

    def __call__(self, command: str, code: int = 0) -> str:
        """Run a command, show what it writes, and return that."""
        print(f"$ {command}", flush=True)
        done = subprocess.run(
            shlex.split(command),
            cwd=self._folder,
            env=self._environ,
            capture_output=True,
            text=True,
            check=False,
        )
        print(done.stdout, done.stderr, sep="", flush=True)
        assert done.returncode == code, f"{command}: exit code {done.returncode}, not {code}"
        return done.stdout

    @contextlib.contextmanager
    def started(self, command: str) -> Iterator[str]:
        """Start a command that serves, give the address that it tells, and end it as Ctrl-C does."""
        print(f"$ {command}", flush=True)
        with subprocess.Popen(
            shlex.split(command), cwd=self._folder, env=self._environ, stdout=subprocess.PIPE, text=True
        ) as serving:
            assert serving.stdout is not None
            try:
                yield serving.stdout.readline().strip()
            finally:
                serving.send_signal(signal.SIGINT)
        assert serving.returncode == 0, f"{command}: exit code {serving.returncode}"

    def json(self, command: str, code: int = 0) -> Any:
        """Run a command that writes JSON."""
        return json.loads(self(f"{command} --json", code))


def main() -> None:
    """Go through it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copy(EXAMPLES / "train.ipynb", folder)
        (folder / "pytest.ini").touch()
        experiments(Shell(folder))
        looked_at(Shell(folder))
        tested(Shell(folder), folder)


def experiments(shell: Shell) -> None:
    """Run, list, compare, look at differences, search."""
    first = shell("nbrepro run train.ipynb noise=0.0 --yes")
    assert "loss: -0.228613" in first, "the run prints its loss"

    (second,) = shell.json("nbrepro run train.ipynb x=-1.0 noise=0.0 --yes --label minus-one")["runs"]
    assert second["flags"] == {"noise": 0.0, "x": -1.0}
    assert abs(second["metrics"]["loss"] - 0.228613) < 1e-6

    listed = shell.json("nbrepro runs")["runs"]
    assert [run["flags"]["x"] for run in listed] == [-1.0, 1.0], "the newest comes first"
    assert [run["id"] for run in shell.json("nbrepro runs loss>0")["runs"]] == [second["id"]]

    table = shell.json("nbrepro compare")
    assert (table["flags"], table["metrics"]) == (["x"], ["loss"]), "what differs is shown"

    difference = shell.json("nbrepro diff", code=1)
    changed = {(one["part"], one["name"]) for one in difference["changes"]}
    assert changed == {("flags", "x"), ("metrics", "loss"), ("artifacts", "curve")}

    search = "nbrepro run train.ipynb x=[-2.0:2.0] noise=0.1 --optimizer gp --minimize loss --yes --workers 2"
    found = shell.json(f"{search} --max-trials {TRIALS}")
    assert len(found["trials"]) == TRIALS
    (best,) = [one for one in found["trials"] if one["trial"] == found["best"][0]]
    assert -0.65 < best["flags"]["x"] < 0, "the best x lies in the basin just below 0"


def looked_at(shell: Shell) -> None:
    """Look at flags against metrics in TensorBoard: its HTTP API has all runs."""
    runs = {run["id"]: run for run in shell.json("nbrepro runs --limit 0")["runs"]}
    with shell.started("nbrepro tensorboard --no-open") as address:
        groups = asked_of_tensorboard(address, len(runs))
    told = {group["sessions"][0]["name"][-6:]: group for group in groups}
    assert len(told) == len(runs)
    for run_id, run in runs.items():
        group = told[run_id[-6:]]
        assert group["hparams"] == run["flags"], "every run has its flags"
        (loss,) = group["metricValues"]
        assert abs(loss["value"] - run["metrics"]["loss"]) < 1e-6, "... and its loss"
        assert group["sessions"][0]["status"] == "STATUS_SUCCESS"


def asked_of_tensorboard(address: str, expected: int) -> list[Any]:
    """Return TensorBoard's groups of sessions, once all have been loaded."""
    question = {
        "experimentName": "",
        "allowedStatuses": ["STATUS_SUCCESS"],
        "colParams": [],
        "startIndex": 0,
        "sliceSize": 100,
    }
    request = urllib.request.Request(
        f"{address}data/plugin/hparams/session_groups",
        json.dumps(question).encode(),
        {"Content-Type": "application/json"},
    )
    deadline = time.monotonic() + 60
    while True:
        with urllib.request.urlopen(request) as answer:
            groups: list[Any] = json.load(answer).get("sessionGroups", [])
        if len(groups) == expected:
            return groups
        assert time.monotonic() < deadline, f"TensorBoard knows {len(groups)} of {expected} runs"
        time.sleep(0.2)


def tested(shell: Shell, folder: Path) -> None:
    """Make an experiment a test, and see that the test can fail: by its number and by its figure."""
    shell("nbrepro run train.ipynb x=-0.3 noise=0.0 --yes")
    shell("nbrepro promote last --as best -m 'the least loss'")
    assert "1 of 1 case reproduced in 1 run" in shell("python -m pytest --nbrepro -q")

    notebook = folder / "train.ipynb"
    text = notebook.read_text("utf-8")
    for old, new, told in (
        ("np.sin(5 * x)", "np.sin(5.01 * x)", "metric  loss"),
        ("2, 2, 401)", "2, 2, 301)", "figure  curve"),
    ):
        assert text.count(old) == 1
        notebook.write_text(text.replace(old, new), "utf-8")
        report = shell("python -m pytest --nbrepro -q", code=1)
        assert told.split() in [line.split()[:2] for line in report.splitlines()], f"{told} is named"
    notebook.write_text(text, "utf-8")
    shell("python -m pytest --nbrepro -q")


if __name__ == "__main__":
    main()
