"""Images: worst tile, structure, alpha, broken files; the false passes of whole-image averages."""

from __future__ import annotations

import io
import math
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from pytest_nbrepro.comparers import base
from pytest_nbrepro.comparers.images import ImageComparer
from pytest_nbrepro.errors import UndecodableError
from pytest_nbrepro.model import ArtifactRule, CheckStatus, Limits

EQUAL, WITHIN, DRIFT = CheckStatus.EQUAL, CheckStatus.WITHIN, CheckStatus.DRIFT
STRUCTURE, ERROR = CheckStatus.STRUCTURE, CheckStatus.ERROR
RNG = np.random.default_rng(1)
NOISE = RNG.integers(0, 256, (60, 80, 3), dtype=np.uint8)


def saved(folder: Path, name: str, image, **options) -> Path:
    path = folder / name
    if not isinstance(image, Image.Image):
        image = Image.fromarray(image)
    image.save(path, **options)
    return path


def judged(baseline: Path, result: Path, tile: float | None = None) -> base.Outcome:
    return base.judge(ImageComparer(), baseline, result, ArtifactRule("*", tile=tile), {})


def compared(folder: Path, one, other, tile: float | None = None, suffix: str = "png") -> base.Outcome:
    return judged(saved(folder, f"a.{suffix}", one), saved(folder, f"b.{suffix}", other), tile)


def white(height=150, width=200, channels=3):
    return np.full((height, width, channels), 255, dtype=np.uint8)


def with_block(page, top, left, height, width, value=0):
    page = page.copy()
    page[top : top + height, left : left + width] = value
    return page


# ---------------------------------------------------------------------------------------------------
# Equal


def test_equal_pixels_with_other_metadata_are_equal(tmp_path):
    info = PngImagePlugin.PngInfo()
    info.add_text("Software", "Matplotlib version 9")
    one = saved(tmp_path, "a.png", NOISE)
    other = saved(tmp_path, "b.png", NOISE, pnginfo=info, compress_level=1)
    assert one.read_bytes() != other.read_bytes()
    outcome = judged(one, other)
    assert (outcome.status, outcome.used, outcome.n, outcome.bad) == (EQUAL, 0.0, 60 * 80, 0)


def test_faint_change_is_within_and_not_equal(tmp_path):
    outcome = compared(tmp_path, white(), with_block(white(), 3, 4, 5, 6, 239))
    assert (outcome.status, outcome.used, outcome.bad) == (WITHIN, 0.0, 0)
    assert "off by up to 16 levels" in outcome.message


def test_one_level_more_drifts(tmp_path):
    outcome = compared(tmp_path, white(), with_block(white(), 3, 4, 1, 1, 238))
    assert (outcome.status, outcome.used, outcome.bad) == (DRIFT, math.inf, 1)
    assert outcome.limit == "tile 0%"


def test_reordered_palette_is_equal(tmp_path):
    indexes = RNG.integers(0, 2, (20, 20), dtype=np.uint8)
    one, other = Image.fromarray(indexes), Image.fromarray(1 - indexes)
    one.putpalette([255, 0, 0, 0, 0, 255])
    other.putpalette([0, 0, 255, 255, 0, 0])
    assert compared(tmp_path, one, other).status is EQUAL


def test_changed_palette_drifts(tmp_path):
    indexes = RNG.integers(0, 2, (20, 20), dtype=np.uint8)
    one, other = Image.fromarray(indexes), Image.fromarray(indexes)
    one.putpalette([255, 0, 0, 0, 0, 255])
    other.putpalette([255, 0, 0, 0, 99, 255])
    assert compared(tmp_path, one, other).status is DRIFT


# ---------------------------------------------------------------------------------------------------
# Structure: never resized, cropped or flattened


@pytest.mark.parametrize(
    ("other", "told"),
    [
        (NOISE[:40], "size [80, 60] -> [80, 40]"),
        (NOISE[:, :79], "size"),
        (NOISE[..., 0], "mode RGB -> L"),
        (np.dstack([NOISE, NOISE[..., 0]]), "mode RGB -> RGBA"),
    ],
)
def test_other_size_or_mode_is_structure(tmp_path, other, told):
    outcome = compared(tmp_path, NOISE, np.ascontiguousarray(other), tile=1.0)
    assert outcome.status is STRUCTURE
    assert told in outcome.message


def test_cropped_figure_does_not_pass(tmp_path):
    assert compared(tmp_path, white(100, 200), white(60, 200), tile=1.0).status is STRUCTURE


def test_other_format_under_the_same_name_is_structure(tmp_path):
    one = saved(tmp_path, "a.png", NOISE)
    other = saved(tmp_path, "b.png", NOISE, format="BMP")
    assert judged(one, other).status is STRUCTURE


def test_opaque_red_and_transparent_red_differ(tmp_path):
    red = np.zeros((10, 10, 4), dtype=np.uint8)
    red[..., 0], red[..., 3] = 255, 255
    clear = red.copy()
    clear[..., 3] = 0
    outcome = compared(tmp_path, red, clear)
    assert (outcome.status, outcome.bad) == (DRIFT, 100)
    assert outcome.worst is not None
    assert (outcome.worst.baseline, outcome.worst.result) == ("#ff0000ff", "#ff000000")


@pytest.mark.parametrize("mode", ["RGB", "L", "1"])
def test_transparent_colour_of_a_mode_without_alpha_counts(tmp_path, mode):
    image = Image.new(mode, (10, 10), 0)
    key = (0, 0, 0) if mode == "RGB" else 0
    other = (255, 255, 255) if mode == "RGB" else 1
    one = saved(tmp_path, "a.png", image, transparency=key)
    assert judged(one, saved(tmp_path, "b.png", image)).status is STRUCTURE
    assert judged(one, saved(tmp_path, "c.png", image, transparency=other)).status is DRIFT
    assert judged(one, saved(tmp_path, "d.png", image, transparency=key, compress_level=0)).status is EQUAL


def test_transparent_number_of_16_bits_counts(tmp_path):
    image = Image.fromarray(np.zeros((5, 5), dtype=np.uint16))
    one = saved(tmp_path, "a.png", image, transparency=0)
    two = saved(tmp_path, "b.png", image, transparency=9)
    outcome = judged(one, two)
    assert outcome.status is STRUCTURE
    assert "with a transparent colour 0 -> " in outcome.message
    assert judged(one, saved(tmp_path, "c.png", image, transparency=0)).status is EQUAL


@pytest.mark.parametrize("mode", ["LA", "CMYK", "LAB", "1"])
def test_every_channel_of_rare_modes_counts(tmp_path, mode):
    image = Image.new(mode, (9, 9), 0)
    bands = len(image.getbands())
    one = saved(tmp_path, "a.tiff", image)
    assert judged(one, saved(tmp_path, "b.tiff", image, software="x")).status is EQUAL
    for band in range(bands):
        other = image.copy()
        value = [200 if band == i else 0 for i in range(bands)]
        other.putpixel((4, 4), value[0] if bands == 1 else tuple(value))
        assert judged(one, saved(tmp_path, "b.tiff", other)).status is DRIFT


# ---------------------------------------------------------------------------------------------------
# Deep numbers


@pytest.mark.parametrize("dtype", [np.uint16, np.int32, np.float32])
def test_deep_images_are_scaled_to_the_baselines_range(tmp_path, dtype):
    ramp = np.linspace(0, 1000, 80 * 60).reshape(60, 80).astype(dtype)
    near, far = ramp.copy(), ramp.copy()
    near[5, 5] += 60
    far[5, 5] += 80
    assert compared(tmp_path, ramp, near, suffix="tiff").status is WITHIN
    outcome = compared(tmp_path, ramp, far, suffix="tiff")
    assert (outcome.status, outcome.bad) == (DRIFT, 1)
    assert outcome.worst is not None
    assert outcome.worst.where.endswith("pixel (5,5)")


def test_constant_deep_image_is_exact(tmp_path):
    flat = np.full((9, 9), 7, dtype=np.float32)
    other = flat.copy()
    other[0, 0] = np.nextafter(np.float32(7), np.float32(8))
    assert compared(tmp_path, flat, other, suffix="tiff").status is DRIFT


def test_nan_and_infinity_equal_only_themselves(tmp_path):
    deep = np.linspace(0, 1, 100, dtype=np.float32).reshape(10, 10)
    deep[0, 0], deep[0, 1], deep[0, 2] = np.nan, np.inf, -np.inf
    same = deep.copy()
    same[5, 5] = np.nextafter(same[5, 5], np.float32(2))
    assert compared(tmp_path, deep, same, suffix="tiff").status is WITHIN
    for place, value in [((0, 0), 0.0), ((0, 1), -np.inf), ((0, 2), 5.0), ((3, 3), np.nan)]:
        other = deep.copy()
        other[place] = value
        outcome = compared(tmp_path, deep, other, suffix="tiff")
        assert (outcome.status, outcome.bad) == (DRIFT, 1)


def test_no_finite_number_at_all(tmp_path):
    nothing = np.full((9, 9), np.nan, dtype=np.float32)
    other = nothing.copy()
    other[2, 3] = 1
    assert compared(tmp_path, nothing, other, suffix="tiff").status is DRIFT


# ---------------------------------------------------------------------------------------------------
# Tiles


def test_small_black_block_on_a_large_page(tmp_path):
    page = white(1500, 2000, 1)[..., 0]
    outcome = compared(tmp_path, page, with_block(page, 700, 900, 13, 13))
    assert (outcome.status, outcome.used, outcome.bad, outcome.n) == (DRIFT, math.inf, 169, 3_000_000)
    assert outcome.worst is not None
    assert outcome.worst.where.startswith("tile at (881,681), pixel (")
    assert "13x13 at (900,700)" in outcome.message
    assert "off by up to 255 levels" in outcome.message
    assert outcome.allow is None


@settings(max_examples=40, deadline=None)
@given(top=st.integers(0, 100), left=st.integers(0, 150), high=st.integers(1, 50), wide=st.integers(1, 50))
def test_a_change_counts_the_same_wherever_it_lies(tmp_path_factory, top, left, high, wide):
    folder = tmp_path_factory.getbasetemp()
    page = white(150, 200, 1)[..., 0]
    outcome = compared(folder, page, with_block(page, top, left, high, wide), tile=0.5)
    assert outcome.used == pytest.approx(high * wide / 2500 / 0.5)
    assert outcome.status is (WITHIN if high * wide <= 1250 else DRIFT)
    x, y = (int(part) for part in re.findall(r"\d+", outcome.worst.where)[:2])
    assert x <= left < left + wide <= x + 50 <= 200
    assert y <= top < top + high <= y + 50 <= 150


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), high=st.integers(1, 120), wide=st.integers(1, 120))
def test_worst_tile_is_that_of_a_search_over_all(tmp_path_factory, seed, high, wide):
    rng = np.random.default_rng(seed)
    page = white(high, wide, 1)[..., 0]
    changed = np.where(rng.random((high, wide)) < rng.random() ** 3, 0, page).astype(np.uint8)
    outcome = compared(tmp_path_factory.getbasetemp(), page, changed, tile=1.0)
    tall, broad = min(50, high), min(50, wide)
    windows = np.lib.stride_tricks.sliding_window_view(changed == 0, (tall, broad))
    assert outcome.used == pytest.approx(windows.sum(axis=(2, 3)).max() / (tall * broad))


def test_place_is_the_largest_change_of_the_worst_tile(tmp_path):
    page = with_block(white(), 10, 10, 5, 5, 100)
    page[120, 180] = 0  # larger, but alone in its tile
    outcome = compared(tmp_path, white(), page)
    assert outcome.worst is not None
    assert outcome.worst.where.endswith("pixel (10,10)")
    assert outcome.worst.result == "#646464"
    assert "171x111 at (10,10)" in outcome.message


def test_image_smaller_than_a_tile_counts_as_one(tmp_path):
    icon = white(10, 10)
    outcome = compared(tmp_path, icon, with_block(icon, 0, 0, 5, 10), tile=0.4)
    assert (outcome.status, outcome.used) == (DRIFT, pytest.approx(1.25))
    assert outcome.allow == "{tile: 55%}"


@pytest.mark.parametrize(("pixels", "allow"), [(9, "{tile: 0.4%}"), (45, "{tile: 2%}"), (46, None)])
def test_allowance_is_suggested_only_where_it_hides_little(tmp_path, pixels, allow):
    outcome = compared(tmp_path, white(), with_block(white(), 70, 70, 1, pixels))
    assert outcome.allow == allow


def test_suggested_allowance_passes(tmp_path):
    outcome = compared(tmp_path, white(), with_block(white(), 70, 70, 3, 11), tile=0.01)
    assert outcome.allow is not None
    assert outcome.status is DRIFT
    tile = float(outcome.allow.removeprefix("{tile: ").removesuffix("%}")) / 100
    assert compared(tmp_path, white(), with_block(white(), 70, 70, 3, 11), tile=tile).status is WITHIN


def test_nothing_is_suggested_beyond_the_whole_tile(tmp_path):
    outcome = compared(tmp_path, white(), 255 - white(), tile=0.95)
    assert (outcome.status, outcome.allow) == (DRIFT, None)


def test_numeric_limits_do_not_loosen_an_image(tmp_path):
    one, other = saved(tmp_path, "a.png", white()), saved(tmp_path, "b.png", with_block(white(), 9, 9, 1, 1))
    rule = ArtifactRule("*", limits=Limits(rel=10.0, abs=1000.0))
    assert base.judge(ImageComparer(), one, other, rule, {}).status is DRIFT


def test_jpeg_is_decoded(tmp_path):
    smooth = np.linspace(0, 255, 200 * 150).reshape(150, 200).astype(np.uint8)
    one = saved(tmp_path, "a.jpg", smooth, quality=95)
    assert judged(one, saved(tmp_path, "b.jpg", smooth, quality=90)).status is WITHIN
    assert judged(one, saved(tmp_path, "c.jpg", with_block(smooth, 50, 50, 9, 9), quality=95)).status is DRIFT


# ---------------------------------------------------------------------------------------------------
# Frames


def animated(folder: Path, name: str, frames) -> Path:
    images = [Image.fromarray(frame) for frame in frames]
    images[0].save(folder / name, save_all=True, append_images=images[1:])
    return folder / name


@pytest.mark.parametrize("suffix", ["gif", "tiff", "png", "webp"])
def test_each_frame_counts(tmp_path, suffix):
    frames = [with_block(white(60, 80), 5 * i, 5 * i, 10, 10) for i in range(4)]
    changed = [*frames[:2], with_block(frames[2], 40, 60, 9, 9), frames[3]]
    one = animated(tmp_path, f"a.{suffix}", frames)
    outcome = judged(one, animated(tmp_path, f"b.{suffix}", changed))
    assert outcome.status is DRIFT
    assert outcome.n == 4 * 60 * 80
    assert outcome.worst is not None
    assert outcome.worst.where.startswith("frame 2, tile at (")
    lost = judged(one, animated(tmp_path, f"c.{suffix}", frames[:3]))
    assert (lost.status, "frames 4 -> 3" in lost.message) == (STRUCTURE, True)


def test_a_later_frame_of_another_size_or_mode_is_structure(tmp_path):
    one = animated(tmp_path, "a.tiff", [NOISE, NOISE])
    for other in (np.ascontiguousarray(NOISE[:30]), np.ascontiguousarray(NOISE[..., 0])):
        outcome = judged(one, animated(tmp_path, "b.tiff", [NOISE, other]))
        assert (outcome.status, outcome.message[:7]) == (STRUCTURE, "frame 1")


# ---------------------------------------------------------------------------------------------------
# Broken files


@pytest.mark.parametrize("suffix", ["png", "jpg", "gif", "tiff", "bmp", "webp"])
def test_a_file_cut_short_never_passes(tmp_path, suffix):
    whole = saved(tmp_path, f"a.{suffix}", NOISE)
    data = whole.read_bytes()
    cuts = {*range(0, len(data), max(1, len(data) // 40)), *range(len(data) - 30, len(data))}
    for cut in cuts:
        part = tmp_path / f"b.{suffix}"
        part.write_bytes(data[:cut])
        as_result, as_baseline = judged(whole, part), judged(part, whole)
        assert as_result.status in {STRUCTURE, DRIFT}, cut
        assert as_baseline.status in {STRUCTURE, DRIFT, ERROR}, cut
        assert str(tmp_path) not in as_result.message


def test_truncated_png_is_named(tmp_path):
    whole, part = saved(tmp_path, "a.png", NOISE), tmp_path / "b.png"
    part.write_bytes(whole.read_bytes()[:-4])
    assert judged(whole, part).status is STRUCTURE
    assert judged(whole, part).message == "the result is not readable: a broken image: it is cut short"
    assert judged(part, whole).status is ERROR
    with pytest.raises(UndecodableError, match="cut short"):
        ImageComparer().schema(part)


@pytest.mark.parametrize("data", [b"", b"no image", b"\x89PNG\r\n\x1a\n"])
def test_what_is_no_image_is_named(tmp_path, data):
    whole, other = saved(tmp_path, "a.png", NOISE), tmp_path / "b.png"
    other.write_bytes(data)
    outcome = judged(whole, other)
    assert outcome.status is STRUCTURE
    assert "the result is not readable" in outcome.message
    assert judged(other, whole).status is ERROR


def test_too_many_pixels_are_an_error_on_either_side(tmp_path, monkeypatch):
    small, large = saved(tmp_path, "a.png", white(10, 10)), saved(tmp_path, "b.png", white(40, 40))
    for most in (1500, 500):  # the decoder warns above this, and refuses at twice as much
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", most)
        for one, other in ((small, large), (large, small)):
            outcome = judged(one, other)
            assert (outcome.status, "too many pixels" in outcome.message) == (ERROR, True)
        with pytest.raises(UndecodableError, match="too many pixels"):
            ImageComparer().schema(large)


def test_too_many_pixels_in_a_later_frame(tmp_path, monkeypatch):
    frames = animated(tmp_path, "a.tiff", [white(10, 10), white(40, 40)])
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1500)
    assert judged(frames, animated(tmp_path, "b.tiff", [white(10, 10), white(40, 40)])).status is ERROR
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
    assert judged(frames, animated(tmp_path, "b.tiff", [white(10, 10), white(40, 40)])).status is EQUAL


def test_a_file_that_is_not_there_is_no_drift(tmp_path):
    one = saved(tmp_path, "a.png", NOISE)
    assert judged(one, tmp_path / "none.png").status is ERROR


def test_schema(tmp_path):
    path = animated(tmp_path, "a.gif", [white(10, 20), with_block(white(10, 20), 0, 0, 3, 3)])
    assert ImageComparer().schema(path) == {"format": "GIF", "mode": "P", "size": [20, 10], "frames": 2}
    path = saved(tmp_path, "a.png", NOISE)
    assert ImageComparer().schema(path) == {"format": "PNG", "mode": "RGB", "size": [80, 60], "frames": 1}


def test_other_warnings_of_the_decoder_do_not_matter(tmp_path):
    data = io.BytesIO()
    Image.fromarray(NOISE).save(data, "TIFF", tiffinfo={271: "maker"})
    one, other = tmp_path / "a.tiff", tmp_path / "b.tiff"
    one.write_bytes(data.getvalue())
    other.write_bytes(data.getvalue().replace(b"maker", b"faker"))
    assert judged(one, other).status is EQUAL


# ---------------------------------------------------------------------------------------------------
# Figures of 2000 x 1500 pixels: what whole-image averages let through


def figure(folder: Path, name: str, *, title="AUC = 0.913", scale=1.0, series=3) -> Path:
    backend = pytest.importorskip("matplotlib.backends.backend_agg")
    from matplotlib.figure import Figure

    drawn = Figure(figsize=(10, 7.5), dpi=200)
    backend.FigureCanvasAgg(drawn)
    axes = drawn.add_subplot()
    x = np.linspace(0, 1, 200)
    for power in range(1, 3):
        axes.plot(x, scale * x**power)
    if series == 3:
        axes.scatter(x[::20], np.sqrt(x[::20]), s=12)
    axes.set_xlim(0, 1.05)
    axes.set_ylim(0, 1.05)
    axes.set_title(title)
    drawn.savefig(folder / name)
    return folder / name


@pytest.fixture(scope="module")
def drawing(tmp_path_factory):
    return figure(tmp_path_factory.mktemp("figures"), "baseline.png")


@pytest.mark.parametrize(
    ("change", "least"),
    [
        ({"title": "AUC = 0.918"}, 0.03),
        ({"title": "AUC = 0.319"}, 0.03),
        ({"scale": 1.001}, 0.03),
        ({"series": 2}, 0.03),
    ],
)
def test_changed_figure_drifts_even_with_a_generous_tile(tmp_path, drawing, change, least):
    changed = figure(tmp_path, "result.png", **change)
    assert judged(drawing, changed).status is DRIFT
    outcome = judged(drawing, changed, tile=0.02)
    assert outcome.status is DRIFT
    assert outcome.used is not None
    assert outcome.used * 0.02 > least
    assert outcome.allow is None


def test_the_same_figure_is_equal(tmp_path, drawing):
    again = figure(tmp_path, "result.png")
    assert judged(drawing, again).status is EQUAL


_MEASURE = """
import sys
from pathlib import Path
from pytest_nbrepro.comparers.images import ImageComparer
from pytest_nbrepro.model import ArtifactRule
outcome = ImageComparer().compare(Path(sys.argv[1]), Path(sys.argv[2]), ArtifactRule("*"), {})
status = Path("/proc/self/status").read_text()
print(outcome.bad, status.split("VmHWM:")[1].split()[0])
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads the peak memory from /proc")
def test_memory_of_a_large_figure(tmp_path):
    one = white(1500, 2000, 4)
    first, second = saved(tmp_path, "a.png", one), saved(tmp_path, "b.png", 255 - one)
    printed = subprocess.run(
        [sys.executable, "-c", _MEASURE, str(first), str(second)], capture_output=True, text=True, check=True
    )
    bad, peak = (int(part) for part in printed.stdout.split())
    assert bad == 3_000_000
    assert peak < 140 * 1024  # KiB
