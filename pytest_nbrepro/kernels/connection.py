"""What a kernel starts with: a private folder, the sockets, the environment."""

from __future__ import annotations

import json
import os
import secrets
import socket
import tempfile
from collections.abc import Mapping
from pathlib import Path

from pytest_nbrepro.kernels import threads

_LONGEST = 90  # characters of a folder for sockets: the system allows 107 for the whole path, macOS 103
FRESH = ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR")
_DROPPED = {
    "IPY_INTERRUPT_EVENT",
    "MPLBACKEND",  # the kernel's default draws into the notebook
    "PYTHONEXECUTABLE",
    "PYTHONINSPECT",
    "PYTHONSAFEPATH",  # the notebook's own folder stays importable
    "PYTHONSTARTUP",  # IPython would run it
    "PYTHONWARNINGS",  # meant for pytest
}
_DROPPED_PREFIXES = ("PYTEST_", "COV_CORE_", "COVERAGE_", "JPY_")
_HASH_SEEDS = 2**32
_PORTS = ("shell_port", "iopub_port", "stdin_port", "control_port", "hb_port")


def private_folder() -> Path:
    """Return a new folder that only this user can enter, its path short enough for sockets if possible."""
    usual = tempfile.gettempdir()
    places = [usual, "/tmp", "/var/tmp"] if os.name == "posix" else [usual]  # noqa: S108
    short = [p for p in places if len(p) < _LONGEST - 12 and os.access(p, os.W_OK | os.X_OK)]
    return Path(tempfile.mkdtemp(prefix="nb-", dir=short[0] if short else usual))


def connect(folder: Path, *, sockets: bool) -> Path:
    """Write a new connection file.

    Args:
        folder: a private folder.
        sockets: use sockets in `folder`, where the system and the path's length allow; else TCP ports,
            which are free now and may be taken when the kernel binds them.
    """
    if sockets and os.name == "posix" and len(str(folder)) <= _LONGEST:
        # a new name each time: a socket left by a kernel that died on its start would be in the way
        ip = str(folder / secrets.token_hex(2))
        numbers = dict(zip(_PORTS, range(1, 6), strict=True))
        transport = "ipc"
    else:
        ip = "127.0.0.1"
        numbers = dict(zip(_PORTS, _free_ports(ip, len(_PORTS)), strict=True))
        transport = "tcp"
    path = folder / f"connection-{secrets.token_hex(4)}.json"
    told = {"ip": ip, "transport": transport, "key": secrets.token_hex(16), "kernel_name": "", **numbers}
    told["signature_scheme"] = "hmac-sha256"
    path.write_text(json.dumps(told), encoding="utf-8")
    path.chmod(0o600)
    return path


def environment(
    outer: Mapping[str, str],
    extra: Mapping[str, str],
    folder: Path,
    seed: int | None,
    root: Path | None = None,
) -> tuple[dict[str, str], dict[str, str]]:
    """Return the environment for a kernel, and what of it was set on purpose.

    Args:
        outer: the environment of this process.
        extra: what the kernelspec and the annotation set; it has the last word.
        folder: the private folder, in which IPython and Jupyter find nothing of the user's.
        seed: for Python's hashes; they stay random without one.
        root: a folder to import from, for a Python kernel that our script does not start.

    Returns:
        Both by name; among what was set, a folder that differs each time reads ``<fresh>``, and a variable of
        the user's that was taken away ``<unset>``; those of the test harness are not told.
    """
    dropped = {n for n in outer if n in _DROPPED or n.startswith(_DROPPED_PREFIXES)}
    env = {name: text for name, text in outer.items() if name not in dropped}
    places = [str(root)] if root is not None else []
    if path := env.get("PYTHONPATH"):  # a relative entry meant pytest's folder, not the notebook's
        places += [os.path.abspath(place) for place in path.split(os.pathsep)]  # noqa: PTH100
    if places:
        env["PYTHONPATH"] = os.pathsep.join(places)
    # what the notebook starts with Python must not write into the project
    chosen = {"PYTHONDONTWRITEBYTECODE": "1"}
    if seed is not None:
        chosen["PYTHONHASHSEED"] = str(seed % _HASH_SEEDS)
    chosen |= extra
    new = {name: text for name, text in fresh(folder).items() if name not in extra}
    told = {
        **dict.fromkeys(sorted(dropped & _DROPPED), "<unset>"),
        **dict.fromkeys(new, "<fresh>"),
        **chosen,
    }
    return {**env, **new, **chosen}, told


def fresh(folder: Path) -> dict[str, str]:
    """Return the variables by which IPython and Jupyter keep to a folder."""
    return {name: str(folder / name.lower()) for name in FRESH}


def shared(
    outer: Mapping[str, str], extra: Mapping[str, str], seed: int | None, count: int | None
) -> dict[str, str]:
    """Return what kernels of our own interpreter have in common in their environments.

    Args:
        outer: the environment of who asks.
        extra: what the annotation sets.
        seed: for Python's hashes.
        count: how many threads libraries may use.
    """
    env, _ = environment(outer, {**extra, **threads.divided(count, {**outer, **extra})}, Path(), seed)
    return {name: text for name, text in env.items() if name not in FRESH}


def _free_ports(ip: str, count: int) -> list[int]:
    held = [socket.socket() for _ in range(count)]
    try:
        for one in held:
            one.bind((ip, 0))
        return [int(one.getsockname()[1]) for one in held]
    finally:
        for one in held:
            one.close()
