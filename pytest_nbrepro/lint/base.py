"""What rules look at: the cells that Python can read, with the names that their imports give to modules."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pytest_nbrepro import literals
from pytest_nbrepro.magics import mask_magics
from pytest_nbrepro.model import Spec
from pytest_nbrepro.notebook import Cell, Notebook

_QUIET = re.compile(r"#\s*nbrepro:\s*noqa=([A-Z0-9, ]+)")
_SKIPPED = "skip-execution"


@dataclass(frozen=True)
class Place:
    """One place that a rule found, and what is there."""

    cell: int  # index among all cells
    line: int  # of the cell's source, from 1
    end: int  # the last line of the statement or expression
    text: str


@dataclass(frozen=True)
class Code:
    """A code cell that runs; `tree` is None where Python cannot read it, or its magic is for something else."""

    cell: Cell
    masked: str
    tree: ast.Module | None


@dataclass(frozen=True)
class Subject:
    """A notebook, and where it lies."""

    notebook: Notebook
    root: Path
    seeded: bool  # the annotation sets a seed
    code: tuple[Code, ...]
    aliases: Mapping[str, str]  # a name that an import gives -> what it stands for, such as numpy.random

    @property
    def folder(self) -> Path:
        """The folder that relative paths start in."""
        return self.notebook.path.parent

    def name_of(self, node: ast.expr) -> str | None:
        """Return what an expression stands for where it begins with something imported: ``numpy.random.rand``."""
        if isinstance(node, ast.Name):
            return self.aliases.get(node.id)
        if isinstance(node, ast.Attribute) and (before := self.name_of(node.value)) is not None:
            return f"{before}.{node.attr}"
        return None

    def calls(self) -> Iterator[tuple[int, ast.Call, bool]]:
        """Yield all calls in their order, with the index of their cell and whether they are in a function."""
        for code in self.code:
            if code.tree is not None:
                yield from (
                    (code.cell.index, call, inside) for call, inside in _calls(code.tree, inside=False)
                )


def subject_of(notebook: Notebook, root: Path, spec: Spec) -> Subject:
    """Return what the rules look at; a notebook in another language than Python has no code."""
    cells = notebook.code if notebook.language == "python" else ()
    code = tuple(_read(cell) for cell in cells if _SKIPPED not in cell.tags)
    return Subject(notebook, root, spec.seed is not None, code, dict(_aliases(code)))


def quiet(subject: Subject, place: Place, rule: str) -> bool:
    """Tell whether a line of a place keeps a rule quiet."""
    lines = subject.notebook.cells[place.cell].source.splitlines()[place.line - 1 : place.end]
    named = (match[1] for line in lines if (match := _QUIET.search(line)))
    return any(rule in names.replace(",", " ").split() for names in named)


def found(cell: int, node: ast.expr | ast.stmt, text: str) -> Place:
    """Return what a rule found at a node of a cell."""
    return Place(cell, node.lineno, node.end_lineno or node.lineno, text)


def _read(cell: Cell) -> Code:
    masked = mask_magics(cell.source)
    tree = None if masked is None else literals.parse_python(masked)
    return Code(cell, masked or "", tree)


def _aliases(code: tuple[Code, ...]) -> Iterator[tuple[str, str]]:
    for node in (node for one in code if one.tree for node in ast.walk(one.tree)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                first = alias.name.partition(".")[0]
                yield (alias.asname, alias.name) if alias.asname else (first, first)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from ((alias.asname or alias.name, f"{node.module}.{alias.name}") for alias in node.names)


def _calls(node: ast.AST, *, inside: bool) -> Iterator[tuple[ast.Call, bool]]:
    inside = inside or isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
    for child in ast.iter_child_nodes(node):
        yield from _calls(child, inside=inside)
    if isinstance(node, ast.Call):  # behind its arguments, which are evaluated first
        yield node, inside
