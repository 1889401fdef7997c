"""Inside the kernel: where things of a figure of matplotlib are, in the units that `sheeting.py` names.

Loaded by `showing.py` from its own folder, by path, in any Python from 3.9 on: the standard library alone.
"""

from __future__ import annotations

import math
import sys
from typing import Any

_SIDES = {"left": -0.5, "right": 0.5, "bottom": -0.5, "top": 0.5}  # from the middle


class Places:
    """Turns pixels, or what leads to them, into places that are kept.

    Args:
        figure: what is drawn.
        axes: all axes in it.
        stack: the artists that are being drawn, the innermost last.
        sheet: keeps the numbers.
    """

    def __init__(self, figure: Any, axes: list[Any], stack: list[Any], sheet: Any) -> None:
        self._figure = figure
        self._axes = axes
        self._stack = stack
        self._sheet = sheet
        self._scale = figure.dpi / 72.0
        self._numpy: Any = sys.modules["numpy"]
        self._arrows: Any = sys.modules["matplotlib.patches"].FancyArrowPatch
        self._texts: Any = sys.modules["matplotlib.text"].Text

    def around(self) -> Any:
        """Return the axes that are being drawn, the innermost."""
        return next((each for each in reversed(self._stack) if each in self._axes), None)

    def own(self) -> Any:
        """Return the transform of what is being drawn; None where it draws in pixels, or beside the data."""
        artist = self._stack[-1]
        beside = isinstance(artist, (self._arrows, self._texts)) or not hasattr(artist, "get_transform")
        return None if beside else artist.get_transform()

    def units(self, transform: Any) -> tuple[str, str]:
        """Return the units of x and y behind a transform."""
        axes = self.around()
        if axes is None:
            return "figure x", "figure y"
        if transform is None:
            return "axes x", "axes y"
        x, y = transform.contains_branch_seperately(axes.transData)
        if not axes.transData.is_separable:
            return ("view", "view") if x or y else ("axes x", "axes y")
        return "data x" if x else "axes x", "data y" if y else "axes y"

    def placed(self, points: Any, affine: Any, transform: Any) -> dict[str, Any]:
        """Keep places in the units behind a transform.

        Args:
            points: (n, 2).
            affine: leads from the points to pixels; None where they are pixels.
            transform: of the artist, as a whole; None where it draws in pixels.
        """
        points = self._numpy.asarray(points, dtype=float)
        pixels = points if affine is None else affine.transform(points)
        units = self.units(transform)
        share = self.share(pixels)
        columns = [share[:, 0], share[:, 1]]
        if "data" in "".join(units):
            data = self._data(points, affine, pixels)
            columns = [data[:, i] if unit.startswith("data") else share[:, i] for i, unit in enumerate(units)]
        return {key: self._sheet.put(each, unit) for key, each, unit in zip("xy", columns, units)}  # noqa: B905

    def _data(self, points: Any, affine: Any, pixels: Any) -> Any:
        """Return places in the data of the axes: as they came where that is possible, which no rounding changes."""
        axes = self.around()
        whole = axes.transData
        if affine is None or not (affine.get_matrix() == whole.get_affine().get_matrix()).all():
            return whole.inverted().transform(pixels)
        return points if whole.is_affine else axes.transScale.inverted().transform(points)

    def spread(self, shape: Any, where: Any, affine: Any, key: str) -> dict[str, Any]:
        """Keep a shape that comes at many places; one of a collection may have its own place already.

        Args:
            shape: its points, in pixels.
            where: the places.
            affine: leads from the places to pixels.
            key: what the shape is called.
        """
        artist = self._stack[-1]
        if not hasattr(artist, "get_offset_transform"):
            return {
                key: self._sheet.put(shape / self._scale, "points"),
                **self.placed(where, affine, self.own()),
            }
        own = artist.get_transform()
        if not self._numpy.any(affine.transform(where) != 0):
            return self.placed(shape, None, own)
        numbers = self.placed(where, affine, artist.get_offset_transform())
        if self.units(own)[0].startswith(("data", "view")):
            return {
                **self.placed(shape, None, own),
                **{f"offset {each}": put for each, put in numbers.items()},
            }
        return {key: self._sheet.put(shape / self._scale, "points"), **numbers}

    def anchored(
        self, start: tuple[float, float], size: tuple[float, float, float], angle: float, text: Any
    ) -> tuple[float, float]:
        """Return the point that a text is aligned to, which does not move with the size of the axes.

        Args:
            start: the left end of its base line, in pixels.
            size: its width, its height and how deep it is, in pixels.
            angle: in degrees.
            text: says how it is aligned.
        """
        (x, y), (width, height, descent) = start, size
        along, up = math.cos(math.radians(angle)), math.sin(math.radians(angle))
        rise = height / 2 - descent
        x, y = x + width / 2 * along - rise * up, y + width / 2 * up + rise * along  # of its middle
        wide, high = abs(width * along) + abs(height * up), abs(width * up) + abs(height * along)
        to = [getattr(text, f"get_{side}alignment", str)() for side in ("horizontal", "vertical")]
        level = start[1] if to[1] == "baseline" else y + _SIDES.get(to[1], 0.0) * high
        return x + _SIDES.get(to[0], 0.0) * wide, level

    def share(self, points: Any) -> Any:
        """Return pixels as a share of the axes around, or of the figure."""
        axes = self.around()
        box = self._figure.bbox if axes is None else axes.bbox
        return (points - [box.x0, box.y0]) / [box.width, box.height]

    def unit(self) -> str:
        """Return the unit of such shares."""
        return "figure" if self.around() is None else "axes"
