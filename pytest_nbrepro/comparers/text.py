"""Text files and logs: what means nothing is masked, then every line counts."""

from __future__ import annotations

import codecs
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pytest_nbrepro import masks
from pytest_nbrepro.comparers.base import Outcome
from pytest_nbrepro.comparers.outputs import compare_lines
from pytest_nbrepro.comparers.tokens import Scale
from pytest_nbrepro.model import ArtifactRule

_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


class TextComparer:
    """Compares text files of any sort line by line."""

    kind = "text"

    def schema(self, path: Path) -> dict[str, Any]:
        """Return the encoding: ``utf-8``, ``utf-8-sig`` or ``utf-16`` (with a mark), else ``latin-1``."""
        return {"encoding": read(path)[1]}

    def compare(self, baseline: Path, result: Path, rule: ArtifactRule, schema: Mapping[str, Any]) -> Outcome:  # noqa: ARG002
        """Compare two text files as a terminal would show them.

        Line endings mean nothing. Addresses, dates, times and the like are masked, but for the masks that the
        rule switches off, and the message says so. Then all lines are to be equal; with `rule.numbers` the numbers in equal text are held to
        those limits, integers exact unless they give `abs`.
        """
        (old, old_encoding), (new, new_encoding) = read(baseline), read(result)
        if old_encoding != new_encoding:
            return Outcome.structure(f"encoding {old_encoding} -> {new_encoding}")
        scale = None if rule.numbers is None else Scale.of_text(rule.numbers)
        hidden: dict[str, int] = {}
        if old != new:
            old = masks.mask(masks.terminal_text(old), masking=rule.masks)[0]
            new, hidden = masks.mask(masks.terminal_text(new), masking=rule.masks)
        outcome = compare_lines(old.split("\n"), new.split("\n"), scale)
        return replace(outcome, message="; ".join(filter(None, (outcome.message, masks.told(hidden)))))


def read(path: Path) -> tuple[str, str]:
    """Return a file's text with plain line ends, and the name of its encoding; any bytes are some text."""
    data = path.read_bytes()
    encoding = next((name for mark, name in _MARKS.items() if data.startswith(mark)), "utf-8")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        encoding = "latin-1"
        text = data.decode(encoding)
    return text.replace("\r\n", "\n"), encoding
