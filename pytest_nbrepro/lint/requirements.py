"""Imports that no declared dependency provides."""

from __future__ import annotations

import ast
import functools
import importlib.metadata
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pytest_nbrepro import yaml12
from pytest_nbrepro.lint.base import Place, Subject, found
from pytest_nbrepro.packages import normal

_NAME = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)")
_KNOWN = {  # modules whose distribution has another name, for machines where it is not installed
    "PIL": "pillow", "bs4": "beautifulsoup4", "cv2": "opencv-python", "dateutil": "python-dateutil", "skimage":
    "scikit-image", "sklearn": "scikit-learn", "yaml": "pyyaml",
}  # fmt: skip
_GIVEN = frozenset({"IPython", "ipykernel", "ipywidgets"})  # by what runs notebooks


def undeclared(subject: Subject) -> Iterator[Place]:
    """Yield the first import of each module that neither Python, the project nor what it declares provides."""
    declared = declarations(subject.root, subject.folder)
    told: set[str] = set()
    for code in subject.code:
        for node in ast.walk(code.tree) if code.tree is not None else ():
            for module in _imported(node):
                if module in told or _provided(module, subject, declared):
                    continue
                told.add(module)
                assert isinstance(node, ast.stmt)  # noqa: S101 - imports are
                yield found(code.cell.index, node, _text(module, declared))


def declarations(root: Path, folder: Path) -> frozenset[str] | None:
    """Return the distributions that the project's files declare; None where no file declares any."""
    places = list(dict.fromkeys((root, folder)))
    names: set[str] = set()
    seen = False
    for place in places:
        for path in (
            place / "pyproject.toml",
            *sorted(place.glob("requirements*.txt")),
            *_environments(place),
        ):
            if path.is_file():
                read = _READERS[path.suffix](path)
                seen = seen or bool(read)
                names.update(read)
    return frozenset(names) if seen else None


def _text(module: str, declared: frozenset[str] | None) -> str:
    if declared is None:
        return f"it imports {module}, and no file declares what the project needs"
    return f"it imports {module}, which no declared dependency provides"


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name.partition(".")[0] for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module and not node.level:
        return [node.module.partition(".")[0]]
    return []


def _provided(module: str, subject: Subject, declared: frozenset[str] | None) -> bool:
    if module in sys.stdlib_module_names or module in _GIVEN or module == "__future__":
        return True
    for place in (subject.folder, subject.root, subject.root / "src"):
        if (place / f"{module}.py").is_file() or (place / module).is_dir():
            return True
    owners = {normal(name) for name in _owners().get(module, ())}
    return bool(({normal(module), normal(_KNOWN.get(module, module))} | owners) & (declared or frozenset()))


@functools.cache
def _owners() -> dict[str, list[str]]:
    return dict(importlib.metadata.packages_distributions())


def _names(texts: Iterator[Any] | list[Any]) -> set[str]:
    found = (
        _NAME.match(text) for text in texts if isinstance(text, str) and not text.lstrip().startswith("-")
    )
    return {normal(match[1]) for match in found if match}


def _project(path: Path) -> set[str]:
    """Return what a pyproject.toml declares: its own name, dependencies, extras, groups, and poetry's."""
    try:
        read = tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        return set()
    project, poetry = read.get("project", {}), read.get("tool", {}).get("poetry", {})
    lists = [project.get("dependencies", []), *project.get("optional-dependencies", {}).values()]
    lists += read.get("dependency-groups", {}).values()
    tables = [
        poetry.get("dependencies", {}),
        *(g.get("dependencies", {}) for g in poetry.get("group", {}).values()),
    ]
    own = (
        [name for name in (project.get("name"), poetry.get("name")) if name] if any((*lists, *tables)) else []
    )
    return _names(
        [*own, *(text for texts in lists for text in texts), *(name for table in tables for name in table)]
    )


def _requirements(path: Path) -> set[str]:
    return _names(path.read_text("utf-8", "replace").splitlines())


def _conda(path: Path) -> set[str]:
    read = yaml12.read(path.read_text("utf-8", "replace")).value
    entries = read.get("dependencies", []) if isinstance(read, dict) else []
    inner = [text for entry in entries if isinstance(entry, dict) for text in entry.get("pip", [])]
    return _names([*entries, *inner])


def _environments(place: Path) -> Iterator[Path]:
    yield from (place / f"environment.{suffix}" for suffix in ("yml", "yaml"))


_READERS = {".toml": _project, ".txt": _requirements, ".yml": _conda, ".yaml": _conda}
