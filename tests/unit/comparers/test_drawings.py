"""Figures by what is drawn: each change that shows is noticed and named, fonts and resolution are not."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib import patheffects
from matplotlib import pyplot as plt
from matplotlib.collections import EllipseCollection, LineCollection, PatchCollection
from matplotlib.colors import LogNorm, TwoSlopeNorm
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Ellipse, FancyBboxPatch

from pytest_nbrepro import comparers, files
from pytest_nbrepro.comparers import drawings, sheets, sketches
from pytest_nbrepro.comparers.base import Outcome, judge
from pytest_nbrepro.errors import UndecodableError
from pytest_nbrepro.kernels import child, drawing
from pytest_nbrepro.model import Artifact, ArtifactRule, Check, CheckStatus, Limits

mpl.use("agg")
MOST = 64 << 20
X = np.linspace(0, 1, 50)
Build = Callable[..., None]


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


# ---------------------------------------------------------------------------------------------------
# Figures, and what can be another in each


def line(
    point: Any = None,
    title: str = "AUC = 0.913",
    label: str = "a",
    visible: bool = True,
    second: bool = True,
    legend: Any = None,
    axes: Any = None,
    text: Any = None,
    ticks: Any = None,
    offset: float = 0.0,
    dashes: Any = None,
    figure: Any = None,
    do: Any = None,
    heading: str | None = None,
    **style: Any,
) -> None:
    fig, ax = plt.subplots(**(figure or {}))
    y = X**2 + offset
    if point is not None:
        y[17] = point
    (drawn,) = ax.plot(X, y, label=label, visible=visible, **{"marker": "o", "color": "C0", **style})
    if dashes:
        drawn.set_dashes(dashes)
    if second:
        ax.plot(X, X, "k--", label="chance")
    ax.set_title(title, **(text or {}))
    ax.set_xlabel("share")
    ax.legend(**{"loc": "upper left", **(legend or {})})
    ax.set(**(axes or {}))
    ax.tick_params(**(ticks or {}))
    note = ax.text(0.5, 0.5, "note", color="k")
    if heading:
        fig.suptitle(heading)
    if do:
        do(ax, note)


LINE = [
    {"point": 0.25},
    {"offset": 1e-3},
    {"color": "C1"},
    {"marker": "s"},
    {"alpha": 0.5},
    {"ls": "--"},
    {"dashes": [2, 2]},
    {"lw": 2},
    {"ms": 5},
    {"mec": "r"},
    {"mew": 2},
    {"fillstyle": "none"},
    {"fillstyle": "left"},
    {"markevery": 2},
    {"drawstyle": "steps"},
    {"solid_capstyle": "butt"},
    {"clip_on": False},
    {"zorder": 1.5},
    {"visible": False},
    {"second": False},
    {"title": "AUC = 0.918"},
    {"text": {"color": "r"}},
    {"text": {"weight": "bold"}},
    {"text": {"style": "italic"}},
    {"text": {"size": 11}},
    {"text": {"loc": "left"}},
    {"heading": "S"},
    {"label": "b"},
    {"legend": {"loc": "lower right"}},
    {"legend": {"ncols": 2}},
    {"legend": {"frameon": False}},
    {"legend": {"title": "L"}},
    {"axes": {"xlim": (0, 1.2)}},
    {"axes": {"ylim": (1, 0)}},
    {"axes": {"xscale": "log"}},
    {"axes": {"yscale": "symlog"}},
    {"axes": {"xlabel": "rate"}},
    {"axes": {"facecolor": "0.9"}},
    {"axes": {"aspect": "equal"}},
    {"axes": {"xticks": [0, 0.5, 1]}},
    {"ticks": {"labelrotation": 30}},
    {"ticks": {"labelsize": 8}},
    {"ticks": {"direction": "in"}},
    {"ticks": {"length": 6}},
    {"figure": {"facecolor": "0.9"}},
    {"figure": {"figsize": (6, 4.8)}},
    {"do": lambda ax, _: ax.grid()},
    {"do": lambda ax, _: ax.minorticks_on()},
    {"do": lambda ax, _: ax.axis("off")},
    {"do": lambda ax, _: ax.spines["top"].set_visible(False)},
    {"do": lambda ax, _: ax.spines["left"].set_position(("outward", 10))},
    {"do": lambda _, note: note.set_text("notes")},
    {"do": lambda _, note: note.set_x(0.52)},
    {"do": lambda _, note: note.set_rotation(45)},
    {"do": lambda _, note: note.set_bbox({"facecolor": "y"})},
    {"do": lambda ax, _: ax.xaxis.set_major_formatter("{x:.2f}")},
    {"do": lambda ax, _: ax.set_position([0.2, 0.11, 0.7, 0.77])},
]


def scatter(
    x: Any = None, value: Any = None, s: Any = 20.0, n: int = 50, bar: bool = True, **style: Any
) -> None:
    fig, ax = plt.subplots()
    xs, ys, values = rng().normal(size=(3, n))
    xs[3] = xs[3] if x is None else x
    values[3] = values[3] if value is None else value
    style = style if "norm" in style else {"vmin": -2, "vmax": 2, **style}
    drawn = ax.scatter(xs, ys, c=values, s=s, **style)
    if bar:
        fig.colorbar(drawn, label="z")


SCATTER = [
    {"x": 0.1},
    {"value": -1.0745},  # less than a step of the colour map
    {"s": 21},
    {"s": [20.0] * 49 + [30.0]},
    {"n": 51},
    {"cmap": "plasma"},
    {"vmax": 3},
    {"norm": TwoSlopeNorm(0.5, -2, 2)},
    {"marker": "^"},
    {"edgecolors": "k"},
    {"linewidths": 3},
    {"alpha": 0.5},
    {"bar": False},
]


def bars(height: float = 0.4, names: Any = ("a", "b", "c"), error: float = 0.1, **style: Any) -> None:
    _, ax = plt.subplots()
    ax.bar_label(ax.bar(names, [0.2, height, 0.3], yerr=[0.05, error, 0.1], **{"capsize": 3, **style}))


BARS = [
    {"height": 0.401},
    {"width": 0.7},
    {"names": ("a", "b", "d")},
    {"error": 0.11},
    {"capsize": 5},
    {"bottom": 0.01},
    {"hatch": "//"},
    {"color": ["C0", "C0", "C1"]},
    {"edgecolor": "k"},
]


def image(
    pixel: Any = None, dtype: Any = None, cut: bool = False, missing: bool = False, **style: Any
) -> None:
    fig, ax = plt.subplots()
    shown = rng().random((20, 30))
    shown[3, 4] = shown[3, 4] if pixel is None else pixel
    if missing:
        shown[5, 5] = np.nan
    drawn = ax.imshow(shown if dtype is None else (shown * 255).astype(dtype), **style)
    if cut:
        drawn.set_clip_path(Circle((10, 10), 5, transform=ax.transData))
    fig.colorbar(drawn)


IMAGE = [
    {"pixel": 0.98},
    {"missing": True},
    {"dtype": np.uint8},
    {"cmap": "plasma"},
    {"vmin": 0.1},
    {"norm": LogNorm(0.01, 1)},
    {"interpolation": "bilinear"},
    {"origin": "lower"},
    {"extent": (0, 1, 0, 1)},
    {"alpha": 0.5},
    {"aspect": "auto"},
    {"cut": True},
]


def photo(pixel: int = 0, hole: bool = False) -> None:
    _, ax = plt.subplots()
    shown = (rng().random((20, 30, 3)) * 255).astype(np.uint8)
    shown[3, 4, 1] ^= pixel
    ax.imshow(np.ma.array(shown, mask=np.arange(1800).reshape(20, 30, 3) < hole))


def contour(level: float = 0.5, wide: float = 1.0, labels: bool = True, **style: Any) -> None:
    _, ax = plt.subplots()
    x, y = np.meshgrid(np.linspace(-2, 2, 30), np.linspace(-2, 2, 30))
    z = np.exp(-(x**2) - wide * y**2)
    ax.contourf(x, y, z, levels=[0, 0.2, level, 0.8, 1], **style)
    lines = ax.contour(x, y, z, levels=[0.2, level, 0.8], colors="k")
    if labels:
        ax.clabel(lines)


def mesh(value: Any = None, **style: Any) -> None:
    _, ax = plt.subplots()
    shown = rng().random((10, 12))
    shown[2, 3] = shown[2, 3] if value is None else value
    ax.pcolormesh(shown, **style)


def areas(top: float = 1.0, end: float = 0.4, level: float = 0.5, **style: Any) -> None:
    _, ax = plt.subplots()
    ax.fill_between(X, X**2, X * top, **{"alpha": 0.3, **style})
    ax.axvspan(0.2, end, color="r", alpha=0.1)
    ax.axhline(level)
    ax.axline((0, 0), slope=level)


def polar(value: float = 1.0, most: Any = None) -> None:
    ax = plt.figure().add_subplot(projection="polar")
    t = np.linspace(0, 2 * np.pi, 40)
    ax.plot(t, 1 + 0.5 * value * np.sin(3 * t))
    ax.bar([0, 1], [0.5, 0.6])
    ax.scatter(t, t * value)
    if most:
        ax.set_rmax(most)


def solid(value: float = 1.0, elev: float = 30) -> None:
    ax = plt.figure().add_subplot(projection="3d")
    x, y = np.meshgrid(X[::5], X[::5])
    ax.plot_surface(x, y, np.sin(3 * x * value) * y, cmap="viridis")
    ax.scatter(X, X, X * value)
    ax.view_init(elev=elev)


def arrows(value: float = 1.0, turn: float = 1.0, **style: Any) -> None:
    _, ax = plt.subplots()
    x, y = np.meshgrid(np.arange(4), np.arange(4))
    ax.quiver(x, y, np.cos(x) * value, np.sin(y), **style)
    ax.barbs(x, y, 20 * np.cos(x), 20 * np.sin(y) * turn)


def annotated(x: float = 0.5, words: str = "peak", arrow: str = "->", color: str = "k") -> None:
    _, ax = plt.subplots()
    ax.plot(X, X)
    ax.annotate(words, (x, 0.5), (0.2, 0.8), arrowprops={"arrowstyle": arrow, "color": color})


def outlined(width: float = 3, words: str = "hi") -> None:
    _, ax = plt.subplots()
    effects = [patheffects.withStroke(linewidth=width, foreground="r")]
    ax.plot(X, X, path_effects=effects)
    ax.text(0.5, 0.5, words, path_effects=effects)
    ax.text(0.2, 0.2, "framed", bbox={"facecolor": "w"})


def shapes(
    radius: float = 0.2, face: str = "b", value: float = 2.0, width: float = 2.0, tall: float = 0.1
) -> None:
    _, ax = plt.subplots()
    ax.add_patch(Circle((0.5, 0.5), radius, facecolor=face))
    ax.add_patch(Ellipse((0.2, 0.2), 0.1, 0.2, angle=30, facecolor="none"))
    ax.add_patch(FancyBboxPatch((0.7, 0.7), 0.1, 0.1))
    ax.add_collection(
        PatchCollection([Circle((0.1, 0.9), 0.05), Circle((0.2, 0.9), 0.05)], array=np.array([1.0, value]))
    )
    ax.add_collection(LineCollection([[(0, 1), (1, 0)], [(0, 0.5), (1, 0.5)]], linewidths=[1, width]))
    ax.add_collection(
        EllipseCollection(
            [0.1, 0.2],
            [tall, 0.1],
            [0, 30],
            units="x",
            offsets=[(0.3, 0.3), (0.8, 0.3)],
            offset_transform=ax.transData,
        )
    )


def panels(layout: str = "constrained", value: float = 0.3) -> None:
    fig, axes = plt.subplots(2, 3, layout=layout, sharex=True)
    for number, ax in enumerate(axes.flat):
        ax.plot(X, X**number + (value if number == 4 else 0))
        ax.set(title=f"panel {number}", ylabel="value")
    fig.legend(["a"])


def inset(value: float = 0.3) -> None:
    _, ax = plt.subplots()
    ax.plot(X, X)
    ax.inset_axes([0.6, 0.1, 0.3, 0.3]).plot(X, X + value)
    ax.twinx().plot(X, 1 - X, "r")


def nested(value: float = 0.3, name: str = "A") -> None:
    left, right = plt.figure().subfigures(1, 2)
    left.subplots(2, 1)[0].plot(X, X + value)
    left.suptitle(name)
    right.subplots().imshow(rng().random((4, 4)))


def dates(minutes: int = 0) -> None:
    fig, ax = plt.subplots()
    times = np.datetime64("2024-01-01T00:00") + 60 * np.arange(24)
    times[5] += minutes
    ax.plot(times, np.arange(24.0))
    fig.autofmt_xdate()


def others(cell: str = "1", share: float = 0.3, bins: int = 10, shift: float = 0.0, grid: int = 20) -> None:
    _, axes = plt.subplots(2, 3)
    axes[0, 0].table([["a", cell], ["b", "2"]], loc="center")
    axes[0, 1].pie([share, 0.5, 0.2], labels=["a", "b", "c"], autopct="%1.1f%%")
    values = rng().normal(size=(2, 500))
    axes[0, 2].hist(values[0], bins=bins, histtype="stepfilled")
    axes[1, 0].boxplot(values[0] + shift)
    axes[1, 1].violinplot(values[1] + shift)
    axes[1, 2].hexbin(*values, gridsize=grid)


CHANGES: dict[Build, list[dict[str, Any]]] = {
    line: LINE,
    scatter: SCATTER,
    bars: BARS,
    image: IMAGE,
    photo: [{"pixel": 1}, {"hole": True}],
    contour: [
        {"level": 0.51},
        {"wide": 1.01},
        {"labels": False},
        {"cmap": "plasma"},
        {"hatches": ["/", "."]},
    ],
    mesh: [{"value": 0.98}, {"cmap": "plasma"}, {"edgecolors": "k"}, {"shading": "gouraud"}],
    areas: [
        {"top": 1.002},
        {"end": 0.41},
        {"level": 0.51},
        {"alpha": 0.4},
        {"where": X > 0.1},
        {"hatch": "/"},
    ],
    polar: [{"value": 1.001}, {"most": 2}],
    solid: [{"value": 1.001}, {"elev": 35}],
    arrows: [{"value": 1.001}, {"turn": 1.001}, {"color": "r"}],
    annotated: [{"x": 0.51}, {"words": "peaks"}, {"arrow": "-|>"}, {"color": "r"}],
    outlined: [{"width": 5}, {"words": "ho"}],
    shapes: [{"radius": 0.21}, {"face": "r"}, {"value": 2.1}, {"width": 3.0}, {"tall": 0.12}],
    panels: [{"value": 0.31}],
    inset: [{"value": 0.31}],
    nested: [{"value": 0.31}, {"name": "B"}],
    dates: [{"minutes": 5}],
    others: [{"cell": "3"}, {"share": 0.31}, {"bins": 11}, {"shift": 0.01}, {"grid": 21}],
}
ALL = [(build, change) for build, changes in CHANGES.items() for change in changes]


# ---------------------------------------------------------------------------------------------------
# Writing and comparing


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Draw a figure, and write it down."""
    folder, numbers = tmp_path_factory.mktemp("figures"), itertools.count()

    def write(build: Build, rc: Any = None, **change: Any) -> Path:
        path = folder / f"{next(numbers)}.npz"
        with plt.rc_context(rc or {}):
            build(**change)
            plt.gcf().draw_without_rendering()
            drawing.write(plt.gcf(), str(path), child.sibling, MOST)
        plt.close("all")
        return path

    return write


@pytest.fixture(scope="module")
def baseline(written: Any) -> Callable[[Build], Path]:
    return functools.cache(written)


def compare(old: Path, new: Path, **rule: Any) -> Outcome:
    return judge(drawings.FigureComparer(), old, new, ArtifactRule("*", **rule), {})


@pytest.mark.parametrize(("build", "change"), ALL, ids=lambda x: getattr(x, "__name__", None) or "-".join(x))
def test_a_change_that_shows_is_noticed(baseline, written, build, change):
    outcome = compare(baseline(build), written(build, **change))
    assert outcome.status in {CheckStatus.DRIFT, CheckStatus.STRUCTURE}
    assert outcome.worst is not None or outcome.message


@pytest.mark.parametrize("build", CHANGES, ids=lambda build: build.__name__)
def test_the_same_figure_is_written_in_the_same_bytes(baseline, written, build):
    assert baseline(build).read_bytes() == written(build).read_bytes()


@pytest.mark.parametrize("rc", [{"figure.dpi": 77, "font.family": "monospace"}, {"figure.dpi": 200}])
@pytest.mark.parametrize("build", CHANGES, ids=lambda build: build.__name__)
def test_resolution_and_fonts_do_not_matter(baseline, written, build, rc):
    plain = {"labels": False} if build is contour else {}  # labels are cut in by the width of a font
    old = written(build, **plain) if plain else baseline(build)
    assert compare(old, written(build, rc, **plain)).status.ok


def noisy() -> None:
    line(offset=1e-15)


def test_rounding_noise_passes_within_the_limits(baseline, written):
    outcome = compare(baseline(line), written(noisy))
    assert outcome.status is CheckStatus.WITHIN
    assert outcome.used < 1e-6


# ---------------------------------------------------------------------------------------------------
# What is told


@pytest.mark.parametrize(
    ("build", "change", "where", "before", "after"),
    [
        (line, {"point": 0.25}, "line 1 of axes 1: y[17]", "0.12", "0.25"),
        (line, {"color": "C1"}, "line 1 of axes 1: colour", "#1f77b4ff", "#ff7f0eff"),
        (line, {"title": "AUC = 0.918"}, "title of axes 1", "'AUC = 0.913'", "'AUC = 0.918'"),
        (line, {"label": "b"}, "text 2 of legend of axes 1", "'a'", "'b'"),
        (line, {"axes": {"xlim": (0, 1.2)}}, "axes 1: x limits[1]", "1.05", "1.2"),
        (line, {"axes": {"xscale": "log"}}, "axes 1: x scale", "'linear'", "'log'"),
        (
            line,
            {"zorder": 1.5},
            "order: drawn after background of axes 1",
            "line 1 of tick 2",
            "line 1 of axes 1",
        ),
        (line, {"figure": {"facecolor": "0.9"}}, "background: face colour", "#ffffffff", "#e5e5e5ff"),
        (scatter, {"x": 0.1}, "collection 1 of axes 1: x[3]", "0.10", "0.1"),
        (bars, {"width": 0.7}, "patch 1 of axes 1: x[0]", "-0.4", "-0.3"),
        (image, {"pixel": 0.98}, "image 1 of axes 1: array[3, 4]", "0.98", "0.98"),
        (arrows, {"value": 1.001}, "collection 1 of axes 1: U[", "", ""),
        (panels, {"value": 0.31}, "line 1 of axes 5: y[", "", ""),
        (nested, {"name": "B"}, "heading of SubFigure 1", "'A'", "'B'"),
    ],
)
def test_the_worst_place_is_named(baseline, written, build, change, where, before, after):
    worst = compare(baseline(build), written(build, **change)).worst
    assert worst.where.startswith(where)
    assert worst.baseline.startswith(before)
    assert worst.result.startswith(after)


@pytest.mark.parametrize(
    ("build", "change", "message"),
    [
        (line, {"visible": False}, "line 1 of axes 1: lost; line 1 of legend of axes 1: lost"),
        (line, {"figure": {"figsize": (6, 4.8)}}, "figure: inches 6.4 x 4.8 -> 6 x 4.8"),
        (
            line,
            {"markevery": 2},
            "line 1 of axes 1: markers points: 50 -> 25",
        ),
        (line, {"marker": ""}, "line 1 of axes 1: path and markers -> path"),
        (line, {"heading": "S"}, "heading: new"),
        (line, {"fillstyle": "none"}, "line 1 of axes 1: markers face colour: lost"),
        (image, {"dtype": np.uint8}, "image 1 of axes 1: array: float64 (20, 30) -> uint8 (20, 30)"),
        (scatter, {"bar": False}, "collection 2 of axes 2: lost; axes: 2 -> 1"),
        (scatter, {"edgecolors": "k"}, "collection 1 of axes 1: colour: 200 -> 4 numbers"),
        (line, {"color": "C1"}, "line 1 of axes 1: colour: 1 of 1 colour"),
        (bars, {"hatch": "//"}, "patch 1 of axes 1: hatch: new"),
    ],
)
def test_so_is_what_has_no_place(baseline, written, build, change, message):
    assert message in compare(baseline(build), written(build, **change)).message


def test_the_cause_comes_before_what_it_moves(baseline, written):
    outcome = compare(baseline(line), written(line, offset=0.1))
    assert [check.name for check in outcome.parts][:2] == ["line 1 of axes 1", "axes 1"]
    assert outcome.used == outcome.parts[0].used
    assert outcome.message.endswith(" more")


# ---------------------------------------------------------------------------------------------------
# Rules


def off(share: float) -> Callable[[], None]:
    def build() -> None:
        _, ax = plt.subplots()
        ax.plot([0.0, 1.0, 2.0], [1.0, 2.0 * (1 + share), 4.0])

    return build


def test_limits_of_the_annotation_hold_for_data_and_their_suggestion_mends(written):
    old, new = written(off(0)), written(off(2e-5))
    outcome = compare(old, new)
    assert outcome.status is CheckStatus.DRIFT
    assert outcome.allow == '{columns: {"line 1 of axes 1": {rel: 2.2e-5}}}'
    assert compare(old, new, limits=Limits(rel=2.2e-5)).status is CheckStatus.WITHIN
    assert compare(old, new, columns={"line 1 of axes 1": Limits(rel=2.2e-5)}).status is CheckStatus.WITHIN
    assert compare(old, new, columns={"line 2*": Limits(rel=1.0)}).status is CheckStatus.DRIFT


def test_looser_data_take_their_limits_along(written):
    def top(share: float) -> Callable[[], None]:
        def build() -> None:
            _, ax = plt.subplots()
            ax.plot([0.0, 1.0], [1.0, 4.0 * (1 + share)])

        return build

    old, new = written(top(0)), written(top(1e-3))
    assert compare(old, new).status is CheckStatus.DRIFT
    assert compare(old, new, limits=Limits(rel=2e-3)).status is CheckStatus.WITHIN


def test_what_is_ignored_by_name_does_not_count(baseline, written):
    changed = written(line, title="another", visible=False)
    hidden = ("title*", "line 1 of axes 1", "line 1 of legend*")
    assert compare(baseline(line), changed, ignore_columns=hidden).status is CheckStatus.EQUAL
    assert (
        compare(baseline(line), changed, ignore_columns=hidden[1:]).message
        == "title of axes 1: text: changed"
    )


def test_no_suggestion_for_looks(baseline, written):
    assert compare(baseline(line), written(line, lw=1.51)).allow is None


def test_what_is_large_beside_the_range_of_axes_may_not_move_so_that_it_shows(baseline, written):
    outcome = compare(baseline(dates), written(dates, minutes=5))
    assert outcome.worst.where == "line 1 of axes 1: x[5]"
    assert (
        compare(baseline(dates), written(dates, minutes=5), limits=Limits(rel=1e-6)).status
        is CheckStatus.WITHIN
    )


def test_a_sketch_of_a_large_figure_proves_what_it_can(written, tmp_path):
    def many(y: float = 0.5) -> Callable[[], None]:
        def build() -> None:
            _, ax = plt.subplots(layout="tight")
            values = np.sin(np.arange(100_000) / 1000)
            values[70_000] += y
            ax.plot(values)

        return build

    def sketched(old: Path, new: Path) -> Outcome:
        sketches.write(old, "figure", {}, tmp_path / "sketch.npz")
        return sketches.compare(tmp_path / "sketch.npz", new, "figure", ArtifactRule("*"), {})

    old = written(many())
    assert sketched(old, written(many())).status is CheckStatus.EQUAL
    assert sketched(old, written(many(), {"figure.dpi": 77})).status is CheckStatus.UNPROVEN
    found = sketched(old, written(many(0.6)))
    assert (found.status, found.worst.where[:5]) == (CheckStatus.DRIFT, "data[")


# ---------------------------------------------------------------------------------------------------
# Files


def test_the_schema_says_how_much_there_is(baseline):
    assert drawings.FigureComparer().schema(baseline(line)) == {"size": [6.4, 4.8], "axes": 1, "artists": 40}


def broken(path: Path, **change: Any) -> Path:
    import json

    with np.load(path) as members:
        found = dict(members)
    facts = json.loads(found.pop("figure").tobytes())
    for key, value in change.items():
        if key in found:
            found[key] = value
        else:
            facts[key] = value(facts) if callable(value) else value
    target = path.with_name("broken.npz")
    np.savez(target, figure=np.frombuffer(json.dumps(facts).encode(), np.uint8), **found)
    return target


@pytest.mark.parametrize(
    "change",
    [
        {"format": 2},
        {"artists": None},
        {"artists": lambda facts: facts["artists"] * 2},
        {"artists": lambda facts: [{**facts["artists"][0], "axes": 1}]},
        {"axes": lambda facts: [{**facts["axes"][0], "numbers": {}}]},
        {"axes": []},
        {"data": np.zeros(3)},
        {"data": np.zeros(100_000, int)},
        {"size": ["plain", -1, 2]},
    ],
)
def test_what_is_no_such_file(baseline, change):
    path = broken(baseline(line), **change)
    with pytest.raises(UndecodableError, match="not readable as a figure"):
        sheets.read(path)
    assert compare(baseline(line), path).status is CheckStatus.STRUCTURE
    assert compare(path, baseline(line)).status is CheckStatus.ERROR


def test_neither_is_what_is_no_archive(tmp_path, baseline):
    (tmp_path / "a.npz").write_bytes(baseline(line).read_bytes()[:900])
    with pytest.raises(UndecodableError, match="not readable as a figure"):
        sheets.read(tmp_path / "a.npz")


@pytest.fixture(scope="module")
def good(tmp_path_factory) -> bytes:
    path = tmp_path_factory.mktemp("good") / "a.npz"
    made = Figure()
    made.subplots().plot([1.0, 2.0], [0.5, -4.0])
    drawing.write(made, str(path), child.sibling, 1 << 20)
    return path.read_bytes()


def beside(folder: Path, old: bytes, new: bytes) -> Check:
    """Compare two files that the kernel is said to have kept of a figure."""
    sides = []
    for name, data in (("old", old), ("new", new)):
        file = folder / name / "cells" / "a.npz"
        files.write_bytes(file, data)
        artifact = Artifact("a", "figure", "cells/a.npz", files.sha256(file), len(data))
        sides.append(comparers.described(artifact, folder / name))
    return comparers.compare(sides[0], folder / "old", sides[1], folder / "new", ArtifactRule("a"))


@given(data=st.data())
def test_damaged_files_give_a_check_and_never_pass(good, tmp_path_factory, data):
    cut = data.draw(st.integers(0, len(good) - 1))
    bad = data.draw(st.binary(max_size=300) | st.just(good[:cut]))
    folder = tmp_path_factory.mktemp("damaged")
    for old, new in ((good, bad), (bad, good)):
        assert not beside(folder, old, new).status.ok
