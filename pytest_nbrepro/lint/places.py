"""Paths: those of one machine alone, and those that lead to nothing."""

from __future__ import annotations

import ast
import os
import re
from collections import Counter
from collections.abc import Iterator

from pytest_nbrepro.lint.base import Place, Subject, found

_HOME = r"(?:home|Users|mnt|media|data|scratch|srv|root|content|kaggle|gpfs|lustre|Volumes|workspace)"
_SYSTEM = r"(?:tmp|var|opt|usr|etc)"
_ABSOLUTE = re.compile(
    rf"(?:/(?:{_HOME}|{_SYSTEM})/[^\s<>]*|[A-Za-z]:[\\/][^\s<>]*|~/[^\s<>]*|\\\\\w[^\s<>]*)"
)
_READS = re.compile(
    r"(?:^|\.)(?:read_(?:csv|table|parquet|excel|json|feather|pickle|hdf|fwf|orc|stata|sas|spss|xml|ipc|ndjson)"
    r"|scan_(?:csv|parquet|ipc|ndjson)|imread|loadtxt|genfromtxt)$"
)
_READ_NAMES = frozenset(
    {"numpy.load", "joblib.load", "torch.load", "PIL.Image.open", "h5py.File", "xarray.open_dataset"}
)
_MODES = re.compile(r"[rbt]+")


def absolute(subject: Subject) -> Iterator[Place]:
    """Yield texts that are absolute paths."""
    for code in subject.code:
        for node in ast.walk(code.tree) if code.tree is not None else ():
            if (
                isinstance(node, ast.Constant)
                and isinstance(node.value, str)
                and _ABSOLUTE.fullmatch(node.value)
            ):
                yield found(code.cell.index, node, f"{node.value!r} is a path of one machine")


def missing(subject: Subject) -> Iterator[Place]:
    """Yield relative paths that are read, that no cell above names as written, and that are not in the project."""
    texts: Counter[str] = Counter()  # one that is written somewhere is seen there, too
    reads = []
    for cell, call, _ in subject.calls():
        texts.update(_texts(call))
        if (path := _read(call, subject.name_of(call.func))) is not None:
            reads.append((cell, call, path))
    counts = Counter(path for _, _, path in reads)
    for cell, call, path in reads:
        if texts[path] == counts[path] and (why := _why(subject, path)) is not None:
            yield found(cell, call, f"it reads {path!r}, which {why}")


def _why(subject: Subject, path: str) -> str | None:
    """Say what is wrong with a path; None where it leads to something, or may lead anywhere."""
    if "://" in path or os.path.isabs(path) or path.startswith("~") or _ABSOLUTE.fullmatch(path):  # noqa: PTH117
        return None
    there = os.path.normpath(subject.folder / path)
    if not (there + os.sep).startswith(str(subject.root) + os.sep):
        return "lies outside the project: no run finds it"
    return None if os.path.exists(there) else "is not there"  # noqa: PTH110 - a text


def _read(call: ast.Call, name: str | None) -> str | None:
    """Return the path that a call reads, where it is written out."""
    first = call.args[0] if call.args else None
    if not (isinstance(first, ast.Constant) and isinstance(first.value, str)):
        return None
    if isinstance(call.func, ast.Name) and call.func.id == "open" and name is None:
        return first.value if _reading(call) else None
    attribute = f".{call.func.attr}" if isinstance(call.func, ast.Attribute) else ""
    return first.value if name in _READ_NAMES or _READS.search(name or attribute) else None


def _reading(call: ast.Call) -> bool:
    """Tell whether `open` opens to read."""
    modes = [*call.args[1:2], *(word.value for word in call.keywords if word.arg == "mode")]
    return all(isinstance(mode, ast.Constant) and _MODES.fullmatch(str(mode.value)) for mode in modes)


def _texts(call: ast.Call) -> Iterator[str]:
    for node in (*call.args, *(word.value for word in call.keywords)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
