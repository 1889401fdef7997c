"""Reading, hashing and writing files so that a crash loses nothing."""

from __future__ import annotations

import ast
import contextlib
import hashlib
import json
import math
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

_BLOCK = 1 << 20


def sha256(path: Path) -> str:
    """Return the hexadecimal SHA-256 of a file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def sha256_text(text: str) -> str:
    """Return the hexadecimal SHA-256 of a text in UTF-8."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def same_bytes(one: Path, other: Path) -> bool:
    """Tell whether two files hold the same bytes, reading only as far as needed."""
    if one.stat().st_size != other.stat().st_size:
        return False
    with one.open("rb") as left, other.open("rb") as right:
        while block := left.read(_BLOCK):
            if block != right.read(_BLOCK):
                return False
    return True


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """Open a sibling temporary file that takes the place of `path` when the block ends well.

    The data are on disk before the rename, so that after a crash `path` holds the old content or the
    new, never a part. On an error the temporary file is removed and `path` stays as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=".tmp-", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(name, 0o666 & ~_umask())  # noqa: PTH101
        os.replace(name, path)  # noqa: PTH105
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name)  # noqa: PTH108
        raise


def _umask() -> int:
    """Return the process's umask; there is no call that reads it without setting it."""
    current = os.umask(0o077)
    os.umask(current)
    return current


def write_bytes(path: Path, data: bytes) -> None:
    """Replace the content of `path`, whole or not at all."""
    with replacing(path) as stream:
        stream.write(data)


def write_text(path: Path, text: str) -> None:
    """Replace the content of `path` by a text in UTF-8, whole or not at all."""
    write_bytes(path, text.encode("utf-8", "surrogateescape"))


def copy(source: Path, target: Path) -> None:
    """Copy a file's bytes to `target`, whole or not at all."""
    with source.open("rb") as stream, replacing(target) as out:
        while block := stream.read(_BLOCK):
            out.write(block)


def dump_json(value: Any, *, indent: int | None = 1) -> str:
    """Return `value` as JSON with sorted keys and a final newline.

    Raises:
        ValueError: a number is NaN or infinite: tag it first (see `to_json`).
    """
    return json.dumps(value, indent=indent, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"


def write_json(path: Path, value: Any) -> None:
    """Replace the content of `path` by `dump_json(value)`, whole or not at all."""
    write_text(path, dump_json(value))


def to_json(value: Any) -> Any:
    """Return a flag or metric value in a form that JSON keeps exactly.

    None, booleans, integers, finite floats, strings, and lists and string-keyed dictionaries of these are
    themselves. What JSON has no word for is tagged: ``{"$float": "NaN"}`` (also ``Infinity``,
    ``-Infinity``) and ``{"$literal": "(1, 2)"}``, Python's own notation.
    """
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else {"$float": _FLOAT_NAMES[repr(value)]}
    if isinstance(value, list):
        return [to_json(item) for item in value]
    if isinstance(value, dict) and all(isinstance(k, str) and not k.startswith("$") for k in value):
        return {key: to_json(item) for key, item in value.items()}
    return {"$literal": repr(value)}


def from_json(value: Any) -> Any:
    """Undo `to_json`.

    Raises:
        ValueError: a tag is unknown or holds what it should not.
    """
    if isinstance(value, list):
        return [from_json(item) for item in value]
    if not isinstance(value, dict):
        return value
    if set(value) == {"$float"}:
        return float(value["$float"])
    if set(value) == {"$literal"}:
        return ast.literal_eval(value["$literal"])
    if any(str(key).startswith("$") for key in value):
        raise ValueError(f"unknown tag in {value!r}")
    return {key: from_json(item) for key, item in value.items()}


_FLOAT_NAMES = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}
