"""`nbrepro run`."""

from __future__ import annotations

import json

import pytest

from pytest_nbrepro import attributes
from pytest_nbrepro.cli import live, paging
from pytest_nbrepro.cli.live import Watcher
from pytest_nbrepro.model import Progress

CELLS = ("x = 1.0\nname = 'adam'\nsizes = [1, 2]", "print('loss:', x / 4 + len(sizes))")


@pytest.fixture
def kernel(fake_kernel, monkeypatch):
    monkeypatch.setattr("platform.python_version", lambda: "3.11.0")  # as the kernel tells
    return fake_kernel


def run(bench, *arguments, code=0, cells=CELLS, answer=None, **metadata):
    """Run a notebook of these cells, and return what is told in JSON."""
    bench.notebook("train.ipynb", *cells, **metadata)
    said = bench("run", "train.ipynb", *arguments, "--json", *(() if answer else ("-y",)), answer=answer)
    assert said.code == code, said.err
    return said.json["runs"] if said.out else said


class TestFlags:
    def test_each_in_the_type_of_its_flag(self, bench, kernel):
        (one,) = run(bench, "x=2", "name=1", "sizes=[5]")
        assert one["flags"] == {"x": 2.0, "name": "1", "sizes": [5]}
        assert (one["status"], one["metrics"], one["kept"]) == ("completed", {"loss": 1.5}, False)
        assert one["case"] == 'x=2.0,name="1",sizes=[5]'

    def test_those_of_a_case_and_of_the_annotation(self, bench, kernel):
        spec = {"flags": {"name": "sgd"}, "cases": {"far": {"x": 8.0}, "near": {"x": 2.0}}}
        assert run(bench, "--set", "far", nbrepro=spec)[0]["case"] == "far"
        assert run(bench, "x=2", nbrepro=spec)[0]["case"] == "near"
        (one,) = run(bench, "--set", "far", "sizes=[]", nbrepro=spec)
        assert one["flags"] == {"x": 8.0, "name": "sgd", "sizes": []}
        (one,) = run(bench, nbrepro=spec)
        assert (one["case"], one["flags"]["x"]) == ("default", 1.0)

    def test_a_notebook_without_an_annotation(self, bench, kernel):
        path = bench.notebook("plain.ipynb", *CELLS)
        data = json.loads(path.read_text())
        del data["metadata"]["nbrepro"]
        path.write_text(json.dumps(data))
        assert bench("run", "plain.ipynb", "x=3", "-y").code == 0

    @pytest.mark.parametrize(
        ("arguments", "told"),
        [
            (["xx=1"], "did you mean 'x'?"),
            (["x=abc"], "'abc' cannot be taken: the flag takes float, not str"),
            (["x"], "'x' is no flag with a value"),
            (["=1"], "write FLAG=VALUE, as in x=-1"),
            (["--set", "nowhere"], "there is no case 'nowhere'"),
        ],
    )
    def test_what_cannot_be(self, bench, kernel, arguments, told):
        bench.notebook("train.ipynb", *CELLS)
        said = bench("run", "train.ipynb", *arguments, "-y")
        assert (said.code, said.out) == (2, "")
        assert told in said.err
        assert not kernel.runs

    def test_two_cases(self, bench):
        bench.notebook("train.ipynb", *CELLS)
        assert "two cases are named" in bench("run", "train.ipynb::a", "--set", "b").err

    def test_nothing_to_run(self, bench):
        for arguments in ([], ["a.ipynb", "--start", "last"], ["--start", "last", "--resume", "last"]):
            said = bench("run", *arguments)
            assert (said.code, "one of NOTEBOOK, --start ID and --resume ID" in said.err) == (2, True)


class TestAsking:
    def test_flags_are_shown_and_no_is_no(self, bench, kernel):
        bench.notebook("train.ipynb", *CELLS)
        said = bench("run", "train.ipynb", "x=2", answer="n\n")
        assert said.code == 1
        assert said.out.splitlines()[:5] == [
            "You are about to run train.ipynb",
            "  x      2.0  (the notebook has 1.0)",
            "  name   adam",
            "  sizes  [1, 2]",
            "Continue? [Y/n]: n",
        ]
        assert not kernel.runs

    def test_yes_is_what_enter_means(self, bench, kernel):
        assert run(bench, answer="\n")[0]["status"] == "completed"

    def test_no_flags(self, bench, kernel):
        bench.notebook("train.ipynb", "print('loss: 1')")
        assert "  no flags" in bench("run", "train.ipynb", "-y").out


class TestWhatIsKept:
    def test_what_is_said_of_it(self, bench, kernel):
        (one,) = run(bench, "--label", "first", "--tag", "b", "--tag", " a", "--note", "why\nnot")
        assert attributes.read(bench.root / one["folder"]) == attributes.Attributes(
            "first", ("a", "b"), "why\nnot"
        )

    def test_what_is_said_of_one_that_is_stopped(self, bench, monkeypatch):
        folder = bench.run().folder

        class Stopped:
            def submit(self, task):
                return self

            def result(self, progress):
                progress(Progress(None, 0, 1, 0.0, folder / "output.log"))
                raise KeyboardInterrupt

        monkeypatch.setattr(live, "here", Stopped)
        bench.notebook("train.ipynb", *CELLS)
        assert bench("run", "train.ipynb", "-y", "--label", "stopped").code == 130
        assert attributes.read(folder).label == "stopped"

    def test_nothing_said(self, bench, kernel):
        (one,) = run(bench)
        assert not (bench.root / one["folder"] / attributes.FILE).exists()

    def test_several(self, bench, kernel):
        assert len({one["id"] for one in run(bench, "--repeat", "3")}) == 3

    def test_one_that_fails(self, bench, kernel):
        (one,) = run(bench, cells=["1 / 0"], code=1)
        assert (one["status"], one["error"]) == ("failed", "ZeroDivisionError: division by zero")
        said = bench("run", "train.ipynb", "-y")
        assert said.code == 1
        assert "failed in" in said.out
        assert "ZeroDivisionError: division by zero here" in said.out


class TestNeeded:
    def test_one_that_is_the_same(self, bench, kernel):
        (first,) = run(bench, "x=2", "--needed")
        (again,) = run(bench, "x=2", "--needed")
        assert (again["id"], again["kept"], kernel.runs) == (first["id"], True, 1)
        said = bench("run", "train.ipynb", "x=2", "--needed", "-y")
        assert f"not needed: run {first['id']} is the same" in said.out

    @pytest.mark.parametrize("change", ["flags", "code", "seed", "env", "record", "environment", "kernel"])
    def test_one_that_is_not(self, bench, kernel, change):
        (first,) = run(bench, "--needed")
        cells, spec, flags = CELLS, {}, []
        match change:
            case "flags":
                flags = ["x=2"]
            case "code":
                cells = (*CELLS, "y = 1")
            case "seed":
                spec = {"seed": 3}
            case "env":
                spec = {"env": {"A": "b"}}
            case "record":
                (bench.root / first["folder"] / "run.json").write_text("{")
            case "environment":
                (bench.root / first["folder"] / "environment.json").unlink()
            case "kernel":
                spec = {"kernel": "python3"}
        run(bench, "--needed", *flags, cells=cells, nbrepro=spec)
        assert kernel.runs == 2

    def test_another_version_of_what_it_imports(self, bench, kernel):
        kernel.distributions = {"click": "0.1", "gone": "1"}
        run(bench, "--needed")
        run(bench, "--needed")
        assert kernel.runs == 2


class TestStaging:
    def test_what_was_there_then_runs(self, bench, kernel):
        bench.notebook("train.ipynb", *CELLS)
        said = bench("run", "train.ipynb", "x=2", "--stage", "--tag", "a", "--label", "then")
        assert said.out.startswith("staged 2")
        bench.notebook("train.ipynb", "x = 5.0", "print('loss:', -x)")
        said = bench("run", "--start", "last", "-y", "--json", "--tag", "b", "--label", "now")
        (one,) = said.json["runs"]
        assert (one["metrics"], one["flags"]["x"]) == ({"loss": 2.5}, 2.0)
        assert attributes.read(bench.root / one["folder"]) == attributes.Attributes("now", ("a", "b"))
        gone = bench("run", "--start", "last", "-y")
        assert gone.code == 2
        assert "no staged run matches 'last'" in gone.err

    def test_one_that_fails_can_be_started_again(self, bench, kernel):
        bench.notebook("train.ipynb", "1 / 0")
        bench("run", "train.ipynb", "--stage")
        assert [bench("run", "--start", "last", "-y").code for _ in range(2)] == [1, 1]

    def test_which_of_several(self, bench, kernel):
        bench.notebook("train.ipynb", *CELLS)
        ids = [bench("run", "train.ipynb", f"x={n}", "--stage").out.split()[1].rstrip(":") for n in (1, 2)]
        said = bench("run", "--start", ids[0][-6:], "-y", "--json")
        assert said.json["runs"][0]["flags"]["x"] == 1.0
        said = bench("run", "--start", "nothing", "-y")
        assert f"there are: {ids[1]}" in said.err

    def test_damage(self, bench, kernel):
        bench.notebook("train.ipynb", *CELLS)
        bench("run", "train.ipynb", "--stage")
        (record,) = bench.store.folder.glob("staged/*/staged.json")
        (bench.root / "train.ipynb").unlink()
        assert "the notebook that was staged is gone" in bench("run", "--start", "last").err
        record.write_text("{")
        assert "this staged run cannot be read" in bench("run", "--start", "last").err


def test_the_command_that_does_the_same(bench, kernel):
    bench.notebook("train.ipynb", *CELLS)
    said = bench(
        "run", "train.ipynb", "name=a b", "--tag", "t", "--label", "l", "--note", "n", "--print-command"
    )
    assert said.out == (
        "nbrepro run train.ipynb x=1.0 'name=a b' 'sizes=[1, 2]' --label l --tag t --note n --yes\n"
    )
    assert not kernel.runs


def test_the_page_is_opened(bench, kernel, monkeypatch):
    opened = []
    monkeypatch.setattr(paging.webbrowser, "open", lambda place: opened.append(place) or len(opened) == 1)
    (one,) = run(bench, "--open")
    page = bench.root / one["folder"] / "notebook.html"
    assert opened == [page.as_uri()]
    assert "loss:" in page.read_text()
    said = bench("run", "train.ipynb", "-y", "--open")
    assert (said.code, "no browser could be started" in said.err) == (0, True)


class TestWatching:
    def test_cells_and_what_they_print_as_it_comes(self, tmp_path, capsys):
        log = tmp_path / "output.log"
        with Watcher("running", {0: "a()", 2: "b()"}, aside=False) as watcher:
            watcher(Progress(None, 0, 2, 0.0, log))
            watcher(Progress(0, 1, 2, 0.1, log))
            log.write_bytes(b"--- cell 1 ---\none\ntw")
            watcher(Progress(0, 1, 2, 0.5, log))
            watcher(Progress(2, 2, 2, 0.7, log))
        assert capsys.readouterr().out == "[1/2] a()\none\ntw\n[2/2] b()\n"

    def test_a_terminal_has_a_line_that_changes(self, tmp_path, capsys, monkeypatch):
        monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
        watcher = Watcher("running", {0: "a()"}, aside=True)
        watcher(Progress(0, 1, 1, 3.0, tmp_path / "none"))
        assert "running: cell 1 of 1, 3 s" in capsys.readouterr().err

    def test_long_and_strange_titles(self):
        assert live._title("\n\n  " + "x" * 90) == "x" * 59 + "…"
        assert live._title("a = '\x1b[2J'") == "a = '\\x1b[2J'"
        assert live._title("") == ""
