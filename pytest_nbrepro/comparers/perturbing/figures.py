"""Changes of a figure that a person would call changes : those of what the kernel wrote down of it."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from pytest_nbrepro.comparers.tallies import Array

_MOST = 20  # artists whose data are changed
_SHARE = 1e-3
_Members = Mapping[str, Array]


def changes(path: Path) -> Iterator[tuple[str, Callable[[Path], object]]]:
    """Yield changes of what the kernel wrote down of a figure: what each is, and what writes the changed file."""
    with np.load(path, allow_pickle=False) as archive:
        members = {name: archive[name] for name in archive.files}
    facts = json.loads(members["figure"].tobytes())
    for what, changed in (*_data(facts, members), *_looks(facts, members), *_facts(facts, members)):
        yield what, partial(_save, changed)


def _save(members: _Members, path: Path) -> None:
    named: dict[str, Any] = dict(members)
    np.savez(path, **named)


def _data(facts: Mapping[str, Any], members: _Members) -> Iterator[tuple[str, _Members]]:
    """Yield a change of one number, or one pixel, of each artist that shows data."""
    found = (
        (artist, change) for artist in facts["artists"] if (change := _datum(artist, members)) is not None
    )
    for artist, (key, changed) in islice(found, _MOST):
        yield f"{artist['name']}: {key}: one value +0.1 %", changed


def _datum(artist: Mapping[str, Any], members: _Members) -> tuple[str, _Members] | None:
    if " axis of " in artist["name"] or " spine of " in artist["name"]:  # beside the data
        return None
    for draw in artist["draws"]:
        name = draw["words"].get("array")
        if name is not None:
            return "array", {**members, name: _larger(members[name], 0, members[name].size)}
        for key, (unit, start, count) in draw["numbers"].items():
            if unit.startswith(("data", "value")) and np.any(members["data"][start : start + count]):
                return key, {**members, "data": _larger(members["data"], start, count)}
    return None


def _larger(values: Array, start: int, count: int) -> Array:
    """Return an array in which the largest of some values is larger; of whole numbers by 1, downwards if need be."""
    changed = values.copy()
    flat = changed.reshape(-1)
    if changed.dtype.kind != "f":
        flat[start] = flat[start] - 1 if flat[start] else 1
        return changed
    part = flat[start : start + count]
    at = start + int(np.argmax(np.where(np.isfinite(part), np.abs(part), 0)))
    flat[at] *= 1 + _SHARE
    return changed


def _looks(facts: Mapping[str, Any], members: _Members) -> Iterator[tuple[str, _Members]]:
    """Yield another colour, and another width, of the first artist that has one."""
    for key in ("colour", "width"):
        for artist in facts["artists"]:
            told = next((draw["numbers"][key] for draw in artist["draws"] if key in draw["numbers"]), None)
            if told is not None and told[2]:
                looks = members["looks"].copy()
                looks[told[1]] = 1 - looks[told[1]] if key == "colour" else looks[told[1]] + 0.5
                yield f"{artist['name']}: another {key}", {**members, "looks": looks}
                break


def _facts(facts: Mapping[str, Any], members: _Members) -> Iterator[tuple[str, _Members]]:
    """Yield a figure without its last artist, and one with another text."""
    if facts["artists"]:
        yield (
            f"{facts['artists'][-1]['name']} dropped",
            _with({**facts, "artists": facts["artists"][:-1]}, members),
        )
    changed = copy.deepcopy(dict(facts))
    for artist in changed["artists"]:
        for draw in artist["draws"]:
            if draw["words"].get("text"):
                draw["words"]["text"] += "."
                yield f"{artist['name']}: a full stop added", _with(changed, members)
                return


def _with(facts: Mapping[str, Any], members: _Members) -> _Members:
    return {**members, "figure": np.frombuffer(json.dumps(facts).encode(), np.uint8)}
