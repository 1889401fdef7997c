"""Inside the kernel: a renderer for matplotlib that draws nothing, and writes down what it is asked to draw.

Loaded by `showing.py` from its own folder, by path, in any Python from 3.9 on: the standard library alone.

Whatever an artist is, what shows of it is the lines, areas, markers, meshes and texts that it asks a renderer for.
`sheeting.py` says in which units they are written down.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any


class CannotKeepError(Exception):
    """The message says why a figure cannot be written down."""


class Ink:
    """A renderer, mixed into matplotlib's `RendererBase`.

    Args:
        figure: what is drawn.
        axes: all axes in it.
        names: what each artist is called, by id.
        sheeting: the module of that name.
        placing: the module of that name.
    """

    def __init__(
        self, figure: Any, axes: list[Any], names: dict[int, str], sheeting: Any, placing: Any
    ) -> None:
        super().__init__()
        self._sheeting = sheeting
        self._text2path = sheeting.Letters()
        self.sheet = sheeting.Sheet()
        self.stack: list[Any] = []  # the artists that are being drawn, the innermost last
        self.places = placing.Places(figure, axes, self.stack, self.sheet)
        self._figure = figure
        self._names = names
        self._axes = axes
        self._numpy: Any = sys.modules["numpy"]
        self._texts: Any = sys.modules["matplotlib.text"].Text
        self._scale = figure.dpi / 72.0

    def begin(self, artist: Any) -> None:
        """Take down what an artist draws from here on, until it is taken off the stack."""
        self.stack.append(artist)
        self._text2path.last = {}

    # what matplotlib asks a renderer about

    def get_canvas_width_height(self) -> tuple[float, float]:
        """Return the size of the figure in pixels."""
        return self._figure.bbox.width, self._figure.bbox.height

    def flipy(self) -> bool:
        """Tell that y counts from the bottom."""
        return False

    def points_to_pixels(self, points: Any) -> Any:
        """Convert a length."""
        return points * self._scale

    def get_text_width_height_descent(self, s: str, prop: Any, ismath: Any) -> tuple[float, float, float]:
        """Return the size of a text by its length alone, whatever its font."""
        del ismath
        size = prop.get_size_in_points() * self._scale
        width, height, descent = self._sheeting.extent(s)
        return width * size, height * size, descent * size

    def option_image_nocomposite(self) -> bool:
        """Have each image drawn by itself."""
        return True

    def stop_filter(self, filter_func: Any) -> None:
        """Refuse what changes pixels."""
        del filter_func
        raise CannotKeepError(f"{self._class()} with an Agg filter is not captured")

    # what it is asked to draw

    def draw_path(self, gc: Any, path: Any, transform: Any, rgbFace: Any = None) -> None:  # noqa: N803
        """Write a line or an area down."""
        if len(path.vertices):
            looks = self._looks(gc, rgbFace if len(path.vertices) > 2 else None)  # two points have no area
            if looks is not None:
                text = self._text2path.last if isinstance(self.stack[-1], self._texts) else {}
                words = {"codes": self._sheeting.codes(path), **text}
                self.write(
                    "path", gc, looks, words, self.places.placed(path.vertices, transform, self.places.own())
                )

    def draw_markers(
        self,
        gc: Any,
        marker_path: Any,
        marker_trans: Any,
        path: Any,
        trans: Any,
        rgbFace: Any = None,  # noqa: N803
    ) -> None:
        """Write markers down: their shape once, and where they are."""
        looks = self._looks(gc, rgbFace if len(marker_path.vertices) > 2 else None)
        if looks is None or not len(path.vertices):
            return
        shape = marker_trans.transform(marker_path.vertices)
        numbers = self.places.spread(shape, path.vertices, trans, "marker")
        self.write("markers", gc, looks, {"codes": self._sheeting.codes(marker_path)}, numbers)

    def draw_path_collection(
        self,
        gc: Any,
        master_transform: Any,
        paths: Sequence[Any],
        all_transforms: Any,
        offsets: Any,
        offset_trans: Any,
        facecolors: Any,
        edgecolors: Any,
        linewidths: Any,
        linestyles: Any,
        antialiaseds: Any,
        *_: Any,
        hatchcolors: Any = None,
    ) -> None:
        """Write many shapes down, at many places or at their own."""
        numpy = self._numpy
        if not len(paths):  # matplotlib asks whether `hatchcolors` is known
            return
        looks = {
            "face colour": self.sheet.put(self._once(facecolors), "colour"),
            "colour": self.sheet.put(self._once(edgecolors), "colour"),
            "width": self.sheet.put(self._once(linewidths), "plain"),
        }
        if gc.get_hatch():
            given = gc.get_hatch_color() if hatchcolors is None or not len(hatchcolors) else hatchcolors
            looks["hatch colour"] = self.sheet.put(self._once(numpy.atleast_2d(given)), "colour")
            looks["hatch width"] = self.sheet.put([gc.get_hatch_linewidth()], "plain")
        dashes = [self._sheeting.dashes(style) for style in linestyles]
        words = {
            "codes": self._sheeting.runs(map(self._sheeting.codes, paths)),
            "smooth": sorted({bool(each) for each in antialiaseds}),
            "dashes": dashes[:1] if dashes and dashes.count(dashes[0]) == len(dashes) else dashes,
        }
        vertices = numpy.concatenate([path.vertices for path in paths])
        if len(all_transforms):
            turned = [master_transform.get_matrix() @ numpy.asarray(each) for each in all_transforms]
            looks["shape"] = self.sheet.put(vertices, "plain")
            looks["turn"] = self.sheet.put([each[:2] / self._scale for each in turned], "points")
            looks.update(self.places.placed(offsets, offset_trans, self.stack[-1].get_offset_transform()))
        else:
            looks.update(
                self.places.spread(master_transform.transform(vertices), offsets, offset_trans, "shape")
            )
        self.write("shapes", gc, looks, words, {})

    def draw_quad_mesh(
        self,
        gc: Any,
        master_transform: Any,
        meshWidth: int,  # noqa: N803
        meshHeight: int,  # noqa: N803
        coordinates: Any,
        offsets: Any,
        offsetTrans: Any,  # noqa: N803
        facecolors: Any,
        antialiased: Any,
        edgecolors: Any,
    ) -> None:
        """Write a mesh of coloured cells down."""
        corners = master_transform.transform(self._numpy.asarray(coordinates, dtype=float).reshape(-1, 2))
        shift = offsetTrans.transform(self._numpy.atleast_2d(offsets))[0]
        looks = {
            "face colour": self.sheet.put(facecolors, "colour"),
            "colour": self.sheet.put([] if edgecolors is None else self._once(edgecolors), "colour"),
            "width": self.sheet.put([gc.get_linewidth()], "plain"),
            **self.places.placed(corners + shift, None, self.stack[-1].get_transform()),
        }
        self.write("mesh", gc, looks, {"cells": [meshWidth, meshHeight], "smooth": [bool(antialiased)]}, {})

    def draw_gouraud_triangles(
        self, gc: Any, triangles_array: Any, colors_array: Any, transform: Any
    ) -> None:
        """Write shaded triangles down."""
        corners = transform.transform(self._numpy.asarray(triangles_array).reshape(-1, 2))
        looks = {"face colour": self.sheet.put(colors_array, "colour")}
        self.write(
            "triangles", gc, looks, {}, self.places.placed(corners, None, self.stack[-1].get_transform())
        )

    def draw_text(
        self,
        gc: Any,
        x: float,
        y: float,
        s: str,
        prop: Any,
        angle: float,
        ismath: Any = False,
        mtext: Any = None,
    ) -> None:
        """Write a text down."""
        words = self._sheeting.words(s, prop, ismath)
        size = self.get_text_width_height_descent(s, prop, ismath)
        where = self.places.anchored((x, y), size, angle, self.stack[-1] if mtext is None else mtext)
        looks = {
            "colour": self.sheet.put(gc.get_rgb(), "colour"),
            "size": self.sheet.put([prop.get_size_in_points()], "plain"),
            "angle": self.sheet.put([angle], "plain"),
        }
        self.write("text", gc, looks, words, self.places.placed([where], None, None))

    def draw_tex(
        self, gc: Any, x: float, y: float, s: str, prop: Any, angle: float, *, mtext: Any = None
    ) -> None:
        """Write a text of TeX down."""
        self.draw_text(gc, x, y, s, prop, angle, ismath="TeX", mtext=mtext)

    def draw_image(self, gc: Any, x: float, y: float, im: Any, transform: Any = None) -> None:
        """Refuse pixels: what they were made of is not known here."""
        del gc, x, y, im, transform
        raise CannotKeepError(f"{self._class()} is not captured")

    # how it is written down

    def write(
        self, how: str, gc: Any, looks: dict[str, Any], words: dict[str, Any], numbers: dict[str, Any]
    ) -> None:
        """Write down what the artist on top of the stack has drawn.

        Args:
            how: what a renderer calls it.
            gc: says how it is cut off, hatched and sketched.
            looks: numbers, as the sheet has put them.
            words: what is compared exactly.
            numbers: more of them.
        """
        axes = self.places.around()
        name = self._names.get(id(self.stack[-1]), self._class())
        record = self.sheet.of(self.stack[-1], name, None if axes is None else self._axes.index(axes))
        sketch = gc.get_sketch_params()
        more = {"hatch": gc.get_hatch(), "sketch": None if sketch is None else list(sketch)}
        if how in {"path", "markers", "shapes"} and "colour" in looks:
            more["ends"] = [str(gc.get_capstyle()), str(gc.get_joinstyle())]
        told = {key: value for key, value in {**words, **more}.items() if value is not None}
        record["draws"].append({"how": how, "words": told, "numbers": {**numbers, **looks, **self._clip(gc)}})

    def _once(self, rows: Any) -> Any:
        """Return rows that go round, one where all are the same."""
        rows = self._numpy.asarray(rows, dtype=float)
        return rows[:1] if len(rows) and (rows == rows[0]).all() else rows

    def _class(self) -> str:
        return type(self.stack[-1]).__name__

    def _looks(self, gc: Any, face: Any) -> dict[str, Any] | None:
        """Return the colours and widths of a line or an area; None where nothing of it shows."""
        width, colour, alpha = gc.get_linewidth(), gc.get_rgb(), gc.get_alpha()
        if face is not None:
            own = face[3] if len(face) > 3 else 1.0
            face = (*face[:3], alpha if gc.get_forced_alpha() or len(face) == 3 else own)
        looks: dict[str, Any] = {}
        if width and colour[3]:
            looks["colour"] = self.sheet.put(colour, "colour")
            looks["width"] = self.sheet.put([width], "plain")
            looks["dashes"] = self.sheet.put(self._sheeting.dashes(gc.get_dashes()), "plain")
        if face is not None and face[3]:
            looks["face colour"] = self.sheet.put(face, "colour")
        if gc.get_hatch():
            looks["hatch colour"] = self.sheet.put(gc.get_hatch_color(), "colour")
            looks["hatch width"] = self.sheet.put([gc.get_hatch_linewidth()], "plain")
        return looks or None

    def _clip(self, gc: Any) -> dict[str, Any]:
        """Return where a drawing is cut off."""
        numbers = {}
        box = gc.get_clip_rectangle()
        if box is not None:
            numbers["clip"] = self.sheet.put(
                self.places.share(self._numpy.array([box.min, box.max])), self.places.unit()
            )
        path, transform = gc.get_clip_path()
        if path is not None:
            numbers["clip path"] = self.sheet.put(
                self.places.share(transform.transform(path.vertices)), self.places.unit()
            )
        return numbers
