"""`nbrepro prune`."""

from __future__ import annotations

import json

import click
import pytest


@pytest.fixture
def old(bench):
    """Two obsolete baselines and one that a case has."""
    for name in ("gone", "a/old", "train"):
        bench.waiting(f"{name}.ipynb")
    bench("accept", "--all", "-m", "first")
    for name in ("gone", "a/old"):
        (bench.root / f"{name}.ipynb").unlink()
    bench.word("a/old/default", "gone/default")
    return bench


def kept(bench):
    return sorted({path.rsplit("/", 1)[0] for path in bench.tree("baselines")})


def test_after_a_yes(old):
    said = old("prune", answer="y\n")
    assert said.code == 0
    assert said.out.startswith(
        "obsolete in baselines:\n  a/old/default\n  gone/default\ndelete these 2? [y/N]: "
    )
    assert said.out.endswith("2 deleted\n")
    assert kept(old) == ["train/default"]
    assert not (old.baselines / "a").exists()
    said = old("prune")
    assert (said.code, said.out) == (0, "no obsolete baselines\n")


def test_unasked(old):
    said = old("prune", "--yes")
    assert said.code == 0
    assert "?" not in said.out
    assert kept(old) == ["train/default"]


@pytest.mark.parametrize("answer", ["n\n", "\n"])
def test_after_a_no(old, answer):
    said = old("prune", answer=answer)
    assert said.code == 1
    assert said.out.endswith("0 deleted\n")
    assert len(kept(old)) == 3


def test_nobody_there_to_ask(old, monkeypatch):
    def nobody(*_):
        raise click.Abort

    monkeypatch.setattr(click, "confirm", nobody)
    said = old("prune")
    assert said.code == 2
    assert "--yes" in said.err
    assert len(kept(old)) == 3


def test_json_asks_nobody(old):
    said = old("prune", "--json")
    assert (said.code, said.json) == (
        1,
        {"schema": 1, "obsolete": ["a/old/default", "gone/default"], "deleted": []},
    )
    assert len(kept(old)) == 3
    said = old("prune", "--json", "--yes")
    assert (said.code, said.json["deleted"]) == (0, ["a/old/default", "gone/default"])
    assert old("prune", "--json").json == {"schema": 1, "obsolete": [], "deleted": []}


@pytest.mark.parametrize(
    ("word", "what"),
    [
        ({"complete": False}, "did not run everything"),
        ({"green": False}, "did not pass"),
    ],
)
def test_only_after_a_complete_green_session(old, word, what):
    old.word("gone/default", **word)
    said = old("prune", "--yes")
    assert said.code == 2
    assert what in said.err
    assert "pytest --nbrepro" in said.err
    assert len(kept(old)) == 3


@pytest.mark.parametrize("text", [None, "{", '{"schema": 99}'])
def test_only_where_a_session_left_word(old, text):
    path = old.store.folder / "last-session.json"
    path.unlink() if text is None else path.write_text(text)
    said = old("prune", "--yes")
    assert said.code == 2
    assert "no session has left word" in said.err
    assert len(kept(old)) == 3


def test_no_store(bench):
    assert bench("prune").code == 2


def test_a_case_that_came_back_keeps_its_baseline(old):
    old.notebook("gone.ipynb")
    said = old("prune", "--yes")
    assert said.code == 2
    assert "gone/default: a case has this baseline again" in said.err
    assert len(kept(old)) == 3


def test_a_notebook_that_came_back_without_this_case(old):
    old.notebook("gone.ipynb", nbrepro={"cases": {"other": {"x": 2.0}}})
    assert old("prune", "--yes").code == 0
    assert kept(old) == ["train/default"]


def test_a_notebook_that_is_annotated_no_more(old, write_notebook):
    write_notebook(old.root / "gone.ipynb", "x = 1.0")
    assert old("prune", "--yes").code == 0


def test_a_notebook_with_a_fault(old):
    old.notebook("gone.ipynb", nbrepro={"metricks": {}})
    said = old("prune", "--yes")
    assert said.code == 2
    assert "metricks" in said.err
    assert len(kept(old)) == 3


def test_a_test_s_baseline_whose_notebook_came_back(old):
    path = old.baselines / "gone/default/artifacts.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "fixture": True}))
    assert old("prune", "--json").code == 1
    old.notebook("gone.ipynb", nbrepro={"cases": {"other": {}}})
    said = old("prune", "--yes")
    assert said.code == 2
    assert "test" in said.err


def test_only_what_is_a_baseline_is_deleted(old):
    (old.root / "precious").mkdir()
    (old.root / "precious/metrics.json").write_text("mine")
    old.word("../precious", "gone/default", "never/was")
    said = old("prune", "--yes", "--json")
    assert said.json["deleted"] == ["gone/default"]
    assert (old.root / "precious/metrics.json").exists()


def test_what_else_lies_in_a_baseline_stays(old):
    (old.baselines / "gone/default/README").write_text("mine")
    assert old("prune", "--yes").code == 0
    assert old.tree("baselines/gone") == ["default/README"]
