"""Inside the kernel: holding still what makes runs differ, one thing at a time, to see whether they agree then.

Loaded by `child.py` from its own folder, by path, in any Python from 3.9 on: the standard library alone.

Only for experiments (`nbrepro why`): a test's run is never forced. What is replaced serves the notebook's own code and
the libraries that it calls; the kernel's machinery gets what it always gets.
"""

from __future__ import annotations

import builtins
import datetime as dt
import functools
import hashlib
import itertools
import os
import random
import sys
import time
import types
from types import FrameType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pytest_nbrepro.kernels.tracing import Tracer

_OWN, _LIBRARY = 0, 4  # of `tracing`
_TICK = 1e-3  # seconds that a frozen clock moves with each look, so that whoever waits for it gets on
_TIMED = {"timeit", "logging"}  # modules of Python that ask for the time on the notebook's behalf
_SECONDS = ("time", "perf_counter", "process_time", "monotonic", "thread_time")
_BROKEN_DOWN = {
    "localtime": 1,
    "gmtime": 1,
    "ctime": 1,
    "asctime": 1,
    "strftime": 2,
}  # arguments with a time given


class Forcing:
    """Replaces what is to be held still.

    Args:
        forced: what, and how: ``random``, ``numpy``, ``torch``, ``tensorflow``: a seed; ``entropy`` and ``ids``: true;
            ``clock``: seconds since 1970; ``listing``: ``sorted`` or ``reversed``.
        tracer: tells whose code it is.
        note: called with what the notebook's own code was seen to read, and where.
    """

    def __init__(self, forced: Mapping[str, Any], tracer: Tracer, note: Callable[[str, str], None]) -> None:
        self._forced = forced
        self._tracer = tracer
        self._note = note
        self._told: set[str] = set()
        self._drawn = itertools.count()

    def begin(self) -> None:
        """Begin a cell."""
        self._told.clear()

    def attach(self) -> None:
        """Replace it all, before the first cell."""
        if "entropy" in self._forced:
            self._hold_entropy()
        if "ids" in self._forced:
            self._hold_ids()
        if "clock" in self._forced:
            self._hold_clock(float(self._forced["clock"]))
        if "listing" in self._forced:
            self._hold_listings(backwards=self._forced["listing"] == "reversed")

    def modules(self) -> dict[str, Callable[[Any], object]]:
        """Return what to do to libraries once they are imported."""
        return {"numpy.random": self._hold_numpy} if "entropy" in self._forced else {}

    def _frame(self, *, through_libraries: bool) -> FrameType | None:
        return self._tracer.culprit(sys._getframe(2), through_libraries=through_libraries)  # noqa: SLF001

    def _bytes(self, size: int) -> bytes:
        return hashlib.shake_256(b"nbrepro %d" % next(self._drawn)).digest(size)

    # entropy of the system

    def _hold_entropy(self) -> None:
        urandom, seed = os.urandom, random.Random.seed

        def entropy(size: int) -> bytes:
            return urandom(size) if self._frame(through_libraries=False) is None else self._bytes(size)

        @functools.wraps(seed)
        def seeding(generator: random.Random, a: Any = None, version: int = 2) -> None:
            fresh = a is None and generator is not random._inst  # noqa: SLF001
            seed(generator, a, version)
            if fresh and self._frame(through_libraries=True) is not None:
                generator.setstate(random.Random(self._bytes(32)).getstate())  # noqa: S311

        os.urandom = random._urandom = entropy  # type: ignore[attr-defined]  # noqa: SLF001
        kind: Any = random.Random
        kind.seed = seeding

    def _hold_numpy(self, module: Any) -> None:
        inner = module.bit_generator
        randbits = inner.randbits

        def held(bits: int) -> int:
            drawn: int = randbits(bits)  # which lets it be seen, too
            own = self._frame(through_libraries=True) is not None
            return int.from_bytes(self._bytes((bits + 7) // 8), "big") if own else drawn

        inner.randbits = held

    # numbers of objects and processes

    def _hold_ids(self) -> None:
        identity, pid = builtins.id, os.getpid
        serial: dict[int, int] = {}

        def held_id(thing: object, /) -> int:
            number = identity(thing)
            if self._tracer.kind(sys._getframe(1)) != _OWN:  # noqa: SLF001
                return number
            return serial.setdefault(number, len(serial))

        def held_pid() -> int:
            return 1 if self._tracer.kind(sys._getframe(1)) == _OWN else pid()  # noqa: SLF001

        builtins.id = held_id
        os.getpid = held_pid

    # the clock

    def _hold_clock(self, begin: float) -> None:
        looks = itertools.count()

        def now() -> float:
            return begin + _TICK * next(looks)

        def asks() -> bool:
            frame = sys._getframe(2)  # noqa: SLF001
            name = frame.f_globals.get("__name__", "").partition(".")[0]
            if self._tracer.kind(frame) not in {_OWN, _LIBRARY} and name not in _TIMED:
                return False
            culprit = self._tracer.culprit(frame, through_libraries=True)
            if culprit is not None and "clock" not in self._told:
                self._told.add("clock")
                self._note("clock", self._tracer.place(culprit))
            return culprit is not None

        for name in _SECONDS:
            self._replace_seconds(name, asks, now)
            self._replace_nanoseconds(f"{name}_ns", asks, now)
        for name, given in _BROKEN_DOWN.items():
            self._replace_broken_down(name, given, asks, now)
        held = {"datetime": _datetimes(asks, now), "date": _days(asks, now)}
        tracer = self._tracer

        class Module(types.ModuleType):
            """The module `datetime`: the notebook's own code gets what stands for its classes, libraries the real ones.

            Those of them that are made of C look at the very size of a class.
            """

            def __getattribute__(self, name: str) -> Any:
                if name in held and tracer.kind(sys._getframe(1)) == _OWN:  # noqa: SLF001
                    return held[name]
                return super().__getattribute__(name)

        dt.__class__ = Module

    def _replace_seconds(self, name: str, asks: Callable[[], bool], now: Callable[[], float]) -> None:
        real = getattr(time, name)
        setattr(time, name, functools.wraps(real)(lambda: now() if asks() else real()))

    def _replace_nanoseconds(self, name: str, asks: Callable[[], bool], now: Callable[[], float]) -> None:
        real = getattr(time, name)
        setattr(time, name, functools.wraps(real)(lambda: int(now() * 10**9) if asks() else real()))

    def _replace_broken_down(
        self, name: str, given: int, asks: Callable[[], bool], now: Callable[[], float]
    ) -> None:
        """Replace a function that takes the present where it is given no time."""
        real, gmtime, localtime = getattr(time, name), time.gmtime, time.localtime

        @functools.wraps(real)
        def held(*arguments: Any) -> Any:
            if len(arguments) >= given or not asks():
                return real(*arguments)
            moment = now()
            if name in {"localtime", "gmtime"}:
                return (gmtime if name == "gmtime" else localtime)(moment)
            return real(moment) if name == "ctime" else real(*arguments, localtime(moment))

        setattr(time, name, held)

    # the order of listings

    def _hold_listings(self, *, backwards: bool) -> None:
        listdir, scandir = os.listdir, os.scandir

        @functools.wraps(listdir)
        def listed(*arguments: Any, **options: Any) -> list[Any]:
            return sorted(listdir(*arguments, **options), reverse=backwards)

        class Scanned:
            def __init__(self, found: list[Any]) -> None:
                self._found = iter(found)

            def __iter__(self) -> Scanned:
                return self

            def __next__(self) -> Any:
                return next(self._found)

            def __enter__(self) -> Any:
                return self

            def __exit__(self, *_: object) -> None:
                self.close()

            def close(self) -> None:
                self._found = iter(())

        @functools.wraps(scandir)
        def scanned(*arguments: Any, **options: Any) -> Any:
            with scandir(*arguments, **options) as found:
                return Scanned(sorted(found, key=lambda entry: entry.name, reverse=backwards))

        os.listdir = listed
        os.scandir = scanned


class _Stand(type):
    """The type of what stands for a class: it makes the real objects, which count as its own."""

    def __instancecheck__(cls, thing: object) -> bool:
        return isinstance(thing, cls.__bases__[0])

    def __subclasscheck__(cls, other: type) -> bool:
        return issubclass(other, cls.__bases__[0])


def _datetimes(asks: Callable[[], bool], now: Callable[[], float]) -> Any:
    """Return what stands for `datetime.datetime`."""
    real: Any = dt.datetime

    class Held(real, metaclass=_Stand):  # type: ignore[misc]
        def __new__(cls, *arguments: Any, **options: Any) -> Any:
            return real(*arguments, **options)

        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return real.fromtimestamp(now(), tz) if asks() else real.now(tz)

        @classmethod
        def today(cls) -> Any:
            return real.fromtimestamp(now()) if asks() else real.today()

        @classmethod
        def utcnow(cls) -> Any:
            moment = now() if asks() else time.time()
            return real.fromtimestamp(moment, dt.UTC).replace(tzinfo=None)

    return _named(Held, real)


def _days(asks: Callable[[], bool], now: Callable[[], float]) -> Any:
    """Return what stands for `datetime.date`."""
    real: Any = dt.date

    class Held(real, metaclass=_Stand):  # type: ignore[misc]
        def __new__(cls, *arguments: Any, **options: Any) -> Any:
            return real(*arguments, **options)

        @classmethod
        def today(cls) -> Any:
            return real.fromtimestamp(now()) if asks() else real.today()

    return _named(Held, real)


def _named(held: type, real: type) -> type:
    for name in ("__module__", "__qualname__", "__name__"):
        setattr(held, name, getattr(real, name))
    return held
