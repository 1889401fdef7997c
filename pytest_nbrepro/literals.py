"""Python literals as the values of flags: read from source, written back exactly."""

from __future__ import annotations

import ast
import math
import warnings
from collections.abc import Mapping
from typing import Any

from pytest_nbrepro.model import FlagValue

_SCALARS = (type(None), bool, int, float, complex, str)
_UNREADABLE = (SyntaxError, ValueError, TypeError, MemoryError, RecursionError)


def parse_python(source: str) -> ast.Module | None:
    """Return the syntax tree of `source`, None where Python cannot parse it; never warns."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a "\d" in a notebook is not this session's warning
        try:
            return ast.parse(source)
        except _UNREADABLE:
            return None


def value_of(node: ast.expr) -> FlagValue:
    """Return the value of a literal.

    Raises:
        ValueError: `node` is no literal that a flag may have.
    """
    try:
        value = ast.literal_eval(node)
        if _holds(value):
            return value
    except _UNREADABLE as error:
        raise ValueError("not a literal") from error
    raise ValueError("not a literal of a flag's type")


def read(text: str) -> FlagValue:
    """Return the value of the literal that is the whole of `text`.

    Raises:
        ValueError: `text` is no literal that a flag may have.
    """
    tree = parse_python(text.strip())
    if tree and len(tree.body) == 1 and isinstance(tree.body[0], ast.Expr):
        return value_of(tree.body[0].value)
    raise ValueError("not a literal")


def write(value: FlagValue) -> str:
    """Return a literal whose value is `value`, to the sign of a zero.

    Raises:
        ValueError: no literal has that value, such as NaN.
    """
    if isinstance(value, float):
        return _write_float(value)
    if isinstance(value, complex):
        return _write_complex(value)
    if isinstance(value, list):
        return f"[{', '.join(map(write, value))}]"
    if isinstance(value, tuple):
        return f"({', '.join(map(write, value))}{',' if len(value) == 1 else ''})"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{write(key)}: {write(item)}' for key, item in value.items())}}}"
    return repr(value)


def _write_float(value: float) -> str:
    if math.isnan(value):
        raise ValueError("no literal is NaN")
    if math.isinf(value):
        return "1e999" if value > 0 else "-1e999"  # the literal that overflows to it
    return repr(value)


def _write_complex(value: complex) -> str:
    """Choose the notation that keeps the signs of zeros; which one does depends on Python's version."""
    real, imaginary = _write_float(value.real), _write_float(value.imag)
    sign = "" if imaginary.startswith("-") else "+"
    for text in (f"{imaginary}j", f"({real}{sign}{imaginary}j)"):
        if same(ast.literal_eval(text), value):
            return text
    raise ValueError(f"no literal is {value!r} to the sign of its zeros")


def same(one: FlagValue, other: FlagValue) -> bool:
    """Tell whether two values are equal in type, value, sign of zeros and order of keys, all through."""
    if type(one) is not type(other):
        return False
    if isinstance(one, float):
        return one == other and math.copysign(1, one) == math.copysign(1, other)
    if isinstance(one, complex):
        return same(one.real, other.real) and same(one.imag, other.imag)
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        return same(list(one.items()), list(other.items()))
    return bool(one == other)


def plain(value: Any) -> FlagValue:
    """Return `value` in the built-in types that literals have; a NumPy scalar is the number it holds.

    Raises:
        TypeError: it is, or holds, something else.
    """
    if type(value) in _SCALARS:
        return value
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, (int, float)):
        return int(value) if isinstance(value, int) else float(value)
    if isinstance(value, complex):
        return complex(value)
    if isinstance(value, (list, tuple)):
        items = [plain(item) for item in value]
        return items if isinstance(value, list) else tuple(items)
    if isinstance(value, Mapping):
        return {plain(key): plain(item) for key, item in value.items()}
    if type(value).__module__ == "numpy" and getattr(value, "shape", None) == ():
        held = value.item()
        if type(held) in _SCALARS:
            return held
    raise TypeError(f"a flag cannot be of type {type(value).__name__}")


def _holds(value: Any) -> bool:
    """Tell whether a literal's value is one for a flag: no bytes, set, `...` or endless number."""
    if isinstance(value, (list, tuple)):
        return all(map(_holds, value))
    if isinstance(value, dict):
        return all(_holds(key) and _holds(item) for key, item in value.items())
    if isinstance(value, int):
        return bool(repr(value))  # raises ValueError where Python refuses to write it in decimals
    return isinstance(value, _SCALARS)
