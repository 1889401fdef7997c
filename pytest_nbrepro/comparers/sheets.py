"""The files in which the kernel writes figures down (`kernels/inking.py` and `drawing.py` explain them)."""

from __future__ import annotations

import contextlib
import json
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from pytest_nbrepro.comparers.tallies import Array
from pytest_nbrepro.errors import UndecodableError

FORMAT = 1
_DATA = ("data", "value", "view", "limits")  # the first words of units whose numbers are the notebook's
_ARRAYS = ("array", "mask")  # words that name an array
_SIDE = 72.0  # points of an inch


@dataclass(frozen=True)
class Numbers:
    """Numbers of one unit."""

    unit: str
    values: Array

    @property
    def is_data(self) -> bool:
        """Whether limits of the annotation hold for them: the others say how something looks."""
        return self.unit.startswith(_DATA)


@dataclass(frozen=True)
class Draw:
    """One thing that a renderer was asked to draw; also what no drawing says of axes."""

    how: str = ""
    words: Mapping[str, Any] = field(default_factory=dict)
    numbers: Mapping[str, Numbers] = field(default_factory=dict)
    arrays: Mapping[str, Array] = field(default_factory=dict)


@dataclass(frozen=True)
class Artist:
    """What one artist drew; `axes` counts from 0, None stands for the figure."""

    name: str
    axes: int | None
    draws: tuple[Draw, ...]


@dataclass(frozen=True)
class Sheet:
    """A figure, written down."""

    size: Array  # inches
    axes: tuple[Draw, ...]
    artists: Mapping[str, Artist]  # by name, in the order of drawing

    def span(self, axes: int | None, letter: str) -> float:
        """Return how far data reach in axes along x or y; infinite where there are no axes."""
        if axes is None or f"{letter} limits" not in self.axes[axes].numbers:
            return float("inf")
        low, high = self.axes[axes].numbers[f"{letter} limits"].values
        return float(abs(high - low))

    def side(self, axes: int | None, letter: str) -> float:
        """Return the length of a side of axes, or of the figure, in points."""
        whole = float(self.size["xy".index(letter)]) * _SIDE
        if axes is None:
            return whole
        return whole * abs(float(self.axes[axes].numbers["place"].values[2 + "xy".index(letter)]))


def read(path: Path) -> Sheet:
    """Read a figure.

    Raises:
        UndecodableError: it is none.
    """
    with _decoding(), path.open("rb") as stream, np.load(stream, allow_pickle=False) as members:
        found = {name: members[name] for name in members.files}
        facts = json.loads(found["figure"].tobytes())
        if facts["format"] != FORMAT:
            raise ValueError(f"format {facts['format']} is unknown")
        artists = [_artist(record, found, len(facts["axes"])) for record in facts["artists"]]
        named = {artist.name: artist for artist in artists}
        if len(named) != len(artists):
            raise ValueError("two artists have one name")
        axes = tuple(_draw(record, found) for record in facts["axes"])
        if any(each.numbers["place"].values.size != 4 for each in axes):
            raise ValueError("axes have no place")
        width, height = map(float, facts["size"])
        return Sheet(np.array([width, height]), axes, named)


@contextlib.contextmanager
def _decoding() -> Iterator[None]:
    """Turn what zip, JSON and a wrong structure raise into UndecodableError."""
    try:
        yield
    except (OSError, ValueError, LookupError, TypeError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        text = str(error) or type(error).__name__
        raise UndecodableError(f"not readable as a figure: {text}") from error


def _artist(record: Mapping[str, Any], members: Mapping[str, Array], axes: int) -> Artist:
    if record["axes"] is not None and not 0 <= record["axes"] < axes:
        raise ValueError("an artist belongs to no axes")
    draws = tuple(_draw(draw, members) for draw in record["draws"])
    return Artist(str(record["name"]), record["axes"], draws)


def _draw(record: Mapping[str, Any], members: Mapping[str, Array]) -> Draw:
    words = record["words"]
    return Draw(
        how=str(record.get("how", "")),
        words={key: word for key, word in words.items() if key not in _ARRAYS},
        numbers={key: _numbers(told, members) for key, told in record["numbers"].items()},
        arrays={key: members[words[key]] for key in _ARRAYS if key in words},
    )


def _numbers(told: Any, members: Mapping[str, Array]) -> Numbers:
    unit, start, count = told
    found = Numbers(str(unit), np.zeros(0))
    values = members["data" if found.is_data else "looks"][start : start + count]
    if values.size != count or start < 0 or values.dtype.kind != "f":
        raise ValueError("numbers are missing")
    return Numbers(found.unit, values.astype(np.float64))
