"""Addresses of the files that pages show: nothing else can be asked for."""

from __future__ import annotations

from pathlib import Path

from pytest_nbrepro import files
from pytest_nbrepro.reports.shelf import TYPES, Notebook, plain


class ServedShelf:
    """Gives files an address from which the viewer sends them.

    Args:
        base: what addresses begin with.
    """

    def __init__(self, base: str) -> None:
        self._base = base
        self._known: dict[str, Path] = {}

    def picture(self, path: Path) -> str | None:
        """Return the address of a picture; None where there is no picture to show."""
        return self.file(path) if path.suffix.lower() in TYPES else None

    def file(self, path: Path) -> str:
        """Return the address of a file."""
        return f"{self._base}files/{self._key(path)}/{plain(path.name)}"

    def notebook(self, path: Path, title: str) -> Notebook:  # noqa: ARG002 - it has its own
        """Return the address of a notebook's page, which is made when somebody looks."""
        return Notebook(frame=f"{self._base}notebooks/{self._key(path)}")

    def find(self, key: str) -> Path | None:
        """Return the file of an address; None where it was never given one."""
        return self._known.get(key)

    def _key(self, path: Path) -> str:
        key = files.sha256_text(str(path))[:24]
        self._known[key] = path
        return key
