"""What the metrics of a case were in the runs that are kept, for small curves beside them."""

from __future__ import annotations

from collections.abc import Collection

from pytest_nbrepro.index import Index
from pytest_nbrepro.model import Number, Run, RunStatus
from pytest_nbrepro.store import Store

RUNS = 30  # of a case that are told
LOOKED_AT = 3000  # runs of a store that are looked at, the newest


def runs_of(store: Store, cases: Collection[str]) -> dict[str, list[Run]]:
    """Return the last complete runs of some cases, oldest first, as a list of runs tells them.

    A run that cannot be read is left out.
    """
    found: dict[str, list[Run]] = {case: [] for case in cases}
    open_ = set(found)
    index = Index(store)
    for run in index.newest(
        ids=store.ids()[-LOOKED_AT:]
    ):  # `nbrepro runs` tells of those that cannot be read
        if not open_:
            break
        case = f"{run.notebook}::{run.case}"
        if case not in open_ or run.status is not RunStatus.COMPLETED:
            continue
        found[case].append(run)
        if len(found[case]) == RUNS:
            open_.remove(case)
    index.save()
    return {case: runs[::-1] for case, runs in found.items()}


def values_of(runs: Collection[Run], metric: str) -> list[Number]:
    """Return the values of a metric in the runs that have it, in their order."""
    return [run.metrics[metric].value for run in runs if metric in run.metrics]
