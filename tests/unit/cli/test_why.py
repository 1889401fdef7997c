"""`nbrepro why`."""

from __future__ import annotations

import pytest

RANDOM = "print('loss:', 0.5 if 'random' in forced else runs + 0.5)"
NUMPY = "print('total:', 0.5 if 'numpy' in forced else runs + 0.25)"


def words(text):
    return " ".join(text.split())


@pytest.fixture
def kernel(fake_kernel):
    return fake_kernel


def why(bench, *cells, code=1, **metadata):
    """Ask why of a notebook of these cells, and return the one case of the answer."""
    bench.notebook("train.ipynb", *cells, **metadata)
    said = bench("why", "train.ipynb", "--json")
    assert (said.code, said.err) == (code, "")
    (case,) = said.json["cases"]
    assert said.json["made"] == len(case["runs"]) == len(bench.store.ids())
    return case


def found(case):
    return [(one["name"], one["proof"], one["cells"]) for one in case["findings"]]


class TestRunsThatDiffer:
    def test_what_was_seen_is_tried_first(self, bench, kernel):
        kernel.seen = [("random", 1, "line 1")]
        case = why(bench, "x = 1", RANDOM)
        assert case["cause"] == "CHANCE"
        assert found(case) == [("random", "shown", ["cell 2 (line 1)"])]
        assert case["first"] == "cell 2"
        assert (
            case["text"]
            == "a second run of the same differs from the first; runs agree with random held still"
        )
        assert "seed: 0" in case["findings"][0]["mend"]
        assert len(case["runs"]) == 4
        notes = {bench.store.read(run).notes for run in case["runs"]}
        assert ("made by nbrepro why, random held still, 2 of 2",) in notes

    def test_the_smallest_set_of_several(self, bench, kernel):
        kernel.seen = [("random", 0, ""), ("numpy", 1, ""), ("listing", 1, "line 1")]
        case = why(bench, RANDOM, NUMPY)
        assert found(case) == [("random", "shown", ["cell 1"]), ("numpy", "shown", ["cell 2"])]
        assert case["text"].endswith("runs agree with random and numpy held still")

    def test_what_nothing_points_to_is_found_among_all(self, bench, kernel):
        kernel.seen = [("random", 0, "")]
        case = why(bench, "x = 1", "print('loss:', 0.5 if 'listing' in forced else runs + 0.5)")
        assert found(case) == [("listing", "shown", ["cell 2"])]

    def test_code_points_to_it_up_to_the_first_cell_that_differs(self, bench, kernel):
        hashed = "print('loss:', 0.5 if env.get('PYTHONHASHSEED') else runs + 0.5)  # set("
        case = why(bench, "y = {1, 2}\nx = set(y)", hashed, "set()")
        assert found(case) == [("hash", "shown", ["cell 1 (line 1)"])]

    def test_nothing_helps(self, bench, kernel):
        kernel.seen = [("entropy", 0, "line 1")]
        case = why(bench, "print('loss:', runs + 0.5)")
        assert found(case) == [("entropy", "seen", ["cell 1 (line 1)"])]
        assert case["text"].endswith("nothing that can be held still makes runs agree")

    def test_one_run_fails_and_another_does_not(self, bench, kernel):
        kernel.seen = [("random", 0, "")]
        case = why(bench, "1 / (runs % 2)")
        assert (case["cause"], case["text"]) == ("CHANCE", "one run completes, another does not")
        assert found(case) == [("random", "seen", ["cell 1"])]

    def test_a_network_without_which_it_fails(self, bench, kernel):
        kernel.seen = [("network", 0, "line 1: example.org")]
        case = why(bench, "print('loss:', runs + 0.5) if 'network' not in forced else 1 / 0")
        assert found(case) == [("network", "shown", ["cell 1 (line 1: example.org)"])]

    def test_what_fails_when_it_is_held_still_does_not_agree(self, bench, kernel):
        kernel.seen = [("random", 0, "")]
        case = why(bench, "print('loss:', runs + 0.5) if 'random' not in forced else 1 / 0")
        assert found(case) == [("random", "seen", ["cell 1"])]


class TestRunsThatAgree:
    def test_nothing_at_all(self, bench, kernel):
        case = why(bench, "print('loss: 0.5')", code=0)
        assert (case["cause"], case["findings"]) == ("NONE", [])
        assert len(case["runs"]) == 2

    def test_a_draw_that_moves_results_though_two_runs_agree(self, bench, kernel):
        kernel.seen = [("random", 0, "")]
        case = why(bench, "print('loss:', 0.5 + forced.get('random', 0))")
        assert found(case) == [("random", "shown", ["cell 1"])]
        assert case["text"] == "two runs agree; results depend on random"

    def test_one_that_does_not_as_far_as_is_seen(self, bench, kernel):
        kernel.seen = [("random", 0, ""), ("entropy", 0, "")]
        case = why(bench, "print('loss: 0.5')")
        assert found(case) == [("random", "seen", ["cell 1"]), ("entropy", "seen", ["cell 1"])]
        assert case["text"] == "two runs agree; what agrees may agree by luck: random, entropy"

    def test_a_listing_that_moves_results_in_one_order_or_the_other(self, bench, kernel):
        kernel.seen = [("listing", 0, "line 1")]
        assert found(why(bench, "print('loss:', 0.5 + (forced.get('listing') == 'sorted'))")) == [
            ("listing", "shown", ["cell 1 (line 1)"])
        ]

    def test_a_listing_that_does_not(self, bench, kernel):
        kernel.seen = [("listing", 0, "line 1")]
        assert why(bench, "print('loss: 0.5')", code=0)["cause"] == "NONE"

    def test_an_earlier_run_s_files(self, bench, kernel):
        cell = "import os\nprint('loss:', 0.5 + os.path.exists('state.txt'))\nwith open('state.txt', 'w') as f: f.write('3')"
        case = why(bench, cell)
        assert found(case) == [("folder", "shown", ["cell 1"])]
        assert "state.txt" in case["findings"][0]["text"]

    def test_an_experiment_that_fails_moves_results(self, bench, kernel):
        kernel.seen = [("random", 0, "")]
        case = why(bench, "print('loss: 0.5') if 'random' not in forced else 1 / 0")
        assert found(case) == [("random", "shown", ["cell 1"])]

    def test_what_is_set_aside(self, bench, kernel):
        case = why(bench, "print(f'<thing at 0x7f000000{runs:04}>')", "print('loss: 0.5')", code=0)
        assert found(case) == [("addresses", "aside", ["cell 1"])]


class TestABaseline:
    def accept(self, bench, kernel, *cells):
        bench.notebook("train.ipynb", *cells)
        assert bench("accept", "--all", "-m", "x").code == 2  # nothing waits
        from pytest_nbrepro import assessment, baselines, pending
        from pytest_nbrepro.assessment import Places
        from pytest_nbrepro.cli.lookup import case_of
        from pytest_nbrepro.model import Task
        from pytest_nbrepro.runner import run_case

        places = Places(bench.root, bench.store.folder, bench.baselines)
        from pytest_nbrepro.model import Run, RunStatus

        case = case_of(Run("", bench.root, "train.ipynb", "default", {}, RunStatus.COMPLETED, ""), bench.root)
        run = run_case(Task(case, bench.root, places.store, places.baselines))
        judged = assessment.assess(case, run, places)
        assessment.keep_pending(judged, places, "new", once=True, fixture=False)
        (entry,) = pending.entries(places.pending)
        pending.accept(places.pending, entry, bench.root, places.baselines, baselines.Terms())
        run.folder.joinpath("run.json").unlink()
        import shutil

        shutil.rmtree(run.folder)

    def test_code_that_changed(self, bench, kernel):
        self.accept(bench, kernel, "x = 1", "print('loss:', 0.5)")
        case = why(bench, "x = 1", "print('loss:', 0.6)")
        assert case["cause"] == "CODE"
        assert "source changed: cell 2; a second run of the same agrees" in case["text"]
        states = {one["cause"]: one["state"] for one in case["evidence"]}
        assert states == {
            "CODE": "changed",
            "FLAGS": "same",
            "DATA": "same",
            "ENVIRONMENT": "same",
            "CHANCE": "same",
        }
        assert len(case["runs"]) == 3

    def test_code_and_environment_are_parted(self, bench, kernel):
        kernel.distributions = {"pkg": "1"}
        self.accept(bench, kernel, "print('loss:', 0.5)")
        kernel.distributions = {"pkg": "2"}
        case = why(bench, "print('loss:', 0.6)")
        assert case["cause"] == "CODE"
        assert "pkg 1 -> 2 (does not matter)" in case["text"]

    def test_environment(self, bench, kernel):
        kernel.distributions = {"pkg": "1"}
        self.accept(bench, kernel, "print('loss:', 0.5 + int(distributions['pkg']))")
        kernel.distributions = {"pkg": "2"}
        case = why(bench, "print('loss:', 0.5 + int(distributions['pkg']))")
        assert (case["cause"], len(case["runs"])) == ("ENVIRONMENT", 2)

    def test_chance_besides(self, bench, kernel):
        self.accept(bench, kernel, "print('loss: 0.5')")
        kernel.seen = [("random", 0, "")]
        case = why(bench, RANDOM)
        assert case["cause"] == "SEVERAL"
        assert found(case) == [("random", "shown", ["cell 1"])]

    def test_what_is_not_recorded_is_looked_for(self, bench, kernel):
        self.accept(bench, kernel, "print('loss:', 0.5 + (runs < 2))")
        kernel.runs = 5
        case = why(bench, "print('loss:', 0.5 + (runs < 2))")
        assert (case["cause"], case["findings"]) == ("UNKNOWN", [])
        assert not [one for one in case["evidence"] if one["state"] == "changed"]

    def test_among_all_where_nothing_points_to_it(self, bench, kernel):
        cell = (
            "print('loss:', 0.5 + forced.get('clock', runs < 2))  # time.time("  # a comment points to nothing
        )
        self.accept(bench, kernel, cell)
        kernel.runs = 5
        case = why(bench, cell)
        assert (case["cause"], found(case)) == ("CHANCE", [("clock", "shown", [])])

    def test_and_may_be_found(self, bench, kernel):
        cell = "now = time.time() if False else forced.get('clock', runs < 2)\nprint('loss:', 0.5 + now)"
        self.accept(bench, kernel, cell)
        kernel.runs = 5
        case = why(bench, cell)
        assert case["cause"] == "CHANCE"
        assert found(case) == [("clock", "shown", ["cell 1 (line 1)"])]

    def test_a_run_that_fails(self, bench, kernel):
        self.accept(bench, kernel, "print('loss: 0.5')")
        case = why(bench, "1 / 0")
        assert (case["cause"], found(case)) == ("CODE", [("error", "shown", ["cell 1"])])
        assert case["text"].startswith("the run fails each time: ZeroDivisionError")


class TestText:
    def test_a_person_reads_what_was_found_where_and_what_mends_it(self, bench, kernel):
        kernel.seen = [("random", 1, "line 1")]
        bench.notebook("train.ipynb", "# load\nx = 1", RANDOM, "print('<a at 0x7f0000001111>')")
        said = bench("why", "train.ipynb")
        assert said.code == 1
        text = words(said.out)
        assert text.startswith("NBREPRO train.ipynb::default why CHANCE: a second run")
        assert (
            "random draws from the global generator of `random`, which nobody seeds in cell 2 (line 1)"
            in text
        )
        assert "-> `seed: 0` in the annotation" in text
        assert "first cell 2 is the first whose output differs" in text
        assert said.out.splitlines()[-1].startswith("4 runs in ")
        assert all(len(line) <= 80 for line in said.out.splitlines())

    def test_nothing_to_tell(self, bench, kernel):
        bench.notebook("train.ipynb", "print('loss: 0.5')")
        said = bench("why", "train.ipynb::default")
        assert said.code == 0
        assert "why     two runs agree, and nothing was seen that others may do otherwise" in said.out

    def test_what_is_set_aside_and_only_seen(self, bench, kernel):
        kernel.seen = [("random", 0, "")]
        bench.notebook("train.ipynb", "print(f'<thing at 0x7f000000{runs:04}>')")
        text = words(bench("why", "train.ipynb").out)
        assert "aside addresses differ from run to run, and are not compared (cell 1)" in text
        assert "random seen, not shown to matter: draws from" in text

    def test_several_causes_since_the_baseline(self, bench, kernel):
        TestABaseline().accept(bench, kernel, "print('loss: 0.5')")
        kernel.seen = [("random", 0, "")]
        bench.notebook("train.ipynb", RANDOM)
        text = words(bench("why", "train.ipynb").out)
        assert "why SEVERAL" in text
        assert "CODE source changed: cell 1 CHANCE a second run" in text

    def test_a_case_that_is_not_there(self, bench):
        bench.notebook("train.ipynb", "x = 1")
        said = bench("why", "train.ipynb::other")
        assert said.code == 2
        assert "there is no case 'other'" in said.err
