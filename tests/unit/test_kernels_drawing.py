"""How figures are written down: by what name, in which units, and without a trace."""

from __future__ import annotations

import io
import json
import warnings
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import image, patheffects
from matplotlib.figure import Figure
from matplotlib.offsetbox import AnnotationBbox, OffsetImage

from pytest_nbrepro.comparers import sheets
from pytest_nbrepro.kernels import child, drawing

mpl.use("agg")
MOST = 64 << 20


@pytest.fixture
def write(tmp_path: Path) -> Any:
    def of(figure: Figure, most: int = MOST) -> sheets.Sheet:
        drawing.write(figure, str(tmp_path / "a.npz"), child.sibling, most)
        return sheets.read(tmp_path / "a.npz")

    return of


def png(figure: Figure) -> bytes:
    stream = io.BytesIO()
    figure.savefig(stream, format="png", bbox_inches="tight")
    return stream.getvalue()


def busy(layout: str | None = None) -> Figure:
    """Return a figure that has been shown: with a colour bar, a legend in the best place, texts and an arrow."""
    figure = Figure(layout=layout)
    left, right = figure.subplots(1, 2)
    left.plot([1, 2, 3], [1, 3, 2], label="a")
    left.annotate("top", (2, 3), (1, 2), arrowprops={"arrowstyle": "->"})
    left.legend()
    left.set(title="T", xlabel="x")
    figure.colorbar(right.imshow(np.arange(6.0).reshape(2, 3)), ax=right)
    figure.suptitle("all")
    png(figure)
    return figure


@pytest.mark.parametrize("layout", [None, "constrained", "tight"])
def test_nothing_is_left_behind(write, layout):
    def state(figure: Figure) -> Any:
        return {id(artist): {k: id(v) for k, v in vars(artist).items()} for artist in figure.findobj()}

    figure, other, heard = busy(layout), busy(layout), []
    figure.canvas.mpl_connect("draw_event", heard.append)
    before = state(figure)
    write(figure)
    assert state(figure) == before
    assert heard == []
    assert png(figure) == png(other)
    (title,) = [text for text in figure.findobj() if getattr(text, "get_text", str)() == "T"]
    assert title.get_window_extent().width < 20  # by its real font, not by ours


def test_nor_is_it_when_it_fails(write):
    figure = busy()
    figure.axes[0].lines[0].set_agg_filter(lambda pixels, dpi: (pixels, 0, 0))
    before = [dict(vars(artist)) for artist in figure.findobj()]
    with pytest.raises(Exception, match="Line2D with an Agg filter is not captured"):
        write(figure)
    assert [dict(vars(artist)) for artist in figure.findobj()] == before


def test_names(write):
    assert set(write(busy()).artists) >= {
        "background",
        "background of axes 1",
        "line 1 of axes 1",
        "text 1 of axes 1",
        "title of axes 1",
        "label of x axis of axes 1",
        "left spine of axes 2",
        "patch 1 of legend of axes 1",
        "line 1 of legend of axes 1",
        "text 2 of legend of axes 1",
        "image 1 of axes 2",
        "heading",
    }


def test_two_of_one_name_are_told_apart(write, monkeypatch):
    monkeypatch.setattr(drawing, "names", lambda figure, axes: {})
    found = set(write(busy()).artists)
    assert {"Text", "Text #2", "Line2D", "Rectangle", "Rectangle #2"} <= found


def numbers(sheet: sheets.Sheet, name: str, draw: int = 0) -> dict[str, tuple[str, list[float]]]:
    found = sheet.artists[name].draws[draw].numbers
    return {key: (each.unit, each.values.tolist()) for key, each in found.items()}


def test_data_are_kept_as_they_came_and_all_else_by_its_share(write):
    figure = Figure(figsize=(4, 2), dpi=90)
    ax = figure.add_axes((0.25, 0.5, 0.5, 0.25))
    ax.plot([0.1, 0.2], [0.3, 1e-3], "o-", lw=2, ms=4)
    ax.set(yscale="log", xlim=(0, 1), ylim=(1e-4, 1))
    ax.text(0.5, 0.5, "t", transform=ax.transAxes)
    figure.text(0.5, 0.25, "f")
    sheet = write(figure)
    line, marks = numbers(sheet, "line 1 of axes 1"), numbers(sheet, "line 1 of axes 1", 1)
    assert line["x"] == ("data x", [0.1, 0.2])
    assert line["y"][0] == "data y"
    assert line["y"][1] == pytest.approx([0.3, 1e-3], rel=1e-12)
    assert (line["width"], line["dashes"]) == (("plain", [2.0]), ("plain", []))
    assert line["clip"] == ("axes", [0.0, 0.0, 1.0, 1.0])
    assert max(marks["marker"][1]) == pytest.approx(2)
    assert numbers(sheet, "text 1 of axes 1")["x"] == ("axes x", [0.5])
    assert numbers(sheet, "text 1")["y"] == ("figure y", [0.25])
    assert sheet.axes[0].numbers["place"].values.tolist() == [0.25, 0.5, 0.5, 0.25]
    assert sheet.axes[0].words == {"projection": "rectilinear", "x scale": "linear", "y scale": "log"}
    assert (sheet.span(0, "x"), sheet.span(None, "x")) == (1.0, float("inf"))
    assert (sheet.side(0, "x"), sheet.side(None, "y")) == (144.0, 144.0)


def test_what_does_not_show_is_not_written(write):
    figure = Figure()
    ax = figure.subplots()
    ax.axis("off")
    ax.plot([1, 2], [1, 2], visible=False)
    ax.plot([1, 2], [1, 2], lw=0)
    ax.add_patch(mpl.patches.Circle((1, 1), 1, facecolor="none", edgecolor="none"))
    ax.scatter([], [])
    ax.text(1, 1, "")
    assert set(write(figure).artists) == {"background"}


def test_a_text_that_is_drawn_as_outlines_is_still_a_text(write):
    figure = Figure()
    ax = figure.subplots()
    ax.text(0.1, 0.1, "one", path_effects=[patheffects.withStroke(linewidth=3, foreground="w")])
    ax.text(0.5, 0.5, "two", bbox={"facecolor": "w"})
    sheet = write(figure)
    assert [draw.words.get("text") for draw in sheet.artists["text 1 of axes 1"].draws] == ["one", "one"]
    assert [draw.words.get("text") for draw in sheet.artists["text 2 of axes 1"].draws] == [None, "two"]


def masked(ax: Any) -> None:
    ax.imshow(np.ma.array([[1, 2], [3, 4]], mask=[[0, 0], [0, 1]]))


def test_images_are_kept_with_their_dtype_and_mask(write):
    figure = Figure()
    masked(figure.subplots())
    (draw,) = write(figure).artists["image 1 of axes 1"].draws
    assert (draw.arrays["array"].dtype.kind, draw.arrays["array"].tolist()) == ("i", [[1, 2], [3, 4]])
    assert draw.arrays["mask"].tolist() == [[False, False], [False, True]]
    assert draw.numbers["colour limits"].values.tolist() == [1.0, 3.0]
    assert draw.words["origin"] == "upper"


def uneven(ax: Any) -> None:
    shown = image.NonUniformImage(ax)
    shown.set_data([0, 1], [0, 1], [[1, 2], [3, 4]])
    ax.add_image(shown)


def boxed(ax: Any) -> None:
    ax.add_artist(AnnotationBbox(OffsetImage(np.zeros((2, 2))), (0.5, 0.5)))


def filtered(ax: Any) -> None:
    masked(ax)
    ax.images[0].set_agg_filter(lambda pixels, dpi: (pixels, 0, 0))


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (uneven, "NonUniformImage is not captured"),
        (boxed, "BboxImage is not captured"),
        (filtered, "AxesImage with an Agg filter is not captured"),
    ],
)
def test_pixels_of_unknown_origin_are_refused(write, make, why):
    figure = Figure()
    make(figure.subplots())
    with pytest.raises(Exception, match=why):
        write(figure)


def test_so_is_what_is_too_large(write, tmp_path):
    with pytest.raises(Exception, match="bytes, more than the 0 MiB that are kept"):
        write(busy(), 1000)
    assert not (tmp_path / "a.npz").exists()


def test_nothing_is_said_twice(write):
    def label(value: float, _: int) -> str:
        warnings.warn("said", stacklevel=1)
        return f"{value}"

    figure = Figure()
    figure.subplots().xaxis.set_major_formatter(label)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        write(figure)


def test_the_file_is_an_archive_that_needs_no_pickle(write, tmp_path):
    write(busy())
    with np.load(tmp_path / "a.npz", allow_pickle=False) as members:
        assert {"figure", "data", "looks", "array 1"} == set(members.files)
        assert json.loads(members["figure"].tobytes())["format"] == 1
