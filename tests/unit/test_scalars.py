"""Printed scalars: which lines are some, their steps, and what a run's lines come to."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_nbrepro.model import Metric
from pytest_nbrepro.scalars import Scalar, Scalars, metrics, name_of


def read(line):
    return Scalars().read(line)


class TestLines:
    @pytest.mark.parametrize(
        ("line", "value"),
        [
            ("loss: 0.185659", 0.185659),
            ("loss: -1", -1),
            ("loss: +3", 3),
            ("loss: 1e-5", 1e-5),
            ("loss: 1.E+3", 1000.0),
            ("loss: .5", 0.5),
            ("loss: 2.", 2.0),
            ("loss:\t 7 ", 7),
            ("loss: 010", 10),
            ("loss: inf", math.inf),
            ("loss: -Infinity", -math.inf),
        ],
    )
    def test_one_word_and_a_number(self, line, value):
        found = read(line)
        assert (found.name, found.value, found.step) == ("loss", value, None)
        assert type(found.value) is type(value)

    @pytest.mark.parametrize("text", ["nan", "NaN", "-nan"])
    def test_nan(self, text):
        assert math.isnan(read(f"loss: {text}").value)

    @pytest.mark.parametrize("key", ["_a", "val/loss", "s-p", "Out[3]", "acc%", "größe", "a.b"])
    def test_keys_are_any_word_that_begins_like_a_name(self, key):
        expected = None if key == "größe" else Scalar(key, 1, None)
        assert read(f"{key}: 1") == (expected or Scalar("größe", 1, None))

    @pytest.mark.parametrize(
        "line",
        [
            "Test accuracy: 0.9",  # a space in the key
            "val_loss: 0.3 acc: 0.5",  # two in a line
            "loss: 98%",
            "loss: 1_0",
            "loss:0.5",
            " loss: 0.5",  # indented
            "loss = 0.5",
            "loss: {'a': 1}",
            "loss: 0.5 (best)",
            "1st: 0.5",
            "12:30: 1",
            "loss: ",
            "loss: 0.5\n",
            "",
        ],
    )
    def test_other_lines_are_text(self, line):
        assert read(line) is None
        assert name_of(line) is None

    def test_numbers_too_long_to_be_read_are_text(self):
        assert read(f"n: {'9' * 300}").value == int("9" * 300)
        assert read(f"n: {'9' * 5000}") is None
        assert read(f"n: 1 ({'9' * 5000})") is None
        assert read("n: 1e999999999").value == math.inf

    @given(st.floats(), st.integers())
    def test_what_python_prints_is_read_back(self, number, integer):
        found = read(f"a: {number}").value
        assert found == number or (math.isnan(found) and math.isnan(number))
        assert isinstance(found, float)
        again = read(f"a: {integer}")
        assert again is None or (again.value == integer and isinstance(again.value, int))

    @given(st.text())
    def test_no_text_makes_it_fail(self, text):
        scalar = read(text)
        assert (scalar is None) or name_of(text) == scalar.name

    @pytest.mark.parametrize(
        "line", ["a" * 200_000, "a (" * 60_000, "a: " + "1" * 200_000, "a: 1" + " " * 200_000 + "x"]
    )
    def test_long_lines_come_to_an_end(self, line):
        assert read(line) is None


class TestSteps:
    @pytest.mark.parametrize(
        "line", ["loss (step 3): 0.5", "loss (3): 0.5", "loss: 0.5 (step 3)", "loss: 0.5 (3) "]
    )
    def test_a_step_stands_before_or_behind_the_value(self, line):
        assert read(line) == Scalar("loss", 0.5, 3)

    def test_a_step_line_counts_for_what_follows(self):
        reader = Scalars()
        lines = ["a: 1", "step: 5", "a: 2", "a (9): 3", "a: 4", "step: 6", "a: 5"]
        found = [reader.read(line) for line in lines]
        assert [(s.value, s.step) for s in found if s] == [(1, None), (2, 5), (3, 9), (4, 5), (5, 6)]
        assert [name_of(line) for line in lines[:2]] == ["a", "step"]

    def test_a_step_that_is_no_integer_is_a_scalar(self):
        assert read("step: 0.5") == Scalar("step", 0.5, None)


class TestMetrics:
    def test_the_last_value_stands_for_a_name_with_all_its_steps(self):
        lines = [(0, "loss (1): 0.5"), (0, "acc: 3"), (2, "loss (2): 0.25"), (2, "text")]
        assert metrics(iter(lines), {}) == {
            "loss": Metric(0.25, "float64", 2, ((1, 0.5), (2, 0.25))),
            "acc": Metric(3, "int", 0),
        }

    def test_one_float_makes_all_of_a_name_floats(self):
        found = metrics(iter([(0, "a: 0.5"), (1, "a: 1")]), {})
        assert found["a"] == Metric(1.0, "float64", 1, ((None, 0.5), (None, 1)))
        assert isinstance(found["a"].value, float)

    def test_flags_are_inputs_and_no_metrics(self):
        assert list(metrics(iter([(0, "x: 1"), (0, "loss: 1")]), {"x": 1})) == ["loss"]

    def test_a_huge_integer_beside_a_float_is_no_fault(self):
        found = metrics(iter([(0, "a: 0.5"), (0, "a: " + "9" * 300)]), {})
        assert found["a"].value == float("9" * 300)
