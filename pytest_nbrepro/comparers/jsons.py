"""JSON, JSON Lines and YAML files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pytest_nbrepro.comparers import documents, walks
from pytest_nbrepro.comparers.base import Outcome, reading
from pytest_nbrepro.comparers.figures import compare_figures, holds_packed
from pytest_nbrepro.model import ArtifactRule


class JsonComparer:
    """Compares JSON, JSON Lines and YAML files.

    Keys, lengths of arrays and types (an integer is no float) are part of the contract, the order of keys
    is not. Values have paths such as ``$.runs[2].loss``; the patterns of a rule's `columns` and
    `ignore_columns` leave out ``$.``: ``runs[*].loss``, where ``*`` stands for any part of one key,
    ``[*]`` for any index and ``**`` for anything. What holds for a path holds for all below it.
    Arrays that plotly or bokeh packed into texts are compared as numbers.
    """

    kind = "json"

    def schema(self, path: Path) -> dict[str, Any]:
        """Return the format and the type of the outermost value."""
        return {"format": documents.format_of(path), "type": walks.word(documents.read(path))}

    def compare(self, baseline: Path, result: Path, rule: ArtifactRule, schema: Mapping[str, Any]) -> Outcome:
        """Compare two files; `schema` is not needed, the files carry their types."""
        del schema
        one, other = documents.format_of(baseline), documents.format_of(result)
        if one != other:
            return Outcome.structure(f"format {one} -> {other}")
        with reading("baseline"):
            old = documents.read(baseline)
        with reading("result"):
            new = documents.read(result)
        packed = one == "json" and any(holds_packed(path) for path in (baseline, result))
        return (compare_figures if packed else walks.compare_values)(old, new, rule)
