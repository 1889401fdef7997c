"""`nbrepro prune`: baselines that no case has are deleted, the one way in which that happens."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import click

from pytest_nbrepro import baselines, files
from pytest_nbrepro.cli import output
from pytest_nbrepro.cli.site import Asked, Site
from pytest_nbrepro.errors import BaselineError, StoreError

_DIFFERS = 1
_RUN = "run all of them: pytest --nbrepro"


@click.command("prune")
@click.option("--yes", is_flag=True, help="Delete without asking.")
@click.option("--json", "as_json", is_flag=True, help="Write JSON; without --yes nothing is deleted.")
@click.pass_obj
def command(asked: Asked, *, yes: bool, as_json: bool) -> None:
    """Delete the obsolete baselines that the last session found: those that no case has.

    Of overlays, the values that the common baseline has no more are deleted. That session must have run everything that there is, and all of it must have passed. The exit code is 1 where
    obsolete baselines stay.

    \b
    JSON: {"schema": 1, "obsolete": [folder], "deleted": [folder]}
    """  # noqa: D301 - \b is click's mark for text that stays as it is
    site = asked.site()
    word = _word(site)
    there = set(baselines.folders(site.baselines))
    overlays = _overlays(there, site)
    obsolete = [folder for folder in word["obsolete"] if folder in there or folder in overlays]
    _refuse_known([folder for folder in obsolete if folder in there], site)
    if not as_json:
        _name(obsolete, overlays, site)
    doomed = obsolete if yes or (obsolete and not as_json and _confirmed(len(obsolete))) else []
    _delete(doomed, overlays, word, site)
    if as_json:
        output.write_json({"obsolete": obsolete, "deleted": doomed})
    else:
        click.echo(f"{len(doomed)} deleted" if obsolete else "no obsolete baselines")
    if len(doomed) < len(obsolete):
        raise click.exceptions.Exit(_DIFFERS)


def _word(site: Site) -> dict[str, Any]:
    """Return what the last session left.

    Raises:
        StoreError: there is nothing, or the session is none to delete by.
    """
    from pytest_nbrepro.tally import read_word

    word = read_word(site.store)
    if word is None:
        raise StoreError(
            "no session has left word of what is obsolete", where=site.short(site.store), hint=_RUN
        )
    if not word["complete"]:
        raise StoreError(
            "the last session did not run everything: what it missed may need its baseline", hint=_RUN
        )
    if not word["green"]:
        raise StoreError("the last session did not pass: a case that fails may need its baseline", hint=_RUN)
    return word


def _refuse_known(obsolete: list[str], site: Site) -> None:
    """See that no case has come back since that session.

    Raises:
        BaselineError: one has, or may have: its notebook cannot be read.
    """
    from pytest_nbrepro.assessment import Places
    from pytest_nbrepro.obsolete import reason_to_keep

    places = Places(site.root, site.store, site.baselines)
    for folder in obsolete:
        if reason := reason_to_keep(folder, places):
            raise BaselineError(reason, where=folder, hint=_RUN)


def _overlays(folders: Iterable[str], site: Site) -> dict[str, tuple[str, str, str]]:
    """Return the overlays that say something of what the common baseline has no more: folder, tag, and what."""
    found = {}
    for folder in folders:
        for tag, entries in baselines.lying_over_nothing(site.baselines / folder).items():
            names = ", ".join(" ".join(entry) for entry in entries)
            found[f"{folder}/{baselines.OVERLAY}/{tag}"] = folder, tag, names
    return found


def _name(obsolete: list[str], overlays: Mapping[str, tuple[str, str, str]], site: Site) -> None:
    if obsolete:
        click.echo(f"obsolete in {site.short(site.baselines)}:")
    for folder in obsolete:
        tags = ", ".join(baselines.read_overlays(site.baselines / folder))
        told = f", of it alone: {output.printable(overlays[folder][2])}" if folder in overlays else ""
        click.echo(f"  {folder}{told}{f', with its overlays {tags}' if tags else ''}")


def _confirmed(number: int) -> bool:
    try:
        return click.confirm(f"delete {'it' if number == 1 else f'these {number}'}?")
    except click.Abort:
        raise StoreError(
            "nobody answered: nothing was deleted", hint="--yes deletes without asking"
        ) from None


def _delete(
    doomed: list[str], overlays: Mapping[str, tuple[str, str, str]], word: dict[str, Any], site: Site
) -> None:
    from pytest_nbrepro.tally import LAST

    if not doomed:
        return
    for folder in doomed:
        if folder in overlays:
            case, tag, _ = overlays[folder]
            baselines.forget(site.baselines / case, tag)
        else:
            baselines.delete(site.baselines / folder, site.baselines)
    left = [folder for folder in word["obsolete"] if folder not in doomed]
    files.write_json(site.store / LAST, {**word, "obsolete": left})
