"""Writing a suggested limit into the annotation beside a notebook."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pytest_nbrepro import files, notebook, spec, yaml12
from pytest_nbrepro.cli.annotating import with_limits
from pytest_nbrepro.cli.starting import key
from pytest_nbrepro.errors import NbreproError
from pytest_nbrepro.model import ArtifactRule, MetricRule, Spec
from pytest_nbrepro.project import Project, sidecar
from pytest_nbrepro.reports.data import Offer
from pytest_nbrepro.verdict import rule_for

_BOM = b"\xef\xbb\xbf"
Rule = MetricRule | ArtifactRule


@dataclasses.dataclass(frozen=True)
class Loosened:
    """What became of a limit: the file that says it now, or what a person may paste, and why."""

    file: Path | None
    paste: str = ""
    reason: str = ""


def loosen(offer: Offer, path: Path, project: Project) -> Loosened:
    """Write a limit into the annotation beside a notebook, where that changes this limit and nothing else.

    Args:
        offer: the limit.
        path: the notebook.
        project: what the project says of its notebooks.

    Raises:
        NbreproError: the notebook or its annotation has faults.
        OSError: the annotation cannot be read or written.
    """
    file, paste = sidecar(path), line(offer)
    source = notebook.read(path)
    before = spec.load(source, project)
    if not file.exists():
        return Loosened(None, paste, f"there is no {file.name} beside the notebook")
    data = file.read_bytes()
    text = with_limits(data.decode("utf-8-sig"), offer.path, offer.limits)
    if text is None:
        return Loosened(None, paste, f"{file.name} is written in a way that cannot be edited safely")
    try:
        after = spec.load(source, project, text)
    except NbreproError as error:
        return Loosened(None, paste, str(error))
    if not alone(offer, before, after):
        return Loosened(None, paste, "a pattern or another place of the annotation says more of it")
    files.write_bytes(file.resolve(), _BOM * data.startswith(_BOM) + text.encode("utf-8"))
    return Loosened(file)


def line(offer: Offer) -> str:
    """Return a limit as it may stand in an annotation."""
    section, *names = offer.path
    return f"{section}: {{{key(names[0])}: {offer.limits}}}" if names else f"{section}: {offer.limits}"


def alone(offer: Offer, before: Spec, after: Spec) -> bool:
    """Tell whether two annotations differ in what an offer names and in nothing else."""
    section, *names = offer.path
    wanted = yaml12.read(offer.limits).value
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
