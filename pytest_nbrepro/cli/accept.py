"""`nbrepro accept`: values that wait become the baseline."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from pytest_nbrepro import pending
from pytest_nbrepro.cli import output
from pytest_nbrepro.cli.group import FAULT, complain
from pytest_nbrepro.cli.site import Asked, Site
from pytest_nbrepro.errors import NbreproError, StoreError
from pytest_nbrepro.pending import Pending

_DIFFERS = 1
_SHOWN = 3


@dataclass
class Waiting:
    """What waits below a folder."""

    root: Path
    entries: list[Pending] = field(default_factory=list)
    faults: dict[str, str] = field(default_factory=dict)  # folder of a record to what is wrong with it


@click.command("accept")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("-m", "--message", metavar="WHY", help="Why the new values are right.")
@click.option("--list", "listing", is_flag=True, help="Tell what waits; exit code 1 where anything does.")
@click.option("--all", "everything", is_flag=True, help="Accept all that waits.")
@click.option(
    "--from",
    "elsewhere",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="DIR",
    help="Take what waits in another run store, such as one downloaded from CI.",
)
@click.option("--json", "as_json", is_flag=True, help="Write JSON.")
@click.pass_obj
def command(
    asked: Asked,
    names: tuple[str, ...],
    message: str | None,
    elsewhere: Path | None,
    *,
    listing: bool,
    everything: bool,
    as_json: bool,
) -> None:
    """Make the values that wait the baseline, without running anything again.

    NAME is a case, a notebook, its path without suffix, or a folder above it. All that is named is accepted, or, where
    a notebook or baseline changed since its run, nothing. WHY is kept in the baseline's environment.json.

    \b
    JSON of --list: {"schema": 1,
                     "pending": [{"case", "notebook", "folder", "kind" (new, changed, refresh),
                                  "run", "differences": [text]}],
                     "unreadable": {folder: text}}
    JSON otherwise: {"schema": 1, "accepted": [as above],
                     "failed": [{"case", "error"}], "commit": text}
    """  # noqa: D301 - \b is click's mark for text that stays as it is
    site = asked.site()
    waiting = look(pending_below(elsewhere) if elsewhere else site.store / "pending")
    if listing:
        if names or everything or message:
            raise click.UsageError("--list takes no NAME, --all or -m")
        _list(waiting, site, as_json=as_json)
        return
    if bool(names) == everything:
        raise click.UsageError("name what to accept, or give --all; --list tells what waits")
    why = (message or "").strip()
    if not why:
        raise click.UsageError("say why the new values are right: -m WHY")
    if not (waiting.entries or waiting.faults):
        raise StoreError("nothing waits", where=site.short(waiting.root))
    chosen = waiting.entries if everything else choose(waiting, [site.rooted(name) for name in names])
    kept = blocked(waiting, [site.rooted(name) for name in names])
    if kept:
        raise StoreError("\n".join(kept.values()))
    _accept(chosen, waiting, site, why, as_json=as_json)


def look(root: Path) -> Waiting:
    """Read all that waits; records that cannot be read are kept as faults."""
    waiting = Waiting(root)
    for path in pending.records(root):
        try:
            waiting.entries.append(pending.read(root, path))
        except StoreError as error:
            waiting.faults[path.parent.relative_to(root).as_posix()] = str(error)
    return waiting


def pending_below(folder: Path) -> Path:
    """Return the folder of what waits in another run store, or in a folder that holds one.

    Raises:
        StoreError: there is none.
    """
    for place in (folder / "pending", folder / ".nbrepro" / "pending"):
        if place.is_dir():
            return place
    hint = (
        "it is the folder .nbrepro of another checkout; where nothing waits there, it has no folder pending"
    )
    raise StoreError("nothing waits here", where=str(folder), hint=hint)


def choose(waiting: Waiting, names: Sequence[str]) -> list[Pending]:
    """Return the entries that names select.

    Raises:
        StoreError: a name selects nothing.
    """
    try:
        return pending.matching(waiting.entries, names)
    except StoreError:
        for fault in waiting.faults.values():  # one of these may be what was meant
            complain(fault)
        raise


def blocked(waiting: Waiting, names: Sequence[str]) -> Mapping[str, str]:
    """Return the unreadable records that lie in what was named; no names stand for all."""
    if not names:
        return waiting.faults
    stems = [f"{name.removesuffix('.ipynb')}/" for name in names if "::" not in name]
    return {
        folder: fault
        for folder, fault in waiting.faults.items()
        if any(f"{folder}/".startswith(s) for s in stems)
    }


# ---------------------------------------------------------------------------------------------------
# Accepting


def _accept(chosen: Sequence[Pending], waiting: Waiting, site: Site, why: str, *, as_json: bool) -> None:
    failed = _each(chosen, lambda entry: pending.check(waiting.root, entry, site.root, site.baselines))
    accepted: list[Pending] = []
    if not failed:

        def accept(entry: Pending) -> None:
            pending.accept(waiting.root, entry, site.root, site.baselines, why)
            pending.drop(site.store / "pending", entry.folder)  # --from: what waited here is out of date now
            accepted.append(entry)

        failed = _each(chosen, accept)
    commit = commit_message(accepted, why)
    if as_json:
        told = {
            "accepted": [record(entry) for entry in accepted],
            "failed": [{"case": case, "error": error} for case, error in failed.items()],
            "commit": commit,
        }
        output.write_json(told)
    elif accepted:
        _tell(accepted, site, commit)
    for error in failed.values():
        complain(error)
    if failed:
        if not accepted:
            click.echo("nothing was accepted", err=True)
        raise click.exceptions.Exit(FAULT)


def _each(entries: Sequence[Pending], do: Any) -> dict[str, str]:
    """Do something with every entry; return what went wrong, by case."""
    failed: dict[str, str] = {}
    for entry in entries:
        try:
            do(entry)
        except (NbreproError, OSError) as error:
            failed[entry.case] = str(error) if isinstance(error, NbreproError) else f"{entry.case}: {error}"
    return failed


def commit_message(accepted: Sequence[Pending], why: str) -> str:
    """Return a commit message."""
    if not accepted:
        return ""
    what = accepted[0].case if len(accepted) == 1 else f"{len(accepted)} cases"
    return f"{' '.join(why.split())} (accepts {what})"


def _tell(accepted: Sequence[Pending], site: Site, commit: str) -> None:
    place = site.short(site.baselines)
    click.echo(f"accepted {output.count(len(accepted), 'case')} into {place}:")
    for entry in accepted:
        click.echo(f"  {entry.kind:<8} {entry.case}")
    click.echo(f"next  git add {shlex.quote(place)} && git commit -m {shlex.quote(commit)}")


# ---------------------------------------------------------------------------------------------------
# Listing


def _list(waiting: Waiting, site: Site, *, as_json: bool) -> None:
    if as_json:
        output.write_json({"pending": [record(e) for e in waiting.entries], "unreadable": waiting.faults})
    elif waiting.entries:
        output.write_lines(
            output.table(("KIND", "CASE", "RUN", "DIFFERENCES"), [_row(e) for e in waiting.entries])
        )
    elif not waiting.faults:
        click.echo(f"nothing waits in {site.short(waiting.root)}", err=True)
    for fault in waiting.faults.values():
        complain(fault)
    if waiting.faults or waiting.entries:
        raise click.exceptions.Exit(FAULT if waiting.faults else _DIFFERS)


def record(entry: Pending) -> dict[str, Any]:
    """Return an entry as JSON."""
    return {
        "case": entry.case,
        "notebook": entry.notebook,
        "folder": entry.folder,
        "kind": entry.kind,
        "run": entry.run,
        "differences": list(entry.differences),
    }


def _row(entry: Pending) -> tuple[str, ...]:
    more = [f"+{len(entry.differences) - _SHOWN} more"] if len(entry.differences) > _SHOWN else []
    return entry.kind, entry.case, entry.run, ", ".join([*entry.differences[:_SHOWN], *more])
