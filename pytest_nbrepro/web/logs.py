"""What cells printed, from its end."""

from __future__ import annotations

import re
from pathlib import Path

_TAIL = 64 << 10  # bytes of a log that are looked at
_HEADING = re.compile(rb"^--- cell (\d+) ---$", re.MULTILINE)


def tail(path: Path) -> tuple[str, bool]:
    """Return the end of a log, and whether that is all of it; nothing where there is none."""
    try:
        with path.open("rb") as log:
            size = log.seek(0, 2)
            log.seek(max(0, size - _TAIL))
            text = log.read(_TAIL)
    except OSError:
        return "", True
    if size > _TAIL:
        text = text.partition(b"\n")[2]
    return text.decode("utf-8", "replace"), size <= _TAIL


def running_cell(path: Path) -> int | None:
    """Return the number of the cell that printed last; None where none did."""
    found = _HEADING.findall(tail(path)[0].encode())
    return int(found[-1]) if found else None
