"""JSON in the scripts of a page: figures of plotly, vega and bokeh, and scripts that are JSON as a whole."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

STAND_IN = "\ue001"
"""What is left in a script where a value was taken out."""

_CALL = re.compile(
    r"""
    (?P<plotly>\bPlotly\.(?:newPlot|react)\s*\(\s*+)
  | (?P<vega>\bvegaEmbed\s*\(\s*+)
  | (?P<called>\}\s*\)\s*\(\s*+(?=\{\s*["}]))           # (function(spec, options) {...})({"data": ...})
  | \b(?P<name>\w*[Ss]pec|embedOpt|docs_json)\s*=\s*(?=\{)
    """,
    re.VERBOSE,
)
_ARGUMENTS = {
    "plotly": ("element", "data", "layout", "config"),
    "vega": ("element", "spec", "options"),
    "called": ("spec", "options"),
}
_MISSES = 1000  # calls without any JSON after which a script is no more looked into: each may cost its length
_TEXT = r"""(?:"[^"\\]*+"|'[^'\\]*+')"""
_PLAIN = re.compile(rf"\s*+(?:{_TEXT}|[\w.$]++(?:\(\s*+{_TEXT}?+\s*+\))?+)?+\s*+")
_COMMA = re.compile(r"\s*+,\s*+")


@dataclass(frozen=True)
class Found:
    """The values that one call or assignment is given, by name."""

    values: dict[str, Any]
    spans: tuple[tuple[int, int], ...]  # where they lie in the script


def pull(text: str, kind: str) -> tuple[str, list[dict[str, Any]]]:
    """Take JSON out of a script.

    Args:
        text: the script.
        kind: its type, such as ``application/json``, or nothing.

    Returns:
        The script with a mark in place of each value, and the values: those of one call by their names,
        a whole script as ``json``.
    """
    if kind.lower().partition(";")[0].strip().endswith("json"):
        parsed = _json(text, len(text) - len(text.lstrip()))
        if parsed is not None and not text[parsed[1] :].strip():
            return STAND_IN, [{"json": parsed[0]}]
        return text, []
    pieces, found, at = [], [], 0
    for each in _calls(text):
        for start, end in each.spans:
            pieces += [text[at:start], STAND_IN]
            at = end
        found.append(each.values)
    return "".join([*pieces, text[at:]]), found


def _calls(text: str) -> list[Found]:
    found, at, misses = [], 0, 0
    while misses < _MISSES and (match := _CALL.search(text, at)):
        at = match.end()
        kind = match.lastgroup or ""
        each = _given(text, at, _ARGUMENTS.get(kind, (match["name"],)))
        if each.spans:
            found.append(each)
            at = each.spans[-1][1]
        else:
            misses += 1
    return found


def _given(text: str, at: int, names: tuple[str, ...]) -> Found:
    """Return those of some arguments that are JSON, up to the first that is neither JSON nor a plain word."""
    values, spans = {}, []
    for name in names:
        if text[at : at + 1] in {"{", "["}:
            parsed = _json(text, at)
            if parsed is None:
                break
            spans.append((at, parsed[1]))
            values[name], at = parsed
        else:
            plain = _PLAIN.match(text, at)
            at = plain.end() if plain else at
        comma = _COMMA.match(text, at)
        if comma is None:
            break
        at = comma.end()
    return Found(values, tuple(spans))


def _json(text: str, at: int) -> tuple[Any, int] | None:
    """Return the JSON value that begins at a place, and where it ends; None where there is none."""
    try:
        return _DECODER.raw_decode(text, at)
    except (ValueError, RecursionError):
        return None


def _mapping(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key occurs twice: compared as text")
    return found


_DECODER = json.JSONDecoder(object_pairs_hook=_mapping)
