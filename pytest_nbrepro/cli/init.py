"""`nbrepro init`: from one run of a notebook to its first annotation."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

import click

from pytest_nbrepro import files
from pytest_nbrepro.cli import output
from pytest_nbrepro.cli.site import Asked
from pytest_nbrepro.errors import NbreproError
from pytest_nbrepro.model import RunStatus
from pytest_nbrepro.project import misnamed_sidecar, sidecar
from pytest_nbrepro.textual import SUFFIX, TEXTS, is_notebook

_DIFFERS = 1


@click.command("init")
@click.argument("notebook", type=click.Path(path_type=Path))
@click.option("--force", is_flag=True, help="Replace an annotation that lies there.")
@click.pass_obj
def command(asked: Asked, notebook: Path, *, force: bool) -> None:
    """Run NOTEBOOK once and write a starting annotation beside it, STEM.nbrepro.yaml.

    It lists the flags, metrics and artifacts that the run found, but for those that the notebook's metadata or
    pyproject.toml have a rule for. A notebook that does not run to its end gets the report that pytest gives, exit code
    1, and no annotation.
    """
    site = asked.of_notebook(notebook)
    target = _target(notebook, force=force)
    from pytest_nbrepro.cli import running
    from pytest_nbrepro.cli.drafting import draft, subject
    from pytest_nbrepro.cli.waiting import Waiting

    about = subject(notebook, site)
    with Waiting(f"running {notebook}") as waiting:
        run = running.run(about.case, site, waiting)
    if run.status is not RunStatus.COMPLETED:
        click.echo(running.report(about.case, run, site))
        raise click.exceptions.Exit(_DIFFERS)
    files.write_text(target, draft(about, run))
    found = [output.count(len(run.metrics), "metric"), output.count(len(run.artifacts), "artifact")]
    click.echo(f"wrote {target}, with {' and '.join(found)}")
    for note in (*run.notes, *_linted(asked, notebook)):
        click.echo(f"note  {note}")
    click.echo(f"next  pytest --nbrepro {shlex.quote(str(notebook))} --nbrepro-update=new")


def _linted(asked: Asked, notebook: Path) -> Iterator[str]:
    """Yield a word on what `nbrepro lint` finds; that all imports are there has just been seen."""
    from pytest_nbrepro.cli.lint import findings

    found = {one.rule for _, one in findings(asked, notebook)} - {"NBR008"}
    if found:
        yield f"{', '.join(sorted(found))}: nbrepro lint {shlex.quote(str(notebook))} tells what may not reproduce"


def _target(notebook: Path, *, force: bool) -> Path:
    """Return the place of the annotation.

    Raises:
        NbreproError: there is one already, or the file is no notebook by its name.
    """
    if not is_notebook(notebook):
        known = ", ".join((SUFFIX, *TEXTS))
        raise NbreproError(
            f"this is no notebook: its name does not end in one of {known}", where=str(notebook)
        )
    wrong, target = misnamed_sidecar(notebook), sidecar(notebook)
    if wrong.exists():
        raise NbreproError(
            "this annotation is not read", where=str(wrong), hint=f"rename it to {target.name}"
        )
    if target.exists() and not force:
        raise NbreproError("there is an annotation", where=str(target), hint="--force replaces it")
    return target
