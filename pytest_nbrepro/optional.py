"""Packages that only some users need: imported when they are first used, and named where they are not there."""

from __future__ import annotations

import importlib
from types import ModuleType

from pytest_nbrepro.errors import ExtraError


def require(module: str, extra: str) -> ModuleType:
    """Return a module of a package that comes with an extra of this one.

    Args:
        module: its name, as `import` takes it.
        extra: the extra of pytest-nbrepro that brings it.

    Raises:
        ExtraError: it cannot be imported; the message names the extra.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ExtraError(
            f"it needs {module}, which cannot be imported ({error}): pip install 'pytest-nbrepro[{extra}]'"
        ) from error
