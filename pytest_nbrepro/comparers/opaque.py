"""Files of which nothing is known but their bytes; pickles and models are among them and never loaded."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pytest_nbrepro.comparers.base import Outcome
from pytest_nbrepro.model import ArtifactRule

CANNOT_SAY = "differs, can't say how much"


class OpaqueComparer:
    """Says that files differ and how large they are: there is no "how much" without decoding."""

    kind = "opaque"

    def schema(self, path: Path) -> dict[str, Any]:
        """Return an empty schema; sizes and hashes are kept with every artifact."""
        del path
        return {}

    def compare(self, baseline: Path, result: Path, rule: ArtifactRule, schema: Mapping[str, Any]) -> Outcome:
        """Return that two files differ."""
        del rule, schema
        return Outcome.differs(f"{CANNOT_SAY} ({sizes(baseline.stat().st_size, result.stat().st_size)})")


def sizes(old: int, new: int) -> str:
    """Return two numbers of bytes in words."""
    return f"{old:,} bytes on both sides" if old == new else f"{old:,} -> {new:,} bytes"
