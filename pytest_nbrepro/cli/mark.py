"""`nbrepro mark`: labels, tags and notes of runs."""

from __future__ import annotations

import click

from pytest_nbrepro import attributes
from pytest_nbrepro.cli.show import resolve
from pytest_nbrepro.cli.site import Asked
from pytest_nbrepro.store import Store


@click.command("mark")
@click.argument("runs", metavar="RUN...", nargs=-1, required=True)
@click.option("--label", metavar="TEXT", help="A name for the run; an empty one takes it away.")
@click.option("--tag", "tags", multiple=True, metavar="TAG", help="A word to find it by.")
@click.option("--untag", "gone", multiple=True, metavar="TAG", help="A word to take away.")
@click.option("--note", metavar="TEXT", help="What you want to remember of it; an empty one takes it away.")
@click.pass_obj
def command(
    asked: Asked,
    runs: tuple[str, ...],
    label: str | None,
    tags: tuple[str, ...],
    gone: tuple[str, ...],
    note: str | None,
) -> None:
    """Say something of runs that are kept: a label, tags, a note.

    RUN is a run's id, its beginning or end, or `last`. Without options it is told what is said of them.
    """
    store = Store(asked.site().store)
    for run in [resolve(store, text) for text in runs]:
        said = attributes.read(run.folder)
        new = attributes.Attributes(
            said.label if label is None else label,
            attributes.clean({*said.tags, *tags} - {*gone}),
            said.note if note is None else note,
            said.batch,
            said.trial,
        )
        if new != said:
            attributes.write(run.folder, new)
        told = [new.label, *(f"#{tag}" for tag in new.tags), new.note]
        click.echo(f"{run.id}  {'  '.join(filter(None, told))}".rstrip())
