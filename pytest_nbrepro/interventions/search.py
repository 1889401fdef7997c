"""Experiments with one case: which thing, held still, makes its runs agree."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pytest_nbrepro import diagnosis
from pytest_nbrepro.assessment import Assessment, Places, agree, assess, hidden_of
from pytest_nbrepro.inquiry import parted
from pytest_nbrepro.interventions import aside
from pytest_nbrepro.interventions.answer import Answer, Finding
from pytest_nbrepro.interventions.known import START, Intervention, others, suspects, together
from pytest_nbrepro.interventions.variables import first_difference
from pytest_nbrepro.model import Run, RunStatus, Task
from pytest_nbrepro.notebook import Notebook

Make = Callable[[Sequence[tuple[Task, str]]], list[Run]]
"""Makes runs, several at once, each told in words what it is for; returns them in their order."""

_AGAIN = "a second run of the same"


class Search:
    """The experiments with one case.

    Args:
        task: the case.
        places: where things of the project lie.
        make: makes runs.
    """

    def __init__(self, task: Task, places: Places, make: Make) -> None:
        self.runs: list[Run] = []
        self._known: dict[frozenset[str], bool] = {}  # whether runs agree with these things held still
        self._task = replace(task, forced={"prints": True})
        self._places = places
        self._make = make

    def answer(self) -> Answer:
        """Make as many runs as it takes, and say why.

        Raises:
            StoreError: a run cannot be kept.
        """
        first, second = self._pair({}, {}, "as it is")
        judged = assess(self._task.case, first, self._places)
        found = self._answer(judged, second)
        return replace(found, runs=tuple(self.runs), assessment=judged)

    def _answer(self, first: Assessment, second: Run) -> Answer:
        case = self._task.case.id
        ended = {first.run.status, second.status}
        if first.executed is None or RunStatus.COMPLETED not in ended:
            return self._failed(first)
        if len(ended) > 1:
            text = "one run completes, another does not"
            return Answer(case, "CHANCE", text, self._suspected(first.run, first.executed), first=first.first)
        again = agree(self._task.case, first, second, self._places)
        if not again.verdict.ok:
            return self._chance(first, again)
        assert again.executed is not None  # noqa: S101 - it completed
        hidden = hidden_of(self._task.case, second, self._places)
        left_out = aside.findings(
            (first.run, second), (first.executed, again.executed), again.verdict, hidden
        )
        if first.baseline is not None and not first.verdict.ok:
            found = self._changed(first)
        else:
            found = self._hazards(first, first.executed)
        return found.also(*left_out)

    # runs that differ

    def _chance(self, first: Assessment, again: Assessment) -> Answer:
        """Find the smallest set of things that, held still, makes two runs agree."""
        run, executed = first.run, again.executed
        assert executed is not None  # noqa: S101 - it completed
        pointed = suspects(again.run, executed)
        chosen = self._single(pointed) or self._smallest(pointed)
        cell = again.verdict.first_cell
        findings = tuple(self._finding(one, again.run, executed, cell) for one in chosen)
        if chosen:
            how = " and ".join(one.name for one in chosen)
            text = f"{_AGAIN} differs from the first; runs agree with {how} held still"
        else:
            text = f"{_AGAIN} differs from the first, and nothing that can be held still makes runs agree"
            findings = self._suspected(again.run, executed)
        variable = first_difference(again.run, executed, run, first.executed or executed)
        why = diagnosis.with_chance(first.why, text) if first.why else None
        cause = why.cause if why else "CHANCE"
        return Answer(first.case.id, cause, text, findings, why, again.first, variable)

    def _single(self, pointed: Sequence[Intervention]) -> list[Intervention]:
        """Return the one thing that makes runs agree, tried where something points to it."""
        return next(([one] for one in pointed if self._agrees([one])), [])

    def _smallest(self, pointed: Sequence[Intervention]) -> list[Intervention]:
        """Return a set from which nothing can be left out; none where even all of it does not make runs agree."""
        chosen = list(pointed)
        if len(chosen) < 2 or not self._agrees(chosen):
            chosen = [*pointed, *others(pointed)]
            if not self._agrees(chosen):
                return []
            rest = others(pointed)
            if pointed and len(chosen) > len(pointed) and self._agrees(rest):
                chosen = rest
        for half in (chosen[: len(chosen) // 2], chosen[len(chosen) // 2 :]):  # most often one half is enough
            if len(chosen) > 3 and self._agrees(half):
                chosen = half
                break
        for one in list(chosen):
            less = [other for other in chosen if other is not one]
            if less and self._agrees(less):
                chosen = less
        return chosen

    def _agrees(self, several: Iterable[Intervention]) -> bool:
        """Tell whether two runs agree in which these things are held still; each set is tried once."""
        chosen = list(several)
        names = frozenset(one.name for one in chosen)
        if names not in self._known:
            self._known[names] = self._try(chosen)
        return self._known[names]

    def _try(self, chosen: Sequence[Intervention]) -> bool:
        word = " and ".join(one.name for one in chosen) if len(chosen) < 4 else f"{len(chosen)} things"
        first, second = self._pair(*together(chosen), f"{word} held still")
        if {first.status, second.status} != {RunStatus.COMPLETED}:
            return [one.name for one in chosen] == ["network"] and _fails_alike(first, second)
        judged = assess(self._task.case, first, self._places)
        return agree(self._task.case, judged, second, self._places).verdict.ok

    # runs that agree

    def _changed(self, first: Assessment) -> Answer:
        """Say what changed since the baseline; where nothing did that is recorded, what moves the results."""
        case, why = first.case.id, first.why
        assert first.executed is not None  # noqa: S101 - it completed
        assert why is not None  # noqa: S101 - it fails against a baseline
        why = diagnosis.with_repeat(why, f"{_AGAIN} agrees")
        if why.cause == "UNKNOWN":
            pointed = suspects(first.run, first.executed)
            found = self._moving(first, pointed) or self._moving(first, [*others(pointed), START])
            if not found:
                return Answer(case, "UNKNOWN", why.text, (), why, first.first)
            text = f"nothing changed that is recorded, and runs agree; results depend on {_names(found)}"
            return Answer(case, "CHANCE", text, found, why, first.first)
        changed = {one.cause for one in why.evidence if one.state == "changed"}
        variable = None
        source = first.baseline.notebook if first.baseline is not None else None
        if source is not None and changed & {"CODE", "FLAGS"}:
            case_then = replace(self._task.case, flags={})  # those of the baseline are in its source
            old = replace(self._task, case=case_then, source=source)
            (run,) = self._make([(old, "the baseline's own source")])
            self.runs.append(run)
            then = assess(self._task.case, run, self._places)
            if {"CODE", "ENVIRONMENT"} <= changed:
                why = parted(why, then, agree(self._task.case, first, run, self._places))
            if then.executed is not None:
                variable = first_difference(first.run, first.executed, run, then.executed)
        return Answer(case, why.cause, why.text, (), why, first.first, variable)

    def _hazards(self, first: Assessment, executed: Notebook) -> Answer:
        """Say what a case depends on that agrees: what it was seen to do, and whether that moves its results."""
        seen = {kind for one in first.run.seen for kind in (one.kind,)}
        pointed = [one for one in suspects(first.run, executed) if one.seen & seen or one.name in _LOOKED_FOR]
        moving = self._moving(first, pointed)
        names = {one.name for one in moving}
        drawn = [
            self._finding(one, first.run, executed, None, proof="seen")
            for one in pointed
            if one.seen & seen and one.name not in names and one.name in _BY_LUCK
        ]
        left = self._left_behind(first)
        found = (*moving, *drawn, *left)
        if not moving and not left and not drawn:
            return Answer(
                first.case.id, "NONE", "two runs agree, and nothing was seen that others may do otherwise"
            )
        text = (
            f"two runs agree; results depend on {_names((*moving, *left))}"
            if moving or left
            else "two runs agree"
        )
        if drawn:
            text += f"; what agrees may agree by luck: {_names(drawn)}"
        return Answer(first.case.id, "CHANCE", text, found)

    def _moving(self, first: Assessment, pointed: Sequence[Intervention]) -> tuple[Finding, ...]:
        """Return those of the suspects that move the results when they are held still at other values."""
        assert first.executed is not None  # noqa: S101 - it completed
        tried = [one for one in pointed if one.movable]
        tasks = [
            (
                one,
                self._held(one.other_forced, one.other_env, fork=one.other_fork),
                f"{one.name} held elsewhere",
            )
            for one in tried
        ]
        tasks += [
            (one, self._held(one.forced, one.env), f"{one.name} held still") for one in tried if one.both
        ]
        runs = self._made([(task, word) for _, task, word in tasks])
        moved = {one.name for (one, _, _), run in zip(tasks, runs, strict=True) if self._differs(first, run)}
        return tuple(
            self._finding(one, first.run, first.executed, None) for one in tried if one.name in moved
        )

    def _left_behind(self, first: Assessment) -> tuple[Finding, ...]:
        """Say whether a run where an earlier one has left its files gives something else."""
        files = [name for name, artifact in first.run.artifacts.items() if artifact.cell is None]
        if not files or first.executed is None:
            return ()
        (run,) = self._made(
            [(replace(self._task, left=first.run.folder), "in a folder where a run has been before")]
        )
        if not self._differs(first, run):
            return ()
        again = agree(self._task.case, first, run, self._places)
        cells = (again.first,) if again.first else ()
        text = f"depends on files that an earlier run left in its folder: {', '.join(files)}"
        return (
            Finding("folder", text, "shown", cells, "those files written anew, or removed in the first cell"),
        )

    def _differs(self, first: Assessment, run: Run) -> bool:
        if run.status is not RunStatus.COMPLETED:
            return True
        return not agree(self._task.case, first, run, self._places).verdict.ok

    # what is told

    def _failed(self, first: Assessment) -> Answer:
        error = first.run.error.message.splitlines()[0] if first.run.error and first.run.error.message else ""
        why = first.why
        cause = why.cause if why else "UNKNOWN"
        text = f"the run fails each time: {error}"
        cells = (first.first,) if first.first else ()
        found = (Finding("error", f"the run fails each time: {error}", "shown", cells, "the cell mended"),)
        return Answer(first.case.id, cause, f"{text}; {why.text}" if why else text, found, why, first.first)

    def _suspected(self, run: Run, executed: Notebook) -> tuple[Finding, ...]:
        found = suspects(run, executed)
        return tuple(self._finding(one, run, executed, None, proof="seen") for one in found)

    def _finding(
        self, one: Intervention, run: Run, executed: Notebook, cell: int | None, proof: str = "shown"
    ) -> Finding:
        places = one.places(run, executed, cell)
        if not places and cell is not None:
            places = [executed.label(cell)]
        return Finding(one.name, one.cause, proof, tuple(places), one.mend)

    # runs

    def _pair(self, forced: Mapping[str, Any], env: Mapping[str, str], word: str) -> tuple[Run, Run]:
        task = self._held(forced, env)
        one, other = self._made([(task, f"{word}, {n} of 2") for n in (1, 2)])
        return one, other

    def _held(self, forced: Mapping[str, Any], env: Mapping[str, str], *, fork: bool = False) -> Task:
        spec = self._task.case.spec
        case = replace(self._task.case, spec=replace(spec, env={**spec.env, **env}))
        return replace(self._task, case=case, forced={**self._task.forced, **forced}, fork=fork)

    def _made(self, tasks: Sequence[tuple[Task, str]]) -> list[Run]:
        made = self._make(tasks) if tasks else []
        self.runs += made
        return made


_LOOKED_FOR = ("clock", "timezone", "hash")  # tried where code points to them, though runs agree
_BY_LUCK = ("random", "numpy", "torch", "entropy", "network")


def _fails_alike(first: Run, second: Run) -> bool:
    """Tell whether two runs fail in the same cell for want of the same: a network that is out of reach."""
    one, other = first.error, second.error
    if one is None or other is None:
        return False
    return (one.cell, one.message) == (other.cell, other.message) and first.status is second.status


def _names(findings: Iterable[Finding]) -> str:
    return ", ".join(one.name for one in findings)
