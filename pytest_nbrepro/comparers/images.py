"""Images: decoded pixels, judged by the worst tile and never by an average over the whole."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from pytest_nbrepro.comparers.base import IncomparableError, Outcome, counted, reading
from pytest_nbrepro.comparers.pictures import Picture
from pytest_nbrepro.errors import UndecodableError
from pytest_nbrepro.model import ArtifactRule, CheckStatus, Place

TILE = 50
"""Side of a tile, pixels."""
LEVELS = 16
"""A pixel counts where a channel is off by more than this, of 255 levels."""
SAFE_TILE = 0.02
"""A larger share of a tile already hides a changed digit of a title."""

_STRIP = 1 << 18  # pixels handled at once


class ImageComparer:
    """Compares PNG, JPEG, GIF, TIFF, WebP and BMP images by their pixels."""

    kind = "image"

    def schema(self, path: Path) -> dict[str, Any]:
        """Return the format, mode, size (width and height in pixels) and number of frames.

        Raises:
            UndecodableError: the file is no image, is cut short, or has too many pixels to be decoded safely.
        """
        with Picture(path, UndecodableError) as picture:
            for index in range(picture.frames):
                picture.frame(index)
            return picture.structure

    def compare(self, baseline: Path, result: Path, rule: ArtifactRule, schema: Mapping[str, Any]) -> Outcome:  # noqa: ARG002
        """Compare two images: structure, then each frame's worst tile.

        A tile is any square of 50 pixels, wherever it lies, so that no border halves a change; in a smaller
        image, the image. Its share is that of its pixels with a channel off by more than 16 levels, and
        `rule.tile` how large that may be, by default 0. Numbers of 16 bits and more are scaled so that the
        range of the baseline's is 255 levels.

        Raises:
            UndecodableError: a file is no image, or is cut short.
            IncomparableError: an image has too many pixels to be decoded safely.
        """
        with contextlib.ExitStack() as stack:
            with reading("baseline"):
                old = stack.enter_context(Picture(baseline, IncomparableError))
            with reading("result"):
                new = stack.enter_context(Picture(result, IncomparableError))
            changes = [f"{key} {old.structure[key]} -> {new.structure[key]}" for key in _changed(old, new)]
            if changes:
                return Outcome.structure("; ".join(changes))
            return compare_frames(old, new, rule.tile or 0.0)


# ---------------------------------------------------------------------------------------------------
# Judging


def _changed(old: Picture, new: Picture) -> list[str]:
    return [key for key, value in old.structure.items() if new.structure[key] != value]


@dataclass(frozen=True)
class _Frame:
    """How two frames differ; levels are of 255."""

    pixels: int
    bad: int  # pixels off by more than 16 levels
    largest: float  # levels
    rms: float  # levels, over all channels
    share: float = 0.0  # of the worst tile
    worst: Place | None = None
    box: str = ""


class Frames(Protocol):
    """Pictures that are compared one by one: the frames of an image, the pages of a document."""

    frames: int

    def frame(self, index: int) -> tuple[str, NDArray[Any]]:
        """Return the mode and the pixels of one, (height, width) or (height, width, channels)."""
        ...


def compare_frames(old: Frames, new: Frames, tile: float, word: str = "frame") -> Outcome:
    """Compare as many frames on both sides by their worst tile.

    Args:
        old: the baseline's.
        new: the result's.
        tile: the share of the worst tile that may differ.
        word: what a frame is called where there are several; pages are counted from 1.
    """
    first = 1 if word == "page" else 0
    frames: list[_Frame] = []
    for index in range(old.frames):
        with reading("baseline"):
            mode, one = old.frame(index)
        with reading("result"):
            other_mode, other = new.frame(index)
        if (mode, one.shape, one.dtype) != (other_mode, other.shape, other.dtype):
            return Outcome.structure(
                f"{word} {index + first}: {mode} {one.shape} -> {other_mode} {other.shape}"
            )
        where = f"{word} {index + first}, " if old.frames > 1 else ""
        frames.append(_compare_pixels(one, other, where))
    n, bad = sum(frame.pixels for frame in frames), sum(frame.bad for frame in frames)
    limit = f"tile {100 * tile:.3g}%"
    worst = max(frames, key=lambda frame: (frame.share, frame.largest))
    if not worst.largest:
        return Outcome.equal(n, limit=limit)
    if worst.share <= tile:
        used = worst.share / tile if worst.share else 0.0
        return Outcome(CheckStatus.WITHIN, used, limit, _message(worst, n, bad), n, 0, worst.worst)
    used = worst.share / tile if tile else math.inf
    return Outcome(
        CheckStatus.DRIFT,
        used,
        limit,
        _message(worst, n, bad),
        n,
        bad,
        worst.worst,
        allow=_allow(worst.share, tile),
    )


def _compare_pixels(one: NDArray[Any], other: NDArray[Any], where: str) -> _Frame:
    """Compare two frames of equal shape and dtype, some rows at a time."""
    height, width = one.shape[:2]
    over = np.zeros((height, width), dtype=np.bool_)
    largest, squares = 0.0, 0.0
    scale = scale_of(one)
    peak = (0, 0)
    rows = max(1, _STRIP // max(1, width))
    for top in range(0, height, rows):
        strip = slice(top, top + rows)
        if one[strip].tobytes() == other[strip].tobytes():
            continue
        levels = levels_of(one[strip], other[strip], scale)
        squares += float(np.sum(np.square(levels, dtype=np.float64)))
        if levels.ndim == 3:
            levels = levels.max(axis=2)
        over[strip] = levels > LEVELS
        if (high := float(levels.max())) > largest:
            largest = high
            y, x = np.unravel_index(int(np.argmax(levels)), levels.shape)
            peak = (top + int(y), int(x))
    bad = int(np.count_nonzero(over))
    frame = _Frame(height * width, bad, largest, math.sqrt(squares / max(1, one.size)))
    if not bad:
        return frame
    return _placed(frame, over, peak, (one, other), where)


def scale_of(baseline: NDArray[Any]) -> float:
    """Return how much a pixel's number changes per level: 1 for 8 bits, else by the baseline's range."""
    if baseline.dtype == np.uint8:
        return 1.0
    finite = baseline[np.isfinite(baseline)]
    return float((float(finite.max()) - float(finite.min())) / 255) if finite.size else 0.0


def levels_of(one: NDArray[Any], other: NDArray[Any], scale: float) -> NDArray[Any]:
    """Return by how many levels each number differs; infinite where that has no size."""
    if one.dtype == np.uint8:
        return np.asarray(np.abs(one.astype(np.int16) - other), dtype=np.int16)
    left, right = one.astype(np.float64), other.astype(np.float64)
    same = (left == right) | (np.isnan(left) & np.isnan(right))
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        levels = np.abs(left - right) / scale
    return np.where(same, 0.0, np.where(np.isnan(levels), np.inf, levels))


def _placed(
    frame: _Frame,
    over: NDArray[np.bool_],
    peak: tuple[int, int],
    pixels: tuple[NDArray[Any], NDArray[Any]],
    where: str,
) -> _Frame:
    """Add the worst tile and the box of all change to a frame that has bad pixels."""
    rows, columns = np.flatnonzero(over.any(axis=1)), np.flatnonzero(over.any(axis=0))
    top, left = int(rows[0]), int(columns[0])
    box = over[top : int(rows[-1]) + 1, left : int(columns[-1]) + 1]
    count, y, x = _worst_window(box)
    tile_y, tile_x = _centred(box, top, left, (y, x), over.shape)
    inside = over[tile_y : tile_y + TILE, tile_x : tile_x + TILE]
    if not (tile_y <= peak[0] < tile_y + TILE and tile_x <= peak[1] < tile_x + TILE):
        spot = np.unravel_index(int(np.argmax(inside)), inside.shape)
        peak = (tile_y + int(spot[0]), tile_x + int(spot[1]))
    place = Place(
        f"{where}tile at ({tile_x},{tile_y}), pixel ({peak[1]},{peak[0]})",
        *(_colour(side[peak]) for side in pixels),
    )
    extent = f"{box.shape[1]}x{box.shape[0]} at ({left},{top})"
    area = min(TILE, over.shape[0]) * min(TILE, over.shape[1])
    return _Frame(frame.pixels, frame.bad, frame.largest, frame.rms, count / area, place, extent)


def _worst_window(box: NDArray[np.bool_]) -> tuple[int, int, int]:
    """Return the largest number of set pixels in a tile, and that tile's row and column in the box.

    Sums over all windows come from a summed-area table.
    """
    high, wide = min(TILE, box.shape[0]), min(TILE, box.shape[1])
    table = np.zeros((box.shape[0] + 1, box.shape[1] + 1), dtype=np.int32)
    np.cumsum(box, axis=0, dtype=np.int32, out=table[1:, 1:])
    np.cumsum(table, axis=1, out=table)
    sums = table[high:] - table[:-high]
    sums = sums[:, wide:] - sums[:, :-wide]
    y, x = np.unravel_index(int(np.argmax(sums)), sums.shape)
    return int(sums[y, x]), int(y), int(x)


def _centred(
    box: NDArray[np.bool_], top: int, left: int, window: tuple[int, int], shape: tuple[int, ...]
) -> tuple[int, int]:
    """Return the row and column of the tile that has the window's bad pixels in its middle."""
    y, x = window
    inside = box[y : y + TILE, x : x + TILE]
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    middle_y = top + y + (int(rows[0]) + int(rows[-1]) + 1) // 2
    middle_x = left + x + (int(columns[0]) + int(columns[-1]) + 1) // 2
    return (
        min(max(0, middle_y - TILE // 2), max(0, shape[0] - TILE)),
        min(max(0, middle_x - TILE // 2), max(0, shape[1] - TILE)),
    )


# ---------------------------------------------------------------------------------------------------
# Words


def _colour(pixel: NDArray[Any]) -> str:
    """Return ``#rrggbbaa`` for 8-bit colours, else the number or numbers."""
    if pixel.dtype == np.uint8 and pixel.size >= 3:
        return "#" + bytes(pixel.tolist()).hex()
    values = [f"{value:g}" for value in np.atleast_1d(pixel).tolist()]
    return values[0] if len(values) == 1 else f"({', '.join(values)})"


def _message(worst: _Frame, n: int, bad: int) -> str:
    where = f" in {worst.box}" if worst.box else ""
    told = f"{bad:,} of {counted(n, 'pixel')} over {LEVELS} levels{where}"
    return f"{told}; off by up to {worst.largest:.4g} levels, RMS {worst.rms:.3g}"


def _allow(share: float, tile: float) -> str | None:
    """Return the `tile` that would pass, rounded up, where it is not so large that it hides real changes."""
    needed = math.ceil(share * 1.1 * 1000) / 1000
    return f"{{tile: {100 * needed:.3g}%}}" if needed <= max(SAFE_TILE, 2 * tile) and needed <= 1 else None
