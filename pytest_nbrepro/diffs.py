"""nbdime: the diff of one cell, and its page of two notebooks."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pytest_nbrepro.displays import joined

_LINES = 190  # of one source or output that are compared: diffing is quadratic, and coarse from 200 on
_WIDTH = 200  # characters of a line; what is longer is folded
_CONTEXT = 2  # lines that are the same before the first that differs; a diff shows one more
_SHOWN = 40  # lines of the diff where nothing else is asked for, shared by its parts
_PARTS = 8  # of the diff that are shown
_PLACE = "/cells/0"

_Texts = dict[tuple[int, str], str]  # number of the output, -1 for the source; MIME type, or "" for a stream


def cell_diff(accepted: Mapping[str, Any], result: Mapping[str, Any], label: str, shown: int = _SHOWN) -> str:
    """Return the diff of two versions of a code cell, without timestamps, counts or metadata.

    Of long texts the lines from the first difference on are looked at, so that it takes linear time.

    Args:
        accepted: the cell as the baseline has it, in nbformat's JSON (see `baselines.slim`).
        result: the cell as the run has it, in the same form.
        label: how the cell is called.
        shown: about how many lines are returned at most.

    Returns:
        Lines as nbdime prints them; "" where nothing that is shown differs.
    """
    from nbdime import diff_notebooks  # importing it takes more than a second, and most runs need no diff
    from nbdime.prettyprint import PrettyPrintConfig, pretty_print_diff

    old, new = _cut(_texts(accepted), _texts(result))
    before, after = _notebook(accepted, old), _notebook(result, new)
    difference = diff_notebooks(before, after)
    out = io.StringIO()
    config = PrettyPrintConfig(out=out, use_color=False, use_git=False, use_diff=False)
    pretty_print_diff(before, difference, "", config)
    parts: list[list[str]] = []
    for line in filter(str.strip, out.getvalue().splitlines()):
        if line.startswith("## "):  # a heading; lines of the cell itself are indented
            parts.append([line.replace(_PLACE, label, 1)])
        else:
            parts[-1].append(line.rstrip())
    room = shown // min(len(parts) or 1, _PARTS)
    told = [line for part in parts[:_PARTS] for line in _head(part, room, "more lines")]
    return "\n".join(told + _head(parts, _PARTS, "more differences")[_PARTS:])


def _head(lines: Sequence[Any], number: int, what: str) -> list[Any]:
    """Return the first lines, and a last one that says how many there are more."""
    more = len(lines) - number
    return [*lines[:number], f"… {more} {what}"] if more > 0 else list(lines)


def without_rich(cell: Mapping[str, Any]) -> dict[str, Any]:
    """Return a cell without its rich outputs, of which a baseline has the hash alone: their checks tell more."""
    return {**cell, "outputs": [o for o in cell.get("outputs", ()) if o["output_type"] == "stream"]}


# ---------------------------------------------------------------------------------------------------
# Notebooks of one cell


def _texts(cell: Mapping[str, Any]) -> _Texts:
    """Return the texts of a cell by their place."""
    texts = {(-1, ""): joined(cell["source"])}
    for number, output in enumerate(cell.get("outputs", ())):
        if "text" in output:
            texts[number, ""] = joined(output["text"])
        texts |= {(number, mime): joined(text) for mime, text in output.get("data", {}).items()}
    return texts


def _notebook(cell: Mapping[str, Any], texts: _Texts) -> Any:
    """Return a notebook that holds nothing but the cell, with these texts."""
    from nbformat import from_dict

    outputs = [_output(output, number, texts) for number, output in enumerate(cell.get("outputs", ()))]
    alone: dict[str, Any] = {
        "cell_type": "code",
        "id": "cell",
        "metadata": {},
        "execution_count": None,
        "source": texts[-1, ""],
        "outputs": outputs,
    }
    return from_dict({"cells": [alone], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})  # type: ignore[no-untyped-call]


def _output(output: Mapping[str, Any], number: int, texts: _Texts) -> dict[str, Any]:
    fields = dict(output)
    if "text" in output:
        fields["text"] = texts[number, ""]
    if "data" in output:
        fields["data"] = {mime: texts[number, mime] for mime in output["data"]}
    return fields


# ---------------------------------------------------------------------------------------------------
# Long texts


def _cut(old: _Texts, new: _Texts) -> tuple[_Texts, _Texts]:
    """Shorten long texts, those at one place from their first difference on."""
    before, after = ({place: list(_folded(text)) for place, text in side.items()} for side in (old, new))
    starts = {place: _first_difference(before[place], after[place]) for place in before.keys() & after.keys()}
    return (
        {place: _window(lines, starts.get(place, 0)) for place, lines in before.items()},
        {place: _window(lines, starts.get(place, 0)) for place, lines in after.items()},
    )


def _folded(text: str) -> Iterator[str]:
    for line in text.splitlines(keepends=True):
        for start in range(0, len(line), _WIDTH):
            piece = line[start : start + _WIDTH]
            yield piece if start + _WIDTH >= len(line) else f"{piece}\n"


def _first_difference(old: list[str], new: list[str]) -> int:
    pairs = enumerate(zip(old, new, strict=False))
    return next((number for number, (one, other) in pairs if one != other), min(len(old), len(new)))


def _window(lines: list[str], difference: int) -> str:
    """Return the lines that are looked at, and how many there are before and behind."""
    start = max(0, difference - _CONTEXT) if difference >= _LINES else 0
    end = start + _LINES
    before = f"… {start} lines that are the same\n" if start else ""
    behind = f"… {len(lines) - end} more lines\n" if len(lines) > end else ""
    return before + "".join(lines[start:end]) + behind


def application(before: Path, after: Path, base: str, policy: str) -> Any:
    """Return nbdime's tornado application that shows two notebooks side by side, at ``<base>difftool``.

    Args:
        before: the first one.
        after: the second one.
        base: what its addresses begin with and end in "/".
        policy: content-security policy of its pages.
    """
    from nbdime.webapp.nbdimeserver import make_app

    made = make_app(base_url=base, difftool_args={"base": str(before), "remote": str(after)}, closable=False)
    made.settings["headers"] = {"Content-Security-Policy": policy, "Referrer-Policy": "same-origin"}
    made.settings["log_function"] = lambda _: None  # addresses hold the token
    return made
