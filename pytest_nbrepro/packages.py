"""Distributions: which of them brought what a notebook imported, and which it needs."""

from __future__ import annotations

import ast
import functools
import importlib.metadata
import re
import warnings
from collections.abc import Collection, Iterable, Iterator

from pytest_nbrepro.magics import mask_magics

_Distribution = importlib.metadata.Distribution


def distributions(modules: Iterable[str], path: Iterable[str]) -> dict[str, str]:
    """Return name and version of the distributions that brought the imported top-level modules.

    Args:
        modules: names of top-level modules.
        path: the kernel's `sys.path`, which may be another environment than this process's.
    """
    found: dict[str, str] = {}
    for _, distribution in _imported(modules, path):
        name, version = _name_and_version(distribution)
        found.setdefault(name, version)  # what comes first on the path is what is imported
    return dict(sorted(found.items()))


def _imported(modules: Iterable[str], path: Iterable[str]) -> Iterator[tuple[str, _Distribution]]:
    """Yield modules and the distributions that brought them, in the order of the path."""
    imported = sorted(set(modules))
    for entry in filter(None, path):
        owners = _owners(entry)
        for module in imported:
            for distribution in owners.get(module, ()):
                if _name_and_version(distribution)[0]:  # a leftover of an installation has none
                    yield module, distribution


def normal(name: str) -> str:
    """Return a distribution's name as it is compared."""
    return re.sub(r"[-_.]+", "-", name).lower()


def named(sources: Iterable[str]) -> set[str]:
    """Return the top-level modules that code imports; code that cannot be parsed imports none."""
    found: set[str] = set()
    for source in sources:
        for node in ast.walk(_parsed(mask_magics(source) or "")):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module.partition(".")[0])
    return found


def _parsed(source: str) -> ast.Module:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # they are the notebook's, which has given them already
            return ast.parse(source)
    except (SyntaxError, ValueError):
        return ast.Module([], [])


def optional(modules: Iterable[str], asked: Collection[str], path: Iterable[str]) -> list[str]:
    """Return the imported distributions that nothing needs: libraries import them where they are installed.

    Needed are those that the notebook asks for itself, and what they require, and so on.

    Args:
        modules: names of the top-level modules that were imported.
        asked: names of those that the notebook's own code, or a library when it was used, asked for.
        path: the kernel's `sys.path`.
    """
    found: dict[str, _Distribution] = {}
    needed: list[str] = []
    for module, distribution in _imported(modules, path):
        name = normal(_name_and_version(distribution)[0])
        found.setdefault(name, distribution)
        if module in asked:
            needed.append(name)
    known: set[str] = set()
    while needed:
        name = needed.pop()
        if name in known or name not in found:
            continue
        known.add(name)
        needed += _required(found[name])
    return sorted(_name_and_version(d)[0] for name, d in found.items() if name not in known)


def blamed(modules: Iterable[str], path: Iterable[str]) -> list[str]:
    """Return the distributions that brought these modules, and the modules themselves that none brought; in order."""
    entries = list(path)
    told = []
    for module in modules:
        own = [_name_and_version(distribution)[0] for _, distribution in _imported([module], entries)]
        told += own or [module]
    return list(dict.fromkeys(told))


@functools.lru_cache(maxsize=1024)
def _required(distribution: _Distribution) -> tuple[str, ...]:
    """Return the names of what a distribution requires without being asked for an extra."""
    plain = [text for text in distribution.requires or () if "extra ==" not in text]
    matches = [re.match(r"[A-Za-z0-9._-]+", text.strip()) for text in plain]
    return tuple(normal(match[0]) for match in matches if match)


@functools.lru_cache(maxsize=64)
def _owners(entry: str) -> dict[str, tuple[_Distribution, ...]]:
    """Return which distributions in a folder of `sys.path` bring which top-level modules; once a process."""
    owners: dict[str, list[_Distribution]] = {}
    for distribution in importlib.metadata.distributions(path=[entry]):
        for module in _top_level(distribution):
            owners.setdefault(module, []).append(distribution)
    return {module: tuple(brought) for module, brought in owners.items()}


def _top_level(distribution: _Distribution) -> set[str]:
    """Return the modules of a distribution, by the list that it brings or by the files that it installed."""
    listed = distribution.read_text("top_level.txt")
    if listed:
        return set(listed.split())
    installed = distribution.read_text("RECORD") or ""  # `Distribution.files` would look at every file
    firsts = {line.split(",", 1)[0].split("/", 1)[0].strip('"') for line in installed.splitlines()}
    return {
        first.split(".")[0] for first in firsts if not first.endswith((".dist-info", ".data", ".pth"))
    } - {""}


@functools.lru_cache(maxsize=1024)
def _name_and_version(distribution: _Distribution) -> tuple[str, str]:
    metadata = distribution.metadata
    name, version = ((metadata.get_all(key) or [""])[0] for key in ("Name", "Version"))
    return name, version
