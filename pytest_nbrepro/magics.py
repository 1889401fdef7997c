"""Masking IPython's own syntax, so that Python's parser reads the rest of a cell where it stands.

The rules are those of IPython's input transformer: https://ipython.readthedocs.io, "IPython reference" and
"Custom input transformation".
"""

from __future__ import annotations

import re

_PYTHON_MAGICS = frozenset({"capture", "prun", "time"})
"""Cell magics whose body is Python that runs at module level; `%%timeit` runs its body in a function."""

_NEWLINE = re.compile(r"\r\n|\r|\n")
_CELL_MAGIC = re.compile(r"(?:[ \t\f]*+(?:\r\n|\r|\n))*+%%(?P<name>\S*+)[^\r\n]*+(?:\r\n|\r|\n|\Z)")
_ESCAPE = re.compile(r"[ \t\f]*+[%!?,;/]")
_CONTINUED = re.compile(r"(?:[^\r\n]*+(?<=\\)(?:\r\n|\r|\n))*+[^\r\n]*+")
_TOKEN = re.compile(
    r"""
      (?P<skip>     [ \t\f]++ | \#[^\r\n]*+ | \\(?:\r\n|\r|\n) )
    | (?P<newline>  \r\n | \r | \n )
    | (?P<string>   \"{3}(?:[^\\"]++|\\.|\"(?!""))*+(?:\"{3})?
                  | '{3}(?:[^\\']++|\\.|'(?!''))*+(?:'{3})?
                  | "(?:[^\\"\r\n]++|\\(?:\r\n|.))*+"?
                  | '(?:[^\\'\r\n]++|\\(?:\r\n|.))*+'? )
    | (?P<open>     [(\[{] )
    | (?P<close>    [)\]}] )
    | (?P<assign>   =(?=[ \t]*+[!%]) )
    | (?P<help>     \? )
    | (?P<other>    [^\s\#\\"'()\[\]{}=?]++ | . )
    """,
    re.VERBOSE | re.DOTALL,
)


def mask_magics(source: str) -> str | None:
    """Return `source` with every magic line replaced by ``pass`` or nothing, line for line.

    Masked are lines that begin with ``%``, ``!``, ``?``, ``,``, ``;`` or ``/``, lines that end with ``?``,
    assignments from a magic or a command, and the first line of cell magics whose body is Python at
    module level. All other lines stay as they are.

    Returns:
        Text that Python may parse, or None for a cell magic whose body is anything else.
    """
    start, lines = 0, ""
    while match := _CELL_MAGIC.match(source, start):
        if match["name"] not in _PYTHON_MAGICS:
            return None
        lines += _newlines(match[0])
        start = match.end()
    return lines + _mask_lines(source, start)


def _mask_lines(source: str, start: int) -> str:
    parts = []
    position = start
    while position < len(source):
        end, magic = _statement(source, position)
        parts.append(_masked(source[position:end]) if magic else source[position:end])
        position = end
    return "".join(parts)


def _statement(source: str, start: int) -> tuple[int, bool]:
    """Return the end of the logical line that begins at `start`, and whether it is a magic."""
    if _ESCAPE.match(source, start):
        return _past_newline(source, _end(_CONTINUED, source, start)), True
    depth, last, position = 0, "", start
    while match := _TOKEN.match(source, position):
        kind, position = str(match.lastgroup), match.end()
        if kind == "newline" and not depth:
            break
        if kind == "assign" and not depth:
            return _past_newline(source, _end(_CONTINUED, source, position)), True
        depth = max(0, depth + (kind == "open") - (kind == "close"))
        last = last if kind == "skip" and match[0][0] != "#" else kind
    return position, last == "help" and not depth


def _masked(line: str) -> str:
    indent = line[: len(line) - len(line.lstrip(" \t\f"))]
    return f"{indent}pass{_newlines(line)}"


def _newlines(text: str) -> str:
    return "".join(_NEWLINE.findall(text))


def _end(pattern: re.Pattern[str], source: str, start: int) -> int:
    match = pattern.match(source, start)
    return match.end() if match else start


def _past_newline(source: str, position: int) -> int:
    return _end(_NEWLINE, source, position)
