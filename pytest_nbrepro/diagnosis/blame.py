"""Which distribution an error is about, among those that changed since the baseline."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pytest_nbrepro.model import RunError
from pytest_nbrepro.packages import normal

_KINDS = ("ImportError", "ModuleNotFoundError", "AttributeError", "TypeError")
_MODULE = re.compile(r"^ModuleNotFoundError: No module named '(\w+)")


def culprits(error: RunError, environment: Mapping[str, Any], before: Mapping[str, Any]) -> str:
    """Return which distributions changed that an error is about, in words; nothing where there are none.

    Args:
        error: what ended the run: an ImportError, AttributeError or TypeError tells of interfaces, others do not.
        environment: the run's environment record; ``blamed`` are the distributions of the traceback.
        before: the baseline's.
    """
    if error.kind != "cell" or not error.message.startswith(_KINDS):
        return ""
    return ", ".join(f"{text}, which the error is about" for text in _changed(error, environment, before))


def _changed(error: RunError, environment: Mapping[str, Any], before: Mapping[str, Any]) -> Iterator[str]:
    old, new = before.get("distributions") or {}, environment.get("distributions") or {}
    for name in environment.get("blamed", ()):
        if name in old and name in new and old[name] != new[name]:
            yield f"{name} {old[name]} -> {new[name]}"
    match = _MODULE.match(error.message)
    for name in old if match else ():
        if match and normal(name) == normal(match[1]) and name not in new:
            yield f"{name} {old[name]} -> not there"
