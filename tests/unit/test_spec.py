import json
import pickle
from pathlib import Path
from typing import Any

import pytest

from pytest_nbrepro import spec
from pytest_nbrepro.errors import SpecError
from pytest_nbrepro.model import Limits, MetricRule, Spec
from pytest_nbrepro.notebook import Notebook, parse, read


def write(root: Path, metadata: Any = None, cells: tuple[tuple[str, list[str]], ...] = ()) -> Notebook:
    """Write analysis/train.ipynb with these cells (source, tags) and this annotation, and read it."""
    raw = {
        "cells": [
            {"cell_type": "code", "source": source, "metadata": {"tags": tags}, "outputs": []}
            for source, tags in cells
        ],
        "metadata": {} if metadata is None else {"nbrepro": metadata},
        "nbformat": 4,
        "nbformat_minor": 4,
    }
    path = root / "analysis/train.ipynb"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(raw, indent=1))
    return read(path)


def load(notebook: Notebook, root: Path) -> Spec:
    return spec.load(notebook, spec.load_project(root))


def faults(notebook: Notebook, root: Path) -> list[str]:
    with pytest.raises(SpecError) as caught:
        load(notebook, root)
    assert caught.value.where is None
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
    return caught.value.what.split("\n")


def beside(root: Path, text: str) -> None:
    (root / "analysis/train.nbrepro.yaml").write_text(text, encoding="utf-8")


def project(root: Path, text: str) -> None:
    (root / "pyproject.toml").write_text(text, encoding="utf-8")


# ---------------------------------------------------------------------------------------------------
# Where it comes from


@pytest.mark.parametrize("metadata", [None, {}, True, False])
def test_bare_annotations(tmp_path: Path, metadata: object) -> None:
    assert load(write(tmp_path, metadata), tmp_path) == Spec()


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "{}", "\ufeff"])
def test_an_annotation_beside_it_that_says_nothing(tmp_path: Path, text: str) -> None:
    notebook = write(tmp_path)
    beside(tmp_path, text)
    assert load(notebook, tmp_path) == Spec()


def test_later_places_win(tmp_path: Path) -> None:
    project(
        tmp_path,
        """
[tool.nbrepro]
seed = 1
timeout = 10
kernel = "project"
marks = ["a", "b"]
metrics.loss.rel = 1e-3
metrics."*".rel = 0.5
env.A = "1"
[[tool.nbrepro.notebooks]]
path = "other/*.ipynb"
seed = 99
[[tool.nbrepro.notebooks]]
path = "analysis/**/*.ipynb"
timeout = "1m"
kernel = "entry"
env.B = 2
[[tool.nbrepro.notebooks]]
path = "**/train.ipynb"
kernel = "entry 2"
""",
    )
    notebook = write(tmp_path, {"kernel": "own", "marks": ["c"], "env": {"A": "3"}})
    assert load(notebook, tmp_path).kernel == "own"
    beside(tmp_path, "kernel: beside\nmetrics: {loss: {abs: 2e-3}}\n")
    assert load(notebook, tmp_path) == Spec(
        seed=1,
        timeout=60.0,
        kernel="beside",
        marks=("c",),
        env={"A": "3", "B": "2"},
        metrics=(MetricRule("*", Limits(rel=0.5)), MetricRule("loss", Limits(rel=1e-3, abs=2e-3))),
    )


def test_yaml_is_version_1_2(tmp_path: Path) -> None:
    notebook = write(tmp_path)
    beside(tmp_path, "flags: {a: 1e-5, b: no, c: 12:30, d: 010}\nmetrics: {no: {rel: 1e-5}}\n")
    found = load(notebook, tmp_path)
    assert found.flags == {"a": 1e-5, "b": "no", "c": "12:30", "d": 10}
    assert found.metrics == (MetricRule("no", Limits(1e-5)),)


def test_cases_merge_by_name(tmp_path: Path) -> None:
    project(tmp_path, "[tool.nbrepro.cases]\nleft = { x = -1, y = 2 }\nright = { x = 1 }\n")
    notebook = write(tmp_path, {"cases": {"left": {"x": -2}, "up": {}}})
    assert load(notebook, tmp_path).cases == {"left": {"x": -2}, "right": {"x": 1}, "up": {}}


# ---------------------------------------------------------------------------------------------------
# Faults


def test_all_faults_of_all_places_at_once(tmp_path: Path) -> None:
    project(
        tmp_path,
        '[tool.nbrepro]\ntimeuot = 5\n\n[[tool.nbrepro.notebooks]]\npath = "**"\nseed = -1\n'
        '[[tool.nbrepro.notebooks]]\npath = "elsewhere/*"\nseed = -2\n',
    )
    notebook = write(tmp_path, {"metrics": {"loss": {"rle": 1e-3}}, "marks": 3})
    beside(tmp_path, "metrics:\n  loss:\n    rel: 1e-3x\n    flips: 1\nseed: 1\nseed: 2\n")
    assert faults(notebook, tmp_path) == [
        "analysis/train.nbrepro.yaml:3: metrics.loss.rel: must be a number, is the text '1e-3x'",
        "analysis/train.nbrepro.yaml:4: metrics.loss.flips: needs 'of', the number of cases that the metric is a share of",
        "analysis/train.nbrepro.yaml:6: seed: given twice, first in line 5",
        "pyproject.toml:2: tool.nbrepro.timeuot: unknown key, did you mean 'timeout' or 'cell_timeout'?",
        "pyproject.toml:6: tool.nbrepro.notebooks[0].seed: must be at least 0 and less than 4294967296, is -1",
        "analysis/train.ipynb:7: metadata.nbrepro.metrics.loss.rle: unknown key, did you mean 'rel'?",
        "analysis/train.ipynb:10: metadata.nbrepro.marks: must be a list, is the number 3, write [3]",
    ]


def test_keys_of_several_places_are_checked_together(tmp_path: Path) -> None:
    notebook = write(tmp_path, {"metrics": {"acc": {"of": 450, "min": 0.9}}})
    beside(tmp_path, "metrics: {acc: {flips: 2}}")
    assert load(notebook, tmp_path).metrics == (MetricRule("acc", of=450, flips=2, min=0.9),)
    beside(tmp_path, "\nmetrics: {acc: {max: 0.8}}")
    assert faults(notebook, tmp_path) == [
        "analysis/train.nbrepro.yaml:2: metrics.acc.max: 'min' is greater than 'max': 0.9 > 0.8"
    ]


def test_a_notebook_whose_file_has_gone_has_no_lines(tmp_path: Path) -> None:
    notebook = write(tmp_path, {"metrics": {"loss": {"rel": -1}}})
    notebook.path.unlink()
    told = ["analysis/train.ipynb: metadata.nbrepro.metrics.loss.rel: must not be negative, is -1"]
    assert faults(notebook, tmp_path) == told


@pytest.mark.parametrize("metadata", [3, "x", [1]])
def test_metadata_of_another_shape(tmp_path: Path, metadata: object) -> None:
    notebook = write(tmp_path, metadata)
    assert faults(notebook, tmp_path) == [
        "analysis/train.ipynb:4: metadata.nbrepro: must be a mapping, true or false"
    ]


def test_metadata_that_are_null(tmp_path: Path) -> None:
    raw = {"cells": [], "metadata": {"nbrepro": None}, "nbformat": 4, "nbformat_minor": 4}
    notebook = parse(json.dumps(raw), tmp_path / "train.ipynb")
    assert faults(notebook, tmp_path) == ["train.ipynb: metadata.nbrepro: must be a mapping, true or false"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[1]", ":1: must be a mapping, write keys such as metrics: {loss: {rel: 1e-3}}"),
        ("loss", ":1: must be a mapping, write keys such as metrics: {loss: {rel: 1e-3}}"),
        (
            "a:\n\t- 1",
            (
                ":2: not YAML: while scanning for the next token, found character '\\t' that cannot start any "
                "token, YAML is indented by spaces, not tabs"
            ),
        ),
        ("seed: 1\n  env: {}", ":2: not YAML: mapping values are not allowed here"),
    ],
)
def test_files_that_are_no_annotation(tmp_path: Path, text: str, told: str) -> None:
    notebook = write(tmp_path)
    beside(tmp_path, text)
    assert faults(notebook, tmp_path) == [f"analysis/train.nbrepro.yaml{told}"]


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    notebook = write(tmp_path)
    path = tmp_path / "analysis/train.nbrepro.yaml"
    path.write_bytes(b"seed: 1 # \xff")
    assert faults(notebook, tmp_path) == ["analysis/train.nbrepro.yaml: not UTF-8 at byte 10"]
    path.unlink()
    path.symlink_to("missing")
    assert faults(notebook, tmp_path) == [
        "analysis/train.nbrepro.yaml: cannot be read: No such file or directory"
    ]


def test_a_file_with_the_wrong_suffix_is_not_passed_over(tmp_path: Path) -> None:
    notebook = write(tmp_path)
    (tmp_path / "analysis/train.nbrepro.yml").write_text("seed: 7")
    told = "analysis/train.nbrepro.yml: is not read, rename it to train.nbrepro.yaml"
    assert faults(notebook, tmp_path) == [told]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("cases: {x=1: {}}\nmatrix: {x: [1]}", "2: matrix: the case 'x=1' is also in 'cases'"),
        ("matrix: {x: [1, 1]}", "1: matrix: the case 'x=1' is made twice"),
        ("matrix: {x: []}\ncases: {x=1: {}}", "1: matrix.x: must have at least one value, the list is empty"),
    ],
)
def test_names_of_cases(tmp_path: Path, text: str, told: str) -> None:
    notebook = write(tmp_path)
    beside(tmp_path, text)
    assert faults(notebook, tmp_path) == [f"analysis/train.nbrepro.yaml:{told}"]


def test_tags_that_name_outputs(tmp_path: Path) -> None:
    good = write(tmp_path, cells=(("1", ["artifact:curve"]), ("2", ["artifact:a b.c", "metrics"]), ("3", [])))
    assert load(good, tmp_path) == Spec()
    bad = write(
        tmp_path,
        cells=(
            ("# fit\n1", ["artifact:curve"]),
            ("2", ["artifact:curve"]),
            ("3", ["artifact: "]),
            ("4", ["artifact:a/b"]),
            ("5", ["artifact:..", "other"]),
            ("6", ["artifact:p", "artifact:q"]),
            ("7", ["artifact:a\\b"]),
            ("8", ["artifact:a\x00b"]),
        ),
    )
    refused = "the name must not have '/', '\\', '..' or control characters in it"
    assert faults(bad, tmp_path) == [
        "analysis/train.ipynb: cell 2: tag 'artifact:curve': cell 1 \"fit\" has this name already",
        "analysis/train.ipynb: cell 3: tag 'artifact: ': has no name, write artifact:NAME",
        f"analysis/train.ipynb: cell 4: tag 'artifact:a/b': {refused}",
        f"analysis/train.ipynb: cell 5: tag 'artifact:..': {refused}",
        "analysis/train.ipynb: cell 6: several tags name its output: 'p', 'q'",
        f"analysis/train.ipynb: cell 7: tag 'artifact:a\\b': {refused}",
        f"analysis/train.ipynb: cell 8: tag 'artifact:a\x00b': {refused}",
    ]


# ---------------------------------------------------------------------------------------------------
# Cases


def expand(notebook: Notebook, root: Path) -> tuple:
    found = spec.load_project(root)
    return spec.expand(notebook, found, spec.load(notebook, found))


def test_the_only_case(tmp_path: Path) -> None:
    notebook = write(tmp_path, {"flags": {"noise": 0.0}})
    [case] = expand(notebook, tmp_path)
    assert (case.notebook, case.name, case.folder) == (
        "analysis/train.ipynb",
        "default",
        "analysis/train/default",
    )
    assert case.flags == {"noise": 0.0}
    assert case.id == "analysis/train.ipynb::default"
    assert case.spec == load(notebook, tmp_path)


def test_flags_of_a_case_win(tmp_path: Path) -> None:
    notebook = write(
        tmp_path,
        {
            "flags": {"noise": 0.0, "x": 5},
            "cases": {"left": {"x": -1.0}, "same": None},
            "matrix": {"x": [0, 1]},
        },
    )
    assert [(case.name, case.flags) for case in expand(notebook, tmp_path)] == [
        ("left", {"noise": 0.0, "x": -1.0}),
        ("same", {"noise": 0.0, "x": 5}),
        ("x=0", {"noise": 0.0, "x": 0}),
        ("x=1", {"noise": 0.0, "x": 1}),
    ]


def test_two_cases_in_one_folder(tmp_path: Path) -> None:
    notebook = write(tmp_path, {"cases": {"a": {"x": 1}, "A": {"x": 2}, "b c": {}, "b/c": {}}})
    with pytest.raises(SpecError) as caught:
        expand(notebook, tmp_path)
    assert caught.value.where == "analysis/train.ipynb"
    one, two = caught.value.what.split("\n")
    assert one == "the cases 'a' and 'A' have one folder of baselines, analysis/train/A"
    assert two.startswith("the cases 'b c' and 'b/c' have one folder of baselines, analysis/train/b_c--")


def test_a_notebook_outside_the_project(tmp_path: Path) -> None:
    notebook = write(tmp_path, {})
    with pytest.raises(SpecError, match="outside the project"):
        spec.expand(notebook, spec.Project(tmp_path / "elsewhere", {}, ()), Spec())


def test_the_keys_are_published() -> None:
    assert spec.known_keys()["metrics.<name>.rel"].type == "number, 0 or more"
