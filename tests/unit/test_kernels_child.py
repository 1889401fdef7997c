"""The script inside the kernel, as far as it can be tried outside of one."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pytest_nbrepro.kernels import child, facts

INSIDE = (
    "child",
    "guard",
    "values",
    "facts",
    "showing",
    "tracing",
    "chance",
    "loading",
    "outside",
    "tabling",
    "drawing",
    "inking",
    "placing",
    "sheeting",
)


@pytest.mark.parametrize("name", INSIDE)
def test_it_runs_in_older_pythons_without_this_package(name: str) -> None:
    source = Path(child.__file__).with_name(f"{name}.py").read_text()
    tree = ast.parse(source, feature_version=(3, 9))
    used = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            used |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            used.add(node.module.split(".")[0])
    assert used <= {*sys.stdlib_module_names, "ipykernel", "coverage", "pytest_nbrepro"}
    assert ("pytest_nbrepro" in used) is (name in {"child", "chance", "outside"})  # for type checkers alone


def python39() -> str | None:
    found = [Path(root, "bin", "python3.9") for root in sorted(Path.home().glob(".pyenv/versions/3.9.*"))]
    return next((str(path) for path in found if path.exists()), None)


@pytest.mark.skipif(python39() is None, reason="no Python 3.9 here")
def test_an_older_python_can_load_it(tmp_path: Path) -> None:
    code = f"import sys; sys.path.insert(0, {str(Path(child.__file__).parent)!r}); import child; print(child.values.flattened({{'a': 1}}), child.facts.fixed()['python'])"
    done = subprocess.run([python39(), "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout.startswith("{'a': [1, 'int']} 3.9")


class Events:
    def __init__(self) -> None:
        self.calls: dict[str, Any] = {}

    def register(self, name: str, call: Any) -> None:
        self.calls[name] = call


class Shell(SimpleNamespace):
    """What of IPython's shell is used."""

    def __init__(self) -> None:
        self.payloads: list[Any] = []
        super().__init__(
            events=Events(),
            user_ns={"x": 3},
            user_global_ns={},
            user_module=SimpleNamespace(),
            display_formatter=SimpleNamespace(format=lambda obj: ({"text/plain": repr(obj)}, {})),
            payload_manager=SimpleNamespace(write_payload=self.payloads.append),
            kernel=SimpleNamespace(io_loop=SimpleNamespace(stop="stop", call_later=self._later)),
        )

    def _later(self, delay: float, call: Any) -> None:
        self.later = (delay, call)


class Notes:
    """A guard that only takes notes."""

    hook = None
    places = ((), ())

    def listen(self, events: Any) -> None:
        self.events = events

    def __init__(self) -> None:
        self.notes: list[dict[str, Any]] = []

    def note(self, **entry: Any) -> None:
        self.notes.append(entry)


@pytest.fixture
def one(monkeypatch: pytest.MonkeyPatch) -> child.Child:
    """A child attached to a shell, with everything that it changes in this process put back."""
    monkeypatch.setattr(sys, "addaudithook", lambda hook: None)
    monkeypatch.setattr(sys, "dont_write_bytecode", sys.dont_write_bytecode)
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    monkeypatch.setattr(sys, "unraisablehook", lambda args: None)
    monkeypatch.setattr(threading, "excepthook", lambda args: None)
    monkeypatch.setattr(os.environ, "encodekey", os.environ.encodekey)
    monkeypatch.setattr(child.chance.Chance, "attach", lambda self: None)
    monkeypatch.setitem(sys.modules, "numpy.random", None)
    one = child.Child(
        {"seed": None, "bytecode": True, "coverage": None, "kept": "nowhere", "forced": {}}, Notes()
    )
    monkeypatch.setattr(child, "CHILD", one, raising=False)
    one.attach(Shell())
    return one


def told(answer: child.Answer) -> Any:
    text = repr(answer)
    assert "\n" not in text
    return json.loads(text)


def test_the_value_of_the_last_cell_alone_is_kept(one: child.Child) -> None:
    calls = one.shell.events.calls
    calls["pre_run_cell"](None)
    calls["post_run_cell"](SimpleNamespace(result={"a": 1}))
    assert told(child.value()) == {"values": {"a": [1, "int"]}}
    calls["pre_run_cell"](None)
    assert told(child.value()) == {"error": "nothing"}
    calls["post_run_cell"](None)
    assert told(child.value()) == {"error": "nothing"}


def test_what_an_error_is_about_is_noted(one: child.Child) -> None:
    try:
        json.loads("{")
    except ValueError as error:
        one.shell.events.calls["post_run_cell"](SimpleNamespace(result=None, error_in_exec=error))
    assert "json" in one.guard.notes[-1]["facts"]["blamed"]


def test_a_value_that_cannot_be_read(one: child.Child) -> None:
    class Evil:
        @property
        def dtype(self) -> None:
            raise RuntimeError("é")

    one.result = Evil()
    assert told(child.value()) == {"error": "what cannot be read: RuntimeError: é"}


def test_expressions_see_the_notebook(one: child.Child) -> None:
    wanted = {"good": "x * 2", "text": "'a'", "raises": "y", "wrong": "1 +", "nothing": "None"}
    results = told(child.finish(json.dumps(wanted)))["results"]
    assert results["good"] == {"values": {"": [6, "int"]}}
    assert results["text"] == {"error": "it is the text 'a'"}
    assert results["raises"] == {"error": "it raised NameError: name 'y' is not defined"}
    assert "SyntaxError" in results["wrong"]["error"]
    assert results["nothing"] == {"error": "it is nothing"}


def test_leaving_stops_the_loop(one: child.Child) -> None:
    child.leave()
    assert one.shell.exit_now is True
    assert one.shell.later == (0, "stop")


def test_exit_is_told_and_not_done(one: child.Child) -> None:
    one.shell.ask_exit()
    assert one.shell.payloads == [{"source": "ask_exit", "keepkernel": True}]


def test_threads_that_fail_are_told(one: child.Child) -> None:
    def fail() -> None:
        raise ValueError("no luck")

    for target in (fail, sys.exit):
        thread = threading.Thread(target=target, name="mine")
        thread.start()
        thread.join()
    error = ValueError("x")
    args = {"exc_type": ValueError, "exc_value": error, "exc_traceback": None}
    threading.excepthook(SimpleNamespace(thread=None, **args))
    sys.unraisablehook(SimpleNamespace(err_msg="Exception ignored in thread started by", object=fail, **args))
    sys.unraisablehook(SimpleNamespace(err_msg="Exception ignored in", object=fail, **args))
    sys.unraisablehook(SimpleNamespace(err_msg=None, object=fail, **args))
    failed = [entry for entry in one.guard.notes if "thread" in entry]
    assert [(entry["thread"], entry["error"]) for entry in failed] == [
        ("mine", "ValueError: no luck"),
        ("?", "ValueError: x"),
        ("fail", "ValueError: x"),
    ]
    assert "in fail" in failed[0]["traceback"]


def test_coverage_that_is_not_there(one: child.Child, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "coverage", None)
    one._cover({})
    assert "coverage.py is not installed" in one.guard.notes[-1]["note"]
    one.save_coverage()


def test_coverage_is_measured_from_the_start(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("def f():\n    return 1\n")
    (tmp_path / "rc").write_text("[run]\nparallel = true\npatch = subprocess\n")
    code = f"""
import sys
sys.path[:0] = [{str(Path(child.__file__).parent)!r}, {str(tmp_path)!r}]
import child, os
one = child.Child({{"seed": None}}, None)
one._cover({{"config_file": {str(tmp_path / "rc")!r}, "source": [{str(tmp_path)!r}], "branch": True, "data_file": {str(tmp_path / "data")!r}}})
import mine
"""
    env = {name: text for name, text in os.environ.items() if not name.startswith("COVERAGE")}
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path, env=env)
    from coverage import CoverageData

    data = CoverageData(str(tmp_path / "data"))
    data.read()
    assert data.lines(str(tmp_path / "mine.py")) == [1]
    data.close()


def test_modules_that_a_notebook_brings_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bare = {name.partition(".")[0] for name in sys.modules}
    monkeypatch.setitem(sys.modules, "new_one", SimpleNamespace(__file__="/a/new_one.py"))
    monkeypatch.setitem(sys.modules, "new_one.sub", SimpleNamespace(__file__="/a/sub.py"))
    monkeypatch.setitem(sys.modules, "space", SimpleNamespace(__path__=["/a/space"]))
    monkeypatch.setitem(sys.modules, "odd", SimpleNamespace(__file__=3))
    assert facts.imported(bare) == {"new_one": "/a/new_one.py", "space": "/a/space"}


def test_libraries_that_compute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(facts, "openblas", lambda: {"blas_kernel": "Zen"})

    def show_config(mode: str) -> Any:
        return {"Build Dependencies": {"blas": {"name": "fast", "version": "1", "more": 2}}}

    pool = {"user_api": "blas", "internal_api": "fast", "num_threads": 2, "version": "1", "filepath": "/x"}
    monkeypatch.setitem(sys.modules, "numpy", SimpleNamespace(show_config=show_config))
    monkeypatch.setitem(sys.modules, "threadpoolctl", SimpleNamespace(threadpool_info=lambda: [pool]))
    assert facts.libraries() == {
        "blas": {"name": "fast", "version": "1"},
        "blas_kernel": "Zen",
        "threads": [{"user_api": "blas", "internal_api": "fast", "num_threads": 2, "version": "1"}],
    }
    monkeypatch.setitem(sys.modules, "numpy", SimpleNamespace())  # too old to tell
    monkeypatch.setitem(sys.modules, "threadpoolctl", None)
    assert facts.libraries() == {"blas_kernel": "Zen"}
    monkeypatch.setitem(sys.modules, "numpy", None)
    assert facts.libraries() == {}


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="this system does not tell what is loaded")
def test_the_kernel_of_openblas_and_its_threads() -> None:
    import numpy as np

    told = facts.openblas()
    if "openblas" in np.show_config(mode="dicts")["Build Dependencies"]["blas"]["name"]:
        assert told["blas_kernel"].isalnum()
        assert told["blas_threads"] >= 1
    else:
        assert told == {}


def test_a_system_that_does_not_tell_what_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object, **__: object) -> None:
        raise FileNotFoundError

    monkeypatch.setattr("builtins.open", missing)
    assert facts.openblas() == {}


def test_only_variables_that_are_known_to_hold_no_secret_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANG", "C.UTF-8")
    monkeypatch.setenv("API_KEY", "geheim")
    kept = facts.fixed()["variables"]
    assert kept["LANG"] == "C.UTF-8"
    assert set(kept) <= set(facts.VARIABLES)
    assert "API_KEY" not in kept


def test_fixed_facts_are_json() -> None:
    fixed = facts.fixed()
    assert json.loads(json.dumps(fixed)) == fixed
    assert fixed["python"] == sys.version.split()[0]
