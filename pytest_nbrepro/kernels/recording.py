"""Keeping what a notebook puts out: within bounds in the notebook, streams whole in ``output.log``."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

_SHARE = 10  # writing the notebook takes at most 1/10 of the time


@dataclass
class _Spill:
    """What of one stream is in the log alone."""

    bytes: int = 0
    digest: Any = field(default_factory=hashlib.sha256)
    node: dict[str, Any] | None = None  # the output that says so


@dataclass
class _Cell:
    """What one cell has put out."""

    used: int = 0  # bytes that are kept in the notebook
    node: dict[str, Any] | None = None  # the stream output that grows
    parts: list[str] = field(default_factory=list)  # of its text: joining each time would be quadratic
    spills: dict[str, _Spill] = field(default_factory=dict)


class Recorder:
    """Puts outputs into cells and into the log.

    Args:
        log: the file that gets the streams as they come; made when the first comes.
        cap: bytes per cell beyond which outputs go to the log alone.
        ordinals: index of a cell -> its number among code cells, for the log's headings.
    """

    def __init__(self, log: Path, cap: int, ordinals: Mapping[int, int]) -> None:
        self._path = log
        self._cap = cap
        self._ordinals = ordinals
        self._log: IO[bytes] | None = None
        self._heading: int | None = None
        self._fresh = True  # the log is at the start of a line
        self._cells: dict[int, _Cell] = {}
        self.changed = False
        self.spilled: set[int] = set()  # indexes of cells that put out more than the notebook keeps

    def stream(self, outputs: list[dict[str, Any]], index: int, name: str, text: str) -> None:
        """Add text of a stream to a cell's outputs and to the log."""
        cell = self._begin(outputs, index)
        data = text.encode("utf-8", "surrogatepass")
        self._write(index, data)
        room = max(0, self._cap - cell.used)
        cell.used += min(len(data), room)
        if len(data) > room:
            spill = cell.spills.setdefault(name, _Spill())
            spill.bytes += len(data) - room
            spill.digest.update(data[room:])
            self.spilled.add(index)
            text = data[:room].decode("utf-8", "ignore")
        if not text:
            return
        if cell.node is None or not outputs or outputs[-1] is not cell.node or cell.node["name"] != name:
            self._join(cell)
            cell.node = {"output_type": "stream", "name": name, "text": ""}
            outputs.append(cell.node)
        cell.parts.append(text)

    def bundle(self, outputs: list[dict[str, Any]], index: int, data: Mapping[str, Any]) -> dict[str, Any]:
        """Return rich data as the notebook keeps them: themselves, or a line that says where they are."""
        cell = self._begin(outputs, index)
        texts = {mime: item if isinstance(item, str) else json.dumps(item) for mime, item in data.items()}
        size = sum(map(len, texts.values()))
        if cell.used + size <= self._cap:
            cell.used += size
            return dict(data)
        self.spilled.add(index)
        lines = []
        for mime, text in sorted(texts.items()):
            content = text.encode("utf-8", "surrogatepass")
            self._write(index, f"[{mime}]\n".encode() + content + b"\n")
            digest = hashlib.sha256(content).hexdigest()[:16]
            lines.append(f"[nbrepro: {mime}, {len(content)} bytes, SHA-256 {digest}, in output.log]")
        return {"text/plain": "\n".join(lines)}

    def join(self, index: int) -> None:
        """Bring a cell's outputs up to date while it runs."""
        if index in self._cells:
            self._join(self._cells[index])

    def finish(self, outputs: list[dict[str, Any]], index: int) -> None:
        """Complete the outputs of a cell that has run, with a line for each stream that was cut."""
        cell = self._begin(outputs, index)
        self._join(cell)
        for name, spill in cell.spills.items():
            if spill.node is None:
                spill.node = {"output_type": "stream", "name": name, "text": ""}
                outputs.append(spill.node)
            digest = spill.digest.hexdigest()[:16]
            spill.node["text"] = (
                f"\n[nbrepro: {spill.bytes} more bytes of {name}, SHA-256 {digest}, in output.log]\n"
            )

    def close(self) -> None:
        """Close the log."""
        if self._log is not None:
            self._log.close()
            self._log = None

    def _begin(self, outputs: list[dict[str, Any]], index: int) -> _Cell:
        self.changed = True
        cell = self._cells.get(index)
        if cell is None or (not outputs and cell.used):  # the notebook has cleared them
            cell = self._cells[index] = _Cell()
        return cell

    def _join(self, cell: _Cell) -> None:
        if cell.node is not None and cell.parts:
            cell.parts = [cell.node["text"], *cell.parts] if cell.node["text"] else cell.parts
            cell.node["text"] = "".join(cell.parts)
            cell.parts = []

    def _write(self, index: int, data: bytes) -> None:
        if self._log is None:
            self._log = self._path.open("ab")
        if index != self._heading:
            start = b"" if self._fresh else b"\n"
            data = start + f"--- cell {self._ordinals[index]} ---\n".encode() + data
            self._heading = index
        self._log.write(data)
        self._log.flush()
        self._fresh = data.endswith(b"\n")


class Saver:
    """Writes the notebook again and again, so that what ran is kept whatever happens, and not too often.

    Args:
        write: writes it, whole or not at all; is told whether that has to outlast a power failure.
        clock: seconds, for tests.
    """

    def __init__(self, write: Callable[[bool], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._write = write
        self._clock = clock
        self._next = 0.0

    def save(self) -> None:
        """Write it for good."""
        self._timed(lasting=True)

    def maybe(self) -> None:
        """Write it if that keeps the share of time that writing takes."""
        if self._clock() >= self._next:
            self._timed(lasting=False)

    def _timed(self, *, lasting: bool) -> None:
        start = self._clock()
        self._write(lasting)
        end = self._clock()
        self._next = end + (_SHARE - 1) * (end - start)
