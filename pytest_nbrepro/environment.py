"""What is recorded of the environment of a run."""

from __future__ import annotations

import functools
import importlib.metadata
import platform
import re
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pytest_nbrepro import files

_GIT_SECONDS = 10


def record(facts: Mapping[str, Any], read: Iterable[str], project: Path) -> dict[str, Any]:
    """Return what `environment.json` keeps of a run.

    Args:
        facts: what the kernel told of itself (see `execution.Execution.facts`).
        read: files of the project that the kernel read, relative to the project.
        project: the project's root.

    Returns:
        JSON: ``platform``, ``cpu``, ``distributions`` (name to version, of the modules that the notebook
        imported), ``inputs`` (path to SHA-256), ``git``, and what else the kernel told, such as ``interpreter``.
    """
    told = dict(facts)
    path = told.pop("path", ())
    modules = told.pop("modules", {})
    return {
        "schema": 1,
        "platform": f"{platform.system().lower()}-{platform.machine()}",
        "cpu": cpu_model(),
        "distributions": distributions(modules, path),
        "inputs": hash_inputs(read, project),
        "git": git_state(project),
        **told,
    }


_PORTABLE = (
    "schema",
    "interpreter",
    "platform",
    "cpu",
    "blas",
    "threads",
    "thread_limit",
    "seed",
    "distributions",
    "inputs",
)


def portable(environment: Mapping[str, Any]) -> dict[str, Any]:
    """Return the part of a record that a baseline keeps: no commit, no absolute path, nothing of the user."""
    return {key: environment[key] for key in _PORTABLE if environment.get(key) is not None}


@functools.cache
def cpu_model() -> str:
    """Return the model of the processor, or its architecture where the system does not tell."""
    try:
        text = Path("/proc/cpuinfo").read_text("utf-8", "replace")
    except OSError:
        return platform.processor() or platform.machine()
    match = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return match[1].strip() if match else platform.machine()


def hash_inputs(read: Iterable[str], project: Path) -> dict[str, str]:
    """Return the SHA-256 of the project's files that a run read, those that are still there."""
    return {name: files.sha256(project / name) for name in sorted(set(read)) if (project / name).is_file()}


def git_state(project: Path) -> dict[str, Any] | None:
    """Return the commit of the project and whether files differ from it; None outside a repository.

    `dirty` is None where git did not answer in time.
    """
    head = _git(project, "rev-parse", "HEAD")
    if head is None:
        return None
    changes = _git(project, "status", "--porcelain", "--untracked-files=no")
    return {"commit": head.strip(), "dirty": None if changes is None else bool(changes)}


def _git(project: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "--no-optional-locks", "-C", str(project), *arguments],
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=_GIT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None


def distributions(modules: Iterable[str], path: Iterable[str]) -> dict[str, str]:
    """Return name and version of the distributions that brought the imported top-level modules.

    Args:
        modules: names of top-level modules.
        path: the kernel's `sys.path`, which may be another environment than this process's.
    """
    imported = sorted(set(modules))
    found: dict[str, str] = {}
    for entry in path:
        owners = _owners(entry) if entry else {}
        for module in imported:
            for distribution in owners.get(module, ()):
                name, version = _name_and_version(distribution)
                if name:  # a leftover of an installation has none
                    found.setdefault(name, version)  # what comes first on the path is what is imported
    return dict(sorted(found.items()))


@functools.lru_cache(maxsize=64)
def _owners(entry: str) -> dict[str, tuple[importlib.metadata.Distribution, ...]]:
    """Return which distributions in a folder of `sys.path` bring which top-level modules; once a process."""
    owners: dict[str, list[importlib.metadata.Distribution]] = {}
    for distribution in importlib.metadata.distributions(path=[entry]):
        for module in _top_level(distribution):
            owners.setdefault(module, []).append(distribution)
    return {module: tuple(brought) for module, brought in owners.items()}


def _top_level(distribution: importlib.metadata.Distribution) -> set[str]:
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
def _name_and_version(distribution: importlib.metadata.Distribution) -> tuple[str, str]:
    metadata = distribution.metadata
    name, version = ((metadata.get_all(key) or [""])[0] for key in ("Name", "Version"))
    return name, version
