"""What a kernel is asked to measure."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from pytest_nbrepro import measuring
from pytest_nbrepro.model import Coverage


def config(controller):
    plugin = None if controller is None else SimpleNamespace(cov_controller=controller)
    return SimpleNamespace(pluginmanager=SimpleNamespace(getplugin=lambda name: plugin))


def controller(topdir: Path, *, started=True, source=None, config_file=None):
    settings = SimpleNamespace(data_file=".coverage", config_file=config_file, source=source, branch=1)
    return SimpleNamespace(started=started, topdir=str(topdir), cov=SimpleNamespace(config=settings))


def test_folders_are_absolute_and_packages_named(tmp_path):
    (tmp_path / "lib").mkdir()
    found = measuring.requested(
        config(controller(tmp_path, source=["lib", "numpy"], config_file="setup.cfg")), tmp_path
    )
    assert found == Coverage(
        str(tmp_path / "setup.cfg"),
        (str(tmp_path / "lib"), "numpy"),
        branch=True,
        data_file=str(tmp_path / ".coverage"),
    )


def test_without_a_source_the_whole_project_is_measured(tmp_path):
    found = measuring.requested(config(controller(tmp_path)), tmp_path)
    assert found is not None
    assert found.source == (str(tmp_path),)
    assert found.config_file is None


@pytest.mark.parametrize("plugin", [None, controller(Path(), started=False)])
def test_nothing_is_measured_where_nobody_asks(tmp_path, plugin):
    assert measuring.requested(config(plugin), tmp_path) is None
