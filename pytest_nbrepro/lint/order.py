"""Whether what is stored came from one run from top to bottom."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_nbrepro.lint.base import Place, Subject


def out_of_order(subject: Subject) -> Iterator[Place]:
    """Yield cells whose execution count is lower than that of one above, or missing though outputs are stored."""
    highest = 0
    for cell in (code.cell for code in subject.code):
        count = subject.notebook.raw["cells"][cell.index].get("execution_count")
        if count is None and cell.outputs:
            yield _found(cell.index, "it has outputs, but no execution count")
        elif count is not None and count <= highest:
            yield _found(
                cell.index, f"it ran as number {count}, after a cell below it or before one above it"
            )
        highest = max(highest, count or 0)


def _found(cell: int, text: str) -> Place:
    return Place(cell, 1, 1, text)
