"""PDF: what its pages say and show; when and by what program they were written is left out."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pytest_nbrepro.comparers.base import IncomparableError, Outcome, Side, combined, part
from pytest_nbrepro.comparers.extracts import excerpts
from pytest_nbrepro.comparers.images import compare_frames
from pytest_nbrepro.errors import UndecodableError
from pytest_nbrepro.model import ArtifactRule, Check, Place
from pytest_nbrepro.optional import require

DPI = 100
"""Resolution at which pages are drawn."""

_POINTS = 72  # units of a page per inch
_DIGITS = 2  # of a page's size: hundredths of a point


class PdfComparer:
    """Compares PDF files page by page; metadata, attachments and what no page shows are left out."""

    kind = "pdf"

    def schema(self, path: Path) -> dict[str, Any]:
        """Return the sizes of the pages, width and height in points.

        Raises:
            ExtraError: pypdfium2 is not there.
            UndecodableError: it is no PDF file, or needs a password.
        """
        with opened(path, "baseline") as pages:
            return {"pages": [pages.size(index) for index in range(pages.frames)]}

    def compare(self, baseline: Path, result: Path, rule: ArtifactRule, schema: Mapping[str, Any]) -> Outcome:
        """Compare two files: number and sizes of pages, their text exactly, and how they look.

        Pages are drawn at 100 dpi and held to `rule.tile` by their worst tile, like images.

        Raises:
            ExtraError: pypdfium2 is not there.
            UndecodableError: a file is no PDF file, or needs a password.
            IncomparableError: a page is too large to be drawn safely.
        """
        del schema
        with opened(baseline, "baseline") as old, opened(result, "result") as new:
            if old.frames != new.frames:
                return Outcome.structure(f"pages {old.frames} -> {new.frames}")
            changes = [
                f"page {index + 1}: size {old.size(index)} -> {new.size(index)}"
                for index in range(old.frames)
                if old.size(index) != new.size(index)
            ]
            if changes:
                return Outcome.structure("; ".join(changes), n=old.frames, bad=len(changes))
            texts = [_text(old, new, index) for index in range(old.frames)]
            pixels = compare_frames(old, new, rule.tile or 0.0, "page")
        return combined([part("pages", "pages", pixels), *texts], place="{where}")


class Pages:
    """The pages of an open file, as frames to be compared; numbered from 0 here, from 1 for people."""

    def __init__(self, document: Any, side: Side) -> None:
        self.frames = len(document)
        self._document = document
        self._side = side

    def size(self, index: int) -> list[float]:
        """Return width and height of a page in points."""
        with self._page(index) as page:
            return [round(float(length), _DIGITS) for length in page.get_size()]

    def text(self, index: int) -> str:
        """Return all text of a page, in the order in which the file has it."""
        with self._page(index) as page, contextlib.closing(page.get_textpage()) as found:
            return str(found.get_text_range()).replace("\r\n", "\n")

    def frame(self, index: int) -> tuple[str, NDArray[Any]]:
        """Return the colours of a page on white, (height, width, 3)."""
        width, height = (math.ceil(length * DPI / _POINTS) for length in self.size(index))
        if Image.MAX_IMAGE_PIXELS is not None and width * height > Image.MAX_IMAGE_PIXELS:
            raise IncomparableError(
                f"page {index + 1} is too large to be drawn: {width:,} x {height:,} pixels"
            )
        with self._page(index) as page:
            drawn = page.render(scale=DPI / _POINTS, rev_byteorder=True)
            with contextlib.closing(drawn):
                pixels: NDArray[Any] = np.array(drawn.to_numpy()[:, :, :3])
        return "RGB", pixels

    @contextlib.contextmanager
    def _page(self, index: int) -> Iterator[Any]:
        with _decoding(self._side), contextlib.closing(self._document[index]) as page:
            yield page


@contextlib.contextmanager
def opened(path: Path, side: Side) -> Iterator[Pages]:
    """Open a file.

    Raises:
        ExtraError: pypdfium2 is not there.
        UndecodableError: it is no PDF file, or needs a password.
    """
    pdfium = require("pypdfium2", "pdf")
    with _decoding(side):
        document = pdfium.PdfDocument(path)
    with contextlib.closing(document):
        yield Pages(document, side)


@contextlib.contextmanager
def _decoding(side: Side) -> Iterator[None]:
    """Turn what PDFium raises, a RuntimeError, into UndecodableError."""
    try:
        yield
    except (RuntimeError, OSError, ValueError) as error:
        raise UndecodableError(" ".join(str(error).split()), where=side) from error


def _text(old: Pages, new: Pages, index: int) -> Check:
    mine, theirs = old.text(index), new.text(index)
    where = f"text of page {index + 1}"
    if mine == theirs:
        return part("text", where, Outcome.equal(1))
    place = Place(where, *excerpts(mine, theirs))
    return part("text", where, Outcome.judged(math.inf, message="differs", n=1, bad=1, worst=place))
