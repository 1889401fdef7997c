"""The smallest set of changes that fails."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pytest_nbrepro.environments.narrowing import expected, narrow


@given(st.integers(1, 40), st.data())
def test_it_is_the_smallest_and_no_set_is_tried_twice(n, data):
    """Where what fails goes on failing with more changes."""
    needed = data.draw(st.sets(st.integers(0, n - 1), min_size=1, max_size=3))
    tried = []

    def fails(some):
        assert some not in tried
        assert some
        assert len(some) < n
        tried.append(some)
        return needed <= some

    found = narrow(range(n), fails)
    assert set(found.culprits) == needed
    assert found.culprits == tuple(sorted(needed))
    assert found.trials == len(tried)
    assert found.unsure == ()


@given(st.integers(1, 40), st.data())
def test_one_culprit_takes_no_more_than_expected(n, data):
    culprit = data.draw(st.integers(0, n - 1))
    assert narrow(range(n), lambda some: culprit in some).trials <= expected(n)


def test_twelve_changes_take_five_trials():
    assert expected(12) == 5


def test_either_of_two_is_enough():
    assert len(narrow(range(8), lambda some: bool({2, 5} & some)).culprits) == 1


def test_what_cannot_be_tried_counts_as_not_failing_and_is_told():
    found = narrow(range(12), lambda some: None if 3 in some and 7 not in some else 7 in some)
    assert found.culprits == (7,)
    assert all(3 in some for some in found.unsure)
    assert found.unsure
