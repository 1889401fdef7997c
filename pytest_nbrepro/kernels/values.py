"""Inside the kernel: which values are numbers, and what they were born as.

Loaded by `child.py` from its own folder, by path, in any Python from 3.9 on: the standard library alone. The
libraries whose numbers these are need not be imported: their scalars tell by `dtype`, `shape` and `item`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_HALF = {"float16", "bfloat16"}
_BITS = 4096  # of an integer; Python prints no longer ones
_SHOWN = 40  # characters of a text


class NotANumberError(Exception):
    """A value that cannot be a metric; the message says what it is."""


def flattened(result: Any) -> dict[str, list[Any]]:
    """Return name -> [value, dtype]; the name of a bare number is empty, those of nested mappings are dotted.

    Raises:
        NotANumberError: there is anything but numbers.
    """
    values = {}
    for name, item in _leaves("", result):
        try:
            values[name] = list(number(item))
        except NotANumberError as error:
            raise NotANumberError(
                f"a mapping in which {name!r} is {error}" if name else str(error)
            ) from error
    return values


def _leaves(name: str, item: Any) -> Iterator[tuple[str, Any]]:
    if not isinstance(item, Mapping):
        yield name, item
        return
    if not item:
        raise NotANumberError("an empty mapping")
    seen = set()
    for key, inner in item.items():
        for inner_name, leaf in _leaves(f"{name}.{key}" if name else str(key), inner):
            if inner_name in seen:
                raise NotANumberError(f"a mapping with two values for {inner_name!r}")
            seen.add(inner_name)
            yield inner_name, leaf


def number(item: Any) -> tuple[Any, str]:
    """Return a number as Python's own, and the dtype it was born as.

    Raises:
        NotANumberError: it is none.
    """
    dtype = getattr(item, "dtype", None)
    if dtype is None:
        kinds = {bool: "bool", int: "int", float: "float64"}  # a bool is an int too
        kind: Any = next((kind for kind in kinds if isinstance(item, kind)), None)
        if kind is None:
            raise NotANumberError(described(item))
        return _counted(kind(item)), kinds[kind]
    name = (getattr(dtype, "name", None) or str(dtype)).rpartition(".")[2]
    if tuple(getattr(item, "shape", (0,))) != () or not hasattr(item, "item") or "time" in name:
        raise NotANumberError(described(item))
    plain = item.item()
    if isinstance(plain, bool) or type(plain) is int:
        return plain, type(plain).__name__
    if isinstance(plain, float):
        return plain, "float16" if name in _HALF else "float32" if name == "float32" else "float64"
    if "float" in name or name == "longdouble":  # wider than Python's own
        return float(plain), "float64"
    raise NotANumberError(described(item))


def _counted(plain: Any) -> Any:
    if isinstance(plain, int) and plain.bit_length() > _BITS:
        raise NotANumberError("an integer of thousands of digits")
    return plain


def described(item: Any) -> str:
    """Return what a person would call a value."""
    if item is None:
        return "nothing"
    if isinstance(item, str):
        return f"the text {item!r}" if len(item) <= _SHOWN else f"a text that starts {item[:_SHOWN]!r}"
    shape = getattr(item, "shape", None)
    name = type(item).__name__
    return f"a value of type {name}" if shape is None else f"a value of type {name} and shape {tuple(shape)}"
