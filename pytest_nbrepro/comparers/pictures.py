"""Image files, decoded safely and whole, frame by frame, into arrays of colours."""

from __future__ import annotations

import contextlib
import struct
import warnings
import zlib
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from pytest_nbrepro.errors import NbreproError, UndecodableError

_BROKEN = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    TypeError,
    IndexError,
    KeyError,
    struct.error,
    zlib.error,
)
_FREE = {"GIF": "P", "WEBP": "RGBA"}  # the encoder chooses the mode of each frame, in WebP of animations
_PNG_END = b"IEND\xaeB`\x82"
_TAIL = 4096  # bytes after the end of an image that are put up with


class Picture:
    """An image file, decoded frame by frame."""

    def __init__(self, path: Path, too_large: type[NbreproError]) -> None:
        self._too_large = too_large
        self._stream = path.open("rb")
        try:
            with self._decoding():
                self._image = Image.open(self._stream)
                self.frames = int(getattr(self._image, "n_frames", 1))
                self._check_end(path)
                mode, _ = _by_colours(self._image, decode=False)
        except BaseException:
            self._stream.close()
            raise
        self.structure: dict[str, Any] = {
            "format": self._image.format,
            "mode": mode,
            "size": list(self._image.size),
            "frames": self.frames,
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._image.close()
        self._stream.close()

    def frame(self, index: int) -> tuple[str, NDArray[Any]]:
        """Return the mode and the pixels of a frame, (height, width) or (height, width, channels).

        Frames are asked for in order; after the last one the decoder's own copy is gone.
        """
        with self._decoding():
            self._image.seek(index)
            self._check_size()
            mode, image = _by_colours(self._image)
            pixels = np.asarray(image)
            if index == self.frames - 1:
                self._image.close()
            return mode, pixels

    @contextlib.contextmanager
    def _decoding(self) -> Iterator[None]:
        """Turn what the decoder raises, or only warns of, into an error of ours."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)
                warnings.filterwarnings("error", r"(?i)(truncated|corrupt)", UserWarning)
                warnings.simplefilter("error", Image.DecompressionBombWarning)
                yield
        except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
            raise self._too_large(f"too many pixels to be decoded safely: {error}") from error
        except UnidentifiedImageError as error:  # whose own words hold the path
            raise UndecodableError("no image of a known format") from error
        except (*_BROKEN, UserWarning) as error:
            raise UndecodableError(f"a broken image: {error}") from error

    def _check_end(self, path: Path) -> None:
        """Look for the marks that end a file; decoders do not miss them when they are cut off."""
        with path.open("rb") as stream:
            stream.seek(max(0, path.stat().st_size - _TAIL))
            tail = stream.read()
        cut = {"PNG": _PNG_END not in tail, "GIF": not tail.rstrip(b"\0").endswith(b";")}
        if cut.get(str(self._image.format)):
            raise UndecodableError("a broken image: it is cut short")

    def _check_size(self) -> None:
        """Refuse a later frame that is too large; the decoder looks at the first alone."""
        most, (width, height) = Image.MAX_IMAGE_PIXELS, self._image.size
        if most is not None and width * height > most:
            raise Image.DecompressionBombError(f"{width} x {height} are over {most}")


def _by_colours(image: Image.Image, *, decode: bool = True) -> tuple[str, Image.Image]:
    """Return the mode's name and the image with one number per channel and pixel, alpha included.

    Palettes and transparent colours are resolved: the order of a palette means nothing.
    """
    mode, target = image.mode, None
    if (free := _FREE.get(str(image.format))) and (free == "P" or getattr(image, "is_animated", False)):
        mode, target = free, "RGBA"
    elif mode in {"P", "PA"}:
        target = "RGBA"
    elif "transparency" in image.info:
        key = image.info["transparency"]
        target = "RGBA" if mode in {"1", "L", "RGB"} else None
        mode = f"{mode} with a transparent colour" + ("" if target else f" {key!r}")
    elif mode == "1":
        target = "L"
    return mode, image.convert(target) if target and decode else image
