"""`nbrepro audit`: which changes of accepted values the present checks would not notice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from pytest_nbrepro.cli import output
from pytest_nbrepro.cli.group import FAULT, complain
from pytest_nbrepro.cli.site import Asked, Site
from pytest_nbrepro.errors import NbreproError, StoreError

if TYPE_CHECKING:
    from pytest_nbrepro.cli.auditing import Finding
    from pytest_nbrepro.cli.linting import Lint

_DIFFERS = 1


@click.command("audit")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--json", "as_json", is_flag=True, help="Write JSON.")
@click.pass_obj
def command(asked: Asked, names: tuple[str, ...], *, as_json: bool) -> None:
    """Change accepted values in a copy, and tell which changes the present checks would not notice.

    NAME is a notebook, its path without suffix, or a folder above it; without one, all baselines are audited. Nothing
    is run, and no baseline is changed. What the annotation ignores as a whole is left out. Told are, too, limits too
    wide to mean anything, limits that stored runs never came near (5 runs at least, of more the newest 20), and what a
    sketch of a large file cannot show. The exit code is 1 where a change goes unnoticed or a limit is too wide.

    \b
    JSON: {"schema": 1, "changes": number of changes that were made,
           "unnoticed": [{"case", "kind", "name", "change", "overlay" (tag, or "")}],
           "lints": [{"case", "kind", "name", "lint", "wide", "overlay"}], "failed": {folder: text}}
    """  # noqa: D301 - \b is click's mark for text that stays as it is
    from pytest_nbrepro.cli.auditing import Finding, audit

    site = asked.site()
    made, unnoticed, lints, failed = 0, [], [], {}
    for folder in _chosen(site, [site.rooted(name) for name in names]):
        try:
            for found in audit(folder, site):
                if not isinstance(found, Finding):
                    lints.append(found)
                    continue
                made += 1
                if not found.noticed:
                    unnoticed.append(found)
        except (NbreproError, OSError, ValueError) as error:
            failed[folder] = str(error)
    if as_json:
        told = [{k: v for k, v in asdict(one).items() if k != "noticed"} for one in unnoticed]
        record = {"changes": made, "unnoticed": told, "lints": list(map(asdict, lints)), "failed": failed}
        output.write_json(record)
    else:
        tables = {
            "NOT NOTICED": [(*_named(one), one.change) for one in unnoticed],
            "TOO WIDE": [(*_named(one), one.lint) for one in lints if one.wide],
            "WORTH A LOOK": [(*_named(one), one.lint) for one in lints if not one.wide],
        }
        _write(tables)
        click.echo(f"{len(unnoticed)} of {output.count(made, 'change')} would go unnoticed", err=True)
    for folder, fault in failed.items():
        complain(f"{folder}: {fault}")
    if failed or unnoticed or any(one.wide for one in lints):
        raise click.exceptions.Exit(FAULT if failed else _DIFFERS)


def _named(one: Finding | Lint) -> tuple[str, str, str]:
    """Return the case, kind and name of a finding, with the overlay that it is in."""
    return one.case, one.kind, f"{one.name}, overlay {one.overlay}" if one.overlay else one.name


def _write(tables: Mapping[str, Sequence[tuple[str, ...]]]) -> None:
    """Write those tables that have rows, a blank line between them."""
    filled = {head: rows for head, rows in tables.items() if rows}
    for number, (head, rows) in enumerate(filled.items()):
        if number:
            click.echo()
        printable = [tuple(map(output.printable, row)) for row in rows]
        output.write_lines(output.table(("CASE", "KIND", "NAME", head), printable))


def _chosen(site: Site, names: Sequence[str]) -> Iterator[str]:
    from pytest_nbrepro import baselines

    known = list(baselines.folders(site.baselines))
    stems = [name.partition("::")[0].removesuffix(".ipynb") for name in names]
    for name, stem in zip(names, stems, strict=True):
        if not any(f"{folder}/".startswith(f"{stem}/") for folder in known):
            raise StoreError(f"no baseline matches {name!r}", where=site.short(site.baselines))
    for folder in known:
        if not stems or any(f"{folder}/".startswith(f"{stem}/") for stem in stems):
            yield folder
