"""What the kernel keeps of what cells show, and that the notebook never notices."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from matplotlib.figure import Figure
from matplotlib.image import NonUniformImage

from pytest_nbrepro.comparers import framefiles
from pytest_nbrepro.kernels import child, showing


@pytest.fixture
def keeper(tmp_path: Path) -> showing.Keeper:
    return showing.Keeper(str(tmp_path / "kept"), child.sibling)


HIDDEN = object()


class Formatter(SimpleNamespace):
    """What of IPython's formatter is used: everything has a text, and hidden objects show themselves."""

    def __init__(self) -> None:
        super().__init__(asked=[], format=self._format)

    def _format(self, obj: Any, include: Any = None, exclude: Any = None) -> Any:
        self.asked.append((include, exclude))
        return ({}, {}) if obj is HIDDEN else ({"text/plain": repr(obj)}, {"own": 1})


def test_a_frame_gets_a_file_and_a_mark_beside_what_is_there(keeper, tmp_path):
    formatter = Formatter()
    keeper.attach(formatter)
    data, metadata = formatter.format(pd.DataFrame({"a": [1, 2]}), include=["text/plain"])
    assert "text/plain" in data
    assert metadata == {"own": 1, "nbrepro": {"kind": "table", "file": "1.frame"}}
    assert formatter.asked == [(["text/plain"], None)]
    assert framefiles.read(tmp_path / "kept" / "1.frame").frame.to_dict(as_series=False) == {"a": [1, 2]}


@pytest.mark.parametrize("obj", [pd.Series([1]), pl.DataFrame({"a": [1]}), pl.Series([1])])
def test_each_has_a_file_of_its_own(keeper, obj):
    assert keeper.mark(obj, {}) == {"kind": "table", "file": "1.frame"}
    assert keeper.mark(obj, {}) == {"kind": "table", "file": "2.frame"}


@pytest.mark.parametrize(
    "obj", [1, "text", [1], None, object(), pd.DataFrame, pd.DataFrame({"a": [1]}).style]
)
def test_anything_else_stays_as_it_is(keeper, obj, tmp_path):
    formatter = Formatter()
    keeper.attach(formatter)
    assert formatter.format(obj) == ({"text/plain": repr(obj)}, {"own": 1})
    assert not (tmp_path / "kept").exists()


@pytest.mark.parametrize(
    "array",
    [
        np.arange(2000.0),
        np.array(1.5, "f4"),
        np.array([[1, 2], [3, 4]], order="F"),
        np.array(["a", "bc"]),
        np.array([(1, 0.5)], [("a", "i4"), ("b", "f8")]),
        np.array(["2020-01-01"], "M8[D]"),
        np.array([], bool),
        np.array([1j]),
    ],
)
def test_arrays_are_kept_whole(keeper, tmp_path, array):
    assert keeper.mark(array, {}) == {"kind": "array", "file": "1.npy"}
    found = np.load(tmp_path / "kept/1.npy", allow_pickle=False)
    assert (found.dtype, found.shape, found.tolist()) == (array.dtype, array.shape, array.tolist())


@pytest.mark.parametrize(
    ("array", "why"),
    [
        (np.ma.array([1, 2], mask=[0, 1]), f"it is of type {np.ma.MaskedArray.__module__}.MaskedArray"),
        (np.array([None]), "it holds Python objects"),
        (np.array([(1, None)], [("a", "i4"), ("b", "O")]), "it holds Python objects"),
    ],
)
def test_arrays_whose_values_do_not_say_all_are_not(keeper, array, why):
    assert keeper.mark(array, {}) == {"kind": "array", "why": why}


def test_large_arrays_are_not(keeper, monkeypatch, tmp_path):
    monkeypatch.setattr(showing, "MOST", 1 << 20)
    why = "8,000,000 bytes, more than the 1 MiB that are kept"
    assert keeper.mark(np.zeros(1_000_000), {}) == {"kind": "array", "why": why}
    assert list((tmp_path / "kept").iterdir()) == []


class Tensor:
    """What of torch's tensors is used."""

    def __init__(self, values: Any, device: str = "cpu") -> None:
        self.values = values
        self.device = SimpleNamespace(type=device)

    def detach(self) -> Any:
        return SimpleNamespace(numpy=lambda: np.array(self.values))


def test_tensors_are_kept_where_they_are_at_hand(keeper, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(Tensor=Tensor))
    assert keeper.mark(Tensor([1.5]), {}) == {"kind": "array", "file": "1.npy"}
    assert np.load(tmp_path / "kept/1.npy").tolist() == [1.5]
    assert keeper.mark(Tensor([1.5], "cuda"), {})["why"].startswith("it is on the device ")


@pytest.mark.parametrize(
    ("forms", "mark"),
    [
        ({"image/png": "", "text/plain": ""}, {"kind": "figure", "file": "1.npz"}),
        ({"image/svg+xml": ""}, {"kind": "figure", "file": "1.npz"}),
        ({"text/plain": "<Figure>"}, None),  # of which nobody sees more
    ],
)
def test_figures_are_kept_where_they_are_seen(keeper, forms, mark):
    figure = Figure()
    figure.subplots().plot([1, 2])
    assert keeper.mark(figure, forms) == mark


def test_a_figure_that_cannot_be_written_down_is_told(keeper):
    figure = Figure()
    image = NonUniformImage(figure.subplots())
    image.set_data([0, 1], [0, 1], [[1, 2], [3, 4]])
    figure.axes[0].add_image(image)
    assert keeper.mark(figure, {"image/png": ""}) == {
        "kind": "figure",
        "why": "NonUniformImage is not captured",
    }


def test_what_shows_itself_is_not_kept(keeper):
    formatter = Formatter()
    keeper.attach(formatter)
    assert formatter.format(HIDDEN) == ({}, {})


def test_what_cannot_be_kept_is_told_and_the_notebook_goes_on(keeper):
    class Own(pd.DataFrame):
        pass

    formatter = Formatter()
    keeper.attach(formatter)
    told = formatter.format(pd.DataFrame({"a": [object()]}))[1]["nbrepro"]
    assert told == {"kind": "table", "why": "column 'a' holds objects of type object"}
    assert keeper.mark(Own({"a": [1]}), {}) == {
        "kind": "table",
        "why": f"it is of type {__name__}.Own",
    }


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "kept").write_text("a file")
    keeper = showing.Keeper(str(tmp_path / "kept" / "below"), child.sibling)
    assert "Not a directory" in keeper.mark(pd.Series([1]), {})["why"]


def test_an_object_that_lies_about_its_class_breaks_nothing(keeper):
    class Liar:
        @property
        def __class__(self) -> Any:
            raise RuntimeError("no")

    assert keeper.mark(Liar(), {}) is None


def test_libraries_that_are_half_imported_break_nothing(keeper, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", SimpleNamespace())
    assert keeper.mark(1, {}) is None
