"""Changes of accepted values that a person would call changes, to see whether the checks notice them."""

from __future__ import annotations

import copy
import json
import math
import re
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from PIL import Image

from pytest_nbrepro.comparers import framefiles, redrawing

SHARE = 1e-3  # by which one number is changed; whole numbers by 1
MOVED = "rows moved by one"
_MOST = 20  # columns, members or numbers of one file that are changed
_PATCH = 20  # pixels
_DECIMAL = re.compile(r"(?<![\w.])[-+]?\d+\.\d+(?:[eE][-+]?\d+)?(?![\w.])")
Write = Callable[[Path], object]


def number(value: float) -> tuple[str, float] | None:
    """Return a change of a number, and what it becomes; None where it cannot be changed by a share of itself."""
    if isinstance(value, int):
        return "one value +1", value + 1
    if value == 0 or not math.isfinite(value):
        return None
    return "one value +0.1 %", value * (1 + SHARE)


def text(words: str) -> str | None:
    """Return a text in which the first number with decimals that is not 0 is 0.1 % larger; None without one."""
    for match in _DECIMAL.finditer(words):
        if (changed := number(float(match[0]))) is not None:
            return f"{words[: match.start()]}{changed[1]!r}{words[match.end() :]}"
    return None


def changes(kind: str, path: Path) -> Iterator[tuple[str, Write]]:
    """Yield changes of a file: what each is, and what writes the changed file.

    Kinds and formats that nothing here can write yield nothing.
    """
    makers = {
        ("table", ".csv"): _tables,
        ("table", ".tsv"): _tables,
        ("table", ".parquet"): _tables,
        ("table", ".frame"): _shown,
        ("array", ".npy"): _arrays,
        ("array", ".npz"): _arrays,
        ("json", ".json"): _documents,
        ("image", ".png"): _images,
        ("figure", ".npz"): redrawing.changes,
    }
    if kind == "text":
        yield from _texts(path)
    elif (maker := makers.get((kind, path.suffix.lower()))) is not None:
        yield from maker(path)


def _texts(path: Path) -> Iterator[tuple[str, Write]]:
    changed = text(path.read_text("utf-8", "replace"))
    if changed is not None:
        yield "one value +0.1 %", partial(_write_text, changed)


def _write_text(words: str, target: Path) -> None:
    target.write_text(words, "utf-8")


def _save(array: np.ndarray[Any, Any], target: Path) -> None:
    np.save(target, array)


# ---------------------------------------------------------------------------------------------------
# Tables


def _tables(path: Path) -> Iterator[tuple[str, Write]]:
    suffix = path.suffix.lower()
    separator = "\t" if suffix == ".tsv" else ","
    if suffix == ".parquet":
        frame = pl.read_parquet(path)
    else:
        frame = pl.read_csv(path, separator=separator, infer_schema=False)
    for what, changed in _frames(frame):
        if suffix == ".parquet":
            yield what, changed.write_parquet
        else:
            yield what, partial(changed.write_csv, separator=separator)


def _shown(path: Path) -> Iterator[tuple[str, Write]]:
    """Yield changes of a data frame that a cell showed: numbers and texts as they are written."""
    head, texts = framefiles.split(path)
    for what, changed in _frames(texts):
        yield what, partial(framefiles.write, head, changed)


def _frames(frame: pl.DataFrame) -> Iterator[tuple[str, pl.DataFrame]]:
    if frame.width > 1:
        yield f"column {frame.columns[-1]} dropped", frame.drop(frame.columns[-1])
    moved = pl.concat([frame[1:], frame[:1]]) if frame.height else frame
    if not moved.equals(frame):
        yield MOVED, moved
    for name in frame.columns[:_MOST]:
        changed = _column(frame[name])
        if changed is not None:
            what, column = changed
            yield f"column {name}: {what}", frame.with_columns(column)


def _column(column: pl.Series) -> tuple[str, pl.Series] | None:
    """Return a column in which one number is changed, or two labels are swapped."""
    values = column.to_list()
    for row, value in enumerate(values):
        changed = number(known) if (known := _known(value)) is not None else None
        if changed is not None:
            new = repr(changed[1]) if isinstance(value, str) else changed[1]
            return changed[0], pl.Series(column.name, [*values[:row], new, *values[row + 1 :]], column.dtype)
    labels = [row for row, value in enumerate(values) if isinstance(value, str) and _known(value) is None]
    other = next((row for row in labels if values[row] != values[labels[0]]), None)
    if other is None:
        return None
    values[labels[0]], values[other] = values[other], values[labels[0]]
    return "two labels swapped", pl.Series(column.name, values, column.dtype)


def _known(value: Any) -> float | None:
    """Return the number that a cell holds, also as text."""
    if isinstance(value, (int, float)):
        return None if isinstance(value, bool) else value
    try:
        return int(value) if re.fullmatch(r"[-+]?\d+", value) else float(value)
    except (TypeError, ValueError):
        return None


# ---------------------------------------------------------------------------------------------------
# Arrays, JSON, images


def _arrays(path: Path) -> Iterator[tuple[str, Write]]:
    found = np.load(path, allow_pickle=False)
    if isinstance(found, np.ndarray):
        for what, array in _elements(found):
            yield what, partial(_save, array)
        return
    members = dict(found)
    for name in islice(members, _MOST):
        for what, array in _elements(members[name]):
            whole: dict[str, Any] = {**members, name: array}
            yield f"{name}: {what}", partial(np.savez, **whole)


def _elements(array: np.ndarray[Any, Any]) -> Iterator[tuple[str, np.ndarray[Any, Any]]]:
    if not array.size or array.dtype.kind not in "iuf":
        return
    flat = np.ravel(array)
    spot = int(np.argmax(np.where(np.isfinite(flat), np.abs(flat), 0)))
    changed = number(flat[spot].item())
    if changed is not None:
        yield changed[0], _with(array, spot, changed[1])
    if array.dtype.kind == "f":
        if not np.isnan(flat[spot]):
            yield "one NaN", _with(array, spot, math.nan)
        if array.dtype == np.float64:
            yield "dtype float64 -> float32", array.astype(np.float32)


def _with(array: np.ndarray[Any, Any], spot: int, value: float) -> np.ndarray[Any, Any]:
    changed = array.copy()
    changed[np.unravel_index(spot, array.shape)] = value
    return changed


def _documents(path: Path) -> Iterator[tuple[str, Write]]:
    document = json.loads(path.read_text("utf-8"))
    for keys, value in islice(_leaves(document, ()), _MOST):
        changed = number(value)
        if changed is None:
            continue
        other = {"": copy.deepcopy(document)}
        place: Any = other
        for key in ("", *keys)[:-1]:
            place = place[key]
        place[("", *keys)[-1]] = changed[1]
        whole = json.dumps(other[""])
        name = ".".join(map(str, keys)) or "the value"
        yield f"{name}: {changed[0]}", partial(_write_text, whole)


def _leaves(value: Any, keys: tuple[Any, ...]) -> Iterator[tuple[tuple[Any, ...], float]]:
    if isinstance(value, (dict, list)):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _leaves(item, (*keys, key))
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield keys, value


def _images(path: Path) -> Iterator[tuple[str, Write]]:
    with Image.open(path) as picture:
        if picture.mode not in {"L", "RGB", "RGBA"}:
            return
        mode, pixels = picture.mode, np.array(picture)
    corners = [(y, x) for y in range(0, pixels.shape[0], _PATCH) for x in range(0, pixels.shape[1], _PATCH)]
    y, x = max(corners, key=lambda c: float(pixels[c[0] : c[0] + _PATCH, c[1] : c[1] + _PATCH].std()))
    patch = pixels[y : y + _PATCH, x : x + _PATCH]
    colours = patch[..., :3] if mode == "RGBA" else patch
    colours[...] = 255 - colours
    yield f"20 x 20 pixels at ({x},{y}) inverted", Image.fromarray(pixels).save
