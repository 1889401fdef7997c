"""Accepting and rejecting, by the rules of `nbrepro review`."""

from __future__ import annotations

import pytest

from pytest_nbrepro import baselines
from pytest_nbrepro.model import Metric

FOLDER = "pending/train/default"


@pytest.fixture
def waiting(bench):
    """Values that wait, and their run."""
    bench.notebook()
    bench.run(metrics={"loss": Metric(0.5)})
    return bench.waiting(loss=0.5, artifact="a.txt", tags=("linux-x86_64", "gpu"))


@pytest.fixture
def decide(visit):
    """Send the form of the entry as it stands, with some fields changed."""

    def send(stamp=None, **fields):
        page = visit(FOLDER)
        form = {
            "stamp": page.soup.select_one("[name=stamp]")["value"],
            "key": [box["value"] for box in page.soup.select("[name=key]")],
            "how": "",
            "why": "a better solver",
            "do": "accept",
        }
        return visit(FOLDER, form={**form, **fields, **({"stamp": stamp} if stamp else {})}, follow=False)

    return send


def test_what_waits_is_listed(waiting, visit):
    page = visit("pending")
    assert "train.ipynb ::default" in page.said
    assert "metric loss: drift" in page.said
    assert page.soup.select_one("nav .badge").get_text() == "1"


def test_the_page_of_an_entry_tells_what_would_change(waiting, visit):
    page = visit(FOLDER)
    assert "2 values would change" in page.said
    assert [box["value"] for box in page.soup.select("[name=key]")] == ["metric loss", "artifact a.txt"]
    assert [radio["value"] for radio in page.soup.select("[name=how]")] == [
        "",
        "intended",
        "overlay:linux-x86_64",
        "overlay:gpu",
    ]
    assert "the executed copy of this run is gone" in page.said


def test_accepting_makes_the_baseline(bench, waiting, visit, decide):
    answer = decide()
    assert answer.status == 303
    assert bench.loss() == 0.5
    assert not bench.tree(".nbrepro/pending")
    page = visit("pending")
    assert "accepted train.ipynb::default" in page.said
    assert "git add baselines && git commit -m 'a better solver (accepts train.ipynb::default)'" in page.said
    assert "Nothing waits" in page.said
    environment = baselines.read(bench.baselines / "train/default").environment
    assert environment["accepted"] == "a better solver"


def test_some_values_can_be_accepted(bench, waiting, visit, decide):
    answer = decide(key=["metric loss"])
    assert answer.headers["Location"].endswith(FOLDER)
    assert bench.loss() == 0.5
    assert "1 value would change" in visit(FOLDER).said
    assert "accepted 1 of 2 values of" in visit("pending").said


def test_rejecting_forgets_them(bench, waiting, visit, decide):
    assert decide(do="reject", why="").status == 303
    assert not bench.tree(".nbrepro/pending")
    assert not bench.baselines.exists()
    assert "rejected train.ipynb::default" in visit("pending").said


def test_an_overlay(bench, waiting, visit, decide):
    bench.run()
    decide()
    tags = ("linux-x86_64", "gpu")
    base = baselines.fingerprint(bench.baselines / "train/default", tags)
    bench.waiting(loss=0.75, artifact="a.txt", tags=tags, base=base)
    answer = decide(how="overlay:gpu")
    assert answer.status == 303, answer.said
    assert bench.loss() == 0.5
    assert baselines.read_merged(bench.baselines / "train/default", tags).metrics["loss"].value == 0.75
    assert "overlay gpu: metric loss" in visit("pending").said


@pytest.mark.parametrize(
    ("fields", "status", "said"),
    [
        ({"why": " "}, 400, "Say why the new values are right"),
        ({"key": []}, 400, "Choose at least one value"),
        ({"key": ["metric other"]}, 400, "Choose at least one value"),
        ({"how": "overlay:mine"}, 409, "has no tag 'mine'"),
        ({"stamp": "old"}, 409, "look at it again"),
    ],
)
def test_what_cannot_be_accepted_says_why_and_goes_on_waiting(bench, waiting, decide, fields, status, said):
    answer = decide(**fields)
    assert answer.status == status
    assert said in answer.said
    assert bench.tree(".nbrepro/pending")
    assert not bench.baselines.exists()


def test_a_notebook_that_changed_since_is_told(bench, waiting, decide):
    bench.notebook("train.ipynb", "y = 2")
    answer = decide()
    assert answer.status == 409
    assert "changed" in answer.said
    assert answer.soup.select_one("[name=why]")["value"] == "a better solver"
    assert not bench.baselines.exists()


def test_what_was_decided_elsewhere(bench, waiting, visit):
    bench("accept", "--all", "-m", "why")
    assert visit(FOLDER).status == 404
    answer = visit(FOLDER, form={"do": "reject"})
    assert answer.status == 409
    assert "waits no more" in answer.said


def test_a_run_that_is_gone_leaves_the_differences(bench, waiting, visit):
    bench.store.discard(waiting.run)
    page = visit(FOLDER)
    assert "cannot be shown" in page.said
    assert "metric loss: drift" in page.said


def test_what_cannot_be_read_is_told(bench, waiting, visit):
    (bench.root / ".nbrepro/pending/train/default/pending.json").write_text("{")
    assert "pending.json" in visit("pending").soup.select_one("p.fault:not([hidden])").get_text()
