"""Pytest's root and ini file, found and read as pytest does, so that both use the same folders.

See https://docs.pytest.org/en/stable/reference/customize.html.
"""

from __future__ import annotations

import configparser
import itertools
import os
import shlex
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pytest_nbrepro.errors import NbreproError
from pytest_nbrepro.options import OPTIONS

Config = Mapping[str, Any]


def find(start: Path) -> tuple[Path, Config] | None:
    """Return pytest's root and the content of its ini file, looking upwards from a folder.

    The nearest file that holds a configuration of pytest's decides; without one the nearest
    `pyproject.toml`, then the nearest `setup.py`.

    Returns:
        None where there is none of these.

    Raises:
        NbreproError: a file on the way cannot be read.
    """
    above = (start, *start.parents)
    for folder in above:
        for name, reader in _READERS.items():
            path = folder / name
            config = reader(path) if path.is_file() else None
            if config is not None:
                return folder, config
    for name in ("pyproject.toml", "setup.py"):
        for folder in above:
            if (folder / name).is_file():
                return folder, {}
    return None


def flags_in(config: Config, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the options of ours, by name, that `addopts` and `PYTEST_ADDOPTS` hold; the last one wins.

    Raises:
        NbreproError: a quote is not closed.
    """
    own = config.get("addopts", "")
    words = [str(word) for word in own] if isinstance(own, list) else _words(str(own), "ini key addopts")
    words += _words(environ.get("PYTEST_ADDOPTS", ""), "environment variable PYTEST_ADDOPTS")
    names = {option.flag: option.name for option in OPTIONS if option.kind is not bool}
    found: dict[str, str] = {}
    for word, behind in itertools.zip_longest(words, words[1:], fillvalue=""):
        flag, equals, value = word.partition("=")
        if flag in names:
            found[names[flag]] = value if equals else behind
    return found


def _words(text: str, where: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError as error:
        raise NbreproError(f"{text!r} cannot be split into words: {error}", where=where) from error


# ---------------------------------------------------------------------------------------------------
# The files, in pytest's order


def _pyproject(path: Path) -> Config | None:
    table = _toml(path).get("tool", {}).get("pytest", {})
    if set(table) - {"ini_options"}:
        return dict(table)
    options: Config | None = table.get("ini_options")
    return options


def _pytest_toml(path: Path) -> Config:
    config: Config = _toml(path).get("pytest", {})
    return config


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise NbreproError(f"not TOML: {error}", where=str(path)) from error


def _section(name: str, *, always: bool = False) -> Callable[[Path], Config | None]:
    def read(path: Path) -> Config | None:
        parser = configparser.RawConfigParser(allow_no_value=True, strict=False)
        parser.optionxform = str  # type: ignore[assignment,method-assign] # names keep their case
        try:
            parser.read_string(path.read_text("utf-8-sig"), os.fspath(path))
        except (configparser.Error, UnicodeDecodeError) as error:
            raise NbreproError(" ".join(str(error).split()), where=str(path)) from error
        if parser.has_section(name):
            return dict(parser.items(name))
        return {} if always else None

    return read


_READERS: dict[str, Callable[[Path], Config | None]] = {
    "pytest.toml": _pytest_toml,
    ".pytest.toml": _pytest_toml,
    "pytest.ini": _section("pytest", always=True),
    ".pytest.ini": _section("pytest", always=True),
    "pyproject.toml": _pyproject,
    "tox.ini": _section("pytest"),
    "setup.cfg": _section("tool:pytest"),
}
