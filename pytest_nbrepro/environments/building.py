"""Virtual environments with given versions, made with uv where it is there, else with pip, and kept.

Distributions are installed without what they ask for: those that a notebook imports are all recorded, and mixtures of
old and new ones must not be refused. IPython's kernel comes first, with all that it needs.
"""

from __future__ import annotations

import importlib.metadata
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

from pytest_nbrepro import files
from pytest_nbrepro.environments.pins import Pins
from pytest_nbrepro.errors import NbreproError
from pytest_nbrepro.packages import normal

_MADE = "made.json"
_KERNEL = "ipykernel"
_TAIL = 1500  # characters of what an installer said


class Unbuildable(NbreproError):  # noqa: N818 - it is no error of the program
    """An environment that cannot be built any more, or not here; `gone` names the versions that no index has."""

    gone: tuple[str, ...] = ()


class Builder:
    """Makes environments below a folder.

    Args:
        folder: where they are kept; what is there already is used again.
        told: called with a line before something that takes long.
    """

    def __init__(self, folder: Path, told: Callable[[str], None] = lambda _: None) -> None:
        self._folder = folder
        self._told = told
        self._uv = shutil.which("uv")

    def python(self, pins: Pins) -> Path:
        """Return the interpreter of an environment with these pins, made if it is not there.

        Raises:
            Unbuildable: the interpreter is not here, or a version cannot be installed.
        """
        place = self._folder / pins.key
        interpreter = place / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
        if (place / _MADE).exists():
            return interpreter
        self._told(f"building an environment of {len(pins.versions)} distributions")
        self._create(place, _base(pins.python))
        self._install(interpreter, [_KERNEL], deps=True)
        sources = _sources()
        wanted = [
            sources.get(normal(name)) or f"{name}=={version}"
            for name, version in sorted(pins.versions.items())
        ]
        if wanted:
            try:
                self._install(interpreter, wanted, deps=False)
            except Unbuildable as error:
                raise self._explained(interpreter, wanted, error) from None
        files.write_json(place / _MADE, {"python": pins.python, "distributions": dict(pins.versions)})
        return interpreter

    def _create(self, place: Path, base: str) -> None:
        shutil.rmtree(place, ignore_errors=True)  # one that was not made to its end
        place.parent.mkdir(parents=True, exist_ok=True)
        if self._uv:
            _run([self._uv, "venv", "-q", "--python", base, str(place)])
        else:
            _run([base, "-m", "venv", str(place)])

    def _install(self, interpreter: Path, wanted: Sequence[str], *, deps: bool) -> None:
        _run([*self._installer(interpreter), *(() if deps else ("--no-deps",)), *wanted])

    def _installer(self, interpreter: Path) -> list[str]:
        if self._uv:
            return [self._uv, "pip", "install", "-q", "--python", str(interpreter)]
        return [str(interpreter), "-m", "pip", "install", "-q", "--disable-pip-version-check"]

    def _explained(self, interpreter: Path, wanted: Sequence[str], error: Unbuildable) -> Unbuildable:
        """Return an error that names the versions which cannot be had."""
        self._told("asking which versions are gone")
        gone = tuple(one for one in wanted if not self._there(interpreter, one))
        if not gone:
            return error
        names = ", ".join(one.replace("==", " ") for one in gone)
        explained = Unbuildable(
            f"the environment cannot be built again: there is no {names} for this Python and machine",
            hint="an index that still has them helps: PIP_INDEX_URL or PIP_FIND_LINKS (UV_… with uv)",
        )
        explained.gone = gone
        return explained

    def _there(self, interpreter: Path, wanted: str) -> bool:
        try:
            _run([*self._installer(interpreter), "--no-deps", "--dry-run", wanted])
        except Unbuildable:
            return False
        return True


def _base(version: str) -> str:
    """Return the interpreter of a version of Python.

    Raises:
        Unbuildable: there is none.
    """
    if version == f"{sys.version_info[0]}.{sys.version_info[1]}":
        return getattr(sys, "_base_executable", sys.executable)
    found = shutil.which(f"python{version}")
    if found is None:
        what = f"the environment cannot be built again: it had Python {version}, which is not here"
        raise Unbuildable(what, hint=f"install python{version}, so that it is found on PATH")
    return found


def _sources() -> Mapping[str, str]:
    """Return the folders of those distributions here that were installed from one: no index has them.

    See https://packaging.python.org/en/latest/specifications/direct-url/.
    """
    found = {}
    for distribution in importlib.metadata.distributions():
        told = distribution.read_text("direct_url.json")
        if told and "dir_info" in (record := json.loads(told)):
            found[normal(distribution.name)] = unquote(urlsplit(record["url"]).path)
    return found


def _run(command: Sequence[str]) -> None:
    """Run an installer.

    Raises:
        Unbuildable: it fails.
    """
    try:
        done = subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace", check=False)
    except OSError as error:
        raise Unbuildable(f"{command[0]} cannot be started: {error.strerror}") from error
    if done.returncode:
        said = (done.stderr or done.stdout).strip()[-_TAIL:]
        raise Unbuildable(f"the environment cannot be built: {' '.join(command[:4])} … says\n{said}")
