"""A run held against the outputs that are stored in its notebook, before it may become the first baseline."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from pytest_nbrepro import baselines, capture, comparers, displays, files, moments
from pytest_nbrepro.assessment import Assessment, Places, first_diff
from pytest_nbrepro.model import Artifact, Baseline, Case, Run
from pytest_nbrepro.notebook import Notebook, parse, read
from pytest_nbrepro.store import EXECUTED
from pytest_nbrepro.verdict import judge, without_rules

_PICTURES = frozenset({"image", "pdf"})


@dataclass(frozen=True)
class Comparison:
    """What a run has in common with the stored outputs."""

    assessment: Assessment  # of the run, as if they were its baseline
    alone: tuple[
        str, ...
    ]  # what only the run gives, or what cannot be compared: files, pictures, unprinted values


def compare(case: Case, run: Run, source: Notebook, places: Places) -> Comparison:
    """Hold a complete run against the outputs that its notebook stores.

    Compared are texts, printed and glued metrics, and rich outputs but for pictures: another renderer draws them in
    another size. Dates in stored text count as those of its own run where this run does not print them at all.
    """
    executed = read(run.folder / EXECUTED)
    masks = case.spec.outputs.masks
    hidden = capture.Hidden.of(run, places.root, masks)
    days = (hidden.days or frozenset()) | (_dates(source) - _dates(executed))
    with tempfile.TemporaryDirectory(prefix="nbrepro-") as folder:
        old = _outputs(run, source, Path(folder, "stored"), replace(hidden, days=days))
        new = _outputs(run, executed, Path(folder, "run"), hidden)
        pictures = {
            name for name in old.artifacts if name in new.artifacts and _is_picture(new.artifacts[name])
        }
        old, new = _without(old, pictures), _without(new, pictures)
        baseline = Baseline(old.folder, old.metrics, old.artifacts, None, {})
        accepted = parse(
            files.dump_json(baselines.slim(source, old, replace(hidden, days=days))), source.path
        )
        verdict = judge(new, executed, baseline, accepted, without_rules(case.spec, new), hidden)
        diff = "" if verdict.ok else first_diff(new, executed, accepted, verdict, hidden)
    assessment = Assessment(case, run, executed, baseline, verdict, None, diff)
    return Comparison(assessment, tuple(_alone(run, new.metrics, pictures)))


def _outputs(run: Run, notebook: Notebook, folder: Path, hidden: capture.Hidden) -> Run:
    """Return a run that gave what the cells of a notebook show, and nothing else."""
    folder.mkdir()
    captured = capture.capture(
        notebook, folder, values={}, written=(), flags=run.flags, seconds={}, hidden=hidden
    )
    artifacts = {name: comparers.described(a, folder) for name, a in captured.artifacts.items()}
    return replace(run, folder=folder, metrics=captured.metrics, artifacts=artifacts)


def _is_picture(artifact: Artifact) -> bool:
    return artifact.kind in _PICTURES or artifact.path.endswith(".svg")


def _without(run: Run, names: set[str]) -> Run:
    return replace(run, artifacts={name: a for name, a in run.artifacts.items() if name not in names})


def _dates(notebook: Notebook) -> frozenset[date]:
    """Return the dates in the text and the HTML of a notebook's outputs."""
    return frozenset(day for text in _texts(notebook) for day in moments.dates(text))


def _texts(notebook: Notebook) -> Iterator[str]:
    for cell in notebook.code:
        for output in cell.outputs:
            yield displays.joined(output.get("text", ""))
            yield from (
                displays.joined(v) for k, v in output.get("data", {}).items() if k.startswith("text/")
            )


def _alone(run: Run, seen: Mapping[str, object], pictures: set[str]) -> Iterator[str]:
    """Yield what no stored output vouches for."""
    yield from (f"metric {n}" for n, metric in run.metrics.items() if repr(metric) != repr(seen.get(n)))
    for name, artifact in run.artifacts.items():
        if artifact.cell is None or name in pictures:
            yield f"{artifact.kind} {name}"
