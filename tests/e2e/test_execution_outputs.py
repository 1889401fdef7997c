"""Much output, late output, and output while a cell runs."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from pytest_nbrepro.execution import execute
from pytest_nbrepro.model import Progress, RunStatus

pytestmark = pytest.mark.e2e


def test_long_outputs_are_cut_in_the_notebook_and_whole_in_the_log(bench: Any) -> None:
    done = bench.run(
        "print('x' * 60_000_000)",
        "print('short')",
        "from IPython.display import HTML\nHTML('y' * 9_000_000)",
    )
    assert done.status is RunStatus.COMPLETED
    first, second, third = (cell["outputs"] for cell in done.notebook["cells"])
    assert len(first[0]["text"]) == 8 * 2**20
    assert first[1]["text"].startswith(f"\n[nbrepro: {60_000_001 - 8 * 2**20} more bytes of stdout, SHA-256 ")
    assert second[0]["text"] == "short\n"
    lines = third[0]["data"]["text/plain"].splitlines()
    assert lines[0].startswith("[nbrepro: text/html, 9000000 bytes, SHA-256 ")
    assert done.notes == tuple(
        f"cell {number} put out more than 8 MiB: all of it is in output.log" for number in (1, 3)
    )
    log = bench.text("output.log")
    assert "x" * 60_000_000 + "\n" in log
    assert "y" * 9_000_000 + "\n" in log
    assert len(bench.text("notebook.ipynb")) < 2 * 8 * 2**20


def test_no_output_is_lost_when_it_comes_faster_than_it_is_read(
    bench: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pytest_nbrepro.kernels.client import Notebook

    process, shown_all = Notebook.process_message, bench.cwd / "shown all"

    def dawdle(self: Notebook, message: dict[str, Any], cell: Any, index: int) -> Any:
        """Read the second cell's first output only when the kernel has sent the last."""
        while index == 1 and not shown_all.exists():
            time.sleep(0.01)
        return process(self, message, cell, index)

    monkeypatch.setattr(Notebook, "process_message", dawdle)
    show = "show = get_ipython().display_pub.publish\nfor i in range(3500): show({'text/plain': str(i)})"
    done = bench.run("1", f"{show}\nopen('shown all', 'w').close()", timeout=60)
    shown = [out["data"]["text/plain"] for out in done.notebook["cells"][1]["outputs"]]
    assert shown == [str(number) for number in range(3500)]


def test_what_a_cell_puts_out_is_on_disk_while_it_runs(bench: Any) -> None:
    path, kept = bench.folder / "notebook.ipynb", []

    def look(progress: Progress) -> None:
        if progress.cell == 1 and path.exists():
            outputs = json.loads(path.read_text())["cells"][1]["outputs"]
            if outputs:
                kept.append(outputs[0]["text"])
                (bench.cwd / "enough").touch()

    wait = (
        "import os, time\nprint('so far', flush=True)\nwhile not os.path.exists('enough'): time.sleep(0.05)"
    )
    done = execute(bench.request("1", wait, timeout=60), look)
    assert done.status is RunStatus.COMPLETED
    assert "".join(kept[0]) == "so far\n"


def test_a_thread_that_prints_later(bench: Any) -> None:
    thread = (
        "import threading\ngo = threading.Event()\n"
        "def speak():\n    go.wait()\n    print('late')\n"
        "thread = threading.Thread(target=speak); thread.start()"
    )
    done = bench.run(thread, "go.set(); thread.join()")
    texts = [out["text"] for cell in done.notebook["cells"] for out in cell["outputs"] if "text" in out]
    assert texts == ["late\n"]  # in the one cell or the other: kernels differ
