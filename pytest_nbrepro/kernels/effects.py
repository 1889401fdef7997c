"""Inside the fork server: what modules change of a process when they are executed, and can be put back.

Loaded along with `hidden.py`: the standard library alone.
"""

from __future__ import annotations

import builtins
import os
import random
import signal
import sys
import threading
import warnings
from collections.abc import Iterator
from typing import Any


class UnfitError(Exception):
    """Kernels cannot be forked after what was imported; the message says why."""


class State:
    """What modules change of a process when they are executed, and what can be put back."""

    def __init__(self, finder: Any) -> None:
        self._finder = finder
        self.environ = dict(os.environ._data)  # type: ignore[attr-defined]  # noqa: SLF001 - as it is kept, which is quick
        self.filters = list(warnings.filters)
        self.finders = [one for one in sys.meta_path if one is not finder]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, State) and vars(self) == vars(other)

    __hash__ = None  # type: ignore[assignment]

    def restore(self) -> None:
        """Let the process be as it was, but for a finder that is to be left alone."""
        for name in os.environb.keys() - self.environ.keys():
            del os.environb[name]
        os.environb.update(self.environ)
        warnings.filters[:] = self.filters  # type: ignore[index]
        warnings._filters_mutated()  # type: ignore[attr-defined]  # noqa: SLF001
        kept = [one for one in sys.meta_path if one is self._finder]
        sys.meta_path[:] = [*kept, *self.finders]


class Change:
    """The difference between two states.

    Raises:
        UnfitError: it is none that can be made again.
    """

    def __init__(self, old: State, new: State) -> None:
        self._gone = old.environ.keys() - new.environ.keys()
        self._set = {name: text for name, text in new.environ.items() if old.environ.get(name) != text}
        self._filters = _ends(old.filters, new.filters)
        self._finders = _ends(old.finders, new.finders)

    def make(self) -> None:
        """Change this process in the same way."""
        for name in self._gone:
            os.environb.pop(name, None)
        os.environb.update(self._set)
        _extend(warnings.filters, *self._filters)
        warnings._filters_mutated()  # type: ignore[attr-defined]  # noqa: SLF001
        _extend(sys.meta_path, *self._finders)


def _ends(old: list[Any], new: list[Any]) -> tuple[list[Any], list[Any]]:
    """Return what a list has gained before and after what it had; what has moved to its front is new."""
    for count in range(len(new) + 1):
        kept = [one for one in old if one not in new[:count]]
        if new[count : count + len(kept)] == kept:
            return new[:count], new[count + len(kept) :]
    raise UnfitError("a library takes away filters of warnings, or finders, when it is imported")


def _extend(target: Any, front: list[Any], back: list[Any]) -> None:
    target[:] = [*front, *(one for one in target if one not in front), *back]


def untouched() -> list[Any]:
    """Return what no library may change."""
    handlers = [signal.getsignal(number) for number in signal.valid_signals()]
    hooks = [sys.excepthook, sys.displayhook, sys.unraisablehook, threading.excepthook, sys.gettrace()]
    paths = [list(sys.path), list(sys.path_hooks), os.getcwd()]  # noqa: PTH109
    return [handlers, hooks, paths, sys.getrecursionlimit(), dict(vars(builtins))]


def generators(modules: dict[str, Any], collector: Any) -> Iterator[Any]:
    """Yield generators of random numbers that nobody would seed anew after a fork."""
    kinds: tuple[type, ...] = (random.Random,)
    objects = collector.get_objects()
    names: Any = getattr(sys.modules.get("tempfile") or modules.get("tempfile"), "_RandomNameSequence", ())
    # Python sees to these
    expected = {id(random._inst)}  # noqa: SLF001
    expected |= {id(one.__dict__.get("_rng")) for one in objects if isinstance(one, names)}
    if "numpy.random" in modules:
        numpy = modules["numpy.random"]
        kinds += (numpy.Generator, numpy.RandomState, numpy.BitGenerator)
        own = modules["numpy.random.mtrand"]._rand  # noqa: SLF001 - `renew` sees to it
        expected |= {id(own), id(own._bit_generator)}  # noqa: SLF001
    for one in objects:
        if isinstance(one, kinds) and not isinstance(one, random.SystemRandom) and id(one) not in expected:
            yield one
