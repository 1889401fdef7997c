"""Rules on the text of notebooks."""

from __future__ import annotations

import json

import pytest

from pytest_nbrepro import notebook
from pytest_nbrepro.lint import RULES, lint, subject_of
from pytest_nbrepro.lint.requirements import declarations
from pytest_nbrepro.model import Spec

IMPORTS = "import random, time, os, uuid, secrets, datetime\nimport numpy as np\nimport pandas as pd\nimport sklearn"


@pytest.fixture
def findings(tmp_path):
    """Lint a notebook of these cells: (rule, cell, line, text) of each finding; requirements are declared."""

    def find(*sources, seed=None, only=None, counts=None, outputs=(), needs="numpy pandas scikit-learn"):
        cells = [
            {
                "cell_type": "code",
                "id": f"c{n}",
                "metadata": {},
                "source": source,
                "execution_count": counts[n] if counts else None,
                "outputs": list(outputs),
            }
            for n, source in enumerate(sources)
        ]
        path = tmp_path / "project/deep/n.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
        if needs:
            (tmp_path / "project/requirements.txt").write_text("\n".join(needs.split()))
        subject = subject_of(notebook.read(path), tmp_path / "project", Spec(seed=seed))
        found = [(one.rule, one.cell, one.line, one.text) for one in lint(subject)]
        return [one for one in found if only is None or one[0] == only]

    return find


def test_a_clean_notebook_has_nothing(findings):
    assert not findings(
        "import numpy as np\nimport matplotlib_inline\nfrom pathlib import Path\n%matplotlib inline",
        "rng = np.random.default_rng(0)\nx = rng.normal(size=3)\nfiles = !ls\nprint(files, x, _, Out)",
        "def f(n):\n    return later(n)\ndef later(n):\n    return n\n[f(i) for i in range(3)]",
        "Path('a.txt').write_text('1')\nprint(open('a.txt').read())",
        needs="numpy matplotlib-inline",
    )


def test_every_rule_is_told_in_full():
    assert list(RULES) == [f"NBR{number:03}" for number in range(1, len(RULES) + 1)]
    assert all(rule.about and rule.hint for rule in RULES.values())


@pytest.mark.parametrize(
    ("counts", "cells"),
    [
        ([1, 2, 3], []),
        ([4, 7, 9], []),
        ([None, None, None], []),
        ([2, 1, 3], [1]),
        ([1, 1, 2], [1]),
        ([3, 1, 2], [1, 2]),
    ],
)
def test_the_order_of_execution(findings, counts, cells):
    assert [cell for _, cell, _, _ in findings("1", "2", "3", counts=counts, only="NBR001")] == cells


def test_outputs_without_a_count(findings):
    shown = [{"output_type": "stream", "name": "stdout", "text": "1"}]
    assert findings("print(1)", outputs=shown) == [("NBR001", 0, 1, "it has outputs, but no execution count")]


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["print(a)", "a = 1"], [(0, 1, "'a' is used before a cell defines it")]),
        (["\nprint(b)"], [(0, 2, "'b' is defined nowhere")]),
        (["def f():\n    return b", "f()"], [(0, 2, "'b' is defined nowhere")]),
        (["def f():\n    return b", "b = 1\nf()"], []),
        (["print(c)\nprint(c)", "print(c)"], [(0, 1, "'c' is defined nowhere")]),
        (["from os import *\nprint(getcwd())"], []),
        (["%run other.py\nprint(a)"], []),
        (["a, b = !ls\nc = %time 1\nprint(a, b, c)"], []),
        (["%%capture out\nx = 1", "print(out, x)"], []),
        (["%%bash\necho $x", "print(y)"], [(1, 1, "'y' is defined nowhere")]),
        (["%%mine\nx = 1", "print(x)"], []),
        (["this is no Python", "print(x)"], []),
        (["await thing()"], [(0, 1, "'thing' is defined nowhere")]),
        (["async def f():\n    await other()", "await (await f())"], [(0, 2, "'other' is defined nowhere")]),
        (["display(get_ipython(), In, Out, _, _3, _i2, __file__)"], []),
    ],
)
def test_names(findings, cells, expected):
    assert [one[1:] for one in findings(*cells, only="NBR002")] == expected


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("random.random()", "global generator"),
        ("np.random.rand(3)", "global generator"),
        ("np.random.shuffle([1])\nnp.random.seed(0)", "global generator"),
        ("np.random.seed()\nnp.random.rand()", "global generator"),
        ("np.random.default_rng()", "makes another generator"),
        ("np.random.RandomState(None)", "makes another generator"),
        ("random.Random()", "makes another generator"),
        ("uuid.uuid4()", "from the system"),
        ("secrets.token_hex()", "from the system"),
        ("os.urandom(3)", "from the system"),
        ("from sklearn.model_selection import train_test_split as s\ns([1])", "without random_state"),
        ("sklearn.model_selection.KFold(3, shuffle=True)", "without random_state"),
        ("sklearn.ensemble.RandomForestClassifier(random_state=None)", "without random_state"),
        ("pd.DataFrame().sample(frac=1)", "without random_state"),
        ("import torch\ntorch.randn(3)", "global generator"),
    ],
)
def test_draws_without_a_seed(findings, code, words):
    (found,) = findings(IMPORTS, code, only="NBR003")
    assert found[1] == 1
    assert words in found[3]


@pytest.mark.parametrize(
    "code",
    [
        "random.seed(1)\nrandom.random()",
        "np.random.seed(1)\nnp.random.rand()\nsklearn.utils.shuffle([1])\npd.DataFrame().sample(n=1, random_state=0)",
        "np.random.default_rng(1)",
        "np.random.default_rng(seed=1)",
        "random.Random(3)",
        "sklearn.model_selection.KFold(3)",
        "sklearn.ensemble.RandomForestClassifier(random_state=0)",
        "sklearn.ensemble.RandomForestClassifier(**options)",
        "def draw():\n    return np.random.rand()\nnp.random.seed(1)\ndraw()",
        "uuid.uuid5(uuid.NAMESPACE_DNS, 'x')",
        "rng.sample(3)\nthing.sample()",
        "random.choice  # no call",
        "import torch\ntorch.manual_seed(0)\ntorch.randn(3)",
    ],
)
def test_draws_with_a_seed(findings, code):
    assert not findings(IMPORTS, code, only="NBR003")


def test_a_seed_of_the_annotation_reaches_global_generators_alone(findings):
    code = "np.random.rand()\nnp.random.default_rng()\nsklearn.utils.shuffle([1])\npd.DataFrame().sample(n=1)"
    assert [one[2] for one in findings(IMPORTS, code, seed=1, only="NBR003")] == [2]


@pytest.mark.parametrize(
    ("code", "rule"),
    [
        ("time.time()", "NBR004"),
        ("datetime.datetime.now()", "NBR004"),
        ("time.ctime()", "NBR004"),
        ("from datetime import date\ndate.today()", "NBR004"),
        ("import requests\nrequests.get('a')", "NBR005"),
        ("from sklearn.datasets import fetch_openml\nfetch_openml('x')", "NBR005"),
        ("pd.read_csv('https://x.y/z.csv')", "NBR005"),
        ("!wget http://x.y", "NBR005"),
        ("%pip install x", "NBR005"),
        ("from urllib.request import urlopen\nurlopen('a')", "NBR005"),
        ("p = '/home/me/data'", "NBR006"),
        ("p = 'C:\\\\data'", "NBR006"),
        ("open('~/x')", "NBR006"),
        ("pd.read_csv('none.csv')", "NBR007"),
        ("open('none.txt')", "NBR007"),
        ("np.load('none.npy')", "NBR007"),
        ("open('../../out.txt', 'rb')", "NBR007"),
    ],
)
def test_the_world_around(findings, code, rule):
    assert [one[0] for one in findings(IMPORTS, code, needs=IMPORTS + " requests torch") if one[1] == 1] == [
        rule
    ]


@pytest.mark.parametrize(
    "code",
    [
        "time.perf_counter()\ntime.ctime(0)\ntime.localtime(3)",
        "print('see https://x.y')",
        "p = '/dev/null'; q = '/'; r = 'a/home/b'; s = 'mean / std'",
        "pd.DataFrame().to_csv('out.csv')\npd.read_csv('out.csv')",
        "open('new.txt', 'w')\nopen('log', mode='a')",
        "pd.read_csv('../data/there.csv')\npd.read_csv('s3://bucket/x.csv') if 0 else pd.read_csv(path)",
    ],
)
def test_what_is_no_fault(findings, code, tmp_path):
    there = tmp_path / "project/data/there.csv"
    there.parent.mkdir(parents=True)
    there.write_text("")
    rules = ("NBR004", "NBR006", "NBR007")
    assert not [one for one in findings(IMPORTS, code) if one[0] in rules]


def test_imports(findings, tmp_path):
    (tmp_path / "project/deep").mkdir(parents=True)
    (tmp_path / "project/deep/helper.py").write_text("")
    code = "import os, helper, numpy.linalg, yaml\nfrom yaml import x\nfrom . import y\nimport IPython, wholly_new"
    texts = [one[3] for one in findings(code, only="NBR008")]
    assert texts == [
        "it imports yaml, which no declared dependency provides",
        "it imports wholly_new, which no declared dependency provides",
    ]
    assert not findings("import yaml, sklearn", needs="PyYAML scikit_learn", only="NBR008")


def test_imports_where_nothing_is_declared(findings):
    assert findings("import numpy", needs="") == [
        ("NBR008", 0, 1, "it imports numpy, and no file declares what the project needs")
    ]


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("requirements-dev.txt", "# x\n-r other.txt\nNum_Py>=1\n\ngit+https://x\n", {"num-py", "git"}),
        ("pyproject.toml", '[project]\nname = "me"\ndependencies = ["a>1"]', {"me", "a"}),
        ("pyproject.toml", '[dependency-groups]\ntest = ["b", {include-group = "x"}]', {"b"}),
        ("pyproject.toml", '[tool.poetry]\nname = "me"\n[tool.poetry.dependencies]\nc = "^1"', {"me", "c"}),
        ("pyproject.toml", "[tool.nbrepro]", None),
        ("pyproject.toml", "this is no toml", None),
        ("environment.yml", "dependencies:\n- python=3.11\n- d\n- pip:\n  - e==1", {"python", "d", "e"}),
        ("environment.yaml", "- a list", None),
    ],
)
def test_declarations(tmp_path, name, text, expected):
    (tmp_path / name).write_text(text)
    assert declarations(tmp_path, tmp_path) == (None if expected is None else frozenset(expected))


def test_a_line_keeps_rules_quiet(findings):
    code = "a = time.time()  # nbrepro: noqa=NBR004\nb = time.time()  # nbrepro: noqa=NBR001, NBR004\nc = time.time(\n)  # nbrepro: noqa=NBR004\nd = time.time()  # nbrepro: noqa=NBR003"
    assert [one[2] for one in findings("import time", code, only="NBR004")] == [5]


def test_other_languages_have_nothing(findings, tmp_path):
    findings("1")
    path = tmp_path / "project/deep/n.ipynb"
    book = json.loads(path.read_text())
    book["cells"][0]["source"] = "x <- rnorm(3)"
    book["metadata"]["kernelspec"] = {"name": "ir", "language": "R", "display_name": "R"}
    path.write_text(json.dumps(book))
    assert not lint(subject_of(notebook.read(path), tmp_path, Spec()))


def test_skipped_cells_have_nothing(findings, tmp_path):
    findings("print(undefined)")
    path = tmp_path / "project/deep/n.ipynb"
    book = json.loads(path.read_text())
    book["cells"][0]["metadata"]["tags"] = ["skip-execution"]
    path.write_text(json.dumps(book))
    assert not lint(subject_of(notebook.read(path), tmp_path, Spec()))
