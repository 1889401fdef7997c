"""Why a run differs from its baseline, from the evidence that both recorded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pytest_nbrepro.model import Run, Why
from pytest_nbrepro.notebook import Notebook
from pytest_nbrepro.verdict import align

_SHOWN = 4
_MACHINE = ("interpreter", "platform", "cpu", "blas", "threads")


def explain(
    run: Run,
    executed: Notebook,
    environment: Mapping[str, Any],
    accepted: Notebook,
    before: Mapping[str, Any],
) -> Why:
    """Compare source, flags, inputs and environment of a run with those of its baseline.

    Args:
        run: the run.
        executed: its executed copy.
        environment: its environment record (see `environment.record`).
        accepted: the baseline's executed copy.
        before: the baseline's environment record, with its flags.
    """
    changed = {
        "CODE": _code(executed, accepted, set(run.flags)),
        "FLAGS": _mapping(before.get("flags", {}), environment.get("flags", {})),
        "DATA": _mapping(before.get("inputs", {}), environment.get("inputs", {}), values=False),
        "ENVIRONMENT": _environment(before, environment),
    }
    found = {cause: text for cause, text in changed.items() if text}
    same = [_WORDS[cause] for cause, text in changed.items() if not text]
    if not found:
        return Why(
            "UNKNOWN",
            "source, flags, inputs and the recorded environment are the same: chance, or something that is not recorded",
        )
    told = "; ".join(found.values())
    rest = f"{', '.join(same)} same; " if same else ""
    return Why(next(iter(found)) if len(found) == 1 else "SEVERAL", f"{rest}{told}")


_WORDS = {"CODE": "source", "FLAGS": "flags", "DATA": "inputs", "ENVIRONMENT": "environment"}


def _code(executed: Notebook, accepted: Notebook, flags: set[str]) -> str:
    """Name the code cells whose source differs by more than the flags' values (those tell themselves)."""
    names = []
    for mine, theirs in align(executed.code, accepted.code):
        if mine is None and theirs is not None:
            names.append(f"{accepted.label(theirs.index)} is gone")
        elif mine is not None and theirs is None:
            names.append(f"{executed.label(mine.index)} is new")
        elif mine is not None and theirs is not None and mine.source != theirs.source:
            names.append(executed.label(mine.index))
    return f"source changed: {_shorten(names)}" if names else ""


def _environment(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    told = [
        f"{key} {before.get(key)} -> {now.get(key)}"
        for key in _MACHINE
        if before.get(key) is not None and before.get(key) != now.get(key)
    ]
    packages = _mapping(before.get("distributions", {}), now.get("distributions", {}))
    return "; ".join([packages, *told] if packages else told)


def _mapping(before: Mapping[str, Any], now: Mapping[str, Any], *, values: bool = True) -> str:
    told = []
    for name in sorted({*before, *now}):
        if name not in now:
            told.append(f"{name} is gone")
        elif name not in before:
            told.append(f"{name} is new")
        elif before[name] != now[name]:
            told.append(f"{name} {before[name]} -> {now[name]}" if values else f"{name} changed")
    return _shorten(told)


def _shorten(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
