"""The notebooks in which faults are planted: this repository's examples, and those of the folder `notebooks`."""

from __future__ import annotations

import copy
import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mutation.sites import Script, Source

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
EXAMPLES: Mapping[str, Mapping[str, Any]] = {
    "examples/digits.ipynb": {},
    "examples/svm_boundaries.ipynb": {},
    "examples/timeseries/timeseries.ipynb": {},
    "examples/train.ipynb": {"flags": {"noise": 0.0}},
}
"""What the examples say of themselves here: their flags. Limits are left out, so that default checks are looked at."""

_CELL = re.compile(r"^# %% (?P<id>[^\[\n]+?)(?: \[(?P<tag>[^\]\n]+)\])?\n", re.MULTILINE)

Json = dict[str, Any]


def every() -> dict[str, Json]:
    """Return the notebooks by their path in the project that `project` makes."""
    found = {name: _example(ROOT / name, said) for name, said in EXAMPLES.items()}
    sources = sorted((HERE / "notebooks").glob("*.py"))
    return found | {f"{path.stem}.ipynb": _generated(path.read_text()) for path in sources}


def project(root: Path, notebooks: Mapping[str, Json]) -> None:
    """Write a project of notebooks, with what the examples read."""
    ignored = shutil.ignore_patterns("*.ipynb", "*.yaml", "__pycache__")
    shutil.copytree(ROOT / "examples", root / "examples", ignore=ignored)
    for name, notebook in notebooks.items():
        write(root / name, notebook)


def write(path: Path, notebook: Json) -> None:
    """Write a notebook."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(notebook))


def script(notebook: Json) -> Script:
    """Return the sources of a notebook's code cells."""
    cells = enumerate(notebook["cells"])
    return [Source(index, "".join(cell["source"])) for index, cell in cells if cell["cell_type"] == "code"]


def changed(notebook: Json, sources: Mapping[int, str]) -> Json:
    """Return a notebook with other sources in some cells, by index."""
    new = copy.deepcopy(notebook)
    for index, source in sources.items():
        new["cells"][index]["source"] = source
    return new


def annotated(notebook: Json, **said: Any) -> Json:
    """Return a notebook with another annotation in its metadata."""
    new = copy.deepcopy(notebook)
    new["metadata"]["nbrepro"] = said or True
    return new


def code_cell(name: str, source: str, *tags: str) -> Json:
    """Return a code cell."""
    return {
        "cell_type": "code",
        "id": name,
        "metadata": {"tags": list(tags)} if tags else {},
        "execution_count": None,
        "outputs": [],
        "source": source,
    }


def _example(path: Path, said: Mapping[str, Any]) -> Json:
    return annotated(json.loads(path.read_text()), **said)


def _generated(text: str) -> Json:
    """Return the notebook of a script whose cells begin with ``# %% name`` or ``# %% name [tag]``."""
    cells = []
    _, *parts = _CELL.split(text)
    for name, tag, source in zip(parts[::3], parts[1::3], parts[2::3], strict=True):
        cells.append(code_cell(name.replace(" ", "-"), source.strip("\n"), *filter(None, [tag])))
    kernel = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    return {
        "cells": cells,
        "metadata": {"kernelspec": kernel, "nbrepro": True},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
