"""Limits that noise keeps, and no wider."""

from __future__ import annotations

import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_nbrepro.calibration import Proposal, Spread, merged
from pytest_nbrepro.calibration.proposals import flips_for, limit_for, rounded_up
from pytest_nbrepro.comparers.gaps import Gap

NOISE = (2.0, 2 * (1 + 3e-12), 2 * (1 + 1e-12), 2 * (1 + 2e-12), 2.0)
LOUD = (2.0, 2 * (1 + 3e-6), 2 * (1 + 1e-6), 2 * (1 + 2e-6), 2.0)


def limit(thing, n=5):
    return limit_for(thing, Spread(thing, range(n)))


def test_none_where_all_agree(made):
    assert limit(made.metric(*[0.5] * 5)).proposal is None


def test_a_default_limit_of_a_metric_becomes_as_narrow_as_noise_lets_it(made):
    thing = made.metric(*NOISE)
    found = limit(thing)
    needed = Spread(thing, range(5)).allowance("rel")
    assert found.proposal.path == ("metrics", "loss")
    assert found.proposal.limits == {"rel": rounded_up(needed)}
    assert needed <= found.proposal.limits["rel"] <= 1.1 * needed
    assert found.proposal.value == "{rel: 1.6e-11}"


def test_or_as_wide_as_noise_needs(made):
    assert limit(made.metric(*LOUD)).proposal.value == "{rel: 1.6e-5}"


def test_one_that_about_fits_stays(made):
    about = tuple(2 * (1 + (value / 2 - 1) * 3e4) for value in NOISE)
    assert limit(made.metric(*about)).note == "the default limit holds"


@pytest.mark.parametrize("rule", [{"rel": 1e-3}, {"rel": 1e-11}, {"abs_": 1e-10}])
def test_one_that_is_set_by_hand_stays_where_it_holds(made, rule):
    found = limit(made.metric(*NOISE, **rule))
    assert (found.proposal, found.note, found.unmet) == (None, "its own limit holds", False)


def test_and_is_widened_where_it_does_not(made):
    assert limit(made.metric(*NOISE, rel=1e-12)).proposal.value == "{rel: 1.6e-11}"
    assert limit(made.metric(*NOISE, rel=4e-12)).proposal.value == "{rel: 1.6e-11}"


def test_two_measurements_seldom_disagree_so_much_that_the_limit_of_the_first_does_not_hold(made):
    import numpy as np

    random, changed = np.random.default_rng(5), 0
    for _ in range(300):
        first = (1 + 1e-12 * random.standard_normal(7)).tolist()
        written = limit(made.metric(*first), 7).proposal.limits["rel"]
        again = (1 + 1e-12 * random.standard_normal(7)).tolist()
        changed += limit(made.metric(*again, rel=written), 7).proposal is not None
    assert changed <= 12  # 1 in 100 is what is expected


def test_zero_up_to_rounding_needs_abs(made):
    found = limit(made.metric(-1.1e-15, -5.3e-15, 0.0, 2e-15, -1e-15))
    assert found.proposal.value == "{abs: 3.3e-14}"
    assert found.note == "zero up to rounding: changes below 3.3e-14 cannot be told"


def test_none_is_wider_than_is_safe(made):
    found = limit(made.metric(1.0, 1 + 9e-6, 1.0), 3)
    assert (found.proposal, found.unmet) == (None, True)
    assert found.note.startswith("it would take rel 2.4e-4, wider than is safe")


def test_what_threads_move_by_more_than_rounding_has_no_limit(made):
    found = limit(made.metric(1.0, 1.0, 1.0, 1.5, 1.5))
    assert (found.proposal, found.unmet) == (None, True)
    assert "fix their number in `env`" in found.note


class TestFiles:
    def gap(self, rel, used, **more):
        return Gap(rel, rel, rel / 1e-6, used, **more)

    def test_a_limit_that_does_not_hold(self, made):
        table = made.other(*"abcde", gap=self.gap(1e-6, 1.0))
        assert limit(table).proposal == Proposal(("artifacts", "a.csv"), limits={"rel": 8.7e-6})

    def test_numbers_of_a_text_file(self, made):
        text = made.other(*"abcde", kind="text", name="r.txt", gap=self.gap(1e-6, math.inf))
        assert limit(text).proposal.value == "{numbers: {rel: 8.7e-6}}"

    def test_text_of_cells_has_one_limit(self, made):
        output = made.other(*"abcde", kind="output", name="cell 3", gap=self.gap(1e-6, 1.0))
        assert limit(output).proposal == Proposal(("outputs",), limits={"rel": 8.7e-6})

    def test_it_is_not_narrowed(self, made):
        table = made.other(*"abcde", gap=self.gap(1e-13, 1e-7))
        assert limit(table).note == "the default limit holds"

    def test_limits_of_columns_are_for_a_person(self, made):
        table = made.other(*"abcde", gap=self.gap(1e-6, 5.0), own=True, parted=True)
        assert limit(table).note == "it takes 43 times the limits that its columns have: widen them"
        assert limit(table).unmet

    def test_pictures_get_twice_the_worst_tile(self, made):
        picture = made.other(*"abcde", kind="image", name="f.png", gap=Gap(used=math.inf, tile=0.0071))
        assert limit(picture).proposal.value == "{tile: 1.5%}"

    def test_but_no_more_than_is_safe(self, made):
        picture = made.other(*"abcde", kind="image", name="f.png", gap=Gap(used=math.inf, tile=0.015))
        found = limit(picture)
        assert (found.proposal, found.unmet) == (None, True)
        assert found.note.startswith("it would take tile 3%, wider than is safe")


def test_flips(made):
    values = [count / 450 for count in (440, 441, 439, 440, 442)]
    thing = made.metric(*values, name="acc")
    found = flips_for(thing, 450, Spread(thing, range(5)))
    assert found == Proposal(("metrics", "acc"), limits={"of": 450, "flips": 14})
    assert found.value == "{of: 450, flips: 14}"
    wild = made.metric(0.2, 0.9, 0.5, name="acc")
    assert flips_for(wild, 10, Spread(wild, range(3))) is None


class TestMerged:
    def test_the_widest_of_all_cases(self):
        one, other = (
            Proposal(("outputs",), limits={"rel": 1e-9}),
            Proposal(("outputs",), limits={"rel": 1e-8}),
        )
        assert merged([one, other, one]) == (other,)

    def test_the_most_runs(self):
        assert merged([Proposal(("runs",), 10), Proposal(("runs",), 12)]) == (Proposal(("runs",), 12),)

    def test_both_units(self):
        place = ("metrics", "m")
        both = merged([Proposal(place, limits={"rel": 1e-9}), Proposal(place, limits={"abs": 1e-14})])
        assert both[0].value == "{rel: 1e-9, abs: 1e-14}"

    def test_counts_of_what_both_divide(self):
        place = ("metrics", "m")
        pair = [
            Proposal(place, limits={"of": 225, "flips": 4}),
            Proposal(place, limits={"of": 450, "flips": 7}),
        ]
        assert merged(pair)[0].limits == {"of": 450, "flips": 8}

    def test_places_stay_apart(self):
        apart = (Proposal(("seed",), 0), Proposal(("metrics", "a"), limits={"rel": 1e-9}))
        assert merged(apart) == apart


@given(st.floats(1e-300, 1e300))
def test_rounded_up_to_two_digits(value):
    found = rounded_up(value)
    assert value <= found <= 1.1 * value * (1 + 1e-12)
    assert len(Decimal(repr(found)).normalize().as_tuple().digits) <= 2
