"""What values a flag takes: by its annotation or its literal, given as objects or typed by a person."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pytest_nbrepro import literals
from pytest_nbrepro.errors import FlagError
from pytest_nbrepro.model import FlagValue

_ORDER = ("None", "int", "float", "complex", "bool", "list", "tuple", "dict", "str")
"""The order in which a flag of several types tries them on a typed text."""

_SEQUENCE = frozenset({"list", "tuple"})
_BY_NAME: dict[str, frozenset[str]] = {
    **{name: frozenset({name}) for name in _ORDER},
    "List": frozenset({"list"}),
    "Tuple": frozenset({"tuple"}),
    "Dict": frozenset({"dict"}),
    "Mapping": frozenset({"dict"}),
    **dict.fromkeys(("Collection", "Iterable", "Sequence"), _SEQUENCE),
    **dict.fromkeys(("Any", "object"), frozenset(_ORDER)),
}
_WIDER = {"int": ("float", "complex"), "float": ("complex",), "list": ("tuple",), "tuple": ("list",)}


@dataclass(frozen=True)
class Flag:
    """A settled flag: what the source says of it, and where its value stands.

    `types` names what it takes, in the order in which typed text is tried; empty for anything. `span` is
    the value's range in the bytes of the cell's source in UTF-8. Where `known` is False, the source has
    an expression instead of a literal, and `value` is None.
    """

    name: str
    value: FlagValue
    cell: int
    line: int  # from 1, in the cell
    span: tuple[int, int]
    types: tuple[str, ...] = ()
    known: bool = True


def types_of(annotation: ast.expr | None, value: FlagValue, *, known: bool) -> tuple[str, ...]:
    """Return the names of the types that a flag takes, empty for anything.

    The annotation decides, as far as it is made of built-in types; the literal's own type is always
    taken. A literal None, or no literal, without such an annotation takes anything.
    """
    named, complete = _named(annotation) if annotation else (frozenset[str](), False)
    own = _name(value) if known else "None"
    if own == "None" and not (complete and named - {"None"}):
        return ()
    fits = own in named or bool(named.intersection(_WIDER.get(own, ())))
    types = named if fits or not known else named | {own}
    return () if len(types) == len(_ORDER) else tuple(name for name in _ORDER if name in types)


def _named(node: ast.expr) -> tuple[frozenset[str], bool]:
    """Return the types that an annotation names, and whether those are all that it says."""
    match node:
        case ast.Constant(value=None):
            return frozenset({"None"}), True
        case ast.Constant(value=str(text)):
            tree = literals.parse_python(text)
            inner = tree.body[0] if tree and len(tree.body) == 1 else None
            return _named(inner.value) if isinstance(inner, ast.Expr) else (frozenset(), False)
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return _BY_NAME.get(name, frozenset()), name in _BY_NAME
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return _union([left, right])
        case ast.Subscript(value=ast.Name(id=name) | ast.Attribute(attr=name), slice=inner):
            return _subscripted(name, inner.elts if isinstance(inner, ast.Tuple) else [inner])
        case _:
            return frozenset(), False


def _subscripted(name: str, inner: list[ast.expr]) -> tuple[frozenset[str], bool]:
    if name == "Optional":
        return _union([*inner, ast.Constant(None)])
    if name == "Union":
        return _union(inner)
    if name in {"Annotated", "Final"}:
        return _union(inner[:1])
    return _BY_NAME.get(name, frozenset()), name in _BY_NAME


def _union(nodes: list[ast.expr]) -> tuple[frozenset[str], bool]:
    parts = [_named(node) for node in nodes]
    return frozenset().union(*(names for names, _ in parts)), all(complete for _, complete in parts)


def convert(flag: Flag, value: FlagValue) -> FlagValue:
    """Return `value` in the flag's type: an int becomes a float and a list a tuple where that is exact.

    Raises:
        FlagError: it is of another type, or no literal can write it.
    """
    try:
        converted = _fit(flag, literals.plain(value))
        literals.write(converted)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        where = f"flag {flag.name}"
        raise FlagError(f"{_shown(value)} cannot be taken: {error}", where=where, hint=_hint(flag)) from error
    return converted


def _fit(flag: Flag, value: FlagValue) -> FlagValue:
    own = _name(value)
    if not flag.types or own in flag.types:
        return value
    for kind in _WIDER.get(own, ()):
        if kind in flag.types:
            wider = _MAKERS[kind](value)
            if own in {"int", "float"} and wider != value:
                raise ValueError(f"no {kind} is exactly that")
            return wider
    raise TypeError(f"the flag takes {_listed(flag)}, not {own}")


def parse_value(text: str, flag: Flag | None) -> FlagValue:
    """Return the value that a person means by `text`.

    It is read by the flag's type, else as a Python literal, else as a string.
    For a flag that is a string the text is the value, letter for letter, quotes included. For a bool,
    true, false, yes, no, 1 and 0 are understood in any case; for an int, decimal digits (``010`` is ten,
    ``1_000`` a thousand, as Python writes it) and Python's other notations.

    Raises:
        FlagError: the flag cannot take it.
    """
    if flag is None or not flag.types:
        value = _guess(text)
        return value if flag is None else convert(flag, value)
    for kind in flag.types:
        try:
            return convert(flag, _READERS[kind](text))
        except ValueError:
            continue
    return convert(flag, _guess(text))


def _guess(text: str) -> FlagValue:
    try:
        return literals.read(text)
    except ValueError:
        return text


def _read_none(text: str) -> None:
    if text.strip() != "None":
        raise ValueError("not None")


def _read_bool(text: str) -> bool:
    found = _BOOLS.get(text.strip().lower())
    if found is None:
        raise ValueError("not a bool")
    return found


def _read_container(text: str) -> FlagValue:
    value = literals.read(text)
    if not isinstance(value, (list, tuple, dict)):
        raise ValueError("not a container")  # noqa: TRY004 - what a reader raises for "not mine"
    return value


_BOOLS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_MAKERS: dict[str, Callable[[Any], FlagValue]] = {
    "float": float,
    "complex": complex,
    "list": list,
    "tuple": tuple,
}
_READERS: dict[str, Callable[[str], FlagValue]] = {
    "None": _read_none,
    "int": int,
    "float": float,
    "complex": complex,
    "bool": _read_bool,
    **dict.fromkeys(("list", "tuple", "dict"), _read_container),
    "str": str,
}


def _name(value: FlagValue) -> str:
    return "None" if value is None else type(value).__name__


def _listed(flag: Flag) -> str:
    return " or ".join(flag.types)


def _shown(value: Any) -> str:
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # an endless number or a list that holds itself
        text = f"a value of type {type(value).__name__}"
    return text if len(text) <= 60 else text[:59] + "…"


def _hint(flag: Flag) -> str | None:
    if flag.types == ("int",):
        return f"to let it take other numbers, annotate it in the notebook: {flag.name}: float = …"
    if len(flag.types) == 1 and flag.types[0] in _SEQUENCE:
        return "write it as Python does: [64, 32]"
    return None
