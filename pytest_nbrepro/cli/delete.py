"""`nbrepro delete`: runs go to the trash, from which `nbrepro restore` takes them back."""

from __future__ import annotations

import click

from pytest_nbrepro.cli import output
from pytest_nbrepro.cli.show import resolve
from pytest_nbrepro.cli.site import Asked
from pytest_nbrepro.errors import StoreError
from pytest_nbrepro.model import RunStatus
from pytest_nbrepro.store import Store

_KEPT = 1


@click.command("delete")
@click.argument("runs", metavar="[RUN]...", nargs=-1)
@click.option("--where", metavar="CONDITION", help="All runs that meet it, as `nbrepro runs` has it.")
@click.option("--purge", is_flag=True, help="Empty the trash instead: what is in there is gone for good.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def command(asked: Asked, runs: tuple[str, ...], where: str | None, *, purge: bool, yes: bool) -> None:
    """Move runs to the trash, `trash/` in the run store; `nbrepro restore` takes them back.

    RUN is a run's id, its beginning or end, or `last`. Runs that still run stay. The exit code is 1 where you answer no.
    """
    if purge == bool(runs or where) or (runs and where):
        raise click.UsageError("one of RUN..., --where CONDITION and --purge is needed, and only one")
    store = Store(asked.site().store)
    if purge:
        doomed, what = store.trashed(), "for good"
    else:
        doomed = [resolve(store, text).id for text in runs] if runs else _meeting(store, where or "")
        for run_id in doomed:
            if store.read(run_id).status is RunStatus.RUNNING:
                raise StoreError("it still runs", where=run_id, hint="stop it first")
        what = "to the trash"
    if not doomed:
        click.echo("there is nothing to delete", err=True)
        return
    if not yes and not click.confirm(f"Delete {output.count(len(doomed), 'run')} {what}?", default=not purge):
        raise click.exceptions.Exit(_KEPT)
    for run_id in doomed:
        (store.purge if purge else store.discard)(run_id)
    hint = "" if purge else f": nbrepro restore {doomed[0] if len(doomed) == 1 else '--all'} takes them back"
    click.echo(f"deleted {output.count(len(doomed), 'run')}{hint}")


def _meeting(store: Store, text: str) -> list[str]:
    from pytest_nbrepro.cli.conditions import condition
    from pytest_nbrepro.index import Index

    meets, index, found = condition(text), Index(store), []
    for run_id in store.ids():
        try:
            run = index.read(run_id)
        except StoreError:  # one that cannot be read meets nothing
            continue
        if run is not None and run.status is not RunStatus.RUNNING and meets(run):
            found.append(run_id)
    return found
