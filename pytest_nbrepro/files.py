"""Reading, hashing and writing files so that a crash loses nothing."""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
import secrets
from collections.abc import Callable, Iterator
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


@contextlib.contextmanager
def replacing(path: Path, *, lasting: bool = True) -> Iterator[IO[bytes]]:
    """Open a sibling temporary file that takes the place of `path` when the block ends well.

    After a crash `path` holds the old content or the new, never a part. On an error the temporary file is
    removed and `path` stays as it was.

    Args:
        path: the file.
        lasting: that holds after a power failure, too: the data are on disk before the rename. For what is soon
            written again that is not worth the wait, of milliseconds on a good disk.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.parent / f".tmp-{secrets.token_hex(8)}"
    stream = temporary.open("xb")
    try:
        with stream:
            yield stream
            stream.flush()
            if lasting:
                os.fsync(stream.fileno())
        os.replace(temporary, path)  # noqa: PTH105 - tests make it fail
    except BaseException:
        with contextlib.suppress(OSError):  # the first error is the one to tell
            temporary.unlink()
        raise


def write_bytes(path: Path, data: bytes, *, lasting: bool = True) -> None:
    """Replace the content of `path`, whole or not at all: see `replacing`."""
    with replacing(path, lasting=lasting) as stream:
        stream.write(data)


def write_text(path: Path, text: str, *, lasting: bool = True) -> None:
    """Replace the content of `path` by a text in UTF-8, whole or not at all: see `replacing`.

    Half a surrogate pair, which UTF-8 cannot hold, becomes its escape, which is right in JSON.
    """
    write_bytes(path, text.encode("utf-8", "backslashreplace"), lasting=lasting)


def copy(source: Path, target: Path) -> None:
    """Copy a file's bytes to `target`, whole or not at all."""
    with source.open("rb") as stream, replacing(target) as out:
        while block := stream.read(_BLOCK):
            out.write(block)


def inside(folder: Path, path: str) -> str | None:
    """Return the absolute path of a regular file in a folder; None where there is none, or a link leads out of it."""
    found = folder / path
    try:
        real = found.resolve(strict=True)
    except (OSError, RuntimeError):
        return None
    return str(real) if real.is_file() and real.is_relative_to(folder.resolve()) else None


def below(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield the POSIX name and the path of each regular file below a folder, sorted; links that lead out of it are left out."""
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and inside(folder, name):
            yield name, path


def dump_json(value: Any, *, indent: int | None = 1) -> str:
    """Return `value` as JSON with sorted keys and a final newline, all of which UTF-8 can hold.

    Raises:
        ValueError: a number is NaN or infinite: tag it first (see `to_json`).
    """
    text = json.dumps(value, indent=indent, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"
    # Half a surrogate pair, as in a file name that is not UTF-8, becomes its JSON escape.
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def write_json(path: Path, value: Any, *, lasting: bool = True) -> None:
    """Replace the content of `path` by `dump_json(value)`, whole or not at all: see `replacing`."""
    write_text(path, dump_json(value), lasting=lasting)


def to_json(value: Any) -> Any:
    """Return a flag or metric value in a form that JSON keeps exactly.

    None, booleans, integers, finite floats, strings, and lists and string-keyed dictionaries of these are
    themselves. What JSON has no word for is tagged: ``{"$float": "NaN"}`` (also ``Infinity``,
    ``-Infinity``), ``{"$complex": [real, imaginary]}``, ``{"$tuple": [items]}`` and, for other
    dictionaries, ``{"$dict": [[key, item]]}``.

    Raises:
        TypeError: it is, or holds, something else.
    """
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else {"$float": _FLOAT_NAMES[repr(value)]}
    if isinstance(value, complex):
        return {"$complex": [to_json(value.real), to_json(value.imag)]}
    if isinstance(value, tuple):
        return {"$tuple": [to_json(item) for item in value]}
    if isinstance(value, list):
        return [to_json(item) for item in value]
    if not isinstance(value, dict):
        raise TypeError(f"no flag or metric is of type {type(value).__name__}")
    if all(isinstance(key, str) and not key.startswith("$") for key in value):
        return {key: to_json(item) for key, item in value.items()}
    return {"$dict": [[to_json(key), to_json(item)] for key, item in value.items()]}


def from_json(value: Any) -> Any:
    """Undo `to_json`.

    Raises:
        ValueError: a tag is unknown or holds what it should not.
    """
    if isinstance(value, list):
        return [from_json(item) for item in value]
    if not isinstance(value, dict):
        return value
    if not any(key.startswith("$") for key in value):
        return {key: from_json(item) for key, item in value.items()}
    try:
        ((tag, content),) = value.items()
        return _READERS[tag](content)
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"not a value, or wrongly tagged: {value!r}") from error


_FLOAT_NAMES = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}
_FLOATS = {name: float(text) for text, name in _FLOAT_NAMES.items()}
_READERS: dict[str, Callable[[Any], Any]] = {
    "$float": lambda name: _FLOATS[name],
    "$complex": lambda parts: complex(*map(from_json, parts)),
    "$tuple": lambda items: tuple(map(from_json, items)),
    "$dict": lambda pairs: {from_json(key): from_json(item) for key, item in pairs},
}
