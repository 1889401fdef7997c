"""Why a run did not complete, in the words that a person reads."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pytest_nbrepro.kernels.process import Exit
from pytest_nbrepro.model import RunError, RunStatus

_ANSI = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
_GUARD = Path(__file__).with_name("guard.py")
_TAIL = 20  # lines of the kernel's log that are quoted
_TAIL_BYTES = 1 << 16


class Halt(Exception):  # noqa: N818  # no error of ours: the way a run ends early
    """The run ends here.

    Args:
        alive: the kernel is still there and idle: it can be asked, and ends by itself.
    """

    def __init__(self, status: RunStatus, error: RunError, *, alive: bool = False) -> None:
        super().__init__(error.message)
        self.status = status
        self.error = error
        self.alive = alive


def plain(text: str) -> str:
    """Return a text without terminal codes."""
    return _ANSI.sub("", text)


def cell_failed(content: Mapping[str, Any], cell: int) -> Halt:
    """Describe a cell that raised, by its reply or its error output."""
    traceback = plain("\n".join(content.get("traceback") or ()))
    message = plain(f"{content.get('ename', 'error')}: {content.get('evalue', '')}").rstrip(": ")
    return Halt(RunStatus.FAILED, RunError("cell", message, cell, traceback), alive=True)


def thread_failed(thread: str, error: str, traceback: str, cell: int | None) -> Halt:
    """Describe an exception that ended a thread."""
    return Halt(
        RunStatus.FAILED, RunError("cell", f"in thread {thread}: {error}", cell, traceback), alive=True
    )


def left_early(cell: int) -> Halt:
    """Describe a cell that ended the kernel before the last cell."""
    message = "the cell ended the kernel (`exit` or `quit`): those after it did not run"
    return Halt(RunStatus.FAILED, RunError("cell", message, cell), alive=True)


def too_long(limit: float, cell: int | None, *, whole: bool, traceback: str = "") -> Halt:
    """Describe a limit of time that was passed, of the cell or of the whole run."""
    what = "the run took longer than its timeout of" if whole else "it took longer than its cell_timeout of"
    return Halt(RunStatus.TIMEOUT, RunError("timeout", f"{what} {limit:g} s", cell, traceback))


def lost_output(cell: int) -> Halt:
    """Describe a cell whose outputs never came to an end."""
    message = "outputs were lost: the cell has run, but the kernel never sent the end of what it put out"
    return Halt(RunStatus.FAILED, RunError("capture", message, cell))


def interrupted(cell: int | None) -> Halt:
    """Describe a run that a person stopped."""
    return Halt(RunStatus.INTERRUPTED, RunError("interrupted", "the run was interrupted", cell))


def died(exit: Exit, cell: int | None, limit: int | None, log: Path) -> Halt:  # noqa: A002
    """Describe a kernel that is gone, by how it went."""
    if exit.reason == "memory":
        used, allowed = size(exit.peak or 0), size(limit or 0)
        message = f"the kernel and its processes held {used} of memory, more than the limit of {allowed}"
        return Halt(RunStatus.FAILED, RunError("memory", message, cell))
    hint = None
    if exit.reason == "lost":
        message = "the process that watches over the kernel was killed"
    elif exit.signal is not None:
        message = f"the kernel was ended by {exit.signal}"
        if exit.signal == "SIGKILL":
            hint = (
                "over the machine's memory? the system's log tells; `memory:` in the annotation sets a limit"
            )
    else:
        message = f"the kernel ended by itself, with exit code {exit.returncode}"
    return Halt(RunStatus.DIED, RunError("died", message, cell, tail(log), hint))


def not_started(why: str, name: str, log: Path) -> Halt:
    """Describe a kernel that never answered."""
    hint = "is ipykernel installed where the kernel runs?" if "ipykernel" in tail(log) else None
    return Halt(
        RunStatus.DIED, RunError("kernel", f"kernel {name!r} did not start: {why}", None, tail(log), hint)
    )


def tail(log: Path) -> str:
    """Return the last lines of the kernel's own output."""
    if not log.exists():
        return ""
    with log.open("rb") as stream:
        stream.seek(max(0, log.stat().st_size - _TAIL_BYTES))
        text = stream.read().decode("utf-8", "replace")
    return plain("\n".join(text.splitlines()[-_TAIL:]))


def outcome(
    status: RunStatus, error: RunError | None, refused: Mapping[str, int | None], lacking: list[RunError]
) -> tuple[RunStatus, RunError | None]:
    """Return how the run ended when everything is known.

    Args:
        status: as the cells had it.
        error: as the cells had it.
        refused: attempts to change the project -> index of the cell; they count even where the notebook has
            caught the exception.
        lacking: what should have been captured and could not be.
    """
    if refused:
        first = next(iter(refused))
        own = error is not None and error.kind == "cell" and any(text in error.message for text in refused)
        if status is RunStatus.COMPLETED or own:
            traceback = _without_guard(error.traceback) if error is not None else ""
            message = "\n".join(text.removeprefix("nbrepro: ") for text in refused)
            return RunStatus.FAILED, RunError("workspace", message, refused[first], traceback)
    if status is RunStatus.COMPLETED and lacking:
        message = "\n".join(one.message for one in lacking)
        return RunStatus.FAILED, RunError("capture", message, lacking[0].cell, "", lacking[0].hint)
    return status, error


def _without_guard(traceback: str) -> str:
    """Return a traceback that ends in the notebook's own line, not in ours that refused it."""
    blocks = traceback.split("\n\n")
    return "\n\n".join(block for block in blocks if not block.startswith(f"File {_GUARD}:"))


def size(count: int) -> str:
    """Return a number of bytes as people write limits."""
    number = float(count)
    for unit in ("B", "KiB", "MiB"):
        if number < 1024:
            return f"{number:.4g} {unit}"
        number /= 1024
    return f"{number:.4g} GiB"
