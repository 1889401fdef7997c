"""What people look at of two pictures that differ: how much of each tile does."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pytest_nbrepro.comparers.images import LEVELS, TILE, levels_of, scale_of
from pytest_nbrepro.comparers.pictures import Picture
from pytest_nbrepro.errors import UndecodableError

MOST = 1500  # tiles that are told, those with most change first


@dataclass(frozen=True)
class Tile:
    """A tile of a picture, its upper left corner in pixels, and the share of its pixels that differ."""

    x: int
    y: int
    share: float


@dataclass(frozen=True)
class Heat:
    """Where two pictures of one size differ; of several frames, the first."""

    width: int
    height: int
    side: int  # of a tile, pixels
    tiles: tuple[Tile, ...]  # those with any change


def heat(baseline: Path, result: Path) -> Heat | None:
    """Return where two pictures differ, by the pixels that their comparison counts; None where sizes do.

    Raises:
        NbreproError: one of them cannot be read.
    """
    with Picture(baseline, UndecodableError) as old, Picture(result, UndecodableError) as new:
        (mode, one), (other_mode, other) = old.frame(0), new.frame(0)
    if (mode, one.shape, one.dtype) != (other_mode, other.shape, other.dtype):
        return None
    levels = levels_of(one, other, scale_of(one))
    over = (levels if levels.ndim == 2 else levels.max(axis=2)) > LEVELS
    height, width = over.shape
    found = []
    for y in range(0, height, TILE):
        band = over[y : y + TILE]
        for x in range(0, width, TILE) if band.any() else ():
            tile = band[:, x : x + TILE]
            if count := int(np.count_nonzero(tile)):
                found.append(Tile(x, y, count / tile.size))
    found.sort(key=lambda tile: -tile.share)
    return Heat(width, height, TILE, tuple(found[:MOST]))
