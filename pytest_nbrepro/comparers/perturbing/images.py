"""Changes of images in formats that lose nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from pytest_nbrepro.comparers.images import TILE
from pytest_nbrepro.comparers.perturbing.values import Change
from pytest_nbrepro.comparers.tallies import Array

_SUFFIXES = frozenset({".png", ".bmp", ".tif", ".tiff"})
_NARROWER = {"RGBA": "RGB", "RGB": "L"}
_PATCH = 20  # pixels
_STEP = 5  # pixels by which a tile is moved


def changes(path: Path) -> Iterator[Change]:
    """Yield changes of a PNG, BMP or TIFF image."""
    if path.suffix.lower() not in _SUFFIXES:
        return
    with Image.open(path) as picture:
        if picture.mode not in {"L", *_NARROWER} or getattr(picture, "n_frames", 1) > 1:
            return
        mode, pixels = picture.mode, np.array(picture)
    y, x = _busiest(pixels, _PATCH)
    inverted = pixels.copy()
    patch = inverted[y : y + _PATCH, x : x + _PATCH]
    colours = patch[..., :3] if mode == "RGBA" else patch
    colours[...] = 255 - colours
    yield f"20 x 20 pixels at ({x},{y}) inverted", Image.fromarray(inverted).save
    y, x = _busiest(pixels, TILE)
    shifted = pixels.copy()
    tile = shifted[y : y + TILE, x : x + TILE]
    tile[...] = np.roll(tile, _STEP, axis=1)
    if (shifted != pixels).any():
        yield f"tile at ({x},{y}) moved by {_STEP} pixels", Image.fromarray(shifted).save
    if mode in _NARROWER:
        yield f"mode {mode} -> {_NARROWER[mode]}", Image.fromarray(pixels).convert(_NARROWER[mode]).save


def _busiest(pixels: Array, side: int) -> tuple[int, int]:
    """Return the corner of the square in which pixels vary most."""
    corners = [(y, x) for y in range(0, pixels.shape[0], side) for x in range(0, pixels.shape[1], side)]
    return max(corners, key=lambda c: float(pixels[c[0] : c[0] + side, c[1] : c[1] + side].std()))
