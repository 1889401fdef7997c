"""Unpacking archives that nobody vouches for: under names of our own, and only so many bytes."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import lzma
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Protocol, cast

from pytest_nbrepro.comparers.base import IncomparableError
from pytest_nbrepro.errors import UndecodableError

CAP = 4 << 30  # bytes that one archive may unpack to
MEMBERS = 100_000  # members that one archive may have
_BLOCK = 1 << 20
SINGLE = frozenset({"gz", "bz2", "xz"})  # formats that hold one member, without a name of its own
_ZIPS = frozenset({".zip", ".xlsx"})
_TARS = (".tar", ".tgz", ".tbz2", ".txz", ".tar.gz", ".tar.bz2", ".tar.xz")
_FAULTS = (
    OSError,
    EOFError,
    RuntimeError,  # an encrypted member; NotImplementedError: an unknown compression
    ValueError,
    IndexError,
    struct.error,
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
)


@dataclass(frozen=True)
class Member:
    """A member of an archive: a file that was unpacked, or a link, of which only the target counts."""

    name: str
    path: Path | None = None
    link: str = ""


def format_of(path: Path) -> str:
    """Return ``tar``, ``zip``, ``gz``, ``bz2`` or ``xz`` by a file's name."""
    name, suffix = path.name.lower(), path.suffix.lower()
    if name.endswith(_TARS):
        return "tar"
    return "zip" if suffix in _ZIPS else suffix.removeprefix(".")


def unpack(path: Path, folder: Path, cap: int = CAP) -> dict[str, Member]:
    """Unpack an archive's files into an empty folder, as ``0001/NAME`` and so on.

    Folders, dates, owners and modes are left out. The one member of a compressed file has the file's name
    without the last suffix.

    Args:
        path: the archive.
        folder: an empty folder.
        cap: bytes that it may unpack to.

    Raises:
        UndecodableError: it is no such archive, or it is damaged.
        IncomparableError: it leads out of its folder, holds a device, two members of one name, too many
            members or too many bytes.
    """
    budget = _Budget(folder, cap)
    with _decoding(format_of(path)):
        if format_of(path) == "tar":
            _unpack_tar(path, budget)
        elif format_of(path) == "zip":
            _unpack_zip(path, budget)
        else:
            _unpack_single(path, budget)
    return budget.members


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


class _Budget:
    """Takes members until their bytes or their number is used up."""

    def __init__(self, folder: Path, cap: int) -> None:
        self.members: dict[str, Member] = {}
        self._folder = folder
        self._cap = cap
        self._left = cap

    def add(self, name: str, stream: _Readable) -> None:
        """Unpack one file."""
        self._claim(name)
        target = self._folder / f"{len(self.members):04}" / _file_name(name)
        target.parent.mkdir()
        with target.open("wb") as out:
            for block in self.blocks(stream):
                out.write(block)
        self.members[name] = Member(name, target)

    def blocks(self, stream: _Readable) -> Iterator[bytes]:
        """Read a stream to its end."""
        while block := stream.read(_BLOCK):
            self._left -= len(block)
            if self._left < 0:
                raise IncomparableError(f"it unpacks to more than {self._cap:,} bytes")
            yield block

    def add_link(self, name: str, target: str) -> None:
        """Note a link, which is not followed."""
        self._claim(name)
        self.members[name] = Member(name, link=target)

    def _claim(self, name: str) -> None:
        if name in self.members:
            raise IncomparableError(f"it has two members {name!r}")
        if len(self.members) >= MEMBERS:
            raise IncomparableError(f"it has more than {MEMBERS:,} members")
        parts = PurePosixPath(name.replace("\\", "/"))
        if parts.is_absolute() or ".." in parts.parts or "\0" in name:
            raise IncomparableError(f"its member {name!r} leads out of the folder")


def _file_name(name: str) -> str:
    """Return a member's file name, short enough for any file system, with its suffixes."""
    last = PurePosixPath(name).name.replace("\\", "_") or "_"
    return last if len(last.encode("utf-8", "surrogateescape")) <= 100 else "_" + last[-40:]


def _unpack_single(path: Path, budget: _Budget) -> None:
    if format_of(path) == "gz":
        with gzip.open(path) as stream:
            budget.add(path.stem, stream)
    elif format_of(path) == "bz2":
        with bz2.open(path) as stream:
            budget.add(path.stem, stream)
    else:
        with lzma.open(path) as stream:
            budget.add(path.stem, stream)


def _unpack_zip(path: Path, budget: _Budget) -> None:
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            if not info.is_dir():
                with archive.open(info) as stream:
                    budget.add(info.filename, stream)


def _unpack_tar(path: Path, budget: _Budget) -> None:
    with tarfile.open(path) as archive:
        for info in archive:
            name = info.name.removeprefix("./")
            if info.issym() or info.islnk():
                budget.add_link(name, info.linkname)
            elif info.isreg():
                budget.add(name, cast("IO[bytes]", archive.extractfile(info)))
            elif not info.isdir():
                raise IncomparableError(f"its member {name!r} is no file, folder or link")
        # A header that cannot be read ends the loop without a word; a sound archive ends in zeros.
        stream = cast("IO[bytes]", archive.fileobj)
        stream.seek(archive.offset)
        for block in budget.blocks(stream):
            if block.strip(b"\0"):
                raise UndecodableError("not readable as tar: damaged after its last readable member")


@contextlib.contextmanager
def _decoding(word: str) -> Iterator[None]:
    try:
        yield
    except _FAULTS as error:
        raise UndecodableError(f"not readable as {word}: {str(error) or type(error).__name__}") from error
