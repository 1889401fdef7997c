"""What notebooks say in the words of other tools, told in ours, so that a project can move over as it is.

nbval: the tags ``nbval-ignore-output``, ``nbval-skip`` and ``nbval-raises-exception``, and the comments that
stand for them (``# NBVAL_IGNORE_OUTPUT`` …, which need a line of their own or its end). nbmake, jupyter-cache:
``execution.timeout`` and ``execution.allow_errors`` in the notebook's metadata. pytest-notebook: see `nbreg`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

TAGS = {
    "nbval-ignore-output": "nbrepro:ignore",
    "nbval-skip": "skip-execution",
    "nbval-raises-exception": "raises-exception",
}
_COMMENT = re.compile(r"#[ \t]*NBVAL_(IGNORE_OUTPUT|SKIP|RAISES_EXCEPTION)[ \t]*$", re.MULTILINE)


def own_tags(tags: frozenset[str], source: str, metadata: Mapping[str, Any]) -> frozenset[str]:
    """Return the tags of a code cell with what other tools' tags and comments mean in our words.

    Args:
        tags: the cell's tags.
        source: its source.
        metadata: the notebook's.
    """
    asked = {tag for tag in tags if tag in TAGS}
    if "NBVAL_" in source:
        asked |= {f"nbval-{word.lower().replace('_', '-')}" for word in _COMMENT.findall(source)}
    added = {TAGS[tag] for tag in asked}
    if _execution(metadata).get("allow_errors") is True:
        added.add("raises-exception")
    return tags | added


def own_keys(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keys of an annotation that a notebook's metadata stand for: nbmake's time limit is a cell's."""
    timeout = _execution(metadata).get("timeout")
    known = isinstance(timeout, (int, float)) and not isinstance(timeout, bool) and timeout > 0
    return {"cell_timeout": timeout} if known else {}


def _execution(metadata: Mapping[str, Any]) -> Mapping[str, Any]:
    found = metadata.get("execution")
    return found if isinstance(found, dict) else {}
