"""What `nbrepro init` writes about: a notebook as it is without the annotation beside it, and its first one."""

from __future__ import annotations

import dataclasses
import tempfile
from dataclasses import dataclass
from pathlib import Path

from pytest_nbrepro import flags, notebook, spec
from pytest_nbrepro.cli.site import Site
from pytest_nbrepro.cli.starting import compose
from pytest_nbrepro.errors import NbreproError, SpecError
from pytest_nbrepro.model import Case, Run, Spec
from pytest_nbrepro.notebook import Notebook
from pytest_nbrepro.project import sidecar
from pytest_nbrepro.store import EXECUTED


@dataclass(frozen=True)
class Subject:
    """A notebook that gets its first annotation."""

    notebook: Notebook
    project: spec.Project
    case: Case  # the first one that the other places of annotation make


def subject(path: Path, site: Site) -> Subject:
    """Read a notebook and what is said of it elsewhere than beside it.

    Raises:
        NotebookError: it cannot be read.
        SpecError: the other places of annotation have faults, or keep the notebook from being collected.
    """
    if spec.excluded(path):
        hint = "take it out of the notebook's metadata"
        raise SpecError(
            "'nbrepro: false' keeps this notebook from being collected", where=str(path), hint=hint
        )
    source = notebook.read(path)
    project = spec.load_project(site.root)
    said = _load(source, project, None)
    return Subject(source, project, spec.expand(source, project, said)[0])


def draft(about: Subject, run: Run) -> str:
    """Return the text of an annotation that says what a run found.

    Raises:
        SpecError: what the run found has names that no annotation can hold.
    """
    executed = notebook.read(run.folder / EXECUTED)
    text = compose(executed, run, flags.detect(about.notebook), about.case.spec)
    try:
        _load(about.notebook, about.project, text)
    except NbreproError as error:
        hint = "write the annotation by hand"
        raise SpecError(f"no annotation can be made of this run: {error.what}", hint=hint) from error
    return text


def _load(source: Notebook, project: spec.Project, text: str | None) -> Spec:
    """Return what the annotation of a notebook would say with `text` beside it; None stands for nothing there.

    The loader looks beside the notebook, so it is given one that lies nowhere, or in a folder of its own.
    """
    with tempfile.TemporaryDirectory(prefix="nbrepro-") as name:
        root = Path(name).resolve()
        path = root / source.path.absolute().relative_to(project.root.absolute())
        path.parent.mkdir(parents=True, exist_ok=True)
        if text is not None:
            sidecar(path).write_text(text, "utf-8")
        moved = dataclasses.replace(source, path=path)
        return spec.load(moved, dataclasses.replace(project, root=root))
