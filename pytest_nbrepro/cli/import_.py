"""`nbrepro import`: runs from another machine."""

from __future__ import annotations

from pathlib import Path

import click

from pytest_nbrepro.cli import output
from pytest_nbrepro.cli.site import Asked
from pytest_nbrepro.store import Store


@click.command("import")
@click.argument("archives", metavar="FILE...", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))  # fmt: skip
@click.pass_obj
def command(asked: Asked, archives: tuple[Path, ...]) -> None:
    """Take in runs that `nbrepro export --zip` wrote, on this machine or another one.

    Each file must have the hash that the archive tells, and each run arrives whole or not at all. Runs that are there already stay as
    they are. The exit code is 2 where an archive is damaged.
    """
    from pytest_nbrepro.exports import archive

    store = Store(asked.site().store)
    for path in archives:
        arrived = archive.take(path, store)
        click.echo(f"{path}: {output.count(len(arrived.taken), 'run')} taken in")
        if arrived.known:
            click.echo(f"{output.count(len(arrived.known), 'run')} had been there", err=True)
