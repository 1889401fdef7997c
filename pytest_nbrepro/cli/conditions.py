"""Conditions on runs, as people type them: ``loss<0.8 and x>0 and status=completed``.

========  =================================================================================
names     ``status``, ``notebook``, ``case``, ``id``, ``started``, ``seconds``, ``label``,
          ``tag``, ``batch``, ``trial``; else a flag or a metric, ``flag:x`` and
          ``metric:x`` where both have one of that name; in quotes what is no plain word
signs     ``=``, ``!=``, ``<``, ``<=``, ``>``, ``>=``; ``~`` for a pattern with ``*``
values    numbers, ``true``, ``false``, ``none``, words, text in quotes
between   ``and``, ``or``, ``not``, brackets
========  =================================================================================

A run that has no such name meets no comparison with it, not even ``!=``.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from pytest_nbrepro import attributes
from pytest_nbrepro.errors import NbreproError
from pytest_nbrepro.model import Run

Condition = Callable[[Run], bool]
_TOKEN = re.compile(
    r"""\s*(?:(?P<sign><=|>=|!=|==|=|<|>|~)|(?P<bracket>[()])|"(?P<double>[^"]*)"|'(?P<single>[^']*)'|(?P<word>[^\s()<>=!~"']+))"""
)
_SIGNS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_WORDS: dict[str, Any] = {"true": True, "false": False, "none": None}
_ABSENT = object()


@dataclass(frozen=True)
class _Token:
    kind: str  # sign, bracket, word, text
    text: str
    start: int


def condition(text: str) -> Condition:
    """Return what tells whether a run meets a condition.

    Raises:
        NbreproError: the text is no condition; the message shows where.
    """
    return _Parser(text).parsed()


def value(run: Run, name: str) -> Any:
    """Return what a run has by a name; `ABSENT` where it has nothing."""
    known = _FIELDS.get(name)
    if known is not None:
        return known(run)
    kind, _, rest = name.partition(":")
    if kind == "flag":
        return run.flags.get(rest, ABSENT)
    if kind == "metric":
        return run.metrics[rest].value if rest in run.metrics else ABSENT
    if name in run.metrics:
        return run.metrics[name].value
    return run.flags.get(name, ABSENT)


ABSENT = _ABSENT
_FIELDS: dict[str, Callable[[Run], Any]] = {
    "status": lambda run: str(run.status),
    "notebook": lambda run: run.notebook,
    "case": lambda run: run.case,
    "id": lambda run: run.id,
    "started": lambda run: run.started,
    "seconds": lambda run: ABSENT if run.duration is None else run.duration,
    "label": lambda run: attributes.read(run.folder).label,
    "tag": lambda run: attributes.read(run.folder).tags,
    "batch": lambda run: _or_absent(attributes.read(run.folder).batch),
    "trial": lambda run: _or_absent(attributes.read(run.folder).trial),
}


def _or_absent(found: Any) -> Any:
    return ABSENT if found is None else found


class _Parser:
    """Reads a condition: what binds weakest first."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = list(self._split())
        self._place = 0

    def parsed(self) -> Condition:
        found = self._either()
        if self._place < len(self._tokens):
            raise self._fault("'and' or 'or' is missing before")
        return found

    def _split(self) -> Iterator[_Token]:
        start = 0
        while self._text[start:].strip():
            match = _TOKEN.match(self._text, start)
            if match is None:
                raise NbreproError(f"this is no condition: {self._text[start:].strip()!r} cannot be read")
            kind = match.lastgroup or ""
            yield _Token("text" if kind in {"double", "single"} else kind, match[kind], match.start(kind))
            start = match.end()

    def _either(self) -> Condition:
        parts = [self._both()]
        while self._took("or"):
            parts.append(self._both())
        return parts[0] if len(parts) == 1 else lambda run: any(part(run) for part in parts)

    def _both(self) -> Condition:
        parts = [self._one()]
        while self._took("and"):
            parts.append(self._one())
        return parts[0] if len(parts) == 1 else lambda run: all(part(run) for part in parts)

    def _one(self) -> Condition:
        if self._took("not"):
            inner = self._one()
            return lambda run: not inner(run)
        if self._took("("):
            inside = self._either()
            if not self._took(")"):
                raise self._fault("a bracket is not closed before")
            return inside
        name, sign, wanted = self._take("word", "text"), self._take("sign"), self._take("word", "text")
        asked = wanted.text if name.text == "started" else _read(wanted)  # 2025 is a beginning of times
        return _comparison(name.text, sign.text, asked)

    def _took(self, word: str) -> bool:
        token = self._tokens[self._place] if self._place < len(self._tokens) else None
        found = token is not None and token.kind != "text" and token.text == word
        self._place += found
        return found

    def _take(self, *kinds: str) -> _Token:
        token = self._tokens[self._place] if self._place < len(self._tokens) else None
        if token is None or token.kind not in kinds:
            raise self._fault(
                "a sign such as < or = is missing before"
                if kinds == ("sign",)
                else "a name or value is missing before"
            )
        self._place += 1
        return token

    def _fault(self, what: str) -> NbreproError:
        rest = self._text[self._tokens[self._place].start :] if self._place < len(self._tokens) else ""
        where = repr(rest) if rest else "its end"
        hint = "as in: loss<0.8 and x>0 and status=completed"
        return NbreproError(f"this is no condition: {what} {where}", where=self._text, hint=hint)


def _read(token: _Token) -> Any:
    if token.kind == "text":
        return token.text
    if token.text in _WORDS:
        return _WORDS[token.text]
    try:
        return float(token.text)
    except ValueError:
        return token.text


def _comparison(name: str, sign: str, wanted: Any) -> Condition:
    def met(run: Run) -> bool:
        found = value(run, name)
        if found is ABSENT:
            return False
        several: Sequence[Any] = found if name == "tag" else [found]
        if sign == "!=":
            return not any(_same(one, wanted) for one in several)
        return any(_holds(one, sign, wanted) for one in several)

    return met


def _holds(found: Any, sign: str, wanted: Any) -> bool:
    if sign in {"=", "=="}:
        return _same(found, wanted)
    if sign == "~":
        return fnmatchcase(str(found), str(wanted))
    if _number(found) and _number(wanted):
        return _SIGNS[sign](found, wanted)
    return isinstance(found, str) and isinstance(wanted, str) and _SIGNS[sign](found, wanted)


def _same(found: Any, wanted: Any) -> bool:
    if _number(found) and _number(wanted):
        return bool(found == wanted)
    if isinstance(found, str) and isinstance(wanted, float):  # a text of digits
        try:
            return float(found) == wanted
        except ValueError:
            return False
    return type(found) is type(wanted) and bool(found == wanted)


def _number(one: Any) -> bool:
    return isinstance(one, (int, float)) and not isinstance(one, bool)
