"""Durations, sizes and verdicts as people say them."""

from __future__ import annotations

import math

import pytest

from pytest_nbrepro.reports import words


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
    assert words.seconds(value) == text


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
    assert words.size(count) == text


@pytest.mark.parametrize(
    ("bad", "total", "text"),
    [
        (0, 0, "no case ran"),
        (0, 1, "the case is fine"),
        (0, 3, "all 3 cases are fine"),
        (1, 1, "1 of 1 case does not reproduce"),
        (2, 3, "2 of 3 cases do not reproduce"),
    ],
)
def test_headline(bad, total, text):
    assert words.headline(bad, total) == text


@pytest.mark.parametrize(
    ("used", "text"),
    [(None, ""), (0.0, "0x"), (12.94, "12.9x"), (1.23e7, "1.2e7x"), (math.inf, "∞"), (math.nan, "NaN")],
)
def test_used(used, text):
    assert words.used(used) == text
