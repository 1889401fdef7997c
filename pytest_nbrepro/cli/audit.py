"""`nbrepro audit`: which changes of accepted values the present checks would not notice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from pytest_nbrepro.cli import output
from pytest_nbrepro.cli.group import FAULT, complain
from pytest_nbrepro.cli.site import Asked, Site
from pytest_nbrepro.errors import NbreproError, StoreError

if TYPE_CHECKING:
    from pytest_nbrepro.cli.auditing import Finding

_DIFFERS = 1


@click.command("audit")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--json", "as_json", is_flag=True, help="Write JSON.")
@click.pass_obj
def command(asked: Asked, names: tuple[str, ...], *, as_json: bool) -> None:
    """Change accepted values in a copy, and tell which changes the present checks would not notice.

    NAME is a notebook, its path without suffix, or a folder above it; without one, all baselines are audited. Nothing
    is run, and no baseline is changed. What the annotation ignores as a whole is left out. The exit code is 1 where a
    change goes unnoticed, or a limit is too wide to mean anything.

    \b
    JSON: {"schema": 1, "changes": number of changes that were made,
           "unnoticed": [{"case", "kind", "name", "change", "overlay" (tag, or "")}], "failed": {folder: text}}
    """  # noqa: D301 - \b is click's mark for text that stays as it is
    from pytest_nbrepro.cli.auditing import audit

    site = asked.site()
    folders = list(_chosen(site, [site.rooted(name) for name in names]))
    made, found, failed = 0, [], {}
    for folder in folders:
        try:
            for finding in audit(folder, site):
                made += 1
                if not finding.noticed:
                    found.append(finding)
        except (NbreproError, OSError, ValueError) as error:
            failed[folder] = str(error)
    told: list[dict[str, Any]] = [{k: v for k, v in asdict(one).items() if k != "noticed"} for one in found]
    if as_json:
        output.write_json({"changes": made, "unnoticed": told, "failed": failed})
    else:
        if told:
            rows = [_row(one) for one in found]
            output.write_lines(output.table(("CASE", "KIND", "NAME", "NOT NOTICED"), rows))
        click.echo(f"{len(told)} of {output.count(made, 'change')} would go unnoticed", err=True)
    for folder, fault in failed.items():
        complain(f"{folder}: {fault}")
    if failed or told:
        raise click.exceptions.Exit(FAULT if failed else _DIFFERS)


def _row(one: Finding) -> tuple[str, ...]:
    name = f"{one.name}, overlay {one.overlay}" if one.overlay else one.name
    return tuple(map(output.printable, (one.case, one.kind, name, one.change)))


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
