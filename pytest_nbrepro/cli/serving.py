"""Commands that serve pages to a browser on this machine, until they are interrupted."""

from __future__ import annotations

import contextlib
import webbrowser
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])


def options(command: Command) -> Command:
    """Give a command the options that say where it serves, and whether a browser is opened."""
    quiet = click.option("--no-open", is_flag=True, help="Open no browser; the address is told.")
    port = click.option(
        "--port",
        type=click.IntRange(0, 65535),
        default=0,
        show_default="any that is free",
        help="Where to listen on this machine.",
    )
    return port(quiet(command))


def tell(address: str, *, opens: bool, what: str = "") -> None:
    """Tell the address, how to end it, and what is there; open it in a browser."""
    click.echo(address)
    click.echo(f"{what}Ctrl-C ends it.", err=True)
    if opens:
        webbrowser.open(address)


@contextlib.contextmanager
def until_interrupted() -> Iterator[None]:
    """Serve until Ctrl-C, which is how it ends and no fault.

    The terminal's line is ended on stderr: who read the address from stdout may have closed that by now.
    """
    try:
        yield
    except KeyboardInterrupt:
        click.echo(err=True)
