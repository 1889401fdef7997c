"""Inside the kernel: fingerprints of the notebook's variables, by which two runs are compared cell by cell.

Loaded by `child.py` from its own folder, by path, in any Python from 3.9 on: the standard library alone. Nothing is
imported for it: the libraries whose objects these are tell them by what they have.

Numbers, text, arrays, tensors, frames, and containers of these go by value; everything else by its type. Nothing is
drawn from generators or iterators, and nothing is changed.
"""

from __future__ import annotations

import hashlib
from typing import Any

_ITEMS = 20_000  # of one container
_DEPTH = 12
_PLAIN = (bool, int, float, complex, str, bytes, type(None))
_LISTS = (list, tuple, range)


class Prints:
    """The fingerprints of the variables in a namespace, from one cell to the next.

    Args:
        namespace: that of the notebook's cells.
        hidden: names in it that are IPython's; those that begin with ``_`` are left out, too.
    """

    def __init__(self, namespace: dict[str, Any], hidden: set[str]) -> None:
        self._namespace = namespace
        self._hidden = hidden
        self._known: dict[str, str] = {}

    def changed(self) -> dict[str, str]:
        """Return the fingerprints of those variables that are new or another than at the last call."""
        names = [name for name in self._namespace if not name.startswith("_") and name not in self._hidden]
        found = {name: fingerprint(self._namespace[name]) for name in names}
        changed = {name: text for name, text in found.items() if self._known.get(name) != text}
        self._known = found
        return changed


def fingerprint(thing: Any) -> str:
    """Return a fingerprint of a value."""
    digest = hashlib.blake2b(digest_size=12)
    try:
        _add(digest, thing, 0)
    except Exception:  # noqa: BLE001  # whatever an object of the notebook's raises when it is read
        digest.update(b"unreadable")
    return digest.hexdigest()


def _add(digest: Any, thing: Any, depth: int) -> None:
    kind = type(thing)
    digest.update(f"{kind.__module__}.{kind.__qualname__}\0".encode())
    if depth > _DEPTH:
        return
    if isinstance(thing, _PLAIN):
        digest.update(
            (thing if isinstance(thing, bytes) else repr(thing).encode("utf-8", "surrogatepass")) + b"\0"
        )
    elif isinstance(thing, _LISTS):
        for item in thing[:_ITEMS]:
            _add(digest, item, depth + 1)
        digest.update(b"%d\0" % len(thing))
    elif isinstance(thing, dict):
        for key in list(thing)[:_ITEMS]:
            _add(digest, key, depth + 1)
            _add(digest, thing[key], depth + 1)
        digest.update(b"%d\0" % len(thing))
    elif isinstance(thing, (set, frozenset)):
        for text in sorted(map(fingerprint, list(thing)[:_ITEMS])):
            digest.update(text.encode())
    else:
        _add_rich(digest, thing, depth)


def _add_rich(digest: Any, thing: Any, depth: int) -> None:
    """Add an array, a tensor or a frame, known by what it has; of anything else its type is all that counts."""
    if hasattr(thing, "detach") and hasattr(thing, "cpu"):  # a tensor
        thing = thing.detach().cpu().numpy()
    if hasattr(thing, "dtype") and hasattr(thing, "tobytes"):
        digest.update(f"{thing.dtype}{getattr(thing, 'shape', ())}\0".encode())
        if thing.dtype == object:
            _add(digest, thing.tolist(), depth + 1)
        else:
            digest.update(thing.tobytes())
    elif hasattr(thing, "columns") and hasattr(thing, "iloc"):  # a frame of pandas
        _add(digest, list(thing.columns), depth + 1)
        _add(digest, thing.index, depth + 1)
        for number in range(thing.shape[1]):
            _add(digest, thing.iloc[:, number].to_numpy(), depth + 1)
    elif hasattr(thing, "to_numpy") and hasattr(thing, "dtype"):  # a series or an index
        _add(digest, getattr(thing, "name", None), depth + 1)
        if hasattr(thing, "iloc"):
            _add(digest, thing.index, depth + 1)
        _add(digest, thing.to_numpy(), depth + 1)
    elif hasattr(thing, "get_columns"):  # a frame of polars
        for column in thing.get_columns():
            _add(digest, column, depth + 1)
