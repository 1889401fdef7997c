"""Changes of SVG, HTML and XML files, made in their text so that all else stays as it was."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from pytest_nbrepro.comparers.perturbing import texts
from pytest_nbrepro.comparers.perturbing.values import MOVED, SWAPPED, Change, moved, swapped

# Where no change means anything, or anything at all: comments, declarations, metadata, styles.
_OUTSIDE = re.compile(r"<!--.*?-->|<[?!][^>]*>|<(metadata|style|head)\b.*?</\1\s*>", re.DOTALL)
_DRAWN = re.compile(r"""\s(?:d|points|transform|x|y|x1|y1|x2|y2|cx|cy|r|rx|ry|width|height)="([^"]*)\"""")
_NODE = re.compile(r">([^<>]*[^<>\s][^<>]*)<")
_SHAPE = re.compile(r"<(?:path|circle|ellipse|rect|line|polyline|polygon|use|image)\b[^<>]*/>")
_ROW = re.compile(r"<(tr|li|p)\b[^<>]*>.*?</\1\s*>", re.DOTALL | re.IGNORECASE)


def changes(path: Path) -> Iterator[Change]:
    """Yield changes of a file in UTF-8."""
    source = path.read_text("utf-8")
    for what, changed in _edits(source):
        yield what, partial(_write, changed)


def _write(source: str, target: Path) -> None:
    target.write_text(source, "utf-8")


def _edits(source: str) -> Iterator[tuple[str, str]]:
    outside = [match.span() for match in _OUTSIDE.finditer(source)]
    drawn, nodes = (_spans(pattern, source, outside, 1) for pattern in (_DRAWN, _NODE))
    for start, end in [*drawn, *nodes]:
        found = list(texts.numbers(source[start:end]))
        if found:
            yield from ((what, source[:start] + words + source[end:]) for what, words in found)
            break
    shapes, rows = (_spans(pattern, source, outside, 0) for pattern in (_SHAPE, _ROW))
    if shapes or rows:
        start, end = (shapes or rows)[-1]
        yield "last element dropped", source[:start] + source[end:]
    turned = moved([source[start:end] for start, end in rows])
    if turned is not None:
        yield MOVED, _put(source, rows, turned)
    labels = [span for span in nodes if re.search(r"[^\W\d_]", source[slice(*span)])]
    exchanged = swapped([source[start:end] for start, end in labels]) if labels else None
    if exchanged is not None:
        yield SWAPPED, _put(source, labels, exchanged)


def _spans(
    pattern: re.Pattern[str], source: str, outside: Sequence[tuple[int, int]], group: int
) -> list[tuple[int, int]]:
    found = [match.span(group) for match in pattern.finditer(source)]
    return [span for span in found if not any(start <= span[0] < end for start, end in outside)]


def _put(source: str, spans: Sequence[tuple[int, int]], words: Sequence[str]) -> str:
    """Return a source with other words in some places, which do not overlap."""
    pieces, behind = [], 0
    for (start, end), word in zip(spans, words, strict=True):
        pieces += [source[behind:start], word]
        behind = end
    return "".join([*pieces, source[behind:]])
