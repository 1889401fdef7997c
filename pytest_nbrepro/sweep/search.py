"""The loop of a search: asks the optimizer, runs, tells it what came of it, several at once."""

from __future__ import annotations

import dataclasses
import math
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pytest_nbrepro import attributes
from pytest_nbrepro.attributes import Attributes
from pytest_nbrepro.executors import Executor
from pytest_nbrepro.model import Progress, Run, RunError, RunStatus, Task
from pytest_nbrepro.store import Store
from pytest_nbrepro.sweep.batch import PRUNED, Goal, Trial, is_pruned, weighed
from pytest_nbrepro.sweep.optimizers import Optimizer, Values
from pytest_nbrepro.sweep.pruning import Printed, Pruner, best_printed


@dataclass(frozen=True)
class Limits:
    """When a search ends."""

    trials: int  # those of earlier sittings included
    seconds: float | None = None  # after which no trial begins
    fail_fast: bool = False  # end with the first trial that fails


class Search:
    """Runs trials.

    Args:
        optimizer: says what comes next.
        task: makes the task of a trial.
        executor: runs them.
        goals: what they are for.
        limits: when it ends.
        said: what is said of each run; its batch is that of the search.
        told: called with each trial that has ended, one at a time.
        pruner: ends trials early.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        task: Callable[[Values], Task],
        executor: Executor,
        goals: Sequence[Goal],
        limits: Limits,
        said: Attributes,
        told: Callable[[Trial], None],
        pruner: Pruner | None = None,
    ) -> None:
        self._optimizer = optimizer
        self._task = task
        self._executor = executor
        self._goals = goals
        self._limits = limits
        self._said = said
        self._told = told
        self._pruner = pruner
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._faults: list[BaseException] = []
        self._begun = time.monotonic()
        self._number = 0
        self.trials: list[Trial] = []

    def resume(self, trials: Sequence[Trial], values: Callable[[Run], Values]) -> None:
        """Take trials of an earlier sitting as made.

        Args:
            trials: what they gave.
            values: returns of a run's flags those that are searched.
        """
        for trial in trials:
            self._learn(values(trial.run), trial)
            self.trials.append(trial)
            self._number = max(self._number, trial.number)

    def carry_out(self, workers: int) -> None:
        """Run trials until there is a reason to end.

        Raises:
            KeyboardInterrupt: the runs under way are stopped.
            NbreproError: a run could not be made or kept.
        """
        threads = [threading.Thread(target=self._work) for _ in range(workers)]
        for thread in threads:
            thread.start()
        try:
            for thread in threads:
                while thread.is_alive():
                    thread.join(0.5)
        except BaseException:
            self._ended.set()
            self._executor.stop()
            for thread in threads:
                thread.join()
            raise
        if self._faults:
            raise self._faults[0]

    def _work(self) -> None:
        try:
            while (next_one := self._next()) is not None:
                number, values = next_one
                self._take(number, values, self._run(values))
        except BaseException as error:  # noqa: BLE001 - raised in the thread that waits
            self._faults.append(error)
            self._ended.set()

    def _run(self, values: Values) -> Run:
        """Run a trial, and end it early where it is not worth its time."""
        handle = self._executor.submit(self._task(values))
        pruner = self._pruner
        if pruner is None:
            return handle.result()
        printed, why = Printed(pruner.goal), list[str]()

        def look(progress: Progress) -> None:
            if why or progress.log is None or not printed.read(progress.log):
                return
            with self._lock:
                reason = pruner.verdict(printed.series)
            if reason is not None:
                why.append(reason)
                handle.stop()

        run = handle.result(look)
        if not why or run.status is not RunStatus.INTERRUPTED:  # it came to its end just then
            return run
        run = dataclasses.replace(run, error=RunError(PRUNED, why[0]))
        Store(run.folder.parents[1]).write(run)
        return run

    def _learn(self, values: Values, trial: Trial) -> None:
        """Let the optimizer, and what ends trials early, learn from a trial; a pruned one counts with the best that it printed."""
        losses = trial.losses
        if self._pruner is not None:
            self._pruner.take(trial.run)
            best = best_printed(trial.run, self._pruner.goal) if trial.pruned else None
            losses = losses if best is None or not math.isfinite(best) else (best,)
        self._optimizer.tell(values, losses)

    def _next(self) -> tuple[int, Values] | None:
        with self._lock:
            seconds = self._limits.seconds
            over = seconds is not None and time.monotonic() - self._begun >= seconds
            if self._ended.is_set() or over or self._number >= self._limits.trials:
                return None
            values = self._optimizer.ask()
            if values is None:
                return None
            self._number += 1
            return self._number, values

    def _take(self, number: int, values: Values, run: Run) -> None:
        with self._lock:
            said = Attributes(self._said.label, self._said.tags, self._said.note, self._said.batch, number)
            attributes.write(run.folder, said)
            if run.status is RunStatus.INTERRUPTED and not is_pruned(run):
                self._ended.set()
                return
            trial = weighed(number, run, self._goals)
            self._learn(values, trial)
            self.trials.append(trial)
            if trial.losses is None and not trial.pruned and (self._limits.fail_fast or self._hopeless(run)):
                self._ended.set()
            self._told(trial)

    def _hopeless(self, run: Run) -> bool:
        """Tell whether the notebook does not tell what is searched for: no trial will."""
        return run.status is RunStatus.COMPLETED and all(trial.losses is None for trial in self.trials)
