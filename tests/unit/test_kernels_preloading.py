"""What a fork server may import ahead for a notebook: what its code imports, where nothing in it could change that."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_nbrepro.kernels import preloading
from pytest_nbrepro.kernels.preloading import needs

NUMPY = frozenset({"numpy"})


def test_modules_and_what_is_taken_from_them() -> None:
    cells = ["import numpy as np, math", "from scipy import stats\nfrom scipy.linalg import svd", "x = 1"]
    assert needs(cells, []) == {"numpy", "scipy", "scipy.stats", "scipy.linalg", "scipy.linalg.svd"}
    assert preloading.libraries(needs(cells, [])) == {"numpy", "scipy"}


def test_pyplot_itself_is_not_imported_ahead() -> None:
    found = needs(["import matplotlib.pyplot as plt"], [])
    assert "matplotlib.figure" in found
    assert "matplotlib.pyplot" not in found


@pytest.mark.parametrize(
    "source",
    [
        "import numpy, polars, IPython.display",
        "%matplotlib inline\nimport numpy",
        "%%time\nimport numpy",
        "!pip list\nimport numpy",
        "import os, numpy\nhome = os.environ['HOME']\nother = os.environ.get('X')\nif 'A' in os.environ: pass",
        "import numpy\ndef f():\n    import os.path\n    return os.path.join('a')",
        "import numpy, re\nre.compile('x')",
        "%%html\n<b>no Python</b>",
    ],
)
def test_what_changes_nothing(source: str) -> None:
    assert needs(["import numpy", source], []) == NUMPY


@pytest.mark.parametrize(
    "source",
    [
        "import os\nos.environ['OMP_NUM_THREADS'] = '1'",
        "import os\nos.environ.update(A='1')",
        "import os\nos.environ.setdefault('A', '1')",
        "import os\ndel os.environ['A']",
        "import os\nos.putenv('A', '1')",
        "import os\nmine = os.environ",
        "from os import environ",
        "from sys import path",
        "import sys\nsys.path.append('..')",
        "import sys\nsys.modules['numpy'] = None",
        "import sys\nsys.meta_path.clear()",
        "exec('import numpy')",
        "numpy = __import__('numpy')",
        "import importlib",
        "from importlib import reload",
        "import torch",
        "from seaborn import load_dataset",
        "from pylab import *",
        "%env A=1",
        "%run other.py",
        "%load_ext autoreload",
        "this is no Python",
    ],
)
def test_what_may_change_something(source: str) -> None:
    assert needs(["import numpy", source], []) == frozenset()


def test_local_modules_are_read(tmp_path: Path) -> None:
    cells = ["import numpy, helper"]
    assert needs(cells, [tmp_path]) == frozenset()  # who knows what that is
    (tmp_path / "helper").mkdir()
    (tmp_path / "helper" / "__init__.py").write_text("from .more import x\nimport pandas, helper")
    more = tmp_path / "helper" / "more.py"
    more.write_text("import scipy\nx = 1")
    assert needs(cells, [tmp_path]) == {"numpy", "pandas", "scipy"}
    more.write_text("import os\nos.environ['A'] = '1'")
    assert needs(cells, [tmp_path]) == frozenset()
    more.write_bytes(b"x = '\xff'")
    assert needs(cells, [tmp_path]) == frozenset()


def test_a_library_that_is_local(tmp_path: Path) -> None:
    (tmp_path / "numpy.py").write_text("import scipy")
    assert needs(["import numpy"], [tmp_path]) == {"scipy"}
    assert preloading.beside([tmp_path]) == {"numpy"}


def test_too_many_local_modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preloading, "_MOST", 1)
    for name in ("a", "b"):
        (tmp_path / f"{name}.py").touch()
    assert needs(["import numpy, a"], [tmp_path]) == NUMPY
    assert needs(["import numpy, a, b"], [tmp_path]) == frozenset()


def test_a_configuration_of_matplotlib(tmp_path: Path) -> None:
    (tmp_path / "matplotlibrc").touch()
    assert needs(["import matplotlib"], [tmp_path]) == frozenset()
