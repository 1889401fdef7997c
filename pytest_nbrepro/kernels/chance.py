"""Inside the kernel: whether a cell drew from a generator that nobody seeded.

Loaded by `child.py` from its own folder, by path, in any Python from 3.9 on: the standard library alone.

Global generators are not wrapped: their states before and after a cell are compared, so that a draw costs nothing.
Wrapped is what seeds them, and what asks the system for entropy, which is how fresh generators begin. The streams stay
what they are.
"""

from __future__ import annotations

import contextlib
import functools
import os
import random
import sys
import uuid
from types import FrameType
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_nbrepro.kernels.tracing import Tracer

_PENDING = (
    16  # fresh generators of one cell that are watched until they draw; of more it is taken for granted
)


class Global:
    """A library's global generator, between two looks at it.

    Args:
        kind: what it is called.
        state: returns its state, as something that can be compared.
    """

    def __init__(self, kind: str, state: Callable[[], Any]) -> None:
        self.kind = kind
        self.seeded = False
        self.drawn = False
        self._state = state
        self._before = state()
        self._unseeded: list[Any] = []  # states that somebody may put back

    def look(self) -> None:
        """Take note of a draw since the last look, where the state was nobody's choice."""
        now = self._state()
        self.drawn |= not self.seeded and now != self._before
        self._before = now

    def forgive(self) -> None:
        """Begin anew: what came since the last look is not the notebook's doing."""
        self._before = self._state()

    def about_to_change(self) -> None:
        """Look before it is seeded, or its state is set."""
        self.look()
        if not self.seeded:
            self._unseeded = [*self._unseeded[-1:], self._before]

    def changed(self, *, seeded: bool) -> None:
        """Take note of its new state."""
        self.forgive()
        self.seeded = seeded and self._before not in self._unseeded


class Chance:
    """Watches what cells draw.

    Args:
        tracer: tells whose code it is.
        note: called with what was seen and where, in words, once for each cell and kind.
    """

    def __init__(self, tracer: Tracer, note: Callable[[str, str], None]) -> None:
        self.modules: dict[str, Callable[[Any], None]] = {
            "numpy.random": self._watch_numpy,
            "torch.random": self._watch_torch,
        }
        self._tracer = tracer
        self._note = note
        self._globals: list[Global] = []
        self._fresh: dict[int, tuple[random.Random, Any, str]] = {}
        self._told: set[str] = set()
        self._quiet = False

    def attach(self) -> None:
        """Watch what Python itself brings."""
        watched = Global("random", random.getstate)
        self._globals.append(watched)
        instance: Any = random._inst  # noqa: SLF001
        seed, setstate = random.Random.seed, random.Random.setstate

        @functools.wraps(seed)
        def seeding(generator: random.Random, a: Any = None, version: int = 2) -> None:
            if generator is instance:
                watched.about_to_change()
                seed(generator, a, version)
                watched.changed(seeded=a is not None)
            else:
                self._settle(generator)
                seed(generator, a, version)
                if a is None:
                    self._begun(generator)

        @functools.wraps(setstate)
        def setting(generator: random.Random, state: Any) -> None:
            if generator is instance:
                watched.about_to_change()
                setstate(generator, state)
                watched.changed(seeded=True)
            else:
                self._settle(generator)
                setstate(generator, state)

        kind: Any = random.Random
        kind.seed, kind.setstate = seeding, setting
        random.seed, random.setstate = instance.seed, instance.setstate
        self._watch_system()

    def _watch_system(self) -> None:
        """Watch what is asked of the system."""
        urandom, uuid1 = os.urandom, uuid.uuid1

        def entropy(size: int) -> bytes:
            if "entropy" not in self._told and not self._quiet:
                self._asked("entropy", sys._getframe(1))  # noqa: SLF001
            return urandom(size)

        def identity(*arguments: Any, **options: Any) -> uuid.UUID:
            if "uuid" not in self._told:
                self._asked("uuid", sys._getframe(1))  # noqa: SLF001
            return uuid1(*arguments, **options)

        os.urandom = functools.wraps(urandom)(entropy)
        random._urandom = entropy  # type: ignore[attr-defined]  # noqa: SLF001  # of SystemRandom, and so of `secrets`
        uuid.uuid1 = functools.wraps(uuid1)(identity)

    def _asked(self, kind: str, frame: FrameType) -> None:
        """Note who asked the system for something unforeseeable, where it is the notebook's own code.

        Libraries that do so name files and messages; the generators that they make are seen as such.
        """
        if frame.f_globals.get("__name__") == "uuid":
            kind = "uuid"
        culprit = self._tracer.culprit(frame, through_libraries=False)
        if culprit is not None:
            self._tell(kind, culprit)

    def _begun(self, generator: random.Random) -> None:
        """Take note of a generator that began with the system's entropy, until it draws."""
        if "fresh random" in self._told:
            return
        culprit = self._tracer.culprit(sys._getframe(2), through_libraries=True)  # noqa: SLF001
        if culprit is None:
            return
        if len(self._fresh) >= _PENDING:
            self._fresh.clear()
            self._tell("fresh random", culprit)
        else:
            self._fresh[id(generator)] = (generator, generator.getstate(), self._tracer.place(culprit))

    def _settle(self, generator: random.Random) -> None:
        """Tell whether a fresh generator has drawn, and forget it: it is given another state."""
        known = self._fresh.pop(id(generator), None)
        if known is not None and generator.getstate() != known[1]:
            self._tell("fresh random", known[2])

    def _watch_numpy(self, module: Any) -> None:
        self._watch_global(
            Global("numpy", lambda: _plain(module.get_state(legacy=False))), module, ("seed",), ("set_state",)
        )
        inner = module.bit_generator
        randbits = inner.randbits

        def asked(bits: int) -> int:
            self._fresh_numpy(sys._getframe(1))  # noqa: SLF001
            with self._quietly():
                drawn: int = randbits(bits)
            return drawn

        inner.randbits = asked
        module.RandomState = module.mtrand.RandomState = self._watch_class(module.RandomState)

    def _watch_class(self, kind: type) -> type:
        """Return what stands for `RandomState`: it makes the very same objects, and is told what they are seeded with.

        It asks the system for entropy even where it is given a seed.
        """
        chance, original = self, cast("Any", kind)

        class Meta(type):
            def __instancecheck__(cls, thing: object) -> bool:
                return isinstance(thing, kind) if cls is RandomState else super().__instancecheck__(thing)

            def __subclasscheck__(cls, other: type) -> bool:
                return issubclass(other, kind) if cls is RandomState else super().__subclasscheck__(other)

        class RandomState(kind, metaclass=Meta):  # type: ignore[misc]
            def __new__(cls, *arguments: Any, **options: Any) -> Any:
                if not _given(arguments, options):
                    chance._fresh_numpy(sys._getframe(1))  # noqa: SLF001
                with chance._quietly():
                    return kind(*arguments, **options) if cls is RandomState else original.__new__(cls)

        for name in ("__module__", "__qualname__", "__name__", "__doc__"):
            setattr(RandomState, name, getattr(kind, name))
        return RandomState

    def _fresh_numpy(self, frame: FrameType) -> None:
        if self._quiet or "fresh numpy" in self._told:
            return
        culprit = self._tracer.culprit(frame, through_libraries=True)
        if culprit is not None:
            self._tell("fresh numpy", culprit)

    @contextlib.contextmanager
    def _quietly(self) -> Iterator[None]:
        """See nothing of what is asked of the system: it is known what for."""
        quiet, self._quiet = self._quiet, True
        try:
            yield
        finally:
            self._quiet = quiet

    def _watch_torch(self, module: Any) -> None:
        watched = Global("torch", lambda: bytes(module.get_rng_state().tolist()))
        self._watch_global(watched, module, ("manual_seed", "seed"), ("set_rng_state",))

    def _watch_global(
        self, watched: Global, module: Any, seeding: tuple[str, ...], setting: tuple[str, ...]
    ) -> None:
        """Wrap what seeds a global generator; what is called ``seed`` does so by chance where it is given nothing."""
        self._globals.append(watched)
        for name in (*seeding, *setting):
            original = getattr(module, name)

            @functools.wraps(original)
            def wrapped(*arguments: Any, _call: Any = original, **options: Any) -> Any:
                watched.about_to_change()
                try:
                    with self._quietly():
                        return _call(*arguments, **options)
                finally:
                    watched.changed(seeded=_given(arguments, options))

            wrapped.__module__ = module.__name__  # where pickles look for it
            setattr(module, name, wrapped)

    def begin(self) -> None:
        """Look at everything before a cell."""
        self._told.clear()
        for watched in self._globals:
            watched.forgive()
            watched.drawn = False

    def importing(self) -> None:
        """Look before a library is imported."""
        for watched in self._globals:
            watched.look()

    def imported(self) -> None:
        """Forgive what a library drew while it was imported."""
        for watched in self._globals:
            watched.forgive()

    def end(self) -> None:
        """Tell what a cell drew, after it."""
        for watched in self._globals:
            watched.look()
            if watched.drawn:
                self._tell(watched.kind, "")
        for generator, state, _ in list(self._fresh.values()):
            if generator.getstate() != state:
                self._settle(generator)

    def _tell(self, kind: str, culprit: FrameType | str) -> None:
        if kind not in self._told:
            self._told.add(kind)
            self._note(kind, culprit if isinstance(culprit, str) else self._tracer.place(culprit))


def _given(arguments: tuple[Any, ...], options: dict[str, Any]) -> bool:
    """Tell whether a call was given anything to seed with."""
    return any(value is not None for value in (*arguments, *options.values()))


def _plain(state: Any) -> Any:
    """Return the state of a generator, arrays and all, as something that can be compared."""
    if isinstance(state, dict):
        return tuple((name, _plain(value)) for name, value in sorted(state.items()))
    return state.tobytes() if hasattr(state, "tobytes") else state
