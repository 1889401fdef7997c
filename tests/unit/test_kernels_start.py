"""Which kernel is chosen, and what it starts with."""

from __future__ import annotations

import json
import os
import socket
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from pytest_nbrepro.errors import KernelError
from pytest_nbrepro.kernels import connection, specs
from pytest_nbrepro.kernels.specs import CHILD, OWN, Kernel


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Install kernelspecs in a place of their own."""
    for name in ("JUPYTER_DATA_DIR", "JUPYTER_PATH"):
        monkeypatch.setenv(name, str(tmp_path / name))

    def install(name: str, **spec: Any) -> None:
        folder = tmp_path / "JUPYTER_PATH" / "kernels" / name
        folder.mkdir(parents=True)
        (folder / "kernel.json").write_text(json.dumps({"argv": [name], "display_name": name, **spec}))

    install("rlang", language="R", interrupt_mode="message", env={"PLACE": "${HOME}/r"})
    install(
        "my-env",
        language="python",
        argv=["python3", "-Xa", "-m", "ipykernel", "-f", "{connection_file}", "--x"],
    )
    broken = tmp_path / "JUPYTER_PATH" / "kernels" / "broken"
    broken.mkdir()
    (broken / "kernel.json").write_text("{")
    return install


@pytest.mark.parametrize("kernel", [None, "python3", "python"])
@pytest.mark.parametrize("recorded", [None, "python3", "my-env", "gone"])
def test_python_runs_in_our_own_interpreter(kernel: str | None, recorded: str | None) -> None:
    assert specs.choose(kernel, "python", recorded) is OWN
    assert OWN.command[0] == sys.executable


def test_what_is_asked_for_by_name(installed: Any) -> None:
    chosen = specs.choose("My-Env", "python", "python3")
    assert chosen.ipython
    command = chosen.arguments(Path("/c.json"), Path("/k.json"))
    assert command == [sys.executable, "-Xa", str(CHILD), "/k.json", "-f", "/c.json", "--x"]


def test_other_languages_by_name_or_by_language(installed: Any) -> None:
    for kernel, recorded in (("rlang", None), (None, "rlang"), (None, None)):
        chosen = specs.choose(kernel, "r", recorded)
        assert (chosen.name, chosen.ipython, chosen.message_interrupt) == ("rlang", False, True)
        assert chosen.environment({"HOME": "/h"}) == {"PLACE": "/h/r"}
        assert chosen.folder.endswith("rlang")


@pytest.mark.parametrize(
    ("kernel", "language", "recorded", "said"),
    [
        ("other", "python", None, "kernel 'other' is not installed"),
        (None, "r", "ir", "kernel 'ir' is not installed"),
        (None, "julia", None, "no kernel for julia is installed"),
        ("broken", "python", None, "kernel 'broken' is not installed"),
    ],
)
def test_what_is_not_installed(installed: Any, kernel: str, language: str, recorded: str, said: str) -> None:
    with pytest.raises(KernelError, match=said) as caught:
        specs.choose(kernel, language, recorded)
    assert caught.value.hint.startswith("installed: my-env, python3, rlang;")


def test_notes_on_another_kernel(installed: Any) -> None:
    for kernel, language, recorded in (
        (None, "python", None),
        (None, "python", "python3"),
        ("my-env", "python", "gone"),
        (None, "r", "rlang"),
    ):
        assert specs.note(kernel, language, recorded) is None
    assert "which is not installed" in specs.note(None, "python", "gone")
    assert "`kernel: my-env`" in specs.note(None, "python", "my-env")


def test_places_in_a_command() -> None:
    kernel = Kernel("x", ("x", "{resource_dir}/a", "{prefix}", "{other}", "{connection_file}"), folder="/f")
    command = kernel.arguments(Path("/c"), Path("/k"))
    assert command == ["x", "/f/a", sys.prefix, "{other}", "/c"]


def test_sockets_have_short_names_of_their_own(tmp_path: Path) -> None:
    one, other = (json.loads(connection.connect(tmp_path, sockets=True).read_text()) for _ in range(2))
    assert one["transport"] == "ipc"
    assert one["ip"].startswith(str(tmp_path))
    assert (one["ip"], one["key"]) != (other["ip"], other["key"])
    assert sorted(one[name] for name in one if name.endswith("_port")) == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("why", ["long", "asked", "system"])
def test_ports_where_sockets_cannot_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, why: str) -> None:
    folder = tmp_path / ("x" * 100 if why == "long" else "x")
    folder.mkdir()
    path = connection.connect(folder, sockets=True) if why == "long" else None
    if why == "asked":
        path = connection.connect(folder, sockets=False)
    if why == "system":
        with monkeypatch.context() as patch:
            patch.setattr(connection.os, "name", "nt")
            path = connection.connect(folder, sockets=True)
    told = json.loads(path.read_text())
    assert path.stat().st_mode & 0o777 == 0o600
    ports = {told[name] for name in told if name.endswith("_port")}
    assert (told["transport"], told["ip"], len(ports)) == ("tcp", "127.0.0.1", 5)
    with socket.socket() as free:
        free.bind(("127.0.0.1", ports.pop()))


def test_a_private_folder_is_short_wherever_temporary_files_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = tmp_path / ("d" * 100)
    deep.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(deep))
    folder = connection.private_folder()
    try:
        assert len(str(folder)) < 90
        assert folder.stat().st_mode & 0o777 == 0o700
    finally:
        folder.rmdir()
    monkeypatch.setattr(os, "access", lambda *_: False)  # there is no other place
    assert connection.private_folder().parent == deep


def test_what_a_kernel_inherits(tmp_path: Path) -> None:
    outer = {
        "HOME": "/h",
        "PYTEST_CURRENT_TEST": "t",
        "COV_CORE_SOURCE": "s",
        "COVERAGE_RCFILE": "r",
        "JPY_PARENT_PID": "1",
        "MPLBACKEND": "agg",
        "PYTHONSTARTUP": "s",
        "PYTHONSAFEPATH": "1",
        "PYTHONPATH": f"src{os.pathsep}/abs",
        "A": "outer",
    }
    env, told = connection.environment(
        outer, {"A": "inner", "COVERAGE_FILE": "asked for"}, tmp_path, 2**32 + 5
    )
    assert env == {
        "HOME": "/h",
        "PYTHONPATH": os.pathsep.join([os.path.abspath("src"), "/abs"]),
        "IPYTHONDIR": str(tmp_path / "ipythondir"),
        "JUPYTER_CONFIG_DIR": str(tmp_path / "jupyter_config_dir"),
        "JUPYTER_RUNTIME_DIR": str(tmp_path / "jupyter_runtime_dir"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "5",
        "A": "inner",
        "COVERAGE_FILE": "asked for",
    }
    unset = ("MPLBACKEND", "PYTHONSAFEPATH", "PYTHONSTARTUP")
    assert told == {
        **dict.fromkeys(unset, "<unset>"),
        **dict.fromkeys(("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR"), "<fresh>"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "5",
        "A": "inner",
        "COVERAGE_FILE": "asked for",
    }


def test_what_the_annotation_sets_wins(tmp_path: Path) -> None:
    env, told = connection.environment({}, {"IPYTHONDIR": "/mine"}, tmp_path, None)
    assert env["IPYTHONDIR"] == told["IPYTHONDIR"] == "/mine"
    assert "PYTHONHASHSEED" not in env
