"""Coverage of the code that a notebook imports: measured in the mirror, told of the real tree."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pytest_nbrepro.kernels.journal import relative


def sources(wanted: tuple[str, ...], work: Path, project: Path) -> list[str]:
    """Return where the kernel finds the folders and packages to measure.

    Args:
        wanted: folders of the real tree, or names of packages.
        work: the mirror's root.
        project: the project's root.
    """
    found: list[str] = []
    for name in wanted:
        folder = project / name
        if not folder.is_dir():
            found.append(name)
            continue
        # coverage.py follows links: what the mirror links is measured under its real path, what it copied is not
        found.append(str(folder.resolve()))
        inside = relative(str(folder), work, project)
        if inside is not None and (work / inside).is_dir():
            found.append(str((work / inside).resolve()))
    return found


def publish(measured: Path, target: str, work: Path, project: Path) -> None:
    """Write what the kernel measured beside a data file of coverage.py, under the paths of the real tree.

    The file's name is `target` with a suffix of its own, as parallel processes have it: ``coverage combine``
    and pytest-cov, at the end of its session, take it in.

    Args:
        measured: what the kernel wrote; it has written nothing if it was killed.
        target: the data file of the session.
        work: the mirror's root.
        project: the project's root.
    """
    if not measured.exists():
        return
    from coverage import CoverageData

    data, told = CoverageData(str(measured)), CoverageData(target, suffix=True)
    try:
        data.read()
        ran: dict[str, set[Any]] = {}
        for name in data.measured_files():
            # a module may have run from the mirror and from the real tree
            places = data.arcs(name) if data.has_arcs() else data.lines(name)
            ran.setdefault(_real(name, work, project), set()).update(places or ())
        if ran:
            (told.add_arcs if data.has_arcs() else told.add_lines)(ran)
            told.touch_files(ran)
            told.write()
    finally:
        data.close()
        told.close()


def _real(name: str, work: Path, project: Path) -> str:
    inside = relative(name, work, project)
    return name if inside is None else str(project / inside)
