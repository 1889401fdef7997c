"""What people see while a notebook runs."""

from __future__ import annotations

import pytest

from pytest_nbrepro import progress
from pytest_nbrepro.model import Case, Progress, Spec

CASE = Case("t.ipynb", "default", {}, Spec(), "t/default")


class Reporter:
    def __init__(self, isatty):
        self.isatty = isatty
        self.told = []

    def write(self, text, flush=False):
        self.told.append(text)

    def write_line(self, text):
        self.told.append(text)


class Config:
    def __init__(self, reporter):
        self.pluginmanager = self
        self.reporter = reporter

    def getplugin(self, name):
        return self.reporter if name == "terminalreporter" else None


@pytest.fixture
def clock(monkeypatch):
    """The time, set by hand."""
    now = [1000.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def test_a_terminal_shows_the_cell_after_two_seconds_and_clears_it(clock):
    reporter = Reporter(isatty=True)
    with progress.Ticker(Config(reporter), CASE, lambda: 0) as ticker:
        clock[0] += 1.9
        ticker(Progress(2, 1, 8, 1.9))
        assert reporter.told == []
        clock[0] += 1.1
        ticker(Progress(4, 3, 8, 3.0))
        (shown,) = reporter.told
        assert " cell 3 of 8, 3 s" in shown
        assert "\n" not in shown
    assert reporter.told[-1] == "\x1b[K"
    assert ticker.seconds == 3.0


def test_a_short_run_writes_nothing(clock):
    reporter = Reporter(isatty=True)
    with progress.Ticker(Config(reporter), CASE, lambda: 0) as ticker:
        ticker(Progress(None, 0, 8, 0.5))
    assert reporter.told == []


def test_a_log_gets_a_line_every_thirty_seconds_at_most(clock):
    reporter = Reporter(isatty=False)
    with progress.Ticker(Config(reporter), CASE, lambda: 0) as ticker:
        for second in range(1, 100):
            clock[0] += 1
            ticker(Progress(None if second < 40 else 3, 0 if second < 40 else 2, 8, float(second)))
    assert reporter.told == [
        "nbrepro: t.ipynb::default at starting the kernel, after 30 s",
        "nbrepro: t.ipynb::default at cell 2 of 8, after 60 s",
        "nbrepro: t.ipynb::default at cell 2 of 8, after 90 s",
    ]


@pytest.mark.parametrize("isatty", [True, False])
def test_it_says_how_many_run_besides(clock, isatty):
    reporter = Reporter(isatty)
    with progress.Ticker(Config(reporter), CASE, lambda: 3) as ticker:
        clock[0] += 40
        ticker(Progress(3, 2, 8, 40.0))
    assert "cell 2 of 8" in reporter.told[0]
    assert "40 s, 3 more run" in reporter.told[0]


def test_a_worker_process_has_nobody_to_tell(clock):
    with progress.Ticker(Config(None), CASE, lambda: 0) as ticker:
        clock[0] += 60
        ticker(Progress(3, 2, 8, 60.0))
    assert ticker.seconds == 60
