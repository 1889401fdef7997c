"""Inside the kernel: what is written down of a figure of matplotlib.

Loaded by `showing.py` from its own folder, by path, in any Python from 3.9 on: the standard library alone.

Of each thing that is drawn the words (styles, texts) are kept, and the numbers, each with its unit:

- ``data x``, ``data y``: in the coordinates of the axes' data; ``limits x`` and so on: how far these reach,
- ``value``: what is behind colours and sizes,
- ``view``: a share of the axes, where their projection has no such coordinates (polar), or of a colour map,
- ``axes x``, ``axes y``, ``figure x``, ``figure y``: a share of the axes or the figure, of what lies beside the data,
- ``place``: where axes lie, as a share of the figure,
- ``points``: of a shape that has the same size wherever it is,
- ``colour``: four from 0 to 1; ``plain``: widths, sizes, angles.

Texts have a width and height made up from their size and length: fonts play no part. Nor does the resolution.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

_CODES = {0: "Z", 1: "M", 2: "L", 3: "Q", 4: "C", 79: "Z"}  # what matplotlib calls the parts of a path
_DATA = ("data", "value", "view", "limits")
_WIDTH, _HEIGHT, _DESCENT = 0.6, 1.0, 0.25  # of a letter, of its size


class Sheet:
    """What was written down.

    Attributes:
        artists: a record of each artist that draws, in the order of drawing.
        numbers: the numbers of data, and of everything else; records say where theirs begin.
        arrays: what is kept with its shape and dtype, by name.
    """

    def __init__(self) -> None:
        self.artists: list[dict[str, Any]] = []
        self.numbers: dict[str, list[Any]] = {"data": [], "looks": []}
        self.arrays: dict[str, Any] = {}
        self._counts = {"data": 0, "looks": 0}
        self._known: dict[int, dict[str, Any]] = {}
        self._taken: dict[str, int] = {}

    def put(self, values: Any, unit: str) -> list[Any]:
        """Keep numbers; return their unit, where they begin and how many they are."""
        flat = sys.modules["numpy"].asarray(values, dtype=float).reshape(-1)
        kind = "data" if unit.startswith(_DATA) else "looks"
        start = self._counts[kind]
        self.numbers[kind].append(flat)
        self._counts[kind] += flat.size
        return [unit, start, int(flat.size)]

    def array(self, values: Any) -> str:
        """Keep an array; return its name."""
        name = f"array {len(self.arrays) + 1}"
        self.arrays[name] = values
        return name

    def of(self, artist: Any, name: str, axes: int | None) -> dict[str, Any]:
        """Return the record of an artist."""
        record = self._known.get(id(artist))
        if record is None:
            self._taken[name] = number = self._taken.get(name, 0) + 1
            record = {"name": name if number == 1 else f"{name} #{number}", "axes": axes, "draws": []}
            self._known[id(artist)] = record
            self.artists.append(record)
        return record

    def drawn(self, artist: Any) -> list[dict[str, Any]]:
        """Return what an artist has drawn so far."""
        found: list[dict[str, Any]] = self._known.get(id(artist), {}).get("draws", [])
        return found


class Letters:
    """Stands for what turns a text into outlines, which some effects draw: all that shows of its font is its size."""

    FONT_SCALE = 100.0

    def __init__(self) -> None:
        self.last: dict[str, Any] = {}  # the words of the text that was asked for last

    def get_text_path(self, prop: Any, s: str, ismath: Any = False, **_: Any) -> tuple[Any, Any]:
        """Return the vertices and codes of a rectangle."""
        self.last = words(s, prop, ismath)
        right, top, bottom = extent(s)
        bottom = -bottom
        corners = [(0.0, bottom), (right, bottom), (right, top), (0.0, top), (0.0, bottom)]
        return [(x * self.FONT_SCALE, y * self.FONT_SCALE) for x, y in corners], [1, 2, 2, 2, 79]


def extent(text: str) -> tuple[float, float, float]:
    """Return the width, height and descent of a text, of its size."""
    return _WIDTH * len(text), _HEIGHT, _DESCENT


def words(text: str, prop: Any, ismath: Any) -> dict[str, Any]:
    """Return what is kept of a text besides numbers."""
    return {"text": text, "weight": str(prop.get_weight()), "style": prop.get_style(), "math": str(ismath)}


def dashes(style: Any) -> list[float]:
    """Return a pattern of dashes as numbers: its offset, and the lengths."""
    offset, lengths = style
    return [] if lengths is None else [float(offset), *map(float, lengths)]


def codes(path: Any) -> str:
    """Return what the parts of a path are, such as ``M1L99``."""
    if path.codes is None:
        return f"M1L{len(path.vertices) - 1}"
    return _run("".join(_CODES.get(int(code), "?") for code in path.codes))


def _run(letters: str) -> str:
    text, count = "", 0
    for i, letter in enumerate(letters):
        count += 1
        if letters[i + 1 : i + 2] != letter:
            text, count = f"{text}{letter}{count}", 0
    return text


def runs(codes: Iterable[str]) -> list[Any]:
    """Return texts, each with how often it comes in a row."""
    found: list[Any] = []
    for code in codes:
        if found and found[-1][0] == code:
            found[-1][1] += 1
        else:
            found.append([code, 1])
    return found
