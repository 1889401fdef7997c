"""Inside the fork server: libraries are imported ahead, and hidden from kernels until these import them.

Loaded by `server.py` from its own folder: the standard library alone.

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
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING or __package__:
    from pytest_nbrepro.kernels import effects
else:  # in the server
    import effects

_LOADERS = (
    importlib.machinery.SourceFileLoader,
    importlib.machinery.SourcelessFileLoader,
    importlib.machinery.ExtensionFileLoader,
)
_NONE = object()
_TOP = ""  # what is imported by nobody


class Hidden(importlib.abc.MetaPathFinder):
    """What was imported ahead; a finder that brings it back."""

    def __init__(self) -> None:
        self.modules: dict[str, Any] = {}  # in the order of their execution
        self.shown: Callable[[str], object] = lambda _: None  # called with each module that comes back
        self._hidden: set[str] = set()
        self._brings: dict[str, set[str]] = {}  # by a module, what its execution imported itself
        self._changes: dict[str, list[effects.Change]] = {}
        self._parents: dict[
            str, tuple[Any, str, Any]
        ] = {}  # whose attribute a module is, and what that was before
        self._before: dict[str, Any] = {}
        self._base = set(sys.modules)
        self._known = set(sys.modules)
        self._executing = [_TOP]
        self._recording = False
        self._state = effects.State(self)

    # -- in the server ------------------------------------------------------------------------------

    def load(self, names: Iterable[str]) -> None:
        """Import modules ahead, and hide them; names that are none are passed over.

        Raises:
            effects.UnfitError: they change what cannot be hidden.
        """
        collector = importlib.import_module("gc")
        if "gc" not in self._base:  # nor in a new kernel
            del sys.modules["gc"]
        untouched, base = effects.untouched(), effects.State(self)
        sys.meta_path.insert(0, self)
        self._state = effects.State(self)
        for name in names:
            with self._recorded(), contextlib.suppress(ImportError):
                importlib.import_module(name)
            self._hide(base)
        if untouched != effects.untouched():
            raise effects.UnfitError("a library changes signals, the path or hooks when it is imported")
        foreign = sorted({type(one).__qualname__ for one in effects.generators(self.modules, collector)})
        if foreign:
            raise effects.UnfitError(f"libraries keep random generators: {', '.join(foreign)}")

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
        state = effects.State(self)
        if state != self._state:
            change = effects.Change(self._state, state)
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

    def _hide(self, base: effects.State) -> None:
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
        base.restore()
        self._state = effects.State(self)

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
            self._state = effects.State(self)

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


def _references(module: Any) -> Iterator[str]:
    """Yield the modules from which the things in a module are: what was compiled imports unseen."""
    for value in list(vars(module).values()):
        yield value.__name__ if isinstance(value, ModuleType) else type(value).__module__
        if isinstance(value, type) or callable(value):
            owner = getattr(value, "__module__", None)
            if isinstance(owner, str):
                yield owner
