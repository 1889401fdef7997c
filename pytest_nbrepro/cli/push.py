"""`nbrepro push`: runs to a folder that others reach."""

from __future__ import annotations

from typing import Any

import click

from pytest_nbrepro.cli import output, picking
from pytest_nbrepro.cli.site import Asked
from pytest_nbrepro.store import Store


@click.command("push")
@click.argument("url", metavar="URL")
@picking.options(0)
@click.pass_obj
def command(asked: Asked, /, url: str, **given: Any) -> None:
    """Write runs to URL, a folder anywhere that fsspec reaches: /mnt/runs, s3://bucket/runs, gs://bucket/runs.

    RUN is a run's id, its beginning or end, or `last`; without, all runs of the notebook that ran last, or those that the options pick.
    Those that still run are left out, those that are there already not written again. It needs the extra `remote`, and for buckets
    s3fs or gcsfs. The exit code is 2 where a run cannot be read or written.
    """
    from pytest_nbrepro.exports.remote import Remote

    site = asked.site()
    remote = Remote(url)
    found = picking.picked(site, given)
    store = Store(site.store)
    ended = found.ended(store)
    written = 0
    for run, new in remote.push(store, ended):
        written += new
        click.echo(f"{run.id} {'written' if new else 'is there'}")
    click.echo(
        f"{output.count(written, 'run')} written to {url}, {len(ended) - written} had been there", err=True
    )
    found.close()
