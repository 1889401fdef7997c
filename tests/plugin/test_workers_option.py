"""`--nbrepro-workers`: cases run ahead of their turn, and everything is told in the order of the items."""

from __future__ import annotations

import re
import threading

import pytest

from pytest_nbrepro import executors
from pytest_nbrepro.executors import machine

PATIENCE = 60.0


@pytest.fixture
def three(project, fake_kernel):
    for name, value in (("a", 1), ("b", 2), ("c", 3)):
        project.notebook(f"{name}.ipynb", f"print('m: {value}.5')")
    return project


class Gate:
    """Called before each execution; those in `held` wait until `opens` executions have begun."""

    def __init__(self, held, opens):
        self.held, self.opens, self.begun = held, opens, 0
        self.changed = threading.Condition()

    def __call__(self):
        with self.changed:
            self.begun += 1
            self.changed.notify_all()
            if self.begun in self.held:
                assert self.changed.wait_for(lambda: self.begun >= self.opens, PATIENCE)


def order(result):
    return re.findall(r"^(\w+)\.ipynb::default (PASSED|FAILED)", result.stdout.str(), re.MULTILINE)


@pytest.mark.parametrize("text", ["0", "-2", "two", "1.5"])
def test_what_is_no_number_is_refused(three, text):
    result = three.run(f"--nbrepro-workers={text}")
    assert result.ret == 4
    result.stderr.fnmatch_lines(
        [f"*--nbrepro-workers: '{text}' is neither a whole number from 1 on nor 'auto'*"]
    )


def test_one_at_a_time_by_default(three, fake_kernel):
    three.accept()
    fake_kernel.runs = 0
    seen = []
    fake_kernel.before = lambda: seen.append(fake_kernel.runs)
    three.notebook("a.ipynb", "print('m: 0')")
    assert three.run("-x").ret == 1
    assert seen == [1]  # nothing ran ahead


def test_two_run_at_once(three, fake_kernel):
    three.accept()
    fake_kernel.before = threading.Barrier(2, timeout=PATIENCE).wait
    (three.root / "c.ipynb").unlink()
    assert three.run("--nbrepro-workers=2", "a.ipynb", "b.ipynb").ret == 0


def test_results_are_told_in_the_order_of_the_items(three, fake_kernel):
    """The first execution ends last: it waits for the third, which gets the place of the second."""
    three.accept()
    fake_kernel.before = Gate(held={1}, opens=3)
    three.notebook("b.ipynb", "print('m: 9')")
    result = three.run("--nbrepro-workers=2", "-v")
    assert order(result) == [("a", "PASSED"), ("b", "FAILED"), ("c", "PASSED")]


def told(result):
    text = re.sub(r"in [\d.]+s|nbrepro show \w+|runs/\S+", "", result.stdout.str())
    return text[text.index("collected") :]


@pytest.mark.parametrize("words", [(), ("--nbrepro-update=new",), ("--maxfail=1",)])
def test_what_is_told_is_the_same(three, words):
    (three.root / "b.nbrepro.yaml").write_text("matrix: {x: [1, 2]}")
    three.notebook("b.ipynb", "x = 1", "print('m:', x)")
    three.notebook("c.ipynb", "1 / 0")
    alone = three.run("-v", *words)
    (three.root / ".nbrepro").rename(three.root / "before")
    if (three.root / "baselines").exists():
        (three.root / "baselines").rename(three.root / "before/baselines")
    assert told(three.run("-v", "--nbrepro-workers=3", *words, "--ignore=before")) == told(alone)


def test_second_runs_take_places_too(three, fake_kernel, monkeypatch):
    now, counts, lock = [0], [], threading.Lock()
    original = fake_kernel.execute

    def count(by):
        with lock:
            now[0] += by
            counts.append(now[0])

    def execute(*arguments):
        count(1)
        try:
            return original(*arguments)
        finally:
            count(-1)

    monkeypatch.setattr("pytest_nbrepro.execution.execute", execute)
    result = three.run("--nbrepro-workers=2", "--nbrepro-update=new")
    result.stdout.fnmatch_lines(["*3 baselines written (3 new, 0 changed) after 6 runs*"])
    assert max(counts) <= 2
    assert len(counts) == 12


@pytest.mark.parametrize("mark", ["skip", "skipif(True, reason='x')", "xfail(run=False)"])
def test_what_is_skipped_never_begins(three, fake_kernel, mark):
    three.accept()
    fake_kernel.runs = 0
    three.write(
        "conftest.py",
        f"""
import pytest
def pytest_collection_modifyitems(items):
    items[1].add_marker(pytest.mark.{mark})
""",
    )
    assert three.run("--nbrepro-workers=3").ret == 0
    assert fake_kernel.runs == 2


def test_what_is_deselected_never_begins(three, fake_kernel):
    three.accept()
    fake_kernel.runs = 0
    assert three.run("--nbrepro-workers=3", "--deselect=b.ipynb").ret == 0
    assert fake_kernel.runs == 2


def test_what_cannot_run_never_begins(three, fake_kernel):
    three.notebook("b.ipynb", "print('m: 1')", nbrepro={"runs": 5})
    three.notebook("c.ipynb", "print('m: 1')", nbrepro={"metricks": 1})
    result = three.run("--nbrepro-workers=3", "--nbrepro-once")
    result.assert_outcomes(failed=3)
    assert fake_kernel.runs == 1


def test_one_that_a_hook_skips_counts_for_nothing(three, fake_kernel):
    three.write(
        "conftest.py",
        """
import pytest
def pytest_runtest_setup(item):
    if item.name == "default" and "b.ipynb" in item.nodeid:
        pytest.skip("not today")
""",
    )
    result = three.run("--nbrepro-workers=3")
    result.assert_outcomes(failed=2, skipped=1)
    result.stdout.fnmatch_lines(["*0 of 2 cases reproduced in 4 runs*", "*2 cases with values that wait*"])
    assert sorted(p.parent.parent.name for p in three.root.glob(".nbrepro/pending/*/*/pending.json")) == [
        "a",
        "c",
    ]


def test_after_x_what_ran_ahead_counts_for_nothing(three, fake_kernel):
    three.accept()
    three.notebook("a.ipynb", "1 / 0")
    three.notebook("b.ipynb", "print('m: 7')")
    fake_kernel.before = Gate(held={1}, opens=3)  # all three have begun before the first is judged
    result = three.run("--nbrepro-workers=3", "-x")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*0 of 1 case reproduced in 1 run*"])
    assert not list(three.root.glob(".nbrepro/pending/**/pending.json"))


def test_an_item_that_runs_again_gets_a_run_of_its_own(three, fake_kernel):
    three.accept()
    fake_kernel.runs = 0
    three.write(
        "conftest.py",
        """
from _pytest.runner import runtestprotocol
def pytest_runtest_protocol(item, nextitem):
    runtestprotocol(item, nextitem=nextitem)
    return None
""",
    )
    assert three.run("--nbrepro-workers=2").ret == 0
    assert fake_kernel.runs == 6


def test_tests_and_notebooks_share_the_workers(three, fake_kernel):
    three.accept()
    three.write(
        "test_it.py", "def test_it(nbrepro):\n    assert nbrepro.run('b.ipynb').metrics == {'m': 2.5}\n"
    )
    result = three.run("--nbrepro-workers=2")
    result.assert_outcomes(passed=4)


class Watched:
    """An executor in this process that notes what it is told."""

    def __init__(self, inner, log, room):
        self.inner, self.log = inner, log
        log.append(("room", room.count, room.by_memory))

    def __getattr__(self, name):
        return getattr(self.inner, name)

    def expect(self, tasks):
        self.log.append(("expect", [task.case.id for task in tasks]))

    def submit(self, task):
        self.log.append(("submit", task.case.id, task.threads))
        return self.inner.submit(task)

    def close(self):
        self.log.append(("close",))
        self.inner.close()


@pytest.fixture
def log(monkeypatch):
    told = []
    monkeypatch.setattr(machine, "cpus", lambda: 6)
    monkeypatch.setattr(executors, "apart", lambda room: Watched(executors.here(room), told, room))
    return told


def test_it_is_told_what_will_come_and_when_it_is_over(three, log):
    three.accept()
    ids = [f"{name}.ipynb::default" for name in "abc"]
    submitted = [("submit", case, None) for case in ids for _ in range(2)]
    assert log == [("room", 1, False), ("expect", []), ("expect", ids), *submitted, ("close",)]


@pytest.mark.parametrize(
    ("workers", "room", "threads"),
    [("2", (2, False), 3), ("4", (4, False), 1), ("9", (9, False), 1), ("auto", (6, True), 1)],
)
def test_the_processors_are_shared(three, log, workers, room, threads):
    three.accept(f"--nbrepro-workers={workers}")
    assert log[0] == ("room", *room)
    assert {entry[2] for entry in log if entry[0] == "submit"} == {threads}


def test_auto_on_one_processor_is_one_after_the_other(three, log, monkeypatch):
    monkeypatch.setattr(machine, "cpus", lambda: 1)
    three.accept("--nbrepro-workers=auto")
    assert log[0] == ("room", 1, True)
    assert {entry[2] for entry in log if entry[0] == "submit"} == {None}


@pytest.mark.parametrize("words", [["--collect-only"], ["--setup-only"], ["--setup-plan"]])
def test_nothing_is_made_ready_where_nothing_runs(three, log, words):
    three.run("--nbrepro-workers=2", *words)
    assert {entry[0] for entry in log} <= {"room", "close"}


def test_where_no_notebook_is_collected_nothing_stays_ready(project, log):
    project.write("test_it.py", "def test_it(): pass")
    project.run()
    assert log == [("room", 1, False), ("expect", []), ("close",), ("close",)]


def test_a_test_with_the_fixture_finds_it_ready(three, log):
    three.write("test_it.py", "def test_it(nbrepro): nbrepro.run('a.ipynb')")
    assert three.run("test_it.py").ret == 0
    assert log[1:] == [("expect", []), ("expect", []), ("submit", "a.ipynb::default", None), ("close",)]


def test_the_environment_is_that_of_the_moment(three, fake_kernel, monkeypatch):
    """One at a time, a case gets what the tests before it left; ahead, what there was when the tests began."""
    seen = []
    original = fake_kernel.execute

    def execute(request, progress=None, control=None):
        seen.append(request.environ.get("LEFT", ""))
        return original(request, progress, control)

    monkeypatch.setattr("pytest_nbrepro.execution.execute", execute)
    monkeypatch.delenv("LEFT", raising=False)
    three.accept()
    three.write("test_a.py", "import os\ndef test_it(): os.environ['LEFT'] = 'yes'")
    for words, expected in (([], {"yes"}), (["--nbrepro-workers=2"], {""})):
        seen.clear()
        assert three.run("test_a.py", "a.ipynb", "b.ipynb", *words).ret == 0
        assert set(seen) == expected
        monkeypatch.delenv("LEFT")
