"""Faults of code: the slips of fingers that any program may have."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from mutation.sites import Edit, Operator, Script, Source, is_class, last_name, number, root_name

_AGGREGATES = {"mean": "max", "median": "mean", "sum": "mean", "max": "min", "min": "max", "std": "var"}
_TURNED = {"argmax": "argmin", "argmin": "argmax"}
_AXES = {0: 1, 1: 0, -1: 0}
_COMPARISONS: dict[type[ast.cmpop], tuple[str, str]] = {
    ast.Lt: ("<", "<="),
    ast.LtE: ("<=", "<"),
    ast.Gt: (">", ">="),
    ast.GtE: (">=", ">"),
    ast.Eq: ("==", "!="),
    ast.NotEq: ("!=", "=="),
}
_ARITHMETIC: dict[type[ast.operator], tuple[str, str]] = {
    ast.Add: ("+", "-"),
    ast.Sub: ("-", "+"),
    ast.Mult: ("*", "/"),
    ast.Div: ("/", "*"),
    ast.Pow: ("**", "*"),
}


def _off_by_one(script: Script) -> Iterator[Edit]:
    for source in script:
        for node in source.nodes():
            if isinstance(node, ast.Slice):
                yield from _moved(source, node.lower, 1)
                yield from _moved(source, node.upper, -1)
            elif isinstance(node, ast.Subscript):
                for index in node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]:
                    yield from _moved(source, index, 1)
            elif isinstance(node, ast.Call) and node.args:
                if last_name(node.func) == "range":
                    yield source.instead(node.args[-1], f"{source.code(node.args[-1])} - 1")
                if last_name(node.func) in {"head", "tail"}:
                    yield from _moved(source, node.args[0], -1)


def _moved(source: Source, node: ast.expr | None, by: int) -> Iterator[Edit]:
    value = None if node is None else number(node)
    if node is not None and isinstance(value, int):
        yield source.instead(node, repr(value + (by if value >= 0 else -by)))


def _axes(script: Script) -> Iterator[Edit]:
    for source in script:
        for call in source.calls():
            for keyword in call.keywords:
                value = number(keyword.value) if keyword.arg == "axis" else None
                if isinstance(value, int) and value in _AXES:
                    yield source.instead(keyword.value, repr(_AXES[value]))


def _aggregates(script: Script) -> Iterator[Edit]:
    for source in script:
        for call in source.calls():
            name = last_name(call.func)
            swaps = {**_AGGREGATES, **_TURNED}
            if isinstance(call.func, ast.Attribute) and name in swaps:
                yield source.renamed(call.func, swaps[name])
            elif name == "agg":
                yield from _in_agg(source, call)


def _in_agg(source: Source, call: ast.Call) -> Iterator[Edit]:
    for node in ast.walk(call):
        if isinstance(node, ast.Dict):
            for value in node.values:
                if isinstance(value, ast.Constant) and value.value in _AGGREGATES:
                    yield source.instead(value, repr(_AGGREGATES[value.value]))


def _boundaries(script: Script) -> Iterator[Edit]:
    for source in script:
        for node in source.nodes():
            if isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in _COMPARISONS:
                yield source.between(node.left, node.comparators[0], *_COMPARISONS[type(node.ops[0])])


def _arithmetic(script: Script) -> Iterator[Edit]:
    for source in script:
        for node in source.nodes():
            if isinstance(node, ast.BinOp) and type(node.op) in _ARITHMETIC and not _is_text(node):
                yield source.between(node.left, node.right, *_ARITHMETIC[type(node.op)])


def _is_text(node: ast.BinOp) -> bool:
    """Tell whether an operation puts texts or paths together."""
    texts = (ast.Constant, ast.JoinedStr)
    sides = [side for side in (node.left, node.right) if isinstance(side, texts)]
    return any(isinstance(side, ast.JoinedStr) or isinstance(side.value, str) for side in sides)


def _dropped(script: Script) -> Iterator[Edit]:
    for source in script:
        for node in source.nodes():
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and not _is_idle(node.value):
                yield source.instead(node, "pass")


def _is_idle(call: ast.Call) -> bool:
    """Tell whether a call is a seed's, which another operator drops, or makes an object that nothing takes."""
    return last_name(call.func) == "seed" or is_class(call) or root_name(call.func) == ""


OPERATORS = (
    Operator("off by one", "bounds of slices and ranges, an index, `head`", _off_by_one),
    Operator("wrong axis", "0 for 1, 1 for 0", _axes),
    Operator("swapped aggregate", "max for mean, var for std and the like", _aggregates),
    Operator("boundary", "`<=` for `<`, `!=` for `==`", _boundaries),
    Operator("arithmetic", "minus for plus, times for divided by", _arithmetic),
    Operator("dropped call", "a statement left out: a plot's line, a print, a file", _dropped),
)
