"""How commands write."""

from __future__ import annotations

import pytest

from pytest_nbrepro.cli import output
from pytest_nbrepro.model import Metric


def test_columns_are_as_wide_as_they_need():
    lines = list(output.table(("A", "B"), [("long one", "x"), ("y", "two\nlines  here")], indent="  "))
    assert lines == ["  A         B", "  long one  x", "  y         two lines here"]


def test_a_table_may_be_empty():
    assert list(output.table(("A", "B"), [])) == ["A  B"]


@pytest.mark.parametrize(
    ("metric", "text"),
    [
        (Metric(1 / 3), "0.333333"),
        (Metric(123456789, "int"), "123456789"),
        (Metric(True, "bool"), "True"),
        (Metric(float("inf")), "inf"),
    ],
)
def test_number(metric, text):
    assert output.number(metric) == text


def test_what_is_no_time_stays():
    assert output.local_time("yesterday") == "yesterday"
