"""How environments are made; installers are stand-ins here."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from types import SimpleNamespace

import pytest

from pytest_nbrepro.environments import building
from pytest_nbrepro.environments.building import Builder, Unbuildable
from pytest_nbrepro.environments.pins import Pins

HERE = f"{sys.version_info[0]}.{sys.version_info[1]}"


class Installers:
    """Notes the commands; those that hold a word of `bad` fail."""

    def __init__(self):
        self.commands, self.bad = [], ()

    def run(self, command, **_):
        self.commands.append(command)
        failed = any(word in command for word in self.bad)
        return SimpleNamespace(
            returncode=int(failed), stdout="", stderr="no matching version" if failed else ""
        )


@pytest.fixture(params=[None, "/bin/uv"], ids=["pip", "uv"])
def installers(request, monkeypatch):
    made = Installers()
    monkeypatch.setattr(subprocess, "run", made.run)
    monkeypatch.setattr(shutil, "which", lambda name: request.param if name == "uv" else None)
    return made


def test_made_once_and_kept(installers, tmp_path):
    told = []
    pins = Pins(HERE, {"b": "2", "a": "1"})
    python = Builder(tmp_path, told.append).python(pins)
    assert python.is_relative_to(tmp_path / pins.key)
    assert len(installers.commands) == 3
    first, second = installers.commands[1:]
    assert first[-1] == "ipykernel"
    assert second[-3:] == ["--no-deps", "a==1", "b==2"]
    assert told == ["building an environment of 2 distributions"]
    assert json.loads((tmp_path / pins.key / "made.json").read_text())["distributions"] == {
        "a": "1",
        "b": "2",
    }
    assert Builder(tmp_path).python(pins) == python
    assert len(installers.commands) == 3


def test_one_that_was_not_made_to_its_end_is_made_anew(installers, tmp_path):
    pins = Pins(HERE, {"a": "1"})
    (tmp_path / pins.key).mkdir()
    (tmp_path / pins.key / "half").touch()
    Builder(tmp_path).python(pins)
    assert not (tmp_path / pins.key / "half").exists()


def test_versions_that_are_gone_are_named(installers, tmp_path):
    installers.bad = ("a==1",)
    pins = Pins(HERE, {"a": "1", "b": "2"})
    with pytest.raises(Unbuildable, match="there is no a 1 for this Python") as caught:
        Builder(tmp_path).python(pins)
    assert caught.value.gone == ("a==1",)
    assert not (tmp_path / pins.key / "made.json").exists()


def test_what_the_installer_says_where_no_version_is_gone(installers, tmp_path):
    installers.bad = ("ipykernel",)
    with pytest.raises(Unbuildable, match="no matching version"):
        Builder(tmp_path).python(Pins(HERE, {}))


def test_an_interpreter_that_is_not_here(installers, tmp_path):
    with pytest.raises(Unbuildable, match=r"it had Python 3\.2, which is not here"):
        Builder(tmp_path).python(Pins("3.2", {}))


def test_an_interpreter_that_is_on_the_path(installers, tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: f"/opt/{name}" if name == "python3.2" else None)
    Builder(tmp_path).python(Pins("3.2", {}))
    assert installers.commands[0][:3] == ["/opt/python3.2", "-m", "venv"]


def test_an_installer_that_cannot_be_started(tmp_path, monkeypatch):
    def run(*_, **__):
        raise FileNotFoundError(2, "No such file")

    monkeypatch.setattr(subprocess, "run", run)
    with pytest.raises(Unbuildable, match="cannot be started: No such file"):
        Builder(tmp_path).python(Pins(HERE, {}))


def test_what_came_from_a_folder_comes_from_there_again(installers, tmp_path, monkeypatch):
    url = json.dumps({"url": "file:///home/me/my%20package", "dir_info": {"editable": True}})
    others = [
        SimpleNamespace(name="My_Package", read_text=lambda _: url),
        SimpleNamespace(name="other", read_text=lambda _: None),
    ]
    monkeypatch.setattr(building.importlib.metadata, "distributions", lambda: others)
    Builder(tmp_path).python(Pins(HERE, {"my-package": "1"}))
    assert installers.commands[-1][-1] == "/home/me/my package"
