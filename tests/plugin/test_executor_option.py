"""`--nbrepro-executor`: notebooks run through somebody else's executor."""

from __future__ import annotations

import pytest

POOL = """
from concurrent.futures import ThreadPoolExecutor

def two():
    return ThreadPoolExecutor(2)

def none():
    raise RuntimeError("no workers today")
"""


@pytest.fixture
def three(project, fake_kernel):
    for name, value in (("a", 1), ("b", 2), ("c", 3)):
        project.notebook(f"{name}.ipynb", f"print('m: {value}.5')")
    (project.root / "pool_of_three.py").write_text(POOL)
    project.pytester.syspathinsert()
    return project


def test_the_same_is_told(three):
    three.accept()
    result = three.run("-v", "--nbrepro-executor=pool_of_three:two")
    result.stdout.fnmatch_lines(["*3 of 3 cases reproduced in 3 runs*"])
    assert result.ret == 0
    three.notebook("b.ipynb", "print('m: 9')")
    result = three.run("-v", "--nbrepro-executor=pool_of_three:two")
    result.stdout.fnmatch_lines(
        ["a.ipynb::default PASSED*", "b.ipynb::default FAILED*", "c.ipynb::default PASSED*"]
    )


def test_first_baselines_are_made_by_two_runs(three):
    result = three.run("--nbrepro-executor=pool_of_three:two", "--nbrepro-update=new")
    result.stdout.fnmatch_lines(["*3 baselines written (3 new, 0 changed) after 6 runs*"])


def test_a_name_that_leads_nowhere_is_refused(three):
    result = three.run("--nbrepro-executor=pool_of_three:three")
    assert result.ret == 4
    result.stderr.fnmatch_lines(
        ["*--nbrepro-executor: nothing can be imported by the name*", "*module:function*"]
    )


def test_what_makes_none_fails_the_session(three):
    result = three.run("--nbrepro-executor=pool_of_three:none")
    assert result.ret != 0
    assert "no workers today" in result.stdout.str() + result.stderr.str()
