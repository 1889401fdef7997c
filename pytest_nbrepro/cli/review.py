"""`nbrepro review`: what waits, one case after the other, with a question for each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from pytest_nbrepro.cli import entries, output
from pytest_nbrepro.cli.group import FAULT, complain
from pytest_nbrepro.cli.site import Asked, Site
from pytest_nbrepro.errors import StoreError
from pytest_nbrepro.pending import Pending

_DIFFERS = 1


@click.command("review")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("-m", "--message", metavar="WHY", help="Why new values are right; else it is asked each time.")
@click.option(
    "--from",
    "elsewhere",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="DIR",
    help="Review what waits in another run store, such as one downloaded from CI.",
)
@click.option("--json", "as_json", is_flag=True, help="Ask nothing; write as JSON what would be asked.")
@click.pass_obj
def command(
    asked: Asked, names: tuple[str, ...], message: str | None, elsewhere: Path | None, *, as_json: bool
) -> None:
    """Go through the values that wait, one case after the other.

    NAME is a case, a notebook, its path without suffix, or a folder above it; without one, all that waits is gone
    through. Each answer is a letter and Enter, and is carried out at once; what was not answered goes on waiting,
    also after Ctrl-C. The exit code is 0 where nothing of it waits any more, else 1.

    \b
    JSON: {"schema": 1,
           "pending": [{"case", "notebook", "folder", "kind", "run", "tags": [text],
                        "differences": [text],
                        "changes": [{"kind", "name", "before", "after" (text or null)}],
                        "offers": [text], "card": text}],
           "unreadable": {folder: text}}
    """  # noqa: D301 - \b is click's mark for text that stays as it is
    site = asked.site()
    root = entries.pending_below(elsewhere) if elsewhere else site.store / "pending"
    waiting = entries.look(root)
    rooted = [site.rooted(name) for name in names]
    if names and not (waiting.entries or waiting.faults):
        raise StoreError("nothing waits", where=site.short(root))
    chosen = entries.choose(waiting, rooted) if names else waiting.entries
    faults = entries.blocked(waiting, rooted)
    if as_json:
        listed = [_record(entry, site, root) for entry in chosen]
        output.write_json({"pending": listed, "unreadable": dict(faults)})
    elif chosen:
        _ask(chosen, site, root, (message or "").strip())
    elif not faults:
        click.echo(f"nothing waits in {site.short(root)}", err=True)
    for fault in faults.values():
        complain(fault)
    left = {entry.folder for entry in entries.look(root).entries} & {entry.folder for entry in chosen}
    if faults or left:
        raise click.exceptions.Exit(FAULT if faults else _DIFFERS)


def _record(entry: Pending, site: Site, root: Path) -> dict[str, Any]:
    from pytest_nbrepro.cli.cards import card_of, changes_of, told

    card = card_of(entry, site, root)
    changes = [
        {
            "kind": change.key[0],
            "name": change.key[1],
            "before": told(change.before),
            "after": told(change.after),
        }
        for change in changes_of(entry, site, root)
    ]
    offers = [offer.text for offer in card.offers]
    return {**entries.record(entry), "changes": changes, "offers": offers, "card": card.text}


def _ask(chosen: Sequence[Pending], site: Site, root: Path, why: str) -> None:
    """Go through entries; tell at the end, however it comes, what was done."""
    from pytest_nbrepro.cli.desk import Desk

    desk = Desk(site, root, why)
    try:
        for number, entry in enumerate(chosen, 1):
            if not desk.review(entry, f"{number} of {len(chosen)}"):
                break
    finally:
        for line in desk.summary(chosen):
            click.echo(line)
