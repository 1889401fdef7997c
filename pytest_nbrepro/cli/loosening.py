"""Writing what is suggested into the annotation beside a notebook."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pytest_nbrepro import files, notebook, spec, yaml12
from pytest_nbrepro.cli.annotating import with_value
from pytest_nbrepro.cli.starting import key
from pytest_nbrepro.errors import NbreproError
from pytest_nbrepro.model import ArtifactRule, MetricRule, Spec
from pytest_nbrepro.notebook import Notebook
from pytest_nbrepro.project import Project, sidecar
from pytest_nbrepro.reports.data import Offer
from pytest_nbrepro.verdict import rule_for

_BOM = b"\xef\xbb\xbf"
_NUMBERS = {"seed", "runs"}
Rule = MetricRule | ArtifactRule


@dataclasses.dataclass(frozen=True)
class Loosened:
    """What became of a limit: the file that says it now, or what a person may paste, and why."""

    file: Path | None
    paste: str = ""
    reason: str = ""


@dataclasses.dataclass(frozen=True)
class Written:
    """What became of several offers: the file that says them now, and those that it does not, with the reason."""

    file: Path | None
    left: Mapping[Offer, str]


def loosen(offer: Offer, path: Path, project: Project) -> Loosened:
    """Write a limit into the annotation beside a notebook, where there is one; else as `write`."""
    file = sidecar(path)
    if not file.exists():
        spec.load(notebook.read(path), project)
        return Loosened(None, line(offer), f"there is no {file.name} beside the notebook")
    done = write([offer], path, project)
    return Loosened(None, line(offer), done.left[offer]) if offer in done.left else Loosened(done.file)


def write(offers: Sequence[Offer], path: Path, project: Project, head: str = "") -> Written:
    """Write offers into the annotation beside a notebook, each where that changes what it names and nothing else.

    Args:
        offers: what the annotation should say.
        path: the notebook.
        project: what the project says of its notebooks.
        head: with what an annotation begins that is not there yet: a comment.

    Raises:
        NbreproError: the notebook or its annotation has faults.
        OSError: the annotation cannot be read or written.
    """
    file, source = sidecar(path), notebook.read(path)
    data = file.read_bytes() if file.exists() else head.encode("utf-8")
    text, left = data.decode("utf-8-sig"), dict[Offer, str]()
    for offer in offers:
        changed, reason = _edited(offer, text, source, project)
        if reason:
            left[offer] = reason
        text = changed
    if len(left) == len(offers):
        return Written(None, left)
    files.write_bytes(file.resolve(), _BOM * data.startswith(_BOM) + text.encode("utf-8"))
    return Written(file, left)


def _edited(offer: Offer, text: str, source: Notebook, project: Project) -> tuple[str, str]:
    """Return an annotation that says what is offered; or the same text, and why it cannot."""
    before = spec.load(source, project, text)
    changed = with_value(text, offer.path, offer.limits)
    if changed is None:
        return text, f"{sidecar(source.path).name} is written in a way that cannot be edited safely"
    try:
        after = spec.load(source, project, changed)
    except NbreproError as error:
        return text, str(error)
    if not alone(offer, before, after):
        return text, "a pattern or another place of the annotation says more of it"
    return changed, ""


def pasted(offers: Sequence[Offer]) -> str:
    """Return offers as an annotation that says nothing else."""
    text = ""
    for offer in offers:
        text = with_value(text, offer.path, offer.limits) or text
    return text


def line(offer: Offer) -> str:
    """Return a limit as it may stand in an annotation."""
    section, *names = offer.path
    return f"{section}: {{{key(names[0])}: {offer.limits}}}" if names else f"{section}: {offer.limits}"


def alone(offer: Offer, before: Spec, after: Spec) -> bool:
    """Tell whether two annotations differ in what an offer names and in nothing else."""
    section, *names = offer.path
    wanted = yaml12.read(offer.limits).value
    if section in _NUMBERS:
        same = dataclasses.replace(after, **{section: getattr(before, section)}) == before
        return same and getattr(after, section) == wanted
    if not names:
        same = dataclasses.replace(after, outputs=before.outputs) == before
        return same and _said(before.outputs.limits, after.outputs.limits, wanted)
    name = names[0]
    old, new = getattr(before, section), getattr(after, section)
    rest = [[rule for rule in rules if rule.pattern != name] for rules in (old, new)]
    if rest[0] != rest[1] or dataclasses.replace(after, **{section: old}) != before:
        return False
    blank = MetricRule(name) if section == "metrics" else ArtifactRule(name)
    return _said(rule_for(name, old) or blank, rule_for(name, new) or blank, wanted)


def _said(old: Any, new: Any, wanted: Mapping[str, Any]) -> bool:
    """Tell whether a rule says what is wanted, and all else as before."""
    before, after = _flat(old), _flat(new)
    columns = wanted.get("columns", {})
    kept = {name: limits for name, limits in before.pop("columns", {}).items() if name not in columns}
    now = after.pop("columns", {})
    changed = {name for name in before if before[name] != after[name]}
    return changed <= set(wanted) and kept == {n: limits for n, limits in now.items() if n not in columns}


def _flat(rule: Any) -> dict[str, Any]:
    fields = dataclasses.asdict(rule)
    return {**fields.pop("limits", {}), **{k: v for k, v in fields.items() if k != "pattern"}}
