"""Which notebooks are collected, as which items, and what a notebook with faults becomes."""

from __future__ import annotations

import json

import pytest


def nodes(result):
    return [
        line
        for line in result.outlines
        if "::" in line and line.endswith(tuple("0123456789abcdefghijklmnopqrstuvwxyz"))
    ]


def test_only_annotated_notebooks(project, fake_kernel):
    project.notebook("meta.ipynb", "print(1)")
    project.write_notebook(project.root / "side.ipynb", "print(1)")
    project.write("side.nbrepro.yaml", "")
    project.write_notebook(project.root / "deep/down/pattern.ipynb", "print(1)")
    project.write("pyproject.toml", '[[tool.nbrepro.notebooks]]\npath = "deep/**/*.ipynb"\n')
    project.write_notebook(project.root / "plain.ipynb", "print(1)")

    result = project.run("--co", "-q")

    assert nodes(result) == ["deep/down/pattern.ipynb::default", "meta.ipynb::default", "side.ipynb::default"]
    assert "plain.ipynb::default" in nodes(project.run("--co", "-q", "--nbrepro-all"))
    assert nodes(project.run("--co", "-q", "plain.ipynb")) == ["plain.ipynb::default"]


def test_baselines_and_runs_are_never_collected(project, fake_kernel):
    project.notebook("t.ipynb", "print('a: 1')")
    project.accept()
    assert nodes(project.run("--co", "-q", "--nbrepro-all")) == ["t.ipynb::default"]
    assert nodes(project.run("--co", "-q", "--nbrepro-all", "baselines")) == []


def test_without_the_option_nothing_is_collected(project):
    project.notebook("t.ipynb", "print(1)")
    result = project.pytester.runpytest_inprocess("-p", "no:xdist")
    assert result.ret == 5


def test_the_option_as_ini_key_and_variable(project, fake_kernel, monkeypatch):
    project.notebook("t.ipynb", "print(1)")
    project.write("pytest.ini", "[pytest]\nnbrepro = true\n")
    assert nodes(project.pytester.runpytest_inprocess("-p", "no:xdist", "--co", "-q")) == ["t.ipynb::default"]
    project.write("pytest.ini", "[pytest]\n")
    monkeypatch.setenv("NBREPRO", "1")
    assert nodes(project.pytester.runpytest_inprocess("-p", "no:xdist", "--co", "-q")) == ["t.ipynb::default"]


def test_cases_and_matrix(project, fake_kernel):
    spec = {"flags": {"y": 2}, "cases": {"left": {"x": -1.0}}, "matrix": {"x": [0.5, 1]}}
    project.notebook("t.ipynb", "x = 0.0\ny = 1", "print(f'sum: {x + y}')", nbrepro=spec)

    result = project.accept()

    result.assert_outcomes(passed=3)
    found = {
        p.parent.name: json.loads(p.read_text())["metrics"]["sum"]
        for p in project.root.rglob("metrics.json")
        if "baselines" in p.parts
    }
    assert found == {"left": 1.0, "x=0.5": 2.5, "x=1": 3.0}


def test_marks_and_xfail(project, fake_kernel):
    project.write("pytest.ini", "[pytest]\nmarkers = slow: takes long\n")
    project.notebook("slow.ipynb", "print(1)", nbrepro={"marks": ["slow"]})
    project.notebook("bad.ipynb", "1 / 0", nbrepro={"xfail": "bug 12"})
    project.notebook("good.ipynb", "x = 1", nbrepro={"xfail": "bug 13"})

    assert nodes(project.run("--co", "-q", "-m", "slow")) == ["slow.ipynb::default"]
    assert len(nodes(project.run("--co", "-q", "-m", "nbrepro"))) == 3
    result = project.run("bad.ipynb", "good.ipynb", "-rx")
    result.assert_outcomes(xfailed=1, failed=1)
    result.stdout.fnmatch_lines(["*XPASS(strict)*bug 13*"])


def test_a_mark_that_is_not_registered_fails_under_strict_markers(project, fake_kernel):
    project.notebook("t.ipynb", "x = 1", nbrepro={"marks": ["glacial"]})
    result = project.run("--strict-markers")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*the mark 'glacial' is not registered*"])


BROKEN = {
    "not JSON": ('{"metadata": {"nbrepro": {}}, ', "not JSON"),
    "version 3": (
        json.dumps({"nbformat": 3, "metadata": {"nbrepro": {}}, "worksheets": []}),
        "format 3 is too old",
    ),
    "version 5": (
        json.dumps({"nbformat": 5, "metadata": {"nbrepro": {}}, "cells": []}),
        "format 5 is too new",
    ),
}


@pytest.mark.parametrize(("text", "message"), BROKEN.values(), ids=BROKEN)
def test_a_notebook_that_cannot_be_read_fails_alone(project, fake_kernel, text, message):
    project.write("bad.ipynb", text)
    project.notebook("good.ipynb", "x = 1")

    result = project.run()

    assert result.ret == 1
    result.assert_outcomes(passed=1, failed=1)
    out = result.stdout.str()
    assert message in out
    assert "Traceback" not in out
    assert "collection.py" not in out
    result.stdout.fnmatch_lines(["FAILED bad.ipynb::annotation - *"])


def test_all_faults_of_an_annotation_at_once(project, fake_kernel):
    project.notebook("t.ipynb", "x = 1.0", nbrepro={"metricz": {}})
    project.write("t.nbrepro.yaml", "seed: -1\nmetrics:\n  loss: {rel: tight, abz: 1}\n")

    result = project.run()

    assert result.ret == 1
    result.stdout.fnmatch_lines_random(
        [
            "*metricz*'metrics'*",
            "*t.nbrepro.yaml:1: seed*",
            "*t.nbrepro.yaml:3: metrics.loss.rel*",
            "*abz*'abs'*",
        ]
    )


def test_faults_of_pyproject_fail_every_notebook_but_not_the_session(project, fake_kernel):
    project.write("pyproject.toml", "[tool.nbrepro]\nseed = 1\n[[tool.nbrepro.notebooks]]\nmetrics = 3\n")
    project.notebook("t.ipynb", "x = 1")
    project.write("test_other.py", "def test_other(): pass\n")

    result = project.run()

    assert result.ret == 1
    result.assert_outcomes(passed=1, failed=1)


def test_an_empty_notebook_runs(project, fake_kernel):
    project.notebook("empty.ipynb")
    result = project.run()
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["*nothing to check*"])


def test_unknown_flag_names_the_nearest(project, fake_kernel):
    project.notebook("t.ipynb", "noise = 0.1", nbrepro={"flags": {"nois": 0.0}})
    result = project.run()
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*nois*", "*hint*'noise'*"])


def test_a_flag_of_the_wrong_type(project, fake_kernel):
    project.notebook("t.ipynb", "noise = 0.1", nbrepro={"flags": {"noise": "loud"}})
    result = project.run()
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*noise*'loud'*"])


def test_cases_that_share_a_folder_fail_with_both_names(project, fake_kernel):
    project.notebook("t.ipynb", "x = 1", nbrepro={"cases": {"A": {"x": 1}, "a": {"x": 2}}})
    result = project.run()
    assert result.ret == 1
    assert "folder" in result.stdout.str()


def test_a_case_inside_another_cases_folder_fails(project, fake_kernel):
    project.notebook("a.ipynb", "x = 1\nprint(x)", nbrepro={"cases": {"b": {}}})
    project.notebook("a/b/files.ipynb", "x = 1\nprint(x)")
    result = project.run("--nbrepro-update=new")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*its baseline would lie in the folder of a.ipynb::b*"])


def test_long_and_odd_names(project, fake_kernel):
    name = "ü" * 60 + " " + "n" * 70 + ".ipynb"
    project.notebook(
        f"with space/{name}", "x = 'a'\nprint(x)", nbrepro={"cases": {"é ü/" + "y" * 200: {"x": "b"}}}
    )
    assert project.accept().ret == 0
    assert project.run().ret == 0


def test_a_notebook_outside_the_root(project, fake_kernel, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    path = project.write_notebook(elsewhere / "t.ipynb", "x = 1", nbrepro={})
    result = project.run(f"--rootdir={project.root}", str(path))
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*outside the project's root*"])
