"""`nbrepro calibrate`."""

from __future__ import annotations

import json
import re

import pytest

# the stand-in kernel tells cells its `seed`, its `env`, and how many `runs` there were
DRAWN = "drawn = runs * 7 % 11 if seed is None else 20 + seed"
LOSS = "print(f'loss: {0.5 + drawn / 100}')"
NOISE = "print(f'total: {1 + runs * 7 % 5 * 1e-12}')"
EXACT = "print('n: 3')"


def stored(bench):
    return [bench.store.read(run_id) for run_id in bench.store.ids()]


def words(text):
    return " ".join(text.split())


@pytest.fixture
def noisy(bench, fake_kernel):
    bench.notebook("train.ipynb", DRAWN, LOSS, NOISE, EXACT)
    return bench


def test_it_proposes_and_writes_nothing(noisy):
    said = noisy("calibrate", "train.ipynb", "--runs", "3")
    assert said.code == 1
    assert said.out.startswith(
        "NBREPRO train.ipynb::default\n  10 runs: 3 as it is, 3 with other seeds, 2 with one seed"
    )
    text = words(said.out)
    assert "metric loss chance rel 0.1" in text
    assert "with one seed all runs agree" in text
    assert "cannot be told from the luck of the seed" in text
    assert re.search(r"metric total rounding noise rel 4e-12, abs 4e-12, sd [12]\S*e-12 -> \{rel: ", text)
    assert "ok bit-identical: metric n" in text
    assert "proposed for train.nbrepro.yaml, where --write writes it: seed: 0 metrics: total: {rel: " in text
    assert "limits are those of this machine" in text
    assert said.out.splitlines()[-1].startswith("10 runs in ")
    assert all(len(line) <= 80 for line in said.out.splitlines())
    assert not (noisy.root / "train.nbrepro.yaml").exists()


def test_it_writes_a_new_annotation_which_then_holds(noisy, fake_kernel):
    said = noisy("calibrate", "train.ipynb", "--write")
    assert (said.code, said.err) == (0, "")
    text = (noisy.root / "train.nbrepro.yaml").read_text()
    head, *lines = text.splitlines()
    assert head.startswith("# Made by `nbrepro calibrate`")
    assert lines[:2] == ["seed: 0", "metrics:"]
    assert lines[2].startswith("  total: {rel: ")
    assert "wrote into train.nbrepro.yaml:\n  seed: 0\n  metrics:\n    total: {rel: " in said.out
    again = noisy("calibrate", "train.ipynb")
    assert again.code == 0
    assert "its own limit holds" in again.out
    assert "seed noise" in again.out
    assert (noisy.root / "train.nbrepro.yaml").read_text() == text


def test_it_writes_into_an_annotation_and_all_else_stays(noisy):
    beside = noisy.root / "train.nbrepro.yaml"
    beside.write_text(
        "# mine\nmetrics:\n  total: {rel: 1e-6}  # as init has it\n  n: {min: 0}\n\ntimeout: 60  # s\n"
    )
    assert noisy("calibrate", "train.ipynb", "--write").code == 0
    text = beside.read_text()
    assert text.startswith(
        "# mine\nmetrics:\n  total: {rel: 1.2e-11}  # as init has it\n  n: {min: 0}\n\ntimeout: 60  # s\n"
    )
    assert text.endswith("seed: 0\n")


def test_what_cannot_be_written_is_told(noisy):
    beside = noisy.root / "train.nbrepro.yaml"
    beside.write_text('metrics:\n  "t*": {min: 0}\n')
    said = noisy("calibrate", "train.ipynb", "--write")
    assert said.code == 1
    assert "wrote into train.nbrepro.yaml:\n  seed: 0\nnot written: a pattern or another place" in said.out
    assert "  to paste: metrics: {total: {rel: " in said.out
    assert beside.read_text() == 'metrics:\n  "t*": {min: 0}\nseed: 0\n'


def test_runs_are_kept_and_nothing_waits(noisy):
    noisy("calibrate", "train.ipynb", "--write", "--runs", "3")
    runs = stored(noisy)
    assert len(runs) == 10
    assert runs[0].notes[-1] == "made by nbrepro calibrate, as it is, 1 of 3"
    assert runs[-1].notes[-1] == "made by nbrepro calibrate, with one thread, 2 of 2"
    assert not (noisy.root / ".nbrepro/pending").exists()
    assert not noisy.baselines.exists()


def test_json(noisy):
    said = noisy("calibrate", "train.ipynb", "--runs", "3", "--json")
    assert said.code == 1
    record = said.json
    assert (record["schema"], record["made"], record["written"]) == (1, 10, None)
    (case,) = record["cases"]
    assert [len(case["runs"][kind]) for kind in ("plain", "seeds", "same", "threads")] == [3, 3, 3, 2]
    assert case["runs"]["same"][0] == case["runs"]["seeds"][0]
    found = {finding["name"]: finding for finding in case["findings"]}
    assert {name: f["noise"] for name, f in found.items()} == {
        "loss": "chance",
        "total": "rounding noise",
        "n": "bit-identical",
    }
    assert found["total"]["proposal"].startswith("{rel: ")
    assert found["loss"]["blur"] > 0
    assert record["proposals"][0] == {"path": ["seed"], "value": "0"}
    assert record["left"][0] == {"path": ["seed"], "value": "0", "reason": None}
    written = noisy("calibrate", "train.ipynb", "--runs", "3", "--json", "--write").json
    assert (written["written"], written["left"]) == ("train.nbrepro.yaml", [])


def test_json_of_what_no_number_tells(bench, fake_kernel):
    bench.notebook("train.ipynb", "print('word' * runs)")
    said = bench("calibrate", "train.ipynb", "--runs", "3", "--json")
    assert said.code == 1
    (finding,) = said.json["cases"][0]["findings"]
    assert (finding["rel"], finding["open"]) == ({"$float": "Infinity"}, True)


def test_nothing_is_proposed_where_nothing_varies(bench, fake_kernel):
    bench.notebook("train.ipynb", EXACT)
    said = bench("calibrate", "train.ipynb", "--write")
    assert said.code == 0
    assert "ok      bit-identical: metric n" in said.out
    assert not (bench.root / "train.nbrepro.yaml").exists()


def test_what_differs_without_a_remedy_is_told(bench, fake_kernel):
    bench.notebook("train.ipynb", "from pathlib import Path\n_ = Path('a.bin').write_text(str(runs))")
    said = bench("calibrate", "train.ipynb", "--write")
    assert said.code == 1
    text = words(said.out)
    assert "opaque a.bin chance differs, can't say how much" in text
    assert (
        "differs, nothing tells how much: print what matters of it as a metric, or ignore it by hand" in text
    )
    assert not (bench.root / "train.nbrepro.yaml").exists()


def test_several_runs_are_proposed_where_no_seed_helps(bench, fake_kernel):
    bench.notebook("train.ipynb", "print(f'loss: {0.5 + runs * 7 % 11 / 100}')")
    said = bench("calibrate", "train.ipynb", "--write")
    assert said.code == 0
    assert (bench.root / "train.nbrepro.yaml").read_text().endswith("\nruns: 10\n")


def test_a_notebook_that_prints_nothing(bench, fake_kernel):
    bench.notebook("train.ipynb", "x = 1")
    said = bench("calibrate", "train.ipynb", "--runs", "3")
    assert said.code == 0
    assert "nothing to compare" in said.out


def test_all_cases_or_one(bench, fake_kernel):
    bench.notebook(
        "sub/train.ipynb",
        "x = 0",
        "print(f'total: {1 + x * (runs * 7 % 5) * 1e-12}')",
        nbrepro={"cases": {"calm": {"x": 0}, "noisy": {"x": 1}, "loud": {"x": 10}}},
    )
    said = bench("calibrate", "sub/train.ipynb", "--runs", "3", "--json").json
    assert [case["case"].partition("::")[2] for case in said["cases"]] == ["calm", "noisy", "loud"]
    widest = said["cases"][2]["findings"][0]["proposal"]
    assert said["proposals"] == [{"path": ["metrics", "total"], "value": widest}]
    one = bench("calibrate", "sub/train.ipynb::calm", "--runs", "3")
    assert (one.code, one.out.count("NBREPRO")) == (0, 1)
    none = bench("calibrate", "sub/train.ipynb::clam", "--runs", "3")
    assert none.code == 2
    assert "there is no case 'clam'" in none.err
    assert "did you mean 'calm'" in none.err


def test_a_run_that_fails_is_a_fault_with_its_report(bench, fake_kernel):
    bench.notebook("train.ipynb", EXACT, "assert seed != 1")
    said = bench("calibrate", "train.ipynb", "--write")
    assert said.code == 2
    assert said.out.startswith("NBREPRO train.ipynb::default   failed in cell 2")
    assert said.err == "run 7, with seed 1, failed: nothing is proposed\n"
    assert not (bench.root / "train.nbrepro.yaml").exists()


def test_ctrl_c_leaves_nothing_half_written(noisy, fake_kernel):
    def stop():
        if fake_kernel.runs == 4:
            raise KeyboardInterrupt

    fake_kernel.before = stop
    said = noisy("calibrate", "train.ipynb", "--write")
    assert said.code == 130
    assert "stopped in run 4: nothing is proposed or written, the runs are kept" in said.err
    assert not (noisy.root / "train.nbrepro.yaml").exists()
    assert [str(run.status) for run in stored(noisy)] == ["completed"] * 3 + ["interrupted"]


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (("gone.ipynb",), "there is no such notebook"),
        (("train.ipynb", "--runs", "2"), "2 is not in the range"),
    ],
)
def test_usage(noisy, fake_kernel, arguments, what):
    said = noisy("calibrate", *arguments)
    assert said.code == 2
    assert what in said.err
    assert fake_kernel.runs == 0


def test_an_annotation_with_faults_runs_nothing(noisy, fake_kernel):
    (noisy.root / "train.nbrepro.yaml").write_text("sede: 1\n")
    said = noisy("calibrate", "train.ipynb")
    assert said.code == 2
    assert "did you mean 'seed'" in said.err
    assert fake_kernel.runs == 0


def test_metadata_of_the_notebook_stay_and_a_sidecar_adds(bench, fake_kernel):
    path = bench.notebook("train.ipynb", NOISE, nbrepro={"metrics": {"total": {"min": 0}}})
    before = path.read_bytes()
    assert bench("calibrate", "train.ipynb", "--write").code == 0
    assert path.read_bytes() == before
    assert json.loads(before)["metadata"]["nbrepro"]
    assert "  total: {rel: " in (bench.root / "train.nbrepro.yaml").read_text()
