"""Modules that are imported ahead and hidden, in processes of their own: what comes back is what an import brings."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from pytest_nbrepro.kernels import hidden

PACKAGE = {
    "pkg/__init__.py": "from pkg.one import ONE\nfrom . import two\ndef helper(): pass",
    "pkg/one.py": "import other\nONE = other.NAME",
    "pkg/two.py": "import os, warnings\nos.environ['SET'] = 'by two'\nwarnings.filterwarnings('ignore', 'of two')",
    "pkg/helper.py": "import pkg\nVALUE = 3",  # its package has a function of that name
    "pkg/late.py": "from pkg import one\nimport sys\nsys.modules['alias'] = sys.modules['pkg.one']",
    "pkg/lazy.py": "def __getattr__(name):\n    if name != 'late': raise AttributeError(name)\n    import pkg.late\n    return 7",
    "other.py": "NAME = 'other'\nCOUNT = []",
    "broken.py": "import other\n1/0",
    "tries.py": "try:\n    import broken\nexcept ZeroDivisionError: pass",
    "starred.py": "from pkg.star import *",
    "pkg/star.py": "__all__ = ['late']\nfrom pkg import late",
}
PROBE = """
import json, os, sys, warnings
place, kind, ahead, code = sys.argv[1:]
sys.path.insert(0, os.path.dirname({hidden!r}))
import hidden as h
sys.path[0] = place
base, filters = set(sys.modules), list(warnings.filters)
if kind == "hidden":
    finder = h.Hidden()
    finder.load(ahead.split())
    assert not (set(sys.modules) - base), set(sys.modules) - base
    assert "SET" not in os.environ and warnings.filters == filters
space = {{}}
exec(code, space)
new = sorted(set(sys.modules) - base)
inner = {{name: sorted(k for k, v in vars(sys.modules[name]).items() if type(v) is type(sys)) for name in new}}
specs = {{name: [sys.modules[name].__spec__.name, sys.modules[name].__spec__.origin] for name in new}}
told = [new, inner, specs, os.environ.get("SET"), [str(f) for f in warnings.filters], repr(space.get("answer"))]
print(json.dumps(told))
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("modules")
    for name, text in PACKAGE.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(text)
    (root / "probe.py").write_text(PROBE.format(hidden=hidden.__file__))
    return root


def seen(place: Path, kind: str, code: str, ahead: str) -> Any:
    command = [sys.executable, str(place / "probe.py"), str(place), kind, ahead, textwrap.dedent(code)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


ALL = "pkg pkg.late pkg.helper other tries starred not_there pkg.one.ONE"


@pytest.mark.parametrize(
    "code",
    [
        "import pkg",
        "import pkg.late",
        "import pkg.helper; answer = pkg.helper.VALUE",
        "from pkg import helper; answer = type(helper)",
        "import other; other.COUNT.append(1); import pkg; answer = pkg.one.other.COUNT",
        "import tries",
        "import starred; answer = starred.late.__name__",
        "from pkg.lazy import late; answer = late",
        "import pkg.late, alias; answer = alias.ONE",
        "import importlib, other\nanswer = importlib.reload(other).NAME",
        "import sys, other\ndel sys.modules['other']\nimport other as again\nanswer = other is again",
        "import pkg, sys\nanswer = sys.modules['pkg.two'] is pkg.two",
    ],
)
def test_an_import_brings_what_it_brings_in_a_new_process(place: Path, code: str) -> None:
    assert seen(place, "hidden", code, ALL) == seen(place, "new", code, "")


def test_another_module_of_that_name_wins(place: Path, tmp_path: Path) -> None:
    (tmp_path / "other.py").write_text("NAME = 'local'")
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import other; answer = other.NAME"
    assert seen(place, "hidden", code, "other") == seen(place, "new", code, "")


def test_each_module_that_comes_back_is_told(place: Path) -> None:
    code = """
        import sys
        finder = next(one for one in sys.meta_path if type(one).__name__ == "Hidden")
        answer = []
        finder.shown = answer.append
        import other, pkg
    """
    assert seen(place, "hidden", code, "pkg")[-1] == "['other', 'pkg.one', 'pkg.two', 'pkg']"


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("import signal; signal.signal(signal.SIGUSR1, signal.SIG_IGN)", "changes signals"),
        ("import sys; sys.path.append('x')", "changes signals, the path"),
        ("import random; MINE = random.Random(3)", "keep random generators: Random"),
        ("import warnings; warnings.resetwarnings()", "takes away filters"),
    ],
)
def test_what_cannot_be_hidden(place: Path, source: str, why: str) -> None:
    (place / "bad.py").write_text(source)
    command = [sys.executable, str(place / "probe.py"), str(place), "hidden", "bad", ""]
    done = subprocess.run(command, capture_output=True, text=True)
    assert why in done.stderr.splitlines()[-1]
