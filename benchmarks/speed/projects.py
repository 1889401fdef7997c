"""The projects that all tools run on."""

from __future__ import annotations

import base64
import random
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_notebook, new_output

TINY = ("import math\nx = {n}", "y = math.sqrt(x + 1)\nprint(y)", "print(f'loss: {{y / 2}}')")
SCIENCE = (
    "import numpy as np\nimport pandas as pd\nimport matplotlib.pyplot as plt\nrng = np.random.default_rng({n})",
    "frame = pd.DataFrame({{'x': np.linspace(0, 10, 500), 'y': rng.normal(size=500).cumsum()}})\nframe.describe()",
    "figure, axes = plt.subplots()\naxes.plot(frame.x, frame.y)\nplt.show()",
    "frame.to_csv('result_{n}.csv', index=False)\nprint(f'mean: {{frame.y.mean()}}')",
)
COLLECTED = 1_000
STORED = 2**20  # bytes of output in each notebook that is only collected


def notebooks(folder: Path, cells: tuple[str, ...], count: int) -> None:
    """Write notebooks, each with an annotation that says nothing."""
    folder.mkdir(parents=True)
    (folder / "pytest.ini").write_text("[pytest]\n")
    for n in range(count):
        made = new_notebook(cells=[new_code_cell(cell.format(n=n)) for cell in cells])
        made.metadata["nbrepro"] = {}
        made.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
        nbformat.write(made, folder / f"n{n:03}.ipynb")


def scripts(folder: Path, cells: tuple[str, ...], count: int) -> None:
    """Write the cells of notebooks as scripts."""
    folder.mkdir(parents=True)
    for n in range(count):
        (folder / f"n{n:03}.py").write_text("\n".join(cell.format(n=n) for cell in cells) + "\n")


def large(folder: Path) -> None:
    """Write many notebooks, each with a picture among its stored outputs."""
    folder.mkdir(parents=True)
    (folder / "pytest.ini").write_text("[pytest]\n")
    made = new_notebook(cells=[new_code_cell("x = 1\nprint('loss: 0.5')")])
    made.metadata["nbrepro"] = {}
    picture = base64.b64encode(random.Random(0).randbytes(STORED * 3 // 4)).decode()
    made.cells[0].outputs = [new_output("display_data", data={"image/png": picture})]
    content = nbformat.writes(made)
    for n in range(COLLECTED):
        (folder / f"n{n:04}.ipynb").write_text(content)


def trivial(folder: Path) -> None:
    """Write one test that does nothing."""
    folder.mkdir(parents=True)
    (folder / "pytest.ini").write_text("[pytest]\n")
    (folder / "test_nothing.py").write_text("def test_nothing():\n    pass\n")
