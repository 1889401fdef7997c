"""Notebooks as text: `.py` and `.md` files that jupytext reads (extra `text`): https://jupytext.readthedocs.io/en/latest/formats-scripts.html.

Such a file is a notebook where an annotation lies beside it, under its whole name (`train.py.nbrepro.yaml`), or an entry of
`pyproject.toml` matches it. So a text notebook and a paired `train.ipynb` never share an annotation, a baseline or a case.
"""

from __future__ import annotations

import json
from pathlib import Path

from pytest_nbrepro.errors import NotebookError
from pytest_nbrepro.optional import require

EXTRA = "text"
SUFFIX = ".ipynb"
TEXTS = (".py", ".md")


def is_text(path: Path) -> bool:
    """Tell whether a file would be a notebook as text, by its name."""
    return path.suffix in TEXTS


def is_notebook(path: Path) -> bool:
    """Tell whether a file may be a notebook, by its name."""
    return path.suffix == SUFFIX or is_text(path)


def notebook_at(root: Path, stem: str) -> Path:
    """Return the notebook that baselines are called by: its path without the suffix, or with it where it is text."""
    text = root / stem
    return text if is_text(text) and text.is_file() else root / f"{stem}{SUFFIX}"


def converted(text: str, path: Path) -> str:
    """Return a text as the JSON of a notebook. Cells have no ids: jupytext would draw them by chance.

    Raises:
        ExtraError: jupytext is not installed.
        NotebookError: jupytext cannot read it.
    """
    jupytext = require("jupytext", EXTRA)
    try:
        notebook = json.loads(json.dumps(jupytext.reads(text, fmt={"extension": path.suffix})))
    except Exception as error:  # jupytext's own, and those of the formats that it reads
        raise NotebookError(f"jupytext cannot read it: {error}", where=str(path)) from error
    for cell in notebook["cells"]:
        cell.pop("id", None)
    return json.dumps({**notebook, "nbformat_minor": 4})
