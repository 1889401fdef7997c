"""`nbrepro accept --stored`, its kernel replaced."""

from __future__ import annotations

import base64
import json

import pytest

from pytest_nbrepro import baselines


def stream(text):
    return {"output_type": "stream", "name": "stdout", "text": text}


def result(data):
    return {"output_type": "execute_result", "data": data, "metadata": {}, "execution_count": 3}


def picture(content):
    data = {"image/png": base64.b64encode(content).decode(), "text/plain": "<Figure>"}
    return {"output_type": "display_data", "data": data, "metadata": {}}


@pytest.fixture
def stored(bench, fake_kernel):
    """Write a notebook whose cells are pairs of a source and what it stores."""

    def write(*cells, name="train.ipynb", **nbrepro):
        pairs = [
            {"source": source, "outputs": list(outputs), "execution_count": 1} for source, *outputs in cells
        ]
        bench.notebook(name, *pairs, nbrepro=nbrepro)
        return bench

    return write


def the_baseline(bench, folder="train/default"):
    return baselines.read(bench.baselines / folder)


SCORES = ("print('score: 0.5')\nprint('3 folds')", stream("score: 0.5\n3 folds\n"))


def test_a_run_that_agrees_becomes_the_baseline(stored, fake_kernel):
    bench = stored(SCORES, ("1 / 4", result({"text/plain": "0.25"})))
    said = bench("accept", "--stored", "train.ipynb")
    assert (said.code, said.err) == (0, "")
    assert said.out == (
        "train.ipynb::default\n"
        "  note    a run agrees with the outputs stored in the notebook in 3 checks\n"
        "accepted 1 case into baselines:\n"
        "  new      train.ipynb::default\n"
        "next  git add baselines && git commit -m 'Take stored outputs as baselines (accepts train.ipynb::default)'\n"
    )
    assert fake_kernel.runs == 1
    found = the_baseline(bench)
    assert found.metrics["score"].value == 0.5
    assert found.environment["accepted"] == "the outputs stored in train.ipynb"
    assert not found.once
    assert bench("show", "last").code == 0


@pytest.mark.parametrize(
    ("cell", "told"),
    [
        (("print('score: 0.5')", stream("score: 0.6\n")), "metric  score  0.6000 -> 0.5000"),
        (("print('3 folds')", stream("4 folds\n")), "output  cell 1  line 1: 4 -> 3"),
        (("print('3 folds')",), "output  cell 1  NEW   '3 folds'"),
        (("x = 1", stream("4 folds\n")), "output  cell 1  LOST   '4 folds'"),
        (("x = 1", picture(b"one")), "image   cell:id0  LOST"),
        (("show(b'one')",), "cell:id0  NEW"),
        (("print('on 2019-01-02')", stream("on 2019-01-01\n")), "on <time> -> on 2019-01-02"),
    ],
)
def test_a_run_that_differs_becomes_nothing(stored, cell, told):
    bench = (
        stored(SCORES, cell) if cell[0] == "x" else stored(cell, ("1 / 4", result({"text/plain": "0.25"})))
    )
    said = bench("accept", "--stored", "train.ipynb")
    assert (said.code, said.err) == (1, "")
    assert "differ from the outputs stored in the notebook: no baseline" in " ".join(said.out.split())
    assert told in said.out
    assert "next    nbrepro show" in said.out
    assert the_baseline(bench) is None
    assert not (bench.root / ".nbrepro/pending").exists()


def test_numbers_are_held_to_their_limits(stored):
    bench = stored(("print('score: 0.5')", stream("score: 0.50001\n")), metrics={"score": {"rel": 1e-3}})
    assert bench("accept", "--stored", "train.ipynb").code == 0
    assert the_baseline(bench).metrics["score"].value == 0.5


def test_pictures_and_files_come_from_the_run_and_it_says_so(stored):
    bench = stored(
        SCORES,
        ("show(b'mine')", picture(b"of another size")),
        ("with open('a.csv', 'w') as out:\n    out.write('a\\n1\\n')",),
    )
    said = bench("accept", "--stored", "train.ipynb")
    assert said.code == 0
    assert "  note    from this run alone: table a.csv, image cell:id1\n" in said.out
    found = the_baseline(bench)
    assert found.once
    assert (found.folder / found.artifacts["cell:id1"].path).read_bytes() == b"mine"


def test_values_that_are_not_printed_come_from_the_run(stored):
    bench = stored(
        ("import math\nprint(f'pi: {math.pi:.2f}')", stream("pi: 3.14\n")),
        metrics={"pi": {"value": "math.pi"}, "tau": {"value": "math.tau", "min": 6}},
    )
    said = bench("accept", "--stored", "train.ipynb")
    assert said.code == 0, said.out
    assert "from this run alone: metric pi, metric tau" in said.out
    assert the_baseline(bench).metrics["pi"].value == pytest.approx(3.14159265)


def test_stamps_and_timings_are_no_difference(stored):
    bench = stored(
        (
            "import datetime\nprint('made', datetime.date.today(), 'from 2019-01-01')\nprint('elapsed: 0.25')",
            stream("made 2021-03-04 from 2019-01-01\nelapsed: 0.5\n"),
        )
    )
    said = bench("accept", "--stored", "train.ipynb")
    assert said.code == 0, said.out


def test_the_run_must_end_well_and_be_acceptable(stored):
    bench = stored(SCORES, ("1 / 0",))
    said = bench("accept", "--stored", "train.ipynb")
    assert (said.code, "failed in cell 2" in said.out) == (1, True)
    bench = stored(SCORES, metrics={"score": {"min": 0.9}})
    said = bench("accept", "--stored", "train.ipynb")
    assert said.code == 1
    assert "accepting values does not mend score" in " ".join(said.out.split())
    assert the_baseline(bench) is None


def test_a_notebook_that_stores_what_nothing_is_held_against(stored):
    bench = stored(("x = 1", {"output_type": "stream", "name": "stderr", "text": "warning"}))
    said = bench("accept", "--stored", "train.ipynb")
    assert said.code == 1
    assert "stores nothing that this run could be held against" in " ".join(said.out.split())


@pytest.mark.parametrize(
    ("nbrepro", "told"),
    [
        ({"matrix": {"x": [1, 2]}}, "each of its cases gives flags"),
        ({"flags": {"x": 2}}, "each of its cases gives flags"),
        ({"runs": 10}, "`runs: 10` needs as many runs, and the notebook stores one"),
    ],
)
def test_what_stored_outputs_cannot_be_the_baseline_of(stored, fake_kernel, nbrepro, told):
    bench = stored(("x = 1",), SCORES, **nbrepro)
    said = bench("accept", "--stored", "train.ipynb")
    assert (said.code, told in said.err, fake_kernel.runs) == (2, True, 0)


def test_a_case_without_flags_is_taken(stored):
    bench = stored(("x = 1",), SCORES, cases={"plain": {}, "other": {"x": 2}})
    assert bench("accept", "--stored", "train.ipynb").code == 0
    assert the_baseline(bench, "train/plain") is not None


def test_without_outputs_or_with_a_baseline_nothing_runs(stored, fake_kernel):
    bench = stored(("print('score: 0.5')",))
    said = bench("accept", "--stored", "train.ipynb")
    assert (said.code, said.err.splitlines()[0]) == (2, "error: train.ipynb: the notebook stores no outputs")
    bench = stored(SCORES)
    assert bench("accept", "--stored", "train.ipynb").code == 0
    said = bench("accept", "--stored", "train.ipynb")
    assert (said.code, said.err.splitlines()[0]) == (2, "error: train.ipynb::default: there is a baseline")
    assert fake_kernel.runs == 1


def test_several_notebooks_each_by_itself(stored):
    stored(("print('a: 1.5')", stream("a: 2.5\n")), name="b.ipynb")
    stored(("print('a: 1.5')",), name="c.ipynb")
    bench = stored(SCORES)
    said = bench("accept", "--stored", "train.ipynb", "b.ipynb", "c.ipynb", "-m", "as published", "--json")
    assert said.code == 2
    record = json.loads(said.out)
    assert [entry["case"] for entry in record["accepted"]] == ["train.ipynb::default"]
    assert [entry["case"] for entry in record["failed"]] == ["b.ipynb::default", "c.ipynb"]
    assert record["commit"] == "as published (accepts train.ipynb::default)"
    assert the_baseline(bench).environment["accepted"] == "as published"
    assert "c.ipynb: the notebook stores no outputs" in said.err


@pytest.mark.parametrize("more", [("--list",), ("--all",), ("--from", "."), ("--intended",), ("--overlay",)])
def test_usage(bench, more):
    bench.notebook()
    said = bench("accept", "--stored", "train.ipynb", *more)
    assert (said.code, "--stored takes notebooks" in said.err) == (2, True)
    assert bench("accept", "--stored").code == 2


def test_a_notebook_without_an_annotation_is_told_of(bench, fake_kernel, write_notebook):
    write_notebook(bench.root / "a.ipynb", {"source": SCORES[0], "outputs": [SCORES[1]]})
    said = bench("accept", "--stored", "a.ipynb")
    assert said.code == 0
    assert "note    it has no annotation yet: `nbrepro init` writes one" in said.out
