"""A group of commands whose modules are imported when they are called, and whose faults are one message."""

from __future__ import annotations

import errno
import importlib
import keyword
from collections.abc import Mapping
from typing import Any

import click

from pytest_nbrepro import lean
from pytest_nbrepro.errors import NbreproError

FAULT = 2
_INTERRUPTED = 130  # 128 + SIGINT, as shells count


class Commands(click.Group):
    """A group of commands, each the `command` of a module of its name in this package.

    Args:
        lazy: the commands' names and what `--help` says of each.
    """

    def __init__(self, *arguments: Any, lazy: Mapping[str, str], **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.lazy = lazy

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        """Be the program: the process is ours, and leaves out what takes long to import."""
        lean.shed()
        return super().__call__(*arguments, **options)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the names of the commands, in the order in which people need them."""
        return list(self.lazy)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import a command."""
        if cmd_name not in self.lazy:
            return None
        module = f"{cmd_name}_" if keyword.iskeyword(cmd_name) else cmd_name
        command: click.Command = importlib.import_module(f"pytest_nbrepro.cli.{module}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the list of commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(self.lazy.items()))

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; what goes wrong becomes one message on stderr and exit code 2."""
        try:
            return super().invoke(ctx)
        except NbreproError as error:
            complain(str(error))
        except OSError as error:
            if error.errno == errno.EPIPE:  # the reader of our output is gone: click's business
                raise
            place = f"{error.filename}: " if error.filename else ""
            complain(f"{place}{error.strerror or error}")
        except KeyboardInterrupt:
            complain("interrupted")
            ctx.exit(_INTERRUPTED)
        return ctx.exit(FAULT)


def complain(text: str) -> None:
    """Write a fault to stderr."""
    click.echo(f"error: {text}", err=True)
