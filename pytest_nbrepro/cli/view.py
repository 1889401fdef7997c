"""`nbrepro view`: the run store in a browser."""

from __future__ import annotations

import secrets
import webbrowser
from urllib.parse import urlencode

import click

from pytest_nbrepro.cli import show
from pytest_nbrepro.cli.site import Asked
from pytest_nbrepro.store import Store


@click.command("view")
@click.argument("runs", metavar="[RUN]...", nargs=-1)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    show_default="any that is free",
    help="Where to listen on this machine.",
)
@click.option("--no-open", is_flag=True, help="Open no browser; the address is told.")
@click.pass_obj
def command(asked: Asked, runs: tuple[str, ...], port: int, *, no_open: bool) -> None:
    """Show runs in a browser: their list, verdicts, notebooks, comparisons, and what waits.

    Without RUN it begins with the list of all runs, which follows those that still run; with one, an id, its beginning or end, or
    `last`, with that run; with several, with their comparison. Values that wait can be accepted and rejected
    there. The page is for this machine alone, and its address a secret: whoever has it can do the same. Ctrl-C ends it.
    """
    site = asked.site()
    ids = [show.resolve(Store(site.store), text).id for text in runs]
    from pytest_nbrepro.web.server import ADDRESS, serve
    from pytest_nbrepro.web.viewer import Viewer

    viewer = Viewer(site, secrets.token_urlsafe(24))

    def ready(found: int) -> None:
        address = f"http://{ADDRESS}:{found}{viewer.base}{_first(ids)}"
        click.echo(address)
        click.echo("Ctrl-C ends it.", err=True)
        if not no_open:
            webbrowser.open(address)

    try:
        serve(viewer, port, ready)
    except KeyboardInterrupt:
        click.echo()


def _first(ids: list[str]) -> str:
    """Return the address of the page to begin with."""
    if len(ids) > 1:
        return f"compare?{urlencode([('run', run_id) for run_id in ids])}"
    return f"runs/{ids[0]}" if ids else ""
