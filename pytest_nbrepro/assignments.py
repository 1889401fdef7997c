"""Module-level assignments of a cell: which names get which literals, and where these stand."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from pytest_nbrepro import literals
from pytest_nbrepro.flagtypes import Flag, types_of
from pytest_nbrepro.magics import mask_magics
from pytest_nbrepro.notebook import Cell

_NEWLINE = re.compile(rb"\r\n|\r|\n")


@dataclass(frozen=True)
class Assignment:
    """A module-level assignment to a name; `flag` is None where its value is not the name's alone."""

    name: str
    cell: int
    flag: Flag | None

    @property
    def literal(self) -> bool:
        """Whether the name gets a literal."""
        return self.flag is not None and self.flag.known


def assignments(cell: Cell) -> list[Assignment]:
    """List the module-level assignments of a cell in their order; none where it does not parse."""
    tree = literals.parse_python(cell.source)
    if tree is None:
        masked = mask_magics(cell.source)
        tree = None if masked is None else literals.parse_python(masked)
    if tree is None:
        return []
    starts = [0, *(match.end() for match in _NEWLINE.finditer(source_bytes(cell)))]
    found: list[Assignment] = []
    for node in tree.body:
        if isinstance(node, ast.AnnAssign) and node.value:
            found.extend(_targets(cell.index, [node.target], node.value, node.annotation, starts))
        elif isinstance(node, ast.Assign):
            found.extend(_targets(cell.index, node.targets, node.value, None, starts))
    return found


def _targets(
    cell: int,
    targets: list[ast.expr],
    value: ast.expr,
    annotation: ast.expr | None,
    starts: list[int],
) -> Iterator[Assignment]:
    if len(targets) == 1 and isinstance(targets[0], ast.Name):
        name = targets[0].id
        yield Assignment(name, cell, _flag(name, cell, value, annotation, starts))
        return
    for target in targets:
        for node in ast.walk(target):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                yield Assignment(node.id, cell, None)


def _flag(name: str, cell: int, node: ast.expr, annotation: ast.expr | None, starts: list[int]) -> Flag:
    try:
        value, known = literals.value_of(node), True
    except ValueError:
        value, known = None, False
    end_line, end_column = node.end_lineno or node.lineno, node.end_col_offset or 0
    return Flag(
        name=name,
        value=value,
        cell=cell,
        line=node.lineno,
        span=(starts[node.lineno - 1] + node.col_offset, starts[end_line - 1] + end_column),
        types=types_of(annotation, value, known=known),
        known=known,
    )


def source_bytes(cell: Cell) -> bytes:
    """Return a cell's source as Python's parser counts it; JSON lets half a surrogate pair into a magic."""
    return cell.source.encode("utf-8", "surrogatepass")
