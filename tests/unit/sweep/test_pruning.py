"""Trials that are ended early."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_nbrepro.attributes import Attributes
from pytest_nbrepro.model import Metric, Progress, Run, RunStatus
from pytest_nbrepro.store import Store
from pytest_nbrepro.sweep.batch import Goal, is_pruned, trials
from pytest_nbrepro.sweep.pruning import Printed, Pruner
from pytest_nbrepro.sweep.search import Limits, Search

LOSS = Goal("loss")


def log_of(values):
    return "".join(f"step: {step}\nloss: {value}\n" for step, value in enumerate(values))


@pytest.fixture
def complete(tmp_path):
    """Make a complete run that printed values."""
    made = []

    def make(*values) -> Run:
        folder = tmp_path / f"run{len(made)}"
        folder.mkdir()
        (folder / "output.log").write_text(log_of(values))
        made.append(folder)
        metrics = {"loss": Metric(values[-1])}
        return Run(folder.name, folder, "a.ipynb", "a", {}, RunStatus.COMPLETED, "", metrics=metrics)

    return make


class TestPrinted:
    def test_a_log_that_grows(self, tmp_path):
        printed, log = Printed(LOSS), tmp_path / "output.log"
        assert not printed.read(log)
        log.write_text("--- cell 1 ---\nepoch 1\nloss: 0.5\nlo")
        assert printed.read(log)
        assert not printed.read(log)
        with log.open("a") as stream:
            stream.write("ss: 0.25\nacc: 1\nloss: 0.125 (step 7)\nloss: 0.1\n")
        assert printed.read(log)
        assert printed.series == {0: 0.5, 1: 0.25, 7: 0.125, 3: 0.1}

    def test_what_is_to_be_large_is_a_loss_with_a_minus(self, tmp_path):
        (tmp_path / "log").write_text("auc: 0.5\n")
        printed = Printed(Goal("auc", maximize=True))
        printed.read(tmp_path / "log")
        assert printed.series == {0: -0.5}


class TestRule:
    def pruner(self, complete, *rows, goal=LOSS):
        pruner = Pruner(goal)
        for row in rows:
            pruner.take(complete(*row))
        return pruner

    def test_worse_than_the_median(self, complete):
        pruner = self.pruner(complete, *([value, value / 2] for value in (1.0, 2.0, 3.0, 4.0, 5.0)))
        assert pruner.verdict({0: 3.0}) is None
        assert pruner.verdict({0: 3.5}) == "at step 0: loss 3.5, the median of 5 trials is 3"
        assert pruner.verdict({0: 3.5, 1: 1.5}) is None, "it has caught up"
        assert pruner.verdict({0: 1.0, 1: 9.0}) is None, "its best counts"
        assert pruner.verdict({0: 3.5, 1: 1.6}) is not None

    def test_not_before_there_is_enough_to_compare(self, complete):
        pruner = self.pruner(complete, *[[1.0]] * 4)
        assert pruner.verdict({0: 100.0}) is None
        pruner.take(complete(1.0))
        assert pruner.verdict({0: 100.0}) is not None
        assert pruner.verdict({0: 100.0, 5: 100.0}) is None, "nobody got so far"
        assert pruner.verdict({}) is None

    def test_the_larger_the_better(self, complete):
        pruner = Pruner(Goal("loss", maximize=True))
        for value in (1.0, 2.0, 3.0, 4.0, 5.0):
            pruner.take(complete(value))
        assert pruner.verdict({0: -2.5}) == "at step 0: loss 2.5, the median of 5 trials is 3"
        assert pruner.verdict({0: -3.5}) is None

    def test_trials_that_failed_teach_nothing(self, complete):
        pruner = Pruner(LOSS)
        for _ in range(5):
            run = complete(1.0)
            pruner.take(Run(**{**run.__dict__, "status": RunStatus.FAILED}))
        assert pruner.verdict({0: 100.0}) is None

    @given(st.lists(st.floats(0, 1), min_size=5, max_size=9), st.floats(allow_infinity=True, allow_nan=False))
    def test_it_never_ends_what_is_the_best_so_far(self, others, value):
        pruner = Pruner(LOSS)
        pruner._complete = [{3: other} for other in others]
        if value <= min(others):
            assert pruner.verdict({3: value}) is None
        if value > max(others):
            assert pruner.verdict({3: value}) is not None

    def test_no_number_is_no_reason(self, complete):
        assert self.pruner(complete, *[[1.0]] * 5).verdict({0: math.nan}) is None


class Trial:
    """A run that prints one value a look, until it is stopped."""

    def __init__(self, store: Store, x: float) -> None:
        self.folder = store.claim()
        self.run = Run(
            self.folder.name,
            self.folder,
            "a.ipynb",
            f"x={x}",
            {"x": x},
            RunStatus.RUNNING,
            "2026-01-01T00:00:00+00:00",
        )
        self.stopped = False
        store.write(self.run)
        self._store = store

    def stop(self) -> None:
        self.stopped = True

    def result(self, progress=None) -> Run:
        log = self.folder / "output.log"
        x, values = self.run.flags["x"], []
        while len(values) < 4 and not self.stopped:
            values.append(x + 1 / (1 + len(values)))
            log.write_text(log_of(values))
            if progress:
                progress(Progress(0, 1, 1, 0.0, log))
        status = RunStatus.INTERRUPTED if self.stopped else RunStatus.COMPLETED
        done = Run(**{**self.run.__dict__, "status": status, "metrics": {"loss": Metric(values[-1])}})
        self._store.write(done)
        return done


class Pool:
    """An executor of such runs."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def submit(self, task):
        return Trial(self._store, task)

    def stop(self) -> None:
        pass


class Listed:
    """An optimizer that has a list."""

    def __init__(self, *values: float) -> None:
        self._values = [*values]
        self.told: dict[float, tuple[float, ...] | None] = {}

    def ask(self):
        return {"x": self._values.pop(0)} if self._values else None

    def tell(self, values, losses):
        self.told[values["x"]] = losses


def search(folder: Path, optimizer, fail_fast=False, pruner=True):
    store = Store(folder)
    return Search(
        optimizer, lambda values: values["x"], Pool(store), [LOSS], Limits(20, fail_fast=fail_fast),
        Attributes(batch="20250101T000000.000000-abcdef"), lambda trial: None, Pruner(LOSS) if pruner else None,
    )  # fmt: skip


def test_a_search_ends_what_is_not_worth_its_time(tmp_path):
    optimizer = Listed(0.1, 0.2, 0.3, 0.4, 0.5, 9.0, 0.0)
    found = search(tmp_path, optimizer, fail_fast=True)
    found.carry_out(1)
    assert [trial.pruned for trial in found.trials] == [False] * 5 + [True, False], "it is no failure"
    bad = found.trials[5]
    assert bad.fault == "pruned: at step 0: loss 10, the median of 5 trials is 1.3"
    assert Store(tmp_path).read(bad.run.id).error.kind == "pruned"
    assert optimizer.told[9.0] == (10.0,), "the optimizer learns that it is bad"
    assert optimizer.told[0.0] == (0.25,)


def test_a_search_that_goes_on_knows_what_was_pruned(tmp_path):
    first = search(tmp_path, Listed(0.1, 0.2, 0.3, 0.4, 0.5, 9.0))
    first.carry_out(1)
    made = list(trials(Store(tmp_path), "20250101T000000.000000-abcdef", [LOSS]))
    assert [is_pruned(trial.run) for trial in made] == [False] * 5 + [True]
    optimizer = Listed(7.0)
    second = search(tmp_path, optimizer)
    second.resume(made, lambda run: dict(run.flags))
    assert optimizer.told[9.0] == (10.0,)
    second.carry_out(1)
    assert second.trials[-1].pruned


def test_without_it_all_trials_come_to_their_end(tmp_path):
    found = search(tmp_path, Listed(0.1, 0.2, 0.3, 0.4, 0.5, 9.0), pruner=False)
    found.carry_out(1)
    assert not any(trial.pruned for trial in found.trials)
