"""The figures of a run that other tools can show."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path, PurePosixPath

from pytest_nbrepro.files import inside
from pytest_nbrepro.model import Run


def figures(run: Run, suffixes: Collection[str]) -> Iterator[tuple[str, Path]]:
    """Yield name and path of each artifact of a run that is a picture, or is shown as one.

    Args:
        run: as the run store has it.
        suffixes: of files that can be shown, in lower case, with the dot.
    """
    for name, artifact in sorted(run.artifacts.items()):
        for path in [*([artifact.shown.path] if artifact.shown else []), artifact.path]:
            if PurePosixPath(path).suffix.lower() in suffixes and (found := inside(run.folder, path)):
                yield name, Path(found)
                break
