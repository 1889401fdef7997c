"""Places in the source of a notebook, and what stands there instead in a mutant."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True)
class Source:
    """The source of one code cell."""

    cell: int  # index among all cells of the notebook
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        """The parsed source."""
        return ast.parse(self.text)

    @cached_property
    def _lines(self) -> list[tuple[int, bytes]]:
        """Offset in characters and UTF-8 of each line."""
        found, offset = [], 0
        for line in self.text.splitlines(keepends=True):
            found.append((offset, line.encode()))
            offset += len(line)
        return found

    def _offset(self, line: int, column: int) -> int:
        start, data = self._lines[line - 1]
        return start + len(data[:column].decode())

    def span(self, node: ast.expr | ast.stmt | ast.keyword) -> tuple[int, int]:
        """Return where a node begins and ends, in characters."""
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return self._offset(node.lineno, node.col_offset), self._offset(node.end_lineno, node.end_col_offset)

    def code(self, node: ast.expr | ast.stmt | ast.keyword) -> str:
        """Return the source of a node."""
        start, end = self.span(node)
        return self.text[start:end]

    def nodes(self) -> Iterator[ast.AST]:
        """Yield all nodes, but for those whose place is not known: Python before 3.12 misplaces some in f-strings."""
        return (node for node in ast.walk(self.tree) if self._is_placed(node))

    def _is_placed(self, node: ast.AST) -> bool:
        if not isinstance(node, ast.expr):
            return True
        if isinstance(node, (ast.Slice, ast.JoinedStr, ast.FormattedValue)):
            return True
        try:
            found = ast.parse(f"({self.code(node)}\n)", mode="eval").body
        except (SyntaxError, UnicodeDecodeError):
            return False
        return ast.dump(found) == ast.dump(node)

    def calls(self) -> Iterator[ast.Call]:
        """Yield all calls."""
        return (node for node in self.nodes() if isinstance(node, ast.Call))

    def instead(self, node: ast.expr | ast.stmt | ast.keyword, text: str) -> Edit:
        """Return the edit that puts a text in the place of a node."""
        return Edit(self.cell, *self.span(node), text)

    def renamed(self, node: ast.Attribute, name: str) -> Edit:
        """Return the edit that puts another name behind the last dot."""
        _, end = self.span(node)
        return Edit(self.cell, end - len(node.attr), end, name)

    def between(self, left: ast.expr, right: ast.expr, old: str, new: str) -> Edit:
        """Return the edit that puts another operator between two operands."""
        start = self.text.index(old, self.span(left)[1], self.span(right)[0])
        return Edit(self.cell, start, start + len(old), new)

    def behind(self, statement: ast.stmt, line: str) -> Edit:
        """Return the edit that adds a line behind a statement at the top level."""
        _, end = self.span(statement)
        newline = self.text.find("\n", end)
        end = len(self.text) if newline < 0 else newline
        return Edit(self.cell, end, end, f"\n{line}")


@dataclass(frozen=True)
class Edit:
    """A stretch of the source of one cell, and the text that takes its place."""

    cell: int
    start: int
    end: int
    text: str

    def apply(self, source: str) -> str:
        """Return the source of the cell with the edit made."""
        return source[: self.start] + self.text + source[self.end :]


Script = Sequence[Source]
"""The code cells of a notebook, in their order."""


@dataclass(frozen=True)
class Operator:
    """A kind of fault, and the places of a notebook where it can be planted."""

    name: str
    what: str
    edits: Callable[[Script], Iterator[Edit]]


def last_name(node: ast.expr) -> str:
    """Return the last name of a dotted one, "" for any other expression: ``fit`` of ``model.fit``."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def root_name(node: ast.expr) -> str:
    """Return the name that an expression starts from, "" where there is none: ``df`` of ``df.drop(…)["x"]``."""
    while isinstance(node, (ast.Attribute, ast.Subscript, ast.Call)):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""


def number(node: ast.expr) -> int | float | None:
    """Return the value of a number as written, with its sign; None for everything else."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        value = number(node.operand)
        return None if value is None else -value
    if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)) and node.value is not True:
        return None if node.value is False else node.value
    return None


def is_class(call: ast.Call) -> bool:
    """Tell whether a call makes an object of a class, by its capital: estimators, splitters."""
    return last_name(call.func)[:1].isupper()


def without(source: Source, call: ast.Call, argument: ast.expr | ast.keyword) -> Edit:
    """Return the edit that leaves an argument out of a call."""
    every: list[ast.expr | ast.keyword] = sorted([*call.args, *call.keywords], key=source.span)
    at, (start, end) = every.index(argument), source.span(argument)
    if at:
        return Edit(source.cell, source.span(every[at - 1])[1], end, "")
    if len(every) > 1:
        return Edit(source.cell, start, source.span(every[1])[0], "")
    return Edit(source.cell, start, source.span(call)[1], ")")  # a comma goes with the only one
