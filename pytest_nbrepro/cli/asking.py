"""What a run is asked for by: a notebook, a case and flags, checked before anything runs."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pytest_nbrepro import cases, files, flags, literals, notebook, spec
from pytest_nbrepro.attributes import Attributes
from pytest_nbrepro.cli import output
from pytest_nbrepro.cli.run import Wanted
from pytest_nbrepro.cli.site import Asked, Site
from pytest_nbrepro.errors import FlagError, NbreproError, nearest
from pytest_nbrepro.model import Case, FlagValue, Run
from pytest_nbrepro.notebook import Notebook


def wanted(
    asked: Asked, name: str, case: str | None, texts: Sequence[str], said: Attributes
) -> tuple[Site, Wanted]:
    """Return what is asked for.

    Args:
        asked: what the command line said of places.
        name: the notebook, with a case behind ``::`` or without.
        case: the same case by its option.
        texts: ``flag=value``, each.
        said: what is said of the run.

    Raises:
        NbreproError: there is no such notebook or case, the annotation has faults, or a flag cannot have that value.
    """
    about = subject(asked, name, case)
    given = {**about.case.flags, **parsed(about.notebook, about.case, texts)}
    return about.site, Wanted(own_case(about.case, given, about.known), about.notebook, said)


@dataclasses.dataclass(frozen=True)
class Subject:
    """A notebook, and the case whose flags hold where nothing else is said."""

    site: Site
    notebook: Notebook
    case: Case
    known: Sequence[Case]  # all cases of the annotation

    def flags(self, names: Iterable[str]) -> flags.Flags:
        """Return the flags of the notebook, where these names are meant to be some."""
        return flags.detect(self.notebook, {*self.case.spec.flags, *self.case.flags, *names})


def subject(asked: Asked, name: str, case: str | None) -> Subject:
    """Return the notebook and the case that are meant; see `wanted`.

    Raises:
        NbreproError: there is no such notebook or case, or the annotation has faults.
    """
    path, _, named = name.partition("::")
    if named and case and named != case:
        raise NbreproError(f"two cases are named: {named!r} and {case!r}", where=path)
    site = asked.of_notebook(Path(path))
    source = notebook.read(Path(path).absolute())
    project = spec.load_project(site.root)
    known = spec.expand(source, project, spec.load(source, project))
    return Subject(site, source, _case(known, case or named, path), known)


def _case(known: Sequence[Case], name: str, path: str) -> Case:
    """Return the case of that name; without one the flags that hold in all cases."""
    if not name:
        first = known[0]
        if len(known) == 1:
            return first
        folder = spec.case_folder(first.notebook, "default", first.spec.flags)
        return dataclasses.replace(first, name="default", flags=first.spec.flags, folder=folder)
    for one in known:
        if one.name == name:
            return one
    hint = nearest(name, [one.name for one in known]) or f"there are: {', '.join(one.name for one in known)}"
    raise NbreproError(f"there is no case {name!r}", where=path, hint=hint)


def parsed(source: Notebook, case: Case, texts: Sequence[str]) -> dict[str, FlagValue]:
    """Return the flags of ``flag=value`` texts, each in its flag's type.

    Raises:
        FlagError: a text has another form, a name is no flag, or it cannot have that value.
    """
    pairs = dict(split(text) for text in texts)
    found = flags.detect(source, {*case.spec.flags, *case.flags, *pairs})
    given = {name: flags.parse_value(text, found.found.get(name)) for name, text in pairs.items()}
    flags.apply(source, found, {**case.flags, **given})  # which says what is wrong
    return given


def split(text: str) -> tuple[str, str]:
    """Return name and value of ``flag=value``.

    Raises:
        FlagError: it has another form.
    """
    name, sign, value = text.partition("=")
    if not sign or not name.strip():
        raise FlagError(f"{text!r} is no flag with a value", hint="write FLAG=VALUE, as in x=-1")
    return name.strip(), value


def own_case(like: Case, given: Mapping[str, FlagValue], known: Sequence[Case]) -> Case:
    """Return the case with these flags: one of the annotation's, or one that is called by them."""
    for one in (like, *known):
        if one.flags == given:
            return one
    name = ",".join(f"{flag}={_shown(value)}" for flag, value in given.items())
    folder = spec.case_folder(like.notebook, name, given)
    return dataclasses.replace(like, name=name, flags=given, folder=folder)


def _shown(value: FlagValue) -> str:
    """Return a value as an annotation has it; one that none can hold, as the notebook has it."""
    try:
        return cases.shown(value)
    except TypeError:  # a complex number
        return literals.write(value)


def sources(wanted: Wanted) -> list[tuple[int, str]]:
    """Return the code cells as they run: index and source."""
    found = flags.detect(wanted.notebook, {*wanted.case.spec.flags, *wanted.case.flags})
    changed = flags.apply(wanted.notebook, found, wanted.case.flags)
    return [(cell.index, changed.get(cell.index, cell.source)) for cell in wanted.notebook.code]


def effective(wanted: Wanted) -> dict[str, FlagValue]:
    """Return all flags of the run, the notebook's own values too."""
    found = flags.detect(wanted.notebook, {*wanted.case.spec.flags, *wanted.case.flags})
    return flags.effective(found, wanted.case.flags)


def shown(wanted: Wanted) -> Iterator[str]:
    """Yield what a person is asked about: the notebook, and each flag with what the notebook has otherwise."""
    found = flags.detect(wanted.notebook, {*wanted.case.spec.flags, *wanted.case.flags})
    yield f"You are about to run {wanted.case.notebook}"
    values = flags.effective(found, wanted.case.flags)
    rows = []
    for name, value in values.items():
        own = found.found[name]
        changed = name in wanted.case.flags and not (own.known and literals.same(own.value, value))
        note = f"(the notebook has {written(own.value)})" if changed and own.known else ""
        rows.append((f"  {name}", written(value), note))
    width = max((len(name) for name, _, _ in rows), default=0)
    for name, text, note in rows:
        yield output.printable(f"{name:<{width}}  {text}  {note}".rstrip())
    if not rows:
        yield "  no flags"


def written(value: FlagValue) -> str:
    """Return a flag's value as a person types it."""
    return value if isinstance(value, str) else literals.write(value)


def command_line(wanted: Wanted, site: Site) -> str:
    """Return the command that makes the same run, with all of its flags."""
    words = [site.short(site.root / wanted.case.notebook)]
    words += [f"{name}={written(value)}" for name, value in effective(wanted).items()]
    said = wanted.attributes
    words += ["--label", said.label] if said.label else []
    words += [part for tag in said.tags for part in ("--tag", tag)]
    words += ["--note", said.note] if said.note else []
    return shlex.join(["nbrepro", "run", *words, "--yes"])


def record(run: Run, site: Site, *, kept: bool) -> dict[str, Any]:
    """Return a run as JSON (see `nbrepro run --help`)."""
    return {
        "id": run.id,
        "notebook": run.notebook,
        "case": run.case,
        "status": run.status,
        "flags": {name: files.to_json(value) for name, value in run.flags.items()},
        "metrics": {name: files.to_json(metric.value) for name, metric in run.metrics.items()},
        "seconds": run.duration,
        "folder": site.short(run.folder),
        "error": run.error.message if run.error else None,
        "kept": kept,
    }
