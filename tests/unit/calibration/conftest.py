"""Things and groups of runs made of numbers, without runs."""

from __future__ import annotations

import pytest

from pytest_nbrepro.calibration import Groups, Thing
from pytest_nbrepro.comparers import gaps
from pytest_nbrepro.comparers.gaps import Gap
from pytest_nbrepro.model import Limits, Metric, MetricRule

DTYPES = {bool: "bool", int: "int", float: "float64"}


def numbered(plain, seeds, same, threads, *, seeded=False):
    """Return groups of so many runs; those with one seed begin with the first of those with other seeds."""
    first_seed, rest = plain, plain + seeds
    again = list(range(rest, rest + max(same - 1, 0)))
    last = rest + len(again)
    return Groups(
        plain=list(range(plain)),
        seeds=list(range(plain, rest)),
        same=[first_seed, *again] if same else [],
        threads=list(range(last, last + threads)),
        seeded=seeded,
    )


class Made:
    """Makes things."""

    def metric(self, *values, name="loss", dtype=None, rel=None, abs_=None, of=None, flips=0, series=False):
        """Return a metric with a value in each run; None stands for none."""
        dtype = dtype or next(DTYPES[type(value)] for value in values if value is not None)
        rule = MetricRule(name, Limits(rel, abs_), of=of, flips=flips, series=series)
        found = [None if value is None else Metric(value, dtype) for value in values]
        known = values if None not in values else ()
        own = rel is not None or abs_ is not None or of is not None
        return Thing(
            "metric",
            name,
            lambda one, other: gaps.of_metrics(found[one], found[other], rule),
            values=known,
            dtype=dtype,
            own=own,
            of=of,
            series=series,
        )

    def other(self, *marks, kind="table", name="a.csv", gap=None, **fields):
        """Return a thing whose runs differ by `gap` where their marks differ."""
        gap = gap or Gap(0.5, 0.5, 5e5, 5e5)
        return Thing(kind, name, lambda one, other: Gap() if marks[one] == marks[other] else gap, **fields)

    groups = staticmethod(numbered)


@pytest.fixture(scope="session")
def made():
    return Made()
