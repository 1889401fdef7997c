"""What cells show, by the data behind it, with a real kernel: no repr and no picture hides a change."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from environs import clean

from pytest_nbrepro import baselines
from pytest_nbrepro.store import Store

pytestmark = pytest.mark.e2e

CELLS = {
    "start": "import numpy as np, pandas as pd\nimport matplotlib.pyplot as plt\nx = np.linspace(0, 1, 50)",
    "frame": "frame = pd.DataFrame({'id': range(100), 'score': np.linspace(0, 1, 100)})\nframe",
    "array": "values = np.arange(2000.0)\nvalues",
    "dpi": "plt.figure()\nplt.plot(x, x**2, label='a')\nplt.title('AUC = 0.913')\nplt.legend();",
    "point": "y = x**2\nplt.figure()\nplt.plot(x, x, 'k--')\nplt.plot(x, y, 'o-')\nplt.show()",
    "quiver": "plt.figure()\nplt.quiver([0, 1], [0, 1], [1, 1], [0, 1]);",
    "pixels": (
        "from matplotlib.image import NonUniformImage\n_, ax = plt.subplots()\nimage = NonUniformImage(ax, extent=(0, 1, 0, 1))\n"
        "image.set_data([0, 1], [0, 1], [[1, 2], [3, 4]])\nax.add_image(image);"
    ),
    "objects": "np.array([None, 'a'])",
    "shared": "handle = display(frame.head(2), display_id='h')\nhandle.update(frame.head(3))",
    "hidden": "frame['score']",
}
EDITS = {
    "frame": ("\nframe", "\nframe.loc[50, 'score'] = 0.1\nframe"),
    "array": ("\nvalues", "\nvalues[1000] = 99\nvalues"),
    "dpi": ("plt.figure()", "plt.rcParams['figure.dpi'] = 120\nplt.figure()"),
    "point": ("y = x**2", "plt.rcParams['figure.dpi'] = 72\ny = x**2\ny[17] = 0.25"),
    "quiver": ("[1, 1], [0, 1])", "[1, 1.1], [0, 1])"),
    "pixels": ("[3, 4]", "[3, 1]"),
}


def write(root: Path, edits: Any) -> None:
    cells = []
    for name, source in CELLS.items():
        old, new = edits.get(name, ("", ""))
        tags = {"tags": ["nbrepro:ignore"]} if name == "hidden" else {}
        head, _, tail = source.rpartition(old) if old else (source, "", "")
        cell = {"cell_type": "code", "id": name, "metadata": tags, "source": f"{head}{new}{tail}"}
        cells.append({**cell, "outputs": [], "execution_count": None})
    book = {"cells": cells, "metadata": {"nbrepro": {}}, "nbformat": 4, "nbformat_minor": 5}
    (root / "shown.ipynb").write_text(json.dumps(book))


def run(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environ = clean()
    command = [sys.executable, "-m", "pytest", "--nbrepro", "-p", "no:cacheprovider", *arguments]
    return subprocess.run(command, cwd=root, env=environ, capture_output=True, text=True, check=False)


def test_each_change_is_found_where_it_is_and_none_where_there_is_none(tmp_path):
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    write(tmp_path, {})
    done = run(tmp_path, "--nbrepro-update=new")
    assert done.returncode == 0, done.stdout + done.stderr
    kinds = {
        name: a.kind for name, a in baselines.read(tmp_path / "baselines/shown/default").artifacts.items()
    }
    assert kinds == {
        "cell:frame": "table",
        "cell:array": "array",
        "cell:dpi": "figure",
        "cell:point": "figure",
        "cell:quiver": "figure",
        "cell:pixels": "image",
        "cell:shared": "table",
    }

    write(tmp_path, EDITS)
    done = run(tmp_path)
    told = re.sub(r"\s+", " ", done.stdout)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "5 of 8 checks drifted" in told
    assert "table cell:frame row 50, column score: 0.5051 -> 0.1000" in told
    assert "array cell:array [1000]: 1000 -> 99.00" in told
    assert "figure cell:point line 2 of axes 1: y[17]: 0.1204 -> 0.2500" in told
    assert "figure cell:quiver collection 1 of axes 1: U[1]: 1.000 -> 1.100" in told
    assert "by its picture: NonUniformImage is not captured" in told
    assert " cell:dpi " not in told

    store = Store(tmp_path / ".nbrepro")
    last = store.read(store.ids()[-1])
    assert {path.name for path in (last.folder / "cells").iterdir()} >= {"cell-dpi.npz", "cell-dpi.png"}
    assert not (last.folder / "kept").exists()
