"""Why a run differs: the evidence told, and nothing claimed without any."""

import json
from pathlib import Path

import pytest

from pytest_nbrepro import diagnosis, files, flags, notebook
from pytest_nbrepro.model import Run, RunStatus, Why

SAME = "it is chance, or something that is not recorded"


def book(*sources, **ids):
    cells = []
    for number, source in enumerate(sources):
        cell = source if isinstance(source, dict) else {"source": source}
        known = {
            "cell_type": "code",
            "id": f"id{number}",
            "metadata": {},
            "outputs": [],
            "execution_count": None,
        }
        cells.append({**known, **cell})
    raw = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}
    return notebook.parse(json.dumps(raw), Path("a.ipynb"))


def record(values=None, **fields):
    known = {
        "schema": 1,
        "interpreter": "CPython 3.11.7",
        "cpu": "fast",
        "blas": {"name": "openblas", "version": "0.3.30"},
        "distributions": {"numpy": "2.0", "scipy": "1.15"},
        "inputs": {"data/a.csv": "12", "data/b.csv": "34"},
        "flags": {name: files.to_json(value) for name, value in (values or {}).items()},
    }
    return {key: value for key, value in {**known, **fields}.items() if value is not ...}


def explain(executed, accepted, now, before):
    effective = flags.effective(flags.detect(executed), {})
    run = Run("1", Path("run"), "a.ipynb", "default", effective, RunStatus.COMPLETED, "")
    return diagnosis.explain(run, executed, now, accepted, before)


def why(now=None, before=None, executed=("x = 1\nprint(x)",), accepted=("x = 1\nprint(x)",)):
    return explain(book(*executed), book(*accepted), now or record({"x": 1}), before or record({"x": 1}))


class TestOneCause:
    def test_nothing_changed(self):
        assert why() == Why("UNKNOWN", f"source, flags, inputs, environment same; {SAME}")

    def test_a_package_changed(self):
        now = record({"x": 1}, distributions={"numpy": "2.1", "scipy": "1.15", "polars": "1"})
        told = "source, flags, inputs same; numpy 2.0 -> 2.1, polars is new"
        assert why(now) == Why("ENVIRONMENT", told)

    def test_the_machine_changed(self):
        now = record({"x": 1}, cpu="slow", blas={"name": "mkl", "version": "2025"}, interpreter=None)
        assert why(now) == Why(
            "ENVIRONMENT",
            "source, flags, inputs same; interpreter CPython 3.11.7 -> None; cpu fast -> slow; blas openblas 0.3.30 -> mkl 2025",
        )

    def test_packages_are_told_before_the_machine(self):
        now = record({"x": 1}, cpu="slow", distributions={"numpy": "2.1", "scipy": "1.15"})
        assert why(now).text.endswith("numpy 2.0 -> 2.1; cpu fast -> slow")

    def test_threads_are_spelt(self):
        pools = [{"api": "blas", "n": 2}, {"api": "openmp", "n": 2}]
        found = why(record({"x": 1}, threads=None), record({"x": 1}, threads=pools))
        assert found.text.endswith("threads blas 2, openmp 2 -> None")

    def test_an_input_changed(self):
        now = record({"x": 1}, inputs={"data/a.csv": "56", "data/c.csv": "1"})
        told = "source, flags, environment same; data/a.csv changed, data/b.csv is gone, data/c.csv is new"
        assert why(now) == Why("DATA", told)

    def test_more_than_four_are_counted(self):
        now = record({"x": 1}, inputs={f"{n}": "1" for n in range(9)})
        assert why(now, record({"x": 1}, inputs={})).text.endswith("3 is new and 5 more")

    def test_a_cell_changed(self):
        found = why(executed=("x = 1\nprint(x + 1)",))
        assert found == Why("CODE", "flags, inputs, environment same; source changed: cell 1")

    def test_cells_that_are_new_or_gone_are_told_but_empty_ones_are_not(self):
        found = why(
            executed=("x = 1\nprint(x)", {"source": "# new one", "id": "n"}, " \n"),
            accepted=("x = 1\nprint(x)", "# gone one\n1"),
        )
        assert (
            found.text
            == 'flags, inputs, environment same; source changed: cell 2 "new one" is new, cell 2 "gone one" is gone'
        )

    def test_cells_that_changed_places_are_told(self):
        one, two = {"source": "a", "id": "a"}, {"source": "b", "id": "b"}
        found = why(record(), record(), executed=(one, two), accepted=(two, one))
        assert found == Why("CODE", "flags, inputs, environment same; source changed: cells changed places")

    def test_markdown_is_no_code(self):
        title = {"cell_type": "markdown", "source": "# t"}
        assert (
            why(record(), record(), executed=(title, "1"), accepted=({**title, "source": "# u"}, "1")).cause
            == "UNKNOWN"
        )


class TestFlags:
    def test_another_value_is_no_other_code(self):
        found = why(record({"x": (1, "ü")}), executed=("x = (1, 'ü')\nprint(x)",))
        assert found == Why("FLAGS", "source, inputs, environment same; x 1 -> (1, 'ü')")

    def test_other_spaces_are_other_code(self):
        found = why(record({"x": 2}), executed=("x =  2\nprint(x)",))
        assert found == Why("SEVERAL", "inputs, environment same; source changed: cell 1; x 1 -> 2")

    def test_several_flags_of_one_cell_are_taken_out(self):
        found = why(
            record({"a": 10, "b": 20}), record({"a": 1, "b": 2}), ("a = 10; b = 20",), ("a = 1; b = 2",)
        )
        assert found == Why("FLAGS", "source, inputs, environment same; a 1 -> 10, b 2 -> 20")

    def test_a_literal_that_is_no_flag_is_code(self):
        cells = ("x = 1\nprint(x)", "y = 1", "y = 2")
        assert why(executed=(*cells[:2], "y = 3"), accepted=cells).text.endswith("source changed: cell 3")

    def test_a_name_that_became_a_flag_is_code(self):
        found = why(record({"x": 1}), record(), executed=("x = 1",), accepted=("x = f()",))
        assert found == Why("SEVERAL", "inputs, environment same; source changed: cell 1; x is new")


class TestNotRecorded:
    def test_a_baseline_that_recorded_nothing_is_evidence_of_nothing(self):
        assert why(before={"schema": 1}) == Why(
            "UNKNOWN", f"source same; flags, inputs, environment not recorded; {SAME}"
        )

    def test_then_another_value_in_the_source_is_code(self):
        found = why(record({"x": 2}), {"schema": 1}, executed=("x = 2\nprint(x)",))
        assert found == Why("CODE", "flags, inputs, environment not recorded; source changed: cell 1")

    @pytest.mark.parametrize("missing", ["flags", "inputs"])
    def test_one_of_them(self, missing):
        now = record({"x": 1}, cpu="slow")
        assert (
            f"; {missing} not recorded; cpu fast -> slow" in why(now, record({"x": 1}, **{missing: ...})).text
        )

    def test_how_many_threads_libraries_may_use(self):
        found = why(record({"x": 1}, thread_limit="2"), record({"x": 1}, thread_limit="none"))
        assert found.cause == "ENVIRONMENT"
        assert "thread limit none -> 2" in found.text

    def test_the_machine_alone_is_an_environment(self):
        assert "environment same" in why(before=record({"x": 1}, distributions=...)).text
