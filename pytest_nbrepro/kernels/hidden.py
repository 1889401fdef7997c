"""Inside the fork server: libraries are imported ahead, and hidden from kernels until these import them.

Loaded by `server.py` from its own folder, by path: the standard library alone.

After the fork `sys.modules` is as if nothing had been imported. When a kernel imports a module that is there already,
it gets that one, and with it exactly the modules that its execution had brought: what each module imports, and what it
changes of the process (environment variables, filters of warnings, finders), is recorded while it is executed. Between
two libraries all is hidden again, so that each is imported as a new process would import it.
"""

from __future__ import annotations

import builtins
import contextlib
import functools
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import os
import random
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from types import ModuleType
from typing import Any

_LOADERS = (
    importlib.machinery.SourceFileLoader,
    importlib.machinery.SourcelessFileLoader,
    importlib.machinery.ExtensionFileLoader,
)
_NONE = object()
_TOP = ""  # what is imported by nobody


class UnfitError(Exception):
    """Kernels cannot be forked after what was imported; the message says why."""


class Hidden(importlib.abc.MetaPathFinder):
    """What was imported ahead; a finder that brings it back."""

    def __init__(self) -> None:
        self.modules: dict[str, Any] = {}  # in the order of their execution
        self.shown: Callable[[str], object] = lambda _: None  # called with each module that comes back
        self._hidden: set[str] = set()
        self._brings: dict[str, set[str]] = {}  # by a module, what its execution imported itself
        self._changes: dict[str, list[_Change]] = {}
        self._parents: dict[
            str, tuple[Any, str, Any]
        ] = {}  # whose attribute a module is, and what that was before
        self._before: dict[str, Any] = {}
        self._base = set(sys.modules)
        self._known = set(sys.modules)
        self._executing = [_TOP]
        self._recording = False
        self._state = _State()

    # -- in the server ------------------------------------------------------------------------------

    def load(self, names: Iterable[str]) -> None:
        """Import modules ahead, and hide them; names that are none are passed over.

        Raises:
            UnfitError: they change what cannot be hidden.
        """
        collector = importlib.import_module("gc")
        if "gc" not in self._base:  # nor in a new kernel
            del sys.modules["gc"]
        untouched, base = _untouched(), _State()
        sys.meta_path.insert(0, self)
        self._state = _State()
        for name in names:
            with self._recorded(), contextlib.suppress(ImportError):
                importlib.import_module(name)
            self._hide(base)
        if untouched != _untouched():
            raise UnfitError("a library changes signals, the path or hooks when it is imported")
        foreign = sorted({type(one).__qualname__ for one in _generators(self.modules, collector)})
        if foreign:
            raise UnfitError(f"libraries keep random generators: {', '.join(foreign)}")

    @contextlib.contextmanager
    def _recorded(self) -> Iterator[None]:
        real = builtins.__import__
        builtins.__import__ = functools.partial(self._import, real)
        self._recording = True
        try:
            yield
        finally:
            self._recording = False
            builtins.__import__ = real
            self._mark()

    def _import(
        self,
        real: Callable[..., ModuleType],
        name: str,
        globals: Any = None,  # noqa: A002 - as the built-in function calls it
        locals: Any = None,  # noqa: A002
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> ModuleType:
        module = real(name, globals, locals, fromlist, level)
        whole = name
        if level:
            package = globals.get("__package__") or globals["__name__"].rpartition(".")[0]
            whole = importlib.util.resolve_name("." * level + name, package)
        self._bring(whole)
        wanted: Iterable[str] = fromlist or ()
        if "*" in wanted:
            wanted = getattr(module, "__all__", ())
        for attribute in wanted:
            below = f"{whole}.{attribute}"
            if sys.modules.get(below) is getattr(module, "__dict__", {}).get(attribute, self):
                self._bring(below)
        return module

    def _bring(self, name: str) -> None:
        if name not in self._base:
            self._brings.setdefault(self._executing[-1], set()).add(name)

    def _mark(self) -> None:
        """Let the module that is being executed answer for what is new since the last mark."""
        if len(sys.modules) != len(self._known):
            for name in sys.modules.keys() - self._known:
                self._known.add(name)
                self._bring(name)
            self._known &= sys.modules.keys()
        state = _State()
        if state != self._state:
            change = _Change(self._state, state)
            self._changes.setdefault(self._executing[-1], []).append(change)
            self._state = state

    @contextlib.contextmanager
    def _inside(self, name: str) -> Iterator[None]:
        self._mark()
        self._executing.append(name)
        try:
            yield
        except BaseException:  # what it had brought is there all the same
            for each in self._brings.get(name, ()):
                self._brings.setdefault(self._executing[-2], set()).add(each)
            raise
        finally:
            self._mark()
            self._executing.pop()

    def _watch(self, spec: importlib.machinery.ModuleSpec) -> None:
        """Have the execution of a module recorded."""
        loader: Any = spec.loader
        if not isinstance(loader, _LOADERS):
            return
        create, execute = loader.create_module, loader.exec_module

        def created(spec: Any) -> Any:
            with self._inside(spec.name):
                return create(spec)

        def executed(module: Any) -> None:
            del loader.create_module, loader.exec_module
            self._known.add(spec.name)
            with self._inside(spec.name):
                execute(module)
            if isinstance(loader, importlib.machinery.ExtensionFileLoader):
                for name in _references(module):
                    if name in sys.modules and name not in self._base and name != spec.name:
                        self._brings.setdefault(spec.name, set()).add(name)

        loader.create_module, loader.exec_module = created, executed  # type: ignore[method-assign]

    def _hide(self, base: _State) -> None:
        for name in [name for name in sys.modules if name not in self._base]:
            self.modules[name] = sys.modules.pop(name)
            self._hidden.add(name)
            above, _, attribute = name.rpartition(".")
            parent = sys.modules.get(above) or self.modules.get(above)
            if isinstance(parent, ModuleType) and vars(parent).get(attribute) is self.modules[name]:
                self._parents[name] = (parent, attribute, self._before.get(name, _NONE))
        for name in self._hidden & self._parents.keys():
            parent, attribute, before = self._parents[name]
            if vars(parent).get(attribute) is not self.modules[name]:
                continue
            if before is _NONE:
                delattr(parent, attribute)
            else:
                setattr(parent, attribute, before)
        self._known = set(sys.modules)
        base.restore(self)
        self._state = _State()

    # -- in the kernel, too -------------------------------------------------------------------------

    def find_spec(
        self, name: str, path: Any = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Find a module that was imported ahead, where this process would find the same."""
        if self._recording:
            self._bring(name)
        if name in self._hidden:
            known = getattr(self.modules[name], "__spec__", None)
            if known is None:
                return None
            if "." in name or known.origin in {"built-in", "frozen"} or self._same(known, name):
                return importlib.machinery.ModuleSpec(name, _Shower(self), is_package=False)
        if not self._recording:
            return None
        others = (one.find_spec(name, path, target) for one in sys.meta_path if one is not self)
        spec = next((spec for spec in others if spec is not None), None)
        if spec is not None:
            self._watch(spec)
            above, _, attribute = name.rpartition(".")
            self._before[name] = getattr(sys.modules.get(above), "__dict__", {}).get(attribute, _NONE)
        return spec

    def _same(self, known: importlib.machinery.ModuleSpec, name: str) -> bool:
        found = importlib.machinery.PathFinder.find_spec(name)
        return found is not None and found.origin == known.origin

    def show(self, name: str) -> None:
        """Bring a module back with all that its execution had brought."""
        wanted = self._closure(name)
        for each in [each for each in self.modules if each in wanted]:
            self._hidden.discard(each)
            sys.modules[each] = self.modules[each]
            self._known.add(each)
            if each in self._parents:
                parent, attribute, _ = self._parents[each]
                setattr(parent, attribute, self.modules[each])
            for change in self._changes.get(each, ()):
                change.make()
            self.shown(each)
        if self._recording:
            self._state = _State()

    def _closure(self, name: str) -> set[str]:
        found, left = set(), [name]
        while left:
            each = left.pop()
            if each in found or each not in self._hidden:
                continue
            found.add(each)
            left += self._brings.get(each, ())
            if above := each.rpartition(".")[0]:
                left.append(above)
        return found


class _Shower(importlib.abc.Loader):
    """Loads a module that is there already."""

    def __init__(self, hidden: Hidden) -> None:
        self._hidden = hidden
        self._name = ""
        self._spec: Any = None

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> Any:
        """Return the module, whose own specification the import system is about to replace."""
        self._name = spec.name
        module = self._hidden.modules[spec.name]
        self._spec = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Bring back what it had brought."""
        module.__spec__ = self._spec
        self._hidden.show(self._name)


class _State:
    """What modules change of a process when they are executed, and what can be put back."""

    def __init__(self) -> None:
        self.environ = dict(os.environ._data)  # type: ignore[attr-defined]  # noqa: SLF001 - as it is kept, which is quick
        self.filters = list(warnings.filters)
        self.finders = [finder for finder in sys.meta_path if not isinstance(finder, Hidden)]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _State) and vars(self) == vars(other)

    __hash__ = None  # type: ignore[assignment]

    def restore(self, hidden: Hidden) -> None:
        """Let the process be as it was."""
        for name in os.environb.keys() - self.environ.keys():
            del os.environb[name]
        os.environb.update(self.environ)
        warnings.filters[:] = self.filters  # type: ignore[index]
        warnings._filters_mutated()  # type: ignore[attr-defined]  # noqa: SLF001
        sys.meta_path[:] = [hidden, *self.finders]


class _Change:
    """The difference between two states.

    Raises:
        UnfitError: it is none that can be made again.
    """

    def __init__(self, old: _State, new: _State) -> None:
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


def _references(module: Any) -> Iterator[str]:
    """Yield the modules from which the things in a module are: what was compiled imports unseen."""
    for value in list(vars(module).values()):
        yield value.__name__ if isinstance(value, ModuleType) else type(value).__module__
        if isinstance(value, type) or callable(value):
            owner = getattr(value, "__module__", None)
            if isinstance(owner, str):
                yield owner


def _untouched() -> list[Any]:
    """Return what no library may change."""
    handlers = [signal.getsignal(number) for number in signal.valid_signals()]
    hooks = [sys.excepthook, sys.displayhook, sys.unraisablehook, threading.excepthook, sys.gettrace()]
    paths = [list(sys.path), list(sys.path_hooks), os.getcwd()]  # noqa: PTH109
    return [handlers, hooks, paths, sys.getrecursionlimit(), dict(vars(builtins))]


def _generators(modules: dict[str, Any], collector: Any) -> Iterator[Any]:
    """Yield generators of random numbers that nobody would seed anew after a fork."""
    kinds: tuple[type, ...] = (random.Random,)
    # Python sees to these
    names: Any = getattr(sys.modules.get("tempfile") or modules.get("tempfile"), "_name_sequence", None)
    expected = {id(random._inst), id(getattr(names, "_rng", None))}  # noqa: SLF001
    if "numpy.random" in modules:
        numpy = modules["numpy.random"]
        kinds += (numpy.Generator, numpy.RandomState, numpy.BitGenerator)
        own = modules["numpy.random.mtrand"]._rand  # noqa: SLF001 - `renew` sees to it
        expected |= {id(own), id(own._bit_generator)}  # noqa: SLF001
    for one in collector.get_objects():
        if isinstance(one, kinds) and not isinstance(one, random.SystemRandom) and id(one) not in expected:
            yield one
