"""The command line finds the root and the folders that pytest finds."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_nbrepro.cli import inifile
from pytest_nbrepro.cli.site import Asked
from pytest_nbrepro.errors import NbreproError
from pytest_nbrepro.plugin import SETTINGS

LAYOUTS = {
    "pytest.toml": {"pytest.toml": "[pytest]\nnbrepro_dir = 'one'\n"},
    "hidden pytest.toml": {".pytest.toml": "[pytest]\nnbrepro_dir = 'one'\n"},
    "empty pytest.toml": {"pytest.toml": "", "pytest.ini": "[pytest]\nnbrepro_dir = other\n"},
    "pytest.ini": {"pytest.ini": "[pytest]\nnbrepro_dir = one\nnbrepro_baselines = two\n"},
    "hidden pytest.ini": {".pytest.ini": "[pytest]\nnbrepro_dir = one\n"},
    "pytest.ini without a section": {"pytest.ini": "", "tox.ini": "[pytest]\nnbrepro_dir = other\n"},
    "pyproject": {"pyproject.toml": "[tool.pytest.ini_options]\nnbrepro_dir = 'one'\n"},
    "pyproject, toml mode": {"pyproject.toml": "[tool.pytest]\nnbrepro_dir = 'one'\n"},
    "pyproject without pytest": {
        "pyproject.toml": "[tool.other]\n",
        "tox.ini": "[pytest]\nnbrepro_dir = one\n",
    },
    "pyproject alone": {"pyproject.toml": ""},
    "tox.ini": {"tox.ini": "[tox]\n[pytest]\nnbrepro_baselines = two\n"},
    "setup.cfg": {"setup.cfg": "[metadata]\nname: x\n[tool:pytest]\nnbrepro_baselines = two\n"},
    "setup.cfg of others": {"setup.cfg": "[metadata]\nname = x\n"},
    "setup.py": {"setup.py": ""},
    "nothing": {},
    "percent and comments": {"pytest.ini": "# c\n[pytest]\nother = %(x)s\nnbrepro_dir: 50%\n"},
    "mark without text": {"pytest.ini": "[pytest]\nmarkers =\n    slow\n    fast: x\nnbrepro_dir = one\n"},
    "addopts": {
        "pytest.ini": "[pytest]\naddopts = -q --nbrepro-dir=one --nbrepro-baselines 'two three'\nnbrepro_dir=no\n"
    },
    "addopts, twice": {"pytest.ini": "[pytest]\naddopts = --nbrepro-dir=no --nbrepro-dir one\n"},
    "addopts, list": {"pyproject.toml": "[tool.pytest]\naddopts = ['-q', '--nbrepro-dir', 'one']\n"},
    "in between": {"pytest.ini": "[pytest]\n", "sub/pyproject.toml": "[project]\nname='x'\n"},
    "nearer": {"pytest.ini": "[pytest]\n", "sub/tox.ini": "[pytest]\nnbrepro_dir = one\n"},
    "absolute": {"pytest.ini": "[pytest]\nnbrepro_dir = /tmp/elsewhere\n"},
}


@pytest.mark.parametrize("start", ["", "sub/deep"])
@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_it_is_where_pytest_is(pytester, clean, monkeypatch, layout, start):
    for name, text in layout.items():
        path = pytester.path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    (pytester.path / "sub/deep").mkdir(parents=True, exist_ok=True)
    monkeypatch.chdir(pytester.path / start)
    config = pytester.parseconfigure()
    site = Asked(None, {}).site()
    assert site.root == config.rootpath
    assert site.settings == config.stash[SETTINGS]


def test_it_is_where_pytest_is_that_is_given_a_notebook(pytester, clean, monkeypatch, write_notebook):
    (pytester.path / "pytest.ini").write_text("[pytest]\n")
    (pytester.path / "sub").mkdir()
    (pytester.path / "sub/pytest.ini").write_text("[pytest]\nnbrepro_dir = one\n")
    write_notebook(pytester.path / "sub/a.ipynb", "x = 1")
    config = pytester.parseconfigure("sub/a.ipynb")
    site = Asked(None, {}).of_notebook(Path("sub/a.ipynb"))
    assert (site.root, site.settings) == (config.rootpath, config.stash[SETTINGS])


def test_a_notebook_below_where_nothing_marks_a_root(pytester, clean, write_notebook):
    write_notebook(pytester.path / "sub/a.ipynb", "x = 1")
    config = pytester.parseconfigure("sub/a.ipynb")
    assert Asked(None, {}).of_notebook(Path("sub/a.ipynb")).root == config.rootpath == pytester.path


def test_environment_variables_count_as_in_pytest(pytester, clean, monkeypatch):
    (pytester.path / "pytest.ini").write_text("[pytest]\nnbrepro_dir = one\naddopts = --nbrepro-timeout=7\n")
    monkeypatch.setenv("NBREPRO_DIR", "less than the ini key")
    monkeypatch.setenv("NBREPRO_BASELINES", "two")
    monkeypatch.setenv("PYTEST_ADDOPTS", "--nbrepro-timeout 8")
    site = Asked(None, {}).site()
    assert site.settings == pytester.parseconfigure().stash[SETTINGS]
    assert (site.store.name, site.baselines.name, site.settings.timeout) == ("one", "two", 8.0)


def test_the_command_line_wins(bench, tmp_path):
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --nbrepro-dir=one --nbrepro-baselines=two\n")
    site = Asked(None, {"dir": "mine", "baselines": None}).site()
    assert (site.store, site.baselines) == (tmp_path / "mine", tmp_path / "two")


def test_the_root_may_be_given(bench, tmp_path, monkeypatch):
    (tmp_path / "sub").mkdir()
    site = Asked(Path("sub"), {}).site()
    assert site.root == tmp_path / "sub"
    assert bench("--root", "nowhere", "runs").code == 2


def test_runs_further_up_are_found_where_nothing_marks_a_root(tmp_path, clean, monkeypatch):
    (tmp_path / "mine/runs").mkdir(parents=True)
    (tmp_path / ".nbrepro/runs").mkdir(parents=True)
    below = tmp_path / "sub/deep"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    assert Asked(None, {}).site().root == tmp_path
    assert Asked(None, {"dir": "mine"}).site().root == tmp_path
    assert Asked(None, {"dir": "yours"}).site().root == below


@pytest.mark.parametrize(
    ("name", "text", "what"),
    [
        ("pyproject.toml", "[tool", "not TOML"),
        ("pytest.toml", "\xff", "not TOML"),
        ("tox.ini", "no section\n", "no section headers"),
        ("tox.ini", "[pytest]\nx\xff", "codec"),
        ("pytest.ini", "[pytest]\naddopts = 'open\n", "cannot be split"),
        ("pytest.ini", "[pytest]\nnbrepro_timeout = soon\n", "not a number of seconds"),
    ],
)
def test_a_broken_ini_file_is_told(bench, tmp_path, name, text, what):
    (tmp_path / "pytest.ini").unlink()
    (tmp_path / name).write_bytes(text.encode("latin-1"))
    said = bench("runs")
    assert (said.code, said.out) == (2, "")
    assert what in said.err
    assert "Traceback" not in said.err


def test_an_unclosed_quote_in_the_environment_is_told(bench, monkeypatch):
    monkeypatch.setenv("PYTEST_ADDOPTS", "'open")
    assert "PYTEST_ADDOPTS" in bench("runs").err


def test_a_flag_without_a_value_is_no_value():
    assert inifile.flags_in({"addopts": "--nbrepro-dir"}, {}) == {"dir": ""}


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("a.ipynb", "sub/a.ipynb"),
        ("./a.ipynb", "sub/a.ipynb"),
        ("a.ipynb::x=1", "sub/a.ipynb::x=1"),
        (".", "sub"),
        ("../sub/", "sub"),
        ("..", "."),
        ("sub/a.ipynb", "sub/a.ipynb"),  # as reports call it
        ("sub/a", "sub/a"),
        ("./elsewhere/", "elsewhere"),
        ("/", ""),
        ("::x", "::x"),
    ],
)
def test_names_are_those_of_the_project(bench, tmp_path, monkeypatch, typed, name):
    bench.notebook("sub/a.ipynb")
    monkeypatch.chdir(tmp_path / "sub")
    assert Asked(None, {}).site().rooted(typed) == name


def test_a_notebook_must_be_there_and_below_the_root(bench, tmp_path, write_notebook):
    with pytest.raises(NbreproError, match="no such notebook"):
        Asked(None, {}).of_notebook(Path("absent.ipynb"))
    (tmp_path / "sub").mkdir()
    write_notebook(tmp_path / "a.ipynb", "x = 1")
    with pytest.raises(NbreproError, match="outside the project's root"):
        Asked(Path("sub"), {}).of_notebook(Path("a.ipynb"))
