import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_nbrepro.errors import SpecError
from pytest_nbrepro.project import Project, annotated, excluded, load_project, misnamed_sidecar, sidecar

NOTHING = json.dumps({"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


def notebook(path: Path, text: str = NOTHING) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def with_metadata(value: object) -> str:
    return json.dumps({"cells": [], "metadata": {"nbrepro": value}, "nbformat": 4})


def entry(pattern: str) -> Project:
    return Project(Path("/root"), {}, ({"path": pattern},))


# ---------------------------------------------------------------------------------------------------
# pyproject.toml


def test_a_project_without_pyproject(tmp_path: Path) -> None:
    assert load_project(tmp_path) == Project(tmp_path, {}, ())


@pytest.mark.parametrize("text", ["", "tool = 1", "[tool.other]\nx = 1\n"])
def test_a_pyproject_that_says_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "pyproject.toml").write_text(text)
    assert load_project(tmp_path) == Project(tmp_path, {}, (), text)


def test_defaults_and_entries(tmp_path: Path) -> None:
    text = """
[tool.nbrepro]
seed = 7
[[tool.nbrepro.notebooks]]
path = "analysis/**/*.ipynb"
timeout = 60
[[tool.nbrepro.notebooks]]
path = "*.ipynb"
"""
    (tmp_path / "pyproject.toml").write_text(text)
    project = load_project(tmp_path)
    assert project.defaults == {"seed": 7}
    assert project.entries == ({"path": "analysis/**/*.ipynb", "timeout": 60}, {"path": "*.ipynb"})
    assert project.common().value == {"seed": 7}
    [source] = project.matching(tmp_path / "analysis/a.ipynb")
    assert source.value == {"timeout": 60}
    assert source.lines()["tool", "nbrepro", "notebooks", 0, "timeout"] == 6


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[tool\n", "pyproject.toml:1: not TOML: "),
        ("x = '", "pyproject.toml: not TOML: "),
        ("[tool]\n\nnbrepro = 3", "pyproject.toml:3: tool.nbrepro: must be a table"),
        (
            "[tool.nbrepro]\nnotebooks = 3",
            "pyproject.toml:2: tool.nbrepro.notebooks: must be an array of tables",
        ),
        ("[tool.nbrepro]\nnotebooks = [3]", "pyproject.toml:2: tool.nbrepro.notebooks[0]: must be a table"),
        (
            "\n[[tool.nbrepro.notebooks]]\nseed = 3",
            "pyproject.toml:2: tool.nbrepro.notebooks[0]: has no 'path'",
        ),
    ],
)
def test_faults_of_shape(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "pyproject.toml").write_text(text)
    with pytest.raises(SpecError) as caught:
        load_project(tmp_path)
    assert str(caught.value).startswith(told)


@pytest.mark.parametrize("pattern", ['"/abs/*.ipynb"', '"../x.ipynb"', '" "', "3", "'a\\b.ipynb'"])
def test_patterns_that_are_none(tmp_path: Path, pattern: str) -> None:
    text = f'[[tool.nbrepro.notebooks]]\npath = "ok"\n[[tool.nbrepro.notebooks]]\npath = {pattern}\n'
    (tmp_path / "pyproject.toml").write_text(text)
    with pytest.raises(
        SpecError, match=r"pyproject\.toml:4: tool\.nbrepro\.notebooks\[1\]\.path: must be a pattern"
    ):
        load_project(tmp_path)


def test_a_pyproject_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_bytes(b"# \xff")
    with pytest.raises(SpecError, match=r"pyproject\.toml: not UTF-8 at byte 2"):
        load_project(tmp_path)
    (tmp_path / "pyproject.toml").unlink()
    (tmp_path / "pyproject.toml").mkdir()
    with pytest.raises(SpecError, match=r"pyproject\.toml: cannot be read: Is a directory"):
        load_project(tmp_path)


# ---------------------------------------------------------------------------------------------------
# Paths and patterns


@pytest.mark.parametrize(
    ("pattern", "name", "fits"),
    [
        ("analysis/**/*.ipynb", "analysis/a.ipynb", True),
        ("analysis/**/*.ipynb", "analysis/b/c.ipynb", True),
        ("analysis/**/*.ipynb", "analysis/b/c/d.ipynb", True),
        ("analysis/**/*.ipynb", "other/analysis/a.ipynb", False),
        ("**/*.ipynb", "a.ipynb", True),
        ("**", "a/b.ipynb", True),
        ("analysis/**", "analysis/b/c.ipynb", True),
        ("**/b/*.ipynb", "a/b/c.ipynb", True),
        ("**/b/*.ipynb", "a/b/d/c.ipynb", False),
        ("*.ipynb", "a.ipynb", True),
        ("*.ipynb", "b/a.ipynb", False),
        ("*", "b/a.ipynb", False),
        ("./a.ipynb", "a.ipynb", True),
        ("a/b?.ipynb", "a/b1.ipynb", True),
        ("a/[bc].ipynb", "a/c.ipynb", True),
        ("a/[!bc].ipynb", "a/c.ipynb", False),
        ("A.ipynb", "a.ipynb", False),
        ("a", "a/b.ipynb", False),
    ],
)
def test_patterns(pattern: str, name: str, fits: bool) -> None:
    assert bool(list(entry(pattern).matching(Path("/root") / name))) is fits


def test_paths_relative_to_the_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    project = Project(tmp_path / "link")
    assert project.relative(tmp_path / "link/a b/n.ipynb") == "a b/n.ipynb"
    assert project.relative(tmp_path / "real/n.ipynb") == "n.ipynb"
    assert project.relative(tmp_path / "link/a/../n.ipynb") == "n.ipynb"
    assert project.relative(tmp_path / "n.ipynb") is None
    assert project.shown(tmp_path / "n.ipynb") == str(tmp_path / "n.ipynb")
    assert list(Project(tmp_path, {}, ({"path": "**"},)).matching(tmp_path.parent / "n.ipynb")) == []
    monkeypatch.chdir(tmp_path / "link")
    assert project.relative(Path("n.ipynb")) == "n.ipynb"


def test_paths_of_annotations() -> None:
    assert sidecar(Path("a/b.c.ipynb")) == Path("a/b.c.nbrepro.yaml")
    assert misnamed_sidecar(Path("a/b.c.ipynb")) == Path("a/b.c.nbrepro.yml")


# ---------------------------------------------------------------------------------------------------
# Which are annotated


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (NOTHING, False),
        (with_metadata({}), True),
        (with_metadata(True), True),
        (with_metadata("junk"), True),
        (with_metadata(None), True),
        (with_metadata(False), False),
        (json.dumps({"cells": [{"metadata": {"nbrepro": {}}}], "metadata": {}}), False),
        (json.dumps({"metadata": ["nbrepro"]}), False),
        (json.dumps(["nbrepro"]), False),
        ('{"metadata": {"nbrepro": {}', True),
        ('{"metadata": "broken', False),
        ("", False),
        ('"nbrepro"' + "[" * 100_000, True),
    ],
)
def test_annotated_by_metadata(tmp_path: Path, text: str, expected: bool) -> None:
    assert annotated(notebook(tmp_path / "a.ipynb", text), Project(tmp_path)) is expected


@pytest.mark.parametrize("name", ["a.nbrepro.yaml", "a.nbrepro.yml"])
def test_annotated_by_a_file_beside_it(tmp_path: Path, name: str) -> None:
    path = notebook(tmp_path / "a.ipynb")
    (tmp_path / "b.nbrepro.yaml").touch()
    assert not annotated(path, Project(tmp_path))
    (tmp_path / name).touch()
    assert annotated(path, Project(tmp_path))


def test_annotated_by_a_link_to_nowhere(tmp_path: Path) -> None:
    path = notebook(tmp_path / "a.ipynb")
    (tmp_path / "a.nbrepro.yaml").symlink_to("missing")
    assert annotated(path, Project(tmp_path))


def test_annotated_by_the_project(tmp_path: Path) -> None:
    project = Project(tmp_path, {}, ({"path": "x/*.ipynb"}, {"path": "y/**/*.ipynb"}))
    assert annotated(notebook(tmp_path / "y/a.ipynb"), project)
    assert not annotated(notebook(tmp_path / "a.ipynb"), project)


def test_false_in_the_metadata_wins_over_all(tmp_path: Path) -> None:
    path = notebook(tmp_path / "a.ipynb", with_metadata(False))
    (tmp_path / "a.nbrepro.yaml").touch()
    assert not annotated(path, Project(tmp_path, {}, ({"path": "**"},)))
    assert excluded(path)
    assert not excluded(notebook(tmp_path / "b.ipynb"))
    assert not excluded(notebook(tmp_path / "c.ipynb", with_metadata({})))


def test_a_file_that_cannot_be_read_is_not_passed_over(tmp_path: Path) -> None:
    (tmp_path / "a.ipynb").mkdir()
    assert annotated(tmp_path / "a.ipynb", Project(tmp_path))


def test_names_as_long_as_a_file_system_takes(tmp_path: Path) -> None:
    path = notebook(tmp_path / ("a" * (255 - len(".ipynb")) + ".ipynb"))
    assert not annotated(path, Project(tmp_path))


def test_looking_for_annotated_notebooks_imports_little(tmp_path: Path) -> None:
    notebook(tmp_path / "a.ipynb", with_metadata({}))
    (tmp_path / "pyproject.toml").write_text("[tool.nbrepro]\nseed = 7\n")
    code = (
        "import sys; from pathlib import Path; from pytest_nbrepro import spec; "
        f"root = Path({str(tmp_path)!r}); print(spec.annotated(root / 'a.ipynb', spec.load_project(root))); "
        "print(sorted({'pydantic', 'yaml', 'numpy', 'nbformat', 'pytest'} & set(sys.modules)))"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    shown = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, env=environment
    )
    assert shown.stdout.split("\n") == ["True", "[]", ""]
