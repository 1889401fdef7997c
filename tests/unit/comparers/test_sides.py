"""Data against data, else what is seen against what is seen, and never without a word."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from PIL import Image

from pytest_nbrepro import comparers, files
from pytest_nbrepro.comparers.sides import AGAIN
from pytest_nbrepro.kernels import tabling
from pytest_nbrepro.model import Artifact, ArtifactRule, CheckStatus, Picture


def png(shade: int) -> bytes:
    stream = io.BytesIO()
    Image.new("L", (60, 60), shade).save(stream, "PNG")
    return stream.getvalue()


@pytest.fixture
def side(tmp_path: Path) -> Any:
    """Make an artifact of a cell in a folder of its own: with data, with something that is seen, or both."""
    numbers = iter(range(100))

    def make(data: Any = None, seen: bytes | None = None, suffix: str = "png", untaken: str = "") -> Any:
        folder = tmp_path / str(next(numbers))
        (folder / "cells").mkdir(parents=True)
        picture = None
        if seen is not None:
            path = folder / f"cells/a.{suffix}"
            path.write_bytes(seen)
            picture = Picture(f"cells/a.{suffix}", files.sha256(path), len(seen))
        if data is None:
            made = Artifact("a", "", picture.path, picture.sha256, picture.bytes, cell=0, untaken=untaken)
        else:
            path = folder / "cells/a.frame"
            tabling.write(pd.DataFrame({"x": [data]}), str(path))
            sha = files.sha256(path)
            made = Artifact("a", "table", "cells/a.frame", sha, path.stat().st_size, cell=0, shown=picture)
        return comparers.described(made, folder), folder

    return make


def compare(old: Any, new: Any) -> Any:
    return comparers.compare(*old, *new, ArtifactRule("*"))


def test_data_decide_whatever_is_seen(side):
    check = compare(side(1.0, png(0)), side(1.0, png(200)))
    assert (check.kind, check.status, check.message) == ("table", CheckStatus.EQUAL, "")
    check = compare(side(1.0, png(0)), side(2.0, png(0)))
    assert (check.kind, check.status) == ("table", CheckStatus.DRIFT)
    assert check.worst.where == "row 0, column x"


@pytest.mark.parametrize(("shade", "status"), [(0, CheckStatus.EQUAL), (200, CheckStatus.DRIFT)])
@pytest.mark.parametrize(
    ("old", "new", "note"),
    [
        ({}, {"data": 1.0}, f"by its picture: {AGAIN}"),
        ({"untaken": "odd"}, {"data": 1.0}, "by its picture: of the baseline, odd"),
        ({"data": 1.0}, {"untaken": "odd"}, "by its picture: odd"),
        ({"untaken": "odd"}, {"untaken": "odd"}, "by its picture: odd"),
        ({}, {"untaken": "odd"}, "by its picture: odd"),
        ({"untaken": "odd"}, {}, "by its picture: odd"),
        ({}, {}, ""),
    ],
)
def test_else_what_is_seen_does_and_is_said_to(side, old, new, note, shade, status):
    check = compare(side(seen=png(0), **old), side(seen=png(shade), **new))
    assert (check.kind, check.status) == ("image", status)
    assert check.message.startswith(note)
    assert (check.message == note) is (status is CheckStatus.EQUAL)


def test_html_is_called_so(side):
    old = side(seen=b"<p>1.5</p>", suffix="html")
    check = compare(old, side(1.0, b"<p>2.5</p>", "html"))
    assert (check.kind, check.status) == ("markup", CheckStatus.DRIFT)
    assert check.message.startswith("by its HTML: the baseline was accepted without data")


def test_without_anything_that_both_have_there_is_no_pass(side):
    check = compare(side(1.0), side(seen=png(0), untaken="odd"))
    assert check.status is CheckStatus.ERROR
    assert check.message == "the data are not kept (odd), and of the baseline nothing else is"
    assert (
        compare(side(1.0, png(0)), side(seen=png(0))).status is CheckStatus.STRUCTURE
    )  # another kind of thing
    assert compare(side(seen=b"<p></p>", suffix="html"), side(1.0, png(0))).status is CheckStatus.STRUCTURE
    assert (
        compare(side(1.0, png(0)), side(seen=b"x", suffix="html", untaken="odd")).status
        is CheckStatus.STRUCTURE
    )


def test_a_picture_that_is_gone_or_damaged_is_an_error(side):
    old, new = side(1.0, png(0)), side(seen=png(1), untaken="odd")
    (old[1] / "cells/a.png").write_bytes(b"something else")
    assert compare(old, new).status is CheckStatus.ERROR
    (old[1] / "cells/a.png").unlink()
    assert compare(old, new).status is CheckStatus.ERROR
