"""`nbrepro lint`: what of notebooks will not reproduce, told without running them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from pytest_nbrepro.cli import output
from pytest_nbrepro.cli.group import FAULT, complain
from pytest_nbrepro.cli.site import Asked
from pytest_nbrepro.errors import NbreproError
from pytest_nbrepro.lint import RULES, Finding, lint, subject_of
from pytest_nbrepro.notebook import Notebook

_DIFFERS = 1
_HEAD = ("PLACE", "RULE", "FOUND")


@click.command("lint")
@click.argument("paths", nargs=-1, type=click.Path(exists=True, path_type=Path), metavar="[PATH]...")
@click.option("--rules", is_flag=True, help="List the rules, and end.")
@click.option("--json", "as_json", is_flag=True, help="Write JSON.")
@click.pass_obj
def command(asked: Asked, paths: tuple[Path, ...], *, rules: bool, as_json: bool) -> None:
    """Tell what of notebooks will not reproduce; nothing is run.

    PATH is a notebook or a folder of notebooks; without one, all below the current folder are read. A line that ends
    in `# nbrepro: noqa=NBR003` keeps the rules that it names quiet there. The exit code is 1 where something is found.

    \b
    JSON: {"schema": 1, "findings": [{"notebook", "cell" (index among all cells), "line" (of the cell, from 1),
           "rule", "text", "hint"}], "failed": {notebook: text}}
    """  # noqa: D301 - \b is click's mark for text that stays as it is
    if rules:
        rows = [(name, rule.about, rule.hint) for name, rule in RULES.items()]
        output.write_lines(output.table(("RULE", "LOOKS FOR", "MENDED BY"), rows))
        return
    found: list[tuple[Notebook, Finding]] = []
    failed: dict[str, str] = {}
    for path in _notebooks(asked, paths):
        try:
            found += findings(asked, path)
        except NbreproError as error:
            failed[str(path)] = str(error)
    if as_json:
        output.write_json({"findings": [_record(*one) for one in found], "failed": failed})
    else:
        _write(found)
    for fault in failed.values():
        complain(fault)
    if failed or found:
        raise click.exceptions.Exit(FAULT if failed else _DIFFERS)


def findings(asked: Asked, path: Path) -> list[tuple[Notebook, Finding]]:
    """Return what is found in a notebook.

    Raises:
        NbreproError: the notebook or its annotation cannot be read.
    """
    from pytest_nbrepro import notebook, spec

    site = asked.of_notebook(path)
    source = notebook.read(site.root / site.rooted(str(path)))
    said = spec.load(source, spec.load_project(site.root))
    return [(source, one) for one in lint(subject_of(source, site.root, said))]


def _notebooks(asked: Asked, paths: tuple[Path, ...]) -> Iterator[Path]:
    """Yield the notebooks that were named, and those in folders but for baselines, runs and what tools write."""
    from pytest_nbrepro.originals import CHATTER

    for path in paths or (Path(),):
        if path.is_file():
            yield path
            continue
        site = asked.site(path)
        for inner in sorted(path.rglob("*.ipynb")):
            there = inner.absolute()
            ours = any(there.is_relative_to(place) for place in (site.store, site.baselines))
            if not ours and not CHATTER & set(there.relative_to(path.absolute()).parts):
                yield inner


def _write(found: list[tuple[Notebook, Finding]]) -> None:
    rows = [
        (f"{_short(book)} {book.label(one.cell)}, line {one.line}", one.rule, output.printable(one.text))
        for book, one in found
    ]
    if rows:
        output.write_lines(output.table(_HEAD, rows))
    for name in sorted({one.rule for _, one in found}):
        click.echo(f"{name}  {RULES[name].hint}", err=True)


def _short(book: Notebook) -> str:
    try:
        return str(book.path.relative_to(Path.cwd()))
    except ValueError:
        return str(book.path)


def _record(book: Notebook, one: Finding) -> dict[str, Any]:
    record = {"notebook": _short(book), "cell": one.cell, "line": one.line}
    return {**record, "rule": one.rule, "text": one.text, "hint": RULES[one.rule].hint}
