"""Why a run differs: the evidence told, and nothing claimed without any."""

import dataclasses
import json
from pathlib import Path

import pytest

from pytest_nbrepro import diagnosis, files, flags, notebook
from pytest_nbrepro.model import Run, RunError, RunStatus, Why

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
    return dataclasses.replace(diagnosis.explain(run, executed, now, accepted, before), evidence=())


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
            "source, flags, inputs same; interpreter CPython 3.11.7 -> None; "
            "machine: cpu fast -> slow; blas openblas 0.3.30 -> mkl 2025",
        )

    def test_packages_are_told_before_the_machine(self):
        now = record({"x": 1}, cpu="slow", distributions={"numpy": "2.1", "scipy": "1.15"})
        assert why(now).text.endswith("numpy 2.0 -> 2.1; machine: cpu fast -> slow")

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
        assert found == Why("SEVERAL", "inputs, environment same; CODE and FLAGS changed")

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
        assert found == Why("SEVERAL", "inputs, environment same; CODE and FLAGS changed")


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
            f"; {missing} not recorded; machine: cpu fast -> slow"
            in why(now, record({"x": 1}, **{missing: ...})).text
        )

    def test_how_many_threads_libraries_may_use(self):
        found = why(record({"x": 1}, thread_limit="2"), record({"x": 1}, thread_limit="none"))
        assert found.cause == "ENVIRONMENT"
        assert "thread limit none -> 2" in found.text

    def test_the_machine_alone_is_an_environment(self):
        assert "environment same" in why(before=record({"x": 1}, distributions=...)).text


class TestEnvironment:
    def test_what_is_imported_only_where_it_is_installed_is_told_last(self):
        before = record({"x": 1}, distributions={"numpy": "2.0", "psutil": "6"}, optional=["psutil"])
        now = record({"x": 1}, distributions={"numpy": "2.1", "psutil": "7"}, optional=["psutil"])
        assert why(now, before).text.endswith(
            "numpy 2.0 -> 2.1; psutil 6 -> 7 (imported only where installed)"
        )

    def test_one_that_either_side_needed_is_no_such(self):
        before = record({"x": 1}, distributions={"psutil": "6"}, optional=["psutil"])
        now = record({"x": 1}, distributions={"psutil": "7"}, optional=[])
        assert why(now, before).text.endswith("; psutil 6 -> 7")

    def test_a_baseline_that_did_not_tell_them_apart(self):
        before = record({"x": 1}, distributions={"numpy": "2.0", "psutil": "6"})
        now = record({"x": 1}, distributions={"numpy": "2.0", "psutil": "7"}, optional=["psutil"])
        assert why(now, before).text.endswith("; psutil 6 -> 7")

    def test_settings_and_variables_are_told_apart_from_the_machine(self):
        before = record(
            {"x": 1}, timezone=["UTC", "UTC"], variables={"LANG": "C"}, variables_read={"SCALE": "12ab"}
        )
        now = record(
            {"x": 1},
            timezone=["JST", "JST"],
            variables={"LANG": "de"},
            variables_read={"SCALE": "unset"},
            cpu="slow",
        )
        assert why(now, before).text.endswith(
            "timezone UTC -> JST; variable LANG C -> de; "
            "variable SCALE, which the notebook reads, changed; machine: cpu fast -> slow"
        )

    def test_a_variable_that_only_one_of_the_sides_read_is_no_evidence(self):
        before = record({"x": 1}, variables_read={"OLD": "12ab"})
        assert why(record({"x": 1}, variables_read={"NEW": "12ab"}), before).cause == "UNKNOWN"


def failed(message, *, now=None, before=None, executed=("f()",), accepted=("f()",)):
    run = Run(
        "1", Path("run"), "a.ipynb", "default", {}, RunStatus.FAILED, "", error=RunError("cell", message, 0)
    )
    return diagnosis.explain_failure(
        run, book(*executed), now or record(), book(*accepted), before or record()
    )


class TestAnErrorThatEndedTheRun:
    NOW = record(distributions={"numpy": "2.1"}, blamed=["numpy", "own"])

    @pytest.mark.parametrize("kind", ["AttributeError", "ImportError", "TypeError"])
    def test_a_distribution_that_it_is_about_and_that_changed(self, kind):
        found = failed(f"{kind}: no such thing", now=self.NOW)
        assert (found.cause, found.text) == (
            "ENVIRONMENT",
            "source, flags same; numpy 2.0 -> 2.1, which the error is about",
        )

    def test_other_errors_are_about_no_interface(self):
        assert failed("ValueError: 3", now=self.NOW) is None

    def test_a_distribution_that_did_not_change_is_not_accused(self):
        assert failed("TypeError: 3", now=record(distributions={"scipy": "2"}, blamed=["numpy"])) is None

    def test_a_module_that_is_gone(self):
        now = record(distributions={}, blamed=["numpy"])
        found = failed("ModuleNotFoundError: No module named 'numpy'", now=now)
        assert found.text.endswith("numpy 2.0 -> not there, which the error is about")

    def test_code_that_changed_is_told_and_an_input_that_was_read(self):
        now = record(inputs={"data/a.csv": "other"})
        found = failed("ValueError: 3", now=now, executed=("g()",))
        assert found.cause == "SEVERAL"
        assert [(one.cause, one.text) for one in found.evidence if one.state == "changed"] == [
            ("CODE", "source changed: cell 1"),
            ("DATA", "data/a.csv changed"),
        ]

    def test_what_was_stopped_tells_nothing(self):
        run = Run("1", Path("run"), "a.ipynb", "default", {}, RunStatus.DIED, "")
        assert diagnosis.explain_failure(run, book("1"), record(), book("1"), record()) is None


class TestRunningAgain:
    def both(self):
        now = record(distributions={"numpy": "2.1", "scipy": "1.15"})
        return diagnosis.explain(
            Run("1", Path("run"), "a.ipynb", "default", {}, RunStatus.COMPLETED, ""),
            book("2"),
            now,
            book("1"),
            record(),
        )

    def test_chance_is_one_of_the_causes(self):
        found = diagnosis.with_chance(self.both(), "it differs")
        assert (found.cause, found.by_chance) == ("SEVERAL", True)
        assert found.text == "flags, inputs same; CODE, ENVIRONMENT and CHANCE changed"

    def test_a_second_run_that_agrees(self):
        found = diagnosis.with_repeat(why_full(), "a second run is bit-identical")
        assert (found.cause, found.by_chance) == ("UNKNOWN", False)
        assert found.text.endswith(
            "same; it is something that is not recorded; a second run is bit-identical"
        )

    def test_what_was_shown_not_to_matter_is_told_as_such(self):
        found = diagnosis.parted(self.both(), ["CODE"], "the old source still gives it")
        assert found.cause == "CODE"
        assert found.text == (
            "flags, inputs same; numpy 2.0 -> 2.1 (does not matter); source changed: cell 1; the old source still gives it"
        )


def why_full():
    run = Run("1", Path("run"), "a.ipynb", "default", {}, RunStatus.COMPLETED, "")
    return diagnosis.explain(run, book("1"), record(), book("1"), record())
