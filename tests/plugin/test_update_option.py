"""`--nbrepro-update`: what each word accepts."""

from __future__ import annotations

import datetime as dt
import json

import pytest


@pytest.fixture
def three(project, fake_kernel):
    """A case that passes within its limit, one that drifts, and one without a baseline."""
    project.notebook("same.ipynb", "print('a: 0.5')")
    project.notebook("drifts.ipynb", "print('a: 0.5')\nprint('b: 1.5')")
    project.accept()
    project.notebook("same.ipynb", "print('a: 0.5000000001')")
    project.notebook("drifts.ipynb", "print('a: 0.6')\nprint('b: 1.5000000001')")
    project.notebook("new.ipynb", "print('a: 0.5')")
    return project


def value(project, name, metric="a"):
    path = project.root / f"baselines/{name}/default/metrics.json"
    return json.loads(path.read_text())["metrics"][metric] if path.exists() else None


def values(project):
    return [value(project, name) for name in ("same", "drifts", "new")]


def test_none_writes_nothing(three):
    result = three.run()
    assert result.ret == 1
    result.assert_outcomes(passed=1, failed=2)
    assert values(three) == [0.5, 0.5, None]


def test_new_accepts_only_what_has_no_baseline(three):
    result = three.run("--nbrepro-update=new")
    result.assert_outcomes(passed=2, failed=1)
    assert values(three) == [0.5, 0.5, 0.5]
    result.stdout.fnmatch_lines(["*1 baseline written (1 new, 0 changed) after 2 runs*"])


def test_changed_leaves_alone_what_passes(three):
    result = three.run("--nbrepro-update=changed")
    assert result.ret == 0
    assert values(three) == [0.5, 0.6, 0.5]
    assert value(three, "drifts", "b") == 1.5
    result.stdout.fnmatch_lines(["*2 baselines written (1 new, 1 changed) after 3 runs*"])


def test_all_refreshes_what_passes(three):
    assert three.run("--nbrepro-update=all").ret == 0
    assert values(three) == [0.5000000001, 0.6, 0.5]
    assert value(three, "drifts", "b") == 1.5000000001


def test_accepting_twice_changes_nothing(three):
    three.accept()
    before = three.tree()
    result = three.run("--nbrepro-update=changed")
    assert result.ret == 0
    assert three.tree() == before
    assert "written" not in result.stdout.str()


def test_a_metric_that_is_lost_leaves_the_baseline(project, fake_kernel):
    project.notebook("t.ipynb", "print('a: 1')\nprint('b: 2')")
    project.accept()
    project.notebook("t.ipynb", "print('a: 1')")
    assert project.run().ret == 1
    project.accept()
    text = (project.root / "baselines/t/default/metrics.json").read_text()
    assert json.loads(text)["metrics"] == {"a": 1}


def test_artifacts_that_are_gone_leave_the_baseline_and_others_stay(project, fake_kernel):
    project.notebook(
        "t.ipynb",
        "from pathlib import Path\nPath('a.txt').write_text('one')\nPath('b.txt').write_text('two')\nprint('x')",
    )
    project.accept()
    project.notebook("t.ipynb", "from pathlib import Path\nPath('b.txt').write_text('two')\nprint('x')")
    project.accept()
    kept = sorted(p.name for p in (project.root / "baselines/t/default/files").iterdir())
    assert kept == ["b.txt"]


def test_ci_refuses_to_update(project, fake_kernel, monkeypatch):
    monkeypatch.setenv("CI", "true")
    project.notebook("t.ipynb", "print('a: 1')")

    result = project.run("--nbrepro-update=new")

    assert result.ret == 4
    result.stderr.fnmatch_lines(
        ["*--nbrepro-update=new is refused where CI is set*", "*--nbrepro-update-in-ci*"]
    )
    assert not (project.root / "baselines").exists()


@pytest.mark.parametrize("value", ["", "0", "false"])
def test_ci_set_to_nothing_is_no_ci(project, fake_kernel, monkeypatch, value):
    monkeypatch.setenv("CI", value)
    project.notebook("t.ipynb", "print('a: 1')")
    assert project.run("--nbrepro-update=new").ret == 0


def test_ci_updates_when_told_to(project, fake_kernel, monkeypatch):
    monkeypatch.setenv("CI", "1")
    project.notebook("t.ipynb", "print('a: 1')")
    assert project.run("--nbrepro-update=new", "--nbrepro-update-in-ci").ret == 0
    assert (project.root / "baselines/t/default/metrics.json").exists()


def test_a_wrong_word_is_a_usage_error_with_the_nearest(project, fake_kernel):
    result = project.run("--nbrepro-update=change")
    assert result.ret == 4
    result.stderr.fnmatch_lines(
        ["*--nbrepro-update: 'change' is none of none, new, changed, all*", "*'changed'*"]
    )


def test_a_refused_acceptance_fails_the_session(project, fake_kernel, monkeypatch):
    from pytest_nbrepro import baselines
    from pytest_nbrepro.errors import BaselineError

    project.notebook("t.ipynb", "print('a: 1')")

    def full(tree, target, tags):
        raise BaselineError("No space left on device", where=str(target))

    monkeypatch.setattr(baselines, "exchange", full)
    result = project.run("--nbrepro-update=new")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*not accepted: *No space left on device*"])


UNMENDABLE = {
    "range": {"metrics": {"a": {"max": 1}}},
    "declared": {"metrics": {"b": {"rel": 1e-3}}},
    "file": {"artifacts": {"b.csv": {"rel": 1e-3}}},
}


@pytest.mark.parametrize("spec", UNMENDABLE.values(), ids=UNMENDABLE)
@pytest.mark.parametrize("first", [True, False])
def test_what_accepting_does_not_mend_is_refused(project, fake_kernel, spec, first):
    if not first:
        project.notebook("t.ipynb", "print('a: 1')")
        project.accept()
    before = project.tree("t.ipynb")
    project.notebook("t.ipynb", "print('a: 2')", nbrepro=spec)

    result = project.run("--nbrepro-update=all")

    assert result.ret == 1
    result.stdout.fnmatch_lines(["*accepting values does not mend *"])
    result.stdout.no_fnmatch_line("*nbrepro review*")
    assert project.tree("t.ipynb") == before


def test_an_expected_failure_is_strict(project, fake_kernel):
    project.notebook("t.ipynb", "print('a: 1')\nprint('b: 1')")
    project.accept()
    spec = {"metrics": {"a": {"xfail": "bug 7"}}}
    project.notebook("t.ipynb", "print('a: 2')\nprint('b: 1')", nbrepro=spec)
    assert project.run().ret == 0
    project.notebook("t.ipynb", "print('a: 1')\nprint('b: 1')", nbrepro=spec)
    result = project.run("--nbrepro-update=all")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*a*passes, though expected to fail: bug 7*"])


def test_a_run_store_from_elsewhere_is_not_collected(project, fake_kernel):
    project.notebook("t.ipynb", "print('a: 1')")
    project.accept()
    (project.root / ".nbrepro").rename(project.root / "from-ci")
    project.run().assert_outcomes(passed=1)


def test_an_unreadable_pending_entry_is_told(project, fake_kernel, monkeypatch):
    from pytest_nbrepro import tally
    from pytest_nbrepro.errors import StoreError

    project.notebook("t.ipynb", "print('a: 1')")

    def unreadable(*_):
        raise StoreError("cannot read what waits")

    monkeypatch.setattr(tally.pending, "read", unreadable)
    result = project.run("--nbrepro-update=new")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*not accepted: cannot read what waits*"])


def test_ignored_values_are_in_no_baseline(project, fake_kernel):
    code = "from pathlib import Path\nprint('a: 1')\nprint(f'time_s: {runs}.5')\nPath('t.log').write_text(f'{runs}')\nNone"
    spec = {"metrics": {"time*": "ignore"}, "artifacts": {"*.log": "ignore"}}
    project.notebook("t.ipynb", code, nbrepro=spec)
    project.accept()
    folder = project.root / "baselines/t/default"
    assert json.loads((folder / "metrics.json").read_text())["metrics"] == {"a": 1}
    assert json.loads((folder / "artifacts.json").read_text())["artifacts"] == {}
    assert project.run().ret == 0


def test_the_day_of_a_run_means_nothing_and_other_dates_are_results(project, fake_kernel):
    code = "import datetime\nprint('made on', datetime.date.today(), 'best day', '{}')"
    project.notebook("t.ipynb", code.format("2022-02-14"))
    project.accept()
    text = (project.root / "baselines/t/default/notebook.ipynb").read_text()
    assert "2022-02-14" in text
    assert str(dt.datetime.now(dt.UTC).date()) not in text
    project.notebook("t.ipynb", code.format("2022-02-15"))
    result = project.run()
    result.stdout.fnmatch_lines(["*output*cell 1*"])
