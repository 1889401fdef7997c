"""The nbdime diff of one cell: its source and outputs, as a baseline and a run have them."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from typing import Any

import nbformat
from nbdime import diff_notebooks
from nbdime.prettyprint import PrettyPrintConfig, pretty_print_diff

_LINES = 400  # of one source or output that are compared: diffing is quadratic
_SHOWN = 40  # lines of the diff
_PATH = re.compile(r"/cells/\d+")


def cell_diff(accepted: Mapping[str, Any], result: Mapping[str, Any], label: str) -> str:
    """Return the diff of two versions of a code cell, without timestamps, counts or metadata.

    Args:
        accepted: the cell as the baseline has it, in nbformat's JSON (see `baselines.slim`).
        result: the cell as the run has it, in the same form.
        label: how the cell is called.

    Returns:
        Lines as nbdime prints them, at most 40; "" where nothing that is shown differs.
    """
    before, after = _alone(accepted), _alone(result)
    difference = diff_notebooks(before, after)
    if not difference:
        return ""
    out = io.StringIO()
    config = PrettyPrintConfig(out=out, use_color=False, use_git=False, use_diff=False)
    config.metadata = config.details = config.id = False
    pretty_print_diff(before, difference, "", config)
    lines = [_PATH.sub(label, line).rstrip() for line in out.getvalue().splitlines()]
    shown = [line for line in lines if line]
    if len(shown) > _SHOWN:
        shown = [*shown[:_SHOWN], f"… {len(shown) - _SHOWN} more lines"]
    return "\n".join(shown)


def _alone(cell: Mapping[str, Any]) -> Any:
    """Return a notebook that holds nothing but the cell, its long texts cut."""
    outputs = [_cut(output) for output in cell.get("outputs", ())]
    source = _head("".join(cell["source"]))
    return nbformat.from_dict(  # type: ignore[no-untyped-call]
        {
            "cells": [{**cell, "id": "cell", "metadata": {}, "source": source, "outputs": outputs}],
            "metadata": {},
            "nbformat": 4,
            "nbformat_minor": 5,
        }
    )


def _cut(output: Mapping[str, Any]) -> dict[str, Any]:
    if "text" in output:
        return {**output, "text": _head("".join(output["text"]))}
    return {**output, "data": {mime: _head("".join(text)) for mime, text in output["data"].items()}}


def _head(text: str) -> str:
    lines = text.splitlines(keepends=True)
    if len(lines) <= _LINES:
        return text
    return "".join(lines[:_LINES]) + f"… {len(lines) - _LINES} more lines\n"
