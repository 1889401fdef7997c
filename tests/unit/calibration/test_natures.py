"""What the noise in one thing is."""

from __future__ import annotations

import math

import pytest

from pytest_nbrepro.calibration import Noise, examine, undecided
from pytest_nbrepro.comparers.gaps import Gap

TINY = (1.0, 1 + 3e-12, 1 + 1e-12)
LARGE, OTHER = (0.5, 0.7, 0.6), (0.9, 0.8, 1.0)
SAME = (0.5,) * 3


def nature(made, plain, seeds, same=(), threads=(), *, seeded=False, **fields):
    """Examine a metric by its values; those with one seed begin with the first of the other seeds."""
    groups = made.groups(len(plain), len(seeds), len(same) + 1 if same else 0, len(threads), seeded=seeded)
    thing = made.metric(*plain, *seeds, *same, *threads, **fields)
    return examine(thing, groups), bool(same) and undecided(thing, groups)


class TestAgreeing:
    def test_all_runs(self, made):
        found, _ = nature(made, SAME, SAME, threads=(0.5, 0.5))
        assert found.noise is Noise.NONE

    def test_other_seeds_move_it_where_the_annotation_sets_one(self, made):
        found, _ = nature(made, SAME, LARGE, threads=(0.5, 0.5))
        assert (found.noise, found.seeded) == (Noise.SEED, False)
        assert found.moved.n == 3
        assert not found.alike.varies

    def test_by_luck_where_it_sets_none(self, made):
        found, _ = nature(made, SAME, LARGE, same=(0.5, 0.5), threads=(0.5, 0.5), seeded=True)
        assert (found.noise, found.seeded) == (Noise.SEED, True)

    def test_by_luck_and_no_seed_helps(self, made):
        found, _ = nature(made, SAME, LARGE, same=(0.9,))
        assert (found.noise, found.seeded) == (Noise.CHANCE, False)

    def test_one_thread_moves_it(self, made):
        found, _ = nature(made, SAME, SAME, threads=(0.5 + 1e-13, 0.5 + 1e-13))
        assert (found.noise, found.calm) == (Noise.THREADS, False)
        assert found.alike.n == 5


class TestRounding:
    def test_small_differences(self, made):
        found, _ = nature(made, TINY, TINY, threads=(1.0, 1 + 2e-12))
        assert found.noise is Noise.ROUNDING
        assert (found.alike.n, found.alike.most("abs")) == (5, pytest.approx(3e-12, rel=1e-3))

    def test_that_are_gone_with_one_thread(self, made):
        found, _ = nature(made, TINY, TINY, threads=(1.0, 1.0))
        assert (found.noise, found.calm) == (Noise.THREADS, True)

    def test_few_distinct_values_may_agree_by_luck(self, made):
        found, _ = nature(made, (1.0, 1.0, 1 + 1e-12), TINY, threads=(1.0, 1.0))
        assert found.noise is Noise.ROUNDING

    def test_the_border(self, made):
        within, beyond = (1.0, 1 + 0.9e-5, 1.0), (1.0, 1 + 1.1e-5, 1.0)
        assert nature(made, within, within)[0].noise is Noise.ROUNDING
        assert nature(made, beyond, beyond)[0].noise is Noise.CHANCE
        assert nature(made, beyond, beyond, dtype="float32")[0].noise is Noise.ROUNDING

    def test_zero_up_to_rounding(self, made):
        nothing = (-1.1e-15, -5.3e-15, 0.0)
        assert nature(made, nothing, nothing)[0].noise is Noise.ROUNDING
        p_value = (3e-9, 9e-9, 4e-9)
        assert nature(made, p_value, p_value)[0].noise is Noise.CHANCE

    def test_whole_numbers_do_not_round(self, made):
        count = (1_000_000_000, 1_000_000_001, 1_000_000_000)
        assert nature(made, count, count)[0].noise is Noise.CHANCE

    def test_that_one_seed_ends_was_chance(self, made):
        found, _ = nature(made, TINY, (1 + 6e-12, 1 + 5e-12, 1 + 4e-12), same=(1 + 6e-12,) * 2)
        assert (found.noise, found.seeded) == (Noise.CHANCE, True)

    def test_that_one_seed_may_have_ended_by_luck_is_rounding(self, made):
        found, more = nature(made, TINY, (1 + 6e-12, 1 + 5e-12, 1 + 4e-12), same=(1 + 6e-12,))
        assert (found.noise, more) == (Noise.ROUNDING, True)

    def test_that_one_seed_does_not_end_is_rounding(self, made):
        found, more = nature(made, TINY, TINY, same=(1 + 2e-12,))
        assert (found.noise, more) == (Noise.ROUNDING, False)


class TestChance:
    def test_one_seed_makes_runs_agree(self, made):
        found, more = nature(made, LARGE, OTHER, same=(0.9, 0.9), threads=(0.9, 0.9), seeded=True)
        assert (found.noise, found.seeded, more) == (Noise.CHANCE, True, False)
        assert found.luck == pytest.approx((1 / 17) ** 2)  # of 15 pairs none agrees
        assert found.alike.n == 5

    def test_or_does_not(self, made):
        found, more = nature(made, LARGE, LARGE, same=(0.8,))
        assert (found.noise, found.seeded, more) == (Noise.CHANCE, False, False)
        assert not found.alike.varies

    def test_or_leaves_rounding(self, made):
        found, more = nature(made, LARGE, LARGE, same=(0.5 + 1e-13,))
        assert (found.noise, found.seeded, more) == (Noise.CHANCE, True, True)
        assert found.alike.varies

    def test_few_values_ask_for_more_runs_with_one_seed(self, made):
        coin = (0.5, 0.5, 0.6)
        found, more = nature(made, coin, coin, same=(0.5,))
        assert (found.seeded, found.luck, more) == (True, pytest.approx(8 / 17), True)
        found, more = nature(made, coin, coin, same=(0.5,) * 7)
        assert (found.luck, more) == (pytest.approx((8 / 17) ** 7), False)

    def test_the_first_run_again_is_always_asked_for_where_something_varies(self, made):
        groups = made.groups(3, 3, 1, 0)
        assert undecided(made.metric(*LARGE, *LARGE), groups)
        assert not undecided(made.metric(*SAME, *SAME), groups)

    def test_what_only_some_runs_have(self, made):
        found, _ = nature(made, (0.5, None, 0.5), SAME)
        assert (found.noise, found.spread.what) == (Noise.CHANCE, "only some of the runs have it")

    def test_nan_now_and_then(self, made):
        assert nature(made, (0.5, math.nan, 0.5), SAME)[0].noise is Noise.CHANCE


class TestPictures:
    def test_a_fringe_is_rounding_and_more_is_chance(self, made):
        groups = made.groups(3, 3, 0, 0)
        for share, noise in ((0.02, Noise.ROUNDING), (0.03, Noise.CHANCE)):
            picture = made.other(*"abaaba", kind="image", gap=Gap(used=math.inf, tile=share))
            assert examine(picture, groups).noise is noise
