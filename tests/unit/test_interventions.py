"""What points to what can be held still, what is set aside, and the first variable that differs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_nbrepro import notebook
from pytest_nbrepro.capture import Hidden
from pytest_nbrepro.interventions import aside, known
from pytest_nbrepro.interventions.variables import first_difference
from pytest_nbrepro.model import Artifact, Check, CheckStatus, Run, RunStatus, Seen, Verdict


def run(folder=Path("run"), **fields):
    return Run(
        "1", folder, "a.ipynb", "default", {}, RunStatus.COMPLETED, "2026-01-01T00:00:00+00:00", **fields
    )


def book(*cells):
    raw = []
    for number, cell in enumerate(cells):
        cell = {"source": cell} if isinstance(cell, str) else cell
        plain = {
            "cell_type": "code",
            "id": f"id{number}",
            "metadata": {},
            "outputs": [],
            "execution_count": None,
        }
        raw.append({**plain, **cell})
    text = json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": raw})
    return notebook.parse(text, Path("a.ipynb"))


def pointed(source):
    return {one.name for one in known.suspects(run(), book(source))}


class TestWhatPointsToIt:
    @pytest.mark.parametrize(
        ("source", "name"),
        [
            ("words = {'a', 'b'}", "hash"),
            ("list(set(x))", "hash"),
            ("{n for n in x}", "hash"),
            ("hash('a')", "hash"),
            ("time.time()", "clock"),
            ("datetime.now()", "clock"),
            ("%time f()", "clock"),
            ("datetime.fromtimestamp(3)", "timezone"),
            ("id(x)", "ids"),
            ("os.getpid()", "ids"),
            ("np.empty(3)", "memory"),
            ("np.empty_like(x)", "memory"),
            ("a @ b", "threads"),
            ("fit(n_jobs=2)", "threads"),
            ("import torch", "torch"),
            ("from keras import layers", "tensorflow"),
        ],
    )
    def test_code(self, source, name):
        assert name in pointed(source)

    @pytest.mark.parametrize(
        "source",
        [
            "x = {'a': 1}",
            "f'{x}'",
            "valid(x)",
            "# set(x)",
            "grid(x)",
            "print('{a}')",
            "x = {}",
            "runtime = 3",
        ],
    )
    def test_code_that_points_to_nothing(self, source):
        assert pointed(source) == set()

    def test_what_was_seen_comes_first_with_its_place(self):
        seen = run(seen=(Seen("listing", 1, "line 2"), Seen("listing", 1, "line 2")))
        found = known.suspects(seen, book("set(x)", "1"))
        assert [one.name for one in found] == ["listing", "hash"]
        assert found[0].places(seen, book("set(x)", "1")) == ["cell 2 (line 2)"]
        assert {one.name for one in known.others(found)} == {one.name for one in known.KNOWN} - {
            "listing",
            "hash",
        }

    def test_no_cell_below_the_first_that_differs(self):
        hashed = next(one for one in known.KNOWN if one.name == "hash")
        assert hashed.places(run(), book("a", "\nset(x)", "set(y)"), 1) == ["cell 2 (line 2)"]
        assert hashed.places(run(), book("a", "b", "set(y)"), 1) == []

    def test_several_at_once(self):
        chosen = [one for one in known.KNOWN if one.name in {"random", "hash"}]
        assert known.together(chosen) == ({"random": 0}, {"PYTHONHASHSEED": "0"})

    def test_each_says_how_it_is_mended(self):
        assert all(one.mend and one.cause for one in known.KNOWN)
        assert all(one.forced or one.env for one in known.KNOWN)


def stream(text, name="stdout"):
    return {"output_type": "stream", "name": name, "text": text}


def left_out(one, other, *checks, first=None, second=None):
    hidden = Hidden.of(run(), Path("root"), Hidden().masks)
    books = (book({"source": "x", "outputs": one}), book({"source": "x", "outputs": other}))
    found = aside.findings((first or run(), second or run()), books, Verdict(checks), hidden)
    return [(finding.name, finding.cells) for finding in found]


class TestAside:
    def test_what_masks_hide(self):
        one, other = ([stream(f"<a at 0x7f000000000{n}>")] for n in (1, 2))
        assert left_out(one, other) == [("addresses", ("cell 1",))]
        assert left_out(one, one) == []

    def test_standard_error(self):
        one, other = ([stream(f"/tmp/ipykernel_{n}/1.py:1: UserWarning", "stderr")] for n in (1, 2))
        assert left_out(one, other) == [("process ids", ("cell 1 (stderr)",))]
        assert left_out([], [stream("new", "stderr")]) == [("standard error", ("cell 1 (stderr)",))]

    def test_results_that_are_shown(self):
        one, other = (
            [
                {
                    "output_type": "display_data",
                    "metadata": {},
                    "data": {"text/plain": f"<a at 0x7f000000000{n}>"},
                }
            ]
            for n in (1, 2)
        )
        assert left_out(one, other) == [("addresses", ("cell 1",))]

    def test_timings_by_name(self):
        timed = Check("metric", "fit_time", CheckStatus.ASIDE)
        table = Check(
            "table", "a.csv", CheckStatus.WITHIN, parts=(Check("table", "fit_time", CheckStatus.ASIDE),)
        )
        assert left_out([], [], timed, table) == [("timings", ())]

    def test_bytes_alone(self):
        check = Check("pdf", "a.pdf", CheckStatus.EQUAL)
        one, other = (
            run(artifacts={"a.pdf": Artifact("a.pdf", "pdf", "files/a.pdf", sha, 3)}) for sha in "12"
        )
        assert left_out([], [], check, first=one, second=other) == [("file bytes", ())]
        assert left_out([], [], check, first=one, second=one) == []

    def test_an_error_among_the_outputs(self):
        error = {"output_type": "error", "ename": "ValueError", "evalue": "3", "traceback": []}
        assert left_out([error], [error]) == [("error", ("cell 1",))]


class TestVariables:
    def kept(self, folder, changes):
        folder.mkdir()
        (folder / "variables.json").write_text(json.dumps(changes))
        return run(folder)

    def test_the_first_after_the_cell_that_changed_it(self, tmp_path):
        one = self.kept(tmp_path / "1", {"0": {"x": "a"}, "1": {"y": "b"}, "2": {"z": "c"}})
        other = self.kept(tmp_path / "2", {"0": {"x": "a"}, "1": {"y": "other"}, "2": {"z": "other"}})
        cells = book("1", "# fit\n2", "3")
        assert first_difference(one, cells, other, cells) == '`y` first differs after cell 2 "fit"'

    def test_several_and_one_that_only_one_has(self, tmp_path):
        one = self.kept(tmp_path / "1", {"0": dict.fromkeys("abcd", "1")})
        other = self.kept(tmp_path / "2", {"0": {"e": "1"}})
        cells = book("1")
        assert (
            first_difference(one, cells, other, cells) == "`a`, `b`, `c` and 2 more first differ after cell 1"
        )

    def test_a_cell_that_only_the_other_has(self, tmp_path):
        one = self.kept(tmp_path / "1", {"0": {"x": "a"}})
        other = self.kept(tmp_path / "2", {"0": {"x": "a"}, "1": {"y": "b"}})
        assert first_difference(one, book("1"), other, book("1", "2")) is None

    def test_none(self, tmp_path):
        one = self.kept(tmp_path / "1", {"0": {"x": "a"}})
        assert first_difference(one, book("1"), one, book("1")) is None
        assert first_difference(run(tmp_path / "none"), book("1"), run(tmp_path / "none"), book("1")) is None
