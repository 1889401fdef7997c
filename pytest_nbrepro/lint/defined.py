"""Names that are used before a cell defines them, found by pyflakes on all cells as one module."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from pytest_nbrepro import literals
from pytest_nbrepro.lint.base import Code, Place, Subject

_GIVEN = {"In", "Out", "display", "exit", "get_ipython", "quit"}  # by IPython
_HISTORY = re.compile(r"_+|_i{0,3}|_i?\d+|_[iod]h")
_ASSIGNED = re.compile(r"^[ \t]*([A-Za-z_]\w*(?:[ \t]*,[ \t]*[A-Za-z_]\w*)*)[ \t]*=[ \t]*[!%]", re.MULTILINE)
_CAPTURED = re.compile(r"^%%capture[ \t]+(?:--\S+[ \t]+)*([A-Za-z_]\w*)", re.MULTILINE)
_DEFINES = re.compile(
    r"^[ \t]*%(?:run|pylab|load|store|loadpy|rerun|recall|macro|sql|R|julia|cython)\b", re.MULTILINE
)
_INERT = frozenset(
    {"bash", "sh", "script", "html", "HTML", "javascript", "js", "latex", "markdown", "svg", "SVG"}
)
_INERT |= {"writefile", "file", "perl", "ruby", "timeit", "cmd", "system", "sx", "!"}


def undefined(subject: Subject) -> Iterator[Place]:
    """Yield the uses; nothing where magics or unreadable cells may define any name."""
    if any(_may_define(code) for code in subject.code):
        return
    from pyflakes import checker, messages

    tree, lines = _joined(subject.code)
    later = {
        node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }
    told = set()
    for message in checker.Checker(tree, builtins=_GIVEN | _assigned(subject.code)).messages:
        if not isinstance(message, messages.UndefinedName):
            continue
        name, (cell, line) = message.message_args[0], lines[message.lineno]
        if name in told or _HISTORY.fullmatch(name):
            continue
        told.add(name)
        what = "is used before a cell defines it" if name in later else "is defined nowhere"
        yield Place(cell, line, line, f"{name!r} {what}")


def _may_define(code: Code) -> bool:
    if _DEFINES.search(code.cell.source):
        return True
    if code.tree is not None:
        return False
    magic = re.match(r"\s*%%(\S+)", code.cell.source)
    return magic is None or magic[1] not in _INERT


def _assigned(cells: tuple[Code, ...]) -> set[str]:
    """Return the names that magics and commands assign."""
    sources = [code.cell.source for code in cells]
    names = [name for source in sources for text in _ASSIGNED.findall(source) for name in text.split(",")]
    return {name.strip() for name in names} | {
        name for source in sources for name in _CAPTURED.findall(source)
    }


def _joined(cells: tuple[Code, ...]) -> tuple[ast.Module, dict[int, tuple[int, int]]]:
    """Return all cells as one module, and which cell and line each of its lines is from."""
    text, lines, number = "", {}, 0
    for code in cells:
        own = code.masked.splitlines() if code.tree is not None else []
        for line in range(1, len(own) + 1):
            lines[number + line] = (code.cell.index, line)
        number += len(own)
        text += "".join(f"{line}\n" for line in own)
    return _Awaited().visit(literals.parse_python(text) or ast.Module([], [])), lines


class _Awaited(ast.NodeTransformer):
    """Takes `await` away where a notebook may have it and a module may not: pyflakes looks no further there."""

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        return node

    def visit_Await(self, node: ast.Await) -> ast.AST:
        return self.generic_visit(node.value)
