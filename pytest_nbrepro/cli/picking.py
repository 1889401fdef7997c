"""Which runs a command is about: those that are named, else those that meet its options."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import click

from pytest_nbrepro import attributes
from pytest_nbrepro.cli.conditions import condition
from pytest_nbrepro.cli.group import FAULT, complain
from pytest_nbrepro.cli.runs import named
from pytest_nbrepro.cli.show import resolve
from pytest_nbrepro.cli.site import Site
from pytest_nbrepro.errors import StoreError
from pytest_nbrepro.index import Index
from pytest_nbrepro.model import Run, RunStatus
from pytest_nbrepro.store import Store

Command = TypeVar("Command", bound=Callable[..., Any])


def options(limit: int) -> Callable[[Command], Command]:
    """Give a command the argument and the options by which runs are picked.

    Args:
        limit: how many are taken unless told; 0 for all.
    """
    shown = str(limit) if limit else "all"

    def decorate(command: Command) -> Command:
        for one in (
            click.option("--limit", type=click.IntRange(min=0), default=limit, show_default=shown, help="At most so many; 0: all."),
            click.option("--where", metavar="CONDITION", help="Those that meet a condition, as for nbrepro runs."),
            click.option("--batch", metavar="ID", help="The runs of this search; `last` for the newest."),
            click.option("--notebook", metavar="N", help="The runs of this notebook, folder, case or pattern (default: of the notebook that ran last)."),
            click.argument("runs", metavar="[RUN]...", nargs=-1),
        ):  # fmt: skip
            command = one(command)
        return command

    return decorate


@dataclass
class Picked:
    """The runs that a command is about, newest first or as they are named."""

    runs: list[Run] = field(default_factory=list)  # from a list: without cells and artifacts
    faults: list[str] = field(default_factory=list)  # of runs that cannot be read

    def ended(self, store: Store) -> list[Run]:
        """Read whole those that have ended.

        Raises:
            StoreError: none has.
        """
        found = [store.read(run.id) for run in self.runs if run.status is not RunStatus.RUNNING]
        if not found:
            raise StoreError("all of these runs still run", where=str(store.runs), hint="wait for their end")
        return found

    def close(self) -> None:
        """Tell what could not be read.

        Raises:
            Exit: there is something to tell.
        """
        for fault in self.faults:
            complain(fault)
        if self.faults:
            raise click.exceptions.Exit(FAULT)


def picked(site: Site, given: Mapping[str, Any]) -> Picked:
    """Return the runs that a command is about.

    Args:
        site: the project.
        given: what `options` have put into the call of a command.

    Raises:
        StoreError: there are none, or one that is named cannot be found.
    """
    found = there(site, given)
    if not found.runs:
        raise StoreError(
            "there are no such runs", where=str(Store(site.store).runs), hint="nbrepro runs lists all"
        )
    return found


def there(site: Site, given: Mapping[str, Any]) -> Picked:
    """Return the runs that a command is about, of which there may be none yet.

    Raises:
        StoreError: one that is named cannot be found.
    """
    store = Store(site.store)
    if given["runs"]:
        return Picked([resolve(store, text) for text in given["runs"]])
    return _listed(store, site, given)


def _listed(store: Store, site: Site, given: Mapping[str, Any]) -> Picked:
    batch = None
    if given["batch"]:
        from pytest_nbrepro.sweep.batch import find

        batch = find(store, given["batch"])[0]
    meets = condition(given["where"]) if given["where"] else None
    notebook = site.rooted(given["notebook"]) if given["notebook"] else None
    found, index = Picked(), Index(store)
    for run in index.newest(lambda _, error: found.faults.append(str(error))):
        try:
            if batch and attributes.read(run.folder).batch != batch:
                continue
        except StoreError as error:
            found.faults.append(str(error))
            continue
        if notebook is None and batch is None and meets is None:
            notebook = run.notebook
        if (notebook is None or named(run, notebook)) and (meets is None or meets(run)):
            found.runs.append(run)
        if given["limit"] and len(found.runs) == given["limit"]:
            break
    index.save()
    return found
