"""`nbrepro lint`."""

from __future__ import annotations

import pytest

from pytest_nbrepro.lint import RULES

BAD = "import time\nt = time.time()"


@pytest.fixture
def drafts(bench):
    bench.notebook("a.ipynb", "x = 1")
    bench.notebook("sub/b.ipynb", "print('two')", BAD)
    return bench


def test_all_below_the_folder_but_baselines_runs_and_chatter(drafts, monkeypatch):
    monkeypatch.chdir(drafts.root)
    for folder in ("baselines/a", ".nbrepro/runs/1", ".ipynb_checkpoints", "sub/.venv"):
        drafts.notebook(f"{folder}/c.ipynb", BAD)
    said = drafts("lint")
    assert said.out.splitlines() == [
        "PLACE                       RULE    FOUND",
        "sub/b.ipynb cell 2, line 2  NBR004  time.time reads the time of day",
    ]
    assert said.err == f"NBR004  {RULES['NBR004'].hint}\n"
    assert said.code == 1


def test_nothing_found(drafts, monkeypatch):
    monkeypatch.chdir(drafts.root)
    said = drafts("lint", "a.ipynb")
    assert (said.code, said.out, said.err) == (0, "", "")


def test_json(drafts, monkeypatch):
    monkeypatch.chdir(drafts.root)
    said = drafts("lint", "--json", "sub")
    assert said.code == 1
    assert said.json == {
        "schema": 1,
        "findings": [
            {
                "notebook": "sub/b.ipynb",
                "cell": 1,
                "line": 2,
                "rule": "NBR004",
                "text": "time.time reads the time of day",
                "hint": RULES["NBR004"].hint,
            }
        ],
        "failed": {},
    }


def test_the_seed_of_the_annotation_counts(drafts, monkeypatch):
    monkeypatch.chdir(drafts.root)
    drafts.notebook("c.ipynb", "import random\nrandom.random()", nbrepro={"seed": 1})
    assert drafts("lint", "c.ipynb").code == 0


def test_a_notebook_that_cannot_be_read(drafts, monkeypatch):
    monkeypatch.chdir(drafts.root)
    (drafts.root / "broken.ipynb").write_text("{")
    said = drafts("lint")
    assert said.code == 2
    assert "broken.ipynb" in said.err
    assert "time of day" in said.out


def test_a_path_that_is_not_there(drafts):
    assert drafts("lint", "nowhere").code == 2


def test_the_rules_are_listed(drafts):
    said = drafts("lint", "--rules")
    assert said.code == 0
    assert [line.split("  ")[0] for line in said.out.splitlines()[1:]] == list(RULES)


def test_the_docs_have_every_rule(request):
    text = (request.config.rootpath / "docs/lint.md").read_text()
    for name, rule in RULES.items():
        assert f"| {name} | {rule.about} | {rule.hint} |" in text
