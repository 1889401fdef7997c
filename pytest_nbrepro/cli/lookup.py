"""The case that a run was of, as today's annotation has it."""

from __future__ import annotations

import dataclasses
import itertools
from pathlib import Path

from pytest_nbrepro import cases, notebook, spec
from pytest_nbrepro.errors import NbreproError
from pytest_nbrepro.model import Case, FlagValue, Run

_MOST = 4  # flags that a test gave; the orders of more are too many to try


def case_of(run: Run, root: Path) -> Case:
    """Return the case of a run.

    A case that no annotation has is one that a test asked for, called by the flags that it gave.

    Raises:
        NbreproError: the notebook or its annotation has faults, or there is no such case any more.
    """
    path = root / run.notebook
    if not path.exists():
        raise NbreproError("the notebook is gone", where=run.notebook)
    project = spec.load_project(root)
    source = notebook.read(path)
    known = spec.expand(source, project, spec.load(source, project))
    same = [case for case in known if case.name == run.case]
    if same:
        return same[0]
    given = _given(run)
    if given is None:
        hint = f"there are: {', '.join(case.name for case in known)}"
        raise NbreproError(f"there is no case {run.case!r} any more", where=run.notebook, hint=hint)
    flags = {**known[0].spec.flags, **given}
    folder = spec.case_folder(run.notebook, run.case, flags)
    return dataclasses.replace(known[0], name=run.case, flags=flags, folder=folder)


def _given(run: Run) -> dict[str, FlagValue] | None:
    """Return the flags that a test's case is called by; None where its name is not made of the run's flags."""
    named = [name for name in run.flags if f"{name}=" in run.case]
    for names in itertools.permutations(named) if len(named) <= _MOST else [tuple(named)]:
        given = {name: run.flags[name] for name in names}
        if given and next(cases.named({}, {name: [value] for name, value in given.items()}))[0] == run.case:
            return given
    return None
