"""False alarms: unchanged notebooks, run again and again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mutation import models, truth, workshop
from mutation.notebooks import Json, annotated, changed, script
from mutation.workshop import Workshop

SEEDED = (
    "cancer_forest.ipynb",
    "diabetes_bootstrap.ipynb",
    "diabetes_rounded.ipynb",
    "digits_kmeans.ipynb",
    "digits_pca.ipynb",
    "digits_training.ipynb",
    "iris_logistic.ipynb",
    "examples/timeseries/timeseries.ipynb",
)
"""Those that draw random numbers or go on until something converges, with their seeds."""

UNSEEDED = ("cancer_forest.ipynb", "digits_kmeans.ipynb", "digits_training.ipynb")
ANNOTATIONS: Mapping[str, Mapping[str, Any]] = {
    "nothing": {},
    "`seed: 0`": {"seed": 0},
    "`runs: 10`, files and texts ignored": {"runs": 10, "artifacts": {"*": "ignore"}, "outputs": "ignore"},
}
"""What a person writes whose unseeded notebook gets no baseline, by the words of the table."""


@dataclass(frozen=True)
class Row:
    """Some notebooks that say the same, and how they fared."""

    notebooks: str
    annotation: str
    refused: int  # how many get no baseline
    accepted: int
    runs: int = 0  # of those that have one
    moved: int = 0  # in how many runs a result differs from the baseline's
    alarms: tuple[str, ...] = ()  # what failed, by run


def seeded(
    shop: Workshop, notebooks: Mapping[str, Json], accepted: Mapping[str, Mapping[str, str]], repeats: int
) -> Row:
    """Run seeded notebooks, which have their baselines."""
    chosen = {name: notebooks[name] for name in SEEDED}
    return _row(shop, "seeded", "nothing", chosen, {name: accepted[name] for name in SEEDED}, repeats)


def unseeded(shop: Workshop, notebooks: Mapping[str, Json], repeats: int) -> Iterator[Row]:
    """Drop all seeds of some notebooks, and run what a person would make of them."""
    for number, (words, said) in enumerate(ANNOTATIONS.items()):
        made = {
            f"unseeded/{number}-{name}": annotated(without_seeds(notebooks[name]), **said)
            for name in UNSEEDED
        }
        yield unchanged(shop, "unseeded", words, made, repeats)


def unchanged(shop: Workshop, kind: str, words: str, notebooks: Mapping[str, Json], repeats: int) -> Row:
    """Give notebooks their first baselines where they get any, and run those that have one.

    Args:
        shop: where notebooks run.
        kind: what sort of notebooks they are, for the table.
        words: what their annotations say, for the table.
        notebooks: the notebooks by path.
        repeats: how often each runs.
    """
    first = shop.each(
        f"{kind}, {words}",
        {name: (workshop.establish, (name, content)) for name, content in notebooks.items()},
    )
    accepted = {name: results for name, (refused, results) in first.items() if refused is None}
    return _row(shop, kind, words, notebooks, accepted, repeats)


def _row(
    shop: Workshop,
    kind: str,
    words: str,
    notebooks: Mapping[str, Json],
    accepted: Mapping[str, Mapping[str, str]],
    repeats: int,
) -> Row:
    jobs = {
        (name, number): (workshop.judge, (name, notebooks[name]))
        for number in range(repeats)
        for name in accepted
    }
    found = shop.each(f"{kind}, {words}, unchanged", jobs)
    moved = sum(bool(truth.changes(accepted[name], judged.results)) for (name, _), judged in found.items())
    alarms = [f"{name}: {', '.join(judged.failed)}" for (name, _), judged in found.items() if not judged.ok]
    return Row(kind, words, len(notebooks) - len(accepted), len(accepted), len(jobs), moved, tuple(alarms))


def without_seeds(notebook: Json) -> Json:
    """Return a notebook without any seed."""
    while edits := list(_seeds(script(notebook))):
        edit = edits[0]
        source = "".join(notebook["cells"][edit.cell]["source"])
        notebook = changed(notebook, {edit.cell: edit.apply(source)})
    return notebook


def _seeds(sources: Any) -> Iterable[Any]:
    (operator,) = (operator for operator in models.OPERATORS if operator.name == "dropped seed")
    return operator.edits(sources)
