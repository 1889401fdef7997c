"""Reading single values of an annotation; what does not fit is named in words."""

from __future__ import annotations

import ast
import math
import re
import warnings
from collections.abc import Callable, Mapping
from typing import Any

from pytest_nbrepro.errors import nearest
from pytest_nbrepro.model import FEWEST_NEW_RUNS, FEWEST_RUNS

_SHOWN = 40
_DEPTH = 100
_UNITS = {"B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
_UNITS |= {"KB": 10**3, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}
_SECONDS = {"s": 1, "m": 60, "h": 3600}
_AMOUNT = re.compile(r"(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>[A-Za-z%]+)")


class Wrong(ValueError):  # noqa: N818 - it says what is wrong with a value, and never reaches a person as such
    """A value that does not fit; the message goes on from the name of its key."""

    def __init__(self, what: str, hint: str | None = None) -> None:
        super().__init__(what)
        self.hint = hint


def described(value: Any) -> str:
    """Return what a value is, in words: ``the text '1e-3x'``, ``a list``, ``empty``."""
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return f"the number {_number_text(value)}"
    if isinstance(value, str):
        return f"the text {value if len(value) <= _SHOWN else value[: _SHOWN - 1] + '…'!r}"
    if isinstance(value, (list, tuple)):
        return "a list"
    return "a mapping" if isinstance(value, Mapping) else f"a {type(value).__name__}"


def _number_text(value: float) -> str:
    too_long = isinstance(value, int) and value.bit_length() > 128
    return "of many digits" if too_long else str(value)


# ---------------------------------------------------------------------------------------------------
# Numbers


def number(value: Any) -> float:
    """Return a finite number as a float."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise Wrong(f"must be a number, is {described(value)}", _unquoted(value))
    try:
        converted = float(value)
    except OverflowError:
        converted = math.inf
    if not math.isfinite(converted):
        raise Wrong(f"must be a finite number, is {described(value)}")
    return converted


def _unquoted(value: Any) -> str | None:
    """Return the hint for a number that is written as a text."""
    try:
        fits = isinstance(value, str) and math.isfinite(float(value))
    except ValueError:
        fits = False
    return "write it without quotes" if fits else None


def tolerance(value: Any) -> float:
    """Return a finite number that is not negative."""
    converted = number(value)
    if converted < 0:
        raise Wrong(f"must not be negative, is {value}")
    return converted


def allowance(value: Any) -> float:
    """Return a finite number above 0."""
    converted = number(value)
    if converted <= 0:
        raise Wrong(f"must be more than 0, is {value}")
    return converted


def truth(value: Any) -> bool:
    """Return true or false."""
    if not isinstance(value, bool):
        raise Wrong(f"must be true or false, is {described(value)}", meant(value, "true", "false"))
    return value


def whole(minimum: int = 0, below: int | None = None) -> Callable[[Any], int]:
    """Return the reader of whole numbers from `minimum` on, and less than `below`."""

    def read(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise Wrong(f"must be a whole number, is {described(value)}", _unquoted(value))
        if value < minimum or (below is not None and value >= below):
            end = "" if below is None else f" and less than {below}"
            raise Wrong(f"must be at least {minimum}{end}, is {_number_text(value)}")
        return value

    return read


def runs(value: Any) -> int:
    """Return 1, or a number of runs from which chance can be told."""
    number = whole(1, 1001)(value)
    if 1 < number < FEWEST_RUNS:
        width = {2: 780, 3: 36, 4: 14}[number]
        raise Wrong(
            f"must be 1, or at least {FEWEST_RUNS}, is {number}: "
            f"the interval would be {width} standard deviations wide to each side, k would be {width} at n = {number}"
        )
    return number


def new_runs(value: Any) -> int:
    """Return 1, or a number of runs whose spread can be told."""
    number = whole(1, 1001)(value)
    if 1 < number < FEWEST_NEW_RUNS:
        raise Wrong(
            f"must be 1, or at least {FEWEST_NEW_RUNS}, is {number}: two runs hardly tell how much they vary"
        )
    return number


def share(value: Any) -> float:
    """Return a share from 0 to 1, written as such or in per cent: ``0.02``, ``2%``."""
    match = _AMOUNT.fullmatch(value.strip()) if isinstance(value, str) else None
    if match and match["unit"] == "%":
        part = float(match["number"]) / 100
    else:
        try:
            part = number(value)
        except Wrong as wrong:
            raise Wrong(f"must be a share such as 2% or 0.02, is {described(value)}", wrong.hint) from wrong
    if not 0 <= part <= 1:
        hint = f"did you mean {value}%?" if match is None and 1 < part <= 100 else None
        raise Wrong(f"must be from 0 to 1, or from 0% to 100%, is {value}", hint)
    return part


def seconds(value: Any) -> float:
    """Return a time in seconds: a number of them, or a text such as ``90s``, ``10m``, ``2h``."""
    match = _AMOUNT.fullmatch(value.strip()) if isinstance(value, str) else None
    if match and match["unit"] in _SECONDS:
        time = float(match["number"]) * _SECONDS[match["unit"]]
    else:
        try:
            time = number(value)
        except Wrong as wrong:
            what = f"must be seconds, or a time such as 90s, 10m or 2h, is {described(value)}"
            raise Wrong(what, wrong.hint) from wrong
    if not 0 < time < math.inf:
        raise Wrong(f"must be longer than 0 seconds and finite, is {value}")
    return time


def size(value: Any) -> int:
    """Return a number of bytes: a whole number, or a text such as ``512MB`` or ``8GiB``."""
    match = _AMOUNT.fullmatch(value.strip()) if isinstance(value, str) else None
    if match and match["unit"] in _UNITS:
        amount = float(match["number"]) * _UNITS[match["unit"]]
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        amount = number(value)
    else:
        what = f"must be bytes, or a size such as 512MB or 8GiB, is {described(value)}"
        raise Wrong(what, _unit_hint(match) if match else _unquoted(value))
    if not 1 <= amount < 2**63:
        raise Wrong(f"must be at least one byte and less than 2**63, is {value}")
    return round(amount)


def _unit_hint(match: re.Match[str]) -> str | None:
    """Return the hint for a unit in the wrong case."""
    units = (unit for unit in _UNITS if unit.casefold() == match["unit"].casefold())
    return next((f"write {match['number']}{unit}" for unit in units), None)


# ---------------------------------------------------------------------------------------------------
# Texts


def text(value: Any) -> str:
    """Return a text that is not empty."""
    if not isinstance(value, str):
        hint = "write it in quotes" if isinstance(value, (bool, int, float)) else None
        raise Wrong(f"must be a text, is {described(value)}", hint)
    if not value.strip():
        raise Wrong("must not be empty")
    return value


def meant(value: Any, *words: str) -> str | None:
    """Return the hint for a misspelt word, None for what is like none of `words`."""
    hint = nearest(value, words) if isinstance(value, str) else None
    return hint if hint and hint.startswith("did you mean") else None


def choice(*words: str) -> Callable[[Any], str]:
    """Return the reader of one of these words."""

    def read(value: Any) -> str:
        if value in words:
            return str(value)
        raise Wrong(f"must be {' or '.join(words)}, is {described(value)}", meant(value, *words))

    return read


def reason(value: Any) -> str:
    """Return a text that says why; `true` alone does not."""
    if isinstance(value, bool):
        raise Wrong(f"must be a text that says why, is {described(value)}")
    return text(value)


def mark(value: Any) -> str:
    """Return the name of a pytest mark."""
    name = text(value)
    if not name.isidentifier():
        raise Wrong(f"must be a name of letters, digits and underscores, is {described(value)}")
    return name


def expression(value: Any) -> str:
    """Return a text that is one Python expression, without the space around it."""
    source = text(value).strip()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the expression: the kernel tells them
            ast.parse(source, mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        why = error.msg if isinstance(error, SyntaxError) else str(error)
        raise Wrong(f"must be a Python expression, is {described(value)}: {why}") from error
    return source


def regex(value: Any) -> str:
    """Return a regular expression that matches no empty text."""
    pattern = text(value)
    try:
        empty = re.compile(pattern, re.MULTILINE).search("") is not None
    except (re.error, RecursionError, OverflowError) as error:
        raise Wrong(f"must be a regular expression, is {described(value)}: {error}") from error
    if empty:
        raise Wrong(f"must not match the empty text, {described(value)} does")
    return pattern


def replacement(value: Any) -> str:
    """Return what stands in place of a match: any text, also an empty one."""
    if not isinstance(value, str):
        raise Wrong(f"must be a text, is {described(value)}", "write it in quotes")
    return value


def variable(value: Any) -> str:
    """Return the value of an environment variable: a text, or a whole number as one."""
    if isinstance(value, (bool, float)):
        raise Wrong(f"must be a text, is {described(value)}", "write it in quotes")
    found = str(value) if isinstance(value, int) else value
    if not isinstance(found, str):
        raise Wrong(f"must be a text or a whole number, is {described(value)}")
    if "\0" in found:
        raise Wrong("must not have a NUL character in it")
    return found


def variable_name(value: Any) -> str:
    """Return the name of an environment variable."""
    name = text(value)
    if "=" in name or "\0" in name:
        raise Wrong("must not have '=' or NUL in it, as the name of a variable")
    return name


def case_name(value: Any) -> str:
    """Return the name of a case: printable, as it becomes a part of a node id."""
    name = text(value)
    if not name.isprintable() or "::" in name or name != name.strip():
        what = "must not have '::', control characters or space around it, as the name of a case"
        raise Wrong(what)
    return name


def flag_value(value: Any) -> Any:
    """Return a flag's value: null, a boolean, number or text, or a list or mapping of these."""
    return _flag_value(value, _DEPTH)


def _flag_value(value: Any, depth: int) -> Any:
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if depth == 0:
        raise Wrong(f"must not be nested more than {_DEPTH} times")
    if isinstance(value, list):
        return [_flag_value(item, depth - 1) for item in value]
    if isinstance(value, dict):
        return {key: _flag_value(item, depth - 1) for key, item in value.items()}
    what = f"must be a number, text, boolean, null, list or mapping, is {described(value)}"
    raise Wrong(what, "write it in quotes")
