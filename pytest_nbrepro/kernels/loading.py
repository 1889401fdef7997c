"""Inside the kernel: what is done right after a library has been imported, such as seeding its generators.

Loaded by `child.py` from its own folder, by path, in any Python from 3.9 on: the standard library alone.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from importlib.machinery import ModuleSpec

_SEEDS = 2**32  # what numpy and Python's hashes take
_FILES = (importlib.machinery.SourceFileLoader, importlib.machinery.ExtensionFileLoader)


class Loaded(importlib.abc.MetaPathFinder):
    """A finder that finds modules as the others do, and calls something when they have run.

    Args:
        calls: by the name of a module, what is called with it; modules that are there already at once.
        around: called before and after a top-level module of a library runs.
        own: tells whether a file is the notebook's own.
    """

    def __init__(
        self,
        calls: Mapping[str, Callable[[Any], object]],
        around: tuple[Callable[[], object], Callable[[], object]] | None = None,
        own: Callable[[str], bool] = bool,
    ) -> None:
        self._calls = dict(calls)
        self._around = around
        self._own = own
        for name in [name for name in self._calls if sys.modules.get(name) is not None]:
            self._calls.pop(name)(sys.modules[name])

    def find_spec(self, name: str, path: Any = None, target: ModuleType | None = None) -> ModuleSpec | None:
        """Find a module, and have it followed up."""
        if name not in self._calls and ("." in name or self._around is None):
            return None
        others = (finder.find_spec(name, path, target) for finder in sys.meta_path if finder is not self)
        spec = next((spec for spec in others if spec is not None), None)
        loader: Any = None if spec is None else spec.loader
        if spec is None or loader is None:
            return spec
        library = self._around is not None and isinstance(loader, _FILES) and not self._own(spec.origin or "")
        if library or name in self._calls:
            self._follow(name, loader, library=library)
        return spec

    def shown(self, name: str) -> None:
        """Follow up a module that was imported ahead, and is there from now on."""
        call = self._calls.pop(name, None)
        if call is not None:
            call(sys.modules[name])

    def _follow(self, name: str, loader: Any, *, library: bool) -> None:
        run = loader.exec_module

        def run_and_call(module: ModuleType) -> None:
            del loader.exec_module  # this once
            if library and self._around is not None:
                self._around[0]()
            try:
                run(module)
            finally:
                if library and self._around is not None:
                    self._around[1]()
            call = self._calls.pop(name, None)
            if call is not None:
                call(module)

        loader.exec_module = run_and_call


def seeds(seed: int) -> dict[str, Callable[[Any], object]]:
    """Return how the global generators of libraries are seeded, by the name of the module."""
    return {
        "numpy.random": lambda module: module.seed(seed % _SEEDS),
        "torch": lambda module: module.manual_seed(seed),
        "tensorflow": lambda module: module.random.set_seed(seed),
    }


def forced_seeds(forced: Mapping[str, Any]) -> dict[str, Callable[[Any], object]]:
    """Return how those libraries are seeded that an experiment names, each with a seed of its own."""
    modules = {"numpy": "numpy.random", "torch": "torch", "tensorflow": "tensorflow"}
    return {module: seeds(forced[name])[module] for name, module in modules.items() if name in forced}


def together(*calls: Mapping[str, Callable[[Any], object]]) -> dict[str, Callable[[Any], object]]:
    """Return mappings of calls as one; what several say of a module is called in their order."""
    found: dict[str, list[Callable[[Any], object]]] = {}
    for some in calls:
        for name, call in some.items():
            found.setdefault(name, []).append(call)

    def one_after_the_other(several: list[Callable[[Any], object]]) -> Callable[[Any], object]:
        return lambda module: [call(module) for call in several]

    return {name: one_after_the_other(several) for name, several in found.items()}
