"""`nbrepro init`, its kernel replaced."""

from __future__ import annotations

import os

import pytest

from pytest_nbrepro import files, notebook, spec
from pytest_nbrepro.cli import waiting
from pytest_nbrepro.cli.waiting import Waiting
from pytest_nbrepro.model import Progress

CODE = (
    "# set\nx = 1.0",
    "import pathlib\nprint(f'loss: {x / 4}')\n_ = pathlib.Path('out.csv').write_text('a\\n1\\n')",
)


@pytest.fixture
def plain(bench, fake_kernel, write_notebook):
    """A notebook without an annotation."""
    write_notebook(bench.root / "sub/train.ipynb", *CODE)
    return bench


def sidecar(bench):
    return bench.root / "sub/train.nbrepro.yaml"


def test_init(plain):
    said = plain("init", "sub/train.ipynb")
    assert (said.code, said.err) == (0, "")
    assert said.out == (
        "wrote sub/train.nbrepro.yaml, with 1 metric and 1 artifact\n"
        "next  pytest --nbrepro sub/train.ipynb --nbrepro-update=new\n"
    )
    text = sidecar(plain).read_text()
    assert "#   x: 1.0\n" in text
    assert "  loss: {rel: 1e-6}  # 0.25, cell 2\n" in text
    assert "  out.csv: {}  # table, 4 B\n" in text
    project = spec.load_project(plain.root)
    path = plain.root / "sub/train.ipynb"
    assert spec.annotated(path, project)
    assert [rule.pattern for rule in spec.load(notebook.read(path), project).metrics] == ["loss"]


def test_the_tree_gets_the_annotation_and_nothing_else(plain):
    before = {name: (plain.root / name).read_bytes() for name in plain.tree(".")}
    plain("init", "sub/train.ipynb")
    after = {
        name: (plain.root / name).read_bytes() for name in plain.tree(".") if not name.startswith(".nbrepro/")
    }
    del after["sub/train.nbrepro.yaml"]
    assert after == before


def test_paths_with_spaces_are_quoted(plain, write_notebook):
    write_notebook(plain.root / "my notes.ipynb", *CODE)
    assert (
        "next  pytest --nbrepro 'my notes.ipynb' --nbrepro-update=new\n"
        in plain("init", "my notes.ipynb").out
    )


def test_from_the_notebook_s_folder(plain, monkeypatch):
    monkeypatch.chdir(plain.root / "sub")
    assert plain("init", "train.ipynb").out.startswith("wrote train.nbrepro.yaml")
    assert (plain.root / ".nbrepro/runs").is_dir()


def test_an_annotation_that_lies_there_stays(plain):
    sidecar(plain).write_text("timeout: 7\n")
    said = plain("init", "sub/train.ipynb")
    assert said.code == 2
    assert "there is an annotation" in said.err
    assert "--force" in said.err
    assert sidecar(plain).read_text() == "timeout: 7\n"
    assert not (plain.root / ".nbrepro").exists()  # refused before it ran


@pytest.mark.parametrize(
    "old", ["timeout: 7\n", "metricks: {}\n", "{", "metrics: {loss: ignore}\nartifacts: {'*': ignore}\n"]
)
def test_force_begins_anew(plain, old):
    sidecar(plain).write_text(old)
    assert plain("init", "sub/train.ipynb", "--force").code == 0
    found = spec.load(notebook.read(plain.root / "sub/train.ipynb"), spec.load_project(plain.root))
    assert [rule.pattern for rule in found.metrics] == ["loss"]
    assert [rule.pattern for rule in found.artifacts] == ["out.csv"]


def test_rules_of_other_places_stay(plain):
    (plain.root / "pyproject.toml").write_text(
        "[tool.nbrepro]\ntimeout = 9\n[[tool.nbrepro.notebooks]]\npath = 'sub/*.ipynb'\nmetrics = {'l*' = {rel = 0.5}}\n"
    )
    assert plain("init", "sub/train.ipynb").code == 0
    found = spec.load(notebook.read(plain.root / "sub/train.ipynb"), spec.load_project(plain.root))
    assert [rule.pattern for rule in found.metrics] == ["l*"]
    assert found.timeout == 9


def test_an_annotation_of_another_suffix(plain):
    (plain.root / "sub/train.nbrepro.yml").write_text("")
    said = plain("init", "sub/train.ipynb", "--force")
    assert said.code == 2
    assert "rename it to train.nbrepro.yaml" in said.err


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("absent.ipynb", None, "there is no such notebook"),
        ("notes.txt", "x", "does not end in one of .ipynb"),
        ("broken.ipynb", "{", "not JSON"),
        (
            "no.ipynb",
            '{"cells": [], "metadata": {"nbrepro": false}, "nbformat": 4, "nbformat_minor": 5}',
            "nbrepro: false",
        ),
        (
            "bad.ipynb",
            '{"cells": [], "metadata": {"nbrepro": {"x": 1}}, "nbformat": 4, "nbformat_minor": 5}',
            "bad.ipynb",
        ),
    ],
)
def test_what_cannot_be_begun(plain, name, content, what):
    if content is not None:
        (plain.root / name).write_text(content)
    said = plain("init", name)
    assert (said.code, said.out) == (2, "")
    assert what in said.err
    assert not list(plain.root.glob("*.yaml"))


def test_a_project_with_faults(plain):
    (plain.root / "pyproject.toml").write_text("[tool.nbrepro]\nmetricks = {}\n")
    said = plain("init", "sub/train.ipynb")
    assert said.code == 2
    assert "metricks" in said.err


def test_a_notebook_that_fails(plain, write_notebook):
    write_notebook(plain.root / "bad.ipynb", "x = 1", "1 / 0")
    said = plain("init", "bad.ipynb")
    assert said.code == 1
    assert said.out.startswith("NBREPRO bad.ipynb::default   failed in cell 2\n")
    assert "ZeroDivisionError" in said.out
    assert "| 1 / 0" in said.out
    assert not (plain.root / "bad.nbrepro.yaml").exists()


def test_ctrl_c(plain, write_notebook):
    write_notebook(plain.root / "slow.ipynb", "raise KeyboardInterrupt")
    said = plain("init", "slow.ipynb")
    assert (said.code, said.out, said.err) == (130, "", "error: interrupted\n")
    assert not (plain.root / "slow.nbrepro.yaml").exists()
    assert plain("runs", "--json").json["runs"][0]["status"] == "interrupted"


def test_a_disk_that_is_full(plain, monkeypatch):
    def full(path, text, **_):
        if path.suffix == ".yaml":
            raise OSError(28, "No space left on device", str(path))
        write(path, text)

    write = files.write_text
    monkeypatch.setattr(files, "write_text", full)
    said = plain("init", "sub/train.ipynb")
    assert said.code == 2
    assert "sub/train.nbrepro.yaml: No space left" in said.err


def test_a_text_with_faults_is_not_written(plain, monkeypatch):
    monkeypatch.setattr("pytest_nbrepro.cli.drafting.compose", lambda *_: "metricks: {}\n")
    said = plain("init", "sub/train.ipynb")
    assert said.code == 2
    assert "no annotation can be made of this run" in said.err
    assert "metricks" in said.err
    assert not sidecar(plain).exists()


def test_notes_of_the_run_are_told(plain, write_notebook):
    write_notebook(plain.root / "masked.ipynb", "print(object())")
    assert "note  cell 1: the mask 'addresses' hid 1\n" in plain("init", "masked.ipynb").out


def test_a_link_to_the_project_is_the_project(plain, tmp_path, monkeypatch):
    (tmp_path / "link").symlink_to("sub")
    assert plain("init", os.path.join("link", "train.ipynb")).code == 0
    assert sidecar(plain).exists()


# -- waiting ------------------------------------------------------------------------------------------


STEPS = [Progress(None, 0, 3, 0.1), Progress(0, 1, 3, 1.0), Progress(4, 2, 3, 64.6)]


def test_a_terminal_shows_where_it_is(capsys, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    with Waiting("running a.ipynb") as waits:
        for step in STEPS:
            waits(step)
    clear = "\r\x1b[K"
    assert capsys.readouterr().err == clear.join(
        [
            "",
            "running a.ipynb",
            "running a.ipynb: starting the kernel, 0 s",
            "running a.ipynb: cell 1 of 3, 1 s",
            "running a.ipynb: cell 2 of 3, 65 s",
            "",
        ]
    )


def test_a_log_gets_a_line_now_and_then(capsys, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(waiting.time, "monotonic", lambda: now[0])
    with Waiting("running a.ipynb") as waits:
        for second in (10.0, 29.0, 30.0, 31.0, 59.0, 60.0):
            now[0] = second
            waits(Progress(0, 1, 3, second))
    assert (
        capsys.readouterr().err == "running a.ipynb: cell 1 of 3, 30 s\nrunning a.ipynb: cell 1 of 3, 60 s\n"
    )
