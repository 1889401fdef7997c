"""Other tools' words, in ours."""

from __future__ import annotations

import pytest

from pytest_nbrepro import spec
from pytest_nbrepro.model import Spec
from pytest_nbrepro.notebook import read

TAGS = {
    "nbval-ignore-output": "nbrepro:ignore",
    "nbval-skip": "skip-execution",
    "nbval-raises-exception": "raises-exception",
}


@pytest.mark.parametrize(("theirs", "ours"), TAGS.items())
def test_tags_and_comments(tmp_path, write_notebook, theirs, ours):
    comment = "# " + theirs.upper().replace("-", "_")
    path = write_notebook(
        tmp_path / "t.ipynb",
        {"source": "1", "tags": [theirs]},
        f"{comment}\n1",
        f"x = 1  {comment}",
        f"'{comment}'",
        "1",
    )
    notebook = read(path)
    assert [ours in cell.tags for cell in notebook.cells] == [True, True, True, False, False]
    copy = notebook.with_sources({})
    assert copy["cells"][1]["metadata"]["tags"] == [ours]
    assert copy["cells"][4]["metadata"] == {}
    assert notebook.raw["cells"][1]["metadata"] == {}


def test_only_code_cells_are_meant(tmp_path, write_notebook):
    path = write_notebook(tmp_path / "t.ipynb", {"cell_type": "markdown", "source": "# NBVAL_SKIP"})
    assert read(path).cells[0].tags == frozenset()


def test_nbmake_s_metadata(tmp_path, write_notebook):
    path = write_notebook(
        tmp_path / "t.ipynb", "1", execution={"timeout": 20, "allow_errors": True}, nbrepro={}
    )
    notebook, project = read(path), spec.load_project(tmp_path)
    assert "raises-exception" in notebook.cells[0].tags
    assert spec.load(notebook, project).cell_timeout == 20
    (tmp_path / "t.nbrepro.yaml").write_text("cell_timeout: 5")
    assert spec.load(notebook, project).cell_timeout == 5


@pytest.mark.parametrize(
    "execution", [None, [], {"timeout": -1}, {"timeout": True}, {"timeout": "long"}, {"allow_errors": "no"}]
)
def test_what_means_nothing_to_them_means_nothing_to_us(tmp_path, write_notebook, execution):
    notebook = read(write_notebook(tmp_path / "t.ipynb", "1", execution=execution))
    assert notebook.cells[0].tags == frozenset()
    assert spec.load(notebook, spec.load_project(tmp_path)) == Spec()
