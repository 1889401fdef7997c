"""What today's tools let pass and must not: the list of research/baselines.md, section 1.2, and where each is proven.

`PROVEN` names the tests by the numbers of that list; the rows of its table of images are proven here, beside what is
proven nowhere else. Two of them are proven in part: of no. 10, what pandas keeps as `attrs` is no part of the contract
(Parquet files carry it among the metadata of their writer, which change with its version); of no. 14, these are the
tests for files.
"""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pytest_nbrepro.cases import case_folder, shown
from pytest_nbrepro.comparers.base import judge
from pytest_nbrepro.comparers.images import ImageComparer
from pytest_nbrepro.model import ArtifactRule, CheckStatus

TESTS = Path(__file__).parents[2]
HERE = "unit/comparers/test_false_passes.py"
TABLES, ARRAYS, JSONS = (f"unit/comparers/test_{kind}.py" for kind in ("tables", "arrays", "jsons"))
NUMBERS, IMAGES, HDF5 = (f"unit/comparers/test_{kind}.py" for kind in ("numbers", "images", "hdf5"))
PROVEN = {
    "1, a metric or column that disappeared": [
        "plugin/test_main.py::test_lost_and_new_fail",
        f"{TABLES}::test_a_column_that_disappears_is_lost",
        f"{ARRAYS}::test_a_member_that_disappears_is_lost",
        f"{JSONS}::test_a_key_that_disappears_is_lost",
    ],
    "2, a small p-value that tripled": [
        f"{NUMBERS}::test_a_small_p_value_that_triples_fails",
        f"{TABLES}::test_a_small_value_that_triples_fails",
        f"{ARRAYS}::test_a_small_value_that_triples_fails",
        f"{JSONS}::test_a_small_value_that_triples_fails",
    ],
    "3, integers that became floats": [
        f"{NUMBERS}::test_another_dtype_is_a_drift_of_structure",
        f"{TABLES}::test_another_dtype_fails",
        f"{TABLES}::test_integers_in_a_csv_that_become_floats_are_named",
        f"{ARRAYS}::test_another_dtype_fails",
        f"{JSONS}::test_another_type_is_a_drift_of_structure",
    ],
    "4, a figure that was cropped": [
        f"{IMAGES}::test_cropped_figure_does_not_pass",
        f"{IMAGES}::test_other_size_or_mode_is_structure",
    ],
    "5, opaque and transparent red": [f"{IMAGES}::test_opaque_red_and_transparent_red_differ"],
    "6, whole numbers that lost their tolerance": [
        f"{TABLES}::test_whole_numbered_floats_keep_their_tolerance"
    ],
    "7, unsigned integers that wrap": [
        "unit/comparers/test_tallies.py::test_unsigned_integers_do_not_wrap",
        f"{TABLES}::test_unsigned_integers_do_not_wrap",
        f"{ARRAYS}::test_unsigned_integers_do_not_wrap",
    ],
    "8, two cases with one baseline": [
        f"{HERE}::test_08_no_two_values_share_a_baseline",
        "unit/test_cases.py::test_different_values_never_look_the_same",
        "unit/test_cases.py::test_cases_share_no_folder_unless_it_is_told",
    ],
    "9, swapped arguments, and six digits": [
        f"{NUMBERS}::test_the_result_is_no_scale",
        f"{NUMBERS}::test_nothing_is_rounded_before_the_comparison",
        f"{ARRAYS}::test_the_result_is_no_scale",
    ],
    "10, integers made fuzzy by rel": [
        f"{NUMBERS}::test_rel_does_not_make_integers_fuzzy",
        f"{TABLES}::test_rel_does_not_make_integers_fuzzy",
        f"{ARRAYS}::test_rel_does_not_make_integers_fuzzy",
        f"{JSONS}::test_rel_does_not_make_integers_fuzzy",
    ],
    "11, dtypes, attributes and integers of NetCDF": [
        f"{HDF5}::test_another_float_fails",
        f"{HDF5}::test_another_unit_fails",
        f"{HDF5}::test_an_added_unit_fails",
        f"{HDF5}::test_rel_does_not_make_integers_fuzzy",
    ],
    "12, 1e-9 against 9e-9": [
        f"{TABLES}::test_a_small_value_that_triples_fails",
        f"{HDF5}::test_a_small_value_that_triples_fails",
    ],
    "13, empty against full, and integers that no double holds": [
        f"{TABLES}::test_empty_against_full_fails",
        f"{ARRAYS}::test_nothing_broadcasts",
        f"{JSONS}::test_empty_against_full_fails",
        f"{NUMBERS}::test_integers_beyond_doubles_differ",
        "unit/comparers/test_tallies.py::test_large_integers_do_not_round_together",
        f"{ARRAYS}::test_large_integers_do_not_round_together",
    ],
    "14, a row that a display leaves out": [
        f"{TABLES}::test_a_row_in_the_middle_is_not_hidden",
        f"{ARRAYS}::test_an_element_in_the_middle_is_not_hidden",
    ],
    "15, rounding as a tolerance": [
        f"{NUMBERS}::test_nothing_is_rounded_before_the_comparison",
        f"{HERE}::test_15_values_that_round_apart_pass_and_those_that_round_together_may_fail",
    ],
    "16, doubles that are not read exactly": [f"{TABLES}::test_doubles_are_read_exactly"],
    "17, numbers that YAML 1.1 takes for text": [
        "unit/test_yaml12.py::test_scalars_of_version_1_2",
        f"{JSONS}::test_yaml_of_the_old_kind_is_read_alike_on_both_sides",
    ],
    "images": [
        f"{HERE}::test_each_row_of_the_table_of_images",
        f"{IMAGES}::test_small_black_block_on_a_large_page",
    ],
}


@cache
def named_in(path: Path) -> set[str]:
    nodes = ast.walk(ast.parse(path.read_text()))
    return {
        node.name for node in nodes if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


@pytest.mark.parametrize("number", PROVEN)
def test_each_false_pass_is_proven_somewhere(number):
    for name in PROVEN[number]:
        path, _, test = name.partition("::")
        assert test in named_in(TESTS / path), name


def test_the_list_is_whole():
    assert [number.split(",")[0] for number in PROVEN] == [*map(str, range(1, 18)), "images"]


@pytest.mark.parametrize(("one", "other"), [("0.1", "0_1"), ("a/b", "ab"), ("a b", "a_b"), ("1", 1)])
def test_08_no_two_values_share_a_baseline(one, other):
    names = [f"lr={shown(value)}" for value in (one, other)]
    folders = [
        case_folder("t.ipynb", name, {"lr": value}) for name, value in zip(names, (one, other), strict=True)
    ]
    assert names[0] != names[1]
    assert folders[0].casefold() != folders[1].casefold()


def test_15_values_that_round_apart_pass_and_those_that_round_together_may_fail():
    from pytest_nbrepro.comparers.numbers import compare_metric
    from pytest_nbrepro.model import Metric, MetricRule

    def check(old, new):
        return compare_metric("m", Metric(old), Metric(new), MetricRule("m"))

    assert (f"{0.0344999999:.3f}", f"{0.0345000001:.3f}") == ("0.034", "0.035")
    assert check(0.0344999999, 0.0345000001).status is CheckStatus.WITHIN
    found = check(0.0341, 0.0344)
    assert (found.status, found.worst.baseline, found.worst.result) == (CheckStatus.DRIFT, "0.0341", "0.0344")


# --- figures of 2000 x 1500 pixels


@pytest.fixture(scope="module")
def draw(tmp_path_factory):
    """Draw a figure with one thing changed; return its path."""
    mpl = pytest.importorskip("matplotlib")
    mpl.use("agg")
    from matplotlib.figure import Figure

    folder = tmp_path_factory.mktemp("figures")
    x = np.linspace(0, 1, 200)

    @cache
    def figure(title="AUC = 0.913", scale=1.0, series=True):
        drawn = Figure(figsize=(10, 7.5), dpi=200)
        axes = drawn.subplots()
        axes.set(xlim=(0, 1), ylim=(0, 2))
        axes.set_title(title, fontsize=11)  # larger, and some versions of matplotlib draw over the limit
        axes.plot(x, scale * np.sqrt(x))
        if series:
            axes.plot(x, x, "--")
        path = folder / f"{len(list(folder.iterdir()))}.png"
        drawn.savefig(path)
        return path

    return figure


def rms(one, other):
    """Return what pytest-mpl compares with its limit of 2."""
    pixels = [np.asarray(Image.open(path).convert("RGB"), float) for path in (one, other)]
    return float(np.sqrt(np.mean((pixels[0] - pixels[1]) ** 2)))


TOP, PLOT = range(90, 180), range(150, 1340)  # rows of pixels in which titles and curves lie


@pytest.mark.parametrize(
    ("change", "rows", "hidden"),
    [
        pytest.param({"title": "AUC = 0.918"}, TOP, True, id="title 0.913 to 0.918"),
        pytest.param({"title": "AUC = 0.319"}, TOP, True, id="title 0.913 to 0.319"),
        pytest.param({"scale": 1.001}, PLOT, True, id="curve off by 0.1 percent"),
        pytest.param({"scale": 1.01}, PLOT, False, id="curve off by 1 percent"),
        pytest.param({"series": False}, PLOT, False, id="a series dropped"),
    ],
)
def test_each_row_of_the_table_of_images(draw, change, rows, hidden):
    """Each fails, also with the tolerance for edges that are drawn anew, and its tile lies where the change is."""
    one, other = draw(), draw(**change)
    assert (rms(one, other) < 2) is hidden
    for tile in (None, 0.02):
        found = judge(ImageComparer(), one, other, ArtifactRule("*", tile=tile), {})
        assert found.status is CheckStatus.DRIFT
        left, top = map(int, found.worst.where.removeprefix("tile at (").partition(")")[0].split(","))
        assert top in range(rows.start - 50, rows.stop)
        assert 0 <= left < 2000
        assert "pixels over 16 levels" in found.message
