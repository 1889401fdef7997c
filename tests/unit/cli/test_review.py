"""`nbrepro review`: with answers from a pipe, and through a terminal."""

from __future__ import annotations

import dataclasses
import json
import os
import pty
import select
import signal
import subprocess
import sys
import time

import pytest

from pytest_nbrepro import baselines, files, notebook, pending
from pytest_nbrepro.assessment import Places, assess, keep_pending
from pytest_nbrepro.cli import desk
from pytest_nbrepro.cli.entries import look
from pytest_nbrepro.cli.lookup import case_of
from pytest_nbrepro.cli.site import Asked
from pytest_nbrepro.errors import BaselineError
from pytest_nbrepro.model import Artifact, Metric, Picture

SIDECAR = "# mine\nmetrics:\n  loss: {rel: 1e-3}  # solver\n"


def executed(text):
    outputs = [{"output_type": "stream", "name": "stdout", "text": text}] if text else []
    common = {"cell_type": "code", "metadata": {}, "execution_count": None}
    return {
        "cells": [
            {**common, "id": "id0", "source": "x = 1.0", "outputs": []},
            {**common, "id": "id1", "source": "# show\nprint('hello')", "outputs": outputs},
        ],
        "metadata": {},
        "nbformat": 4,
        "nbformat_minor": 5,
    }


class Review:
    """A notebook with an accepted baseline, and runs that differ from it."""

    def __init__(self, bench):
        self.bench = bench
        self.sidecar = bench.root / "train.nbrepro.yaml"

    def keep(
        self, kind, loss, acc=0.5, text="hello\n", figure=None, notebook="train.ipynb", tags=("linux-x86_64",)
    ):
        """Let a run's values wait."""
        bench, artifacts = self.bench, {}
        environment = {"schema": 1, "platform": tags[0], "tags": list(tags[1:]), "flags": {}}
        run = bench.run(
            notebook,
            executed=executed(text),
            environment=environment,
            metrics={"loss": Metric(loss, cell=1), "acc": Metric(acc, cell=1)},
        )
        if figure is not None:
            path = run.folder / "files/note.txt"
            path.parent.mkdir()
            path.write_text(figure)
            artifacts = {
                "note.txt": Artifact("note.txt", "text", "files/note.txt", files.sha256(path), len(figure))
            }
            run = dataclasses.replace(run, artifacts=artifacts)
            bench.store.write(run)
        places = Places(bench.root, bench.store.folder, bench.baselines)
        keep_pending(assess(case_of(run, bench.root), run, places), places, kind, once=False, fixture=False)
        return run

    def begin(self, notebook="train.ipynb", sidecar=SIDECAR, **fields):
        bench = self.bench
        bench.notebook(notebook)
        if sidecar is not None:
            (bench.root / notebook).with_suffix(".nbrepro.yaml").write_text(sidecar)
        self.keep("new", 0.25, notebook=notebook, **fields)
        assert bench("accept", notebook, "-m", "first").code == 0

    def baseline(self, folder="train/default"):
        return baselines.read(self.bench.baselines / folder)

    def overlays(self, folder="train/default"):
        """Return what overlays say of metrics, by tag."""
        found = baselines.read_overlays(self.bench.baselines / folder)
        return {
            tag: {name: metric.value for name, metric in side.metrics.items()} for tag, side in found.items()
        }

    def waits(self):
        return [entry.case for entry in look(self.bench.store.pending).entries]

    def __call__(self, answers, *arguments):
        return self.bench("review", *arguments, answer=answers)


@pytest.fixture
def review(bench):
    return Review(bench)


@pytest.fixture
def drifted(review):
    """Loss, note and text differ."""
    review.begin(figure="old\nsame\n")
    review.keep("changed", 0.2525, text="bye\n", figure="new\nsame\n")
    return review


# -- listing ------------------------------------------------------------------------------------------


def test_nothing_waits(bench):
    said = bench("review")
    assert (said.code, said.out, said.err) == (0, "", "nothing waits in .nbrepro/pending\n")
    assert bench("review", "--json").json == {"schema": 1, "pending": [], "unreadable": {}}
    said = bench("review", "train.ipynb")
    assert (said.code, said.err) == (2, "error: .nbrepro/pending: nothing waits\n")


def test_json(drifted):
    said = drifted("", "--json")
    assert said.code == 1
    (entry,) = said.json["pending"]
    assert entry["case"] == "train.ipynb::default"
    changes = [(c["kind"], c["name"], c["before"], c["after"]) for c in entry["changes"]]
    assert changes[0] == ("metric", "loss", "0.25", "0.2525")
    assert changes[1][:3] == ("artifact", "note.txt", "text, 9 bytes, sha256 " + changes[1][2][-8:])
    assert changes[2] == ("output", 'cell 2 "show"', "hello", "bye")
    assert entry["offers"] == ["loss: {rel: 1.1e-2}"]
    assert entry["card"].startswith("NBREPRO train.ipynb::default   3 of 4 checks drifted\n")
    assert drifted.waits()


def test_the_card_is_that_of_the_report(drifted):
    said = drifted("q\n")
    assert said.code == 1
    assert "NBREPRO train.ipynb::default   3 of 4 checks drifted\n" in said.out
    assert "  metric  loss           0.2500 -> 0.2525   used 10x   rel 0.001" in said.out
    assert "  allow   loss: {rel: 1.1e-2}" in said.out
    assert "\na accept  A intended  v overlay" in said.out
    assert max(map(len, said.out.splitlines())) <= 80
    assert said.out.endswith("? help\n1 of 1 > 1 case waits still: nbrepro review\n")


def test_a_run_that_is_not_in_the_store(bench):
    bench.waiting()
    said = bench("review", answer="q\n")
    assert said.code == 1
    assert "NBREPRO train.ipynb::default   1 difference\n  metric loss: drift\n" in said.out
    assert "cannot be shown: there is no such run" in said.out


def test_a_run_whose_case_is_gone(bench):
    bench.waiting()
    bench.run(case="gone", id="20250101T000001.000000-000001")
    assert "there is no case 'gone' any more" in bench("review", answer="q\n").out


# -- accept, reject, skip, quit -----------------------------------------------------------------------


def test_accept_asks_why(drifted):
    said = drifted("a\n\na\nbetter\n")
    assert said.code == 0
    assert "nothing was accepted: say why" in said.out
    assert said.out.endswith(
        "accepted train.ipynb::default\n"
        "accepted values of 1 case into baselines\n"
        "next  git add baselines && git commit -m 'better (accepts train.ipynb::default)'\n"
    )
    assert drifted.bench.loss() == 0.2525
    assert drifted.baseline().environment["accepted"] == "better"
    assert drifted.waits() == []


def test_the_last_reason_counts_where_none_is_typed(review):
    for name in ("a.ipynb", "b.ipynb"):
        review.begin(name)
        review.keep("changed", 0.5, notebook=name)
    said = review("a\nwhy not\na\n\n")
    assert said.code == 0
    assert "why [why not]: " in said.out
    assert review.baseline("b/default").environment["accepted"] == "why not"


def test_one_reason_for_all(review):
    for name in ("a.ipynb", "b.ipynb"):
        review.begin(name)
        review.keep("changed", 0.5, notebook=name)
    said = review("a\na\n", "-m", "solver")
    assert said.code == 0
    assert "why: " not in said.out
    assert [review.bench.loss(f"{n}/default") for n in "ab"] == [0.5, 0.5]
    assert "solver (accepts 2 cases)" in said.out


def test_each_answer_counts_for_its_case(review):
    for name in ("a.ipynb", "b.ipynb", "c.ipynb", "d.ipynb"):
        review.begin(name)
        review.keep("changed", 0.5, notebook=name)
    said = review("s\nr\na\nq\n", "-m", "solver")
    assert said.code == 1
    assert [review.bench.loss(f"{n}/default") for n in "abcd"] == [0.25, 0.25, 0.5, 0.25]
    assert review.waits() == ["a.ipynb::default", "d.ipynb::default"]
    assert said.out.endswith("2 cases wait still: nbrepro review\n")
    assert review("a\n", "d.ipynb", "-m", "solver").code == 0
    assert review.waits() == ["a.ipynb::default"]


def test_the_end_of_the_input_leaves_the_rest(drifted):
    said = drifted("")
    assert said.code == 1
    assert drifted.waits()
    said = drifted("a\n")  # no reason comes any more
    assert said.code == 1
    assert drifted.bench.loss() == 0.25


def test_other_answers_get_help(drifted):
    said = drifted("?\nx\n\nq\n")
    assert said.out.count("  r  reject: forget these values") == 3


def test_what_cannot_be_accepted_is_told_and_asked_again(drifted):
    drifted.bench.notebook("train.ipynb", "x = 2.0")
    said = drifted("a\nmeant\nq\n")
    assert said.code == 1
    assert "error: train.ipynb::default: the notebook changed since this run" in said.err
    assert drifted.waits()


def test_what_somebody_else_settled_meanwhile_is_left(drifted, monkeypatch):
    def gone(root, entry, *rest):
        pending.drop(root, entry.folder)
        raise BaselineError("gone")

    monkeypatch.setattr(pending, "accept", gone)
    said = drifted("a\n", "-m", "x")
    assert (said.code, said.err) == (0, "error: gone\n")


def test_records_that_cannot_be_read(drifted):
    path = drifted.bench.store.pending / "other/default/pending.json"
    path.parent.mkdir(parents=True)
    path.write_text("{")
    said = drifted("a\n", "-m", "x")
    assert said.code == 2
    assert "cannot read what waits" in said.err
    assert drifted.bench.loss() == 0.2525


def test_what_waits_elsewhere(drifted, tmp_path_factory):
    there = tmp_path_factory.mktemp("ci") / ".nbrepro"
    drifted.bench.store.folder.rename(there)
    drifted.bench.store.prepare()
    said = drifted("a\n", "--from", str(there.parent), "-m", "CI's")
    assert said.code == 0
    assert "used 10x" in said.out
    assert drifted.bench.loss() == 0.2525
    assert look(there / "pending").entries == []


# -- overlays and anchors -----------------------------------------------------------------------------


def test_an_overlay_takes_what_differs(drifted):
    said = drifted("v\nthis machine\n")
    assert said.code == 0
    what = 'overlay linux-x86_64: metric loss, artifact note.txt, output cell 2 "show"'
    assert f"accepted train.ipynb::default ({what})\n" in said.out
    assert (
        "next  git add baselines && git commit -m 'this machine (accepts train.ipynb::default)'" in said.out
    )
    assert drifted.bench.loss() == 0.25
    assert drifted.overlays() == {"linux-x86_64": {"loss": 0.2525}}
    assert drifted.baseline().environment["accepted"] == "first"
    assert drifted.waits() == []


def test_it_is_asked_which_where_there_are_several(drifted):
    drifted.keep("changed", 0.26, figure="new\nsame\n", tags=("linux-aarch64", "cuda"))
    said = drifted("v\ncud\ncuda\nr\nwhy\n")  # the reason is "r"
    assert said.out.count("which of linux-aarch64, cuda [linux-aarch64]: ") == 2
    assert drifted.overlays() == {"cuda": {"loss": 0.26}}
    drifted.keep("changed", 0.27, figure="new\nsame\n", tags=("linux-aarch64", "cuda", "big"))
    said = drifted("v\n\nwhy\n")
    assert "(overlay cuda: metric loss)" in said.out  # it decides already, and is more specific
    assert drifted.overlays() == {"cuda": {"loss": 0.27}}


def test_each_value_goes_where_it_is_sent(drifted):
    said = drifted("e\nv\nthis machine\na\ns\nq\n")
    assert said.code == 1
    assert "  1 of 3: a accept  A intended  v overlay  s skip  b back > " in said.out
    assert "accepted loss (overlay linux-x86_64: metric loss)\n" in said.out
    assert "accepted note.txt\n" in said.out
    assert drifted.overlays() == {"linux-x86_64": {"loss": 0.2525}}
    assert drifted.bench.loss() == 0.25
    assert (drifted.baseline().folder / "files/note.txt").read_text() == "new\nsame\n"
    said = drifted("v\nthe rest\n")
    assert said.code == 0
    assert "NBREPRO train.ipynb::default   1 of 4 checks drifted" in said.out


def test_a_value_that_an_overlay_decides_is_accepted_there(drifted):
    drifted("v\nthis machine\n")
    drifted.keep("changed", 0.26, text="bye\n", figure="new\nsame\n")
    said = drifted("a\nmore of it\n")
    assert "  metric  loss  0.2525 -> 0.2600   used 29.7x   rel 0.001   overlay linux-x86_64\n" in said.out
    assert "accepted train.ipynb::default (overlay linux-x86_64: metric loss)\n" in said.out
    assert (drifted.bench.loss(), drifted.overlays()) == (0.25, {"linux-x86_64": {"loss": 0.26}})


def test_files_of_overlays_are_shown_and_compared(drifted):
    drifted("v\nthis machine\n")
    drifted.keep("changed", 0.2525, text="well\n", figure="newer\nsame\n")
    said = drifted("o\nd\nq\n")
    assert "note.txt  baseline  baselines/train/default/overlay/linux-x86_64/files/note.txt\n" in said.out
    assert "    -new\n    +newer\n     same\n" in said.out
    assert "\n-    text: bye\n" in said.out
    assert "0.001, overlay linux-x86_64" in said.out
    (entry,) = drifted("", "--json").json["pending"]
    assert entry["tags"] == ["linux-x86_64"]
    assert [(c["before"], c["after"]) for c in entry["changes"]][1] == ("bye", "well")


def test_what_an_overlay_cannot_take_is_told_and_asked_again(review):
    review.bench.notebook()
    review.keep("new", 0.25)
    said = review("v\nwhy\nq\n")
    assert "error: train.ipynb::default: an overlay lies over a common baseline" in said.err
    assert review.waits()


def test_a_run_that_tells_no_platform(bench):
    bench.waiting()
    said = bench("review", answer="v\nwhy\nq\n")
    assert "the run that waits tells no platform" in said.err


def crept(review, *losses):
    """Accept these losses, one after the other, as drifts."""
    review.begin()
    for loss in losses:
        review.keep("changed", loss)
        said = review("a\n", "-m", "drift")
        assert said.code == 0
    return said


def anchor(review):
    return review.baseline().environment.get("anchors")


def test_creep_is_told(review):
    said = crept(review, 0.2505, 0.251)
    note = "loss has moved 4 limits since it was meant to change: 0.2500 -> 0.2510, by 2 acceptances"
    assert f"note  train.ipynb::default: {note}\n" in said.out
    assert anchor(review) == {"loss": {"acceptances": 2, "value": 0.25}}


def test_creep_is_told_of_single_values(review):
    crept(review, 0.2505)
    review.keep("changed", 0.252, text="bye\n")
    assert "loss has moved 8 limits" in review("e\na\ns\nq\n", "-m", "drift").out
    review.keep("changed", 0.253)
    assert "loss has moved 12 limits" in review("e\na\n", "-m", "drift").out


@pytest.mark.parametrize("answers", ["A\nnew solver\n", "e\nA\nnew solver\n"])
def test_what_is_intended_begins_anew(review, answers):
    crept(review, 0.2505)
    assert anchor(review)
    review.keep("changed", 0.251)
    said = review(answers)
    assert said.code == 0
    assert "has moved" not in said.out
    assert anchor(review) is None


# -- each ---------------------------------------------------------------------------------------------


def test_some_of_it(drifted):
    said = drifted("e\na\nthe metric is right\ns\ns\nq\n")
    assert said.code == 1
    assert "  metric    loss  0.25 -> 0.2525\n" in said.out
    assert '  output    cell 2 "show"\n    -hello\n    +bye\n' in said.out
    assert "NBREPRO train.ipynb::default   2 of 4 checks drifted" in said.out  # the card, again
    baseline = drifted.baseline()
    assert baseline.metrics["loss"].value == 0.2525
    assert (baseline.folder / "files/note.txt").read_text() == "old\nsame\n"
    assert baseline.environment["accepted"] == "the metric is right"
    (entry,) = look(drifted.bench.store.pending).entries
    assert [line.split(":")[0] for line in entry.differences] == ["text note.txt", 'output cell 2 "show"']
    assert drifted("a\n", "-m", "and the rest").code == 0
    assert (drifted.baseline().folder / "files/note.txt").read_text() == "new\nsame\n"
    assert "bye" in drifted.baseline().notebook.read_text()


def test_all_of_it_one_by_one(drifted):
    said = drifted("e\na\na\na\n", "-m", "all right")
    assert said.code == 0
    assert drifted.waits() == []
    whole = drifted.baseline()
    assert (whole.metrics["loss"].value, whole.environment["accepted"]) == (0.2525, "all right")


def test_back_and_no_reason(drifted):
    assert drifted("e\nx\nb\nq\n").code == 1
    assert drifted("e\na\n\nq\n").code == 1
    assert drifted.bench.loss() == 0.25


def test_the_end_of_the_input_between_entries(drifted):
    said = drifted("e\na\n", "-m", "x")
    assert said.code == 1
    assert drifted.bench.loss() == 0.2525
    assert drifted.waits()
    assert drifted("a\n", "-m", "y").code == 0


# -- loosen -------------------------------------------------------------------------------------------


def test_loosen_writes_the_limit(review):
    review.begin()
    review.keep("changed", 0.2525)
    said = review("t\n")
    assert said.code == 0
    assert "train.nbrepro.yaml: loss: {rel: 1.1e-2}\n" in said.out
    assert "passes now: train.ipynb::default waits no more" in said.out
    assert review.sidecar.read_text() == "# mine\nmetrics:\n  loss: {rel: 1.1e-2}  # solver\n"
    assert review.bench.loss() == 0.25
    assert review.waits() == []


def test_loosen_keeps_what_still_differs(drifted):
    said = drifted("t\na\n", "-m", "text is meant")
    assert said.code == 0
    assert "NBREPRO train.ipynb::default   2 of 4 checks drifted" in said.out
    assert drifted.bench.loss() == 0.25  # passes by its new limit: not rewritten
    assert "bye" in drifted.baseline().notebook.read_text()


def test_loosen_where_the_notebook_changed(drifted):
    drifted.bench.notebook("train.ipynb", "x = 2.0")
    said = drifted("t\nq\n")
    assert said.code == 1
    assert "the notebook changed since this run" in said.err
    assert "1.1e-2" in drifted.sidecar.read_text()


def test_loosen_without_a_file_to_write_to(review):
    review.begin(sidecar=None)
    review.keep("changed", 0.25 * (1 + 1e-5))
    said = review("t\nq\n")
    assert said.code == 1
    assert "not written: there is no train.nbrepro.yaml beside the notebook\n" in said.out
    assert "  to paste: metrics: {loss: {rel: 1.1e-5}}\n" in said.out
    assert not review.sidecar.exists()


@pytest.mark.parametrize("loss", [0.5, float("nan")])
def test_nothing_to_loosen(review, loss):
    review.begin()
    review.keep("changed", loss)
    said = review("t\nq\n")
    assert "no limit is safe to suggest here" in said.out
    assert review.sidecar.read_text() == SIDECAR


def test_nothing_to_loosen_where_something_is_lost(review):
    review.begin(figure="text")
    review.keep("changed", 0.2525)
    said = review("t\nq\n")
    assert "LOST" in said.out
    assert "no limit is safe to suggest here" in said.out
    assert review.sidecar.read_text() == SIDECAR


# -- diff and open ------------------------------------------------------------------------------------


def test_the_whole_diff(drifted):
    said = drifted("d\nq\n")
    assert "  equal   metric  acc" in said.out
    assert "    -old\n    +new\n     same\n" in said.out
    assert "\n-    text: hello\n" in said.out
    assert "\n+    text: bye\n" in said.out


def test_the_whole_diff_of_a_first_baseline(review):
    review.bench.notebook()
    review.keep("new", 0.25, figure="text")
    said = review("d\nq\n")
    assert "  metric    loss  none -> 0.25\n" in said.out


def test_paths_of_files(drifted, monkeypatch):
    launched = []
    monkeypatch.setattr(desk.click, "launch", launched.append)
    said = drifted("o\nq\n")
    assert "  note.txt  baseline  baselines/train/default/files/note.txt\n" in said.out
    assert "  note.txt  result  .nbrepro/pending/train/default/files/note.txt\n" in said.out
    assert launched == []


def test_no_files(review):
    review.begin()
    review.keep("changed", 0.5)
    assert "no file or picture differs" in review("o\nq\n").out


def test_pictures_are_opened_where_there_is_a_display(review, monkeypatch, capsys):
    launched = []
    monkeypatch.setattr(desk.click, "launch", launched.append)
    monkeypatch.setattr(desk, "_display", lambda: True)
    one = desk.Desk(Asked(review.bench.root, {}).site(), review.bench.root, "")
    for kind, stored in (("image", "file"), ("image", "hash"), ("table", "file")):
        one._tell_file("x", review.bench.root, Artifact("x", kind, "files/x", "0", 1, stored=stored))
    seen = Picture("cells/x.png", "0", 1)
    one._tell_file("x", review.bench.root, Artifact("x", "figure", "cells/x.npz", "0", 1, shown=seen))
    assert launched == [str(review.bench.root / path) for path in ("files/x", "cells/x.png")]
    told = capsys.readouterr().out
    assert "only its hash is kept" in told
    assert told.endswith("  x  cells/x.npz\n     cells/x.png\n")


@pytest.mark.parametrize(
    ("tty", "platform", "environ", "shown"),
    [
        (False, "darwin", {}, False),
        (True, "darwin", {}, True),
        (True, "darwin", {"SSH_CONNECTION": "1"}, False),
        (True, "linux", {}, False),
        (True, "linux", {"DISPLAY": ":0"}, True),
        (True, "linux", {"WAYLAND_DISPLAY": "w"}, True),
    ],
)
def test_displays(monkeypatch, tty, platform, environ, shown):
    monkeypatch.setattr(desk.sys.stdin, "isatty", lambda: tty, raising=False)
    monkeypatch.setattr(desk.sys, "platform", platform)
    monkeypatch.setattr(desk.os, "environ", environ)
    assert desk._display() is shown


# -- in a terminal ------------------------------------------------------------------------------------


class Terminal:
    """`nbrepro review` at the end of a pseudo-terminal."""

    def __init__(self, root):
        self.master, slave = pty.openpty()
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-c",
                "from pytest_nbrepro.cli import main; main(prog_name='nbrepro')",
                "review",
            ],
            cwd=root,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "COLUMNS": "80"},
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            preexec_fn=_own_terminal,
        )
        os.close(slave)
        self.text = ""

    def until(self, word):
        deadline = time.monotonic() + 50
        while word not in self.text:
            assert select.select([self.master], [], [], max(0, deadline - time.monotonic()))[0], self.text
            try:
                data = os.read(self.master, 65536)
            except OSError:
                data = b""
            assert data, self.text
            self.text += data.decode()
        _, _, self.text = self.text.partition(word)

    def type(self, text):
        os.write(self.master, text.encode())

    def end(self):
        try:
            while os.read(self.master, 65536):
                pass
        except OSError:
            pass
        os.close(self.master)
        return self.process.wait(50)


def _own_terminal():
    import fcntl
    import termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    signal.signal(signal.SIGINT, signal.default_int_handler)


def test_in_a_terminal(drifted):
    terminal = Terminal(drifted.bench.root)
    terminal.until("1 of 1 > ")
    terminal.type("e\n")
    terminal.until("b back > ")
    terminal.type("a\n")
    terminal.until("why: ")
    terminal.type("solver\n")
    terminal.until("2 of 3: a accept")
    terminal.type("\x03")
    terminal.until("1 case waits still")
    assert terminal.end() == 130
    assert drifted.bench.loss() == 0.2525
    assert drifted.waits() == ["train.ipynb::default"]
    terminal = Terminal(drifted.bench.root)
    terminal.until("2 of 4 checks drifted")
    terminal.until("1 of 1 > ")
    terminal.type("\x04")
    terminal.until("1 case waits still")
    assert terminal.end() == 1
    assert drifted("a\n", "-m", "rest").code == 0


@pytest.mark.parametrize("answers", ["a\n", "A\n", "v\n", "e\na\n", "e\nv\n", "t\n", "r\n"])
def test_ctrl_c_at_any_moment_of_an_answer_waits_for_its_end(drifted, monkeypatch, answers):
    whole = {"a": (0.2525, 0), "A": (0.2525, 0), "v": (0.25, 0), "t": (0.25, 1), "r": (0.25, 0)}
    loss, waiting = whole.get(answers[0], (0.2525 if "a" in answers else 0.25, 1))
    moments = {name: getattr(os, name) for name in ("replace", "unlink", "mkdir", "fsync")}

    def stopping(call):
        def stopped(*arguments, **keywords):
            signal.raise_signal(signal.SIGINT)
            return call(*arguments, **keywords)

        return stopped

    for name, call in moments.items():
        monkeypatch.setattr(os, name, stopping(call))
    said = drifted(answers, "-m", "x")
    for name, call in moments.items():
        monkeypatch.setattr(os, name, call)
    assert said.code == 130
    assert said.err.endswith("error: interrupted\n")
    assert drifted.bench.loss() == loss
    assert bool(drifted.overlays()) is ("v" in answers)
    assert ("1.1e-2" in drifted.sidecar.read_text()) is ("t" in answers)
    assert len(drifted.waits()) == waiting
    if waiting:
        assert drifted("a\n", "-m", "the rest").code == 0


def test_the_json_is_json_for_odd_values(review):
    review.begin()
    review.keep("changed", float("inf"))
    assert json.loads(review("", "--json").out)["pending"][0]["changes"][0]["after"] == "inf"
    assert notebook.read(review.baseline().notebook).code


# -- what is shown of a single difference --------------------------------------------------------------


def test_long_texts_are_cut_where_one_difference_is_asked_for(review):
    review.begin(text="".join(f"line {n}\n" for n in range(30)))
    review.keep("changed", 0.25, text="".join(f"row {n}\n" for n in range(30)))
    said = review("e\nb\nq\n")
    assert "    … 48 more lines: d shows them\n" in said.out


def test_large_files_are_not_shown_line_by_line(review):
    review.begin(figure="x\n" * 3000)
    review.keep("changed", 0.25, figure="y\n" * 3001)
    assert "    3,000 -> 3,001 lines, too many to be shown line by line\n" in review("d\nq\n").out


def test_many_lines_of_a_file_are_cut(review):
    review.begin(figure="x\n" * 300)
    review.keep("changed", 0.25, figure="y\n" * 300)
    said = review("d\nq\n")
    assert "    … 400 more lines\n" in said.out


def test_values_that_are_gone(drifted):
    folder = drifted.bench.store.pending / "train/default"
    for name in ("metrics.json", "artifacts.json", "notebook.ipynb", "environment.json"):
        (folder / name).unlink()
    for path in (folder / "files").rglob("*.txt"):
        path.unlink()
    (folder / "files").rmdir()
    said = drifted("d\nq\n")
    assert said.code == 1
    assert "the values that wait are gone" in said.err


def test_nothing_in_a_name_moves_the_cursor(review):
    review.begin()
    review.keep("changed", 0.25, text="\x1b[2Jbye\n")
    said = review("e\nb\nd\nq\n")
    assert "\x1b" not in said.out
