"""What our own processes need not import."""

from __future__ import annotations

import subprocess
import sys

import pytest

SLOW = "rfc3987_syntax"


def python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout


def test_what_takes_long_is_left_out_and_notebooks_are_checked_as_ever():
    code = f"""
import sys
from pytest_nbrepro import lean
lean.shed()
import nbformat
nbformat.validate(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1")]))
try:
    nbformat.validate({{"cells": [], "metadata": 1, "nbformat": 4, "nbformat_minor": 5}})
except nbformat.ValidationError:
    print("checked", sys.modules[{SLOW!r}])
"""
    assert python(code) == "checked None\n"


def test_what_is_there_already_stays():
    assert (
        python(
            "import sys, json\nsys.modules['isoduration'] = json\n"
            "from pytest_nbrepro import lean\nlean.shed()\nprint(sys.modules['isoduration'] is json)"
        )
        == "True\n"
    )


@pytest.mark.parametrize(
    ("call", "expected"), [("main()", "[None]"), ("main.main(['--version'], standalone_mode=False)", "[]")]
)
def test_the_program_does_so_and_a_call_of_it_does_not(call, expected):
    code = f"""
import atexit, sys
atexit.register(lambda: print([sys.modules[{SLOW!r}]] if {SLOW!r} in sys.modules else []))
sys.argv[1:] = ["--version"]
from pytest_nbrepro.cli import main
{call}
"""
    assert python(code).splitlines()[-1] == expected
