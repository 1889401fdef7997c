"""Timings that are known by their names: columns, keys and metrics such as ``mean_fit_time`` or ``elapsed``.

The list is short on purpose: a name that is as often one of data (``time``, ``duration``, ``lifetime``,
``time_to_event``, ``response_time``) is none of a timing, and whole numbers never are.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase

_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[0-9]+|[^\W\d_]+")
_SECOND = "s sec secs second seconds ms msec millis millisecond milliseconds us usec µs μs microseconds ns nanoseconds"
_LONGER = "in min mins minute minutes h hr hrs hour hours"
_STATISTIC = "mean std stdev median avg average total sum min max var"
_WORK = (
    "fit fitting refit score scoring train training predict prediction inference exec execution compute "
    "computation computing solve solver epoch"
)
_SURE = frozenset(
    {
        "elapsed", "elapsed time", "time elapsed", "time taken", "time spent", "runtime", "run time",
        "walltime", "wall time", "wallclock", "wallclock time", "wall clock", "wall clock time", "cpu time", "cputime",
        *(f"{work} {time}" for work in _WORK.split() for time in ("time", "times", "duration")),
    }
)  # fmt: skip
_WITH_UNIT = frozenset(
    {"time", "duration", "timing", "took"}
)  # a timing where seconds, or parts of them, follow
_SECONDS, _STATISTICS = frozenset(_SECOND.split()), frozenset(_STATISTIC.split())
_BEHIND = _SECONDS | _STATISTICS | frozenset(_LONGER.split())
_PUT = "<timing>"


@functools.lru_cache(maxsize=4096)
def is_timing(name: str) -> bool:
    """Tell whether the name of a column, key or metric says that it holds timings.

    Its words are those of work and time, of statistics and of units: ``mean_fit_time``, ``WallTime (s)``,
    ``elapsed``, ``duration_s``.
    """
    return _core(name, _SURE | _WITH_UNIT)


def _core(name: str, known: frozenset[str]) -> bool:
    """Tell whether a name without statistics and units is one of `known`; some of these need a unit."""
    words = [word.lower() for word in _WORD.findall(name)]
    while words and words[0] in _STATISTICS:
        del words[0]
    unit = False
    while len(words) > 1 and words[-1] in _BEHIND:
        unit |= words.pop() in _SECONDS
    core = " ".join(words)
    return core in known and (unit or core not in _WITH_UNIT)


def named(name: str, patterns: Iterable[str]) -> bool:
    """Tell whether one of the patterns means a name, and not just everything."""
    return any(pattern.strip("*?") and fnmatchcase(name, pattern) for pattern in patterns)


# ---------------------------------------------------------------------------------------------------
# In text

_MAYBE = re.compile(r"(?i:time|elapsed|wall|duration|took|timing)")
_NUMBER = r"(?:\d++\.\d*+(?:e[+-]?\d++)?+|\d++e[+-]?\d++)(?![\w.])"
_SEVERAL = r"\[(?=[^\].\n]*+\.)[\d\s.,e+-]++\]"
_VALUE = rf"(?:{_NUMBER}|np\.float\d\d\({_NUMBER}\)|array\({_SEVERAL}\)|{_SEVERAL})"
_QUOTED = re.compile(rf"""(?P<lead>(?P<quote>['"])(?P<name>[A-Za-z][^'"\n]{{0,60}})(?P=quote): ?){_VALUE}""")
_ASSIGNED = re.compile(
    rf"(?P<lead>(?<![\w'\"])(?P<name>[A-Za-z]\w*+(?:[ -][A-Za-z]\w*+){{0,3}}) ?[:=] ?){_VALUE}"
)
_LINE = re.compile(rf"(?P<lead>^(?P<name>[A-Za-z]\w*+(?: [A-Za-z]\w*+)*+)[ \t]{{2,}}){_VALUE}$", re.MULTILINE)
_CELL = re.compile(r"[^\s|│┆]+(?: [^\s|│┆]+)*")
_DECIMAL = re.compile(rf"{_NUMBER}|nan|NaN|null|None")
_BETWEEN = (
    4  # lines that may stand between the head of a table and its first row: drawn lines, types, the index
)
_RUN = re.compile(r" ( )+|([─═=-])\2{2,}")


def hide(text: str) -> tuple[str, int]:
    """Replace the numbers with decimals that names of timings stand before, or above in a table.

    In running text fewer names count than in a table: a unit alone makes no timing of a time.

    Returns:
        The text and the number of replacements. Of a table in which something was replaced, blanks are cut
        to one and drawn lines to two characters, since they depended on it.
    """
    if not _MAYBE.search(text):
        return text, 0
    hits = 0

    def put(match: re.Match[str]) -> str:
        nonlocal hits
        if not _ends_in_timing(match["name"]):
            return match[0]
        hits += 1
        return match["lead"] + _PUT

    for pattern in (_QUOTED, _ASSIGNED, _LINE):
        text = pattern.sub(put, text)
    text, count = _tables(text)
    return text, hits + count


def _ends_in_timing(name: str) -> bool:
    """Tell whether the last words of some text are the name of a timing."""
    words = re.split(r"[ -]", name)
    return any(_core(" ".join(words[start:]), _SURE) for start in range(len(words)))


def _tables(text: str) -> tuple[str, int]:
    lines, hits, at = text.split("\n"), 0, 0
    while at < len(lines):
        columns = list(_timed_columns(lines[at]))
        below = _rows(lines, at, columns) if columns else {}
        if any(below.values()):
            last = max(below)
            drawn = [row for row in (at - 1, last + 1) if 0 <= row < len(lines) and _is_drawn(lines[row])]
            for row in (*range(at, last + 1), *drawn):
                spans = below.get(row, [])
                hits += len(spans)
                lines[row] = _RUN.sub(r"\1\2\2", _replaced(lines[row], spans)).strip(" ")
            at = last
        at += 1
    return "\n".join(lines), hits


def _timed_columns(line: str) -> Iterator[tuple[int, int]]:
    """Yield the places of names of timings in a line that may be the head of a table."""
    if not _MAYBE.search(line) or re.search(r"\d\.\d|[:=,;<](?: |$)", line):
        return
    for match in _CELL.finditer(line):
        if is_timing(match[0]):
            yield match.span()


def _rows(lines: list[str], head: int, columns: list[tuple[int, int]]) -> dict[int, list[tuple[int, int]]]:
    """Return the rows below the head of a table, and where in each of them timings stand.

    Every row has as many cells as the head or more, and below each name a number with decimals, or none at all.
    """
    least, found = len(_CELL.findall(lines[head])), dict[int, list[tuple[int, int]]]()
    for row in range(head + 1, len(lines)):
        line = lines[row]
        if _PUT in line:
            return {}  # this has been done already
        cells = [match.span() for match in _CELL.finditer(line)]
        spans = [cell for cell in cells for column in columns if cell[0] < column[1] and cell[1] > column[0]]
        numbers = len(cells) >= least and len(spans) == len(columns)
        if numbers and all(_DECIMAL.fullmatch(line[slice(*span)]) for span in spans):
            found[row] = [span for span in spans if line[span[0]].isdigit()]
        elif found or row - head > _BETWEEN or any(line[start].isdigit() for start, _ in cells):
            break
    return found


def _is_drawn(line: str) -> bool:
    """Tell whether a line has no word, as those around a table."""
    return bool(line.strip()) and not any(letter.isalnum() for letter in line)


def _replaced(line: str, spans: list[tuple[int, int]]) -> str:
    for start, end in reversed(spans):
        line = line[:start] + _PUT + line[end:]
    return line
