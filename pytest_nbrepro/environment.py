"""What is recorded of the environment of a run."""

from __future__ import annotations

import functools
import os
import platform
import re
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pytest_nbrepro import files, packages
from pytest_nbrepro.tracked import in_repository

_GIT_SECONDS = 10
_UNBORN = "(initial)"  # what git calls the commit of a repository that has none


def record(
    facts: Mapping[str, Any], read: Iterable[str], project: Path, sources: Iterable[str] = ()
) -> dict[str, Any]:
    """Return what `environment.json` keeps of a run.

    Args:
        facts: what the kernel told of itself (see `execution.Execution.facts`).
        read: files of the project that the kernel read, relative to the project.
        project: the project's root.
        sources: the code of the notebook's cells.

    Returns:
        JSON: ``platform``, ``cpu``, ``distributions`` (name to version, of the modules that the notebook
        imported), ``optional`` (those of them that libraries import where they happen to be installed), ``blamed``
        (those that an error is about), ``inputs`` (path to SHA-256), ``git``, and what else the kernel told, such as
        ``interpreter``.
    """
    told = dict(facts)
    path = list(told.pop("path", ()))
    modules = told.pop("modules", {})
    asked = {*told.pop("direct", ()), *packages.named([*sources, *_own_code(modules, project)])}
    error = {"blamed": packages.blamed(told.pop("blamed"), path)} if "blamed" in told else {}
    return {
        "schema": 1,
        "platform": f"{platform.system().lower()}-{platform.machine()}",
        "cpu": cpu_model(),
        "distributions": packages.distributions(modules, path),
        "optional": packages.optional(modules, asked, path),
        "inputs": hash_inputs(read, project),
        "git": git_state(project),
        **error,
        **told,
    }


def _own_code(modules: Mapping[str, Any], project: Path) -> list[str]:
    """Return the code of the project's own modules among those that were imported."""
    places = (project / file for file in modules.values() if file and not Path(file).is_absolute())
    return [place.read_text("utf-8", "replace") for place in places if place.is_file()]


_PORTABLE = (
    "schema",
    "interpreter",
    "platform",
    "cpu",
    "blas",
    "blas_kernel",
    "blas_threads",
    "threads",
    "thread_limit",
    "seed",
    "locale",
    "encoding",
    "timezone",
    "variables",
    "variables_read",
    "distributions",
    "optional",
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


def mentioned(sources: Iterable[str], folder: Path, project: Path) -> list[str]:
    """Return the project's files that code names in its strings, relative to the project's root.

    Libraries that open files by themselves, and kernels of other languages, do not tell what they read.

    Args:
        sources: the code of a notebook's cells.
        folder: the notebook's folder, from which names are meant.
        project: the project's root.
    """
    names = {match[2] for source in sources for match in _STRING.finditer(source)}
    places = (Path(os.path.normpath(folder / name)) for name in names if name.isprintable())
    inside = (place for place in places if place.is_relative_to(project) and _is_file(place))
    return sorted(place.relative_to(project).as_posix() for place in inside)


_STRING = re.compile(r"""(["'])((?:(?!\1)[^\n\\]){1,255})\1""")


def _is_file(place: Path) -> bool:
    try:
        return place.is_file()
    except OSError:  # no name of a file, such as one that is too long
        return False


def git_state(project: Path) -> dict[str, Any] | None:
    """Return the commit of the project and whether files differ from it; None outside a repository.

    `dirty` is None where git did not answer in time.
    """
    if "GIT_DIR" not in os.environ and not in_repository(str(project)):
        return None
    told = _git(project, "status", "--porcelain=v2", "--branch", "--no-ahead-behind", "--untracked-files=no")
    if told is None:
        head = _git(project, "rev-parse", "HEAD")
        return None if head is None else {"commit": head.strip(), "dirty": None}
    lines = told.splitlines()
    headers = dict(line[2:].split(" ", 1) for line in lines if line.startswith("# "))
    commit = headers["branch.oid"]
    return None if commit == _UNBORN else {"commit": commit, "dirty": len(lines) > len(headers)}


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
