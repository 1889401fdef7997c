"""Where a command works: the project's root and the folders of runs and baselines."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pytest_nbrepro.cli import inifile
from pytest_nbrepro.errors import NbreproError
from pytest_nbrepro.options import OPTIONS, Option, Settings, resolve

FOLDERS = {option.name: option for option in OPTIONS if option.kind is Path}


@dataclass(frozen=True)
class Site:
    """A project."""

    root: Path
    settings: Settings

    @property
    def store(self) -> Path:
        """The folder of runs and pending values."""
        return self.settings.dir

    @property
    def baselines(self) -> Path:
        """The folder of accepted values."""
        return self.settings.baselines

    def rooted(self, name: str) -> str:
        """Return a name of notebooks as the project calls them.

        A path that exists from here is taken as relative to the root, a case's name behind it kept; any
        other name stays as it is.
        """
        path, separator, case = name.partition("::")
        there = Path(os.path.abspath(path))  # noqa: PTH100 - links stay links, as in pytest
        if not path or not there.exists() or not there.is_relative_to(self.root):
            return name.removeprefix("./").rstrip("/")
        relative = there.relative_to(self.root).as_posix()
        return f"{relative}{separator}{case}"

    def short(self, path: Path) -> str:
        """Return a path as a person may type it from here."""
        return os.path.relpath(path)


@dataclass(frozen=True)
class Asked:
    """What the command line said of places, before its command."""

    root: Path | None
    folders: Mapping[str, str | None]

    def options(self) -> list[str]:
        """Return it as options of a command line."""
        told = {"root": self.root, **self.folders}
        return [
            part for name, value in told.items() if value is not None for part in (f"--{name}", str(value))
        ]

    def site(self, start: Path | None = None) -> Site:
        """Find the project as pytest does, from a folder (default: the current one).

        Where nothing marks a root, it is the nearest folder upwards that holds runs, else the current
        folder, or what it has in common with `start`.

        Raises:
            NbreproError: pytest's ini file cannot be read, or an option has a value that it cannot have.
        """
        here = Path.cwd()
        begin = _absolute(self.root or start or here)
        found = inifile.find(begin)
        root, config = found or (self._unmarked(begin, here), {})
        if self.root is not None:
            root = begin
        given = {**inifile.flags_in(config, os.environ), **{n: v for n, v in self.folders.items() if v}}

        def flag(option: Option) -> str | None:
            return given.get(option.name)

        def ini(option: Option) -> object:
            return config.get(option.key)

        return Site(root, resolve(root, flag, ini))

    def _unmarked(self, begin: Path, here: Path) -> Path:
        store = self.folders.get("dir") or str(FOLDERS["dir"].default)
        for folder in (begin, *begin.parents):
            if (folder / store / "runs").is_dir():
                return folder
        common = Path(os.path.commonpath([begin, here]))
        return begin if common == Path(common.anchor) else common

    def of_notebook(self, notebook: Path) -> Site:
        """Find the project of a notebook, as pytest does when it is given the notebook.

        Raises:
            NbreproError: as `site`; or the notebook does not exist, or lies outside the root.
        """
        path = _absolute(notebook)
        if not path.is_file():
            raise NbreproError("there is no such notebook", where=str(notebook))
        site = self.site(path.parent)
        if not path.is_relative_to(site.root):
            raise NbreproError(
                f"this notebook lies outside the project's root {site.root}", where=str(notebook)
            )
        return site


def _absolute(path: Path) -> Path:
    return Path(os.path.abspath(path))  # noqa: PTH100 - links stay links, as in pytest
