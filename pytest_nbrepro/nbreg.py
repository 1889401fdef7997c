"""pytest-notebook's metadata `nbreg`, of a notebook and of its cells, as far as they mean something here.

``diff_ignore`` lists paths such as ``/cells/*/outputs/0/data/image/png`` (in a cell ``/outputs/0/text``): what lies
there is not compared. ``diff_replace`` lists paths with a regular expression and its replacement, applied to the texts
there. ``*`` stands for any number. Paths of sources, metadata and counts have nothing to do: these are not compared.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_IGNORE, _REPLACE = "diff_ignore", "diff_replace"
KNOWN = frozenset({_IGNORE, _REPLACE, "skip", "skip_reason", "diff_normalize"})
_DONE = frozenset({"strip_ansi", "mask_timestamps", "mask_memory_addresses", "mask_uuids"})  # by masks
_UNCOMPARED = r"/(?:metadata|nbformat|nbformat_minor|cells/(?:\*|\d+)/(?:source|metadata|execution_count|id|cell_type|attachments))"
_ELSEWHERE = re.compile(rf"{_UNCOMPARED}(?:/.*)?")
_OUTPUTS = re.compile(r"/cells(?:/(?:\*|\d+)(?:/outputs(?:/.*)?)?)?/?")
_Replacement = tuple[re.Pattern[str], re.Pattern[str], str]  # of paths, what is replaced there, by what


def skipped(metadata: Mapping[str, Any]) -> str | None:
    """Return why a notebook is to be skipped, by its metadata; None where it is not."""
    asked = _asked(metadata)
    if asked.get("skip") is not True:
        return None
    reason = asked.get("skip_reason")
    return reason if isinstance(reason, str) and reason else "nbreg.skip in the notebook's metadata"


def ignores(index: int, notebook: Mapping[str, Any], cell: Mapping[str, Any]) -> bool:
    """Tell whether all outputs of the cell at `index` are left out, by the metadata of the notebook and its own."""
    place = f"/cells/{index}/outputs"
    return any(pattern.fullmatch(place) for pattern in _ignored(index, notebook, cell))


def compared(
    outputs: Sequence[Mapping[str, Any]], index: int, notebook: Mapping[str, Any], cell: Mapping[str, Any]
) -> tuple[Mapping[str, Any], ...]:
    """Return the outputs of the cell at `index` without what is left out, and with what is replaced."""
    if not (_asked(notebook) or _asked(cell)):
        return tuple(outputs)
    left_out, put = list(_ignored(index, notebook, cell)), list(_replaced(index, notebook, cell))

    def walked(value: Any, path: str) -> Any:
        if any(pattern.fullmatch(path) for pattern in left_out):
            return None
        if isinstance(value, dict):
            inner = {key: walked(item, f"{path}/{key}") for key, item in value.items()}
            return {key: item for key, item in inner.items() if item is not None or value[key] is None}
        if isinstance(value, list) and all(isinstance(line, str) for line in value):
            value = "".join(value)
        if isinstance(value, str):
            for there, pattern, replacement in put:
                if there.fullmatch(path):
                    value = pattern.sub(replacement, value)
        return value

    found = (walked(dict(output), f"/cells/{index}/outputs/{at}") for at, output in enumerate(outputs))
    return tuple(output for output in found if output is not None)


def faults(metadata: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong with the `nbreg` of a notebook or cell: ``diff_replace[0]: …``."""
    asked = metadata.get("nbreg", {})
    if not isinstance(asked, dict):
        yield "must be an object"
        return
    for key in (_IGNORE, _REPLACE):
        entries = asked.get(key, [])
        if not isinstance(entries, list):
            yield f"{key}: must be a list"
            continue
        for number, entry in enumerate(entries):
            if (what := _path_fault(entry) if key == _IGNORE else _replacement_fault(entry)) is not None:
                yield f"{key}[{number}]: {what}"


def _path_fault(path: Any) -> str | None:
    return None if isinstance(path, str) and path.startswith("/") else "must be a path that begins with '/'"


def _replacement_fault(entry: Any) -> str | None:
    if not (isinstance(entry, list) and len(entry) == 3 and all(isinstance(text, str) for text in entry)):
        return "must be a list of a path, a regular expression and its replacement"
    try:
        re.compile(entry[1]).sub(entry[2], "")
    except (re.error, IndexError, RecursionError, OverflowError) as error:
        return f"no regular expression, or a replacement that does not fit it: {error}"
    return _path_fault(entry[0])


def notes(notebook: Mapping[str, Any], cells: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Return what these metadata ask for and nothing here does, by the metadata of a notebook and its cells."""
    told: dict[str, None] = {}
    for above, metadata in (("", notebook), *((f"/cells/{i}", cell) for i, cell in enumerate(cells))):
        asked = _asked(metadata)
        told |= dict.fromkeys(f"nbreg: {key!r} means nothing here" for key in asked if key not in KNOWN)
        normal = asked.get("diff_normalize", [])
        for name in normal if isinstance(normal, list) else []:
            if name not in _DONE:
                told[f"nbreg: diff_normalize {name!r} means nothing here"] = None
        for path in (*_texts(asked, _IGNORE), *(entry[0] for entry in _entries(asked))):
            whole = above + path
            if not (_OUTPUTS.fullmatch(whole) or _ELSEWHERE.fullmatch(whole)):
                told[f"nbreg: the path {whole} means nothing here"] = None
    return tuple(told)


# ---------------------------------------------------------------------------------------------------
# What is asked for; entries with faults are told elsewhere, and left out here


def _asked(metadata: Mapping[str, Any]) -> Mapping[str, Any]:
    found = metadata.get("nbreg")
    return found if isinstance(found, dict) else {}


def _texts(asked: Mapping[str, Any], key: str) -> list[str]:
    entries = asked.get(key, [])
    return [path for path in entries if _path_fault(path) is None] if isinstance(entries, list) else []


def _entries(asked: Mapping[str, Any]) -> list[list[str]]:
    entries = asked.get(_REPLACE, [])
    return (
        [entry for entry in entries if _replacement_fault(entry) is None] if isinstance(entries, list) else []
    )


def _ignored(index: int, notebook: Mapping[str, Any], cell: Mapping[str, Any]) -> Iterator[re.Pattern[str]]:
    yield from (_paths(path) for path in _texts(_asked(notebook), _IGNORE))
    yield from (_paths(f"/cells/{index}{path}") for path in _texts(_asked(cell), _IGNORE))


def _replaced(index: int, notebook: Mapping[str, Any], cell: Mapping[str, Any]) -> Iterator[_Replacement]:
    for above, metadata in (("", notebook), (f"/cells/{index}", cell)):
        for path, regex, replacement in _entries(_asked(metadata)):
            yield _paths(above + path), re.compile(regex), replacement


def _paths(path: str) -> re.Pattern[str]:
    """Return the pattern of a path and all below it."""
    parts = [r"\d+" if part == "*" else re.escape(part) for part in path.strip("/").split("/") if part]
    return re.compile("/" + "/".join(parts) + "(?:/.*)?" if parts else "/.*", re.DOTALL)
