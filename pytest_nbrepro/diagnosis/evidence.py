"""What changed between a baseline and a run: source, flags, inputs, environment, as both recorded them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from pytest_nbrepro import files, flags
from pytest_nbrepro.assignments import source_bytes
from pytest_nbrepro.model import Evidence, Run
from pytest_nbrepro.notebook import Cell, Notebook
from pytest_nbrepro.verdict import align

_SHOWN = 4
_SETTINGS = ("interpreter", "locale", "encoding", "timezone")
_MACHINE = ("platform", "cpu", "blas", "blas_kernel", "blas_threads", "threads", "thread_limit")


def gather(
    run: Run,
    executed: Notebook,
    environment: Mapping[str, Any],
    accepted: Notebook,
    before: Mapping[str, Any],
) -> tuple[Evidence, ...]:
    """Compare source, flags, inputs and environment of a run with those of its baseline.

    What the baseline did not record is evidence of nothing: it neither changed nor stayed the same.

    Args:
        run: the run.
        executed: its executed copy.
        environment: its environment record (see `environment.record`), with its flags.
        accepted: the baseline's executed copy.
        before: the baseline's environment record, with its flags.
    """
    told = {
        "CODE": _code(executed, accepted, run.flags if "flags" in before else ()),
        "FLAGS": _changes(_flags(before), _flags(environment)),
        "DATA": _changes(before.get("inputs"), environment.get("inputs"), values=False),
        "ENVIRONMENT": _environment(before, environment),
    }
    states = {None: "unknown", "": "same"}
    return tuple(Evidence(cause, states.get(text, "changed"), text or "") for cause, text in told.items())


def _code(executed: Notebook, accepted: Notebook, names: Collection[str]) -> str:
    """Name the code cells whose source differs by more than the values of flags, which tell themselves."""
    new, old = _without_values(executed, names), _without_values(accepted, names)
    told: list[str] = []
    places: list[int] = []
    for mine, theirs in align(_filled(executed), _filled(accepted)):
        if mine is None or theirs is None:
            told.append(_alone(mine, executed, "new") + _alone(theirs, accepted, "gone"))
            continue
        places.append(theirs.index)
        if new[mine.index] != old[theirs.index]:
            told.append(executed.label(mine.index))
    if places != sorted(places):
        told.append("cells changed places")
    return f"source changed: {_shorten(told)}" if told else ""


def _alone(cell: Cell | None, notebook: Notebook, word: str) -> str:
    return f"{notebook.label(cell.index)} is {word}" if cell else ""


def _filled(notebook: Notebook) -> list[Cell]:
    return [cell for cell in notebook.code if cell.source.strip()]


def _without_values(notebook: Notebook, names: Collection[str]) -> dict[int, bytes]:
    """Return the sources of the code cells, the literals of these flags taken out, by cell index."""
    sources = {cell.index: source_bytes(cell) for cell in notebook.code}
    found = [
        flag for flag in flags.detect(notebook, names).found.values() if flag.known and flag.name in names
    ]
    for flag in sorted(found, key=lambda flag: flag.span, reverse=True):  # from the end, so that spans hold
        start, end = flag.span
        sources[flag.cell] = sources[flag.cell][:start] + sources[flag.cell][end:]
    return sources


def _flags(record: Mapping[str, Any]) -> dict[str, str] | None:
    if "flags" not in record:
        return None
    return {name: repr(files.from_json(value)) for name, value in record["flags"].items()}


def _environment(before: Mapping[str, Any], now: Mapping[str, Any]) -> str | None:
    """Tell which distributions, settings and variables changed, and what of the machine did, apart."""
    known = [key for key in (*_SETTINGS, *_MACHINE) if before.get(key) is not None]
    if packages_changed(before, now) is None and not known:
        return None
    changes = environment_changes(before, now)
    return "; ".join(f"machine: {text}" if word == "machine" else text for word, text in changes)


def environment_changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what changed between two records of environments: ``packages``, ``settings`` or ``machine``, and the change."""
    if packages := packages_changed(before, now):
        yield "packages", packages
    if settings := "; ".join((*_differing(_SETTINGS, before, now), *_variables(before, now))):
        yield "settings", settings
    if machine := "; ".join(_differing(_MACHINE, before, now)):
        yield "machine", machine


def _differing(keys: tuple[str, ...], before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    for key in keys:
        if before.get(key) is not None and before[key] != now.get(key):
            yield f"{key.replace('_', ' ')} {_spelt(before[key])} -> {_spelt(now.get(key))}"


def packages_changed(before: Mapping[str, Any], now: Mapping[str, Any]) -> str | None:
    """Tell which imported distributions changed, those last that are there only as they are installed."""
    old, new = before.get("distributions"), now.get("distributions")
    if old is None or new is None:
        return None
    idle = {*before.get("optional", ()), *now.get("optional", ())} - _needed(before) - _needed(now)
    used = _changes(*({name: one[name] for name in one if name not in idle} for one in (old, new)))
    others = _changes(*({name: one[name] for name in one if name in idle} for one in (old, new)))
    return "; ".join(filter(None, (used, f"{others} (imported only where installed)" if others else "")))


def _needed(record: Mapping[str, Any]) -> set[str]:
    """Return the distributions that are not known to be there for no other reason than that they are installed."""
    return {*record["distributions"]} - {*record.get("optional", ())}


def _variables(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    """Tell which environment variables changed, by their values those that are known to hold no secret."""
    told = _changes(before.get("variables"), now.get("variables"))
    if told:
        yield f"variable {told}"
    old, new = before.get("variables_read", {}), now.get("variables_read", {})
    changed = [name for name in old if name in new and old[name] != new[name]]
    if changed:
        yield f"variable {_shorten(changed)}, which the notebook reads, changed"


def _spelt(value: Any) -> str:
    """Return what is recorded of a machine in words: ``openblas 0.3.30`` for a name and a version."""
    if isinstance(value, Mapping):
        return " ".join(map(_spelt, value.values()))
    if isinstance(value, list):
        return ", ".join(dict.fromkeys(map(_spelt, value)))
    return str(value)


def _changes(
    before: Mapping[str, Any] | None, now: Mapping[str, Any] | None, *, values: bool = True
) -> str | None:
    """Tell what differs between two mappings, "" for nothing; None where one of them is not known."""
    if before is None or now is None:
        return None
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
