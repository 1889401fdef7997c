"""What is found of a case, and what is to be done about it."""

from __future__ import annotations

import math
import statistics

import pytest

from pytest_nbrepro.calibration import Noise, Proposal, calibrate
from pytest_nbrepro.calibration.findings import needed_runs
from pytest_nbrepro.comparers.student import multiplier, quantile
from pytest_nbrepro.model import Spec

SAME, LARGE, OTHER = (0.5,) * 3, (0.5, 0.7, 0.6), (0.9, 0.8, 0.7)
SEED = Proposal(("seed",), 0)


@pytest.fixture
def case(made):
    """Calibrate metrics by their values in three runs as they are, three with other seeds, one or two more with the first
    of these, two with one thread; and other things.
    """

    def calibrated(*metrics, others=(), spec=None, same=None, seeded=True, **fields):
        same = (3 if seeded else 2) if same is None else same
        groups = made.groups(3, 3, same, 2, seeded=seeded)
        things = [made.metric(*values, name=name, **fields) for name, values in metrics]
        return calibrate([*things, *others], groups, spec or Spec())

    return calibrated


def seedable(start=0.55):
    """Return the values of a metric that one seed makes agree."""
    return (*LARGE, start, 0.8, 0.75, start, start, start, start)


def unseedable(*last):
    return (*LARGE, *OTHER, *(last or (0.55, 0.65, 0.75)))


def test_nothing_varies(case):
    found = case(("loss", (*SAME * 3, 0.5)))
    assert found.proposals == ()
    assert [(f.noise, f.notes, f.open) for f in found.findings] == [(Noise.NONE, (), False)]


def test_a_seed_where_one_is_enough(case):
    found = case(("loss", seedable()), ("n", (3,) * 10))
    assert found.proposals == (SEED,)
    loss, n = found.findings
    assert (loss.noise, loss.notes, loss.open) == (Noise.CHANCE, ("with one seed all runs agree",), False)
    variance = statistics.variance((0.55, 0.8, 0.75))
    assert loss.blur == pytest.approx(quantile(0.05, 2) * math.sqrt(2 * variance))
    assert (loss.rel, loss.abs) == (pytest.approx(0.4), pytest.approx(0.2))
    assert n.noise is Noise.NONE


def test_agreement_by_luck_is_told(case):
    found = case(("loss", (0.5, 0.5, 0.7, 0.5, 0.7, 0.5, 0.5, 0.5, 0.5)), same=2)
    assert found.proposals == (SEED,)
    assert found.findings[0].notes == ("with one seed all runs agree, by luck with a chance of 47 %",)


def test_several_runs_where_it_is_not(case):
    found = case(("loss", unseedable()), seeded=False)
    assert found.proposals == (Proposal(("runs",), 10),)
    assert found.findings[0].notes == (
        "one seed does not make runs agree",
        "10 runs would predict it to about ±0.5",
    )
    assert found.findings[0].blur is None
    assert not found.findings[0].open


def test_both_where_there_is_both(case):
    found = case(("a", seedable()), ("b", unseedable()))
    assert found.proposals == (SEED, Proposal(("runs",), 10))


def test_a_seed_of_the_annotation_is_kept(case):
    found = case(("a", (*SAME, *OTHER, 0.5, 0.5)), spec=Spec(seed=7), same=0, seeded=False)
    assert found.proposals == ()
    assert found.findings[0].noise is Noise.SEED
    assert found.findings[0].notes == ("runs as they are agree, other seeds move it",)
    assert found.findings[0].blur is not None


def test_a_statistical_baseline_allows_for_chance(case):
    found = case(("a", seedable()), ("b", unseedable()), spec=Spec(runs=10))
    assert found.proposals == ()
    assert {f.notes for f in found.findings} == {("the baseline of 10 runs allows for it",)}
    assert not any(f.open for f in found.findings)


def test_but_not_in_files(case, made):
    table = made.other(*"abc", *"def", *"dddd")
    found = case(("a", seedable()), others=[table], spec=Spec(runs=10))
    assert found.proposals == (SEED,)


def test_what_no_seed_settles_and_no_number_tells(case, made):
    table = made.other(*"abc", *"def", *"ghi")
    found = case(("a", unseedable()), others=[table], seeded=False)
    assert found.proposals == (Proposal(("runs",), 10),)
    differing = found.findings[1]
    assert differing.open
    assert differing.notes == (
        "differs, nothing tells how much: print what matters of it as a metric, or ignore it by hand",
        "a baseline of 10 runs is refused as long as it differs",
    )
    assert differing.proposal is None


def test_counts_whose_number_is_known_need_no_several_runs(case):
    values = [count / 450 for count in (440, 441, 439, 440, 442, 438, 441, 441, 440)]
    found = case(("acc", values), seeded=False)
    assert found.proposals == (Proposal(("metrics", "acc"), limits={"of": 450, "flips": 45}),)
    assert not found.findings[0].open
    both = case(("acc", values), ("loss", unseedable()), seeded=False)
    assert both.proposals == (Proposal(("runs",), 10),)


def test_counts_of_a_number_that_the_annotation_has(case):
    values = [count / 500 for count in (440, 441, 439, 440, 442, 438, 441, 441, 440)]
    found = case(("acc", values), seeded=False, of=500)
    assert found.proposals == (Proposal(("metrics", "acc"), limits={"of": 500, "flips": 45}),)
    assert case(("acc", values), seeded=False).proposals == (
        Proposal(("runs",), 10),
    )  # as if it were printed


def test_few_values_may_be_a_count(case):
    found = case(("acc", (0.5, 0.5, 0.7, 0.5, 0.7, 0.5, 0.7, 0.5, 0.5)), seeded=False)
    assert found.findings[0].notes[-1].startswith("it takes few values: if it is a share of n things")


def test_a_series_has_no_statistical_baseline(case):
    found = case(("loss", unseedable()), seeded=False, series=True)
    assert found.proposals == ()
    assert found.findings[0].open
    assert found.findings[0].notes[0].startswith("a series has no statistical baseline")


def test_limits_of_rounding(case):
    noise = [1 + 1e-12 * k for k in (0, 3, 1, 2, 0, 1, 3, 1, 3, 1)]
    found = case(("sum", noise), ("loss", seedable()))
    assert [p.path for p in found.proposals] == [("seed",), ("metrics", "sum")]
    assert found.findings[0].noise is Noise.ROUNDING


def test_the_intervals_of_a_statistical_baseline_stand_for_limits(case):
    noise = [1 + 1e-12 * k for k in (0, 3, 1, 2, 0, 1, 3, 3, 1)]
    found = case(("sum", noise), ("loss", unseedable()), seeded=False)
    assert found.proposals == (Proposal(("runs",), 10),)


def test_threads(case):
    found = case(("sum", (*SAME * 2, 0.5, 0.5 + 1e-13, 0.5 + 1e-13)), seeded=False)
    (sum_,) = found.findings
    assert (sum_.noise, sum_.notes) == (Noise.THREADS, ("runs as they are agree, one thread moves it",))
    assert sum_.proposal.limits["rel"] < 3e-12


def test_as_many_runs_as_a_narrow_interval_takes():
    assert [needed_runs(n) for n in (1, 2, 10, 100)] == [10, 10, 12, 15]
    n = needed_runs(1)
    assert multiplier(n, 0.001) <= 1.6 * 3.2905 < multiplier(n - 1, 0.001)
