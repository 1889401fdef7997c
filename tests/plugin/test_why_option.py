"""`--nbrepro-why`: a failing case runs again, and the report says what that told."""

from __future__ import annotations

import json

import pytest

NOTEBOOK = ("import os", "print(f'loss: {SCALE}')")


def text(result) -> str:
    """Return what a session printed, words apart by one space."""
    return " ".join(result.stdout.str().split())


@pytest.fixture
def changed(project, fake_kernel):
    """A case whose code and a distribution of it changed since its baseline."""

    def change(old: str, new: str):
        fake_kernel.distributions = {"pkg": "1"}
        project.notebook("train.ipynb", old)
        project.accept()
        fake_kernel.distributions = {"pkg": "2"}
        project.notebook("train.ipynb", new)
        fake_kernel.runs = 0
        return project.run("--nbrepro-why")

    return change


def test_chance_is_found_by_a_second_run(project, fake_kernel):
    project.notebook("train.ipynb", "print('loss: 0.5')")
    project.accept()
    project.notebook("train.ipynb", "print(f'loss: {runs}.5')")

    result = project.run("--nbrepro-why", "--nbrepro-update=changed")

    assert result.ret == 1
    assert fake_kernel.runs == 4
    assert "two runs of the same notebook disagree: their values are chance" in text(result)
    assert "CODE source changed: cell 1 CHANCE a second run of the same differs from the first" in text(
        result
    )
    assert "allow" not in text(result)
    assert not list((project.root / ".nbrepro").rglob("pending.json"))


def test_without_it_nothing_runs_again(project, fake_kernel):
    project.notebook("train.ipynb", "print('loss: 0.5')")
    project.accept()
    project.notebook("train.ipynb", "print('loss: 0.6')")
    fake_kernel.runs = 0

    assert "why CODE: flags, inputs, environment same; source changed: cell 1 first" in text(project.run())
    assert fake_kernel.runs == 1


def test_one_cause_is_confirmed_by_a_second_run(project, fake_kernel):
    project.notebook("train.ipynb", "print('loss: 0.5')")
    project.accept()
    project.notebook("train.ipynb", "print('loss: 0.6')")
    fake_kernel.runs = 0

    told = text(project.run("--nbrepro-why"))

    assert "source changed: cell 1; a second run is bit-identical" in told
    assert fake_kernel.runs == 2
    notes = [run.notes for run in project.runs()][-1]
    assert notes == ("made to find out why: the same once more",)


def test_a_case_that_reproduces_runs_once(project, fake_kernel):
    project.notebook("train.ipynb", "print('loss: 0.5')")
    project.accept()
    fake_kernel.runs = 0

    assert project.run("--nbrepro-why").ret == 0
    assert fake_kernel.runs == 1


def test_the_code_alone(changed, fake_kernel):
    told = text(changed("print('loss: 0.5')", "print('loss: 0.6')"))
    assert "why CODE: flags, inputs same; pkg 1 -> 2 (does not matter); source changed: cell 1;" in told
    assert "a second run is bit-identical; the baseline's own source still gives what it gave" in told
    assert fake_kernel.runs == 3


def test_the_environment_alone(changed):
    told = text(
        changed("print(f'loss: {distributions[\"pkg\"]}.5')", "print(f'loss:  {distributions[\"pkg\"]}.5')")
    )
    assert (
        "why ENVIRONMENT: flags, inputs same; source changed: cell 1 (does not matter); pkg 1 -> 2;" in told
    )
    assert "the baseline's own source gives the same today" in told


def test_both(changed):
    told = text(
        changed("print(f'loss: {distributions[\"pkg\"]}.5')", "print(f'loss: {distributions[\"pkg\"]}.6')")
    )
    assert "why SEVERAL: flags, inputs same; CODE and ENVIRONMENT changed;" in told
    assert "gives neither what it gave nor what the present one gives" in told
    assert "CODE source changed: cell 1 ENVIRONMENT pkg 1 -> 2" in told


def test_a_baseline_whose_source_fails_today(changed):
    told = text(changed("print('loss: 0.5') if distributions['pkg'] == '1' else 1 / 0", "print('loss: 0.6')"))
    assert "why ENVIRONMENT" in told
    assert "the baseline's own source fails today" in told


def test_a_run_that_fails_now_and_then(project, fake_kernel):
    project.notebook("train.ipynb", "print('loss: 0.5')")
    project.accept()
    project.notebook("train.ipynb", "print('loss: 0.5') if runs % 2 == 0 else 1 / 0")
    fake_kernel.runs = 0

    told = text(project.run("--nbrepro-why"))

    assert "CHANCE it fails now and then: a second run of the same completes" in told
    assert fake_kernel.runs == 2


def test_a_run_that_always_fails(project, fake_kernel):
    project.notebook("train.ipynb", "print('loss: 0.5')")
    project.accept()
    project.notebook("train.ipynb", "1 / 0")

    told = text(project.run("--nbrepro-why"))

    assert "why CODE: flags same; source changed: cell 1" in told
    assert "CHANCE" not in told


def test_a_statistical_case_is_not_asked(project, fake_kernel):
    project.notebook("train.ipynb", "print(f'loss: {runs % 5}.5')", nbrepro={"runs": 5})
    project.accept()
    project.notebook("train.ipynb", "print(f'loss: {runs % 5 + 100}.5')", nbrepro={"runs": 5})

    told = text(project.run("--nbrepro-why"))

    assert "CHANCE" not in told
    assert "why CODE" in told


def test_without_a_baseline_there_is_nothing_to_find_out(project, fake_kernel):
    project.notebook("train.ipynb", "print('loss: 0.5')")
    assert project.run("--nbrepro-why").ret == 1
    assert fake_kernel.runs == 2


def test_an_error_names_the_distribution_that_changed(project, fake_kernel):
    fake_kernel.distributions = {"pkg": "1"}
    project.notebook("train.ipynb", "x = distributions\nprint('loss: 0.5') if x['pkg'] == '1' else x.nothing")
    project.accept()
    fake_kernel.distributions = {"pkg": "2"}

    told = text(project.run())

    assert "why ENVIRONMENT: source, flags same; pkg 1 -> 2, which the error is about" in told
    kept = json.loads((project.runs()[-1].folder / "environment.json").read_text())
    assert kept["blamed"] == ["pkg"]
