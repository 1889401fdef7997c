"""Where results are read already: GitHub's summary and annotations, JUnit properties, terminals."""

from __future__ import annotations

import re

import pytest


@pytest.fixture
def suite(project, fake_kernel):
    """A notebook that drifted, and one that did not."""
    project.notebook("sub/n.ipynb", "print('loss: 0.25')")
    project.notebook("steady.ipynb", "print('auc: 0.875')")
    project.accept()
    project.notebook("sub/n.ipynb", "print('loss: 0.5')")
    return project


def test_the_step_summary_is_appended_to(suite, monkeypatch):
    place = suite.write("summary.md", "before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(place))
    suite.run()
    text = place.read_text()
    assert text.startswith("before\n### ❌ pytest-nbrepro: 1 of 2 cases does not reproduce\n")
    assert "NBREPRO sub/n.ipynb::default" in text
    assert not (suite.root / "index.html").exists()
    suite.write("test_other.py", "def test_other(): pass\n")
    suite.run("test_other.py")
    assert place.read_text() == text


def test_a_step_summary_that_cannot_be_written_is_a_fault(suite, monkeypatch):
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(suite.root / "no/such/folder/summary.md"))
    result = suite.run("steady.ipynb")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["GITHUB_STEP_SUMMARY=*: the summary cannot be written: *"])


def test_annotations_on_the_notebook_s_file(suite, monkeypatch):
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_WORKSPACE", str(suite.root.parent))
    result = suite.run()
    (line,) = [line for line in result.outlines if line.startswith("::")]
    assert line.startswith(
        f"::error file={suite.root.name}/sub/n.ipynb,title=sub/n.ipynb%3A%3Adefault::1 of 1 check drifted; CODE: "
    )
    monkeypatch.setenv("GITHUB_WORKSPACE", "/elsewhere")
    assert any(line.startswith("::error file=sub/n.ipynb,") for line in suite.run().outlines)
    monkeypatch.delenv("GITHUB_ACTIONS")
    assert not [line for line in suite.run().outlines if line.startswith("::")]


def test_junit_properties(suite):
    suite.run("--junitxml=junit.xml")
    text = (suite.root / "junit.xml").read_text()
    found = dict(re.findall(r'<property name="(nbrepro\.[^"]*)" value="([^"]*)"', text[text.index("sub") :]))
    assert found["nbrepro.status"] == "drifted"
    assert found["nbrepro.metric.loss"] == "0.5"
    assert found["nbrepro.used"] == "1.0e6"


def test_the_place_of_the_report_is_told_and_linked_where_terminals_can(suite, monkeypatch):
    result = suite.run("--nbrepro-report=out", "steady.ipynb")
    result.stdout.fnmatch_lines(["report: out/index.html"])
    assert "\033" not in result.stdout.str()
    monkeypatch.setenv("FORCE_HYPERLINK", "1")
    told = suite.run("--nbrepro-report=out", "steady.ipynb").stdout.str()
    address = (suite.root / "out/index.html").as_uri()
    assert f"report: \033]8;;{address}\033\\out/index.html\033]8;;\033\\" in told


@pytest.mark.parametrize(
    ("arguments", "variable", "coloured"),
    [
        (["--color=yes"], None, True),
        (["--color=no"], None, False),
        ([], "NO_COLOR", False),
        ([], "FORCE_COLOR", True),
    ],
)
def test_colours_are_pytest_s(suite, monkeypatch, arguments, variable, coloured):
    for name in ("NO_COLOR", "FORCE_COLOR", "PY_COLORS"):
        monkeypatch.delenv(name, raising=False)
    if variable:
        monkeypatch.setenv(variable, "1")
    told = suite.run(*arguments).stdout.str()
    assert "NBREPRO sub/n.ipynb::default" in told
    assert ("\033[" in told) is coloured
