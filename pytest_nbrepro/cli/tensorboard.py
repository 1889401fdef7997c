"""`nbrepro tensorboard`: runs in TensorBoard, also as they end."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from pytest_nbrepro.cli import output, picking, serving
from pytest_nbrepro.cli.group import complain
from pytest_nbrepro.cli.picking import Picked
from pytest_nbrepro.cli.site import Asked, Site
from pytest_nbrepro.errors import NbreproError
from pytest_nbrepro.exports.tensorboard import EXTRA, Board
from pytest_nbrepro.optional import require
from pytest_nbrepro.store import Store

_MOST = 200
_PAUSE = 2.0  # seconds between looks at the run store
_HOST = "127.0.0.1"


@click.command("tensorboard")
@picking.options(_MOST)
@serving.options
@click.option("--output", metavar="DIR", type=click.Path(path_type=Path), help="Only write what TensorBoard reads, into this folder.")  # fmt: skip
@click.pass_obj
def command(asked: Asked, /, **given: Any) -> None:
    """Show runs in TensorBoard: metrics with their steps, figures, and flags against metrics (HParams).

    RUN is a run's id, its beginning or end, or `last`; without, the runs that the options pick, and those that join them while it
    is open, as in a search that still runs. It needs the extra `tensorboard`, and no TensorFlow. Ctrl-C ends it.
    """
    site = asked.site()
    if given["output"] is not None:
        _write(site, given, given["output"])
        return
    with serving.until_interrupted(), tempfile.TemporaryDirectory(prefix="nbrepro-tensorboard-") as folder:
        _serve(site, given, Path(folder))


def _write(site: Site, given: Mapping[str, Any], folder: Path) -> None:
    """Write runs into a folder of one's own."""
    if folder.exists() and any(folder.iterdir()):
        raise NbreproError(
            "this folder is not empty", where=str(folder), hint="TensorBoard would show both: name a new one"
        )
    found = picking.picked(site, given)
    board = Board(folder)
    _update(board, site, found)
    board.close()
    click.echo(
        f"{output.count(len(found.runs), 'run')} in {site.short(folder)}: tensorboard --logdir {folder}"
    )
    _tell(board)
    found.close()


def _serve(site: Site, given: Mapping[str, Any], folder: Path) -> None:
    """Start TensorBoard, and write what is new until it ends."""
    board = Board(folder)
    found = picking.there(site, given)
    _update(board, site, found)
    for fault in found.faults:
        complain(fault)
    _tell(board)
    address = _start(folder, given["port"])
    serving.tell(address, opens=not given["no_open"], what=f"{output.count(len(found.runs), 'run')}; ")
    while True:
        time.sleep(_PAUSE)
        _update(board, site, picking.there(site, given))


def _start(folder: Path, port: int) -> str:
    """Start TensorBoard in threads of this process, and return its address.

    Raises:
        NbreproError: it cannot listen there.
    """
    program = require("tensorboard.program", EXTRA)
    plugins = require("tensorboard.default", EXTRA).get_plugins()
    board = program.TensorBoard(plugins)
    given = {"logdir": folder, "host": _HOST, "port": port, "reload_interval": _PAUSE, "load_fast": "false"}
    board.configure(["tensorboard", *(f"--{name}={value}" for name, value in given.items())])
    try:
        return str(board.launch())
    except program.TensorBoardServerException as error:
        raise NbreproError(f"TensorBoard does not start: {error}") from error


def _update(board: Board, site: Site, found: Picked) -> None:
    """Write the runs that are not written yet, and those that have ended since."""
    store = Store(site.store)
    for run in found.runs:
        if not board.knows(run.id):
            board.put(store.read(run.id))


def _tell(board: Board) -> None:
    for name in board.left_out:
        click.echo(f"left out, as TensorBoard would load more than 10 MiB at once: {name}", err=True)
