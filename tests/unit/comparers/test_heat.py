"""How much of each tile of two pictures differs."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from pytest_nbrepro.comparers.heat import heat
from pytest_nbrepro.errors import UndecodableError


@pytest.fixture
def pictures(tmp_path):
    def write(*pixels):
        for name, one in zip(("old", "new"), pixels, strict=True):
            Image.fromarray(one).save(tmp_path / f"{name}.png")
        return tmp_path / "old.png", tmp_path / "new.png"

    return write


def test_tiles_with_change_the_worst_first(pictures):
    old = np.zeros((120, 160, 3), np.uint8)
    new = old.copy()
    new[0:10, 0:50] = 255  # a fifth of the first tile
    new[50:100, 100:150] = 17  # all of one
    new[100:120, 150:160] = 16  # not over 16 levels
    found = heat(*pictures(old, new))
    assert (found.width, found.height, found.side) == (160, 120, 50)
    assert [(t.x, t.y, t.share) for t in found.tiles] == [(100, 50, 1.0), (0, 0, 0.2)]


def test_tiles_at_the_edge_are_smaller(pictures):
    old = np.zeros((60, 60), np.uint8)
    new = old.copy()
    new[50:, 50:] = 255
    assert [(t.x, t.y, t.share) for t in heat(*pictures(old, new)).tiles] == [(50, 50, 1.0)]


def test_equal_pictures_have_none(pictures):
    old = np.zeros((60, 60), np.uint8)
    assert heat(*pictures(old, old)).tiles == ()


def test_other_sizes_cannot_be_laid_over_each_other(pictures):
    assert heat(*pictures(np.zeros((60, 60), np.uint8), np.zeros((60, 61), np.uint8))) is None


def test_a_broken_picture(pictures):
    old, new = pictures(np.zeros((6, 6), np.uint8), np.zeros((6, 6), np.uint8))
    new.write_bytes(b"no picture")
    with pytest.raises(UndecodableError):
        heat(old, new)
