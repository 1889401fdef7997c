"""Inside the kernel: whose code is at work when something happens, by the frames of the call.

Loaded by `child.py` from its own folder, by path, in any Python from 3.9 on: the standard library alone.

The notebook's own code is what its cells and the project's modules say. Libraries do things for ends of their own:
what they do as they are imported, and what the kernel's machinery does between a cell and the wire, is not laid at
the notebook's door.
"""

from __future__ import annotations

import os
import sys
from types import FrameType
from typing import Any

# ruff: noqa: PTH118, PTH119, PTH120
# (called too often for path objects)

OWN, MACHINERY, IMPORTING, STANDARD, LIBRARY = range(5)

_MACHINERY = {
    *("IPython", "ipykernel", "jupyter_client", "jupyter_core", "comm", "traitlets", "tornado", "zmq"),
    *("ipywidgets", "matplotlib_inline", "_nbrepro_kernel", "_nbrepro_showing"),
    *(
        "tempfile",
        "multiprocessing",
        "asyncio",
        "concurrent",
        "subprocess",
        "ssl",
        "http",
        "email",
        "logging",
    ),
}
"""Top-level modules that draw names and keys for themselves."""
_IMPORTING = "<frozen importlib"


class Tracer:
    """Tells frames apart.

    Args:
        namespace: that of the notebook's cells.
        own: beginnings of the paths of the project's modules.
        foreign: beginnings of paths below these that are tools' (an environment inside the project).
    """

    def __init__(self, namespace: dict[str, Any], own: tuple[str, ...], foreign: tuple[str, ...]) -> None:
        self._namespace = namespace
        self._own = own
        self._standard = os.path.dirname(os.__file__) + os.sep
        self._foreign = (*foreign, os.path.join(self._standard, "site-packages"))
        self._kinds: dict[str, int] = {}

    def kind(self, frame: FrameType) -> int:
        """Return whose frame it is."""
        if frame.f_globals is self._namespace:
            return OWN
        if frame.f_globals.get("__name__", "").partition(".")[0] in _MACHINERY:
            return MACHINERY
        name = frame.f_code.co_filename
        kind = self._kinds.get(name)
        if kind is None:
            kind = self._kinds[name] = self.kind_of(name)
        return kind

    def kind_of(self, name: str) -> int:
        """Return whose a file of code is."""
        if name.startswith(_IMPORTING):
            return IMPORTING
        if name.startswith(self._foreign):
            return LIBRARY
        if name.startswith(self._own):
            return OWN
        return STANDARD if name.startswith((self._standard, "<")) else LIBRARY

    def culprit(self, frame: FrameType | None, *, through_libraries: bool) -> FrameType | None:
        """Return the nearest frame of the notebook's own code; None where it is not the notebook's doing.

        Args:
            frame: where to begin, going outwards.
            through_libraries: what a library does for the notebook counts, too.
        """
        while frame is not None:
            kind = self.kind(frame)
            if kind == OWN:
                return frame
            if kind in {MACHINERY, IMPORTING} or (kind == LIBRARY and not through_libraries):
                return None
            frame = frame.f_back
        return None

    def place(self, frame: FrameType) -> str:
        """Say where a frame of the notebook's own is: in the running cell, a function of another, or a module."""
        if frame.f_globals is not self._namespace:
            return f"{os.path.basename(frame.f_code.co_filename)}, line {frame.f_lineno}"
        outer: FrameType | None = frame
        running = frame
        while outer is not None:
            running = outer if outer.f_globals is self._namespace else running
            outer = outer.f_back
        if frame.f_code.co_filename == running.f_code.co_filename:
            return f"line {frame.f_lineno}"
        return f"in {frame.f_code.co_name}()"

    def beneath(self, frame: FrameType | None) -> FrameType | None:
        """Return the nearest frame of the notebook's own code, whatever lies between; None in imports of libraries."""
        while frame is not None:
            kind = self.kind(frame)
            if kind in {OWN, IMPORTING}:
                return frame if kind == OWN else None
            frame = frame.f_back
        return None


class Environ:
    """Notes which environment variables the notebook's own code reads, each with what tells its values apart.

    The value itself is nowhere kept, nor anything of those that may be secret: four hexadecimal digits tell that
    a variable has changed, and too little else.

    Args:
        tracer: tells whose code it is.
    """

    def __init__(self, tracer: Tracer) -> None:
        self.read: dict[str, str] = {}
        self._tracer = tracer

    def attach(self) -> None:
        """Listen from now on."""
        environ: Any = os.environ
        encode = environ.encodekey

        def encodekey(key: Any) -> Any:
            caller = sys._getframe(1)  # noqa: SLF001
            data = encode(key)
            new = caller.f_code.co_name == "__getitem__" and isinstance(key, str) and key not in self.read
            if new and self._tracer.culprit(caller, through_libraries=False) is not None:
                self.read[key] = _digest(key, environ._data.get(data))  # noqa: SLF001
            return data

        environ.encodekey = encodekey


_SECRET = ("KEY", "TOKEN", "SECRET", "PASS", "PWD", "CRED", "AUTH", "COOKIE", "SESSION", "PRIVATE")


def _digest(name: str, value: Any) -> str:
    if value is None:
        return "unset"
    if any(word in name.upper() for word in _SECRET):
        return "set"
    import hashlib

    data = value if isinstance(value, bytes) else str(value).encode()
    return hashlib.sha256(data).hexdigest()[:4]


class Imports:
    """A finder that finds nothing: it notes which top-level modules are asked for by no import of another.

    What a library asks for while it is imported may be there for no other reason than that it is installed.

    Args:
        tracer: tells whose code it is; what the kernel's machinery asks for does not count either.
    """

    def __init__(self, tracer: Tracer) -> None:
        self.direct: set[str] = set()
        self._tracer = tracer

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
        """Note who asks for the module, and leave finding it to the others."""
        del path, target
        if "." in name:
            return
        frame: FrameType | None = sys._getframe(1)  # noqa: SLF001
        while frame is not None and frame.f_code.co_filename.startswith(_IMPORTING):
            frame = frame.f_back
        while frame is not None:
            kind = self._tracer.kind(frame)
            if kind == OWN:
                self.direct.add(name)
            if kind in {OWN, IMPORTING}:
                return
            frame = frame.f_back


def blamed(error: BaseException | None) -> list[str]:
    """Return the top-level modules that an exception comes from or is about, the nearest first.

    Those of its traceback; the module that could not be imported, or lacks a name; that of the object that lacks an
    attribute; and those of what the failing line names.
    """
    if error is None:
        return []
    found: list[str] = []
    trace = error.__traceback__
    while trace is not None:
        found.append(str(trace.tb_frame.f_globals.get("__name__")))
        trace = trace.tb_next
    found.reverse()
    found.append(str(getattr(error, "name", None) if isinstance(error, ImportError) else None))
    lacking = getattr(error, "obj", None)
    if lacking is not None:
        found.append(_home(lacking))
    found += _named(error)
    skipped = {"", "None", "__main__", "builtins", *_MACHINERY}
    tops = (name.partition(".")[0] for name in found)
    return list(dict.fromkeys(name for name in tops if name not in skipped))


def _home(thing: Any) -> str:
    if isinstance(thing, type(sys)):
        return thing.__name__
    module = getattr(thing, "__module__", None) or type(thing).__module__
    return module if isinstance(module, str) else ""


def _named(error: BaseException) -> list[str]:
    """Return the modules of what the failing line of a cell names."""
    import linecache
    import re

    trace, last = error.__traceback__, None
    while trace is not None:
        if trace.tb_frame.f_globals.get("__name__") == "__main__":
            last = trace
        trace = trace.tb_next
    if last is None:
        return []
    frame = last.tb_frame
    text = linecache.getline(frame.f_code.co_filename, last.tb_lineno)
    known = {**frame.f_globals, **frame.f_locals}
    return [_home(known[name]) for name in re.findall(r"[^\W\d]\w*", text) if name in known]
