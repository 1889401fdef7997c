"""`nbrepro prune`: baselines that no case has are deleted, the one way in which that happens."""

from __future__ import annotations

from typing import Any

import click

from pytest_nbrepro import baselines, files
from pytest_nbrepro.cli import output
from pytest_nbrepro.cli.site import Asked, Site
from pytest_nbrepro.errors import BaselineError, NbreproError, StoreError

_DIFFERS = 1
_RUN = "run all of them: pytest --nbrepro"


@click.command("prune")
@click.option("--yes", is_flag=True, help="Delete without asking.")
@click.option("--json", "as_json", is_flag=True, help="Write JSON; without --yes nothing is deleted.")
@click.pass_obj
def command(asked: Asked, *, yes: bool, as_json: bool) -> None:
    """Delete the obsolete baselines that the last session found: those that no case has.

    That session must have run everything that there is, and all of it must have passed. The exit code is 1 where
    obsolete baselines stay.

    \b
    JSON: {"schema": 1, "obsolete": [folder], "deleted": [folder]}
    """  # noqa: D301 - \b is click's mark for text that stays as it is
    site = asked.site()
    word = _word(site)
    there = set(baselines.folders(site.baselines))
    obsolete = [folder for folder in word["obsolete"] if folder in there]
    _refuse_known(obsolete, site)
    if not as_json:
        _name(obsolete, site)
    doomed = obsolete if yes or (obsolete and not as_json and _confirmed(len(obsolete))) else []
    _delete(doomed, word, site)
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
    from pytest_nbrepro import notebook, spec

    project = spec.load_project(site.root)
    for folder in obsolete:
        path = site.root / f"{folder.rsplit('/', 1)[0]}.ipynb"
        if not path.exists():
            continue
        if baselines.made_by_fixture(site.baselines / folder):
            raise BaselineError("the notebook of this test is there again", where=folder, hint=_RUN)
        if not spec.annotated(path, project):
            continue
        try:
            source = notebook.read(path)
            cases = spec.expand(source, project, spec.load(source, project))
        except NbreproError as error:
            raise BaselineError(f"its notebook has a fault: {error}", where=folder, hint=_RUN) from error
        if any(case.folder == folder for case in cases):
            raise BaselineError("a case has this baseline again", where=folder, hint=_RUN)


def _name(obsolete: list[str], site: Site) -> None:
    if obsolete:
        click.echo(f"obsolete in {site.short(site.baselines)}:")
    for folder in obsolete:
        click.echo(f"  {folder}")


def _confirmed(number: int) -> bool:
    try:
        return click.confirm(f"delete {'it' if number == 1 else f'these {number}'}?")
    except click.Abort:
        raise StoreError(
            "nobody answered: nothing was deleted", hint="--yes deletes without asking"
        ) from None


def _delete(doomed: list[str], word: dict[str, Any], site: Site) -> None:
    from pytest_nbrepro.tally import LAST

    if not doomed:
        return
    for folder in doomed:
        baselines.delete(site.baselines / folder, site.baselines)
    left = [folder for folder in word["obsolete"] if folder not in doomed]
    files.write_json(site.store / LAST, {**word, "obsolete": left})
