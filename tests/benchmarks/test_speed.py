"""The race of tools: what it measures and how it is told."""

from __future__ import annotations

import os
import sys

import nbformat
import pytest
from speed import __main__ as told
from speed import projects, races, tools
from speed.measuring import Cost, FailedError, cost

BURN = "import time\nwhile time.process_time() < {}: pass"


def measured(tmp_path, code, **fields):
    folder = tmp_path / "project"
    folder.mkdir(exist_ok=True)
    return cost([sys.executable, "-c", code], folder, os.environ, **fields)


def test_the_time_of_all_processes_counts_also_of_those_that_are_left_behind(tmp_path):
    left = f"import subprocess, sys\nsubprocess.Popen([sys.executable, '-c', {BURN.format(0.4)!r}])"
    assert measured(tmp_path, left).cpu >= 0.4


def test_a_measurement_knows_nothing_of_the_one_before(tmp_path):
    assert measured(tmp_path, BURN.format(1)).cpu >= 1
    assert measured(tmp_path, "pass").cpu < 1


def test_a_command_that_fails_is_told(tmp_path):
    with pytest.raises(FailedError, match="ended with 3:\nwhy"):
        measured(tmp_path, "import sys\nprint('why')\nsys.exit(3)")
    measured(tmp_path, "import sys\nsys.exit(3)", ok=(3,))


def test_notebooks_and_scripts_are_the_same(tmp_path):
    projects.notebooks(tmp_path / "a", projects.SCIENCE, 2)
    projects.scripts(tmp_path / "b", projects.SCIENCE, 2)
    made = nbformat.read(tmp_path / "a/n001.ipynb", 4)
    assert made.metadata.nbrepro == {}
    assert "\n".join(cell.source for cell in made.cells) + "\n" == (tmp_path / "b/n001.py").read_text()


def test_the_table_of_goals_names_the_best_of_the_peers():
    def costs(race):
        return {tool.name: [Cost(float(n + 1), float(n + 1), 10)] * 2 for n, tool in enumerate(race.tools)}

    found = {race.name: costs(race) for race in races.RACES}
    rows = list(told._goals(found, [Cost(0.4, 0.3, 1)]))
    assert "| 8 tiny notebooks against nbmake | 0.25x wall, 0.3x CPU | 0.50x wall, 0.50x CPU |" in rows
    assert "| 100 tiny notebooks against the best of the peers (nbmake) | 0.12x wall | 0.50x |" in rows
    assert "| listing 10,000 runs | 0.5 s | 0.40 s |" in rows
    assert len(rows) == 9


def test_tools_that_share_an_environment_name_one_that_has_it():
    own = {tool.name for tool in tools.OWN}
    assert {tool.place for race in races.RACES for tool in race.tools} <= own


def test_a_tool_that_fails_is_run_again_which_is_told(capsys):
    outcomes = iter([FailedError("port taken"), Cost(1.0, 2.0, 3.0)])

    def attempt():
        outcome = next(outcomes)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    assert races.again(attempt, 3) == Cost(1.0, 2.0, 3.0, failed=1)
    assert "port taken" in capsys.readouterr().out


@pytest.mark.parametrize("tries", [1, 3])
def test_a_tool_that_always_fails_ends_the_race(tries):
    tried = []

    def attempt():
        tried.append(1)
        raise FailedError("broken")

    with pytest.raises(FailedError, match="broken"):
        races.again(attempt, tries)
    assert len(tried) == tries
