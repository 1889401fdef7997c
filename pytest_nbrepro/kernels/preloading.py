"""Which libraries a fork server may import ahead for a notebook: read from its code, before it runs.

Only libraries are taken that are known to be safe to fork after, and only for code that is understood: nothing in it
may change what these libraries read when they are imported. All else is imported when the notebook does.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from pytest_nbrepro.magics import mask_magics

SAFE = frozenset({"numpy", "pandas", "matplotlib", "scipy", "sklearn"})
_HARMLESS = frozenset(
    {"IPython", "PIL", "joblib", "polars", "threadpoolctl"}
)  # change no variables when imported
# `matplotlib.pyplot` itself asks for IPython's shell when it is imported; this is what it needs
_PYPLOT = (
    "matplotlib.backends.backend_agg",
    "matplotlib.backends.registry",
    "matplotlib.figure",
    "matplotlib.image",
    "matplotlib.mlab",
    "matplotlib.style",
    "matplotlib.widgets",
)
_MAGIC = re.compile(r"^\s*%{1,2}([A-Za-z_]\w*)", re.MULTILINE)
_QUIET_MAGICS = {"capture", "config", "matplotlib", "precision", "time", "timeit"}
_QUIET_MAGICS |= {
    "bash",
    "html",
    "javascript",
    "latex",
    "markdown",
    "sh",
    "svg",
}  # of cells in other languages
_CHANGING = {"meta_path", "path_hooks", "putenv", "unsetenv"}
_READING = {"copy", "get", "items", "keys", "values"}
_DYNAMIC = {"__import__", "compile", "eval", "exec"}
_STRANGE = {"importlib", "runpy", "pylab"}
_CONFIGURING = "matplotlibrc"  # which matplotlib reads where it is imported
_MOST = 50  # local files that are read


class _NotUnderstoodError(Exception):
    """The code may do something to the libraries that it imports."""


def needs(sources: Iterable[str], folders: Iterable[Path]) -> frozenset[str]:
    """Return the modules that a notebook imports and that may be imported ahead; none where that is not sure.

    Args:
        sources: its code cells.
        folders: where it imports local modules from.
    """
    folders = list(folders)
    if any((folder / _CONFIGURING).exists() for folder in folders):
        return frozenset()
    code = _Code(folders)
    try:
        for source in sources:
            code.read_cell(source)
    except _NotUnderstoodError:
        return frozenset()
    return frozenset(code.found)


def libraries(modules: Iterable[str]) -> frozenset[str]:
    """Return the libraries of modules."""
    return frozenset(name.partition(".")[0] for name in modules)


def beside(folders: Iterable[Path]) -> frozenset[str]:
    """Return the names by which local modules can be imported."""
    return frozenset(path.name.partition(".")[0] for folder in folders for path in folder.iterdir())


class _Code:
    def __init__(self, folders: list[Path]) -> None:
        self.found: set[str] = set()
        self._folders = folders
        self._read: set[Path] = set()

    def read_cell(self, source: str) -> None:
        if set(_MAGIC.findall(source)) - _QUIET_MAGICS:
            raise _NotUnderstoodError
        plain = mask_magics(source)
        if plain is not None:  # else no Python
            self._read_source(plain)

    def _read_source(self, source: str) -> None:
        try:
            tree = ast.parse(source)
        except (SyntaxError, ValueError, RecursionError):
            raise _NotUnderstoodError from None
        nodes = list(ast.walk(tree))
        reading = set(_readings(nodes))
        for node in nodes:
            if isinstance(node, ast.Import):
                for alias in node.names:
                    self._imports(alias.name)
            elif isinstance(node, ast.ImportFrom):
                self._imports_from(node)
            elif _changes(node) and id(node) not in reading:
                raise _NotUnderstoodError

    def _imports_from(self, node: ast.ImportFrom) -> None:
        if node.level:  # of a package all files are read
            return
        for alias in node.names:
            if alias.name in {*_CHANGING, "environ"} or (node.module == "sys" and alias.name == "path"):
                raise _NotUnderstoodError
            self._imports(f"{node.module}.{alias.name}")
        self._imports(node.module or "")

    def _imports(self, name: str) -> None:
        top = name.partition(".")[0]
        if self._read_local(top):
            return
        if top in _STRANGE:
            raise _NotUnderstoodError
        if top in SAFE:
            self.found |= set(_PYPLOT) if name.startswith("matplotlib.pyplot") else {name}
        elif top not in _HARMLESS and top not in sys.stdlib_module_names:
            raise _NotUnderstoodError

    def _read_local(self, top: str) -> bool:
        """Read a local module, or all of a package; False where there is none of that name."""
        files = [
            path
            for folder in self._folders
            for path in (*folder.glob(f"{top}.py"), *(folder / top).rglob("*.py"))
        ]
        for path in set(files) - self._read:
            self._read.add(path)
            if len(self._read) > _MOST:
                raise _NotUnderstoodError
            try:
                self._read_source(path.read_text("utf-8"))
            except (OSError, UnicodeDecodeError):
                raise _NotUnderstoodError from None
        return bool(files)


def _readings(nodes: Iterable[ast.AST]) -> Iterator[int]:
    """Yield the `os.environ` that are only read."""
    for node in nodes:
        subscript = isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load)
        get = isinstance(node, ast.Attribute) and node.attr in _READING
        if subscript or get:
            yield id(node.value)  # type: ignore[attr-defined]
        elif isinstance(node, ast.Compare):
            yield from map(id, node.comparators)


def _changes(node: ast.AST) -> bool:
    """Tell whether code may change what libraries read when they are imported, or how they are found."""
    if isinstance(node, ast.Name):
        return node.id in _DYNAMIC
    if not isinstance(node, ast.Attribute):
        return False
    of_sys = isinstance(node.value, ast.Name) and node.value.id == "sys"
    return node.attr in {*_CHANGING, "environ"} or (of_sys and node.attr in {"path", "modules"})
