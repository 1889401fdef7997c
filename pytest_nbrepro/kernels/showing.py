"""Inside the kernel: keeps the data behind what cells show, before they become a cut text or a picture.

Loaded by `child.py` from its own folder, by path, in any Python from 3.9 on: the standard library alone. The
libraries whose objects these are need not be there: they are recognised by the modules that the notebook imported.

All that is shown goes through IPython's display formatter. For an object that is known here, its data are written
to a file, and the output's metadata get a mark that names it: ``{"kind": "table", "file": "1.frame"}``. Where that is
not possible the mark says why, ``{"kind": "table", "why": "…"}``, and what people see is compared.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any

MARK = "nbrepro"  # the key of a mark in an output's metadata
KEPT = "kept"  # the folder of a run that the files lie in until the run is captured
MOST = 64 << 20  # bytes of an array or a figure
_LONGEST = 200  # characters of a reason

Write = Callable[[Any, str], None]  # an object, and the path of the file that gets its data


class Keeper:
    """Keeps what is shown.

    Args:
        folder: gets the files; made when the first is written.
        load: returns the file beside this one of that name, as a module.
    """

    def __init__(self, folder: str, load: Callable[[str], Any]) -> None:
        self._folder = folder
        self._load = load
        self._count = 0

    def attach(self, formatter: Any) -> None:
        """Have everything marked that a display formatter is given."""
        plain = formatter.format

        def marked(obj: Any, *args: Any, **kwargs: Any) -> Any:
            data, metadata = plain(obj, *args, **kwargs)
            mark = self.mark(obj, data) if data else None  # else the object shows itself in some other way
            return data, metadata if mark is None else {**metadata, MARK: mark}

        formatter.format = marked

    def mark(self, obj: Any, data: Any) -> dict[str, str] | None:
        """Return the mark of an object whose data are kept, or could not be; None for all others.

        Args:
            obj: what is shown.
            data: its forms, by MIME type.
        """
        known = None
        try:
            known = self._known(obj, data)
            if known is None:
                return None
            kind, suffix, write = known
            os.makedirs(self._folder, exist_ok=True)  # noqa: PTH103
            self._count += 1
            name = f"{self._count}.{suffix}"
            write(obj, os.path.join(self._folder, name))  # noqa: PTH118
        except Exception as error:  # noqa: BLE001  # whatever it is, the notebook must go on
            why = " ".join(str(error).split()) or type(error).__name__
            return None if known is None else {"kind": known[0], "why": why[:_LONGEST]}
        return {"kind": kind, "file": name}

    def _known(self, obj: Any, data: Any) -> tuple[str, str, Write] | None:
        """Return the kind of an object, the suffix of its file and what writes it."""
        for library in ("pandas", "polars"):
            if is_one(obj, library, "DataFrame", "Series"):
                return "table", "frame", self._load("tabling").write
        if is_one(obj, "numpy", "ndarray"):
            return "array", "npy", save
        if is_one(obj, "torch", "Tensor"):
            return "array", "npy", _save_tensor
        if is_one(obj, "matplotlib.figure", "Figure") and any(mime.startswith("image/") for mime in data):
            return "figure", "npz", self._draw
        return None

    def _draw(self, figure: Any, path: str) -> None:
        self._load("drawing").write(figure, path, self._load, MOST)


def is_one(obj: Any, module: str, *names: str) -> bool:
    """Tell whether an object is of one of these classes, without importing their module."""
    loaded = sys.modules.get(module)
    classes = [getattr(loaded, name, None) for name in names]
    return any(isinstance(known, type) and isinstance(obj, known) for known in classes)


def save(array: Any, path: str) -> None:
    """Write an array of numpy.

    Raises:
        TypeError: it is of a subclass that says more than its values, or holds objects.
        ValueError: it is too large.
    """
    numpy: Any = sys.modules["numpy"]
    if type(array) not in (numpy.ndarray, numpy.memmap):
        raise TypeError(f"it is of type {type(array).__module__}.{type(array).__name__}")
    if array.dtype.hasobject:
        raise TypeError("it holds Python objects")
    if array.nbytes > MOST:
        raise ValueError(f"{array.nbytes:,} bytes, more than the {MOST >> 20} MiB that are kept")
    numpy.save(path, array, allow_pickle=False)


def _save_tensor(tensor: Any, path: str) -> None:
    if tensor.device.type != "cpu":  # to fetch it would take the notebook's time
        raise TypeError(f"it is on the device {tensor.device}")
    save(tensor.detach().numpy(), path)
