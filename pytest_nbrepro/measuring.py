"""Coverage of the code that notebooks import, where pytest-cov measures this session."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from pytest_nbrepro.model import Coverage


def requested(config: pytest.Config, root: Path) -> Coverage | None:
    """Return what a kernel must measure so that pytest-cov's own report holds it; None without pytest-cov.

    pytest-cov combines every file that begins with its data file's name at its end, so the kernel's data
    only have to lie beside it.
    """
    plugin: Any = config.pluginmanager.getplugin("_cov")
    controller = getattr(plugin, "cov_controller", None)
    if controller is None or not controller.started:
        return None
    settings = controller.cov.config
    file = Path(controller.topdir, settings.data_file)
    return Coverage(
        config_file=_absolute(settings.config_file, controller.topdir),
        source=tuple(_source(entry, controller.topdir) for entry in settings.source or (str(root),)),
        branch=bool(settings.branch),
        data_file=str(file),
    )


def _absolute(path: str | None, folder: str) -> str | None:
    return None if path is None else os.path.join(folder, path)  # noqa: PTH118 - keeps an absolute path


def _source(entry: str, folder: str) -> str:
    """Return a source as coverage.py takes it: a folder as an absolute path, a package by its name."""
    path = Path(folder, entry)
    return str(path) if path.is_dir() else entry
