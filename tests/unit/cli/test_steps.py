"""How far a command is, and how long it still takes."""

from __future__ import annotations

from types import SimpleNamespace

from pytest_nbrepro.cli import steps
from pytest_nbrepro.cli.steps import Steps


def test_a_bar_and_an_estimate_from_what_was_done(monkeypatch):
    now = 100.0
    monkeypatch.setattr(steps, "time", SimpleNamespace(monotonic=lambda: now))
    counted = Steps("environment", 6, about=True)
    counted.begin()
    assert str(counted) == "[............] environment 1 of about 6"
    now = 120.0
    counted.begin()
    assert (counted.done, counted.left) == (1, 100.0)
    assert str(counted) == "[##..........] environment 2 of about 6, about 1 min 40 s left"


def test_more_than_there_were_thought_to_be():
    counted = Steps("trial", 2)
    for _ in range(4):
        counted.begin()
    assert str(counted) == "[############] trial 2 of 2, about 0 ms left"
