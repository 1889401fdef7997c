"""The end of a kernel: all that Python's own end would write is written."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from types import ModuleType

import pytest

from pytest_nbrepro.kernels import ending

# what a notebook may leave behind, each of which Python's end sees to; `space` stands for its namespace
LEFT = {
    "a file": "space['f'] = open('out', 'w'); space['f'].write('told')",
    "bytes": "space['f'] = open('out', 'wb'); space['f'].write(b'told')",
    "a file that another keeps": "import types; types.kept = open('out', 'w'); types.kept.write('told')",
    "an archive": "import zipfile; space['z'] = zipfile.ZipFile('out', 'w'); space['z'].writestr('a', 'b')",
    "compressed": "import gzip; space['g'] = gzip.open('out', 'wb'); space['g'].write(b'told')",
    "a destructor": "space['o'] = Last()",
    "a cycle": "o = Last(); o.self = o; del o",
    "a destructor that needs a name": "space['_private'] = Last()",
    "a thread": "import threading, time; threading.Thread(target=lambda: (time.sleep(0.2), tell())).start()",
    "what is registered": "import atexit; atexit.register(tell)",
    "in order": "import atexit; atexit.register(tell, 'second'); atexit.register(tell, 'first ')",
    "printed": "import sys; sys.stdout.write('told')",
    "a temporary folder": "import tempfile; space['t'] = tempfile.TemporaryDirectory(dir='.')",
}
SCRIPT = """
    import importlib.util, os, sys
    spec = importlib.util.spec_from_file_location("ending", {file!r})
    ending = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(ending)
    space = globals()

    def tell(text="told", write=os.write):
        write(1, text.encode())

    class Last:
        def __del__(self):
            tell()

    {left}
    {end}
"""


def leave(folder, left, end):
    """Run a process that leaves something and ends, and return what it wrote."""
    folder.mkdir()
    script = textwrap.dedent(SCRIPT).format(file=ending.__file__, left=left, end=end)
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=folder, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.stderr == ""
    return done.returncode, done.stdout, {path.name: path.stat().st_size for path in folder.iterdir()}


@pytest.mark.parametrize("left", LEFT.values(), ids=LEFT)
def test_what_is_left_is_written_as_python_does(tmp_path, left):
    ours = leave(tmp_path / "ours", left, "ending.end([space])")
    assert ours == leave(tmp_path / "python", left, "")
    code, said, files = ours
    assert code == 0
    assert bool(said or files) != ("Temporary" in left)


def test_what_is_to_come_after_all_that_is_registered(tmp_path):
    left = "import atexit; atexit.register(tell, 'registered '); space['o'] = Last()"
    code, said, _ = leave(tmp_path / "a", left, "ending.end([space], lambda: tell('exited '))")
    assert (code, said) == (0, "registered exited told")


def module(name, file):
    made = ModuleType(name)
    made.__file__ = file
    return made


@pytest.mark.parametrize(
    ("modules", "quick"),
    [
        ([], True),
        ([module("json", "/python/json.py"), module("numpy.linalg", "/site/numpy/linalg.py")], True),
        ([module("ipykernel", "/site/ipykernel.py")], True),
        ([module("built_in", None)], True),
        ([module("helper", "/project/helper.py")], True),
        ([module("helper", "/project/helper.so")], False),
        ([module("h5py", "/site/h5py.py")], False),
        ([module("_ni_label", "/lib/site-packages/scipy/ndimage/_ni_label.so")], True),
        ([module("_objects", "/lib/site-packages/h5py/_objects.so")], False),
    ],
)
def test_libraries_that_are_not_known_end_as_python_ends(modules, quick):
    found = ending.namespaces(
        lambda file: file.startswith("/project"), {"ipykernel"}, {one.__name__: one for one in modules}
    )
    assert (found is not None) == quick
    if quick:
        assert found == [vars(one) for one in modules if one.__name__ == "helper"]


def test_after_a_failure_python_ends_by_itself(monkeypatch):
    monkeypatch.setattr(sys, "last_value", ValueError(), raising=False)
    assert ending.namespaces(bool, (), {}) is None
