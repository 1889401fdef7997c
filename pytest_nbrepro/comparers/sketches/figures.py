"""Sketches of figures: those of the arrays that hold what is drawn; looks are one of them, and compared as such."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pytest_nbrepro.comparers.base import Outcome
from pytest_nbrepro.comparers.drawings import looks_rule
from pytest_nbrepro.comparers.sketches import arrays
from pytest_nbrepro.comparers.sketches.arrays import write
from pytest_nbrepro.comparers.sketches.blocks import Sketch
from pytest_nbrepro.model import ArtifactRule

__all__ = ["compare", "write"]


def compare(
    old: Mapping[str, Sketch], result: Path, rule: ArtifactRule, schema: Mapping[str, Any]
) -> Outcome:
    """Hold what is drawn in a figure against the sketches of the accepted one.

    Raises:
        UndecodableError: it cannot be read.
    """
    return arrays.compare(old, result, looks_rule(rule), schema)
