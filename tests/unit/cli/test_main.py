"""The command as a whole: help, version, faults, and how little it imports."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click
import pytest

from pytest_nbrepro import __version__
from pytest_nbrepro.cli import group, main

COMMANDS = [
    "init",
    "run",
    "runs",
    "show",
    "compare",
    "diff",
    "promote",
    "mark",
    "delete",
    "restore",
    "view",
    "tensorboard",
    "export",
    "import",
    "push",
    "pull",
    "report",
    "review",
    "accept",
    "why",
    "calibrate",
    "reproduce",
    "lint",
    "audit",
    "prune",
]
HEAVY = {
    "nbclient",
    "nbformat",
    "nbdime",
    "polars",
    "pydantic",
    "numpy",
    "PIL",
    "pytest",
    "yaml",
    "jupyter_client",
}


def test_help_names_every_command(bench):
    said = bench("--help")
    assert said.code == 0
    assert main.list_commands(click.Context(main)) == COMMANDS
    for name in COMMANDS:
        assert f"  {name} " in said.out
    assert said.out == bench("-h").out


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(bench, name):
    said = bench(name, "--help")
    assert said.code == 0
    assert said.out.startswith(f"Usage: nbrepro {name} ")
    assert bench(name, "-h").out == said.out


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_and_the_modules_agree(name):
    command = main.get_command(click.Context(main), name)
    assert command is not None
    assert command.name == name


def test_every_module_of_a_command_is_listed():
    modules = Path(group.__file__).parent.glob("*.py")
    holding = [path.stem.rstrip("_") for path in modules if "@click.command(" in path.read_text()]
    assert sorted(holding) == sorted(COMMANDS)


def test_version(bench):
    assert bench("--version").out == f"nbrepro, version {__version__}\n"


def test_an_unknown_command_is_a_usage_error(bench):
    said = bench("frobnicate")
    assert said.code == 2
    assert "frobnicate" in said.err


@pytest.mark.parametrize(
    "arguments", [["--help"], ["--version"], ["runs"], ["accept", "--list"], ["accept", "--help"]]
)
def test_it_imports_little(bench, arguments):
    code = (
        "import sys\nfrom pytest_nbrepro.cli import main\n"
        f"try: main({arguments!r})\nexcept SystemExit: pass\n"
        "sys.stderr.write(' '.join(sorted({name.partition('.')[0] for name in sys.modules})))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not HEAVY & set(done.stderr.split())


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (PermissionError(13, "Permission denied", "there"), 2, "error: there: Permission denied\n"),
        (OSError("just so"), 2, "error: just so\n"),
        (KeyboardInterrupt(), 130, "error: interrupted\n"),
    ],
)
def test_what_goes_wrong_is_one_message(bench, monkeypatch, error, code, told):
    def fail(*_):
        raise error

    monkeypatch.setattr("pytest_nbrepro.store.Store.ids", fail)
    said = bench("runs")
    assert (said.code, said.out, said.err) == (code, "", told)


def test_a_reader_that_goes_away_is_no_fault_of_ours(bench, monkeypatch):
    def fail(*_):
        raise BrokenPipeError(32, "Broken pipe")

    monkeypatch.setattr("pytest_nbrepro.store.Store.ids", fail)
    said = bench("runs")
    assert (said.code, said.err) == (1, "")
