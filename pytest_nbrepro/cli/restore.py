"""`nbrepro restore`: runs come back from the trash."""

from __future__ import annotations

import click

from pytest_nbrepro.cli import output
from pytest_nbrepro.cli.site import Asked
from pytest_nbrepro.errors import StoreError
from pytest_nbrepro.store import Store


@click.command("restore")
@click.argument("runs", metavar="[RUN]...", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="All that is in the trash.")
@click.pass_obj
def command(asked: Asked, runs: tuple[str, ...], *, everything: bool) -> None:
    """Take runs back from the trash; without any, list what is in there.

    RUN is a run's id, or its beginning or end.
    """
    if runs and everything:
        raise click.UsageError("RUN... and --all do not go together")
    store = Store(asked.site().store)
    there = store.trashed()
    wanted = there if everything else [_one(there, text, store) for text in runs]
    if not wanted:
        output.write_lines(iter(there))
        click.echo(f"{output.count(len(there), 'run')} in the trash", err=True)
        return
    for run_id in wanted:
        store.restore(run_id)
    click.echo(f"restored {output.count(len(wanted), 'run')}")


def _one(there: list[str], text: str, store: Store) -> str:
    matches = [name for name in there if name.startswith(text) or name.endswith(text)]
    if len(matches) != 1:
        what = (
            f"{len(matches)} runs in the trash match {text!r}"
            if matches
            else f"no run in the trash matches {text!r}"
        )
        raise StoreError(what, where=str(store.trash), hint="nbrepro restore lists them")
    return matches[0]
