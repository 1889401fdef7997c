"""Changes of text: that of files, and that of cells."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from pytest_nbrepro.comparers.perturbing.values import SWAPPED, Change, moved, number, swapped

_DECIMAL = re.compile(r"(?<![\w.])[-+]?\d+\.\d+(?:[eE][-+]?\d+)?(?![\w.])")
_WORD = re.compile(r"[^\W\d_]{2,}")


def changes(path: Path) -> Iterator[Change]:
    """Yield changes of a text file."""
    for what, words in edits(path.read_text("utf-8", "replace")):
        yield what, partial(_write, words)


def _write(words: str, target: Path) -> None:
    target.write_text(words, "utf-8")


def edits(words: str) -> Iterator[tuple[str, str]]:
    """Yield a text with one value changed or lost, a line dropped or moved, or two words swapped."""
    yield from numbers(words)
    lines = words.splitlines(keepends=True)
    filled = [spot for spot, line in enumerate(lines) if line.strip()]
    if len(filled) > 1:
        yield "last line dropped", "".join(line for spot, line in enumerate(lines) if spot != filled[-1])
        turned = moved([lines[spot] for spot in filled])
        if turned is not None:
            yield "lines moved by one", "".join(_put(lines, filled, turned))
    found = list(_WORD.finditer(words))
    labels = swapped([match[0] for match in found]) if found else None
    if labels is not None:
        replaced = iter(labels)
        yield SWAPPED, _WORD.sub(lambda _: next(replaced), words)


def numbers(words: str) -> Iterator[tuple[str, str]]:
    """Yield a text in which the first number with decimals that is not 0 is 0.1 % larger, and one in which it is NaN."""
    for match in _DECIMAL.finditer(words):
        changed = number(float(match[0]))
        if changed is not None:
            before, after = words[: match.start()], words[match.end() :]
            yield changed[0], f"{before}{changed[1]!r}{after}"
            yield "one value nan", f"{before}nan{after}"
            return


def _put(lines: list[str], spots: list[int], values: list[str]) -> list[str]:
    """Return lines with others in some places, each ended as the line was that it replaces."""
    found = list(lines)
    for spot, value in zip(spots, values, strict=True):
        ending = lines[spot][len(lines[spot].rstrip("\r\n")) :]
        found[spot] = value.rstrip("\r\n") + ending
    return found
