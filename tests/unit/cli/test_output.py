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
    ("value", "text"),
    [
        (None, ""),
        (0.0, "0 ms"),
        (0.00123, "1.2 ms"),
        (0.25, "0.25 s"),
        (12.345, "12.3 s"),
        (99.99, "100 s"),
        (100.0, "1 min 40 s"),
        (3599.4, "59 min 59 s"),
        (3661.0, "1 h 01 min"),
    ],
)
def test_seconds(value, text):
    assert output.seconds(value) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1 KiB"),
        (1536, "1.5 KiB"),
        (5 << 20, "5 MiB"),
        (3 << 30, "3 GiB"),
        (2 << 40, "2 TiB"),
    ],
)
def test_size(count, text):
    assert output.size(count) == text


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
