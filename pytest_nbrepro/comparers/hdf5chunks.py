"""Chunks of HDF5 datasets as they are stored: those with equal bytes need no decoding."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

from pytest_nbrepro.comparers.boxes import Box


def same_chunks(one: Any, other: Any) -> Callable[[Box], bool]:
    """Return what tells of a box of whole chunks that both datasets store the same bytes for it.

    Only where both are stored in the same way; of anything else nothing is known.
    """
    if not one.chunks or _stored(one) != _stored(other) or one.is_virtual or other.is_virtual:
        return lambda _: False

    def same(box: Box) -> bool:
        ends = zip(box.start, box.shape, one.chunks, strict=True)
        steps = [range(first, first + count, side) for first, count, side in ends]
        return all(_same(one, other, offset) for offset in itertools.product(*steps))

    return same


def _same(one: Any, other: Any, offset: tuple[int, ...]) -> bool:
    try:
        mine, theirs = one.id.read_direct_chunk(offset), other.id.read_direct_chunk(offset)
    except (OSError, RuntimeError):  # never written, or damaged: decoding will tell
        return False
    return bool(mine == theirs)


def _stored(dataset: Any) -> tuple[Any, ...]:
    """Return what decoding depends on: dtype, chunks, and the filters with their settings."""
    created = dataset.id.get_create_plist()
    filters = [created.get_filter(number) for number in range(created.get_nfilters())]
    return dataset.dtype, dataset.dtype.byteorder, dataset.chunks, filters
