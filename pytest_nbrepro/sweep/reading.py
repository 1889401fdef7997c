"""What a person types for a search: ranges, lists, functions, files.

==================  ==========================================================================
``x=[-2.0:2.0]``    any number between, ``x=[1:9]`` of a whole-number flag any whole number
``x=[-1, 0, 1]``    each of these, where the flag is no list itself
``grid(a, b)``      each of these, also lists
``choice(a, b)``    one of these
``uniform(a, b)``   as ``[a:b]``; ``loguniform(a, b)`` evenly by the logarithm
``linspace(a, b, n)``  n numbers from a to b, each; ``logspace(a, b, n)`` evenly by the logarithm
``@file``           rows of a CSV, YAML or JSON file, each a run
==================  ==========================================================================
"""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Callable, Sequence

from pytest_nbrepro import flags, literals
from pytest_nbrepro.errors import FlagError
from pytest_nbrepro.flags import Flag
from pytest_nbrepro.model import FlagValue
from pytest_nbrepro.sweep.space import Choice, Domain, Range

_RANGE = re.compile(r"\[\s*([^\[\]:,]+?)\s*:\s*([^\[\]:,]+?)\s*\]")
_MOST = 10_000  # values of one flag
_LISTS = {"list", "tuple"}


def domain(name: str, text: str, flag: Flag | None) -> Domain | None:
    """Return what a text searches; None where it is one value.

    Args:
        name: the flag's.
        text: what stands behind ``=``.
        flag: the flag, None where the notebook has none of that name.

    Raises:
        FlagError: it looks like a search, and cannot be one.
    """
    types = set(flag.types) if flag is not None else set()
    where = f"flag {name}"
    if found := _RANGE.fullmatch(text.strip()):
        return None if types and types <= {"str"} else _range(found.groups(), flag, where, log=False)
    call = _call(text)
    if call is not None:
        function, arguments = call
        if types and types <= {"str"} and function not in {"grid", "choice"}:
            return None
        return _FUNCTIONS[function](arguments, flag, where)
    values = _listed(text)
    if values is None or (types & _LISTS) or (types and types <= {"str"}):
        return None
    return _choice(values, flag, where, grid=True)


def _call(text: str) -> tuple[str, Sequence[FlagValue]] | None:
    """Return a function of ours that a text calls, and its arguments."""
    match = re.match(r"\s*(\w+)\s*\(", text)
    if match is None or match[1] not in _FUNCTIONS:
        return None
    try:
        node = ast.parse(text.strip(), mode="eval").body
        if not isinstance(node, ast.Call) or node.keywords:
            raise ValueError("not a call with values alone")  # noqa: TRY301 - one kind for all faults
        return match[1], [literals.value_of(argument) for argument in node.args]
    except (SyntaxError, ValueError) as error:
        hint = f"write {match[1]}(1, 2); text in quotes"
        raise FlagError(f"{text!r} cannot be read: {error}", hint=hint) from error


def _listed(text: str) -> Sequence[FlagValue] | None:
    if not text.strip().startswith("["):
        return None
    try:
        value = literals.read(text)
    except ValueError:
        return None
    return value if isinstance(value, list) else None


def _choice(values: Sequence[FlagValue], flag: Flag | None, where: str, *, grid: bool) -> Choice:
    if not values or len(values) > _MOST:
        raise FlagError(f"a search takes 1 to {_MOST:,} values, not {len(values):,}", where=where)
    kept: list[FlagValue] = []
    for value in values:
        converted = value if flag is None else flags.convert(flag, value)
        if not any(literals.same(converted, one) for one in kept):
            kept.append(converted)
    return Choice(tuple(kept), grid)


def _range(ends: Sequence[object], flag: Flag | None, where: str, *, log: bool) -> Range:
    try:
        low, high = (float(str(end)) for end in ends)
    except ValueError as error:
        raise FlagError("a range has two numbers as its ends", where=where) from error
    types = set(flag.types) if flag is not None else set()
    if types and not types & {"int", "float"}:
        raise FlagError(f"a range is of numbers: the flag takes {' or '.join(flag.types)}", where=where)  # type: ignore[union-attr]
    whole = "float" not in types and "int" in types
    if not (math.isfinite(low) and math.isfinite(high) and low <= high):
        raise FlagError(f"a range goes from a smaller to a larger number: {low:g} to {high:g}", where=where)
    if log and low <= 0:
        raise FlagError(f"a range of logarithms begins above 0, not at {low:g}", where=where)
    if whole and (low != int(low) or high != int(high)):
        raise FlagError("the flag takes whole numbers, and so do the ends of its range", where=where)
    return Range(low, high, whole, log)


def _two(log: bool) -> Callable[..., Domain]:
    def make(arguments: Sequence[FlagValue], flag: Flag | None, where: str) -> Domain:
        if len(arguments) != 2:
            raise FlagError(
                f"it takes a lowest and a highest number, not {len(arguments)} values", where=where
            )
        return _range(arguments, flag, where, log=log)

    return make


def _spaced(log: bool) -> Callable[..., Domain]:
    def make(arguments: Sequence[FlagValue], flag: Flag | None, where: str) -> Domain:
        count = arguments[2] if len(arguments) == 3 else None
        if not isinstance(count, int) or not 2 <= count <= _MOST:
            raise FlagError("it takes a lowest and a highest number, and how many", where=where)
        span = _range(arguments[:2], flag, where, log=log)
        steps = [span.at(number / (count - 1)) for number in range(count)]
        return _choice([span.low if not span.whole else int(span.low), *steps[1:]], flag, where, grid=True)

    return make


def _several(grid: bool) -> Callable[..., Domain]:
    def make(arguments: Sequence[FlagValue], flag: Flag | None, where: str) -> Domain:
        return _choice(arguments, flag, where, grid=grid)

    return make


_FUNCTIONS: dict[str, Callable[..., Domain]] = {
    "uniform": _two(log=False),
    "loguniform": _two(log=True),
    "linspace": _spaced(log=False),
    "logspace": _spaced(log=True),
    "grid": _several(grid=True),
    "choice": _several(grid=False),
}
