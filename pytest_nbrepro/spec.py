"""Annotations: which notebooks have one, what it says, and which cases it makes.

An annotation is merged from ``[tool.nbrepro]`` of ``pyproject.toml``, the entries of
``[[tool.nbrepro.notebooks]]`` whose `path` matches, the object `nbrepro` in the notebook's metadata, and
``<stem>.nbrepro.yaml`` beside the notebook; later ones win. In the metadata, ``nbrepro: true`` is an
annotation that says nothing more, and ``nbrepro: false`` keeps a notebook from being collected, whatever
the other places say.

pydantic and the YAML parser are imported only where an annotation says something, so that looking for annotated
notebooks stays cheap.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_nbrepro import cases, nbreg
from pytest_nbrepro.cases import case_folder
from pytest_nbrepro.errors import SpecError
from pytest_nbrepro.foreign import own_keys
from pytest_nbrepro.model import Case, Spec
from pytest_nbrepro.notebook import Notebook
from pytest_nbrepro.project import (
    Project,
    annotated,
    annotated_beside,
    excluded,
    load_project,
    may_say,
    misnamed_sidecar,
    said,
    sidecar,
)
from pytest_nbrepro.sources import Fault, Source, json_lines, merge, origin

if TYPE_CHECKING:
    from pytest_nbrepro.schema import Key

__all__ = [
    "Project",
    "annotated",
    "annotated_beside",
    "case_folder",
    "excluded",
    "expand",
    "known_keys",
    "load",
    "load_project",
    "may_say",
    "said",
]

_METADATA = ("metadata", "nbrepro")
_ARTIFACT_TAG = "artifact:"

Found = tuple[Source, Fault]


def load(notebook: Notebook, project: Project, beside: str | None = None) -> Spec:
    """Return what a notebook's annotation says, merged from all its places.

    Args:
        notebook: the notebook.
        project: what the project says of all its notebooks.
        beside: a text to be read in place of the annotation beside the notebook.

    Raises:
        SpecError: all faults of all places, a line each: ``file:line: key: what, hint``.
    """
    sources, faults = _sources(notebook, project, beside)
    merged = merge(source.value for source in sources)
    if merged:
        faults += _checked(sources, merged)
    faults += [*_tag_faults(notebook, project), *_foreign_faults(notebook, project)]
    if faults:
        raise SpecError("\n".join(_told(faults)))
    if not merged:
        return Spec()
    from pytest_nbrepro import rules

    return rules.settled(merged)


def _checked(sources: list[Source], merged: Mapping[str, Any]) -> list[Found]:
    """Return what is wrong with the keys of each source, and between those of several."""
    from pytest_nbrepro import rules, schema

    checked = [(source, fault) for source in sources for fault in schema.check(source.value)]
    across = rules.across(merged)
    if not {fault.path[:1] for _, fault in checked} & {("cases",), ("matrix",)}:
        across += cases.clashes(merged.get("cases", {}), merged.get("matrix", {}))
    return checked + [(origin(sources, fault.path), fault) for fault in across]


def _told(faults: list[Found]) -> list[str]:
    """Return the faults as sentences, file by file and line by line."""
    files = list(dict.fromkeys(source.file for source, _ in faults))
    lines = [(files.index(source.file), source.line(fault) or 0) for source, fault in faults]
    order = sorted(range(len(faults)), key=lines.__getitem__)
    return [source.tell(fault) for source, fault in map(faults.__getitem__, order)]


def known_keys() -> dict[str, Key]:
    """Return every key of an annotation with its type and its meaning, by paths like ``metrics.<name>.rel``."""
    from pytest_nbrepro import schema

    return schema.known_keys()


def _sources(notebook: Notebook, project: Project, text: str | None) -> tuple[list[Source], list[Found]]:
    """Return the places of the annotation, weakest first, and what keeps some of them from being read."""
    own, own_faults = _metadata(notebook, project)
    beside, beside_faults = _sidecar(notebook.path, project, text)
    foreign = Source(project.shown(notebook.path), own_keys(notebook.metadata))
    places = [project.common(), foreign, *project.matching(notebook.path), own, *beside]
    return places, own_faults + beside_faults


def _metadata(notebook: Notebook, project: Project) -> tuple[Source, list[Found]]:
    said = notebook.metadata.get("nbrepro", {})
    value = said if isinstance(said, dict) else {}
    find = cache(partial(_lines_of_metadata, notebook.path))
    source = Source(project.shown(notebook.path), value, _METADATA, find)
    if isinstance(said, (dict, bool)):
        return source, []
    return source, [(source, Fault((), "must be a mapping, true or false"))]


def _lines_of_metadata(path: Path) -> Mapping[tuple[Any, ...], int]:
    """Return the lines of the keys of the annotation in a notebook; none where its file has gone."""
    try:
        return json_lines(path.read_bytes().decode("utf-8-sig"), _METADATA)
    except (OSError, ValueError):
        return {}


def _sidecar(notebook: Path, project: Project, text: str | None) -> tuple[list[Source], list[Found]]:
    path, misnamed = sidecar(notebook), misnamed_sidecar(notebook)
    faults: list[Found] = []
    if os.path.lexists(misnamed):
        faults.append(
            (Source(project.shown(misnamed), {}), Fault((), "is not read", f"rename it to {path.name}"))
        )
    if text is None and not os.path.lexists(path):
        return [], faults
    source = Source(project.shown(path), {})
    try:
        text = path.read_bytes().decode("utf-8-sig") if text is None else text
    except OSError as error:
        return [], [*faults, (source, Fault((), f"cannot be read: {error.strerror or error}"))]
    except UnicodeDecodeError as error:
        return [], [*faults, (source, Fault((), f"not UTF-8 at byte {error.start}"))]

    from pytest_nbrepro import yaml12

    document = yaml12.read(text)
    value = {} if document.value is None else document.value
    source = replace(source, value=value if isinstance(value, dict) else {}, lines=lambda: document.lines)
    faults += [(source, fault) for fault in document.faults]
    if not isinstance(value, dict):
        hint = "write keys such as metrics: {loss: {rel: 1e-3}}"
        faults.append((source, Fault((), "must be a mapping", hint, line=1)))
    return [source], faults


def _tag_faults(notebook: Notebook, project: Project) -> Iterator[Found]:
    """Yield what is wrong with the tags that name outputs of cells."""
    source = Source(project.shown(notebook.path), {})
    seen: dict[str, int] = {}
    for cell in notebook.code:
        names = sorted(tag.removeprefix(_ARTIFACT_TAG) for tag in cell.tags if tag.startswith(_ARTIFACT_TAG))
        label = notebook.label(cell.index)
        if len(names) > 1:
            yield source, Fault((), f"{label}: several tags name its output: {', '.join(map(repr, names))}")
        for name in names:
            if (what := _name_fault(name)) is None and name in seen:
                what = f"{notebook.label(seen[name])} has this name already"
            if what is not None:
                yield source, Fault((), f"{label}: tag '{_ARTIFACT_TAG}{name}': {what}")
            seen.setdefault(name, cell.index)


def _foreign_faults(notebook: Notebook, project: Project) -> Iterator[Found]:
    """Yield what is wrong with pytest-notebook's metadata, which are read as it reads them."""
    source = Source(project.shown(notebook.path), {})
    for what in nbreg.faults(notebook.metadata):
        yield source, Fault(("metadata", "nbreg"), what)
    for cell in notebook.code:
        for what in nbreg.faults(cell.metadata):
            yield source, Fault((), f"{notebook.label(cell.index)}: metadata.nbreg: {what}")


def _name_fault(name: str) -> str | None:
    if not name.strip():
        return "has no name, write artifact:NAME"
    if set(name) & set("/\\") or ".." in name or not name.isprintable():
        return "the name must not have '/', '\\', '..' or control characters in it"
    return None


# ---------------------------------------------------------------------------------------------------
# Which cases it makes


def expand(notebook: Notebook, project: Project, spec: Spec) -> tuple[Case, ...]:
    """Return the cases of a notebook: the named ones, then the product of its matrix, else ``default``.

    A case's own flags win over those that the spec has for all cases.

    Raises:
        SpecError: two cases have one folder of baselines, or the notebook lies outside the project.
    """
    name = project.relative(notebook.path)
    if name is None:
        raise SpecError("this notebook lies outside the project", where=str(notebook.path))
    found = []
    for case, own in cases.named(spec.cases, spec.matrix):
        flags = {**spec.flags, **own}
        found.append(Case(name, case, flags, spec, case_folder(name, case, flags)))
    faults = cases.shared_folders([(case.name, case.folder) for case in found])
    if faults:
        raise SpecError("\n".join(faults), where=name, hint="give one of them another name")
    return tuple(found)
