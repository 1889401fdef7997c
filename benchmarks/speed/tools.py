"""The tools, each in an environment of its own, and how each is told to run a folder of notebooks."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
SCIENCE = ("numpy", "pandas", "matplotlib", "ipykernel")
_PAPERMILL = (
    "import pathlib, subprocess, sys\n"
    "for path in sorted(pathlib.Path().glob('n*.ipynb')):\n"
    "    subprocess.run(['papermill', '--no-progress-bar', str(path), 'out.ipynb'], check=True)\n"
)
_SCRIPTS = (
    "import pathlib, subprocess, sys\n"
    "for path in sorted(pathlib.Path().glob('n*.py')):\n"
    "    subprocess.run([sys.executable, str(path)], check=True)\n"
)


@dataclass(frozen=True)
class Tool:
    """A command, and what its environment holds."""

    name: str
    packages: tuple[str, ...]
    arguments: tuple[str, ...]
    environment: str = ""  # whose environment it shares; its own by default
    ok: tuple[int, ...] = (0,)  # how it may end

    @property
    def place(self) -> str:
        """The name of its environment."""
        return self.environment or self.name


OURS = Tool("nbrepro", (str(ROOT), "pytest-xdist"), ("-m", "pytest", "-q", "--nbrepro"))
OURS_TWO = Tool("nbrepro, 2 workers", (), (*OURS.arguments, "--nbrepro-workers=2"), OURS.name)
NBMAKE = Tool("nbmake", ("nbmake", "pytest-xdist"), ("-m", "pytest", "-q", "--nbmake"))
NBMAKE_TWO = Tool("nbmake -n 2", (), (*NBMAKE.arguments, "-n2"), NBMAKE.name)
NBVAL = Tool("nbval-lax", ("nbval",), ("-m", "pytest", "-q", "--nbval-lax"))
PYTEST_NOTEBOOK = Tool(  # fails all, since no outputs are stored, but has run them
    "pytest-notebook", ("pytest-notebook",), ("-m", "pytest", "-q", "--nb-test-files"), ok=(0, 1)
)
PAPERMILL = Tool("papermill", ("papermill",), ("-c", _PAPERMILL))
SCRIPTS = Tool("python script.py", (), ("-c", _SCRIPTS), OURS.name)
BARE = Tool("pytest alone", ("pytest",), ("-m", "pytest", "-q"))
UNUSED = Tool("plugin not used", (str(ROOT),), ("-m", "pytest", "-q"))
WITHOUT = Tool("plugin kept out", (), (*UNUSED.arguments, "-p", "no:nbrepro"), UNUSED.name)
OWN = tuple(tool for tool in (OURS, NBMAKE, NBVAL, PYTEST_NOTEBOOK, PAPERMILL, BARE, UNUSED))
HERE = frozenset({OURS.name, UNUSED.name})  # environments with this tree
LIGHT = frozenset({BARE.name, UNUSED.name})  # nothing of science in there


class Environments:
    """Virtual environments below a folder, made once; only this tree is installed anew each time.

    Args:
        folder: where they go; those of other tools that are there already are used as they are.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def make(self, tool: Tool) -> None:
        """Make the environment of a tool."""
        place = self._folder / tool.place
        install = [self._python(tool), "-m", "pip", "install", "-q"]
        if not (place / "made").exists():
            subprocess.run([sys.executable, "-m", "venv", "--clear", str(place)], check=True)
            packages = [*tool.packages, *(() if tool.name in LIGHT else SCIENCE)]
            subprocess.run([*install, *packages], check=True)
            (place / "made").touch()
        elif tool.place in HERE:
            subprocess.run([*install, "--force-reinstall", "--no-deps", str(ROOT)], check=True)

    def command(self, tool: Tool) -> Sequence[str]:
        """Return the command line of a tool."""
        return [self._python(tool), *tool.arguments]

    def variables(self, tool: Tool) -> Mapping[str, str]:
        """Return the environment variables of a tool: of the machine's only those that say nothing of Python."""
        dropped = ("PYTHON", "PYTEST", "NBREPRO", "VIRTUAL_ENV", "TOX", "COV_", "JUPYTER", "CI")
        kept = {name: text for name, text in os.environ.items() if not name.startswith(dropped)}
        binaries = self._folder / tool.place / "bin"
        return {**kept, "PATH": f"{binaries}{os.pathsep}{kept['PATH']}"}

    def versions(self, tool: Tool) -> str:
        """Return name and version of the package of a tool."""
        name = tool.packages[0]
        if "/" in name:
            return "pytest-nbrepro of this tree"
        code = f"import importlib.metadata as m; print({name!r}, m.version({name!r}))"
        done = subprocess.run([self._python(tool), "-c", code], check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def _python(self, tool: Tool) -> str:
        return str(self._folder / tool.place / "bin" / "python")
