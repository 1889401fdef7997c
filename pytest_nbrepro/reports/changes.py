"""Where a run was made, in words, and what of that is no longer as it was when its baseline was accepted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_MACHINE = ("interpreter", "platform", "cpu", "blas", "threads", "thread_limit", "seed")
_PACKAGES = "distributions"


def told(environment: Mapping[str, Any]) -> dict[str, Any]:
    """Return the facts of an environment record that a report tells, as text; packages with their versions."""
    facts: dict[str, Any] = {
        key.replace("_", " "): spelt(environment[key]) for key in _MACHINE if environment.get(key) is not None
    }
    if environment.get("git"):
        git = environment["git"]
        facts["git"] = f"{git['commit'][:12]}{', with changes' if git.get('dirty') else ''}"
    return {**facts, "packages": dict(environment.get(_PACKAGES) or {})}


def between(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return what changed between two environment records: packages, and the machine.

    What one of them does not record is no change.
    """
    found = [
        _change(key.replace("_", " "), spelt(before[key]), spelt(now[key]))
        for key in _MACHINE
        if before.get(key) is not None and now.get(key) is not None and before[key] != now[key]
    ]
    old, new = before.get(_PACKAGES), now.get(_PACKAGES)
    if old is not None and new is not None:
        found += [
            _change(name, old.get(name, "none"), new.get(name, "none"))
            for name in sorted({*old, *new})
            if old.get(name) != new.get(name)
        ]
    return found


def _change(name: str, before: str, after: str) -> dict[str, str]:
    return {"name": name, "before": before, "after": after}


def spelt(value: Any) -> str:
    """Return what is recorded of a machine in words: ``openblas 0.3.30`` for a name and a version."""
    if isinstance(value, Mapping):
        return " ".join(map(spelt, value.values()))
    if isinstance(value, list):
        return ", ".join(map(spelt, value))
    return str(value)
