"""Which kernel a notebook runs in.

A Python notebook runs in the interpreter that runs pytest, whatever its metadata or a kernelspec left in
somebody's home says, unless the annotation names another kernel. Installed kernelspecs are asked only where
they decide.
"""

from __future__ import annotations

import re
import string
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_nbrepro.errors import KernelError

if TYPE_CHECKING:
    from jupyter_client.kernelspec import KernelSpec

CHILD = Path(__file__).with_name("child.py")
_OWN = {"python", "python3"}  # names that every installation gives to its own interpreter
_LAUNCHERS = {"ipykernel_launcher", "ipykernel"}
_PLACE = re.compile(r"\{([A-Za-z0-9_]+)\}")


@dataclass(frozen=True)
class Kernel:
    """How to start a kernel; `command` still holds the kernelspec's places such as ``{connection_file}``."""

    name: str
    command: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    folder: str = ""  # the kernelspec's own
    message_interrupt: bool = False  # interrupted by a message instead of a signal

    @property
    def ipython(self) -> bool:
        """Whether this is IPython's kernel, which is then started by our own script."""
        return self._launcher is not None

    @property
    def _launcher(self) -> int | None:
        """The place of ``-m ipykernel_launcher`` in the command."""
        pairs = zip(self.command, self.command[1:], strict=False)
        return next((i for i, (flag, name) in enumerate(pairs) if flag == "-m" and name in _LAUNCHERS), None)

    def arguments(self, connection: Path, child: Path) -> list[str]:
        """Return the command line.

        Args:
            connection: the connection file.
            child: the configuration of our script, unused for other kernels than IPython's.
        """
        command = list(self.command)
        if self._launcher is not None:
            command[self._launcher : self._launcher + 2] = [str(CHILD), str(child)]
        if command[0] in {*_OWN, f"python{sys.version_info[0]}.{sys.version_info[1]}"}:
            command[0] = sys.executable
        places = {"connection_file": str(connection), "resource_dir": self.folder, "prefix": sys.prefix}
        return [_PLACE.sub(lambda m: places.get(m[1], m[0]), part) for part in command]

    def environment(self, outer: Mapping[str, str]) -> dict[str, str]:
        """Return the variables that the kernelspec sets, those of `outer` filled in."""
        return {name: string.Template(text).safe_substitute(outer) for name, text in self.env.items()}


def _of(python: str) -> Kernel:
    return Kernel("python3", (python, "-m", "ipykernel_launcher", "-f", "{connection_file}"))


OWN = _of(sys.executable)


def choose(kernel: str | None, language: str, recorded: str | None, python: Path | None = None) -> Kernel:
    """Return the kernel to run a notebook in.

    Args:
        kernel: the name that the annotation asks for.
        language: the notebook's language, lower case.
        recorded: the name in the notebook's metadata.
        python: the interpreter to take in the place of our own.

    Raises:
        KernelError: it is not installed; names those that are.
    """
    if language == "python" and (kernel is None or kernel in _OWN):
        return OWN if python is None else _of(str(python))
    wanted = kernel or recorded
    specs = _installed()
    if wanted is None:
        wanted = next((name for name, spec in specs.items() if spec.language.lower() == language), None)
    found = specs.get(wanted.lower()) if wanted is not None else None
    if wanted is None or found is None:
        what = (
            f"no kernel for {language} is installed"
            if wanted is None
            else f"kernel {wanted!r} is not installed"
        )
        names = ", ".join(sorted({*specs, OWN.name}))
        raise KernelError(what, hint=f"installed: {names}; `kernel:` in the annotation chooses one")
    return Kernel(
        name=wanted,
        command=tuple(found.argv),
        env=dict(found.env),
        folder=found.resource_dir,
        message_interrupt=found.interrupt_mode == "message",
    )


def note(kernel: str | None, language: str, recorded: str | None) -> str | None:
    """Return what a person should know where the notebook names another kernel than it ran in."""
    if language != "python" or kernel is not None or recorded is None or recorded in _OWN:
        return None
    if recorded.lower() in _installed():
        return (
            f"the notebook names kernel {recorded!r}; it ran in the Python that runs pytest"
            f" (`kernel: {recorded}` in the annotation chooses the other)"
        )
    return f"the notebook names kernel {recorded!r}, which is not installed; it ran in the Python that runs pytest"


def _installed() -> dict[str, KernelSpec]:
    """Return the kernelspecs that can be read, by name."""
    from jupyter_client.kernelspec import KernelSpecManager

    manager = KernelSpecManager(ensure_native_kernel=False)
    specs = {}
    for name in manager.find_kernel_specs():
        try:
            specs[name] = manager.get_kernel_spec(name)
        except (OSError, ValueError, TypeError):  # unreadable: as good as not installed
            continue
    return specs
