"""Inside the kernel: writes figures of matplotlib down as what is drawn, with the data in their own coordinates.

Loaded by `showing.py` from its own folder, by path, in any Python from 3.9 on: the standard library alone.

A figure that has just been shown is drawn once more, by a renderer that takes notes (`inking.py`), and left as it was:
its artists get their attributes back, layouts are not computed again, and nobody hears of it.
"""

from __future__ import annotations

import contextlib
import json
import sys
import warnings
from collections.abc import Callable, Iterator
from typing import Any

_FORMAT = 1


def write(figure: Any, path: str, load: Callable[[str], Any], most: int) -> None:
    """Write a figure to an npz file: the member ``figure`` is JSON, the others have the numbers.

    Args:
        figure: it has been drawn before.
        path: of the file.
        load: returns the file beside this one of that name, as a module.
        most: bytes that may be kept.

    Raises:
        inking.CannotKeepError: it draws what cannot be written down, or too much.
    """
    numpy: Any = sys.modules["numpy"]
    inking, sheeting, placing = map(load, ("inking", "sheeting", "placing"))
    base: Any = sys.modules["matplotlib.backend_bases"].RendererBase
    artists = list({id(artist): artist for artist in figure.findobj()}.values())
    axes = list(figure.axes)
    axes += [
        each for each in artists if hasattr(each, "transData") and each not in axes
    ]  # those set into others
    ink = type("Recorder", (inking.Ink, base), {})(figure, axes, names(figure, axes), sheeting, placing)
    with _quietly(numpy), _untouched(figure, artists):
        _observe(figure, artists, ink)
        figure.draw(ink)
        facts = {"format": _FORMAT, "size": figure.get_size_inches().tolist()}
        facts["axes"] = [_axes(each, figure, ink.sheet) for each in axes]
    facts["artists"] = ink.sheet.artists
    members = {
        "data": numpy.concatenate([*ink.sheet.numbers["data"], numpy.zeros(0)]),
        "looks": numpy.concatenate([*ink.sheet.numbers["looks"], numpy.zeros(0)]).astype(numpy.float32),
        **ink.sheet.arrays,
        "figure": numpy.frombuffer(json.dumps(facts).encode(), numpy.uint8),
    }
    size = sum(member.nbytes for member in members.values())
    if size > most:
        raise inking.CannotKeepError(f"{size:,} bytes, more than the {most >> 20} MiB that are kept")
    numpy.savez(path, **members)


def _axes(axes: Any, figure: Any, sheet: Any) -> dict[str, Any]:
    """Return what of axes no drawing says."""
    box, whole = axes.bbox, figure.bbox
    place = [box.x0 / whole.width, box.y0 / whole.height, box.width / whole.width, box.height / whole.height]
    numbers = {"place": sheet.put(place, "place")}
    words = {"projection": axes.name}
    for letter in "xyz":
        limits = getattr(axes, f"get_{letter}lim", None)
        if limits is not None:
            numbers[f"{letter} limits"] = sheet.put(limits(), f"limits {letter}")
            words[f"{letter} scale"] = getattr(axes, f"get_{letter}scale")()
    return {"words": words, "numbers": numbers}


# ---------------------------------------------------------------------------------------------------
# Names


def names(figure: Any, axes: list[Any]) -> dict[int, str]:
    """Return what each artist of a figure is called, by id: ``line 2 of axes 1``."""
    found = {id(each): f"axes {number}" for number, each in enumerate(axes, 1)}
    _name_children(figure, "", {}, found)
    return found


def _name_children(parent: Any, place: str, counts: dict[str, int], found: dict[int, str]) -> None:
    """Name what is in an artist; boxes that only put things in their places have no part in it."""
    own = _own_words(parent)
    boxes: Any = getattr(sys.modules.get("matplotlib.offsetbox"), "OffsetBox", ())
    for child in parent.get_children():
        if isinstance(child, boxes):
            _name_children(child, place, counts, found)
            continue
        if id(child) not in found:
            word = own.get(id(child)) or _word(child)
            counts[word] = counts.get(word, 0) + 1
            found[id(child)] = f"{word}{'' if id(child) in own else f' {counts[word]}'}{place}"
        _name_children(child, f" of {found[id(child)]}", {}, found)


def _own_words(parent: Any) -> dict[int, str]:
    """Return what only one child of an artist can be, by its id."""
    words = {
        "background": getattr(parent, "patch", None),
        "title": getattr(parent, "title", None),
        "left title": getattr(parent, "_left_title", None),
        "right title": getattr(parent, "_right_title", None),
        "heading": getattr(parent, "_suptitle", None),
        "x axis": getattr(parent, "xaxis", None),
        "y axis": getattr(parent, "yaxis", None),
        "z axis": getattr(parent, "zaxis", None),
        "label": getattr(parent, "label", None),
        "offset": getattr(parent, "offsetText", None),
        "legend": getattr(parent, "legend_", None),
    }
    spines = getattr(parent, "spines", None) or {}
    words.update({f"{name} spine": spine for name, spine in dict(spines).items()})
    return {id(artist): word for word, artist in words.items() if hasattr(artist, "get_children")}


def _word(artist: Any) -> str:
    """Return what people call an artist of a class."""
    for module, name, word in (
        ("lines", "Line2D", "line"),
        ("text", "Text", "text"),
        ("image", "_ImageBase", "image"),
        ("collections", "Collection", "collection"),
        ("patches", "Patch", "patch"),
        ("legend", "Legend", "legend"),
        ("axis", "Tick", "tick"),
    ):
        known = getattr(sys.modules.get(f"matplotlib.{module}"), name, None)
        if isinstance(known, type) and isinstance(artist, known):
            return word
    return type(artist).__name__


# ---------------------------------------------------------------------------------------------------
# Drawing without a trace


@contextlib.contextmanager
def _quietly(numpy: Any) -> Iterator[None]:
    """Let nothing be said a second time."""
    with warnings.catch_warnings(), numpy.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield


@contextlib.contextmanager
def _untouched(figure: Any, artists: list[Any]) -> Iterator[None]:
    """Have no layout computed, tell nobody of the drawing, and give all artists their attributes back."""
    before = [dict(vars(artist)) for artist in artists]
    figure.get_layout_engine = lambda: None
    try:
        with figure.canvas.callbacks.blocked(signal="draw_event"):
            yield
    finally:
        for artist, own in zip(artists, before):  # noqa: B905
            vars(artist).clear()
            vars(artist).update(own)


def _observe(figure: Any, artists: list[Any], ink: Any) -> None:
    """Have each artist tell when it is drawn; `_untouched` takes that back."""
    images: Any = sys.modules["matplotlib.image"]
    for artist in artists:
        if artist is not figure:
            artist.draw = _telling(artist, ink, type(artist) is images.AxesImage)
    ink.stack.append(figure)


def _telling(artist: Any, ink: Any, is_image: bool) -> Any:
    plain = artist.draw

    def draw(renderer: Any, *args: Any, **kwargs: Any) -> None:
        ink.begin(artist)
        try:
            if is_image and artist.get_visible() and artist.get_array().size:
                _image(artist, ink)
            else:
                plain(renderer, *args, **kwargs)
                _values(artist, ink)
        finally:
            ink.stack.pop()

    return draw


def _values(artist: Any, ink: Any) -> None:
    """Keep the numbers behind the colours, sizes and arrows of what has just been drawn."""
    numpy: Any = sys.modules["numpy"]
    draws = ink.sheet.drawn(artist)
    if not draws:
        return
    found = {"value": artist.get_array() if hasattr(artist, "get_array") else None}
    found["area"] = artist.get_sizes() if hasattr(artist, "get_sizes") else None
    if type(artist).__module__ == "matplotlib.quiver":
        found.update({key: getattr(artist, key, None) for key in "UVuv"})
    for key, values in found.items():
        if values is not None:
            flat = numpy.ma.filled(numpy.ma.asarray(values).astype(float), numpy.nan)
            draws[-1]["numbers"][key] = ink.sheet.put(flat, "value")


# ---------------------------------------------------------------------------------------------------
# Images


def _image(artist: Any, ink: Any) -> None:
    """Write an image of axes down: its array, what maps it to colours, and where it is."""
    if artist.get_agg_filter() is not None:
        ink.stop_filter(None)
    numpy: Any = sys.modules["numpy"]
    array, gc = artist.get_array(), ink.new_gc()
    artist._set_gc_clip(gc)  # noqa: SLF001  # no other way tells how it is cut
    left, right, bottom, top = artist.get_extent()
    corners = [[left, bottom], [right, top]]
    alpha = artist.get_alpha()
    looks = {
        "alpha": ink.sheet.put([1.0] if alpha is None else alpha, "plain"),
        **ink.places.placed(corners, artist.get_transform(), artist.get_transform()),
    }
    words = {
        "array": ink.sheet.array(numpy.ma.getdata(array)),
        # "auto" was called "antialiased" until matplotlib 3.10
        "interpolation": str(artist.get_interpolation()).replace("antialiased", "auto"),
        "stage": str(getattr(artist, "_interpolation_stage", "")),
        "origin": artist.origin,
        "filter": [
            bool(artist.get_filternorm()),
            float(artist.get_filterrad()),
            bool(artist.get_resample()),
        ],
    }
    if numpy.ma.is_masked(array):
        words["mask"] = ink.sheet.array(numpy.ma.getmaskarray(array))
    if array.ndim == 2:
        looks.update(_mapped(artist, array, ink))
    ink.write("image", gc, looks, words, {})


def _mapped(artist: Any, array: Any, ink: Any) -> dict[str, Any]:
    """Return how numbers become colours: the colours of the map, and where numbers lie in it."""
    numpy: Any = sys.modules["numpy"]
    norm, cmap = artist.norm, artist.cmap
    steps = numpy.concatenate([numpy.linspace(0, 1, min(cmap.N, 256)), [-1, 2, numpy.nan]])
    finite = numpy.ma.masked_invalid(array).compressed().astype(float)
    spread = numpy.quantile(finite, numpy.linspace(0, 1, 17)) if finite.size else numpy.zeros(1)
    limits = [numpy.nan if each is None else float(each) for each in (norm.vmin, norm.vmax)]
    return {
        "colour map": ink.sheet.put(cmap(steps), "colour"),
        "colour limits": ink.sheet.put(limits, "value"),
        "norm": ink.sheet.put(numpy.ma.filled(norm(spread).astype(float), numpy.nan), "view"),
    }
