"""pytest as users know it."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest


@pytest.fixture
def suite(project, fake_kernel):
    project.notebook("one.ipynb", "x = 1\nprint(f'a: {x}')", nbrepro={"matrix": {"x": [1, 2]}})
    project.notebook("two.ipynb", "print('a: 5')")
    project.write("test_plain.py", "def test_plain(): pass\n")
    project.accept()
    project.notebook("two.ipynb", "print('a: 6')")
    return project


def test_keyword(suite):
    suite.run("-k", "x:2").assert_outcomes(passed=1, deselected=3)


def test_last_failed(suite):
    suite.run().assert_outcomes(passed=3, failed=1)
    suite.run("--lf").assert_outcomes(failed=1)


def test_exit_first(suite):
    suite.run("-x", "two.ipynb", "one.ipynb").assert_outcomes(failed=1)


def test_node_ids(suite):
    suite.run("one.ipynb::x=2").assert_outcomes(passed=1)
    suite.run("one.ipynb::x=1", "two.ipynb::default").assert_outcomes(passed=1, failed=1)


def test_verbose_and_quiet(suite):
    suite.run("-v").stdout.fnmatch_lines(["one.ipynb::x=1 PASSED*", "two.ipynb::default FAILED*"])
    assert "F" in suite.run("-q").outlines[0]


def test_durations(suite):
    suite.run("--durations=3", "-vv").stdout.fnmatch_lines(["*call*ipynb::*"])


def test_no_cacheprovider(suite):
    suite.run("-p", "no:cacheprovider").assert_outcomes(passed=3, failed=1)


def test_root_other_than_the_working_folder(suite, monkeypatch):
    (suite.root / "sub").mkdir()
    monkeypatch.chdir(suite.root / "sub")
    result = suite.run("--rootdir=..", "-c", "../pytest.ini", "../one.ipynb")
    result.assert_outcomes(passed=2)
    assert not (suite.root / "sub/.nbrepro").exists()


def test_folders_by_option(suite):
    suite.run(
        "--nbrepro-baselines=accepted", "--nbrepro-dir=.runs", "--nbrepro-update=new", "one.ipynb"
    ).assert_outcomes(passed=2)
    assert (suite.root / "accepted/one/x=1/metrics.json").exists()
    assert list((suite.root / ".runs/runs").iterdir())
    suite.run("--nbrepro-baselines=accepted", "--nbrepro-dir=.runs", "one.ipynb").assert_outcomes(passed=2)


def test_header(suite):
    suite.run().stdout.fnmatch_lines(["nbrepro: baselines in baselines, runs in .nbrepro"])


def test_the_run_store_is_ignored_by_git(suite):
    assert "*" in (suite.root / ".nbrepro/.gitignore").read_text().splitlines()


OBSOLETE = "*1 obsolete baseline*"


def test_obsolete_baselines_fail_complete_runs_only(suite):
    suite.accept()
    (suite.root / "two.ipynb").unlink()

    result = suite.run()
    assert result.ret == 1
    result.assert_outcomes(passed=3)
    result.stdout.fnmatch_lines([OBSOLETE, "  two/default"])
    for filtered in (
        ["-k", "one"],
        ["one.ipynb"],
        ["one.ipynb::x=1"],
        ["--deselect=one.ipynb::x=1"],
        ["--ignore=nowhere"],
    ):
        result = suite.run(*filtered)
        assert result.ret == 0, filtered
        result.stdout.no_fnmatch_line(OBSOLETE)


def test_obsolete_cases_of_a_notebook_on_its_own(suite):
    suite.accept()
    suite.notebook("one.ipynb", "x = 1\nprint(f'a: {x}')", nbrepro={"matrix": {"x": [1]}})
    result = suite.run("one.ipynb")
    assert result.ret == 1
    result.stdout.fnmatch_lines([OBSOLETE, "  one/x=2"])


def test_a_failing_run_hides_no_baseline(suite):
    suite.accept()
    suite.notebook("two.ipynb", "1 / 0")
    result = suite.run()
    result.stdout.no_fnmatch_line(OBSOLETE)
    assert (suite.root / "baselines/two/default/metrics.json").exists()


def obsolete(suite, *arguments):
    """Return the exit code of a session and what it calls obsolete."""
    result = suite.run(*arguments)
    _, _, told = result.stdout.str().partition("(to be deleted by nbrepro prune):\n")
    return int(result.ret), [line.strip() for line in told.splitlines() if line.startswith("  ")]


@pytest.fixture
def left(suite):
    """A suite that is green but for the baseline of a notebook that is gone."""
    suite.accept()
    (suite.root / "two.ipynb").unlink()
    return suite


def test_skipped_notebooks_protect_their_baselines_and_no_others(left):
    left.notebook("three.ipynb", "print('a: 7')")
    left.run("--nbrepro-update=new")
    left.notebook("three.ipynb", "print('a: 7')", nbrepro={"marks": ["skip"]})
    assert obsolete(left) == (1, ["two/default"])
    result = left.run()
    result.assert_outcomes(passed=3, skipped=1)
    assert prune("--yes") == 0
    assert obsolete(left) == (0, [])
    assert (left.root / "baselines/three/default/metrics.json").exists()


def prune(*arguments):
    from click.testing import CliRunner

    from pytest_nbrepro.cli import main

    return CliRunner().invoke(main, ["prune", *arguments], prog_name="nbrepro").exit_code


def test_notebooks_that_were_kept_out_protect_their_baselines(left):
    left.write("conftest.py", "collect_ignore = ['one.ipynb']")
    assert obsolete(left) == (1, ["two/default"])
    left.write("conftest.py", "")
    left.notebook("one.ipynb", "x = 1\nprint(f'a: {x}')", nbrepro={"matrix": {"x": [1]}})
    left.write("conftest.py", "collect_ignore = ['one.ipynb']")
    assert obsolete(left) == (1, ["one/x=2", "two/default"])
    left.notebook("one.ipynb", "x = 1", nbrepro={"metricks": {}})
    assert obsolete(left) == (1, ["two/default"])


def test_nothing_is_pruned_after_a_session_that_failed_or_was_filtered(left):
    left.notebook("one.ipynb", "x = 1\nprint(f'a: {x + 5}')", nbrepro={"matrix": {"x": [1, 2]}})
    assert obsolete(left) == (1, ["two/default"])
    assert prune("--yes") == 2
    left.accept("-k", "one")
    assert prune("--yes") == 2
    assert obsolete(left) == (1, ["two/default"])
    assert prune("--yes") == 0


def test_a_session_that_stops_early_calls_nothing_obsolete(left):
    left.write("test_first.py", "import pytest\ndef test_first(): pytest.exit('enough')")
    assert left.run("test_first.py", ".").ret != 0
    assert obsolete(left)[1] == []
    left.write("test_first.py", "def test_first(): assert False")
    assert obsolete(left, "-x", "test_first.py", ".")[1] == []


def test_a_renamed_notebook_is_recognized(suite):
    suite.accept()
    (suite.root / "two.ipynb").rename(suite.root / "new name.ipynb")
    result = suite.run()
    assert result.ret == 1
    hint = "    renamed? the same cells as new name/default, git mv keeps its values"
    result.stdout.fnmatch_lines([OBSOLETE, "  two/default", hint])
    (suite.root / "baselines/two").rename(suite.root / "baselines/new name")
    assert obsolete(suite) == (0, [])
    (suite.root / "new name.ipynb").rename(suite.root / "last.ipynb")
    result = suite.run("--nbrepro-update=new")
    hint = "    renamed? the same cells as last/default, which has a baseline"
    result.stdout.fnmatch_lines([OBSOLETE, "  new name/default", hint])
    (suite.root / "baselines/new name/default/notebook.ipynb").write_text("{")
    result = suite.run()
    result.stdout.fnmatch_lines([OBSOLETE, "  new name/default"])
    assert "renamed?" not in result.stdout.str()


def test_other_tests_load_nothing_of_ours_but_the_ground():
    code = textwrap.dedent(
        """
        import sys, pytest
        class Look:
            def pytest_unconfigure(self):
                ours = sorted(n for n in sys.modules if n.startswith("pytest_nbrepro"))
                heavy = [n for n in ("nbformat", "nbclient", "numpy", "nbdime", "pydantic", "polars", "yaml", "PIL",
                         "jupyter_client", "zmq", "click", "psutil") if n in sys.modules]
                print("LOADED", ours, heavy)
        sys.exit(pytest.main(["-q", "-p", "no:cacheprovider", "--co", "--rootdir=.", "nothing_here.py"], plugins=[Look()]))
        """
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=sys.prefix)
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("LOADED")]
    assert (
        line
        == "LOADED ['pytest_nbrepro', 'pytest_nbrepro.errors', 'pytest_nbrepro.options', 'pytest_nbrepro.plugin'] []"
    )
