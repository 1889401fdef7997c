"""RESULTS.md: each benchmark writes its own section and leaves the others."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

RESULTS = Path(__file__).with_name("RESULTS.md")
HEAD = "# Measured\n\nEach section says what makes it; ratios tell more than seconds, which move with the machine.\n"


def write_section(title: str, lines: Iterable[str], path: Path = RESULTS) -> None:
    """Write a section, in place of the one that has its title, else behind the others."""
    old = path.read_text() if path.exists() else HEAD
    section = "\n".join((f"## {title}", "", *lines)) + "\n"
    head, *sections = re.split(r"^(?=## )", old, flags=re.MULTILINE)
    titles = [text.splitlines()[0].removeprefix("## ") for text in sections]
    if title in titles:
        sections[titles.index(title)] = section
    else:
        sections.append(section)
    path.write_text("\n".join(part.rstrip("\n") + "\n" for part in (head, *sections)))
