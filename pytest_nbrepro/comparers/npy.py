"""Reading npy and npz files in blocks; a pickle in them is never loaded.

The format is NumPy's (NEP 1 and its versions 1.0, 2.0, 3.0): a magic string, a version, the length of a
header, the header as a Python literal with `descr`, `fortran_order` and `shape`, then the values. An npz
file is a zip archive of such files.
"""

from __future__ import annotations

import ast
import contextlib
import lzma
import math
import os
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any

import numpy as np

from pytest_nbrepro.comparers.base import Side
from pytest_nbrepro.errors import UndecodableError

BLOCK = 2 << 20  # bytes of one side that are read at a time
_MAGIC = b"\x93NUMPY"
_HEADER = 1 << 16  # bytes of the longest header that is parsed
_SUFFIX = ".npy"
_LOCAL = (
    30  # bytes before the name in the header that a zip archive has before each member; the lengths come last
)


@dataclass(frozen=True)
class Header:
    """What an npy file says of its values."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    fortran: bool

    @property
    def count(self) -> int:
        """The number of values."""
        return math.prod(self.shape)

    @property
    def word(self) -> str:
        """The dtype without its byte order, which is no part of the contract."""
        return "object" if self.dtype.hasobject else str(self.dtype.newbyteorder("="))


@dataclass(frozen=True)
class Source:
    """One array as it lies in a file; it can be opened again for another pass."""

    side: Side
    opener: Callable[[], IO[bytes]]
    size: int  # bytes, header included
    is_array: bool  # whether its name says so
    unchecked: Callable[[], IO[bytes]] | None = None  # opens it without its check sum, where that is faster

    @contextlib.contextmanager
    def open(self, *, checked: bool = True) -> Iterator[Reader]:
        """Open it at its first value; a pass beside one that checks the sum need not do so again.

        Raises:
            UndecodableError: it cannot be opened, or its header is none or promises too much.
        """
        with decoding(self.side):
            stream = self.opener() if checked or self.unchecked is None else self.unchecked()
        with stream:
            yield Reader(self, stream)


class Reader:
    """An open array. `header` is None for a member of an npz file that is no array."""

    def __init__(self, source: Source, stream: IO[bytes]) -> None:
        self._stream = stream
        self._side = source.side
        with decoding(source.side):
            start = stream.read(len(_MAGIC))
            if start != _MAGIC and source.is_array:
                raise UndecodableError("it does not begin as an npy file")
            self.header = _header(stream, source.size) if start == _MAGIC else None
        self._start = b"" if self.header else start

    def read(self, size: int) -> bytes:
        """Return exactly so many bytes.

        Raises:
            UndecodableError: there are fewer, or they do not match their check sum.
        """
        with decoding(self._side):
            data = self._stream.read(size)
        if len(data) != size:
            raise UndecodableError("it ends before its last value", where=self._side)
        return data

    def rest(self, block: int = BLOCK) -> Iterator[bytes]:
        """Return what is left, in blocks; a member that is no array from its first byte on."""
        start, self._start = self._start, b""
        while True:
            with decoding(self._side):
                data = start + self._stream.read(block)
            start = b""
            if not data:
                return
            yield data


def same_rest(one: Reader, other: Reader) -> bool:
    """Tell whether two arrays go on with the same bytes to their ends."""
    left, right = one.rest(), other.rest()
    while True:
        mine, theirs = next(left, b""), next(right, b"")
        if mine != theirs:
            return False
        if not mine:
            return True


@contextlib.contextmanager
def sources(path: Path, side: Side) -> Iterator[dict[str, Source]]:
    """Open an npy file (one source named "") or the members of an npz file.

    Raises:
        UndecodableError: it is no zip archive, or two members have one name.
    """
    if path.suffix.lower() == _SUFFIX:
        yield {"": Source(side, lambda: path.open("rb"), path.stat().st_size, is_array=True)}
        return
    with decoding(side):
        archive = zipfile.ZipFile(path)
    with archive:
        found: dict[str, Source] = {}
        for info in archive.infolist():
            name = info.filename.removesuffix(_SUFFIX)
            if name in found:
                raise UndecodableError(f"it has two members {name!r}", where=side)
            is_array = info.filename.endswith(_SUFFIX)
            unchecked = partial(_stored, path, info) if info.compress_type == zipfile.ZIP_STORED else None
            found[name] = Source(side, partial(archive.open, info), info.file_size, is_array, unchecked)
        yield found


def _stored(path: Path, info: zipfile.ZipInfo) -> IO[bytes]:
    """Open a member that is not compressed where it lies in the archive, behind its local header."""
    stream = path.open("rb")
    stream.seek(info.header_offset + _LOCAL - 4)
    name, extra = struct.unpack("<HH", stream.read(4))
    stream.seek(name + extra, os.SEEK_CUR)
    return stream


@contextlib.contextmanager
def decoding(side: Side) -> Iterator[None]:
    """Turn what zip, its compressions and the header's literal raise into UndecodableError."""
    try:
        yield
    except UndecodableError as error:
        raise UndecodableError(error.what, where=side) from error
    except (
        OSError,
        EOFError,
        RuntimeError,  # an encrypted member; NotImplementedError: an unknown compression
        ValueError,
        TypeError,
        SyntaxError,
        LookupError,
        MemoryError,
        struct.error,
        zipfile.BadZipFile,
        zlib.error,
        lzma.LZMAError,
    ) as error:
        raise UndecodableError(str(error) or type(error).__name__, where=side) from error


def _header(stream: IO[bytes], size: int) -> Header:
    major, minor = stream.read(2)
    if major not in {1, 2, 3} or minor:
        raise UndecodableError(f"version {major}.{minor} of the npy format is unknown")
    form = "<H" if major == 1 else "<I"
    (length,) = struct.unpack(form, stream.read(struct.calcsize(form)))
    if length > _HEADER:
        raise UndecodableError(f"its header has {length:,} bytes")
    text = stream.read(length).decode("utf-8" if major == 3 else "latin-1")
    fields = ast.literal_eval(text)
    if not isinstance(fields, dict) or set(fields) != {"descr", "fortran_order", "shape"}:
        raise UndecodableError("its header is none")
    shape = fields["shape"]
    if not isinstance(shape, tuple) or not all(type(n) is int and n >= 0 for n in shape):
        raise UndecodableError(f"its shape is {shape!r}")
    header = Header(np.lib.format.descr_to_dtype(fields["descr"]), shape, bool(fields["fortran_order"]))
    left = size - len(_MAGIC) - 2 - struct.calcsize(form) - length
    if not header.dtype.hasobject and header.count * header.dtype.itemsize > left:
        raise UndecodableError("it ends before its last value")
    return header
