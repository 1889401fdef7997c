"""pytest-notebook's metadata."""

from __future__ import annotations

import pytest

from pytest_nbrepro import nbreg, spec
from pytest_nbrepro.errors import SpecError
from pytest_nbrepro.notebook import read

OUTPUTS = [
    {"output_type": "stream", "name": "stdout", "text": ["took 3 parsecs\n", "id run-17\n"]},
    {
        "output_type": "display_data",
        "data": {
            "image/png": "aWQ=",
            "text/plain": "<Figure>",
            "application/json": {"id": "run-1", "n": None},
        },
        "metadata": {},
    },
]


@pytest.fixture
def outputs(tmp_path, write_notebook):
    """The outputs that count of the second of three cells, by the metadata of the notebook and the cell."""

    def of(notebook=None, cell=None):
        one = {"source": "1", "outputs": OUTPUTS, "metadata": {"nbreg": cell} if cell else {}}
        about = {"nbreg": notebook} if notebook else {}
        path = write_notebook(
            tmp_path / "t.ipynb", {"cell_type": "markdown", "source": "#"}, one, "2", **about
        )
        return read(path).cells[1]

    return of


def test_without_it_nothing_changes(outputs):
    assert outputs().outputs == tuple(OUTPUTS)
    assert outputs().tags == frozenset()


@pytest.mark.parametrize(
    ("notebook", "cell"),
    [
        ("/cells/1/outputs/", None),
        ("/cells/*/outputs", None),
        ("/cells/*", None),
        ("/cells", None),
        (None, "/outputs"),
        (None, "/"),
    ],
)
def test_all_outputs_of_a_cell(outputs, notebook, cell):
    found = outputs(
        {"diff_ignore": [notebook]} if notebook else None, {"diff_ignore": [cell]} if cell else None
    )
    assert "nbrepro:ignore" in found.tags
    assert found.outputs == ()


@pytest.mark.parametrize(
    "path", ["/cells/0/outputs", "/cells/11/outputs", "/cells/1/source", "/metadata", "/cells/1/out"]
)
def test_paths_of_something_else(outputs, path):
    found = outputs({"diff_ignore": [path]}, {"diff_ignore": ["/execution_count"]})
    assert found.tags == frozenset()
    assert len(found.outputs) == 2


def test_one_output_one_type_and_one_text(outputs):
    assert [o["output_type"] for o in outputs(None, {"diff_ignore": ["/outputs/0"]}).outputs] == [
        "display_data"
    ]
    found = outputs({"diff_ignore": ["/cells/*/outputs/*/data/image/png"]}).outputs[1]
    assert set(found["data"]) == {"text/plain", "application/json"}
    found = outputs({"diff_ignore": ["/cells/1/outputs/0/text"]}).outputs
    assert "text" not in found[0]
    assert found[1] == OUTPUTS[1]


def test_replacements(outputs):
    found = outputs(
        {
            "diff_replace": [
                ["/cells/*/outputs/*/text", r"run-\d+", "RUN"],
                ["/cells/0/outputs", "took", "no"],
            ]
        },
        {"diff_replace": [["/outputs", "(id)", r"<\1>"]]},
    ).outputs
    assert found[0]["text"] == "took 3 parsecs\n<id> RUN\n"
    assert found[1]["data"]["application/json"] == {"id": "run-1", "n": None}
    assert found[1]["data"]["image/png"] == "aWQ="


def test_the_executed_copy_asks_for_the_same(outputs, tmp_path, write_notebook):
    asked = outputs({"diff_ignore": ["/cells/1/outputs"]})
    copy = read(tmp_path / "t.ipynb").with_sources({})
    assert copy["metadata"]["nbreg"]
    assert copy["cells"][1]["metadata"]["tags"] == ["nbrepro:ignore"]
    assert asked.metadata == {}


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (3, "must be an object"),
        ({"diff_ignore": 3}, "diff_ignore: must be a list"),
        ({"diff_ignore": ["/a", "b"]}, "diff_ignore[1]: must be a path that begins with '/'"),
        (
            {"diff_replace": [["/a", "b"]]},
            "diff_replace[0]: must be a list of a path, a regular expression and",
        ),
        (
            {"diff_replace": [["/a", "(b", ""]]},
            "diff_replace[0]: no regular expression, or a replacement that",
        ),
        (
            {"diff_replace": [["/a", "b", r"\1"]]},
            "diff_replace[0]: no regular expression, or a replacement that",
        ),
        ({"diff_replace": [["a", "b", ""]]}, "diff_replace[0]: must be a path that begins with '/'"),
    ],
)
def test_faults_are_told_with_their_place_and_nothing_breaks(tmp_path, write_notebook, asked, told):
    path = write_notebook(
        tmp_path / "t.ipynb",
        {"source": "# fit\n1", "metadata": {"nbreg": asked}, "outputs": OUTPUTS},
        nbreg=asked,
    )
    notebook = read(path)
    assert notebook.cells[0].outputs[1] == OUTPUTS[1]
    with pytest.raises(SpecError) as caught:
        spec.load(notebook, spec.load_project(tmp_path))
    first, second = caught.value.what.splitlines()
    assert first.startswith(f"t.ipynb: metadata.nbreg: {told}")
    assert second.startswith(f't.ipynb: cell 1 "fit": metadata.nbreg: {told}')


def test_what_means_nothing_here_is_told_once():
    asked = {
        "diff_ignore": [
            "/metadata/language_info",
            "/cells/*/execution_count",
            "/cells/0/outputs/0/text",
            "/nbformat",
            "/else",
        ],
        "diff_replace": [["/cells/*/source", "a", "b"], ["/cells/1/thing", "a", "b"]],
        "diff_normalize": ["strip_ansi", "mask_uuids", "collapse_whitespace"],
        "diff_colour": True,
        "skip": False,
    }
    cell = {"nbreg": {"diff_ignore": ["/outputs/0/text", "/metadata", "/more"]}}
    assert nbreg.notes({"nbreg": asked}, [{}, cell, {}]) == (
        "nbreg: 'diff_colour' means nothing here",
        "nbreg: diff_normalize 'collapse_whitespace' means nothing here",
        "nbreg: the path /else means nothing here",
        "nbreg: the path /cells/1/thing means nothing here",
        "nbreg: the path /cells/1/more means nothing here",
    )
    assert nbreg.notes({}, [{}]) == ()


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ({"skip": True, "skip_reason": "no data"}, "no data"),
        ({"skip": True}, "nbreg.skip in the notebook's metadata"),
        ({"skip": False, "skip_reason": "no"}, None),
        ({"skip": "yes"}, None),
        (3, None),
    ],
)
def test_skipping(asked, reason):
    assert nbreg.skipped({"nbreg": asked}) == reason
