"""`nbrepro view`: the run store in a browser."""

from __future__ import annotations

import secrets
from urllib.parse import urlencode

import click

from pytest_nbrepro.cli import serving, show
from pytest_nbrepro.cli.site import Asked
from pytest_nbrepro.store import Store


@click.command("view")
@click.argument("runs", metavar="[RUN]...", nargs=-1)
@serving.options
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
        serving.tell(f"http://{ADDRESS}:{found}{viewer.base}{_first(ids)}", opens=not no_open)

    with serving.until_interrupted():
        serve(viewer, port, ready)


def _first(ids: list[str]) -> str:
    """Return the address of the page to begin with."""
    if len(ids) > 1:
        return f"compare?{urlencode([('run', run_id) for run_id in ids])}"
    return f"runs/{ids[0]}" if ids else ""
