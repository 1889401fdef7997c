"""Changing the values of one baseline, and asking its checks."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from pytest_nbrepro import baselines, comparers, files, notebook, spec
from pytest_nbrepro.cli.linting import Lint, hints, lints
from pytest_nbrepro.cli.site import Site
from pytest_nbrepro.comparers import outputs, perturbing, sketches
from pytest_nbrepro.comparers.perturbing import metrics, texts
from pytest_nbrepro.comparers.perturbing import sketches as sketched
from pytest_nbrepro.comparers.perturbing.values import MOVED
from pytest_nbrepro.errors import BaselineError
from pytest_nbrepro.model import Artifact, ArtifactRule, Baseline, Case, MetricRule
from pytest_nbrepro.textual import notebook_at
from pytest_nbrepro.verdict import alpha_for, compare_metric, rule_for


@dataclass(frozen=True)
class Finding:
    """One change, and whether the checks would notice it."""

    case: str
    kind: str
    name: str
    change: str
    noticed: bool
    overlay: str = ""  # the tag of the overlay that has the value


def audit(folder: str, site: Site) -> Iterator[Finding | Lint]:
    """Yield the changes of a baseline that were tried, then what is odd about its limits.

    Args:
        folder: of the baseline, relative to the folder of baselines.
        site: the project.

    Raises:
        NbreproError: it cannot be read, or no case has it.
        OSError, ValueError: one of its files cannot be read.
    """
    case = _case(folder, site)
    common = baselines.read(site.baselines / folder)
    if common is None:
        raise BaselineError("there is no baseline", where=folder)
    for tag, side in {"": common, **baselines.read_overlays(site.baselines / folder)}.items():
        for kind, name, change, noticed in (
            *_metrics(side, case),
            *_artifacts(side, case),
            *_texts(side, case),
        ):
            yield Finding(case.id, kind, name, change, noticed, tag)
        yield from lints(case, side, tag)
    yield from hints(case, common, site)


_Tried = tuple[str, str, str, bool]


def _case(folder: str, site: Site) -> Case:
    """Return the case that a baseline belongs to."""
    project = spec.load_project(site.root)
    for parent in PurePosixPath(folder).parents:
        path = notebook_at(site.root, str(parent))
        if path.is_file():
            source = notebook.read(path)
            for case in spec.expand(source, project, spec.load(source, project)):
                if case.folder == folder:
                    return case
    raise BaselineError("no case has this baseline", where=folder, hint="one that a test made is not audited")


def _metrics(baseline: Baseline, case: Case) -> Iterator[_Tried]:
    rules = case.spec.metrics
    alpha = alpha_for(baseline.metrics, rules, {})
    for name, metric in baseline.metrics.items():
        rule = rule_for(name, rules) or MetricRule(name)
        if rule.ignore:
            continue
        for what, variants in metrics.changes(metric, rule):
            checks = (compare_metric(name, metric, variant, case.spec, alpha) for variant in variants)
            yield "metric", name, what, not all(check.status.ok for check in checks)


def _artifacts(baseline: Baseline, case: Case) -> Iterator[_Tried]:
    for name, artifact in baseline.artifacts.items():
        rule = rule_for(name, case.spec.artifacts) or ArtifactRule(name)
        if rule.ignore:
            continue
        if artifact.stored == "file":
            yield from _files(baseline, artifact, rule)
        elif artifact.stored == "sketch":
            kept = sketches.read(baseline.folder / artifact.path)
            for what, noticed in sketched.changes(kept, rule, artifact.kind):
                yield artifact.kind, artifact.name, what, noticed


def _files(baseline: Baseline, artifact: Artifact, rule: ArtifactRule) -> Iterator[_Tried]:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        target = folder / artifact.path
        target.parent.mkdir(parents=True)
        for what, write in perturbing.changes(artifact.kind, baseline.folder / artifact.path):
            if what == MOVED and artifact.kind == "table" and (rule.key or rule.order == "any"):
                continue  # the annotation says that the order of rows means nothing
            write(target)
            result = replace(artifact, sha256=files.sha256(target), bytes=target.stat().st_size)
            result = comparers.described(result, folder)
            check = comparers.compare(artifact, baseline.folder, result, folder, rule)
            yield artifact.kind, artifact.name, what, not check.status.ok


def _texts(baseline: Baseline, case: Case) -> Iterator[_Tried]:
    if baseline.notebook is None or case.spec.outputs.ignore:
        return
    book, limits = notebook.read(baseline.notebook), case.spec.outputs.limits
    for cell in book.code:
        before = baselines.stored_text(cell)
        for what, changed in texts.edits(before):
            outcome = outputs.compare_text(before, changed, limits)
            yield "output", book.label(cell.index), what, not outcome.status.ok
