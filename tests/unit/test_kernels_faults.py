"""The words for what went wrong, the journal, and coverage in the places of the real tree."""

from __future__ import annotations

from pathlib import Path

import pytest
from coverage import CoverageData
from hypothesis import given
from hypothesis import strategies as st

from pytest_nbrepro.kernels import covering, faults
from pytest_nbrepro.kernels import journal as journal_of
from pytest_nbrepro.kernels.journal import Journal, ThreadError, project_files, relative
from pytest_nbrepro.kernels.process import Exit
from pytest_nbrepro.model import RunError, RunStatus

GUARD = Path(faults.__file__).with_name("guard.py")


def test_a_cell_without_a_traceback() -> None:
    halt = faults.cell_failed({"ename": "\x1b[31mE\x1b[0m", "evalue": ""}, 3)
    assert (halt.error.message, halt.error.traceback, halt.alive) == ("E", "", True)
    assert str(halt) == "E"


@pytest.mark.parametrize(
    ("gone", "kind", "said", "hint"),
    [
        (
            Exit("memory", -9, 3 << 30),
            "memory",
            "held 3 GiB of memory, more than the limit of 1.5 KiB",
            False,
        ),
        (Exit("lost", -9), "died", "the process that watches over the kernel was killed", False),
        (Exit("ended", -9), "died", "the kernel was ended by SIGKILL", True),
        (Exit("ended", -11), "died", "the kernel was ended by SIGSEGV", False),
        (Exit("ended", 1), "died", "the kernel ended by itself, with exit code 1", False),
    ],
)
def test_a_kernel_that_is_gone(tmp_path: Path, gone: Exit, kind: str, said: str, hint: bool) -> None:
    log = tmp_path / "log"
    log.write_text("\n".join(f"line {n}" for n in range(100)) + "\n\x1b[1mlast\x1b[0m")
    halt = faults.died(gone, 2, 1536, log)
    assert (halt.error.kind, halt.error.cell, halt.alive) == (kind, 2, False)
    assert said in halt.error.message
    assert (halt.error.hint is not None) is hint
    if kind == "died":
        assert halt.error.traceback.splitlines()[0] == "line 81"
        assert halt.error.traceback.endswith("\nlast")


def test_a_kernel_that_never_was(tmp_path: Path) -> None:
    halt = faults.not_started("why", "x", tmp_path / "no log")
    assert (halt.error.message, halt.error.traceback, halt.error.hint) == (
        "kernel 'x' did not start: why",
        "",
        None,
    )


def test_outputs_that_were_lost() -> None:
    halt = faults.lost_output(1)
    assert (halt.status, halt.error.kind, halt.alive) == (RunStatus.FAILED, "capture", False)


REFUSED = {"nbrepro: this run would write a": 4, "nbrepro: this run would write b": 5}
LACKING = [RunError("capture", "one", 1), RunError("capture", "two", 2)]
TRACE = (
    f"PermissionError\nCell In[1], line 1\n\nFile {GUARD}:70, in Guard.hook\n---> 70\n\nPermissionError: x"
)


def test_a_refusal_counts_though_it_was_caught() -> None:
    status, error = faults.outcome(RunStatus.COMPLETED, None, REFUSED, LACKING)
    assert status is RunStatus.FAILED
    assert error == RunError("workspace", "this run would write a\nthis run would write b", 4)


def test_a_refusal_that_ended_the_run() -> None:
    own = RunError("cell", "PermissionError: [Errno 13] nbrepro: this run would write b", 5, TRACE)
    status, error = faults.outcome(RunStatus.FAILED, own, REFUSED, [])
    assert (status, error.kind) == (RunStatus.FAILED, "workspace")
    assert error.traceback == "PermissionError\nCell In[1], line 1\n\nPermissionError: x"


def test_another_end_is_told_first() -> None:
    for status, kind in ((RunStatus.FAILED, "cell"), (RunStatus.TIMEOUT, "timeout")):
        error = RunError(kind, "another", 7)
        assert faults.outcome(status, error, REFUSED, LACKING) == (status, error)


def test_what_could_not_be_captured() -> None:
    assert faults.outcome(RunStatus.COMPLETED, None, {}, LACKING) == (
        RunStatus.FAILED,
        RunError("capture", "one\ntwo", 1),
    )
    assert faults.outcome(RunStatus.COMPLETED, None, {}, []) == (RunStatus.COMPLETED, None)


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (8 << 20, "8 MiB"), (2 << 40, "2048 GiB")],
)
def test_sizes(count: int, text: str) -> None:
    assert faults.size(count) == text


def test_the_journal_is_read_as_it_grows(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    journal = Journal(path)
    journal.update(0)
    path.write_text('{"read": "/a"}\n{"refused": "x"}\n{"facts": {"a": 1}}\n{"thread": "t", "err')
    journal.update(0)
    assert (journal.reads, journal.refused, journal.facts, journal.threads) == (
        {"/a"},
        {"x": 0},
        {"a": 1},
        [],
    )
    with path.open("a") as stream:
        stream.write('or": "e", "traceback": "tb"}\n{"refused": "x"}\n{"note": "n"}\n')
    journal.update(3)
    assert journal.refused == {"x": 0}
    assert journal.notes == ["n"]
    assert journal.take_threads() == [ThreadError("t", "e", "tb")]
    assert journal.take_threads() == []


@given(st.lists(st.integers(1, 30)))
def test_the_journal_comes_whole_in_any_pieces(sizes: list[int]) -> None:
    import tempfile

    data = b"".join(b'{"note": "%d \xc3\xa9"}\n' % number for number in range(5))
    with tempfile.TemporaryDirectory() as folder:
        journal = Journal(Path(folder, "journal"))
        for size in [*sizes, len(data)]:
            with journal.path.open("ab") as stream:
                stream.write(data[:size])
            data = data[size:]
            journal.update(None)
    assert journal.notes == [f"{number} é" for number in range(5)]


def test_places_in_the_project(tmp_path: Path) -> None:
    project, work = tmp_path / "p", tmp_path / "p" / ".nbrepro" / "work"
    (work / "a").mkdir(parents=True)
    (project / "a").mkdir()
    for name in ("a/x", "y"):
        (project / name).touch()
    paths = [work / "a/x", work / "a/only here", project / "y", tmp_path / "elsewhere", work / "a"]
    assert project_files(map(str, paths), work, project) == ("a/x", "y")
    ours = Path(journal_of.__file__)
    assert project_files([str(ours)], work, ours.parents[2]) == ()
    assert relative(str(tmp_path / "elsewhere"), work, project) is None


def test_sources_of_coverage_in_both_trees(tmp_path: Path) -> None:
    project, work = tmp_path / "p", tmp_path / "w"
    for folder in (project / "src", project / "linked", work / "src", tmp_path / "out"):
        folder.mkdir(parents=True)
    wanted = (str(project / "src"), "linked", "package", str(tmp_path / "out"))
    assert covering.sources(wanted, work, project) == [
        str(project / "src"),
        str(work / "src"),
        str(project / "linked"),
        "package",
        str(tmp_path / "out"),
    ]


def test_coverage_is_added_up_under_real_paths(tmp_path: Path) -> None:
    project, work, target = tmp_path / "p", tmp_path / "w", tmp_path / "t" / ".coverage"
    target.parent.mkdir()
    measured = tmp_path / "measured"
    covering.publish(measured, str(target), work, project)
    data = CoverageData(str(measured))
    data.add_lines({str(work / "a.py"): {1}, str(project / "a.py"): {2}, "/else/b.py": {3}})
    data.write()
    data.close()
    covering.publish(measured, str(target), work, project)
    (written,) = target.parent.iterdir()
    told = CoverageData(str(written))
    told.read()
    assert {name: sorted(told.lines(name)) for name in told.measured_files()} == {
        str(project / "a.py"): [1, 2],
        "/else/b.py": [3],
    }
    told.close()


def test_coverage_of_nothing_leaves_no_file(tmp_path: Path) -> None:
    measured, target = tmp_path / "measured", tmp_path / "t" / ".coverage"
    target.parent.mkdir()
    data = CoverageData(str(measured))
    data.add_lines({})
    data.write()
    data.close()
    measured.touch()
    covering.publish(measured, str(target), tmp_path, tmp_path)
    assert list(target.parent.iterdir()) == []
