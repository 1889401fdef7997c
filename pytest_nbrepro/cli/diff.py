"""`nbrepro diff`: what differs between two runs."""

from __future__ import annotations

import difflib
import subprocess
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from pytest_nbrepro import files
from pytest_nbrepro.cli import output
from pytest_nbrepro.cli.show import resolve
from pytest_nbrepro.cli.site import Asked
from pytest_nbrepro.errors import StoreError
from pytest_nbrepro.index import Index
from pytest_nbrepro.model import Run, RunStatus
from pytest_nbrepro.store import EXECUTED, Store

if TYPE_CHECKING:
    from pytest_nbrepro.cli.pairing import Change, Pair
    from pytest_nbrepro.differences import CellDifference

_DIFFERS = 1
_PARTS = ("flags", "sources", "outputs", "metrics", "artifacts", "env")
_TEXT = 1 << 20  # bytes of a file of which the lines are told


@click.command("diff")
@click.argument("runs", metavar="[A] [B]", nargs=-1)
@click.option("--flags", "parts", flag_value="flags", multiple=True, type=str, help="Flags.")
@click.option("--sources", "parts", flag_value="sources", multiple=True, type=str, help="Sources of cells.")
@click.option(
    "--outputs", "parts", flag_value="outputs", multiple=True, type=str, help="Text that cells put out."
)
@click.option("--metrics", "parts", flag_value="metrics", multiple=True, type=str, help="Metrics.")
@click.option(
    "--artifacts", "parts", flag_value="artifacts", multiple=True, type=str, help="Files and figures."
)
@click.option(
    "--env", "parts", flag_value="env", multiple=True, type=str, help="Packages, settings and machine."
)
@click.option("--path", metavar="P", help="One file that both runs wrote, line by line.")
@click.option("--web", is_flag=True, help="Open nbdime's page with both executed notebooks side by side.")
@click.option("--json", "as_json", is_flag=True, help="Write JSON.")
@click.pass_obj
def command(
    asked: Asked, runs: tuple[str, ...], parts: tuple[str, ...], path: str | None, *, web: bool, as_json: bool
) -> None:
    """Tell what differs between the runs A and B; times and counts are left out.

    A run is an id, its beginning or end, or `last`. With A alone B is the newest run of the same notebook; without any, the
    last two runs of the notebook that ran last. The options pick parts; without one all are told. The exit code is 1 where
    what is told differs, else 0.

    \b
    JSON: {"schema": 1, "before": id, "after": id,
           "changes": [{"part" (flags, metrics, artifacts, env), "name",
             "before", "after" (null where there is none),
             "used" (of the limit, or null), "message"}],
           "cells": [{"label", "status" (changed, new, gone), "diff" (text)}]}
    """  # noqa: D301 - \b is click's mark for text that stays as it is
    site = asked.site()
    before, after = _two(Store(site.store), runs)
    if web:
        _open(before, after)
        return
    from pytest_nbrepro.cli.pairing import Pair

    pair = Pair(before, after, site)
    if path is not None:
        differs = _tell_path(pair, path)
    else:
        chosen = parts or _PARTS
        changes, cells = list(pair.changes(chosen)), _cells(pair, chosen)
        differs = bool(changes or cells)
        if as_json:
            output.write_json(_record(pair, changes, cells))
        else:
            output.write_lines(_lines(pair, changes, cells))
    if differs:
        raise click.exceptions.Exit(_DIFFERS)


def _two(store: Store, texts: Sequence[str]) -> tuple[Run, Run]:
    """Return the runs that are meant.

    Raises:
        UsageError: more than two are named.
        StoreError: there are no such runs.
    """
    if len(texts) > 2:
        raise click.UsageError(
            f"two runs can be compared, not {len(texts)}: nbrepro compare takes any number"
        )
    if len(texts) == 2:
        return resolve(store, texts[0]), resolve(store, texts[1])
    named = resolve(store, texts[0]) if texts else None
    found: list[Run] = []
    for run in Index(store).newest():  # `nbrepro runs` tells of those that cannot be read
        if run.status is RunStatus.RUNNING or (named and run.id == named.id):
            continue
        if run.notebook == (named or (found or [run])[0]).notebook:
            found.append(store.read(run.id))
            if named:
                return named, found[0]
            if len(found) == 2:
                return found[1], found[0]
    what = "there are no two runs of one notebook" if not named else f"{named.notebook} has no other run"
    raise StoreError(what, where=str(store.runs), hint="nbrepro runs lists them")


def _cells(pair: Pair, parts: Sequence[str]) -> list[CellDifference]:
    """Return the cells that differ in what was picked."""
    if not {"sources", "outputs"} & {*parts}:
        return []
    found = pair.cells()
    wanted = {part for part in ("sources", "outputs") if part in parts}
    return [cell for cell in found.cells if _picked(cell, wanted)] if found else []


def _picked(cell: CellDifference, wanted: set[str]) -> bool:
    if wanted == {"sources", "outputs"}:
        return True
    source = cell.status != "changed" or "/source:" in cell.diff
    return source if wanted == {"sources"} else "/outputs" in cell.diff


def _lines(pair: Pair, changes: Sequence[Change], cells: Sequence[CellDifference]) -> Iterator[str]:
    for sign, run in (("---", pair.before), ("+++", pair.after)):
        yield f"{sign} {run.id}  {run.notebook}::{run.case}  {output.local_time(run.started)}"
    if not changes and not cells:
        yield "no difference"
    for part in dict.fromkeys(change.part for change in changes):
        yield f"\n{'environment' if part == 'env' else part}"
        rows = [_row(change) for change in changes if change.part == part]
        yield from (f"  {line}" for line in _columns(rows))
    for cell in cells:
        yield f"\n{cell.label}{'' if cell.status == 'changed' else f' is {cell.status}'}"
        yield from (f"  {line}" for line in output.printable(cell.diff).splitlines())


def _row(change: Change) -> tuple[str, ...]:
    if change.part == "env":
        return (change.name, output.printable(change.message))
    used = f"used {change.used:.3g} of its limit" if change.used is not None else ""
    told = "; ".join(filter(None, (used, change.message)))
    sides = f"{_told(change.before)} -> {_told(change.after)}"
    if change.part == "artifacts" and change.before is not None and change.after is not None:
        sides = str(change.after)
    return (output.printable(change.name), sides, output.printable(told))


def _told(value: Any) -> str:
    return (
        "none"
        if value is None
        else output.printable(f"{value:.9g}" if isinstance(value, float) else str(value))
    )


def _columns(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _record(pair: Pair, changes: Sequence[Change], cells: Sequence[CellDifference]) -> dict[str, Any]:
    return {
        "before": pair.before.id,
        "after": pair.after.id,
        "changes": [
            {
                "part": one.part,
                "name": one.name,
                "before": one.before,
                "after": one.after,
                "used": files.to_json(one.used),
                "message": one.message,
            }
            for one in changes
        ],
        "cells": [{"label": one.label, "status": one.status, "diff": one.diff} for one in cells],
    }


def _tell_path(pair: Pair, name: str) -> bool:
    """Tell the lines of one file that differ, or by a comparer's word where it is no text; return whether it differs.

    Raises:
        StoreError: one of the runs has no such file.
    """
    found = []
    for run in (pair.before, pair.after):
        artifact = run.artifacts.get(name)
        if artifact is None:
            there = ", ".join(sorted(run.artifacts)) or "none"
            raise StoreError(
                f"run {run.id} has no {name!r}", where=str(run.folder), hint=f"there are: {there}"
            )
        found.append((run, artifact))
    if found[0][1].sha256 == found[1][1].sha256:
        click.echo("no difference")
        return False
    texts = [_text(run, artifact.path) for run, artifact in found]
    if None in texts:
        changes = [one for one in pair.changes(["artifacts"]) if one.name == name]
        output.write_lines(
            _columns([_row(one) for one in changes]) if changes else iter(["other bytes, the same data"])
        )
        return bool(changes)
    old, new = ((text or "").splitlines() for text in texts)
    before, after = (f"{run.id}/{name}" for run, _ in found)
    lines = difflib.unified_diff(old, new, before, after, lineterm="")
    output.write_lines(output.printable(line) for line in lines)
    return True


def _text(run: Run, path: str) -> str | None:
    place = run.folder / path
    try:
        if place.stat().st_size > _TEXT:
            return None
        text = place.read_bytes().decode("utf-8")
    except OSError as error:
        raise StoreError(f"it cannot be read: {error.strerror or error}", where=str(place)) from error
    except UnicodeDecodeError:
        return None
    return None if "\x00" in text else text


def _open(before: Run, after: Run) -> None:
    """Serve nbdime's page until it is closed.

    Raises:
        StoreError: one of the runs has no executed notebook.
    """
    places = [run.folder / EXECUTED for run in (before, after)]
    for place in places:
        if not place.exists():
            raise StoreError("this run ended before its notebook was written", where=str(place.parent))
    command = [sys.executable, "-m", "nbdime.webapp.nbdiffweb", "--ip", "127.0.0.1", *map(str, places)]
    subprocess.run(command, check=False)
