"""Documents of objects, arrays and plain values, compared value by value along their paths."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from pytest_nbrepro.comparers import asides
from pytest_nbrepro.comparers.base import (
    IncomparableError,
    Outcome,
    allow_columns,
    combined,
    counted,
    merged,
    part,
    rank,
    shown,
)
from pytest_nbrepro.comparers.numbers import EXACT, Limit, advice, resolve, suggest, used
from pytest_nbrepro.model import ArtifactRule, Check, CheckStatus, Limits, Place
from pytest_nbrepro.timings import is_timing

_KEPT = 20  # findings that are reported, the worst ones
_CONTAINERS = 2_000_000  # visited in one YAML file: aliases can make a small file endless
_DEEP = frozenset({dict, list, tuple, set})
_WORDS = {
    dict: "object",
    list: "array",
    tuple: "array",
    set: "object",
    str: "string",
    float: "float",
    int: "int",
    bool: "bool",
    type(None): "null",
}


def compare_values(old: object, new: object, rule: ArtifactRule) -> Outcome:
    """Compare two documents that are read already.

    Raises:
        IncomparableError: they are nested too deeply.
    """
    walk = _Walk(rule)
    try:
        walk.start(old, new)
    except RecursionError as error:
        raise IncomparableError("it is nested too deeply") from error
    return walk.outcome()


@dataclass(frozen=True)
class _Scale:
    """The limits that hold at one place."""

    floats: Limit
    ints: Limit


class _Walk:
    """Goes through two documents at once and keeps what it finds."""

    def __init__(self, rule: ArtifactRule) -> None:
        self._rule = rule
        self._columns = [(_pattern(text), limits) for text, limits in rule.columns.items()]
        self._ignored = [_pattern(text) for text in rule.ignore_columns]
        self._choosy = bool(self._columns or self._ignored)
        self._left = _CONTAINERS
        self._bad = 0
        self._kept: list[Check] = []  # the worst of the bad values
        self._widest: dict[str, Check] = {}  # the worst bad value of each pattern of paths
        self._more: Counter[str] = Counter()  # what is told of the bad values together
        self._aside: dict[str, Check] = {}  # by pattern of paths, what is called like a timing
        self._timed = 0  # how many values that is
        self._n = 0
        self._most = 0.0  # the largest `used` yet
        self._worst = Check("value", "$", CheckStatus.EQUAL, 0.0, str(_scale(rule.limits).floats))

    def start(self, old: object, new: object) -> None:
        """Compare two documents."""
        self._child(old, new, "$", _scale(self._rule.limits))

    def outcome(self) -> Outcome:
        """Return what was found."""
        aside = tuple(self._aside.values())
        if aside and self._timed == self._n:
            return replace(asides.outcome(self._n, aside[0].worst), parts=aside)
        if not self._bad:
            worst = self._worst
            return Outcome.judged(self._most, limit=worst.limit, n=self._n, worst=worst.worst, parts=aside)
        kept = [*sorted(self._kept, key=rank)[:_KEPT], *aside]
        whole = combined(kept, place="{name}", hidden=self._bad - len(kept) + len(aside))
        message = whole.message
        if whole.status is CheckStatus.DRIFT:
            told = [f"{count:,} {note}" if "NaN" in note else note for note, count in self._more.items()]
            message = ", ".join([f"{self._bad:,} of {counted(self._n, 'value')}", *told])
        allow = allow_columns([replace(check, name=name) for name, check in self._widest.items()])
        return replace(whole, used=self._most, message=message, n=self._n, bad=self._bad, allow=allow)

    def _child(self, old: Any, new: Any, path: str, scale: _Scale) -> None:
        """Compare two values at a path, by the rules for it."""
        if self._choosy:
            if self._is_ignored(path):
                return
            for pattern, limits in self._columns:
                if pattern.fullmatch(plain(path)):
                    scale = _scale(merged(limits, self._rule.limits))
        if type(old) is not type(new):
            self._n += 1
            self._keep(_structure(path, f"type {word(old)} -> {word(new)}", old, new))
        elif isinstance(old, set):
            self._mapping(dict.fromkeys(old), dict.fromkeys(new), path, scale)
        elif isinstance(old, dict):
            self._mapping(old, new, path, scale)
        elif isinstance(old, (list, tuple)):
            self._sequence(old, new, path, scale)
        else:
            self._leaf(old, new, path, scale)

    def _mapping(self, old: Mapping[Any, Any], new: Mapping[Any, Any], path: str, scale: _Scale) -> None:
        self._count_container()
        for name in self._common(old, new, path):
            value, other = old[name], new[name]
            if self._choosy or type(value) in _DEEP or not self._is_quiet(value, other, scale.floats):
                self._child(value, other, below(path, name), scale)
            else:
                self._n += 1

    def _common(self, old: Mapping[Any, Any], new: Mapping[Any, Any], path: str) -> Iterable[Any]:
        """Return the keys of both sides, and keep those of one side; 1, 1.0 and True are three keys."""
        if old.keys() == new.keys() and all(type(name) is str for name in old):
            return old
        mine = {(type(name), name) for name in old}
        theirs = {(type(name), name) for name in new}
        for status, names, others in ((CheckStatus.LOST, old, theirs), (CheckStatus.NEW, new, mine)):
            for name in names:
                where = below(path, name)
                if (type(name), name) not in others and not self._is_ignored(where):
                    self._n += 1
                    self._keep(Check("value", where, status, message=f"key {status}", n=1, bad=1))
        return [name for name in old if (type(name), name) in theirs]

    def _sequence(self, old: Sequence[Any], new: Sequence[Any], path: str, scale: _Scale) -> None:
        self._count_container()
        if len(old) != len(new):
            self._n += 1
            self._keep(_structure(path, f"length {len(old):,} -> {len(new):,}"))
            return
        for i, (value, other) in enumerate(zip(old, new, strict=True)):
            if self._choosy or type(value) in _DEEP or not self._is_quiet(value, other, scale.floats):
                self._child(value, other, f"{path}[{i}]", scale)
            else:
                self._n += 1

    def _is_quiet(self, old: Any, new: Any, limit: Limit) -> bool:
        """Tell whether two values need no closer look: equal, or floats that use less than the worst yet."""
        if type(old) is not type(new):
            return False
        if old == new:
            return True
        if type(old) is not float or limit.ulp:
            return False
        distance: float = abs(new - old)
        allowed: float = max(limit.abs, limit.rel * abs(old))
        return distance < allowed * min(self._most, 1.0) < math.inf  # False for NaN and infinities

    def _leaf(self, old: Any, new: Any, path: str, scale: _Scale) -> None:
        self._n += 1
        limit = {float: scale.floats, int: scale.ints}.get(type(old), EXACT)
        most = used(old, new, limit) if limit is not EXACT else math.inf if old != new else 0.0
        if most <= min(self._most, 1):
            return
        place = Place(path, shown(old), shown(new))
        if most > 1 and self._is_set_aside(path, old, new):
            self._timed += 1
            name = _pattern_of(path)
            self._aside.setdefault(name, part("value", name, asides.outcome(1, place)))
            return
        status = CheckStatus.DRIFT if most > 1 else CheckStatus.WITHIN
        check = Check("value", path, status, most, str(limit), n=1, bad=int(most > 1), worst=place)
        if most > self._most:
            self._most, self._worst = most, check
        if most > 1:
            note = advice(old, new, limit) if limit is not EXACT else ""
            if note:
                self._more[note] += 1
            self._keep(replace(check, message=note, allow=_offer(old, new, limit, most)))

    def _keep(self, check: Check) -> None:
        """Keep a bad value; of very many, the worst ones."""
        self._bad += 1
        self._kept.append(check)
        if len(self._kept) > 50 * _KEPT:
            self._kept = sorted(self._kept, key=rank)[:_KEPT]
        name = _pattern_of(check.name)
        known = self._widest.get(name)
        if known is None or rank(check) < rank(known):
            self._widest[name] = check

    def _is_set_aside(self, path: str, old: Any, new: Any) -> bool:
        """Tell whether a float differs as timings do: its key is called so, and no rule means it."""
        if type(old) is not float or not (math.isfinite(old) and math.isfinite(new)):
            return False
        meant = any(
            text.strip("*?[].") and _pattern(text).fullmatch(plain(path)) for text in self._rule.columns
        )
        return not meant and is_timing(asides.key_of(path))

    def _is_ignored(self, path: str) -> bool:
        return any(pattern.fullmatch(plain(path)) for pattern in self._ignored)

    def _count_container(self) -> None:
        self._left -= 1
        if not self._left:
            raise IncomparableError(f"it has more than {_CONTAINERS:,} arrays and objects")


# ---------------------------------------------------------------------------------------------------
# Values


def limits_at(path: str, around: Limits, rule: ArtifactRule) -> Limits | None:
    """Return the limits that a rule sets at a path, else those around it; None where the path is left out."""
    if any(_pattern(text).fullmatch(plain(path)) for text in rule.ignore_columns):
        return None
    for text, limits in rule.columns.items():
        if _pattern(text).fullmatch(plain(path)):
            around = merged(limits, rule.limits)
    return around


@lru_cache(maxsize=64)
def _scale(limits: Limits) -> _Scale:
    return _Scale(resolve(limits, "float64"), resolve(limits, "int"))


def word(value: object) -> str:
    """Return the name of a value's type, as JSON calls it."""
    return _WORDS.get(type(value), type(value).__name__)


def _structure(path: str, message: str, old: object = "", new: object = "") -> Check:
    place = Place("", shown(old), shown(new)) if message.startswith("type") else None
    return part("value", path, Outcome.structure(message, n=1, worst=place))


def _offer(old: Any, new: Any, limit: Limit, most: float) -> str | None:
    if math.isinf(most):
        return None
    distance = float(abs(new - old))
    return suggest(rel=distance / abs(old) if old else math.inf, abs_=distance, limit=limit, most=most)


# ---------------------------------------------------------------------------------------------------
# Paths


def below(path: str, name: object) -> str:
    """Return the path of a value of an object."""
    if isinstance(name, str) and name.isidentifier():
        return f"{path}.{name}"
    return f"{path}[{json.dumps(name) if isinstance(name, str) else repr(name)}]"


def _pattern_of(path: str) -> str:
    """Return the pattern of a path: ``runs[*].loss`` of ``$.runs[3].loss``."""
    return plain(re.sub(r"\[\d+\]", "[*]", path))


def plain(path: str) -> str:
    """Return a path as patterns write it, without what all paths begin with."""
    return path.removeprefix("$").removeprefix(".")


@lru_cache(maxsize=256)
def _pattern(text: str) -> re.Pattern[str]:
    """Return the expression for a pattern of paths."""
    pieces = re.split(r"(\*\*\.|\*\*|\[\*\]|\*)", plain(text))
    return re.compile("".join(_WILD.get(piece) or re.escape(piece) for piece in pieces), re.DOTALL)


_WILD = {"**.": r"(?:.*[.\]])?", "**": ".*", "[*]": r"\[\d+\]", "*": r"[^.\[\]]*"}
