"""How many things a metric is a share of."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_nbrepro.calibration.shares import counted


def test_values_tell_their_number():
    assert counted([437 / 450, 438 / 450, 431 / 450]) == 450
    assert counted([1 / 3, 2 / 3]) == 3


@pytest.mark.parametrize(
    "values",
    [
        pytest.param([0.97, 0.96, 0.95], id="printed"),
        pytest.param([437 / 450] * 5, id="one value alone"),
        pytest.param([437 / 450, 0.123456789], id="no share"),
        pytest.param([437 / 450, 451 / 450], id="more than all"),
        pytest.param([1, 2], id="whole numbers"),
        pytest.param([1 / 9973, 1 / 9967], id="of too many"),
        pytest.param([float("nan"), 1 / 3], id="nan"),
        pytest.param([], id="nothing"),
    ],
)
def test_values_that_tell_nothing(values):
    assert counted(values) is None


@given(st.integers(11, 10_000), st.data())
def test_the_number_divides_the_real_one(of, data):
    counts = data.draw(st.lists(st.integers(0, of), min_size=2, max_size=8))
    found = counted([count / of for count in counts])
    assert found is None or of % found == 0
