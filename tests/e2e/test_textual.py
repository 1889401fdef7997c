"""Notebooks as text, with real kernels."""

from __future__ import annotations

import subprocess
import sys

import pytest
from environs import clean

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


def test_scripts_and_markdown_are_checked_as_notebooks(tmp_path):
    pytest.importorskip("jupytext", reason="the extra text is not installed")
    root = tmp_path / "project"
    root.mkdir()
    (root / "pytest.ini").write_text("[pytest]\n")
    (root / "train.py").write_text(
        "# %%\nx = 1.0\n\n# %%\nprint(f'loss: {x / 4}')\nassert __name__ == '__main__'\n"
    )
    (root / "train.py.nbrepro.yaml").write_text("cases: {two: {x: 2.0}}\n")
    (root / "notes.md").write_text("# Notes\n\n```python\nprint('total: 3')\n```\n")
    (root / "notes.md.nbrepro.yaml").write_text("")
    (root / "other.py").write_text("raise SystemExit('it must not be imported')\n")
    (root / "test_own.py").write_text("def test_own():\n    pass\n")
    kept = clean()

    def check(*options):
        command = [sys.executable, "-m", "pytest", "-v", "-p", "no:cacheprovider", *options]
        done = subprocess.run(command, cwd=root, env=kept, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    code, said = check("--nbrepro", "--nbrepro-update=new", "--nbrepro-all")
    assert code == 0, said
    assert "2 baselines written" in said
    code, said = check("--nbrepro")
    assert code == 0, said
    assert "2 of 2 cases reproduced" in said
    assert "test_own.py::test_own PASSED" in said
    assert "obsolete" not in said
    (root / "train.py").write_text((root / "train.py").read_text().replace("/ 4", "/ 5"))
    code, said = check("--nbrepro", "train.py::two")
    assert code == 1, said
    assert "loss  0.5000 -> 0.4000" in said
    assert "CODE" in said
    code, said = check()
    assert code == 0, said
    assert "1 passed" in said
