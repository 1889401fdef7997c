"""`nbrepro accept`: values that wait become the baseline."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from pytest_nbrepro import baselines, pending
from pytest_nbrepro.baselines import COMMON, Placed, Terms
from pytest_nbrepro.cli import output
from pytest_nbrepro.cli.entries import Waiting, blocked, choose, look, pending_below, record, waits
from pytest_nbrepro.cli.group import FAULT, complain
from pytest_nbrepro.cli.settling import anchored, crept, places, selects, terms_for
from pytest_nbrepro.cli.site import Asked, Site
from pytest_nbrepro.errors import NbreproError, StoreError
from pytest_nbrepro.pending import Pending

_DIFFERS = 1
_SHOWN = 3


@click.command("accept")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("-m", "--message", metavar="WHY", help="Why the new values are right.")
@click.option(
    "--overlay",
    is_flag=False,
    flag_value="",
    metavar="[TAG]",
    help="Write what differs into the overlay of the run's platform, or of one of its tags, alone.",
)
@click.option(
    "--intended", is_flag=True, help="The change is meant as one: drifts are counted anew from here."
)
@click.option("--list", "listing", is_flag=True, help="Tell what waits; exit code 1 where anything does.")
@click.option("--all", "everything", is_flag=True, help="Accept all that waits.")
@click.option(
    "--from",
    "elsewhere",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="DIR",
    help="Take what waits in another run store, such as one downloaded from CI.",
)
@click.option(
    "--stored",
    is_flag=True,
    help="Run each notebook NAME once and, where it agrees with the outputs stored in it, take that as its first baseline.",
)
@click.option("--json", "as_json", is_flag=True, help="Write JSON.")
@click.pass_obj
def command(
    asked: Asked,
    names: tuple[str, ...],
    message: str | None,
    overlay: str | None,
    elsewhere: Path | None,
    *,
    intended: bool,
    listing: bool,
    everything: bool,
    stored: bool,
    as_json: bool,
) -> None:
    """Make the values that wait the baseline, without running anything again.

    NAME is a case, a notebook, its path without suffix, or a folder above it. All that is named is accepted, or, where
    a notebook or baseline changed since its run, nothing. WHY is kept in the baseline's environment.json. A value that
    an overlay decides where the run was made is written there; else it would count for nothing.

    With --intended, NAME may also be a baseline of which nothing waits: what it holds is meant.

    With --stored, NAME is a notebook that has no baseline yet, and runs once, with its flags as they are. Texts, printed
    metrics and rich outputs but for pictures are held against what the notebook stores; exit code 1, with a report,
    where they differ.

    \b
    JSON of --list: {"schema": 1,
                     "pending": [{"case", "notebook", "folder", "kind" (new, changed, refresh),
                                  "run", "tags": [text], "differences": [text]}],
                     "unreadable": {folder: text}}
    JSON otherwise: {"schema": 1,
                     "accepted": [as above, and "common": [text], "overlays", "dropped": {tag: [text]}],
                     "meant": [folder], "notes": [text],
                     "failed": [{"case", "error"}], "commit": text}
    """  # noqa: D301 - \b is click's mark for text that stays as it is
    why = (message or "").strip()
    if stored:
        if listing or everything or elsewhere or intended or overlay is not None or not names:
            raise click.UsageError("--stored takes notebooks and -m, --json, and nothing else")
        _take_stored(names, asked, why, as_json=as_json)
        return
    site = asked.site()
    waiting = look(pending_below(elsewhere) if elsewhere else site.store / "pending")
    if listing:
        if names or everything or message or intended or overlay is not None:
            raise click.UsageError("--list takes no NAME, --all, -m, --overlay or --intended")
        _list(waiting, site, as_json=as_json)
        return
    if bool(names) == everything:
        taken = f" (--overlay took {overlay!r} as its TAG: put it last)" if overlay and not names else ""
        raise click.UsageError(f"name what to accept, or give --all; --list tells what waits{taken}")
    if not why:
        raise click.UsageError("say why the new values are right: -m WHY")
    rooted = [site.rooted(name) for name in names]
    meant = anchored(rooted, site, {entry.folder for entry in waiting.entries}) if intended else []
    rest = [
        name for name in rooted if not any(selects(name, folder) for folder in meant) or waits(waiting, name)
    ]
    if (rest or everything) and not (waiting.entries or waiting.faults):
        raise StoreError("nothing waits", where=site.short(waiting.root))
    chosen = waiting.entries if everything else choose(waiting, rest)
    kept = blocked(waiting, rooted)
    if kept:
        raise StoreError("\n".join(kept.values()))
    terms = {entry.folder: terms_for(entry, why, overlay, intended=intended) for entry in chosen}
    _accept(chosen, terms, meant, waiting, site, why, as_json=as_json)


def _take_stored(names: Sequence[str], asked: Asked, why: str, *, as_json: bool) -> None:
    from pytest_nbrepro.cli.storing import Taken, take

    taken: list[Taken] = []
    failed: dict[str, str] = {}
    for name in names:
        try:
            taken.append(take(Path(name), asked, why))
        except NbreproError as error:
            failed[name] = str(error)
    done = [one.accepted for one in taken if one.accepted is not None]
    commit = commit_message([entry.case for entry, _ in done], why or "Take stored outputs as baselines")
    if as_json:
        refused = {one.case: one.refused for one in taken if one.accepted is None}
        output.write_json(_outcome(done, (), (), {**refused, **failed}, commit))
    else:
        for one in taken:
            click.echo(one.report or "\n".join((one.case, *(f"  note    {note}" for note in one.notes))))
        if done:
            _tell(done, (), (), taken[0].site, commit)
    for fault in failed.values():
        complain(fault)
    if failed or len(done) < len(taken):
        raise click.exceptions.Exit(FAULT if failed else _DIFFERS)


# ---------------------------------------------------------------------------------------------------
# Accepting


def _accept(
    chosen: Sequence[Pending],
    terms: Mapping[str, Terms],
    meant: Sequence[str],
    waiting: Waiting,
    site: Site,
    why: str,
    *,
    as_json: bool,
) -> None:
    def see(entry: Pending) -> None:
        pending.check(waiting.root, entry, site.root, site.baselines, terms[entry.folder])

    failed = _each(chosen, see)
    accepted: dict[str, tuple[Pending, Placed]] = {}
    if not failed:

        def accept(entry: Pending) -> None:
            done = pending.accept(waiting.root, entry, site.root, site.baselines, terms[entry.folder])
            pending.drop(site.store / "pending", entry.folder)  # --from: what waited here is out of date now
            accepted[entry.folder] = entry, done.placed

        for folder in meant:
            baselines.settle(site.baselines / folder, why)
        failed = _each(chosen, accept)
    done = [*accepted.values()]
    notes = [note for entry, _ in done for note in crept(entry, site)]
    commit = commit_message([*(entry.case for entry, _ in done), *([] if failed else meant)], why)
    if as_json:
        output.write_json(_outcome(done, meant, notes, failed, commit))
    elif commit:
        _tell(done, meant, notes, site, commit)
    for error in failed.values():
        complain(error)
    if failed:
        if not accepted:
            click.echo("nothing was accepted", err=True)
        raise click.exceptions.Exit(FAULT)


def _outcome(
    done: Sequence[tuple[Pending, Placed]],
    meant: Sequence[str],
    notes: Sequence[str],
    failed: Mapping[str, str],
    commit: str,
) -> dict[str, Any]:
    """Return what became of cases as JSON; `failed` says why, by case."""
    return {
        "accepted": [{**record(entry), **_places(placed)} for entry, placed in done],
        "meant": list(meant),
        "notes": list(notes),
        "failed": [{"case": case, "error": error} for case, error in failed.items()],
        "commit": commit,
    }


def _places(placed: Placed) -> dict[str, Any]:
    written = {tag: [" ".join(key) for key in keys] for tag, keys in placed.written.items()}
    dropped = {tag: [" ".join(key) for key in keys] for tag, keys in placed.dropped.items()}
    return {"common": written.pop(COMMON, []), "overlays": written, "dropped": dropped}


def _each(entries: Sequence[Pending], do: Any) -> dict[str, str]:
    """Do something with every entry; return what went wrong, by case."""
    failed: dict[str, str] = {}
    for entry in entries:
        try:
            do(entry)
        except (NbreproError, OSError) as error:
            failed[entry.case] = str(error) if isinstance(error, NbreproError) else f"{entry.case}: {error}"
    return failed


def commit_message(cases: Sequence[str], why: str) -> str:
    """Return a commit message; "" where nothing was accepted."""
    if not cases:
        return ""
    what = cases[0] if len(cases) == 1 else f"{len(cases)} cases"
    return f"{' '.join(why.split())} (accepts {what})"


def _tell(
    done: Sequence[tuple[Pending, Placed]],
    meant: Sequence[str],
    notes: Sequence[str],
    site: Site,
    commit: str,
) -> None:
    place = site.short(site.baselines)
    if done:
        click.echo(f"accepted {output.count(len(done), 'case')} into {place}:")
    for entry, placed in done:
        click.echo(f"  {entry.kind:<8} {entry.case}")
        if where := places(placed):
            click.echo(f"  {'':<8} {where}")
    for folder in meant:
        click.echo(f"meant as it is: {folder}")
    for note in notes:
        click.echo(f"note  {note}")
    if notes:
        click.echo("      where that is meant: nbrepro accept --intended NAME -m WHY")
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


def _row(entry: Pending) -> tuple[str, ...]:
    more = [f"+{len(entry.differences) - _SHOWN} more"] if len(entry.differences) > _SHOWN else []
    return entry.kind, entry.case, entry.run, ", ".join([*entry.differences[:_SHOWN], *more])
