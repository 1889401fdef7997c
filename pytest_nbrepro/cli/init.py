"""`nbrepro init`: from one run of a notebook to its first annotation."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pytest_nbrepro import files
from pytest_nbrepro.cli import output
from pytest_nbrepro.cli.site import Asked, Site
from pytest_nbrepro.errors import NbreproError
from pytest_nbrepro.model import Run, RunStatus

if TYPE_CHECKING:
    from pytest_nbrepro.cli.drafting import Subject

_DIFFERS = 1
_SUFFIX = ".nbrepro.yaml"
_WRONG = ".nbrepro.yml"


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
    from pytest_nbrepro.cli.drafting import draft, subject

    about = subject(notebook, site)
    run = _run(about, notebook, site)
    if run.status is not RunStatus.COMPLETED:
        click.echo(_report(about, run, site))
        raise click.exceptions.Exit(_DIFFERS)
    files.write_text(target, draft(about, run))
    found = [output.count(len(run.metrics), "metric"), output.count(len(run.artifacts), "artifact")]
    click.echo(f"wrote {target}, with {' and '.join(found)}")
    for note in run.notes:
        click.echo(f"note  {note}")
    click.echo(f"next  pytest --nbrepro {shlex.quote(str(notebook))} --nbrepro-update=new")


def _target(notebook: Path, *, force: bool) -> Path:
    """Return the place of the annotation.

    Raises:
        NbreproError: there is one already, or the file is no notebook by its name.
    """
    if notebook.suffix != ".ipynb":
        raise NbreproError("this is no notebook: its name does not end in .ipynb", where=str(notebook))
    wrong, target = (notebook.with_name(notebook.stem + suffix) for suffix in (_WRONG, _SUFFIX))
    if wrong.exists():
        raise NbreproError(
            "this annotation is not read", where=str(wrong), hint=f"rename it to {target.name}"
        )
    if target.exists() and not force:
        raise NbreproError("there is an annotation", where=str(target), hint="--force replaces it")
    return target


def _run(about: Subject, notebook: Path, site: Site) -> Run:
    from pytest_nbrepro.cli.waiting import Waiting
    from pytest_nbrepro.executors import here
    from pytest_nbrepro.model import Task

    task = Task(about.case, site.root, site.store, site.baselines, site.settings.timeout)
    with Waiting(f"running {notebook}") as waiting:
        return here().submit(task).result(waiting)


def _report(about: Subject, run: Run, site: Site) -> str:
    """Return the report of a run that did not end well, as pytest has it."""
    from pytest_nbrepro.assessment import Places, assess
    from pytest_nbrepro.reports.terminal import case_text
    from pytest_nbrepro.session import case_report

    places = Places(site.root, site.store, site.baselines)
    return case_text(case_report(assess(about.case, run, places), site.root))
