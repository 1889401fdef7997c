"""The cases of a spec: their names, their flags, and the folders of their baselines."""

from __future__ import annotations

import itertools
import json
import math
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence

from pytest_nbrepro.files import sha256_text, to_json
from pytest_nbrepro.model import FlagValue
from pytest_nbrepro.sources import Fault

_MOST = 10_000  # cases of one notebook
_LONGEST = 60
_REPLACED = re.compile(r"[^A-Za-z0-9=,._+-]")
_DEVICE = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\..*)?", re.IGNORECASE)
RESERVED = (
    frozenset(  # what the folder of a case holds: the folder of a case below it must not be taken for it
        {"files", "cells", "overlay", "metrics.json", "artifacts.json", "environment.json", "notebook.ipynb"}
    )
)
_FLOATS = frozenset({"nan", "inf", "-inf"})

Named = tuple[str, Mapping[str, FlagValue]]


def named(
    cases: Mapping[str, Mapping[str, FlagValue] | None], matrix: Mapping[str, Sequence[FlagValue]]
) -> Iterator[Named]:
    """Yield the names of all cases with their own flags: the named ones, then the product of the matrix.

    Without any there is one, ``default``.
    """
    for name, flags in cases.items():
        yield name, flags or {}
    if matrix:
        for values in itertools.product(*matrix.values()):
            flags = dict(zip(matrix, values, strict=True))
            yield ",".join(f"{flag}={shown(value)}" for flag, value in flags.items()), flags
    elif not cases:
        yield "default", {}


def shown(value: FlagValue) -> str:
    """Return a value as an annotation has it: ``-1``, ``0.1``, ``true``, ``adam``, ``[64, 32]``.

    Texts that would read as something else are quoted, so that different values never look the same.
    """
    if isinstance(value, float):
        return repr(value)
    if not isinstance(value, str):
        return _quoted(value)
    return _quoted(value) if _needs_quotes(value) else value


def _quoted(value: FlagValue) -> str:
    """Return a value as JSON that can stand in a node id."""
    text = json.dumps(value, ensure_ascii=False)
    printable = "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in text)
    return printable.replace("::", ":\\u003a")


def _needs_quotes(text: str) -> bool:
    if text in _FLOATS or text != text.strip() or not text.isprintable() or "::" in text:
        return True
    try:
        json.loads(text)
    except ValueError:
        return not text or text[0] in '[{"'
    return True


def clashes(
    cases: Mapping[str, Mapping[str, FlagValue] | None], matrix: Mapping[str, Sequence[FlagValue]]
) -> list[Fault]:
    """Return the names that stand for several cases, or that the matrix makes far too many."""
    count = math.prod(len(values) for values in matrix.values()) if matrix else 0
    if count > _MOST:
        return [Fault(("matrix",), f"makes {count} cases, more than {_MOST}")]
    seen = set(cases)
    faults = []
    for name, _ in itertools.islice(named(cases, matrix), len(cases), None):
        if name in seen:
            other = "is also in 'cases'" if name in cases else "is made twice"
            faults.append(Fault(("matrix",), f"the case {name!r} {other}"))
        seen.add(name)
    return faults


# ---------------------------------------------------------------------------------------------------
# Folders


def case_folder(notebook: str, name: str, flags: Mapping[str, FlagValue]) -> str:
    """Return the folder of a case's baseline, relative to the folder of baselines.

    It is the notebook's path without its suffix, and the case's name as a slug of at most 60 ASCII
    characters. Where the slug is not the name itself, or has a meaning of its own on some file system or
    inside a baseline, ``--`` and 8 hexadecimal digits follow: of the SHA-256 of the flags as JSON (`files.to_json`) with sorted
    keys and without spaces.

    Args:
        notebook: POSIX path relative to the project's root.
        name: the name of the case.
        flags: the values that the case gives.
    """
    folder, _, file = notebook.rpartition("/")
    stem = file.removesuffix(".ipynb") or file
    return "/".join(filter(None, (folder, stem, _slug(name, flags))))


def _slug(name: str, flags: Mapping[str, FlagValue]) -> str:
    slug = _REPLACED.sub("_", name)[:_LONGEST].strip(".") or "case"
    if slug == name and slug.casefold() not in RESERVED and not _DEVICE.fullmatch(slug):
        return slug
    if _DEVICE.fullmatch(slug):  # what follows a point does not make it another name
        slug = f"_{slug}"
    canonical = json.dumps(to_json(dict(flags)), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return f"{slug}--{sha256_text(canonical)[:8]}"


def shared_folders(folders: Sequence[tuple[str, str]]) -> list[str]:
    """Return a sentence for each two cases whose folders some file system takes for one.

    Args:
        folders: name and folder of each case.
    """
    seen: dict[str, str] = {}
    faults = []
    for name, folder in folders:
        same = unicodedata.normalize("NFC", folder).casefold()
        if same in seen:
            faults.append(f"the cases {seen[same]!r} and {name!r} have one folder of baselines, {folder}")
        seen.setdefault(same, name)
    return faults
