"""One baseline for several platforms and tags: what differs there lies over it."""

from __future__ import annotations

import json

import pytest

from pytest_nbrepro import baselines

ARM, X86 = "linux-aarch64", "linux-x86_64"
CODE = "print('loss: {}')\nprint('acc: 0.5')\nprint('says {}')"


@pytest.fixture
def two(project, fake_kernel):
    """A baseline made on x86, and what differs on arm accepted into an overlay."""
    return Two(project, fake_kernel)


class Two:
    def __init__(self, project, kernel):
        self.project, self.kernel = project, kernel
        self.on(X86, 1.0, "x86")
        assert self.run("--nbrepro-update=new").ret == 0
        self.on(ARM, 2.0, "arm")
        assert self.run().ret == 1
        assert self.cli("accept", "t", "-m", "arm rounds otherwise", "--overlay") == 0
        self.folder = project.root / "baselines/t/default"

    def on(self, platform, loss, says):
        """Set where runs are made, and what they give there."""
        self.kernel.platform = platform
        self.project.notebook("t.ipynb", CODE.format(loss, says))

    def run(self, *arguments):
        return self.project.run(*arguments)

    def cli(self, *arguments):
        from click.testing import CliRunner

        from pytest_nbrepro.cli import main

        result = CliRunner().invoke(main, arguments, prog_name="nbrepro")
        self.said = result.output
        return result.exit_code

    def losses(self):
        """Return the accepted loss, "" for the common one, else by tag."""
        sides = {"": baselines.read(self.folder), **baselines.read_overlays(self.folder)}
        return {tag: side.metrics["loss"].value for tag, side in sides.items() if "loss" in side.metrics}


def test_each_platform_is_held_against_its_own_values(two):
    assert two.losses() == {"": 1.0, ARM: 2.0}
    assert two.run().ret == 0
    two.on(X86, 1.0, "x86")
    assert two.run().ret == 0
    two.on(X86, 2.0, "arm")
    assert two.run().ret == 1
    two.on(ARM, 1.0, "x86")
    result = two.run()
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        ["*output*cell 1*overlay linux-aarch64*", "*metric*loss*2.000 -> 1.000*", "*overlay linux-aarch64"]
    )
    two.on("darwin-arm64", 1.0, "x86")
    assert two.run().ret == 0


def test_only_what_differs_is_in_an_overlay(two):
    overlay = two.folder / "overlay" / ARM
    assert json.loads((overlay / "metrics.json").read_text())["metrics"] == {"loss": 2.0}
    assert sorted(p.name for p in overlay.iterdir()) == [
        "artifacts.json",
        "environment.json",
        "metrics.json",
        "notebook.ipynb",
    ]
    record = json.loads((overlay / "environment.json").read_text())
    assert (record["platform"], record["accepted"]) == (ARM, "arm rounds otherwise")


def test_the_cause_is_looked_for_where_the_values_are_from(two):
    two.on(ARM, 2.5, "arm")
    result = two.run()
    result.stdout.fnmatch_lines(["*loss*2.000 -> 2.500*overlay linux-aarch64*"])
    assert "platform" not in result.stdout.str().split("why")[1]
    two.on(ARM, 2.0, "arm")
    two.project.notebook("t.ipynb", CODE.format(2.0, "arm").replace("acc: 0.5", "acc: 0.6"))
    two.run().stdout.fnmatch_lines(
        ["*CODE *source changed: cell 1", "*ENVIRONMENT machine: platform linux-x86_64 -> linux-aarch64"]
    )


def test_updates_write_where_a_value_lies(two):
    two.on(ARM, 3.0, "arm")
    assert two.run("--nbrepro-update=changed").ret == 0
    assert two.losses() == {"": 1.0, ARM: 3.0}
    two.on(X86, 4.0, "x86")
    assert two.run("--nbrepro-update=changed").ret == 0
    assert two.losses() == {"": 4.0, ARM: 3.0}
    two.on(ARM, 3.0000000001, "arm")
    assert two.run("--nbrepro-update=changed").ret == 0
    assert two.losses()[ARM] == 3.0  # passes
    assert two.run("--nbrepro-update=all").ret == 0
    assert two.losses() == {"": 4.0, ARM: 3.0000000001}


def test_what_passes_below_an_overlay_again_needs_it_no_more(two):
    two.on(ARM, 1.0000000001, "x86")
    assert two.run().ret == 1
    assert two.cli("accept", "t", "-m", "as elsewhere") == 0
    assert (
        "dropped from overlay linux-aarch64, as in the common baseline: metric loss, output cell 1"
        in two.said
    )
    assert not (two.folder / "overlay").exists()
    assert two.losses() == {"": 1.0}
    assert two.run().ret == 0


def test_tags_come_over_the_platform(two, monkeypatch):
    two.on(ARM, 5.0, "arm")
    assert two.run("--nbrepro-tag=cuda").ret == 1
    assert two.cli("accept", "--all", "-m", "cuda", "--overlay=cuda") == 0
    assert two.losses() == {"": 1.0, ARM: 2.0, "cuda": 5.0}
    monkeypatch.setenv("NBREPRO_TAG", "other, cuda")
    result = two.run()
    assert result.ret == 0
    result.stdout.fnmatch_lines(["nbrepro: baselines in baselines, runs in .nbrepro, tags other, cuda"])
    assert two.cli("show", "last") == 0
    assert "overlay cuda" in two.said
    monkeypatch.delenv("NBREPRO_TAG")
    assert two.cli("show", "last") == 0  # what the run was told counts, not what is set now
    assert two.run().ret == 1
    two.project.write("pytest.ini", "[pytest]\nnbrepro_tag = cuda\n")
    assert two.run().ret == 0


@pytest.mark.parametrize("tag", ["a b", "../x", ".x", "ü", "a/b"])
def test_what_is_no_tag_is_a_usage_error(two, tag):
    result = two.run(f"--nbrepro-tag=cuda,{tag}")
    assert result.ret == 4
    result.stderr.fnmatch_lines([f"*--nbrepro-tag: '{tag}' is no tag*", "*hint: a tag has letters*"])


def test_changed_overlays_invalidate_what_waits(two):
    two.on(ARM, 3.0, "arm")
    assert two.run().ret == 1
    path = two.folder / "overlay" / ARM / "metrics.json"
    path.write_text(path.read_text().replace("2.0", "2.5"))
    assert two.cli("accept", "--all", "-m", "x") == 2
    assert "the baseline changed since this run" in two.said


def test_a_broken_overlay_is_an_error_where_it_applies(two):
    (two.folder / "overlay" / ARM / "artifacts.json").unlink()
    result = two.run("--nbrepro-update=all")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*this baseline is half-written*"])
    two.on(X86, 1.0, "x86")
    two.run("t.ipynb::default").assert_outcomes(passed=1)


def test_new_and_lost_values_belong_into_the_common_baseline(two):
    two.project.notebook("t.ipynb", CODE.format(2.0, "arm") + "\nprint('auc: 1')")
    assert two.run().ret == 1
    assert two.cli("accept", "--all", "-m", "x", "--overlay") == 2
    assert "metric auc is new: an overlay only says otherwise what the common baseline says" in two.said
    assert "nothing was accepted" in two.said
    assert two.cli("accept", "--all", "-m", "x") == 0
    assert two.run().ret == 0
    two.on(X86, 1.0, "x86")
    two.run().stdout.fnmatch_lines(["*auc*LOST*"])


def test_a_first_baseline_is_no_overlay(project, fake_kernel, two):
    project.notebook("new.ipynb", "print('a: 1')")
    two.run()
    assert two.cli("accept", "new", "-m", "x", "--overlay") == 2
    assert "an overlay lies over a common baseline, and there is none yet" in two.said


# -- obsolete -----------------------------------------------------------------------------------------


def test_values_over_nothing_are_obsolete_and_pruned(two):
    two.project.notebook("t.ipynb", "print('acc: 0.5')\nprint('says arm')")
    two.kernel.platform = X86
    assert two.run("--nbrepro-update=changed").ret == 1
    result = two.run()
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        ["*1 obsolete baseline*", f"  t/default/overlay/{ARM}", "    the common baseline has no metric loss"]
    )
    assert two.cli("prune", "--yes") == 0, two.said
    assert f"t/default/overlay/{ARM}, of it alone: metric loss" in two.said
    assert two.losses() == {}
    assert two.run().ret == 0


def test_an_obsolete_baseline_takes_its_overlays_along(two):
    two.project.notebook("u.ipynb", "print('a: 1')")
    two.run("--nbrepro-update=new")
    (two.project.root / "t.ipynb").unlink()
    two.run().stdout.fnmatch_lines(["*1 obsolete baseline*", "  t/default"])
    assert two.cli("prune", "--yes") == 0
    assert f"t/default, with its overlays {ARM}" in two.said
    assert not two.folder.exists()


# -- anchors ------------------------------------------------------------------------------------------


NOTE = "*loss has moved * limits since it was meant to change: 1.000 -> 1.002, by 2 acceptances*"


@pytest.fixture
def crept(project, fake_kernel):
    """A metric that two acceptances moved."""
    for loss in (1.0, 1.001, 1.002):
        project.notebook("t.ipynb", f"print('loss: {loss}')", nbrepro={"metrics": {"loss": {"rel": 5e-4}}})
        result = project.run("--nbrepro-update=changed")
        assert result.ret == 0
    result.stdout.fnmatch_lines([f"note: t.ipynb::default: {NOTE[1:]}"])
    return project


def test_creep_is_told_of_a_case_that_passes(crept):
    result = crept.run()
    assert result.ret == 0
    result.stdout.fnmatch_lines([f"*NotebookWarning: t.ipynb::default: {NOTE[1:]}"])


def test_creep_is_told_of_a_case_that_fails(crept):
    crept.notebook("t.ipynb", "print('loss: 1.1')", nbrepro={"metrics": {"loss": {"rel": 5e-4}}})
    result = crept.run()
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*note    loss has moved 4 limits since it was meant to change: 1.000 ->*"])
    assert "NotebookWarning" not in result.stdout.str()


def test_updates_never_begin_anew(crept):
    crept.notebook("t.ipynb", "print('loss: 5.0')", nbrepro={"metrics": {"loss": {"rel": 5e-4}}})
    assert crept.run("--nbrepro-update=all").ret == 0
    crept.run().stdout.fnmatch_lines(["*1.000 -> 5.000, by 3 acceptances*"])


def test_one_acceptance_is_no_creep(project, fake_kernel):
    for loss in (1.0, 5.0):
        project.notebook("t.ipynb", f"print('loss: {loss}')")
        project.accept()
    assert "has moved" not in project.run().stdout.str()
