"""`nbrepro run` as a search."""

from __future__ import annotations

import json

import pytest

from pytest_nbrepro import attributes
from pytest_nbrepro.sweep import batch
from pytest_nbrepro.sweep.search import Search

CELLS = ("x = 1.0\nn = 3\nname = 'adam'\nsizes = [1, 2]", "print('loss:', (x - 0.25) ** 2 + n + len(sizes))")


@pytest.fixture
def kernel(fake_kernel):
    return fake_kernel


def search(bench, *arguments, code=0, cells=CELLS, **metadata):
    """Search with a notebook of these cells, and return what is told in JSON."""
    bench.notebook("train.ipynb", *cells, **metadata)
    said = bench("run", "train.ipynb", *arguments, "--json", "-y")
    assert said.code == code, said.err
    return said.json


def given(found, *names):
    return [tuple(one["flags"][name] for name in names) for one in found["trials"]]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--prune"], "--prune needs one metric"),
        (["--prune", "--minimize", "loss", "--maximize", "x"], "--prune needs one metric"),
        (["--prune", "--minimize", "loss", "--executor", "dask"], "does not go with --executor"),
    ],
)
def test_what_cannot_be_ended_early(bench, kernel, options, told):
    bench.notebook("train.ipynb", *CELLS)
    said = bench("run", "train.ipynb", "x=[0, 1]", "-y", *options)
    assert (said.code, told in said.err) == (2, True)


class TestWhatIsSearched:
    def test_a_grid(self, bench, kernel):
        found = search(bench, "x=[0, 1]", "n=grid(1, 2)", "name=sgd")
        assert given(found, "x", "n", "name") == [
            (0.0, 1, "sgd"),
            (0.0, 2, "sgd"),
            (1.0, 1, "sgd"),
            (1.0, 2, "sgd"),
        ]
        assert found["best"] == []
        assert [one["trial"] for one in found["trials"]] == [1, 2, 3, 4]

    def test_a_list_flag_stays_a_list(self, bench, kernel):
        bench.notebook("train.ipynb", *CELLS)
        assert "runs" in bench("run", "train.ipynb", "sizes=[5]", "--json", "-y").json
        assert given(search(bench, "sizes=grid([5], [6, 7])"), "sizes") == [([5],), ([6, 7],)]

    def test_a_range_by_chance(self, bench, kernel):
        found = search(bench, "x=[-2:2]", "--max-trials", "3", "--seed", "1")
        values = [x for (x,) in given(found, "x")]
        assert len(set(values)) == 3
        assert all(-2 <= x <= 2 for x in values)
        assert values == [
            x for (x,) in given(search(bench, "x=[-2:2]", "--max-trials", "3", "--seed", "1"), "x")
        ]

    @pytest.mark.parametrize(
        ("name", "text"),
        [
            ("rows.csv", "x,n,name\n0.5,1,a\n2,,b\n"),
            ("rows.json", '[{"x": 0.5, "n": 1, "name": "a"}, {"x": 2, "name": "b"}]'),
            ("rows.yaml", "- {x: 0.5, n: 1, name: a}\n- {x: 2, name: b}\n"),
        ],
    )
    def test_rows_of_a_file(self, bench, kernel, name, text, monkeypatch):
        (bench.root / name).write_text(text)
        found = search(bench, f"@{name}", "n=7")
        assert given(found, "x", "n", "name") == [(0.5, 1, "a"), (2.0, 7, "b")]

    @pytest.mark.parametrize(
        ("arguments", "told"),
        [
            (["xx=[0:1]"], "no flag 'xx'"),
            (["x=[1:0]"], "from a smaller to a larger number"),
            (["x=[0:1]", "--optimizer", "grid"], "a grid has no ranges: x"),
            (["x=[0:1]", "--optimizer", "tpe"], "needs something to optimize"),
            (["--minimize", "loss"], "there is nothing to search"),
            (["@gone.csv"], "its rows cannot be read"),
            (["@rows.txt"], "its name ends in none of"),
            (["@empty.csv"], "it has no rows"),
            (["@bad.json"], "no list of mappings"),
            (["@bad.yaml"], "its rows cannot be read"),
            (["@wrong.csv"], "row 1, flag x"),
            (["@rows.csv", "x=[0:1]"], "do not go together"),
        ],
    )
    def test_what_cannot_be(self, bench, kernel, arguments, told):
        files = {"rows.txt": "", "empty.csv": "x\n", "bad.json": "{}", "bad.yaml": "[", "wrong.csv": "x\na\n"}
        for name, text in {**files, "rows.csv": "n\n1\n"}.items():
            (bench.root / name).write_text(text)
        bench.notebook("train.ipynb", *CELLS)
        said = bench("run", "train.ipynb", *arguments, "-y")
        assert (said.code, said.out) == (2, "")
        assert told in said.err
        assert not kernel.runs


class TestGoals:
    def test_the_best_is_told(self, bench, kernel):
        found = search(bench, "x=[0, 0.25, 1]", "--minimize", "loss")
        assert found["best"] == [2]
        assert search(bench, "x=[0, 0.25, 1]", "--maximize", "loss")["best"] == [3]

    def test_several_have_several_best(self, bench, kernel):
        cells = ("x = 1.0", "print('a:', x)\nprint('b:', 1 - x)\nprint('c:', 2 - x)")
        found = search(bench, "x=[0, 1, 2]", "--minimize", "a", "--minimize", "b", cells=cells)
        assert found["best"] == [1, 2, 3]
        assert search(bench, "x=[0, 1]", "--minimize", "a", "--maximize", "c", cells=cells)["best"] == [1]

    def test_an_optimizer_is_told(self, bench, kernel):
        found = search(bench, "x=[-2:2]", "--minimize", "loss", "--max-trials", "25")
        best = next(one for one in found["trials"] if one["trial"] == found["best"][0])
        assert abs(best["flags"]["x"] - 0.25) < 0.5

    def test_a_metric_that_is_not_there_ends_it(self, bench, kernel):
        found = search(bench, "x=[0, 1]", "--minimize", "los", code=1)
        assert [one["fault"] for one in found["trials"]] == ["it has no metric 'los'; did you mean 'loss'?"]

    def test_no_number(self, bench, kernel):
        cells = ("x = 1.0", "print('loss:', float('nan') if x else 1.5)")
        found = search(bench, "x=[0, 1]", "--minimize", "loss", code=1, cells=cells)
        assert [one["fault"] for one in found["trials"]] == ["", "loss is not a number"]


class TestEnds:
    CELLS = ("x = 1", "print('loss:', 1 / x)")

    def test_a_trial_that_fails_is_told_and_does_not_end_it(self, bench, kernel):
        found = search(bench, "x=[1, 0, 2]", code=1, cells=self.CELLS)
        assert [one["fault"] for one in found["trials"]] == [
            "",
            "failed: ZeroDivisionError: division by zero",
            "",
        ]

    def test_unless_that_is_wanted(self, bench, kernel):
        assert len(search(bench, "x=[1, 0, 2]", "--fail-fast", code=1, cells=self.CELLS)["trials"]) == 2

    def test_after_some_time(self, bench, kernel):
        assert search(bench, "x=[1, 2]", "--stop-after", "0", code=1)["trials"] == []

    def test_several_at_once(self, bench, kernel):
        found = search(bench, "x=linspace(1, 6, 6)", "--workers", "3")
        assert sorted(given(found, "x")) == [(float(n),) for n in range(1, 7)]

    def test_a_fault_of_the_store(self, bench, kernel, monkeypatch):
        bench.notebook("train.ipynb", *CELLS)
        monkeypatch.setattr(attributes.files, "write_json", _full)
        said = bench("run", "train.ipynb", "x=[1, 2]", "-y")
        assert (said.code, "cannot write" in said.err) == (2, True)

    def test_no_is_no(self, bench, kernel):
        bench.notebook("train.ipynb", *CELLS)
        said = bench(
            "run", "train.ipynb", "x=[1, 2]", "n=loguniform(1, 9)", "--max-trials", "4", answer="n\n"
        )
        assert said.code == 1
        assert said.out.splitlines()[:5] == [
            "You are about to run train.ipynb up to 4 times (random)",
            "  x      each of 1.0, 2.0",
            "  n      1 to 9, by its logarithm",
            "  name   adam",
            "  sizes  [1, 2]",
        ]
        assert not kernel.runs


def _full(*_):
    raise OSError(28, "No space left on device")


class TestResuming:
    def test_a_search_that_was_stopped_goes_on(self, bench, kernel):
        first = search(bench, "x=[1, 2, 3]", "--max-trials", "1", "--minimize", "loss", "--tag", "a")
        said = bench("run", "--resume", "last", "--max-trials", "3", "--json")
        assert said.code == 0, said.err
        assert said.json["batch"] == first["batch"]
        assert given(said.json, "x") == [(1.0,), (2.0,), (3.0,)]
        assert kernel.runs == 3
        said_of = attributes.read(bench.root / first["trials"][0]["folder"])
        assert (said_of.batch, said_of.trial, said_of.tags) == (first["batch"], 1, ("a",))

    def test_ctrl_c_stops_it_and_says_how_it_goes_on(self, bench, kernel, monkeypatch):
        bench.notebook("train.ipynb", *CELLS)
        with monkeypatch.context() as patch:
            patch.setattr(Search, "carry_out", _pressed)
            said = bench("run", "train.ipynb", "x=[1, 2]", "-y")
        assert said.code == 130
        (record,) = (bench.store.folder / batch.FOLDER).glob("*.json")
        assert f"stopped: nbrepro run --resume {record.stem} goes on" in said.err
        assert len(bench("run", "--resume", record.stem[-6:], "--json").json["trials"]) == 2

    def test_interrupted_trials_are_made_again(self, bench, kernel):
        cells = ("x = 1.0", "if runs == 2: raise KeyboardInterrupt\nprint('loss:', x)")
        bench.notebook("train.ipynb", *cells)
        assert bench("run", "train.ipynb", "x=[1, 2, 3]", "-y").code == 130
        said = bench("run", "--resume", "last", "--json")
        assert sorted(given(said.json, "x")) == [(1.0,), (2.0,), (3.0,)]

    def test_what_is_not_there(self, bench):
        assert "no search matches 'last'" in bench("run", "--resume", "last").err

    def test_damage(self, bench, kernel):
        search(bench, "x=[1, 2]", "--max-trials", "1")
        (record,) = (bench.store.folder / batch.FOLDER).glob("*.json")
        record.write_text(json.dumps({**json.loads(record.read_text()), "more": 1}))
        assert "this search cannot be read" in bench("run", "--resume", "last").err

    def test_runs_that_cannot_be_read_are_made_again(self, bench, kernel):
        first = search(bench, "x=[1, 2]", "--max-trials", "1")
        (bench.root / first["trials"][0]["folder"] / "run.json").write_text("{")
        assert len(bench("run", "--resume", "last", "--max-trials", "2", "--json").json["trials"]) == 2


def _pressed(*_):
    raise KeyboardInterrupt


def test_a_person_sees_trials_and_the_best(bench, kernel):
    bench.notebook("train.ipynb", *CELLS)
    said = bench("run", "train.ipynb", "x=[0.25, 1]", "--minimize", "loss", "-y")
    lines = said.out.splitlines()
    assert lines[5:6] == ["  minimize loss"]
    assert [line.split()[:2] + line.split()[3:] for line in lines[6:8]] == [
        ["trial", "1", "x=0.25", "loss", "5"],
        ["trial", "2", "x=1", "loss", "5.5625"],
    ]
    assert lines[8].startswith("2 trials of search ")
    assert lines[9].startswith("best      trial   1  ")


def test_a_terminal_has_a_bar(bench, kernel, monkeypatch):
    from pytest_nbrepro.cli.searching import Teller

    monkeypatch.setattr(Teller, "__init__", _on_a_terminal(Teller.__init__))
    bench.notebook("train.ipynb", *CELLS)
    said = bench("run", "train.ipynb", "x=[0.25, 1]", "--minimize", "loss", "-y")
    assert "[............] trial 1 of 2" in said.err
    assert "[######......] trial 2 of 2, about " in said.err
    assert ", best loss 5" in said.err


def _on_a_terminal(original):
    def init(self, *arguments, **more):
        original(self, *arguments, **more)
        self._terminal = True

    return init
