"""Two runs side by side: what differs of their flags, metrics, environments, files and cells."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pytest_nbrepro import files, literals
from pytest_nbrepro.assessment import Places, agree, assess
from pytest_nbrepro.cli.lookup import case_of
from pytest_nbrepro.cli.site import Site
from pytest_nbrepro.diagnosis.evidence import environment_changes
from pytest_nbrepro.differences import Differences, between
from pytest_nbrepro.errors import NbreproError
from pytest_nbrepro.model import Case, Check, Metric, Run, RunStatus, Spec
from pytest_nbrepro.store import environment

PARTS = ("flags", "sources", "outputs", "metrics", "artifacts", "env")


@dataclasses.dataclass(frozen=True)
class Change:
    """One thing that differs; a side that has no such thing is None."""

    part: str
    name: str
    before: Any
    after: Any
    used: float | None = None  # of the limit that today's annotation gives, where one applies
    message: str = ""


class Pair:
    """Two runs of notebooks of one project.

    Args:
        before: the older one, as a rule.
        after: the newer one.
        site: the project.
    """

    def __init__(self, before: Run, after: Run, site: Site) -> None:
        self.before = before
        self.after = after
        self.places = Places(site.root, site.store, site.baselines)
        self.case = _case(after, site.root)
        self.checks = self._judged()

    def changes(self, parts: Sequence[str]) -> Iterator[Change]:
        """Yield what differs of some parts."""
        if "flags" in parts:
            yield from self._flags()
        if "metrics" in parts:
            yield from self._metrics()
        if "artifacts" in parts:
            yield from self._artifacts()
        if "env" in parts:
            yield from self._environment()

    def cells(self) -> Differences | None:
        """Return what differs of the cells; None where one of the runs has no executed notebook."""
        return between(self.case, self.before, self.after, self.places)

    def check(self, kind: str, name: str) -> Check | None:
        """Return the judgement of one thing by today's annotation; None where the runs cannot be judged."""
        return self.checks.get((kind, name))

    def _judged(self) -> Mapping[tuple[str, str], Check]:
        """Hold the second run against the first one."""
        if {self.before.status, self.after.status} != {RunStatus.COMPLETED}:
            return {}
        try:
            first = assess(self.case, self.before, self.places)
            if first.executed is None:
                return {}
            verdict = agree(self.case, first, self.after, self.places).verdict
        except (
            NbreproError,
            OSError,
            ValueError,
        ):  # files of a run are gone or damaged: values are told alone
            return {}
        kinds = {"metric": "metric"}
        return {(kinds.get(check.kind, "artifact"), check.name): check for check in verdict.checks}

    def _flags(self) -> Iterator[Change]:
        old, new = self.before.flags, self.after.flags
        for name in dict.fromkeys((*old, *new)):
            if name not in old or name not in new or not literals.same(old[name], new[name]):
                yield Change("flags", name, _coded(old, name), _coded(new, name))

    def _metrics(self) -> Iterator[Change]:
        old, new = self.before.metrics, self.after.metrics
        for name in sorted({*old, *new}):
            if _value(old.get(name)) != _value(new.get(name)):
                check = self.check("metric", name)
                yield Change(
                    "metrics",
                    name,
                    _value(old.get(name)),
                    _value(new.get(name)),
                    None if check is None else check.used,
                )

    def _artifacts(self) -> Iterator[Change]:
        old, new = self.before.artifacts, self.after.artifacts
        for name in sorted({*old, *new}):
            one, other = old.get(name), new.get(name)
            if one is not None and other is not None and one.sha256 == other.sha256:
                continue
            check = self.check("artifact", name)
            if check is not None and check.status.ok and not check.used:
                continue  # other bytes that say the same, such as a time of making
            yield Change(
                "artifacts",
                name,
                one.kind if one else None,
                other.kind if other else None,
                None if check is None else check.used,
                "" if check is None else check.message,
            )

    def _environment(self) -> Iterator[Change]:
        records = [environment(run.folder) for run in (self.before, self.after)]
        if None in records:
            if records[0] != records[1]:
                yield Change("env", "environment", None, None, message="it is not recorded of both runs")
            return
        old, new = (record or {} for record in records)
        for word, text in environment_changes(old, new):
            yield Change("env", word, None, None, message=text)


def _case(run: Run, root: Path) -> Case:
    """Return the case of a run by today's annotation; one without rules where there is none any more."""
    try:
        return case_of(run, root)
    except (NbreproError, OSError):
        return Case(run.notebook, run.case, {}, Spec(), "")


def _coded(flags: Mapping[str, Any], name: str) -> Any:
    return files.to_json(flags[name]) if name in flags else None


def _value(metric: Metric | None) -> Any:
    return None if metric is None else files.to_json(metric.value)
