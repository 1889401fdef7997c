"""Plugin tests run pytest in this process."""

from __future__ import annotations

import importlib
import pkgutil

import pytest

import pytest_nbrepro

SCRIPTS = {
    "pytest_nbrepro.kernels.child",
    "pytest_nbrepro.kernels.supervisor",
}  # run in processes of their own


@pytest.fixture(scope="session", autouse=True)
def everything_loaded() -> None:
    """Import every module first: pytester forgets what comes after it, and numpy loads only once a process."""
    for module in pkgutil.walk_packages(pytest_nbrepro.__path__, "pytest_nbrepro."):
        if module.name not in SCRIPTS:
            importlib.import_module(module.name)
