"""`nbrepro diff`."""

from __future__ import annotations

import pytest

from pytest_nbrepro import files
from pytest_nbrepro.cli import diff as module
from pytest_nbrepro.model import Artifact, Metric, RunStatus

CELLS = (
    "x = 1.0\ntext = 'a'",
    "print('loss:', x / 4)\nprint('said', text)",
    "from pathlib import Path; _ = Path('out.txt').write_text(f'first\\n{text}\\n')",
)


@pytest.fixture
def two(bench, fake_kernel):
    """Two runs that differ in a flag, and in what follows from it."""
    bench.notebook("train.ipynb", *CELLS)
    for value in ("a", "b"):
        assert bench("run", "train.ipynb", f"text={value}", f"x={1 + (value == 'b')}", "-y").code == 0
    return bench.store.ids()


def parts(said):
    return [(one["part"], one["name"], one["before"], one["after"]) for one in said.json["changes"]]


def test_the_last_two_runs_of_a_notebook(bench, two):
    said = bench("diff", "--json")
    assert said.code == 1
    assert (said.json["before"], said.json["after"]) == tuple(two)
    assert parts(said) == [
        ("flags", "text", "a", "b"),
        ("flags", "x", 1.0, 2.0),
        ("metrics", "loss", 0.25, 0.5),
        ("artifacts", "out.txt", "text", "text"),
    ]
    assert said.json["changes"][2]["used"] > 1e5
    assert said.json["changes"][3]["message"]
    assert [(cell["label"], cell["status"]) for cell in said.json["cells"]] == [
        ("cell 1", "changed"),
        ("cell 2", "changed"),
    ]


def test_a_person_reads_what_differs(bench, two):
    lines = bench("diff").out.splitlines()
    assert lines[0].startswith(f"--- {two[0]}  train.ipynb::")
    assert lines[1].startswith(f"+++ {two[1]}  train.ipynb::")
    assert lines[3:6] == ["flags", "  text  a -> b", "  x     1 -> 2"]
    assert lines[7:9][0] == "metrics"
    assert lines[8].startswith("  loss  0.25 -> 0.5  used ")
    assert any(line.startswith("  out.txt  text  ") for line in lines)
    assert "  -  text = 'a'" in lines
    assert "  +  said b" in lines


@pytest.mark.parametrize(
    ("options", "told", "cells"),
    [
        (["--flags"], ["flags", "flags"], 0),
        (["--metrics", "--artifacts"], ["metrics", "artifacts"], 0),
        (["--sources"], [], 1),
        (["--outputs"], [], 1),
        (["--sources", "--outputs"], [], 2),
    ],
)
def test_parts(bench, two, options, told, cells):
    said = bench("diff", *options, "--json")
    assert ([one["part"] for one in said.json["changes"]], len(said.json["cells"])) == (told, cells)
    assert said.code == 1


def test_nothing_differs(bench, fake_kernel):
    bench.notebook("train.ipynb", *CELLS)
    for _ in range(2):
        bench("run", "train.ipynb", "-y")
    said = bench("diff")
    assert (said.code, said.out.splitlines()[2:]) == (0, ["no difference"])


def test_one_that_is_named_and_the_newest_other(bench, two):
    bench.notebook("other.ipynb", "print('loss: 1')")
    bench("run", "other.ipynb", "-y")
    said = bench("diff", two[1][-6:], "--json")
    assert (said.json["before"], said.json["after"]) == (two[1], two[0])


def test_environments(bench):
    for version, python in (("1", "3.11.1"), ("2", "3.11.2")):
        bench.run(
            environment={"schema": 1, "distributions": {"pkg": version}, "interpreter": f"CPython {python}"}
        )
    said = bench("diff", "--env")
    assert said.code == 1
    assert "  packages  pkg 1 -> 2" in said.out.splitlines()
    assert "CPython 3.11.1 -> CPython 3.11.2" in said.out


def test_an_environment_that_is_not_known(bench):
    bench.run()
    bench.run(environment=None)
    assert "it is not recorded of both runs" in bench("diff", "--env").out
    for _ in range(2):
        bench.run(environment=None)
    assert bench("diff", "--env").code == 0


def test_runs_that_failed_are_told_by_their_values(bench):
    bench.run(metrics={"loss": Metric(0.25)}, status=RunStatus.FAILED)
    bench.run(metrics={"loss": Metric(0.5), "more": Metric(1)})
    assert parts(bench("diff", "--metrics", "--json")) == [
        ("metrics", "loss", 0.25, 0.5),
        ("metrics", "more", None, 1),
    ]


class TestAFile:
    def test_lines(self, bench, two):
        said = bench("diff", "--path", "out.txt")
        assert said.code == 1
        assert said.out.splitlines() == [
            f"--- {two[0]}/out.txt",
            f"+++ {two[1]}/out.txt",
            "@@ -1,2 +1,2 @@",
            " first",
            "-a",
            "+b",
        ]

    def test_the_same(self, bench, two):
        said = bench("diff", two[0], two[0], "--path", "out.txt")
        assert (said.code, said.out) == (0, "no difference\n")

    def test_no_text(self, bench, fake_kernel):
        bench.notebook(
            "train.ipynb",
            "x = 1",
            "from pathlib import Path; _ = Path('out.bin').write_bytes(bytes([255, x]))",
        )
        for value in (1, 2):
            bench("run", "train.ipynb", f"x={value}", "-y")
        said = bench("diff", "--path", "out.bin")
        assert said.code == 1
        assert said.out.startswith("out.bin  opaque  ")

    def test_one_that_is_not_there(self, bench, two):
        said = bench("diff", "--path", "gone.txt")
        assert said.code == 2
        assert "has no 'gone.txt'" in said.err
        assert "there are: out.txt" in said.err

    def test_one_that_is_lost(self, bench):
        for number in range(2):
            artifact = Artifact("a.txt", "text", "files/a.txt", files.sha256_text(str(number)), 1)
            bench.run(artifacts={"a.txt": artifact})
        assert "it cannot be read" in bench("diff", "--path", "a.txt").err


class TestFaults:
    def test_no_runs(self, bench):
        assert "there are no two runs of one notebook" in bench("diff").err

    def test_no_other_run(self, bench):
        run = bench.run()
        assert "train.ipynb has no other run" in bench("diff", run.id).err

    def test_three(self, bench):
        assert "two runs can be compared, not 3" in bench("diff", "a", "b", "c").err

    def test_damaged_runs_and_those_that_run_are_passed_over(self, bench):
        bench.run()
        bench.run()
        (bench.run().folder / "run.json").write_text("{")
        assert bench("diff").code == 0


def test_nbdime_s_page(bench, two, monkeypatch):
    called = []
    monkeypatch.setattr(module.subprocess, "run", lambda command, **_: called.append(command))
    assert bench("diff", "--web").code == 0
    assert called[0][1:5] == ["-m", "nbdime.webapp.nbdiffweb", "--ip", "127.0.0.1"]
    assert [place.rpartition("/runs/")[2] for place in called[0][5:]] == [
        f"{run}/notebook.ipynb" for run in two
    ]
    (bench.store.runs / two[0] / "notebook.ipynb").unlink()
    assert "ended before its notebook was written" in bench("diff", "--web").err
    assert bench("diff", "--sources").code == 0
