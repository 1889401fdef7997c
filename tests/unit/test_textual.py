"""Notebooks as text."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pytest_nbrepro import flags, project, textual
from pytest_nbrepro.cases import case_folder
from pytest_nbrepro.errors import ExtraError, NotebookError
from pytest_nbrepro.notebook import read

PERCENT = """\
# ---
# jupyter:
#   kernelspec:
#     display_name: R
#     language: R
#     name: ir
# ---

# %% [markdown]
# # Title

# %% tags=["parameters"]
x = 1.0

# %%
print(x)
"""
MARKDOWN = '# Title\n\nwords\n\n```python\nn = 3\n```\n\n```python tags=["metrics"]\nn\n```\n'
MYST = """\
---
jupytext:
  text_representation:
    extension: .md
    format_name: myst
kernelspec:
  display_name: Python 3
  language: python
  name: python3
---

# Title

```{code-cell} ipython3
n = 3
```
"""


@pytest.fixture
def written(tmp_path):
    def write(name, text):
        path = tmp_path / name
        path.write_text(text)
        return path

    return write


class TestReading:
    @pytest.fixture(autouse=True)
    def jupytext(self):
        pytest.importorskip("jupytext", reason="the extra text is not installed")

    def test_a_script(self, written):
        notebook = read(written("a.py", PERCENT))
        assert [(cell.kind, cell.source) for cell in notebook.cells] == [
            ("markdown", "# Title"),
            ("code", "x = 1.0"),
            ("code", "print(x)"),
        ]
        assert notebook.cells[1].tags == {"parameters"}
        assert (notebook.language, notebook.kernel) == ("r", "ir")

    def test_markdown(self, written):
        notebook = read(written("a.md", MARKDOWN))
        assert [cell.source for cell in notebook.code] == ["n = 3", "n"]
        assert notebook.code[1].tags == {"metrics"}
        assert {name: flag.value for name, flag in flags.detect(notebook).found.items()} == {"n": 3}

    def test_myst(self, written):
        assert [cell.source for cell in read(written("a.md", MYST)).code] == ["n = 3"]

    def test_ids_are_the_same_each_time(self, written):
        path = written("a.py", PERCENT)
        ids = [cell.id for cell in read(path).cells]
        assert len(set(ids)) == 3
        assert [cell.id for cell in read(path).cells] == ids

    def test_what_is_executed_is_a_notebook(self, written):
        raw = read(written("a.py", PERCENT)).with_sources({1: "x = 2.0"})
        assert raw["cells"][1]["source"] == "x = 2.0"
        assert raw["cells"][1]["outputs"] == []

    def test_an_empty_file(self, written):
        assert read(written("a.py", "")).code == ()

    def test_what_jupytext_cannot_read(self, written):
        with pytest.raises(NotebookError, match="jupytext cannot read it"):
            read(written("a.py", "# ---\n# jupyter:\n#   kernelspec: [\n# ---\n\n# %%\nx = 1\n"))

    def test_not_utf8(self, tmp_path):
        (tmp_path / "a.py").write_bytes(b"x = '\xff'")
        with pytest.raises(NotebookError, match="not UTF-8"):
            read(tmp_path / "a.py")


def test_without_jupytext(written, monkeypatch):
    monkeypatch.setitem(sys.modules, "jupytext", None)
    with pytest.raises(ExtraError, match=r"pytest-nbrepro\[text\]"):
        read(written("a.py", PERCENT))


def test_a_script_and_a_paired_notebook_share_nothing(tmp_path):
    script, notebook = tmp_path / "a.py", tmp_path / "a.ipynb"
    assert project.sidecar(script).name == "a.py.nbrepro.yaml"
    assert project.sidecar(notebook).name == "a.nbrepro.yaml"
    assert case_folder("a.py", "default", {}) == "a.py/default"
    assert case_folder("a.ipynb", "default", {}) == "a/default"


def test_a_script_says_nothing_of_itself(written):
    path = written("a.py", "nbrepro = 1\n")
    assert not project.annotated(path, project.Project(path.parent))
    written("a.py.nbrepro.yaml", "")
    assert project.annotated(path, project.Project(path.parent))


def test_what_baselines_are_called_by(written, tmp_path):
    written("a.py", "")
    assert textual.notebook_at(tmp_path, "a.py") == tmp_path / "a.py"
    assert textual.notebook_at(tmp_path, "b.py") == tmp_path / "b.py.ipynb"
    assert textual.notebook_at(tmp_path, "sub/a") == tmp_path / "sub/a.ipynb"


@pytest.mark.parametrize(
    ("name", "may", "text"),
    [("a.ipynb", True, False), ("a.py", True, True), ("a.md", True, True), ("a.txt", False, False)],
)
def test_names(name, may, text):
    assert textual.is_notebook(Path(name)) is may
    assert textual.is_text(Path(name)) is text
