"""What an environment holds, read from the record of a run or a baseline."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pytest_nbrepro.errors import NbreproError

_INTERPRETER = re.compile(r"(?P<name>\w+) (?P<version>\d+\.\d+)")


@dataclass(frozen=True)
class Pins:
    """An interpreter, and versions of distributions."""

    python: str  # such as 3.11
    versions: Mapping[str, str] = field(default_factory=dict)  # by name

    @property
    def key(self) -> str:
        """A name for the environment: the same pins have the same."""
        told = json.dumps([self.python, sorted(self.versions.items())])
        return hashlib.sha256(told.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Change:
    """A distribution that is not the same in two environments."""

    name: str
    before: str | None  # its version; None where it is not there
    after: str | None

    def __str__(self) -> str:
        return f"{self.name} {self.before or 'none'} -> {self.after or 'none'}"


def recorded(environment: Mapping[str, Any], where: str) -> Pins:
    """Return the pins of a recorded environment.

    Raises:
        NbreproError: it does not say which Python it was, or that was not CPython.
    """
    match = _INTERPRETER.match(str(environment.get("interpreter", "")))
    if match is None or match["name"] != "CPython":
        told = environment.get("interpreter")
        what = (
            f"it was made by {told}, which is not built again here"
            if told
            else "it does not say which Python made it"
        )
        raise NbreproError(what, where=where, hint="only environments of CPython can be built again")
    return Pins(match["version"], dict(environment.get("distributions", {})))


def changes(before: Pins, after: Pins) -> list[Change]:
    """Return the distributions that differ, by name."""
    names = sorted({*before.versions, *after.versions}, key=str.lower)
    both = (Change(name, before.versions.get(name), after.versions.get(name)) for name in names)
    return [change for change in both if change.before != change.after]


def mixed(before: Pins, some: frozenset[Change]) -> Pins:
    """Return an environment with some changes made."""
    versions = dict(before.versions)
    for change in some:
        if change.after is None:
            versions.pop(change.name, None)
        else:
            versions[change.name] = change.after
    return Pins(before.python, versions)
