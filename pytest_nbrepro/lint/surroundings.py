"""What a notebook asks of the world around it: the time of day, and the network."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from pytest_nbrepro.lint.base import Place, Subject, found

_CLOCK = frozenset(
    [
        "time.time",
        "time.time_ns",
        "time.localtime",
        "time.gmtime",
        "time.ctime",
        "time.asctime",
        "datetime.datetime.now",
        "datetime.datetime.utcnow",
        "datetime.datetime.today",
        "datetime.date.today",
        "pandas.Timestamp.now",
        "pandas.Timestamp.today",
        "pandas.Timestamp.utcnow",
    ]
)
_GIVEN = {
    "time.localtime": 1,
    "time.gmtime": 1,
    "time.ctime": 1,
    "time.asctime": 1,
}  # with an argument: that time
_NET = frozenset(
    [
        "urllib.request.urlopen",
        "urllib.request.urlretrieve",
        "seaborn.load_dataset",
        "torch.hub.load",
        "datasets.load_dataset",
        "huggingface_hub.hf_hub_download",
        "huggingface_hub.snapshot_download",
        "openml.datasets.get_dataset",
    ]
)
_NET_MODULES = ("requests.", "httpx.", "aiohttp.", "yfinance.", "kaggle.")
_LOCAL = frozenset({"requests.Request", "httpx.Request", "httpx.Timeout"})
_ADDRESS = re.compile(r"(?:https?|ftp|s3|gs|hf)://", re.IGNORECASE)
_COMMAND = re.compile(
    r"^[ \t]*[!%][ \t]*(?:wget|curl|git[ \t]+clone|(?:python\d* -m )?(?:uv )?pip[ \t]+install|conda[ \t]+install)\b"
)
_READERS = re.compile(
    r"(?:^|\.)(?:read_\w+|scan_\w+|open|load|loadtxt|genfromtxt|imread|urlopen|urlretrieve|get)$"
)


def clock(subject: Subject) -> Iterator[Place]:
    """Yield calls that read the time of day; clocks that only measure how long something takes are none."""
    for cell, call, _ in subject.calls():
        name = subject.name_of(call.func) or ""
        if name in _CLOCK and len(call.args) < _GIVEN.get(name, 100):
            yield found(cell, call, f"{name} reads the time of day")


def network(subject: Subject) -> Iterator[Place]:
    """Yield calls and commands that ask other machines."""
    for cell, call, _ in subject.calls():
        if (what := _asks(call, subject.name_of(call.func))) is not None:
            yield found(cell, call, f"{what} asks another machine")
    for code in subject.code:
        for number, line in enumerate(code.cell.source.splitlines(), 1):
            if command := _COMMAND.match(line):
                yield Place(code.cell.index, number, number, f"{command[0].strip()!r} asks another machine")


def _asks(call: ast.Call, name: str | None) -> str | None:
    if name is not None and name not in _LOCAL:
        fetches = name.startswith("sklearn.datasets.fetch_")
        if name in _NET or fetches or (name.startswith(_NET_MODULES) and name.count(".") == 1):
            return name
    said = name or _called(call.func)
    first = call.args[0] if call.args else None
    if isinstance(first, ast.Constant) and isinstance(first.value, str) and _ADDRESS.match(first.value):
        return said if _READERS.search(said) else None
    return None


def _called(node: ast.expr) -> str:
    """Return the name of a function that no import gives."""
    if isinstance(node, ast.Attribute):
        return f".{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""
