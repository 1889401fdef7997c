"""The runs of a calibration: a case as it is, with other seeds, with one seed, with one thread."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from pytest_nbrepro import calibration, capture
from pytest_nbrepro.calibration import SEED, Calibration, Groups, Thing
from pytest_nbrepro.comparers import gaps, numbers
from pytest_nbrepro.comparers.gaps import Gap
from pytest_nbrepro.model import Artifact, ArtifactRule, Case, Limits, Metric, MetricRule, Run, RunStatus
from pytest_nbrepro.notebook import Notebook, read
from pytest_nbrepro.store import EXECUTED
from pytest_nbrepro.verdict import is_set_aside, rule_for, with_masks

VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)
_AGAIN = 5  # runs with one seed, where fewer do not tell whether it is luck that they agree
_SINGLE = 2  # runs with one thread: whether they agree, and whether they agree with the others
Make = Callable[[Case, str], Run]


class Incomplete(Exception):  # noqa: N818 - what failed is no error of the program
    """A run that did not end well, so that nothing is learnt."""

    def __init__(self, case: Case, run: Run, word: str) -> None:
        super().__init__(word)
        self.case = case
        self.run = run
        self.word = word


class Experiment:
    """The runs of one case, and what they say.

    Args:
        case: the case as its annotation has it.
        root: the project's root.
        times: how many runs a group has.
        make: executes a case; it is told in words which run this is.
    """

    def __init__(self, case: Case, root: Path, times: int, make: Make) -> None:
        self.case = case
        self.groups = Groups()
        self.runs: list[Run] = []
        self._root = root
        self._times = times
        self._make = make
        self._texts: list[dict[str, str]] = []  # of each run, by the label of the cell
        self._known: dict[tuple[str, str, int, int], Gap] = {}

    def carry_out(self) -> Calibration:
        """Make all runs, and tell what they say.

        Where the annotation sets no seed and something varies, one seed is tried again and again, until it is told
        from luck whether it makes runs agree.

        Raises:
            Incomplete: a run did not end well.
            StoreError: a run cannot be kept.
        """
        spec, groups = self.case.spec, self.groups
        groups.plain += [self._run(f"as it is, {n} of {self._times}") for n in range(1, self._times + 1)]
        others = (seed for seed in itertools.count(SEED) if seed != spec.seed)
        groups.seeds += [
            self._run(f"with seed {seed}", seed=seed) for seed in itertools.islice(others, self._times)
        ]
        if spec.seed is None:
            again = groups.seeds[:1]  # which has this seed
            while len(again) < max(self._times, _AGAIN) and self._undecided(again):
                again.append(self._run(f"with seed {SEED} again", seed=SEED))
            groups.same += again if len(again) > 1 else []
        found = self._calibrated()
        groups.seeded = any(proposal.path == ("seed",) for proposal in found.proposals)
        if any(spec.env.get(name) != "1" for name in VARIABLES):
            seed = SEED if groups.seeded else spec.seed
            groups.threads += [
                self._run(f"with one thread, {n} of {_SINGLE}", seed=seed, threads=True)
                for n in range(1, _SINGLE + 1)
            ]
            found = self._calibrated()
        return found

    def _run(self, word: str, seed: int | None = None, *, threads: bool = False) -> int:
        """Make a run and return its number."""
        spec = self.case.spec
        env = {**spec.env, **dict.fromkeys(VARIABLES, "1")} if threads else spec.env
        changed = replace(spec, seed=spec.seed if seed is None else seed, env=env)
        run = self._make(replace(self.case, spec=changed), word)
        if run.status is not RunStatus.COMPLETED:
            raise Incomplete(self.case, run, word)
        executed = read(run.folder / EXECUTED)
        self.runs.append(run)
        self._texts.append({} if spec.outputs.ignore else self._text(executed, run))
        return len(self.runs) - 1

    def _text(self, executed: Notebook, run: Run) -> dict[str, str]:
        hidden = capture.Hidden.of(run, self._root, self.case.spec.outputs.masks)
        return {
            executed.label(cell.index): capture.cell_text(cell, run.metrics, hidden)[0]
            for cell in executed.code
            if capture.IGNORE_TAG not in cell.tags
        }

    def _undecided(self, again: list[int]) -> bool:
        groups = replace(self.groups, same=again)
        return any(calibration.undecided(thing, groups) for thing in self.things())

    def _calibrated(self) -> Calibration:
        return calibration.calibrate(list(self.things()), self.groups, self.case.spec)

    # -----------------------------------------------------------------------------------------------
    # What the case is judged by

    def things(self) -> Iterator[Thing]:
        """Yield all that the runs gave and that is compared."""
        for name in dict.fromkeys(name for run in self.runs for name in run.metrics):
            rules = self.case.spec.metrics
            rule = rule_for(name, rules) or MetricRule(name)
            first = next(run.metrics[name] for run in self.runs if name in run.metrics)
            if not rule.ignore and not is_set_aside(name, first, rules):
                yield self._metric(name, replace(rule, pattern=name))
        for name in dict.fromkeys(name for run in self.runs for name in run.artifacts):
            artifact_rule = rule_for(name, self.case.spec.artifacts) or ArtifactRule(name)
            if not artifact_rule.ignore:
                yield self._artifact(name, artifact_rule)
        limits = self.case.spec.outputs.limits
        for name in dict.fromkeys(name for texts in self._texts for name, text in texts.items() if text):
            yield Thing(
                "output",
                name,
                self._gap("output", name, partial(self._of_texts, name, limits)),
                own=limits != Limits(),
            )

    def _gap(self, kind: str, name: str, measure: Callable[[int, int], Gap]) -> Callable[[int, int], Gap]:
        """Return a measure that remembers: groups share their runs."""

        def gap(one: int, other: int) -> Gap:
            place = (kind, name, one, other)
            if place not in self._known:
                self._known[place] = measure(one, other)
            return self._known[place]

        return gap

    def _metric(self, name: str, rule: MetricRule) -> Thing:
        found: list[Metric | None] = [run.metrics.get(name) for run in self.runs]

        def measure(one: int, other: int) -> Gap:
            return gaps.of_metrics(found[one], found[other], rule)

        there = [metric for metric in found if metric is not None]
        dtype = there[0].dtype
        return Thing(
            "metric",
            name,
            self._gap("metric", name, measure),
            values=tuple(metric.value for metric in there) if len(there) == len(found) else (),
            dtype=dtype,
            own=_sets_limits(rule, dtype),
            of=rule.of,
            series=rule.series,
        )

    def _artifact(self, name: str, rule: ArtifactRule) -> Thing:
        found: list[Artifact | None] = [run.artifacts.get(name) for run in self.runs]
        shown = next(artifact for artifact in found if artifact is not None)
        rule = with_masks(rule, shown, self.case.spec.outputs.masks)

        def measure(one: int, other: int) -> Gap:
            first, second = self.runs[one].folder, self.runs[other].folder
            return gaps.of_artifacts(found[one], first, found[other], second, rule)

        own = rule.limits != Limits() or rule.tile is not None or rule.numbers is not None
        parted = bool(rule.columns)
        return Thing(shown.kind, name, self._gap("artifact", name, measure), own=own or parted, parted=parted)

    def _of_texts(self, name: str, limits: Limits, one: int, other: int) -> Gap:
        return gaps.of_texts(self._texts[one].get(name, ""), self._texts[other].get(name, ""), limits)


def _sets_limits(rule: MetricRule, dtype: str) -> bool:
    """Tell whether a rule sets other limits than the default ones, which `nbrepro init` writes out."""
    default = numbers.resolve(Limits(), dtype)
    return rule.limits.rel not in {None, default.rel} or bool(rule.limits.abs or rule.limits.ulp or rule.of)
