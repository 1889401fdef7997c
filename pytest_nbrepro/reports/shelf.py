"""Where pages find their pictures and files: in the page itself while there is room, else beside it."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pytest_nbrepro import files
from pytest_nbrepro.reports import notebooks

BESIDE = "files"  # the folder beside the page
_ROOM = 3 << 20  # bytes of pictures that a page holds
_NOTEBOOK = 700_000  # characters of a notebook that is part of the page
_NOTEBOOKS = 2_000_000  # … of all of them
_LARGEST = 1 << 20  # bytes of one of them
_COPIED = 20 << 20  # bytes of a file that is copied beside the page, to be saved
_COPIES = 5 << 20  # … of all of them, but that a first one may be larger
TYPES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".webp": "image/webp",
    ".svg": "image/svg+xml",
}
_OURS = re.compile(r"[0-9a-f]{16}[.-][A-Za-z0-9._-]{1,80}")


@dataclass(frozen=True)
class Notebook:
    """Where an executed notebook can be read: one of these."""

    html: str = ""  # a page, to be shown in a frame
    frame: str = ""  # the address of such a page
    address: str = ""  # of a page that is too large for a frame
    fault: str = ""  # why it cannot be shown


class Shelf(Protocol):
    """Gives what pages show and link an address."""

    def picture(self, path: Path) -> str | None:
        """Return the address of a picture; None where there is no picture to show."""
        ...

    def file(self, path: Path) -> str | None:
        """Return the address of a file to download; None where it, or all of them, are too large to be carried along."""
        ...

    def notebook(self, path: Path, title: str) -> Notebook:
        """Return where an executed notebook can be read."""
        ...


class FolderShelf:
    """Pictures within the page while there is room; all else in a folder beside it."""

    def __init__(self, folder: Path, room: int = _ROOM) -> None:
        self.folder = folder
        self._room = room
        self._notebooks = _NOTEBOOKS
        self._copies = _COPIES
        self.names: list[str] = []  # of the files beside the page

    def picture(self, path: Path) -> str | None:
        """Return the data of a picture, or the address of its copy."""
        size, kind = path.stat().st_size, TYPES.get(path.suffix.lower())
        if kind is None:
            return None
        if size <= _LARGEST and size <= self._room:
            self._room -= size
            return f"data:{kind};base64,{base64.b64encode(path.read_bytes()).decode()}"
        return self._beside(path, path.suffix.lower())

    def file(self, path: Path) -> str | None:
        """Return the address of a copy: that of a picture which is there already, or one that is called as the file is."""
        size, name = path.stat().st_size, f"-{plain(path.name)}"
        if size > _COPIED:
            return None
        digest = files.sha256(path)[:16]
        for there in (f"{digest}{path.suffix.lower()}", f"{digest}{name}"):
            if there in self.names:
                return f"{BESIDE}/{there}"
        if self._copies <= 0:
            return None
        self._copies -= size
        return self._beside(path, name)

    def notebook(self, path: Path, title: str) -> Notebook:
        """Return a notebook itself while there is room, else the address of its page."""
        try:
            html = notebooks.page(path, title)
        except Exception as error:  # noqa: BLE001 - one odd notebook must not cost the report; the page says so
            return Notebook(fault=f"{type(error).__name__}: {error}")
        if len(html) <= min(_NOTEBOOK, self._notebooks):
            self._notebooks -= len(html)
            return Notebook(html=html)
        place = f"{files.sha256_text(html)[:16]}-{plain(path.stem)}.html"
        files.write_text(self.folder / BESIDE / place, html)
        self.names.append(place)
        return Notebook(address=f"{BESIDE}/{place}")

    def _beside(self, path: Path, name: str) -> str:
        place = f"{files.sha256(path)[:16]}{name}"
        if place not in self.names:
            files.copy(path, self.folder / BESIDE / place)
            self.names.append(place)
        return f"{BESIDE}/{place}"

    def sweep(self, names: Iterable[str]) -> None:
        """Delete what an earlier report put beside its page, if this one does not need it."""
        for name in set(names) - set(self.names):
            if _OURS.fullmatch(name):
                (self.folder / BESIDE / name).unlink(missing_ok=True)


def plain(name: str) -> str:
    """Return a file name that means nothing to a shell, a page or an address; its suffix stays."""
    return re.sub(r"[^A-Za-z0-9._-]+", "_", name)[-80:]
