"""Masks: what differs from run to run and means nothing, taken out of text before it is compared.

A mask must not hide a result. Dates and times need a full date or hours, minutes and seconds; timings a
number with a unit of time and words that only timings have; addresses the word ``at`` or the range in
which operating systems map memory. Every pattern takes time linear in the text: open repetitions are
possessive, and those that could begin anywhere look back first. That is not so for masks of one's own.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import PurePath
from urllib.parse import quote

from pytest_nbrepro import moments, timings
from pytest_nbrepro.model import Masking, OwnMask


@dataclass(frozen=True)
class Rule:
    """A pattern and what stands in its place; text without `needle` cannot match."""

    regex: str
    replacement: str
    needle: str = ""

    @functools.cached_property
    def pattern(self) -> re.Pattern[str]:
        """The pattern, compiled when it is first needed: most never are, and all take 0.03 s."""
        return re.compile(self.regex, re.MULTILINE)


@dataclass(frozen=True)
class Mask:
    """Rules for one kind of thing, applied in their order."""

    rules: tuple[Rule, ...]


def _mask(*rules: tuple[str, str, str]) -> Mask:
    return Mask(tuple(Rule(*rule) for rule in rules))


_NUMBER = r"\d++(?:,\d{3})*+(?:\.\d++)?+(?:e[+-]?\d++)?+"
_UNIT = r"(?:[nu\u00b5\u03bcm]?s|secs?|(?:nano|micro|milli)?seconds?|mins?|minutes?|h|hrs?|hours?)(?!\w)"
_SPAN = rf"{_NUMBER} ?{_UNIT}(?:,? (?:and )?{_NUMBER} ?{_UNIT}){{0,3}}+"
_WORK = "computation|computing|cpu|execution|fit|fitting|inference|prediction|processing|run|running|train|training|wall"
_CONTEXT = (
    r"\b(?=[cdefiprtwCDEFIPRTW])(?:[Ee]lapsed(?: time)?+|[Tt]ime (?:elapsed|spent|taken)|[Tt]ook|[Tt]otal time(?==)|[Rr]untime"
    rf"|(?i:{_WORK})[ _-]?[Tt]ime|(?:[Cc]ompleted|[Dd]one|[Ee]xecuted|[Ff]inished|[Ff]itted|[Rr]an|[Tt]rained) in)\b"
)
_BETWEEN = r"[ \t]*+(?:(?:is|was) )?+(?:(?:about|approximately) )?+[:=~\u2248]?+[ \t]*+"
_BEFORE_SPAN = rf"{_BETWEEN}(?={_SPAN})"
_BEFORE_NUMBER = rf" ?[(\[]{_UNIT}[)\]]{_BETWEEN}(?={_NUMBER})"
_LOOPS = r"(?: \(mean ± std\. dev\. of [\d,]++ runs?, [\d,]++ loops? each\))?+"
_CLOCK = r"(?:\d++:)?\d\d:\d\d"
_RATE = r"(?:\?|[\d.]++)[a-zA-Z\u00b5]{1,12}/[a-zA-Z]{1,12}"

_ANSI = "ansi"
_FOLDER = "run folder"
_NAMED = "named timings"
_TIMES = "dates and times"
_TIMING = "<timing>"
_PROGRESS = "<progress>"

MASKS: Mapping[str, Mask] = {
    _ANSI: _mask(
        (r"\x1b(?:\[[0-?]*+[ -/]*+[@-~]|\][^\x07\x1b]*+(?:\x07|\x1b\\)|[@-Z\\^_])", "", "\x1b"),
    ),
    _FOLDER: _mask((r"(?<=\.nbrepro/runs/)\d{8}T\d{6}\.\d{6}-[0-9a-f]{6}", "<run>", ".nbrepro/runs/")),
    "progress bars": _mask(
        (rf"(?<![\d:]){_CLOCK}<(?:{_CLOCK}|\?)(?:, *+{_RATE})?+", _PROGRESS, "<"),
        (rf"(?<=[a-z] \[){_CLOCK}, *+{_RATE}", _PROGRESS, " ["),
        (rf"(?<![\w.]){_NUMBER} ?[kKMGT]?i?B/s eta [\d:-]++", _PROGRESS, "B/s eta "),
    ),
    "timings": _mask(
        (
            rf"(?<![\w.]){_SPAN} ± {_SPAN} per loop{_LOOPS}",
            f"{_TIMING} per loop",
            " per loop",
        ),
        (
            rf"(?<![\w.,])[\d,]++ loops?, best of \d++: {_SPAN} per loop",
            f"{_TIMING} per loop",
            " per loop",
        ),
        (
            r"^The slowest run took [\d.]++ times longer than the fastest\.[^\n]*+\n?",
            "",
            "The slowest run took",
        ),
        (r"CPU times: user [^\n]*+", f"CPU times: {_TIMING}", "CPU times: user "),
        (rf"Wall time: {_SPAN}", f"Wall time: {_TIMING}", "Wall time: "),
        (rf"^(?:Compiler|Parser) *+: {_SPAN}\n?", "", " : "),
        (rf"({_CONTEXT}(?:{_BEFORE_SPAN}|{_BEFORE_NUMBER}))(?:{_SPAN}|{_NUMBER})", rf"\1{_TIMING}", ""),
        (
            rf"(?<![\w.])(?:\d++s )?+{_NUMBER} ?[num\u00b5\u03bc]?s/(?:step|sample|epoch|batch)\b",
            _TIMING,
            "s/",
        ),
        (r"(?<![\w.])(\d++/\d++ - )\d++s(?= - )", rf"\1{_TIMING}", "s - "),
        (r"\bETA: [\d:]++s?\b", f"ETA: {_TIMING}", "ETA: "),
    ),
    _NAMED: Mask(()),  # see `timings.hide`
    "uuids": _mask(
        (
            r"(?<![\w-])[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}(?![\w-])",
            "<uuid>",
            "-",
        ),
    ),
    "widget ids": _mask(
        (r"\bIPY_MODEL_[0-9a-f]{32}\b", "IPY_MODEL_<id>", "IPY_MODEL_"),
        (r"(\bmodel_id[\"']? ?[:=] ?[\"']?)[0-9a-f]{32}\b", r"\1<id>", "model_id"),
    ),
    "addresses": _mask(
        (r"\bat 0x[0-9a-fA-F]{4,16}\b", "at <address>", "at 0x"),
        (r"\b0x(?:7[ef]|5[56]|ff|aa)[0-9a-f]{10}\b", "<address>", "0x"),
    ),
    "process ids": _mask(
        (r"\bipykernel_\d++/\d++\.py\b", "ipykernel_<pid>/<cell>.py", "ipykernel_"),
        (r"\bpid=\d++(?: parent=\d++)?+", "pid=<pid>", "pid="),
        (r"\b(PID[:=]? ?|[Pp]rocess (?:id|ID):? ?)\d++\b", r"\1<pid>", ""),
    ),
    _TIMES: Mask((Rule(moments.MOMENT, "<time>"),)),
}
"""The masks by name, in the order in which they are applied."""

ALL = Masking()
"""None is off, and there are no others."""


def mask(
    text: str,
    *,
    folders: Sequence[str] = (),
    days: Collection[date] | None = None,
    masking: Masking = ALL,
) -> tuple[str, dict[str, int]]:
    """Return `text` without what means nothing, and how often each mask hid something.

    Args:
        text: what a cell printed, or the lines of a log.
        folders: absolute paths that differ from run to run, such as that of the run's folder; they become
            ``<run folder>``, also where they are quoted as in URLs. A path of fewer than two names is left.
        days: the days of the run. Other dates are results then, and stay. None hides every date.
        masking: which masks are off, and which there are besides; the latter see the text without terminal
            codes, before all others.
    """
    hits: dict[str, int] = {}
    if not text and not masking.own:
        return text, hits
    for name, rules in _chosen(tuple(folders), masking):
        if name == _NAMED:
            text, count = timings.hide(text)
            hits |= {name: count} if count else {}
        for rule in rules:
            if rule.needle not in text:
                continue
            if name == _TIMES and days is not None:
                text, count = moments.hide(text, rule.replacement, days)
            else:
                text, count = rule.pattern.subn(rule.replacement, text)
            if count:
                hits[name] = hits.get(name, 0) + count
    return text, hits


def told(hits: Mapping[str, int]) -> str:
    """Return in words what masks hid: ``masked: addresses 1, timings 2``; nothing where that is nothing."""
    counts = ", ".join(f"{name} {count:,}" for name, count in sorted(hits.items()) if count)
    return f"masked: {counts}" if counts else ""


@functools.lru_cache(maxsize=64)
def _chosen(folders: tuple[str, ...], masking: Masking) -> tuple[tuple[str, tuple[Rule, ...]], ...]:
    """Return the names and rules of the masks to apply, in their order."""
    first = {name: one.rules for name, one in MASKS.items() if name == _ANSI}
    rest = {name: one.rules for name, one in MASKS.items() if name != _ANSI}
    rest[_FOLDER] = (*_folder_rules(folders), *rest[_FOLDER])
    own = {one.name: (_own_rule(one),) for one in masking.own}
    return tuple((name, rules) for name, rules in {**first, **own, **rest}.items() if name not in masking.off)


def _own_rule(one: OwnMask) -> Rule:
    return Rule(one.regex, one.replace)


def _folder_rules(folders: tuple[str, ...]) -> tuple[Rule, ...]:
    """Return the rule for these folders, longest first so that one inside another is found whole."""
    forms = {
        form for folder in folders if len(PurePath(folder).parts) > 2 for form in (folder, quote(folder))
    }
    if not forms:
        return ()
    longest = sorted((form.rstrip("/") for form in forms), key=lambda form: (-len(form), form))
    pattern = rf"(?<![\w.-])(?:{'|'.join(map(re.escape, longest))})(?![\w-]|\.\w)"
    return (Rule(pattern, "<run folder>"),)


# ---------------------------------------------------------------------------------------------------
# Terminals

_PIECE = re.compile(r"\r|\x08++|\x1b\[[0-?]*+[ -/]*+[@-~]|[^\r\x08\x1b]++|\x1b")
_ERASE = {"\x1b[K": False, "\x1b[0K": False, "\x1b[2K": True}  # whether the whole line goes


def terminal_text(text: str) -> str:
    """Return what a terminal shows of `text`: carriage returns and backspaces move back, text overwrites.

    Codes that erase the rest of a line, or all of it, do so; other codes move with the letter that they
    stand before. A line that was overwritten loses its trailing blanks.
    """
    if "\r" not in text and "\b" not in text:
        return text
    lines = text.split("\n")
    return "\n".join(_shown(line) if "\r" in line or "\b" in line else line for line in lines)


def _shown(line: str) -> str:
    cells: list[str] = []
    at, codes = 0, ""
    for match in _PIECE.finditer(line):
        piece = match[0]
        if piece == "\r":
            at = 0
        elif piece[0] == "\b":
            at = max(0, at - len(piece))
        elif piece in _ERASE:
            del cells[0 if _ERASE[piece] else at :]
        elif piece[0] == "\x1b":
            codes += piece
        else:
            cells.extend(" " * (at - len(cells)))
            cells[at : at + len(piece)] = [codes + piece[0], *piece[1:]]
            at, codes = at + len(piece), ""
    return "".join(cells).rstrip(" ") + codes
