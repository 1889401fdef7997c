"""The JSON of a notebook, as far as running it needs it."""

from __future__ import annotations

import json
import keyword
import re
from typing import Any

_NAME = re.compile(r"([^\W\d]\w*(?:\.[^\W\d]\w*)*)\s*(?:#.*)?")


def completed(notebook: dict[str, Any]) -> dict[str, Any]:
    """Return a copy with what nbformat lets older files leave out, sources as one text each."""
    copy: dict[str, Any] = json.loads(json.dumps(notebook))
    copy.setdefault("metadata", {})
    for cell in copy.setdefault("cells", []):
        cell.setdefault("metadata", {})
        source = cell.get("source", "")
        cell["source"] = source if isinstance(source, str) else "".join(source)
        if cell["cell_type"] == "code":
            cell.update(outputs=[], execution_count=None)
    return copy


def plain(node: Any) -> Any:
    """Return nbformat's mappings as plain ones, all the way down."""
    if isinstance(node, dict):
        return {key: plain(item) for key, item in node.items()}
    return [plain(item) for item in node] if isinstance(node, list) else node


def tags(cell: Any) -> list[str]:
    """Return the tags of a cell."""
    found: list[str] = cell["metadata"].get("tags", [])
    return found


def own_name(cell: Any, index: int) -> str:
    """Return what a bare number that a cell ends in is called: as the cell calls it, or by the cell.

    By the text alone: to parse it could warn, and warnings belong to the notebook.
    """
    lines = [line for line in cell["source"].splitlines() if line.strip() and not line.startswith("#")]
    match = _NAME.fullmatch(lines[-1]) if lines else None
    if match and not any(map(keyword.iskeyword, match[1].split("."))):
        return match[1]
    return f"cell:{cell.get('id', f'c{index}')}"
