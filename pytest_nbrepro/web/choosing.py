"""Which runs a page is about: by a condition, notebook and status, and in which order."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from pytest_nbrepro.cli.conditions import condition
from pytest_nbrepro.cli.runs import arranged, named
from pytest_nbrepro.errors import NbreproError
from pytest_nbrepro.model import Run
from pytest_nbrepro.web.answers import Query
from pytest_nbrepro.web.viewer import Viewer

_FIELDS = ("where", "notebook", "status", "sort")
_NAMES = 2000  # runs of which flags and metrics are listed to sort by


@dataclass(frozen=True)
class Chosen:
    """Runs that were asked for."""

    runs: list[Run]
    total: int  # runs in the store
    asked: dict[str, str]  # the fields as they were filled in
    notebooks: list[str]  # all there are
    names: list[str]  # flags and metrics of what was chosen
    fault: str = ""  # what is wrong with what was asked

    @property
    def query(self) -> str:
        """The fields as part of an address."""
        return urlencode({name: value for name, value in self.asked.items() if value})


def choose(viewer: Viewer, query: Query, *, alike: bool = False) -> Chosen:
    """Return the runs that fields ask for, newest first unless they say otherwise.

    Args:
        viewer: what is looked at.
        query: the fields.
        alike: where no field is there at all, take the notebook that ran last: runs of several have little in common.
    """
    every = viewer.catalogue.runs()
    asked = {name: query.one(name) for name in _FIELDS}
    if alike and every and not query.values:
        asked["notebook"] = every[0].notebook
    notebooks = sorted({run.notebook for run in every})
    try:
        runs = _filtered(every, asked)
    except NbreproError as error:
        return Chosen([], len(every), asked, notebooks, [], str(error))
    names = dict.fromkeys(name for run in runs[:_NAMES] for name in (*run.flags, *run.metrics))
    return Chosen(runs, len(every), asked, notebooks, list(names))


def _filtered(runs: list[Run], asked: dict[str, str]) -> list[Run]:
    meets = condition(asked["where"]) if asked["where"] else None
    found = [
        run
        for run in runs
        if (not asked["notebook"] or named(run, asked["notebook"]))
        and (not asked["status"] or run.status == asked["status"])
        and (meets is None or meets(run))
    ]
    return arranged(found, asked["sort"]) if asked["sort"] else found
