"""`nbrepro pull`: runs from a folder that others reach."""

from __future__ import annotations

from collections.abc import Collection

import click

from pytest_nbrepro.cli import output
from pytest_nbrepro.cli.site import Asked
from pytest_nbrepro.errors import StoreError
from pytest_nbrepro.store import Store


@click.command("pull")
@click.argument("url", metavar="URL")
@click.argument("runs", metavar="[RUN]...", nargs=-1)
@click.option("--list", "only_list", is_flag=True, help="Only tell which runs are there.")
@click.pass_obj
def command(asked: Asked, url: str, runs: tuple[str, ...], *, only_list: bool) -> None:
    """Take in runs from URL, where `nbrepro push` wrote them: all, or those whose id begins or ends with RUN.

    Each file must have the hash that was pushed, and each run arrives whole or not at all. Runs that are here already stay as they
    are. It needs the extra `remote`. The exit code is 2 where a run is missing or damaged.
    """
    from pytest_nbrepro.exports.remote import Remote

    remote, store = Remote(url), Store(asked.site().store)
    there = remote.names()
    wanted = {run_id for text in runs for run_id in _named(there, text, url)} if runs else set(there)
    if only_list:
        here = set(store.ids())
        output.write_lines(f"{run_id}{' (is here)' if run_id in here else ''}" for run_id in sorted(wanted))
        return
    taken = 0
    for run_id in remote.pull(store, wanted):
        taken += 1
        click.echo(run_id)
    click.echo(f"{output.count(taken, 'run')} taken in, {len(wanted) - taken} had been here", err=True)


def _named(there: Collection[str], text: str, url: str) -> list[str]:
    found = [run_id for run_id in there if run_id.startswith(text) or run_id.endswith(text)]
    if not found:
        raise StoreError(f"no run matches {text!r}", where=url, hint=f"nbrepro pull {url} --list tells all")
    return found
